$ migstream heal --help

$ migstream heal pc-7.2.mig --to 10.0 -- -nodefaults -M pc-i440fx-7.2 -m 16

$ migstream heal pc-vga-7.2.mig --to debian-13 -- -nodefaults -M pc-i440fx-7.2 -m 32 -device VGA

# Nobody has such a device: the stream goes on without it.
$ migstream rename pc-7.2.mig i8254 acme-timer -o acme.mig

$ migstream heal acme.mig --to 10.0 -v -o healed.mig -- -nodefaults -M pc-i440fx-7.2 -m 16

$ migstream heal pc-7.2.mig --to-stream q35-7.2.mig

$ migstream heal pc-7.2.mig --to 10.0 --json -- -nodefaults -M pc-i440fx-7.2 -m 32

$ migstream heal pc-7.2.mig

