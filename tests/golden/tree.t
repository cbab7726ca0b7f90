$ migstream tree --help
Usage: migstream tree [OPTIONS] STREAM [PATH]...

  Devices and their fields with values and types, all or those that PATH names.

Options:
  --depth N                    Levels to show.  [x>=1]
  -x, --hex                    Numbers in hexadecimal.
  --no-names                   Numbers as they are, without names; blobs are not
                               gone into.
  --all                        All elements of arrays, not eight.
  --where                      The offset of each value.
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
  # All that one device holds
  $ migstream tree guest.mig i8254
  # All devices, their fields only
  $ migstream tree guest.mig --depth 1
  # In hexadecimal, with offsets
  $ migstream tree guest.mig 'cpu[0]' -x --where

$ migstream tree tiny.mig
one[0]  one
  flag      true  bool
  words     1 2 3 4  uint16[4]
  when      not armed  timer
  sub  struct
    a  5  uint8
    b  -6  int32
  rows  struct[3]
    [0]  struct
      x  1  uint8
      y  2  uint16
    [1]  struct
      x  1  uint8
      y  2  uint16
    [2]  struct
      x  1  uint8
      y  2  uint16
  blob      7 bytes, 31323334353637  buffer
  one/more  subsection
    z  4277009102 (0xfeedface)  uint64
two[0]  two
  n  7  uint32

$ migstream tree pc-7.2.mig i8254
i8254[0]  i8254
  channels[0].irq_disabled          0  uint32
  channels  struct[3]
    [0]  struct
      count                 65536 (18.21 Hz)  int32
      latched_count         0  uint16
      count_latched         0  uint8
      status_latched        0  uint8
      status                0  uint8
      read_state            0  uint8
      write_state           0  uint8
      write_latch           0  uint8
      rw_mode               0  uint8
      mode                  3 SQUARE_WAVE  uint8
      bcd                   0  uint8
      gate                  1  uint8
      count_load_time       0  int64
      next_transition_time  27462700  int64
    [1]  struct
      count                 65536 (18.21 Hz)  int32
      latched_count         0  uint16
      count_latched         0  uint8
      status_latched        0  uint8
      status                0  uint8
      read_state            0  uint8
      write_state           0  uint8
      write_latch           0  uint8
      rw_mode               0  uint8
      mode                  3 SQUARE_WAVE  uint8
      bcd                   0  uint8
      gate                  1  uint8
      count_load_time       0  int64
      next_transition_time  0  int64
    [2]  struct
      count                 65536 (18.21 Hz)  int32
      latched_count         0  uint16
      count_latched         0  uint8
      status_latched        0  uint8
      status                0  uint8
      read_state            0  uint8
      write_state           0  uint8
      write_latch           0  uint8
      rw_mode               0  uint8
      mode                  3 SQUARE_WAVE  uint8
      bcd                   0  uint8
      gate                  0  uint8
      count_load_time       0  int64
      next_transition_time  0  int64
  channels[0].next_transition_time  27462700  int64

