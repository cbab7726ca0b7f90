$ migstream compat --help
Usage: migstream compat [OPTIONS] [STREAM | SCHEMA] [-- QEMU-ARGUMENTS...]

  Whether a stream will load in another QEMU.

  The load is played section by section: versions, fields by their bytes,
  subsections, RAM blocks, the machine, and what devices check by themselves.
  --to and --to-stream add to each other; a stream says more. With --try the
  QEMU is given the stream, too.

  With --to 10.0, debian-13 and the like no file or QEMU of the destination is
  needed: the catalogue has what that release would save of the machine that the
  arguments behind -- describe, or, without any, the XML of the libvirt domain
  (--xml, or that of the save image), or of the stream's own.

  In place of STREAM, a -dump-vmstate file is held against another one (--to),
  and with --from-qemu every machine type that both QEMUs have is saved by one
  and played for the other.

  Exit status: 0 QEMU would accept it, 1 it would not.

Options:
  --to SCHEMA                  The destination's -dump-vmstate; for `compat` and
                               `heal` a release, too: 10.0, debian-13.
  --to-stream OTHER            A stream that the destination saved, started as
                               it will be for the load.
  --release VERSION            The destination's release, such as 10.0.
  --cap NAME                   A migration capability that is on there; once for
                               each.
  --to-qemu PATH               Ask this QEMU for both, started with the
                               arguments behind --.
  --from-qemu PATH             Every machine type of this QEMU that --to-qemu
                               has as well.
  --machine NAME               Of --from-qemu only these machine types;
                               wildcards as in a shell.
  --all                        Every release in the catalogue, a line each.
  --catalogue PATH             A catalogue, or a folder of them, before those of
                               migstream.
  --xml FILE                   The libvirt domain that is started there; that of
                               a save image otherwise.
  --try                        Give what is loaded to the QEMU, too.
  --accept FILE                Breaks that were accepted (TOML).
  --like OTHER                 Take the description from another stream where
                               this one has none.
  --channel FILE               A recorded multifd channel of this migration; a
                               folder or a pattern ('ch*.bin') for several.
  --offset N                   Where in STREAM the stream begins; offsets are
                               counted from there.
  --inside NAME                Which one of several that STREAM holds: a
                               snapshot's id or name, a connection.
  --container KIND             What the stream stands in (none: nothing), where
                               the bytes mislead.
  --walk                       Read all of a large stream before anything is
                               said of it.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # Two -dump-vmstate files (1: a break)
  $ migstream compat old.json --to new.json
  # Will the QEMU that saved bad.mig load it?
  $ migstream compat good.mig --to-stream bad.mig
  # A stream, with every device (1: it fails)
  $ migstream compat good.mig --to new.json -v

$ migstream compat pc-7.2.mig --to-stream pc-7.2.mig
pc-7.2.mig: loads in pc-7.2.mig (QEMU 7.2 or newer, older than 8.2)
all 30 devices load

$ migstream compat pc-7.2.mig --to-stream pc-7.2.mig -v
pc-7.2.mig: loads in pc-7.2.mig (QEMU 7.2 or newer, older than 8.2)

device                    verdict
timer[0]                  loads
cpu_common[0]             loads
cpu[0]                    loads
kvm-tpr-opt[0]            loads
apic[0]                   loads
fw_cfg[0]                 loads
PCIHost[0]                loads
PCIBUS[0]                 loads
0000:00:00.0/I440FX[0]    loads
dma[0]                    loads
dma[1]                    loads
0000:00:01.0/PIIX3[0]     loads
i8259[0]                  loads
i8259[1]                  loads
ioapic[0]                 loads
hpet[0]                   loads
mc146818rtc[0]            loads
i8254[0]                  loads
pcspk[0]                  loads
fdc[0]                    loads
ps2kbd[0]                 loads
ps2mouse[0]               loads
pckbd[0]                  loads
vmmouse[0]                loads
port92[0]                 loads
0000:00:01.1/ide[0]       loads
i2c_bus[0]                loads
0000:00:01.3/piix4_pm[0]  loads
acpi_build[0]             loads
globalstate[0]            loads

$ migstream compat q35-7.2.mig --to-stream pc-7.2.mig
q35-7.2.mig: does not load in pc-7.2.mig (QEMU 7.2 or newer, older than 8.2)

