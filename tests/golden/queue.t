$ migstream queue --help
Usage: migstream queue [OPTIONS] STREAM DEVICE [N]

  The virtqueues of a device, read out of guest memory; of queue N every request
  in it.

  A chain of buffers waits for the device, or is in flight: the device has taken
  it and not given it back. `driver's` and `device's` are where each of the two
  writes.

Options:
  --contents                   The bytes of the buffers, too.
  --all                        All bytes of every buffer, not the first 256.
  --map BLOCK@ADDRESS          Where a RAM block is in guest-physical memory, if
                               the stream does not say.
  --index FILE                 An index to use, wherever it lies (`index` makes
                               one).
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
  # All queues of a device
  $ migstream queue virtio.mig virtio-net
  # What waits in one, buffer by buffer
  $ migstream queue virtio.mig virtio-net 0
  # With the bytes of the buffers
  $ migstream queue virtio.mig virtio-net 0 --contents
$ migstream queue q35-7.2.mig virtio-net
queue                size  table  driver's  device's  taken  waiting  in flight
    0  receiveq1      256                                                        not set up
    1  transmitq1     256                                                        not set up
    2  controlq        64                                                        not set up
$ migstream queue q35-7.2.mig virtio-net 1
queue                size  table  driver's  device's  taken  waiting  in flight
    1  transmitq1     256                                                        not set up
$ migstream queue q35-7.2.mig virtio-net 1 --json
{
  "migstream": "queue",
  "format": 1,
  "file": "q35-7.2.mig",
  "device": "0000:00:01.0/virtio-net[0]",
  "queues": [
    {
      "device": "0000:00:01.0/virtio-net[0]",
      "number": 1,
      "name": "transmitq1",
      "size": 256,
      "form": "split",
      "ready": false,
      "desc": 0,
      "driver": 0,
      "device_area": 0,
      "big_endian": false,
      "taken": 0,
      "available": null,
      "used": null,
      "waiting": null,
      "in_flight": null,
      "chains": [],
      "damage": ""
    }
  ]
}
$ migstream queue q35-7.2.mig virtio-net 9
[stderr]
migstream: q35-7.2.mig: 0000:00:01.0/virtio-net[0] has no queue 9 [MS300]
  hint: it has 3, from 0 on
[exit status 2]
$ migstream queue pc-7.2.mig cpu
[stderr]
migstream: pc-7.2.mig: cpu[0] is no virtio device whose state can be read [MS200]
  hint: `migstream tree STREAM` lists the devices; virtio is in the names of these
[exit status 4]

# On a terminal of 80 columns.
$ migstream queue q35-7.2.mig virtio-net
queue              size
    0  receiveq1    256  not set up
    1  transmitq1   256  not set up
    2  controlq      64  not set up