$ migstream tree pc-7.2.mig 'cpu[0]' --depth 1 --where
0x0003a603  cpu[0]  cpu
0x0003a603    env.regs                   0 RAX 0 RCX 397233 (0x60fb1) RDX 0 RBX 0 RSP 0 RBP 0 RSI 0 RDI … 8 more  uint64[16]
0x0003a683    env.eip                    65520 (0xfff0)  uint64
0x0003a68b    env.eflags                 2  uint64
0x0003a693    env.hflags                 64 (0x40) ADDSEG  uint32
0x0003a697    env.fpuc                   895 (0x37f) IM DM ZM OM UM PM PC=3  uint16
0x0003a699    env.fpus_vmstate           0  uint16
0x0003a69b    env.fptag_vmstate          0  uint16
0x0003a69d    env.fpregs_format_vmstate  0  uint16
0x0003a69f    env.fpregs  struct[8]
0x0003a6ef    env.segs  struct[6]
0x0003a767    env.ldt  struct
0x0003a77b    env.tr  struct
0x0003a78f    env.gdt  struct
0x0003a7a3    env.idt  struct
0x0003a7b7    env.sysenter_cs            0  uint32
0x0003a7bb    env.sysenter_esp           0  uint64
0x0003a7c3    env.sysenter_eip           0  uint64
0x0003a7cb    env.cr[0]                  1610612752 (0x60000010) ET NW CD  uint64
0x0003a7d3    env.cr[2]                  0  uint64
0x0003a7db    env.cr[3]                  0  uint64
0x0003a7e3    env.cr[4]                  0  uint64
0x0003a7eb    env.dr                     0 0 0 0 0 0 4294905840 (0xffff0ff0) 1024 (0x400)  uint64[8]
0x0003a82b    env.a20_mask               -1 (A20 open)  int32
0x0003a82f    env.mxcsr                  8064 (0x1f80) IM DM ZM OM UM PM  uint32
0x0003a833    env.xmm_regs[0]  struct[16]
0x0003a933    env.efer                   0  uint64
0x0003a93b    env.star                   0  uint64
0x0003a943    env.lstar                  0  uint64
0x0003a94b    env.cstar                  0  uint64
0x0003a953    env.fmask                  0  uint64
0x0003a95b    env.kernelgsbase           0  uint64
0x0003a963    env.smbase                 196608 (0x30000)  uint32
0x0003a967    env.pat                    1974748653749254 (0x7040600070406) WB WT UC- UC WB WT UC- UC  uint64
0x0003a96f    env.hflags2                257 (0x101) GIF VGIF  uint32
0x0003a973    env.vm_hsave               0  uint64
0x0003a97b    env.vm_vmcb                0  uint64
0x0003a983    env.tsc_offset             0  uint64
0x0003a98b    env.intercept              0  uint64
0x0003a993    env.intercept_cr_read      0  uint16
0x0003a995    env.intercept_cr_write     0  uint16
0x0003a997    env.intercept_dr_read      0  uint16
0x0003a999    env.intercept_dr_write     0  uint16
0x0003a99b    env.intercept_exceptions   0  uint32
0x0003a99f    env.v_tpr                  0  uint8
0x0003a9a0    env.mtrr_fixed             0 FIX64K_00000 UC 0 FIX16K_80000 UC 0 FIX16K_A0000 UC 0 FIX4K_C0000 UC 0 FIX4K_C8000 UC 0 FIX4K_D0000 UC 0 FIX4K_D8000 UC 0 FIX4K_E0000 UC … 3 more  uint64[11]
0x0003a9f8    env.mtrr_deftype           0  uint64
0x0003aa00    env.mtrr_var  struct[8]
0x0003aa80    env.interrupt_injected     -1 (none)  int32
0x0003aa84    env.mp_state               0 RUNNABLE  uint32
0x0003aa88    env.tsc                    0  uint64
0x0003aa90    env.exception_nr           -1 (none)  int32
0x0003aa94    env.soft_interrupt         0  uint8
0x0003aa95    env.nmi_injected           0  uint8
0x0003aa96    env.nmi_pending            0  uint8
0x0003aa97    env.has_error_code         0  uint8
0x0003aa98    env.sipi_vector            0  uint32
0x0003aa9c    env.mcg_cap                16777482 (0x100010a) BANKS=10 CTL SER  uint64
0x0003aaa4    env.mcg_status             0  uint64
0x0003aaac    env.mcg_ctl                18446744073709551615 (0xffffffffffffffff)  uint64
0x0003aab4    env.mce_banks              18446744073709551615 (0xffffffffffffffff) MC0_CTL 0 MC0_STATUS 0 MC0_ADDR 0 MC0_MISC 18446744073709551615 (0xffffffffffffffff) MC1_CTL 0 MC1_STATUS 0 MC1_ADDR 0 MC1_MISC … 32 more  uint64[40]
0x0003abf4    env.tsc_aux                0  uint64
0x0003abfc    env.system_time_msr        0  uint64
0x0003ac04    env.wall_clock_msr         0  uint64
0x0003ac0c    env.xcr0                   1 X87  uint64
0x0003ac14    env.xstate_bv              0  uint64
0x0003ac1c    env.xmm_regs[1]  struct[16]
0x0003ad1c    cpu/poll_control_msr  subsection

