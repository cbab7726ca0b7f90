"""Logs as people paste them: whatever is around QEMU's words, they are found, and mean the same."""

from __future__ import annotations

import gzip
import html
import io
import json
import os
import textwrap
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.analysis.explain.log import Explanation, explain
from migstream.analysis.explain.numbers import numbers
from migstream.analysis.explain.peel import LONGEST, peel
from migstream.analysis.explain.sift import sift
from migstream.cli.group import cli
from migstream.qemu.words.recognise import recognise
from support.samples import SHARED

QEMU = "2026-01-15T08:00:04.00000{}Z qemu-system-x86_64: {}"
FAILED = "load of migration failed: Invalid argument"
# What a QEMU or a libvirt said, by the message that is the cause.
LOGS: dict[str, list[str]] = {
    "pci-config": [
        "get_pci_config_device: Bad config data: i=0x10 read: 21 device: 1 cmask: ff wmask: c0 w1cmask:0",
        "Failed to load PCIDevice:config",
        "Failed to load virtio-balloon:virtio",
        "error while loading state for instance 0x0 of device '0000:00:08.0/virtio-balloon'",
        FAILED,
    ],
    "virtio-features": [
        "Features 0x1c0010130afffaf unsupported. Allowed features: 0x10179bfffef",
        "Failed to load virtio-net:virtio",
        "error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'",
        "load of migration failed: Operation not permitted",
    ],
    "msr": [
        "error: failed to set MSR 0x48e to 0xfff9fffe04006172",
        "../target/i386/kvm.c:2713: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
    ],
    "tls": [
        "Cannot read from TLS channel: Input/output error",
        "Not a migration stream",
        FAILED,
    ],
    "swtpm": [
        "tpm-emulator: Setting the stateblob (type 1) failed with a TPM error 0x3 bad parameter",
        "error while loading state for instance 0x0 of device 'tpm-emulator'",
        "load of migration failed: Input/output error",
    ],
    "usb-redir": [
        "usbredirparser: unserialization must use a pristine parser",
        "Failed to load usb-redir:parser",
        "error while loading state for instance 0x0 of device '0000:00:02.1:00.0/2/usb-redir'",
        "Error -1 while loading VM state",
    ],
    "block-size": [
        "Size mismatch: pc.ram: 0x100000000 != 0x200000000: Invalid argument",
        "error while loading state for instance 0x0 of device 'ram'",
        FAILED,
    ],
    "no-snapshot": ["Device 'hda' does not have the requested snapshot 'suspend'"],
    "9p": [
        "Migration is disabled when VirtFS export path '/srv' is mounted in the guest using mount_tag 'config'"
    ],
    "vfio": ["0000:3b:00.0: VFIO migration is not supported in kernel"],
    "source-save": ["pre-save failed: qxl", "Error while writing VM state: Unknown error -1"],
    "host-cpu": [
        "warning: host doesn't support requested feature: CPUID.07H:EBX.hle [bit 4]",
        "Host doesn't support requested features",
    ],
    "unmigratable": ["Nested VMX virtualization does not support live migration yet"],
}
SIDES = {"msr": "host", "tls": "host", "swtpm": "host", "usb-redir": "host", "no-snapshot": "host"}
SIDES |= {"9p": "source", "vfio": "source", "source-save": "source", "unmigratable": "source"}
SIDES |= {"host-cpu": "host"}


def log(lines: list[str]) -> str:
    return "\n".join(QEMU.format(number, line) for number, line in enumerate(lines))


Wrap = Callable[[str], str]


def each(make: Callable[[str], str]) -> Wrap:
    return lambda text: "\n".join(make(line) for line in text.splitlines())


def escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