0xd    the machine type is pc-q35-7.2, that of the destination pc-i440fx-7.2
  hint: start the destination with -machine pc-q35-7.2
  QEMU will say:
    Machine type received is 'pc-q35-7.2' and local is 'pc-i440fx-7.2'
    load of migration failed: Invalid argument

0x30  ram/pc.ram  the stream's machine has 32M of RAM, the destination's 16M of RAM
  hint: start with -m 32M

0x6c  ram/0000:00:01.0/virtio-net-pci.rom  the destination has no RAM block 0000:00:01.0/virtio-net-pci.rom
  hint: the device that it belongs to is missing, or at another address

0x94  ram/0000:00:02.0/e1000e.rom  the destination has no RAM block 0000:00:02.0/e1000e.rom
  hint: the device that it belongs to is missing, or at another address

0xc033e  cpu_common[1]  the stream has 2 CPUs, the destination 1
  hint: start with -smp 2

0xc0bfa  0000:00:00.0/mch[0]  the destination has no device 0000:00:00.0/mch with instance id 0
  hint: add the device to its command line

0xc0d64  PCIBUS[0]/nirq  nirq is 8, that of the destination 4, and they must be equal

0xc0e4f  0000:00:1f.0/ICH9LPC[0]  the destination has no device 0000:00:1f.0/ICH9LPC with instance id 0
  hint: add the device to its command line

0xc5bca  serial[0]  the destination has no device serial with instance id 0
  hint: add the device to its command line

0xc6ede  0000:00:1f.2/ich9_ahci[0]  the destination has no device 0000:00:1f.2/ich9_ahci with instance id 0
  hint: add the device to its command line

0xc7f6a  0000:00:1f.3/ich9_smb[0]  the destination has no device 0000:00:1f.3/ich9_smb with instance id 0
  hint: add the device to its command line

0xc80d7  0000:00:01.0/virtio-net[0]  the destination has no device 0000:00:01.0/virtio-net with instance id 0
  hint: add the device to its command line

0xd3540  0000:00:02.0/e1000e[0]  the destination has no device 0000:00:02.0/e1000e with instance id 0
  hint: add the device to its command line

0xf48e3  0000:00:03.0/xhci[0]  the destination has no device 0000:00:03.0/xhci with instance id 0
  hint: add the device to its command line

0xf5de6  0000:00:03.0/1/usb-ptr[0]  the destination has no device 0000:00:03.0/1/usb-ptr with instance id 0
  hint: add the device to its command line

0xf5f39  0000:00:03.0/2/usb-kbd[0]  the destination has no device 0000:00:03.0/2/usb-kbd with instance id 0
  hint: add the device to its command line

0xf5fe3  0000:00:04.0/virtio-rng[0]  the destination has no device 0000:00:04.0/virtio-rng with instance id 0
  hint: add the device to its command line

device                      verdict
cpu_common[1]               FAILS    at 0xc033e: section
cpu[1]                      FAILS    at 0xc033e: section
apic[1]                     FAILS    at 0xc033e: section
0000:00:00.0/mch[0]         FAILS    at 0xc0bfa: section
PCIBUS[0]                   FAILS    at 0xc0d64: value
0000:00:1f.0/ICH9LPC[0]     FAILS    at 0xc0e4f: section
serial[0]                   FAILS    at 0xc5bca: section
0000:00:1f.2/ich9_ahci[0]   FAILS    at 0xc6ede: section
0000:00:1f.3/ich9_smb[0]    FAILS    at 0xc7f6a: section
0000:00:01.0/virtio-net[0]  FAILS    at 0xc80d7: section
0000:00:02.0/e1000e[0]      FAILS    at 0xd3540: section
0000:00:03.0/xhci[0]        FAILS    at 0xf48e3: section
0000:00:03.0/1/usb-ptr[0]   FAILS    at 0xf5de6: section
0000:00:03.0/2/usb-kbd[0]   FAILS    at 0xf5f39: section
0000:00:04.0/virtio-rng[0]  FAILS    at 0xf5fe3: section

not in the stream, so as after a reset on the destination: 0000:00:00.0/I440FX[0], 0000:00:01.0/PIIX3[0], fdc[0], 0000:00:01.1/ide[0], 0000:00:01.3/piix4_pm[0]
[exit status 1]