$ migstream tree pc-7.2.mig 'cpu[0]/env.regs' --all --hex
cpu[0]/env.regs  0x0000000000000000 0x0000000000000000 0x0000000000060fb1 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000 0x0000000000000000  uint64[16]

$ migstream tree tiny.mig one --json
{
  "migstream": "tree",
  "format": 1,
  "file": "tiny.mig",
  "values": [
    {
      "path": "one[0]",
      "name": "one[0]",
      "kind": "struct",
      "type": "one",
      "count": null,
      "span": [
        4234,
        4294
      ],
      "children": [
        {
          "path": "one[0]/flag",
          "name": "flag",
          "kind": "leaf",
          "type": "bool",
          "count": null,
          "span": [
            4234,
            4235
          ],
          "value": true
        },
        {
          "path": "one[0]/words",
          "name": "words",
          "kind": "leaf",
          "type": "uint16",
          "count": 4,
          "span": [
            4235,
            4243
          ],
          "value": [
            1,
            2,
            3,
            4
          ]
        },
        {
          "path": "one[0]/when",
          "name": "when",
          "kind": "leaf",
          "type": "timer",
          "count": null,
          "span": [
            4243,
            4251
          ],
          "value": -1
        },
        {
          "path": "one[0]/sub",
          "name": "sub",
          "kind": "struct",
          "type": "struct",
          "count": null,
          "span": [
            4251,
            4256
          ],
          "children": [
            {
              "path": "one[0]/sub/a",
              "name": "a",
              "kind": "leaf",
              "type": "uint8",
              "count": null,
              "span": [
                4251,
                4252
              ],
              "value": 5
            },
            {
              "path": "one[0]/sub/b",
              "name": "b",
              "kind": "leaf",
              "type": "int32",
              "count": null,
              "span": [
                4252,
                4256
              ],
              "value": -6
            }
          ]
        },
        {
          "path": "one[0]/rows",
          "name": "rows",
          "kind": "struct",
          "type": "struct",
          "count": 3,
          "span": [
            4256,
            4265
          ],
          "children": [
            {
              "path": "one[0]/rows[0]",
              "name": "[0]",
              "kind": "struct",
              "type": "struct",
              "count": null,
              "span": [
                4256,
                4259
              ],
              "children": [
                {
                  "path": "one[0]/rows[0]/x",
                  "name": "x",
                  "kind": "leaf",
                  "type": "uint8",
                  "count": null,
                  "span": [
                    4256,
                    4257
                  ],
                  "value": 1
                },
                {
                  "path": "one[0]/rows[0]/y",
                  "name": "y",
                  "kind": "leaf",
                  "type": "uint16",
                  "count": null,
                  "span": [
                    4257,
                    4259
                  ],
                  "value": 2
                }
              ]
            },
            {
              "path": "one[0]/rows[1]",
              "name": "[1]",
              "kind": "struct",
              "type": "struct",
              "count": null,
              "span": [
                4259,
                4262
              ],
              "children": [
                {
                  "path": "one[0]/rows[1]/x",
                  "name": "x",
                  "kind": "leaf",
                  "type": "uint8",
                  "count": null,
                  "span": [
                    4259,
                    4260
                  ],
                  "value": 1
                },
                {
                  "path": "one[0]/rows[1]/y",
                  "name": "y",
                  "kind": "leaf",
                  "type": "uint16",
                  "count": null,
                  "span": [
                    4260,
                    4262
                  ],
                  "value": 2
                }
              ]
            },
            {
              "path": "one[0]/rows[2]",
              "name": "[2]",
              "kind": "struct",
              "type": "struct",
              "count": null,
              "span": [
                4262,
                4265
              ],
              "children": [
                {
                  "path": "one[0]/rows[2]/x",
                  "name": "x",
                  "kind": "leaf",
                  "type": "uint8",
                  "count": null,
                  "span": [
                    4262,
                    4263
                  ],
                  "value": 1
                },
                {
                  "path": "one[0]/rows[2]/y",
                  "name": "y",
                  "kind": "leaf",
                  "type": "uint16",
                  "count": null,
                  "span": [
                    4263,
                    4265
                  ],
                  "value": 2
                }
              ]
            }
          ]
        },
        {
          "path": "one[0]/blob",
          "name": "blob",
          "kind": "leaf",
          "type": "buffer",
          "count": null,
          "span": [
            4265,
            4272
          ],
          "value": "31323334353637"
        },
        {
          "path": "one[0]/one/more",
          "name": "one/more",
          "kind": "subsection",
          "type": "subsection",
          "count": null,
          "span": [
            4272,
            4294
          ],
          "children": [
            {
              "path": "one[0]/one/more/z",
              "name": "z",
              "kind": "leaf",
              "type": "uint64",
              "count": null,
              "span": [
                4286,
                4294
              ],
              "value": 4277009102
            }
          ]
        }
      ]
    }
  ]
}