# Each is something that puts a log into another text.
WRAPPERS: dict[str, Wrap] = {
    "virt-launcher": each(
        lambda line: json.dumps(
            {"component": "virt-launcher-monitor", "level": "info", "msg": line, "pos": "x.go:3"}
        )
    ),
    "containerd": each(lambda line: json.dumps({"log": f"{line}\n", "stream": "stderr"})),
    "a field of a field": lambda text: json.dumps({"status": {"conditions": [{"reason": text}]}}),
    "journald": each(lambda line: f"Nov 27 10:00:01 host1 libvirtd[1234]: {line}"),
    "kubectl": each(lambda line: f"2026-01-15T08:00:05.1Z {line}"),
    "the monitor": lambda text: (
        f"error: internal error: QEMU unexpectedly closed the monitor (vm='x'): {text}"
    ),
    "an exception": lambda text: (
        f"libvirt.libvirtError: internal error: process exited while connecting to monitor: {text}"
    ),
    "a repr": lambda text: (
        f"\"LibvirtError(Code=1, Domain=10, Message='internal error: qemu unexpectedly closed the monitor: {escaped(text)}')\""
    ),
    "a traceback": lambda text: (
        f'Traceback (most recent call last):\n  File "a.py", line 7, in run\nlibvirtError: {text}\n'
    ),
    "colours": each(lambda line: f"\x1b[31m{line}\x1b[0m"),
    "escapes": escaped,
    "HTML": lambda text: html.escape(text).replace("\n", "&#10;"),
    "one line": lambda text: text.replace("\n", ""),
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "quotes of a list": each(lambda line: f"> {line}"),
    "nova": each(
        lambda line: (
            f"2026-01-15 08:00:05.123 1234 ERROR nova.virt.libvirt.driver [req-1 admin] [instance: 5] {line}"
        )
    ),
    "virt-handler": each(
        lambda line: json.dumps(
            {"component": "virt-handler", "level": "error", "reason": line, "msg": "Synchronizing"}
        )
    ),
    "a task of Proxmox": lambda text: f"2026-01-15 08:00:05 ERROR: online migrate failure - {text}",
    "CRI": each(lambda line: f"2026-01-15T08:00:05.123456789Z stderr F {line}"),
    "klog": each(lambda line: f"E0115 08:00:05.123456    1234 server.go:42] {line}"),
    "RFC 5424": each(lambda line: f"<30>1 2026-01-15T08:00:05Z host1 libvirtd 1234 - - {line}"),
    "journal JSON": each(
        lambda line: json.dumps({"MESSAGE": line, "PRIORITY": "3", "_COMM": "libvirtd"})
    ),
    "logfmt": each(lambda line: f"time=2026-01-15T08:00:05Z level=error msg={json.dumps(line)}"),
    "rsyslog": lambda text: f"Nov 27 10:00:01 host1 libvirtd[1234]: {text}".replace("\n", "#012"),
    "ansible": lambda text: (
        f'fatal: [h1]: FAILED! => {{"changed": false, "rc": 1, "stderr": {json.dumps(text)}}}'
    ),
    "bytes of journald": each(
        lambda line: json.dumps({"MESSAGE": list(line.encode()), "_COMM": "x"})
    ),
    "Loki": lambda text: json.dumps({"values": [["17000", line] for line in text.splitlines()]}),
    "GELF": each(lambda line: json.dumps({"host": "h1", "short_message": line})),
    "a web page": lambda text: f"<pre><b>log</b><br/>{html.escape(text)}</pre>".replace(
        "\n", "<br>"
    ),
    "YAML": lambda text: "  message: '" + text.replace("'", "''").replace("\n", "\n\n    ") + "'",
    "typeset": lambda text: text.replace(" '", " ‘").replace("'", "’").replace(" ", "\u00a0"),
    "cat -A": each(lambda line: f"{line}$"),
    "vdsm": lambda text: f"ERROR (migsrc/1) [virt.vm] (vmId='1-2') {text} (migration:279)",
}


@pytest.mark.parametrize("name", LOGS)
def test_the_cause_comes_first_and_who_refuses_is_said(name: str) -> None:
    one = explain(log(LOGS[name]))
    assert one.cause is not None
    assert one.cause.message.name == name
    assert one.side == SIDES.get(name, "destination")


