"""Special-purpose registers of PowerPC by number: the same number is another register on another processor.

References
----------
Power ISA, Book III, "Move To/From System Register Instructions"; QEMU, target/ppc/spr_common.h, cpu_init.c
"""

from __future__ import annotations

from functools import cache

__all__ = ["CLASSIC", "PROCESSORS", "PVR", "SPRS", "names_of"]

SPRS = {
    "xer": 1,
    "lr": 8,
    "ctr": 9,
    "dsisr": 18,
    "dar": 19,
    "srr0": 26,
    "srr1": 27,
    "vrsave": 256,
    **{f"sprg{n}": 272 + n for n in range(8)},
    "pvr": 287,
    "hid0": 1008,
}
# Other numbers mean other registers, or none, on other processors.
CLASSIC = {"sdr1": 25}
SERVER = {"cfar": 28, "pidr": 48, "hsrr0": 314, "hsrr1": 315, "lpcr": 318, "lpidr": 319}
BOOK_E = {
    "pid": 48,
    "decar": 54,
    "csrr0": 58,
    "csrr1": 59,
    "dear": 61,
    "esr": 62,
    "ivpr": 63,
    "pir": 286,
    "epcr": 307,
    "tsr": 336,
    "tcr": 340,
    "mcsrr0": 570,
    "mcsrr1": 571,
    "mcsr": 572,
    "mcar": 573,
    "sprg8": 604,
    "pid1": 633,
    "pid2": 634,
    "epr": 702,
    "svr": 1023,
}
FREESCALE = {
    **{f"mas{n}": 624 + n for n in range(5)},
    "mas6": 630,
    "tlb0cfg": 688,
    "tlb1cfg": 689,
    "mas7": 944,
    "mmucfg": 1015,
}
PROCESSORS = {
    # the high half of the PVR
    **dict.fromkeys((0x4222, 0x7FF2, 0x1302), BOOK_E),  # 440, 460
    **dict.fromkeys((0x8020, 0x8021, 0x8023, 0x8024, 0x8040), BOOK_E | FREESCALE),  # e500 to e6500
    **dict.fromkeys((0x3F, 0x4A, 0x4B, 0x4C, 0x4D), SERVER | CLASSIC),  # POWER7, POWER8
    **dict.fromkeys((0x4E, 0x80, 0x82), SERVER | {"ptcr": 464}),  # POWER9 and later
}

PVR = SPRS["pvr"]
# Timers, monitors and what only the system sees: beside the ones above, which gdb and the monitor show.
TIME = {"dec": 22, "tbl": 268, "tbu": 269}
SUPERVISOR = {
    "udscr": 3, "uamr": 13, "dscr": 17, "amr": 29, "uamor": 157, "ctrl": 152, "uctrl": 136, "iamr": 61, "acop": 31,
    "tidr": 144,
    "tbu40": 286,
    "wort": 895,
    "tfhar": 128,
    "tfiar": 129, "texasr": 130, "texasru": 131, "fscr": 153, "pspb": 159, "dpdes": 176, "dawr0": 180, "dawr1": 181,
    "rpr": 186, "ciabr": 187, "dawrx0": 188, "dawrx1": 189, "hfscr": 190, "usprg3": 259, "spurr": 308, "purr": 309,
    "hdec": 310, "hsprg0": 304, "hsprg1": 305, "hdsisr": 306, "hdar": 307, "rmor": 312, "hrmor": 313, "ic": 848, "vtb": 849,
    "hmer": 336, "hmeer": 337, "pcr": 338, "heir": 339, "amor": 349, "tir": 446, "siar": 796, "sdar": 797, "sier": 784,
    "mmcr2": 785, "mmcra": 786, "pmc1": 787, "pmc2": 788, "pmc3": 789, "pmc4": 790, "pmc5": 791, "pmc6": 792, "mmcr0": 795,
    "mmcr1": 798, "usier": 768, "ummcr2": 769, "ummcra": 770, "upmc1": 771, "upmc2": 772, "upmc3": 773, "upmc4": 774,
    "upmc5": 775, "upmc6": 776, "ummcr0": 779, "usiar": 780, "usdar": 781, "ummcr1": 782, "tar": 815, "bescrs": 800,
    "bescrsu": 801, "bescrr": 802, "bescrru": 803, "ebbhr": 804, "ebbrr": 805, "bescr": 806, "ppr": 896, "ppr32": 898,
    "psscr": 855, "pir": 1023,
}  # fmt: skip
OLDER = {
    "ear": 282, "hid1": 1009, "iabr": 1010, "dabr": 1013, "l2cr": 1017, "pir": 1023,
    **{f"{kind}bat{n}{half}": start + 2 * n + at
       for kind, start in (("i", 528), ("d", 536)) for n in range(4) for at, half in enumerate("ul")},
}  # fmt: skip


@cache
def names_of(pvr: int) -> dict[int, str]:
    """The names of a processor's registers by number, all that are known."""
    known = PROCESSORS.get(pvr >> 16, CLASSIC)
    more = (
        SUPERVISOR
        if known.keys() >= SERVER.keys()
        else {}
        if known.keys() >= BOOK_E.keys()
        else OLDER
    )
    return {number: name for name, number in (TIME | more | SPRS | known).items()}