# What virtio's own code wrote of a device: the description calls it one value.
$ migstream tree q35-7.2.mig '0000:00:01.0/virtio-net' | head -n 60
0000:00:01.0/virtio-net[0]  virtio-net
  virtio  46143 bytes, 00000002f41a00100000100000000002000000000100000000000000000…  virtio
    version_id             2  int32 le
    config                 256 bytes, f41a001000001000000000020000000001000000000000000000000000000…  pci config
      vendor_id            6900 (0x1af4) REDHAT_QUMRANET (virtio)  le16
      device_id            4096 (0x1000) VIRTIO_NET  le16
      command              0  le16
      status               16 (0x10) CAP_LIST  le16
      revision             0  uint8
      prog_if              0  uint8
      subclass             0 (Ethernet controller)  uint8
      class                2 NETWORK (network controller)  uint8
      cache_line_size      0  uint8
      latency_timer        0  uint8
      header_type          0 NORMAL  uint8
      bist                 0  uint8
      bar                  1 IO 0 0 0 12 (0xc) MEM64 PREFETCH 0 (upper half of bar[4])  le32[6]
      cardbus_cis          0  le32
      subsystem_vendor_id  6900 (0x1af4) REDHAT_QUMRANET  le16
      subsystem_id         1 VIRTIO_NET  le16
      rom                  0  le32
      capabilities         152 (0x98)  uint8
      reserved             7 bytes, all zero  buffer
      interrupt_line       0  uint8
      interrupt_pin        1 INTA  uint8
      min_grant            0  uint8
      max_latency          0  uint8
      vendor_40  struct
        id        9 VENDOR  uint8
        next      0  uint8
        length    16 (0x10)  uint8
        kind      1 COMMON_CFG  uint8
        bar       4 (bar[4] 0x0-0xfff)  uint8
        instance  0  uint8
        padding   2 bytes, all zero  buffer
        offset    0  le32
        size      4096 (0x1000)  le32
      vendor_50  struct
        id        9 VENDOR  uint8
        next      64 (0x40)  uint8
        length    16 (0x10)  uint8
        kind      3 ISR_CFG  uint8
        bar       4 (bar[4] 0x1000-0x1fff)  uint8
        instance  0  uint8
        padding   2 bytes, all zero  buffer
        offset    4096 (0x1000)  le32
        size      4096 (0x1000)  le32
      vendor_60  struct
        id        9 VENDOR  uint8
        next      80 (0x50)  uint8
        length    16 (0x10)  uint8
        kind      4 DEVICE_CFG  uint8
        bar       4 (bar[4] 0x2000-0x2fff)  uint8
        instance  0  uint8
        padding   2 bytes, all zero  buffer
        offset    8192 (0x2000)  le32
        size      4096 (0x1000)  le32
      vendor_70  struct
        id                     9 VENDOR  uint8
        next                   96 (0x60)  uint8

