"""Fields, versions and subsections (migration/vmstate.c, vmstate-types.c)."""

from __future__ import annotations

from migstream.qemu.words.model import DAMAGE, LOST, NEW, NEWER, Message, message

__all__ = ["VMSTATE"]

VMSTATE: tuple[Message, ...] = (
    message(
        "too-new",
        "{vmsd:n}: incoming version_id {received:d} is too new for local version_id {local:d}",
        means="this state's version is above the destination's",
        causes=(NEWER, "a version number is damaged"),
        look=("the version of this VMState on both sides (`-dump-vmstate`)",),
        place="vmsd",
        sides=("version", "{vmsd} version {received}", "{vmsd} version {local} at most"),
    ),
    message(
        "too-old",
        (
            "{vmsd:n}: incoming version_id {received:d} is too old for local minimum version_id  {local:d}",
            "up to 10.1",
        ),
        (
            "{vmsd:n}: incoming version_id {received:d} is too old for local minimum version_id {local:d}",
            "since 10.2",
        ),
        means="this state's version is below the oldest that the destination reads",
        causes=("the stream is from an older QEMU", "a version number is damaged"),
        look=("the minimum version on the destination (`-dump-vmstate`)",),
        place="vmsd",
        sides=("version", "{vmsd} version {received}", "{vmsd} version {local} at least"),
    ),
    message(
        "element",
        ("Failed to load element of type {type:s} for {field}", "since 10.1"),
        means="this field could not be read",
        kind="context",
        place="field",
    ),
    message(
        "state-error",
        ("Failed to load {vmsd:n} state: stream error: {error:d}", "since 10.1"),
        means="the stream ended, or could not be read, inside this state",
        causes=("the stream is cut off", DAMAGE),
        place="field",
    ),
    message(
        "field",
        "Failed to load {vmsd:n}:{field}",
        means="this field could not be read: the stream ends there, or its value was refused",
        causes=(
            "with Input/output error: the stream is cut off in this field",
            "with a line before this one: that line's reason",
        ),
        look=("the field's bytes",),
        kind="context",
        place="field",
    ),
    message(
        "validation",
        ("Input validation failed: {vmsd:s}/{field:s} version_id: {version:d}", "since 10.2"),
        "Input validation failed: {vmsd:s}/{field:s}",
        means="a size or index in the stream is outside of what the destination has room for",
        causes=(
            "the device is configured larger at the source (queues, buffers, CPUs)",
            "the value is damaged",
        ),
        look=("the value that this check is about, mostly a count a few fields before",),
        place="field",
    ),
    message(
        "subsection-missing",
        ("VM subsection '{subsection:s}' in '{vmsd:s}' does not exist", "since 10.2", "vm"),
        ("subsection '{subsection:s}' in '{vmsd:s}' does not exist", "since 10.2"),
        means="the stream has a subsection that the destination's device does not have",
        causes=(
            NEWER,
            "a feature of the device is on at the source only",
            "the name is damaged",
        ),
        look=("the device's properties on both sides",),
        place="subsection",
        sides=("subsection", "sends {subsection}", "{vmsd} has no such subsection"),
    ),
    message(
        "subsection-failed",
        ("Loading VM subsection '{subsection:s}' in '{vmsd:s}' failed: {error:d}", NEW),
        ("Loading VM subsection '{subsection:s}' in '{vmsd:s}' failed", NEW),
        means="something inside this subsection was refused",
        kind="context",
        place="subsection",
    ),
    message(
        "hook",
        (
            (
                "{when} load hook failed for: {vmsd:s}, version_id: {version:d}, "
                "minimum_version: {minimum:d}, ret: {error:d}"
            ),
            "since 10.1",
            "post",
        ),
        (
            (
                "{when} load hook failed for: '{vmsd:s}', version_id: {version:d}, "
                "minimum version_id: {minimum:d}, ret: {error:d}"
            ),
            "since 10.1",
            "pre",
        ),
        (
            "{when} load hook failed for: '{vmsd:s}', version_id: {version:d}, minimum version_id: {minimum:d}",
            "since 10.2",
            "pre",
        ),
        (
            "{when} load hook failed for: {vmsd:s}, version_id: {version:d}, minimum_version: {minimum:d}",
            "since 10.2",
            "post",
        ),
        means="the device's own check before or after loading refused the state",
        causes=(
            "the device of the destination has other properties, another CPU model, or another backend",
            "a value is damaged",
        ),
        look=("the lines before this one", "the device's properties on both sides"),
        kind="context",
        place="vmsd",
    ),
    message(
        "positive",
        "Invalid value {value:d} expecting positive value <= {limit:d}",
        means="a number must be between 0 and the destination's",
        causes=("version_id of a PCI device from a newer QEMU", "the value is damaged"),
        look=("version_id at the start of the PCI state",),
        sides=("value", "{value}", "{limit} at most"),
    ),
    message(
        "null-pointer",
        ("vmstate: get_nullptr expected VMS_NULLPTR_MARKER", "up to 10.x"),
        ("Unexpected ptr marker: {value:d}", "since 11"),
        means="in an array of pointers one side has an element where the other has none",
        causes=("another number of CPUs, ports or slots", LOST),
        look=("the array of pointers in this device",),
    ),
    message(
        "list-inconsistent",
        "{vmsd:n} inconsistent stream when loading the gtree",
        means="a tree's number of nodes and its end marker disagree",
        causes=(DAMAGE,),
        place="vmsd",
    ),
    message(
        "list-version",
        ("{vmsd:n} too new", "", "new"),
        ("{vmsd:n} too old", "", "old"),
        means="the version of a list's or tree's elements is not one that the destination reads",
        causes=("another release on the other side", DAMAGE),
        place="vmsd",
    ),
    message(
        "list-element",
        ("{vmsd:n} : failed to load {field:s} ({error:d})", "up to 10.x"),
        means="an element of a list or tree could not be read",
        causes=("the line before this one says why", DAMAGE),
        place="vmsd",
    ),
    message(
        "too-many-elements",
        "vmstate_load_state: Assertion `first_elem || !n_elems || !size' failed",
        means="QEMU aborts: the stream has a field whose memory this device did not allocate",
        causes=(
            "a subsection with a timer that the destination's CPU does not have (another CPU model or release)",
            "a pointer of the device is set up only with an option that the destination was not given",
        ),
        look=("the subsections of the device that was loaded last", "`-cpu` of both sides"),
        place="timers",
    ),
    message(
        "assertion",
        "{function}: Assertion `{condition:s}' failed",
        means="QEMU aborts in an assertion: it did not expect such a state to be possible",
        causes=(
            "a value in the stream that the device does not check (damage, or another configuration)",
            "a defect of QEMU",
        ),
        look=("the device that was loaded last", "whether a newer QEMU says what is wrong"),
        place="none",
    ),
)
