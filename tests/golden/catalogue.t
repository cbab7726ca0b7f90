$ migstream catalogue --help
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]

  What migstream knows of QEMUs, for `compat --to RELEASE`: list it, or make
  more of it.

  `list` names the catalogues that there are. `show CATALOGUE` tells of one, a
  file or its name, what it was made of: the binary, and every command line
  (-v). `build QEMU... -o FILE` makes one of a binary: it is asked what it has,
  and started some thousand times, standing still, so that it saves itself as
  each machine type and with each device. That takes ten minutes or so for each
  binary.

  `matrix` plays what each release saves of each machine type and of each device
  in each other release: a line for each pair, what breaks of one pair (--from,
  --to), or all of it (-o FILE.html, .md, .json, .csv, or a folder).

Options:
  -o, --output FILE            The catalogue to make, or of the matrix.
  --name NAME                  What people call the QEMU, for `compat --to
                               NAME`; several may be given.
  --base CATALOGUE             The same release for another target, which this
                               adds to: what is the same is not kept twice.
  --catalogue PATH             A catalogue, or a folder of them, before those of
                               migstream.
  --from RELEASE               matrix: of this release only.
  --to RELEASE                 matrix: to this release only.
  --target NAME                matrix: of binaries for this target only
                               (x86_64).
  --machine GLOB               matrix: these machine types only.
  --device GLOB                matrix: these device types only.
  --docs URL                   matrix: where the pages of the documentation are,
                               for links.
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
  # What of them loads there
  $ migstream catalogue matrix --from 7.2 --to debian-13 --machine 'pc-q35-7.*'
$ migstream catalogue list | cut -c1-29 | grep -e target -e x86_64
QEMU     target        machin
10.0.13  x86_64              
11.1.2   x86_64              
5.2.0    x86_64              
7.2.22   x86_64              
8.2.2    x86_64              
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
      "size": 383202,
      "names": [
        "debian-13",