$ migstream tree q35-7.2.mig '0000:00:01.0/virtio-net' | tail -n +87 | head -n 90
    irq_state              0 0 0 0  pci irq state
    msix                   65 bytes, 00000000000000000000000001000000000000000000000000000000010000…  msix state
      table  struct[4]
        [0]  struct
          address_low   0  le32
          address_high  0  le32
          data          0  le32
          control       1 MASKED  le32
        [1]  struct
          address_low   0  le32
          address_high  0  le32
          data          0  le32
          control       1 MASKED  le32
        [2]  struct
          address_low   0  le32
          address_high  0  le32
          data          0  le32
          control       1 MASKED  le32
        [3]  struct
          address_low   0  le32
          address_high  0  le32
          data          0  le32
          control       1 MASKED  le32
      pending  (none pending), 1 byte, 00  buffer
    config_vector          65535 (0xffff) NO_VECTOR  uint16
    status                 0  uint8
    isr                    0  uint8
    queue_sel              0  uint16
    guest_features         0  uint32
    config_len             8  uint32
    device_config          8 bytes, all zero  buffer
      mac     00:00:00:00:00:00, 6 bytes, all zero  buffer
      status  0  le16
    queue_count            3  uint32
    queues  struct[3]
      [0]  receiveq1  struct
        num             256 (0x100)  uint32
        desc            0  uint64
        last_avail_idx  0  uint16
        vector          65535 (0xffff) NO_VECTOR  uint16
      [1]  transmitq1  struct
        num             256 (0x100)  uint32
        desc            0  uint64
        last_avail_idx  0  uint16
        vector          65535 (0xffff) NO_VECTOR  uint16
      [2]  controlq  struct
        num             64 (0x40)  uint32
        desc            0  uint64
        last_avail_idx  0  uint16
        vector          65535 (0xffff) NO_VECTOR  uint16
    device                 545 bytes, 52540012345600000000000000000001010000000000fffffffffffffffff…  buffer
      mac                       52:54:00:12:34:56, 6 bytes, 525400123456 "RT"  buffer
      vqs  struct
        tx_waiting  0  uint32
      mergeable_rx_bufs         0  uint32
      status                    1 LINK_UP  uint16
      promisc                   1  uint8
      allmulti                  0  uint8
      mac_table.in_use          0  uint32
      vlans                     (every VLAN), 512 bytes, fffffffffffffffffffffffffffffffffffffffffffffff…  buffer
      has_vnet_hdr              0  uint32
      mac_table.multi_overflow  0  uint8
      mac_table.uni_overflow    0  uint8
      alluni                    0  uint8
      nomulti                   0  uint8
      nouni                     0  uint8
      nobcast                   0  uint8
      has_ufo                   0  uint8
    virtio/64bit_features  subsection
      type            5  uint8
      idstr           "virtio/64bit_features"  capability
      version_id      1  uint32
      guest_features  0  uint64
    virtio/virtqueues  subsection
      type        5  uint8
      idstr       "virtio/virtqueues"  capability
      version_id  1  uint32
      vq  struct[1024]
        [0]  receiveq1  struct
          avail  0  uint64
          used   0  uint64
        [1]  transmitq1  struct
          avail  0  uint64
          used   0  uint64
        [2]  controlq  struct
          avail  0  uint64
          used   0  uint64
        [3]  struct
          avail  0  uint64
          used   0  uint64

# A PCI device without anything of virtio.
$ migstream tree pc-7.2.mig '0000:00:00.0/I440FX'
0000:00:00.0/I440FX[0]  I440FX
  parent_obj  struct
    version_id  2  int32 le
    config[0]   256 bytes, 8680371200000000020000060000000000000000000000000000000000000…  pci config
      vendor_id            32902 (0x8086) INTEL  le16
      device_id            4663 (0x1237) 82441FX  le16
      command              0  le16
      status               0  le16
      revision             2  uint8
      prog_if              0  uint8
      subclass             0 (host bridge)  uint8
      class                6 BRIDGE (bridge to another bus, or the host)  uint8
      cache_line_size      0  uint8
      latency_timer        0  uint8
      header_type          0 NORMAL  uint8
      bist                 0  uint8
      bar                  0 0 0 0 0 0  le32[6]
      cardbus_cis          0  le32
      subsystem_vendor_id  6900 (0x1af4) REDHAT_QUMRANET  le16
      subsystem_id         4352 (0x1100) QEMU  le16
      rom                  0  le32
      capabilities         0  uint8
      reserved             7 bytes, all zero  buffer
      interrupt_line       0  uint8
      interrupt_pin        0  uint8
      min_grant            0  uint8
      max_latency          0  uint8
      space_40             16 bytes, all zero  buffer
      pmccfg               0  le16
      space_52             5 bytes, all zero  buffer
      dramc                2  uint8
      dramt                0  uint8
      pam                  0 0xf0000 PCI 0 0xc0000 PCI 0xc4000 PCI 0 0xc8000 PCI 0xcc000 PCI 0 0xd0000 PCI 0xd4000 PCI 0 0xd8000 PCI 0xdc000 PCI 0 0xe0000 PCI 0xe4000 PCI 0 0xe8000 PCI 0xec000 PCI  uint8[7]
      drb                  0 0 0 0 0 0 0 0  uint8[8]
      space_68             10 bytes, all zero  buffer
      smram                2 C_BASE_SEG=2  uint8
      space_73             141 bytes, all zero  buffer
    irq_state   0 0 0 0  pci irq state
  unused      1 byte, 00  unused_buffer

