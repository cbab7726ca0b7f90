$ migstream catalogue matrix --from 7.2 --to debian-13 --target x86_64 --machine pc-q35-7.2 --machine microvm
QEMU 7.2.22 → 10.0.13, x86_64
device              machine types  verdict
the machine itself  microvm        FAILS        ram/pc.bios: RAM block pc.bios has 0x10000 bytes, on the destination 0x20000
am53c974, dc390     all            FAILS        pciespscsi/esp.drq_state: esp.mig_version_id is 6: the destination reads 1 byte more (esp.drq_state) than the stream has
virtio-gpu-device   all            FAILS        virtio-mmio@00000000feb02e00/virtio-gpu/virtio-gpu: its outputs have 40 bytes where the destination reads 64
sb16                all            loses state  sb16/irq, dma, hdma, port, ver: the destination does not use this field

device types that are gone: qxl, qxl-vga, sga
of 3 device types a guest can have state that would not load (-v lists it)
of 2 machine types 1 load by themselves; of 169 device types 3 break on some
$ migstream catalogue matrix --from 7.2 --target x86_64 --machine pc-q35-5.2 --device virtio-net-pci
target  from, to    machine types  load  devices  break
x86_64  7.2 → 8.2               1     1        1      0
x86_64  7.2 → 10.0              1     1        1      0
x86_64  7.2 → 11.1              1     1        1      0
x86_64  7.2 → 5.2               1     1        1      0
$ migstream catalogue matrix --from debian-13 --to 7.2 --target x86_64 --machine pc-q35-7.2 --device 'virtio-gpu*' -v
QEMU 10.0.13 → 7.2.22, x86_64

what a guest can have that would not load:
device          machine types  verdict
virtio-gpu-pci  all            depends  virtio-gpu/virtio-gpu/blob: the destination does not know this subsection: where it is sent, it is refused
of 1 machine type 1 load by themselves; of 1 device type 0 break on some
$ migstream catalogue matrix --from debian-13 --to 7.2 --target x86_64 --machine pc-q35-7.2 --device 'virtio-gpu-pci' --json | tail -n 42
      "new": [],
      "gone_devices": [],
      "sets": [
        [
          "pc-q35-7.2"
        ]
      ],
      "subjects": [
        {
          "device": "virtio-gpu-pci",
          "where": "",
          "machines": 0,
          "breaks": [],
          "depends": [
            {
              "kind": "subsection",
              "section": "virtio-gpu",
              "field": "virtio-gpu/blob",
              "message": "the destination does not know this subsection: where it is sent, it is refused",
              "hint": ""
            }
          ]
        },
        {
          "device": "virtio-gpu-pci",
          "where": "pcie-root-port",
          "machines": 0,
          "breaks": [],
          "depends": [
            {
              "kind": "subsection",
              "section": "virtio-gpu",
              "field": "virtio-gpu/blob",
              "message": "the destination does not know this subsection: where it is sent, it is refused",
              "hint": ""
            }
          ]
        }
      ]
    }
  ]
}
$ migstream catalogue matrix --from 1.0
[stderr]
migstream: catalogue: no pair of catalogues from 1.0 to any [MS200]
  hint: `migstream catalogue list` names those that there are
[exit status 4]
$ migstream catalogue matrix --from nobody
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: nobody names no release, as 10.0 and debian-13 do
[exit status 2]
$ migstream catalogue matrix pc
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: matrix takes no more words, and neither --name nor --base
[exit status 2]
$ migstream catalogue list --from 7.2
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: --from, --to, --target, --machine, --device and --docs are for matrix
[exit status 2]
$ migstream catalogue matrix --from 7.2 --to 10.0 --target x86_64 --machine microvm -o matrix.xls
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: matrix.xls: the matrix is written as .html, .json, .csv, .md, or to a folder
[exit status 2]
$ migstream catalogue matrix --from 7.2 --to 10.0 --target x86_64 --machine microvm -o matrix | cut -d' ' -f1
matrix/matrix.html
matrix/matrix.json
matrix/matrix.csv
matrix/matrix.md
$ ls matrix
matrix.csv
matrix.html
matrix.json
matrix.md
$ head -n 3 matrix/matrix.csv
architecture,source,destination,machine,device,where,verdict,kind,section,field,message
x86_64,7.2.22,10.0.13,microvm,,kvm,fails,ram,ram,pc.bios,"RAM block pc.bios has 0x10000 bytes, on the destination 0x20000"
x86_64,7.2.22,10.0.13,microvm,,tcg,fails,ram,ram,pc.bios,"RAM block pc.bios has 0x10000 bytes, on the destination 0x20000"
$ migstream catalogue matrix --from 7.2 --to 10.0 --target x86_64 --machine microvm -o matrix/matrix.csv
[stderr]
migstream: catalogue: matrix/matrix.csv is there already [MS400]
  hint: --force replaces it
[exit status 5]
