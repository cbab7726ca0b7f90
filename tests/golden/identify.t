$ migstream identify --help
Usage: migstream identify [OPTIONS] STREAM

  Which QEMU wrote this: release, whose build, target, accelerator, CPU.

  Each fact in the stream that not every release writes narrows the releases
  down; those that begin and end the answer are listed with their places, -v
  lists all. A damaged stream is taken as far as it goes.

Options:
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
  # Which QEMU wrote it, and what tells that
  $ migstream identify guest.mig
  # All that was found, with its place
  $ migstream identify guest.mig -v
  # For a program
  $ migstream identify guest.mig --json
$ migstream identify pc-7.2.mig
QEMU          7.2 to 8.1 (of the catalogue: 7.2)
machine       pc-i440fx-7.2
target        x86_64
accelerator   TCG
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU that started the guest

Evidence
  releases        where          what                                 from
  7.2 or later    configuration  the machine type is pc-i440fx-7.2    rule
  8.1 or earlier  description    does not describe the configuration  rule
  8.1 or earlier  PCIBUS[0]      PCIBUS stands before I440FX          catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIBUS          catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIHost         catalogue
  8.1 or earlier  hpet[0]        hpet stands before mc146818rtc       catalogue
  8.1 or earlier  port92[0]      port92 stands before ide             catalogue
  and 35 more facts (-v), which all agree
$ migstream identify q35-7.2.mig -v | head -n 30
QEMU          7.2 (of the catalogue: 7.2)
machine       pc-q35-7.2
target        x86_64
accelerator   TCG
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU that started the guest

Evidence
  releases         where                                            what                                            from
  7.2 or later     configuration                                    the machine type is pc-q35-7.2                  rule
  2.7 to 7.2       0000:00:02.0/e1000e[0]                           e1000e has core.eitr_intr_pending               catalogue
  2.7 to 7.2       0000:00:02.0/e1000e[0]                           e1000e has core.itr_intr_pending                catalogue
  2.4 or later     configuration                                    has a configuration section                     rule
  2.3 or later     description                                      there is one                                    rule
  6.0 or later     description                                      has no blanks inside of braces                  rule
  8.1 or earlier   description                                      does not describe the configuration             rule
  11.0 or earlier  description                                      counts elements with an index                   rule
  4.1 or later     cpu[0]                                           cpu has env.exception_nr (2 times)              catalogue
  2.3 or later     cpu[0]/env.fpregs                                has the VMState fpreg (2 times)                 catalogue
  2.10 or later    cpu[0]/env.fpregs                                fpreg has version 0 (2 times)                   catalogue
  2.10 or later    cpu[0]/env.fpregs/tmp                            has the VMState fpreg_tmp (2 times)             catalogue
  2.6 or later     cpu[0]/env.xmm_regs[0]                           xmm_reg has no XMM_Q(0) (2 times)               catalogue
  2.6 or later     cpu[0]/env.xmm_regs[0]                           xmm_reg has no XMM_Q(1) (2 times)               catalogue
  2.6 or later     cpu[0]/env.xmm_regs[1]                           ymmh_reg has no XMM_Q(2) (2 times)              catalogue
  2.6 or later     cpu[0]/env.xmm_regs[1]                           ymmh_reg has no XMM_Q(3) (2 times)              catalogue
  4.0 or later     cpu[0]/cpu/poll_control_msr                      has the VMState cpu/poll_control_msr (2 times)  catalogue
  2.3 or later     fw_cfg[0]/fw_cfg/dma                             has the VMState fw_cfg/dma                      catalogue
  4.1 or later     fw_cfg[0]/fw_cfg/acpi_mr                         has the VMState fw_cfg/acpi_mr                  catalogue
  2.4 or later     0000:00:00.0/mch[0]                              mch has no smm_enabled                          catalogue
  5.1 or later     PCIHost[0]                                       has the VMState PCIHost                         catalogue
  2.3 or later     0000:00:1f.0/ICH9LPC[0]/pm/ich9_pm/tco           has the VMState ich9_pm/tco                     catalogue
$ migstream identify arm-virt-7.2.mig
QEMU          7.2 to 8.1 (of the catalogue: 7.2)
machine       virt-7.2
target        aarch64
accelerator   TCG
CPU           Cortex-A57, or QEMU's max

Evidence
  releases        where          what                                 from
  7.2 or later    configuration  the machine type is virt-7.2         rule
  8.1 or earlier  description    does not describe the configuration  rule
  and 67 more facts (-v), which all agree
$ migstream identify none-7.2.mig
QEMU          6.0 to 8.1 (of the catalogue: 7.2)
machine       none
target        unknown
accelerator   unknown

Evidence
  releases        where        what                                 from
  6.0 or later    description  has no blanks inside of braces       rule
  8.1 or earlier  description  does not describe the configuration  rule
  and 5 more facts (-v), which all agree
$ migstream identify pc-novmdesc-7.2.mig
QEMU          7.2 to 8.1 (of the catalogue: 7.2)
machine       pc-i440fx-7.2
target        x86_64
accelerator   unknown
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU that started the guest