$ migstream compat pc-uuid-7.2.mig --to-stream pc-7.2.mig --json
{
  "migstream": "compat",
  "format": 1,
  "file": "pc-uuid-7.2.mig",
  "destination": "pc-7.2.mig",
  "release": "7.2 or newer, older than 8.2",
  "accepted": true,
  "problems": [],
  "accepted_breaks": [],
  "devices": [
    {
      "device": "timer[0]",
      "offset": 239045,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "cpu_common[0]",
      "offset": 239093,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "cpu[0]",
      "offset": 239130,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "kvm-tpr-opt[0]",
      "offset": 241003,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "apic[0]",
      "offset": 241177,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "fw_cfg[0]",
      "offset": 241381,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "PCIHost[0]",
      "offset": 241480,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "PCIBUS[0]",
      "offset": 241510,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "0000:00:00.0/I440FX[0]",
      "offset": 241555,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "dma[0]",
      "offset": 241870,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "dma[1]",
      "offset": 241967,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "0000:00:01.0/PIIX3[0]",
      "offset": 242064,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "i8259[0]",
      "offset": 242393,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "i8259[1]",
      "offset": 242433,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "ioapic[0]",
      "offset": 242473,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "hpet[0]",
      "offset": 242704,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "mc146818rtc[0]",
      "offset": 242878,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "i8254[0]",
      "offset": 243153,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "pcspk[0]",
      "offset": 243285,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "fdc[0]",
      "offset": 243311,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "ps2kbd[0]",
      "offset": 243926,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "ps2mouse[0]",
      "offset": 244235,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "pckbd[0]",
      "offset": 244553,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "vmmouse[0]",
      "offset": 244617,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "port92[0]",
      "offset": 248748,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "0000:00:01.1/ide[0]",
      "offset": 248774,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "i2c_bus[0]",
      "offset": 249239,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "0000:00:01.3/piix4_pm[0]",
      "offset": 249266,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "acpi_build[0]",
      "offset": 251738,
      "verdict": "loads",
      "lost": [],
      "notes": []
    },
    {
      "device": "globalstate[0]",
      "offset": 251768,
      "verdict": "loads",
      "lost": [],
      "notes": []
    }
  ],
  "missing": [],
  "options": [],
  "undecided": [],
  "assumptions": [],
  "tried": null
}

# A device that one side lacks.
$ migstream drop pc-7.2.mig fdc 'cpu[0]/poll_control_msr' -o without.mig
0x3b647 -> 0x3b625        drop    fdc[0]  615 bytes
0x3ad1c -> 0x3ad1c        drop    cpu[0]/cpu/poll_control_msr  34 bytes

$ migstream compat pc-7.2.mig --to-stream without.mig
pc-7.2.mig: does not load in without.mig (QEMU 7.2 or newer, older than 8.2)

0x3b647  fdc[0]  the destination has no device fdc with instance id 0
  hint: add the device to its command line
  QEMU will say:
    Unknown savevm section or instance 'fdc' 0. Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices
    load of migration failed: Invalid argument

device  verdict
fdc[0]  FAILS    at 0x3b647: section
[exit status 1]

$ migstream compat without.mig --to-stream pc-7.2.mig
without.mig: loads in pc-7.2.mig (QEMU 7.2 or newer, older than 8.2)
all 29 devices load

not in the stream, so as after a reset on the destination: fdc[0]

# Breaks that were accepted.
$ printf '[[break]]\ndevice = "*"\nkind = "section"\nreason = "no disk there"\n' > breaks.toml

$ migstream compat pc-7.2.mig --to-stream without.mig --accept breaks.toml
pc-7.2.mig: loads in without.mig (QEMU 7.2 or newer, older than 8.2)
accepted: fdc[0]: the destination has no device fdc with instance id 0 (no disk there)

device  verdict
fdc[0]  FAILS    at 0x3b647: section

$ migstream compat pc-7.2.mig
[stderr]
Usage: migstream compat [OPTIONS] [STREAM | SCHEMA] [-- QEMU-ARGUMENTS...]
Try 'migstream compat --help' for help.

Error: say where to: --to RELEASE, --to SCHEMA, --to-stream OTHER or --to-qemu PATH
[exit status 2]

$ migstream compat pc-7.2.mig --to nothing.json
[stderr]
migstream: nothing.json: no such file or directory [MS400]
[exit status 5]

$ migstream compat pc-7.2.mig --to pc-7.2.mig
[stderr]
migstream: pc-7.2.mig: it is not a -dump-vmstate file: JSON is malformed: invalid character (byte 0) [MS130]
[exit status 3]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream compat cut.mig --to-stream pc-7.2.mig
cut.mig: does not load in pc-7.2.mig (QEMU 7.2 or newer, older than 8.2)