def same(name: str, text: str) -> None:
    plain, one = explain(log(LOGS[name])), explain(text)
    assert one.cause is not None, text
    assert one.cause.message.name == name
    assert one.cause.values == plain.cause.values  # type: ignore[union-attr]
    assert one.side == plain.side
    assert (one.device, one.instance, one.fields) == (plain.device, plain.instance, plain.fields)
    assert (one.result, one.features, one.numbers) == (plain.result, plain.features, plain.numbers)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", LOGS)
def test_a_wrapped_log_gives_the_same_answer(name: str, wrapper: str) -> None:
    same(name, WRAPPERS[wrapper](log(LOGS[name])))


@pytest.mark.parametrize("name", LOGS)
def test_lines_in_a_list_of_quoted_texts_give_the_same_answer(name: str) -> None:
    same(name, "\n".join(f"'{line}'," for line in log(LOGS[name]).splitlines()))


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(LOGS)),
    st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=3, unique=True),
)
def test_wrappers_around_wrappers_give_the_same_answer(name: str, wrappers: list[str]) -> None:
    text = log(LOGS[name])
    for wrapper in wrappers:
        text = WRAPPERS[wrapper](text)
    same(name, text)


@given(st.text(max_size=300))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    for line in peel(text):
        assert line.text.strip() == line.text != ""
    explain(text)


