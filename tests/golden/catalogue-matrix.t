$ migstream catalogue matrix --from 7.2 --to debian-13 --machine pc-q35-7.2 --machine microvm
$ migstream catalogue matrix --from 7.2 --machine pc-q35-5.2 --device virtio-net-pci
$ migstream catalogue matrix --from debian-13 --to 7.2 --machine pc-q35-7.2 --device 'virtio-gpu*' -v
$ migstream catalogue matrix --from debian-13 --to 7.2 --machine pc-q35-7.2 --device 'virtio-gpu-pci' --json | tail -n 42
$ migstream catalogue matrix --from 1.0
$ migstream catalogue matrix --from nobody
$ migstream catalogue matrix pc
$ migstream catalogue list --from 7.2
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix.xls
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix | cut -d' ' -f1
$ ls matrix
$ head -n 3 matrix/matrix.csv
$ migstream catalogue matrix --from 7.2 --to 10.0 --machine microvm -o matrix/matrix.csv