0x3a980  cpu[0]  wanted 5 bytes, 0 left
  hint: the stream was cut off; what precedes this place is intact

device  verdict
cpu[0]  FAILS    at 0x3a980: damage
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns, in colour.
$ migstream compat pc-xbzrle-7.2.mig --to-stream q35-7.2.mig -v
\e[1mpc-xbzrle-7.2.mig: does not load in q35-7.2.mig (QEMU 7.2 or newer, older than\e[0m
  \e[1m8.0)\e[0m

0xd    the machine type is pc-i440fx-7.2, that of the destination pc-q35-7.2
  hint: start the destination with -machine pc-i440fx-7.2
  QEMU will say:
    \e[2mMachine type received is 'pc-i440fx-7.2' and local is 'pc-q35-7.2'\e[0m
    \e[2mload of migration failed: Invalid argument\e[0m

0x33  \e[36mram/pc.ram\e[0m  the stream's machine has 16M of RAM, the destination's 32M of
      RAM
  hint: start with -m 16M

0x13507b  \e[36mPCIBUS[0]/nirq\e[0m  nirq is 4, that of the destination 8, and they must be
          equal

0x135094  \e[36m0000:00:00.0/I440FX[0]\e[0m  the destination has no device
          0000:00:00.0/I440FX with instance id 0
  hint: add the device to its command line

0x135291  \e[36m0000:00:01.0/PIIX3[0]\e[0m  the destination has no device
          0000:00:01.0/PIIX3 with instance id 0
  hint: add the device to its command line

0x135770  \e[36mfdc[0]\e[0m  the destination has no device fdc with instance id 0
  hint: add the device to its command line

0x136cc7  \e[36m0000:00:01.1/ide[0]\e[0m  the destination has no device 0000:00:01.1/ide
          with instance id 0
  hint: add the device to its command line

0x1370b3  \e[36m0000:00:01.3/piix4_pm[0]\e[0m  the destination has no device
          0000:00:01.3/piix4_pm with instance id 0
  hint: add the device to its command line

\e[2mdevice                    verdict\e[0m
timer[0]                  loads
cpu_common[0]             loads
cpu[0]                    loads    cpu[0]/cpu/msr_smi_count: nothing says
                                   whether the destination knows this subsection
kvm-tpr-opt[0]            loads
apic[0]                   loads
fw_cfg[0]                 loads
PCIHost[0]                loads
PCIBUS[0]                 \e[1;31mFAILS\e[0m    at 0x13507b: value
0000:00:00.0/I440FX[0]    \e[1;31mFAILS\e[0m    at 0x135094: section
dma[0]                    loads
dma[1]                    loads
0000:00:01.0/PIIX3[0]     \e[1;31mFAILS\e[0m    at 0x135291: section
i8259[0]                  loads
i8259[1]                  loads
ioapic[0]                 loads
hpet[0]                   loads
mc146818rtc[0]            loads
i8254[0]                  loads
pcspk[0]                  loads
fdc[0]                    \e[1;31mFAILS\e[0m    at 0x135770: section
ps2kbd[0]                 loads
ps2mouse[0]               loads
pckbd[0]                  loads
vmmouse[0]                loads
port92[0]                 loads
0000:00:01.1/ide[0]       \e[1;31mFAILS\e[0m    at 0x136cc7: section
i2c_bus[0]                loads
0000:00:01.3/piix4_pm[0]  \e[1;31mFAILS\e[0m    at 0x1370b3: section
acpi_build[0]             loads
globalstate[0]            loads

the stream has 1 CPU, the destination 2: as after a reset there: cpu_common[1],
  cpu[1], apic[1]
  hint: start with -smp 1

not in the stream, so as after a reset on the destination: 0000:00:00.0/mch[0],
  0000:00:1f.0/ICH9LPC[0], serial[0], 0000:00:1f.2/ich9_ahci[0],
  0000:00:1f.3/ich9_smb[0], 0000:00:01.0/virtio-net[0], 0000:00:02.0/e1000e[0],
  0000:00:03.0/xhci[0], 0000:00:03.0/1/usb-ptr[0], 0000:00:03.0/2/usb-kbd[0],
  0000:00:04.0/virtio-rng[0]
[exit status 1]
