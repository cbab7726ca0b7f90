$ migstream catalogue matrix --from 7.2 --to debian-13 --machine pc-q35-7.2 --machine microvm
QEMU 7.2.22 → 10.0.13, i386
device                                              machine types  verdict
the machine itself                                  microvm        FAILS        ram/pc.bios: RAM block pc.bios has 0x10000 bytes, on the destination 0x20000
am53c974, dc390                                     all            FAILS        pciespscsi/esp.drq_state: esp.mig_version_id is 6: the destination reads 1 byte more (esp.drq_state) than the stream has
e1000e, on the root bus, behind pci-bridge          all            FAILS        e1000e/parent_obj[0]/config[1]+0xe4: byte 0xe4 of the PCI configuration space (express_e0/device_capabilities) is 0x0, that of the destination 0x20, and neither guest nor hardware can change it
virtio-mem-pci, on the root bus, behind pci-bridge  all            FAILS        virtio-mem/virtio/config+0x34: byte 0x34 of the PCI configuration space (capabilities) is 0x84, that of the destination 0x98, and neither guest nor hardware can change it
vmxnet3, on the root bus                            all            FAILS        vmxnet3/parent_obj[0]/config[1]+0x4c: byte 0x4c of the PCI configuration space (express_48/device_capabilities) is 0x0, that of the destination 0x20, and neither guest nor hardware can change it
sb16                                                all            loses state  sb16/irq, dma, hdma, port, ver: the destination does not use this field

device types that are gone: qxl, qxl-vga, sga
of 3 device types a guest can have state that would not load (-v lists it)
of 2 machine types 1 load by themselves; of 169 device types 5 break on some

QEMU 7.2.22 → 10.0.13, x86_64
device              machine types  verdict
the machine itself  microvm        FAILS        ram/pc.bios: RAM block pc.bios has 0x10000 bytes, on the destination 0x20000
am53c974, dc390     all            FAILS        pciespscsi/esp.drq_state: esp.mig_version_id is 6: the destination reads 1 byte more (esp.drq_state) than the stream has
sb16                all            loses state  sb16/irq, dma, hdma, port, ver: the destination does not use this field

device types that are gone: qxl, qxl-vga, sga
of 3 device types a guest can have state that would not load (-v lists it)
of 2 machine types 1 load by themselves; of 169 device types 2 break on some
$ migstream catalogue matrix --from 7.2 --machine pc-q35-5.2 --device virtio-net-pci
[stderr]
migstream: catalogue: /work/main/src/migstream/catalogue/data/ppc64-5.2.cat: a broken catalogue: it is not a -dump-vmstate file: it has no 'vmschkmachine' [MS130] [MS400]
  hint: `migstream catalogue build` makes it again
[exit status 5]
$ migstream catalogue matrix --from debian-13 --to 7.2 --machine pc-q35-7.2 --device 'virtio-gpu*' -v
QEMU 10.0.13 → 7.2.22, i386

what a guest can have that would not load:
device          machine types  verdict
virtio-gpu-pci  all            depends  virtio-gpu/virtio-gpu/blob: the destination does not know this subsection: where it is sent, it is refused
of 1 machine type 1 load by themselves; of 1 device type 0 break on some

QEMU 10.0.13 → 7.2.22, x86_64

what a guest can have that would not load:
device          machine types  verdict
virtio-gpu-pci  all            depends  virtio-gpu/virtio-gpu/blob: the destination does not know this subsection: where it is sent, it is refused
of 1 machine type 1 load by themselves; of 1 device type 0 break on some
$ migstream catalogue matrix --from debian-13 --to 7.2 --machine pc-q35-7.2 --device 'virtio-gpu-pci' --json | tail -n 42
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

Error: matrix takes no more words, and neither --name nor --like
[exit status 2]
$ migstream catalogue list --from 7.2
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: --from, --to, --machine, --device and --docs are for matrix
[exit status 2]
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix.xls
[stderr]
Usage: migstream catalogue [OPTIONS] [list | show CATALOGUE | matrix | build
                           QEMU...]
Try 'migstream catalogue --help' for help.

Error: matrix.xls: the matrix is written as .html, .json, .csv, .md, or to a folder
[exit status 2]
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix | cut -d' ' -f1
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
i386,7.2.22,10.0.13,microvm,,kvm,fails,ram,ram,pc.bios,"RAM block pc.bios has 0x10000 bytes, on the destination 0x20000"
i386,7.2.22,10.0.13,microvm,,tcg,fails,ram,ram,pc.bios,"RAM block pc.bios has 0x10000 bytes, on the destination 0x20000"
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix/matrix.csv
[stderr]
migstream: catalogue: matrix/matrix.csv is there already [MS400]
  hint: --force replaces it
[exit status 5]