$ migstream tree pc-7.2.mig globalstate
globalstate[0]  globalstate
  size      10 (0xa)  uint32
  runstate  prelaunch (not yet started), 100 bytes, 7072656c61756e636800000000000000…  buffer

$ migstream tree pc-7.2.mig 'cpu[0]/env.eipp'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[0]/env.eipp' [MS300]
  hint: did you mean cpu[0]/env.eip or cpu[0]/env.pat or cpu[0]/env.idt?
[exit status 2]

$ migstream tree pc-7.2.mig 'cpx'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpx' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]

$ migstream tree pc-7.2.mig 'cpu[1]'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[1]' [MS300]
  hint: did you mean cpu[0] or cpu_common[0] or acpi_build[0]?
[exit status 2]

$ migstream tree pc-novmdesc-7.2.mig i8254
i8254[0]  i8254
  data  108 bytes, 0000000000010000000000000000000000030001000000000000000000000…  buffer

$ migstream tree pc-novmdesc-7.2.mig i8254 --like pc-7.2.mig | head -n 4
i8254[0]  i8254
  channels[0].irq_disabled          0  uint32
  channels  struct[3]
    [0]  struct

# On a terminal of 80 columns.
$ migstream tree --where pc-7.2.mig cpu --depth 1
0x0003a603  cpu[0]  cpu
0x0003a603    env.regs                   0 RAX 0 RCX 397233 (0x60fb1) RDX 0 RBX
              0 RSP 0 RBP 0 RSI 0 RDI … 8 more  uint64[16]
0x0003a683    env.eip                    65520 (0xfff0)  uint64
0x0003a68b    env.eflags                 2  uint64
0x0003a693    env.hflags                 64 (0x40) ADDSEG  uint32
0x0003a697    env.fpuc                   895 (0x37f) IM DM ZM OM UM PM PC=3
              uint16
0x0003a699    env.fpus_vmstate           0  uint16
0x0003a69b    env.fptag_vmstate          0  uint16
0x0003a69d    env.fpregs_format_vmstate  0  uint16
0x0003a69f    env.fpregs  struct[8]
0x0003a6ef    env.segs  struct[6]
0x0003a767    env.ldt  struct
0x0003a77b    env.tr  struct
0x0003a78f    env.gdt  struct
0x0003a7a3    env.idt  struct
0x0003a7b7    env.sysenter_cs            0  uint32
0x0003a7bb    env.sysenter_esp           0  uint64
0x0003a7c3    env.sysenter_eip           0  uint64
0x0003a7cb    env.cr[0]                  1610612752 (0x60000010) ET NW CD
              uint64
0x0003a7d3    env.cr[2]                  0  uint64
0x0003a7db    env.cr[3]                  0  uint64
0x0003a7e3    env.cr[4]                  0  uint64
0x0003a7eb    env.dr                     0 0 0 0 0 0 4294905840 (0xffff0ff0)
              1024 (0x400)  uint64[8]
