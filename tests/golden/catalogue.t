$ migstream catalogue --help
Usage: migstream catalogue [OPTIONS] [list | build QEMU...]

  What migstream knows of QEMUs, for `compat --to RELEASE`: list it, or make
  more of it.

  `list` names the catalogues that there are. `build QEMU... -o FILE` makes one
  of a binary: it is asked what it has, and started some thousand times,
  standing still, so that it saves itself as each machine type and with each
  device. That takes ten minutes or so for each binary.

Options:
  -o, --output FILE            The catalogue to make.
  --catalogue PATH             A catalogue, or a folder of them, before those of
                               migstream.
  --force                      Replace what is there.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # Which QEMUs are known
  $ migstream catalogue list
  # With every machine type
  $ migstream catalogue list --json
$ migstream catalogue list
QEMU     target   machine types                 size  package
10.0.13  aarch64              2  152.6 KiB (156 260)  Debian 1:10.0.13+ds-0+deb13u1
11.1.2   aarch64              3  162.9 KiB (166 849)  Debian 1:11.1.2+ds-3
7.2.22   aarch64              2  139.8 KiB (143 167)  Debian 1:7.2+dfsg-7+deb12u18+b3
10.0.13  ppc64                2  270.6 KiB (277 050)  Debian 1:10.0.13+ds-0+deb13u1
11.1.2   ppc64                2  301.2 KiB (308 467)  Debian 1:11.1.2+ds-3
7.2.22   ppc64                1  230.5 KiB (236 034)  Debian 1:7.2+dfsg-7+deb12u18+b3
10.0.13  x86_64              64  395.2 KiB (404 684)  Debian 1:10.0.13+ds-0+deb13u1
11.1.2   x86_64              39  375.1 KiB (384 095)  Debian 1:11.1.2+ds-3
5.2.0    x86_64               6  268.2 KiB (274 609)  Debian 1:5.2+dfsg-11+deb11u3
7.2.22   x86_64              58  356.2 KiB (364 742)  Debian 1:7.2+dfsg-7+deb12u18+b3
8.2.2    x86_64              12  304.6 KiB (311 940)  Debian 1:8.2.2+ds-0ubuntu1.16
$ migstream catalogue build
[stderr]
Usage: migstream catalogue [OPTIONS] [list | build QEMU...]
Try 'migstream catalogue --help' for help.

Error: build takes QEMUs and -o FILE, list neither
[exit status 2]
$ migstream compat pc-7.2.mig --to debian-13
pc-7.2.mig: loads in QEMU 10.0.13 (QEMU 10.0), as far as a schema tells

device          verdict
timer[0]        not known
cpu_common[0]   not known
cpu[0]          not known
apic[0]         not known
PCIBUS[0]       not known
i2c_bus[0]      not known
acpi_build[0]   not known
globalstate[0]  not known

only a stream of the destination (--to-stream) tells: which devices it is started with; its CPUs (here 1); its accelerator (here TCG); its RAM (6 blocks); PCI registers (4 devices)
assumed: it is started as the stream's guest was; with its arguments behind --, more is told
$ migstream compat pc-7.2.mig --to 1.0
[stderr]
migstream: pc-7.2.mig: no catalogue of QEMU 1.0 for x86_64 [MS200]
  hint: `migstream catalogue list` names those that there are, `migstream catalogue build` makes one of a QEMU
[exit status 4]
$ migstream catalogue list --json | head -n 9
{
  "migstream": "catalogue",
  "format": 1,
  "catalogues": [
    {
      "file": "aarch64-10.0.cat",
      "size": 156260,
      "release": "10.0.13",
      "package": "Debian 1:10.0.13+ds-0+deb13u1",