@pytest.mark.parametrize("piece", [")", "/a", "<br ", "''a", "Failed to load ", " "])
def test_a_long_line_takes_no_time(piece: str) -> None:
    start = time.process_time()
    explain(piece * (LONGEST // len(piece)) + "x")
    assert time.process_time() - start < 5


def test_a_deep_document_ends() -> None:
    deep = "x"
    for _ in range(50):
        deep = json.dumps({"msg": deep})[: 1 << 14]
    assert len(list(peel(deep))) < 50
    assert list(peel("{" * 5000 + "}" * 5000))


@pytest.mark.parametrize(
    ("around", "name"),
    [
        ("Requested operation is not valid: cannot migrate domain: ", "vfio"),
        ("operation failed: Failed to take snapshot: ", "source-save"),
        ("operation failed: Failed to take snapshot: Error: ", "unmigratable"),
        ("Could not create snapshot: ", "9p"),
    ],
)
def test_what_quotes_a_cause_does_not_hide_it(around: str, name: str) -> None:
    one = explain(f"error: {around}{LOGS[name][0]}")
    assert one.cause is not None
    assert (one.cause.message.name, one.side) == (name, SIDES[name])
    assert one.cause.values == explain(LOGS[name][0]).cause.values  # type: ignore[union-attr]


def test_what_quotes_something_else_is_the_cause_itself() -> None:
    one = explain("error: operation failed: Failed to take snapshot: nobody knows why")
    assert one.cause is not None
    assert one.cause.text == "Failed to take snapshot: nobody knows why"


CASES = SHARED / "cases"
# What a person has to be told first of each log that is like those people report.
RIGHT = {
    "01": "pci-config", "03": "tls", "04": "usb-redir", "05": "virtio-features", "07": "msr", "12": "no-snapshot",
    "19": "source-save", "21": "9p", "36": "stream-end", "48": "vfio", "61": "swtpm", "70": "block-size",
}  # fmt: skip


@pytest.mark.skipif(not CASES.is_dir(), reason="the larger collection is not here")
@pytest.mark.parametrize("number", RIGHT)
def test_the_right_cause_comes_first(number: str) -> None:
    text = (CASES / "logs" / f"{number}.txt").read_text()
    plain = explain(text)
    assert plain.cause is not None
    assert name_of(plain) == RIGHT[number]
    assert " " in plain.step
    for wrapper, wrap in WRAPPERS.items():
        one = explain(wrap(text))
        assert one.cause is not None, wrapper
        assert (name_of(one), one.side) == (RIGHT[number], plain.side), wrapper


@pytest.mark.skipif(not CASES.is_dir(), reason="the larger collection is not here")
def test_every_log_of_the_collection_has_its_cause_here() -> None:
    logs = json.loads((CASES / "logs.json").read_text())
    assert {Path(one["log"]).stem for one in logs} == set(RIGHT)


def name_of(one: Explanation) -> str:
    assert one.cause is not None
    return one.cause.message.name


@pytest.mark.parametrize("name", LOGS)
def test_lines_that_a_terminal_broke_are_whole(name: str) -> None:
    text = log(LOGS[name])
    whole = explain(text)
    one = explain(
        "\n".join(
            line[at : at + 80] for line in text.splitlines() for at in range(0, len(line), 80)
        )
    )
    assert one.cause is not None
    assert (name_of(one), one.device, one.fields) == (name, whole.device, whole.fields)


@pytest.mark.parametrize("name", LOGS)
def test_lines_that_a_mail_broke_are_whole(name: str) -> None:
    lines = [
        part
        for line in log(LOGS[name]).splitlines()
        for part in textwrap.wrap(line, 72, break_on_hyphens=False)
    ]
    same(name, "\n".join(f"> > {part}" for part in lines))


def test_what_stands_behind_a_line_is_not_its_end() -> None:
    text = "usbredirparser: unserialization must use a pristine parser"
    assert [one.text for one in peel(f"{text}\nPRIORITY=3")] == [text, "PRIORITY=3"]


@pytest.mark.parametrize("error", ["Das Argument ist ungültig", "Argument invalide", "无效的参数"])
def test_an_error_in_another_language_is_known(error: str) -> None:
    text = log(LOGS["pci-config"])
    assert explain(text.replace("Invalid argument", error)).result == explain(text).result


def test_lines_of_one_line_keep_the_order_of_their_fields() -> None:
    lines = [
        "Failed to load element of type pci config for config",
        (
            "load of migration failed: Invalid argument: error while loading state for instance 0x0 of device"
            " '0000:00:01.0/virtio-rng': Failed to load element of type virtio for virtio"
        ),
    ]
    assert explain(escaped(log(lines))).fields == explain(log(lines)).fields == ("virtio", "config")


# --- long ones -----------------------------------------------------------------------------------

CHATTER = "2026-01-15T08:00:00.1Z x: debug : virEventPollRunOnce:643 : Poll got 3 event(s)\n"


def test_of_a_long_log_what_is_said_is_kept_with_its_lines() -> None:
    said = log(LOGS["block-size"])
    text = CHATTER * 30000 + said + "\n" + CHATTER * 30000
    for raw in (text.encode(), gzip.compress(text.encode(), 1)):
        kept = sift(io.BufferedReader(io.BytesIO(raw)))
        assert kept.splitlines()[30000:30003] == said.splitlines()
        assert sum(map(bool, kept.splitlines())) < 200
        assert explain(kept).cause.line == 30001  # type: ignore[union-attr]


@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(raw: bytes) -> None:
    for start in (b"", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\xff\xfe"):
        explain(sift(io.BufferedReader(io.BytesIO(start + raw))))


def test_what_powershell_redirected_is_read() -> None:
    raw = log(LOGS["tls"]).encode("utf-16")
    assert name_of(explain(sift(io.BufferedReader(io.BytesIO(raw))))) == "tls"


# --- several failures ----------------------------------------------------------------------------


def test_of_several_failures_the_last_is_explained_and_the_others_are_listed() -> None:
    text = "\n".join(
        [
            "2026-01-15 08:00:00.100+0000: starting up libvirt version: 8.0.0",
            "2026-01-15T08:00:04.000001Z qemu-system-x86_64: Missing section footer for hpet",
            f"2026-01-15T08:00:04.000100Z qemu-system-x86_64: {FAILED}",
            "2026-01-15 08:00:05.000+0000: shutting down, reason=failed",
            "2026-01-15 10:00:00.100+0000: starting up libvirt version: 9.0.0",
            "2026-01-15T10:00:03.000001Z qemu-system-x86_64: Size mismatch: pc.ram: 0x10 != 0x20: Invalid argument",
            f"2026-01-15T10:00:03.000100Z qemu-system-x86_64: {FAILED}",
        ]
    )
    one = explain(text)
    assert one.cause is not None
    assert one.cause.message.name == "block-size"
    assert one.cause.line == 6
    [earlier] = one.earlier
    assert (earlier.line, earlier.when) == (2, "2026-01-15T08:00:04.000001Z")
    assert "hpet" in earlier.text


def test_both_sides_of_one_failure_are_one() -> None:
    text = f"{log(LOGS['pci-config'])}\n2026-01-15T08:00:05Z qemu-system-x86_64: Unable to write to socket: Broken pipe"
    one = explain(text)
    assert one.cause is not None
    assert one.cause.message.name == "pci-config"
    assert one.earlier == ()


def test_minutes_between_two_failures_tell_them_apart() -> None:
    first = log(LOGS["pci-config"])
    second = log(LOGS["block-size"]).replace("T08:", "T09:")
    one = explain(f"{first}\n{second}")
    assert one.cause is not None
    assert one.cause.message.name == "block-size"
    assert len(one.earlier) == 1


# --- what is not known ---------------------------------------------------------------------------


def test_what_is_not_known_is_shown_and_not_dropped() -> None:
    lines = [*LOGS["usb-redir"]]
    lines.insert(0, "warning: something that nobody has heard of")
    one = explain(log(lines))
    assert [spoken.text for spoken in one.also] == ["warning: something that nobody has heard of"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bad config data: i=0x10 read: 21 device: 1", ("register 0x10", "BAR 0")),
        ("Bad config data: i=0x3d read: 1 device: 2", ("register 0x3d", "interrupt pin")),
        ("Bad config data: i=0x9a read: 1 device: 2", ("register 0x9a", "a capability")),
        ("failed to set MSR 0x48e to 0x1", ("MSR 0x48e", "IA32_VMX")),
        ("failed to set MSR 0x4b564d01 to 0x1", ("MSR 0x4b564d01", "MSR_KVM")),
        ("failed to set MSR 0x40000020 to 0x1", ("MSR 0x40000020", "HV_X64_MSR")),
        ("failed to set MSR 0x7 to 0x1", ("MSR 0x7", "not one")),
    ],
)
def test_numbers_have_names(text: str, expected: tuple[str, str]) -> None:
    [(number, what)] = numbers(recognise(text)[0])
    assert number == expected[0]
    assert what.startswith(expected[1])


# --- the command ---------------------------------------------------------------------------------


def test_a_file_and_a_folder_of_logs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "guest.log"
    path.write_text(log(LOGS["9p"]))
    for place in (path, tmp_path):
        ended = CliRunner().invoke(cli, ["explain", str(place)])
        assert ended.exit_code == 0
        assert ended.stdout.startswith("Migration is disabled when VirtFS export path")
        assert "refused by: the source" in ended.stdout


def test_the_command_that_helps_on_has_the_name_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "a guest.log"
    path.write_text(log(LOGS["block-size"]))
    ended = CliRunner().invoke(cli, ["explain", str(path)])
    assert ended.stdout.splitlines()[-1] == f"next: migstream explain '{path}' --stream SAVED"


def test_empty_lines_count_and_cost_little() -> None:
    text = "\n" * 3_000_000 + "qemu-system-x86_64: Broken pipe\r\n"
    tracemalloc.start()
    try:
        [spoken] = peel(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (spoken.number, spoken.text) == (3_000_001, "Broken pipe")
    assert peak < len(text)


@pytest.mark.parametrize(("most", "status"), [(200, 1), (2000, 0)])
def test_of_a_folder_of_long_logs_the_newest_are_read(
    most: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one has the failure."""
    monkeypatch.setattr("migstream.analysis.explain.sift.MOST", most)
    for age, text in enumerate(["nothing is wrong\n" * 20, log(LOGS["9p"])]):
        path = tmp_path / f"{age}.log"
        path.write_text(text)
        os.utime(path, (1000 - age, 1000 - age))
    ended = CliRunner().invoke(cli, ["explain", str(tmp_path)])
    assert ended.exit_code == status
    assert ("VirtFS" in ended.stdout) == (status == 0)