Evidence
  releases        where          what                               from
  7.2 or later    configuration  the machine type is pc-i440fx-7.2  rule
  8.1 or earlier  PCIBUS[0]      PCIBUS stands before I440FX        catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIBUS        catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIHost       catalogue
  8.1 or earlier  hpet[0]        hpet stands before mc146818rtc     catalogue
  8.1 or earlier  port92[0]      port92 stands before ide           catalogue
  and 10 more facts (-v), which all agree
$ migstream identify pc-7.2.mig --json | head -n 32
{
  "migstream": "identify",
  "format": 1,
  "file": "pc-7.2.mig",
  "since": "7.2",
  "before": "8.2",
  "releases": "7.2 to 8.1",
  "catalogued": [
    "7.2"
  ],
  "distribution": null,
  "machine": "pc-i440fx-7.2",
  "target": "x86_64",
  "accelerator": "tcg",
  "cpu": null,
  "firmware": "SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's",
  "changed": [],
  "evidence": [
    {
      "where": "configuration",
      "span": [
        13,
        26
      ],
      "what": "the machine type is pc-i440fx-7.2",
      "since": "7.2",
      "before": null,
      "source": "rule",
      "times": 1,
      "decides": true
    },
    {

# Another machine type than any that this QEMU has.
$ migstream set pc-7.2.mig --machine pc-i440fx-10.0 -o forged.mig
0x9 -> 0x9                machine  configuration/name  pc-i440fx-7.2 -> pc-i440fx-10.0
$ migstream identify forged.mig
QEMU          7.1 to 8.1 (of the catalogue: 7.2)
machine       pc-i440fx-10.0
target        x86_64
accelerator   TCG
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU that started the guest

Evidence
  releases        where        what                                 from
  8.1 or earlier  description  does not describe the configuration  rule
  7.1 or later    ps2kbd[0]    ps2kbd has no common                 catalogue
  7.1 or later    ps2kbd[0]    ps2kbd has parent_obj                catalogue
  7.1 or later    ps2mouse[0]  ps2mouse has no common               catalogue
  7.1 or later    ps2mouse[0]  ps2mouse has parent_obj              catalogue
  8.1 or earlier  PCIBUS[0]    PCIBUS stands before I440FX          catalogue
  8.1 or earlier  fw_cfg[0]    fw_cfg stands before PCIBUS          catalogue
  8.1 or earlier  fw_cfg[0]    fw_cfg stands before PCIHost         catalogue
  8.1 or earlier  hpet[0]      hpet stands before mc146818rtc       catalogue
  8.1 or earlier  port92[0]    port92 stands before ide             catalogue
  and 31 more facts (-v), which all agree

Against it
  releases       where          what                                from
  10.0 or later  configuration  the machine type is pc-i440fx-10.0  rule

# What is cut off is not known.
$ head -c 300000 pc-7.2.mig > cut.mig
$ migstream identify cut.mig
QEMU          7.2 to 8.1 (of the catalogue: 7.2)
machine       pc-i440fx-7.2
target        x86_64
accelerator   unknown
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU that started the guest

Evidence
  releases        where          what                               from
  7.2 or later    configuration  the machine type is pc-i440fx-7.2  rule
  8.1 or earlier  PCIBUS[0]      PCIBUS stands before I440FX        catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIBUS        catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIHost       catalogue
  8.1 or earlier  hpet[0]        hpet stands before mc146818rtc     catalogue
  8.1 or earlier  port92[0]      port92 stands before ide           catalogue
  and 10 more facts (-v), which all agree
[stderr]
migstream: cut.mig:0x3d7dc description: wanted 98649 bytes, 48132 left [MS101]
  expected 98649, found 48132
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# Not a stream.
$ echo nothing > text
$ migstream identify text
[stderr]
migstream: text:0x0: not a migration stream [MS102]
  expected 51 45 56 4d, found 6e 6f 74 68
  hint: this looks like text; a stream begins with the bytes 51 45 56 4d (QEVM)
[exit status 3]

# On a terminal of 80 columns.
$ migstream identify pc-7.2.mig
QEMU          7.2 to 8.1 (of the catalogue: 7.2)
machine       pc-i440fx-7.2
target        x86_64
accelerator   TCG
firmware      SeaBIOS 1.16.2-debian-1.16.2-1, Debian's or Ubuntu's; of the QEMU
              that started the guest

Evidence
  releases        where          what                                 from
  7.2 or later    configuration  the machine type is pc-i440fx-7.2    rule
  8.1 or earlier  description    does not describe the configuration  rule
  8.1 or earlier  PCIBUS[0]      PCIBUS stands before I440FX          catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIBUS          catalogue
  8.1 or earlier  fw_cfg[0]      fw_cfg stands before PCIHost         catalogue
  8.1 or earlier  hpet[0]        hpet stands before mc146818rtc       catalogue
  8.1 or earlier  port92[0]      port92 stands before ide             catalogue
  and 35 more facts (-v), which all agree