0x0003a82b    env.a20_mask               -1 (A20 open)  int32
0x0003a82f    env.mxcsr                  8064 (0x1f80) IM DM ZM OM UM PM  uint32
0x0003a833    env.xmm_regs[0]  struct[16]
0x0003a933    env.efer                   0  uint64
0x0003a93b    env.star                   0  uint64
0x0003a943    env.lstar                  0  uint64
0x0003a94b    env.cstar                  0  uint64
0x0003a953    env.fmask                  0  uint64
0x0003a95b    env.kernelgsbase           0  uint64
0x0003a963    env.smbase                 196608 (0x30000)  uint32
0x0003a967    env.pat                    1974748653749254 (0x7040600070406) WB
              WT UC- UC WB WT UC- UC  uint64
0x0003a96f    env.hflags2                257 (0x101) GIF VGIF  uint32
0x0003a973    env.vm_hsave               0  uint64
0x0003a97b    env.vm_vmcb                0  uint64
0x0003a983    env.tsc_offset             0  uint64
0x0003a98b    env.intercept              0  uint64
0x0003a993    env.intercept_cr_read      0  uint16
0x0003a995    env.intercept_cr_write     0  uint16
0x0003a997    env.intercept_dr_read      0  uint16
0x0003a999    env.intercept_dr_write     0  uint16
0x0003a99b    env.intercept_exceptions   0  uint32
0x0003a99f    env.v_tpr                  0  uint8
0x0003a9a0    env.mtrr_fixed             0 FIX64K_00000 UC 0 FIX16K_80000 UC 0
              FIX16K_A0000 UC 0 FIX4K_C0000 UC 0 FIX4K_C8000 UC 0 FIX4K_D0000 UC
              0 FIX4K_D8000 UC 0 FIX4K_E0000 UC … 3 more  uint64[11]
0x0003a9f8    env.mtrr_deftype           0  uint64
0x0003aa00    env.mtrr_var  struct[8]
0x0003aa80    env.interrupt_injected     -1 (none)  int32
0x0003aa84    env.mp_state               0 RUNNABLE  uint32
0x0003aa88    env.tsc                    0  uint64
0x0003aa90    env.exception_nr           -1 (none)  int32
0x0003aa94    env.soft_interrupt         0  uint8
0x0003aa95    env.nmi_injected           0  uint8
0x0003aa96    env.nmi_pending            0  uint8
0x0003aa97    env.has_error_code         0  uint8
0x0003aa98    env.sipi_vector            0  uint32
0x0003aa9c    env.mcg_cap                16777482 (0x100010a) BANKS=10 CTL SER
              uint64
0x0003aaa4    env.mcg_status             0  uint64
0x0003aaac    env.mcg_ctl                18446744073709551615
              (0xffffffffffffffff)  uint64
0x0003aab4    env.mce_banks              18446744073709551615
              (0xffffffffffffffff) MC0_CTL 0 MC0_STATUS 0 MC0_ADDR 0 MC0_MISC
              18446744073709551615 (0xffffffffffffffff) MC1_CTL 0 MC1_STATUS 0
              MC1_ADDR 0 MC1_MISC … 32 more  uint64[40]
0x0003abf4    env.tsc_aux                0  uint64
0x0003abfc    env.system_time_msr        0  uint64
0x0003ac04    env.wall_clock_msr         0  uint64
0x0003ac0c    env.xcr0                   1 X87  uint64
0x0003ac14    env.xstate_bv              0  uint64
0x0003ac1c    env.xmm_regs[1]  struct[16]
0x0003ad1c    cpu/poll_control_msr  subsection

# On a terminal of 60 columns, in colour.
$ migstream tree --where pc-7.2.mig timer
\e[2m0x0003a5b0  \e[0m\e[1mtimer[0]\e[0m  \e[2mtimer\e[0m
\e[2m0x0003a5b0  \e[0m  \e[36mcpu_ticks_offset\e[0m  \e[32m0\e[0m  \e[2mint64\e[0m
\e[2m0x0003a5b8  \e[0m  \e[36munused\e[0m            \e[32m8 bytes, all zero\e[0m
              \e[2munused_buffer\e[0m
\e[2m0x0003a5c0  \e[0m  \e[36mcpu_clock_offset\e[0m  \e[32m0\e[0m  \e[2mint64\e[0m
