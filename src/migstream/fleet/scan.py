"""One object scanned: a few ranges are read, and some dozens of small rows come out.

It is a plain function of what is at an address: it keeps nothing, and what it takes and gives can be pickled. Whatever
is wrong with an object is a row. No byte of guest memory is in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from itertools import islice
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from migstream.analysis.digest import hash_of
from migstream.analysis.domain import domain_of
from migstream.analysis.findings import Finding as Found
from migstream.analysis.identify.builds import distribution
from migstream.analysis.identify.cpu import cpu_model
from migstream.analysis.identify.facts import written_by
from migstream.errors import MigstreamError, NoSuchPath, OverLimit, SourceError, StreamError
from migstream.fleet.marks import Mark, mark_of
from migstream.fleet.schema import (
    FORMAT,
    TABLES,
    Block,
    Device,
    Field,
    Finding,
    Key,
    Row,
    Saved,
    State,
    Verdict,
)
from migstream.machine.arch import architecture
from migstream.machine.map.setup import machine_setup
from migstream.names import json_line, portable
from migstream.qemu.release import Version
from migstream.source.address import public, scrub
from migstream.source.layers import Layer
from migstream.stream import Stream, open_stream
from migstream.vmstate.values import Value
from migstream.wire.model import Span

__all__ = [
    "ALL",
    "Questions",
    "Scan",
    "failed",
    "object_key",
    "release_text",
    "scan",
    "state_of",
]

MOST = 4096  # rows of a table, of one object
LONGEST = 1024  # characters of a text
LARGEST = (1 << 64) - 1
SIGNED = range(-(1 << 63), 1 << 63)
KEY = 8  # bytes that stand for an object, or for a scan
ALL = "all"

R = TypeVar("R", bound=Row)


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be found out of each object.

    Parameters
    ----------
    to : releases (`10.0`, `debian-13`) for which the load is foretold from the catalogue; "all" for every one
    fields : paths of values (`cpu[*]/env.eip`)
    check : apply all rules of `check` where the stream is walked; without it findings are what its reading noticed
    walk : read all of a large stream, too
    redact : a secret; names (of objects, guests, snapshots, and in messages) are left out then. Objects keep a
        number, which nobody without the secret can tell their names from
    catalogue : a catalogue, or a folder of them, before those of migstream
    """

    to: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    check: bool = False
    walk: bool = False
    redact: bytes = b""
    catalogue: str | None = None

    def releases(self) -> tuple[Version | str | None, ...]:
        """The releases as `foretell` takes them, None for every one; raises ValueError where one is none."""
        return tuple(None if one == ALL else _release_of(one, self.catalogue) for one in self.to)

    @property
    def fingerprint(self) -> bytes:
        """Differs where the rows of an object that stays the same may differ."""
        return msgspec.msgpack.encode((FORMAT, self))


def release_text(name: str, folder: str | None = None) -> str:
    """How the rows call a release of that number or name; raises ValueError where it is none."""
    return _text_of(_release_of(name, folder))


def _release_of(name: str, folder: str | None) -> Version | str:
    from migstream.catalogue.shelf import release_named

    found = release_named(name, folder)
    if found is None:
        raise ValueError(f"{name!r} is no release, such as 10.0 or debian-13")
    return found


def _text_of(release: Version | str) -> str:
    return release if isinstance(release, str) else ".".join(map(str, release))


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one object."""

    key: Key
    saved: Saved
    devices: tuple[Device, ...] = ()
    blocks: tuple[Block, ...] = ()
    findings: tuple[Finding, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    fields: tuple[Field, ...] = ()

    def tables(self) -> dict[str, tuple[Row, ...]]:
        """The rows by table, without what all of them begin with."""
        of = msgspec.structs.asdict(self)
        return {name: (self.saved,) if kind is Saved else of[name] for name, kind in TABLES.items()}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, whole, as plain dicts."""
        begun = msgspec.structs.asdict(self.key)
        return [begun | msgspec.structs.asdict(row) for row in self.tables()[table]]


def object_key(url: str, redact: bytes = b"") -> str:
    """The digits that stand for an address."""
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=KEY, key=redact).hexdigest()


def state_of(mark: Mark, questions: Questions) -> int | None:
    """A number that is another one once an object or the questions have changed; None where nobody can tell."""
    if mark == Mark():
        return None
    told = msgspec.msgpack.encode(mark) + questions.fingerprint
    return int.from_bytes(blake2b(told, digest_size=KEY).digest(), "big")


def scan(
    url: str,
    *,
    questions: Questions = Questions(),  # noqa: B008 - it cannot change
    mark: Mark | None = None,
    time: datetime | None = None,
) -> Scan:
    """The rows of one object: a path, or an address that `migstream.open` takes.

    It never raises for what is wrong with the object, which is a row then. Time and memory are for the caller to limit.

    Parameters
    ----------
    mark : size, tag and time of the object, where they are known already
    time : when the run began that this is a part of; now otherwise

    Raises
    ------
    ValueError : what is asked for is no release
    """
    questions.releases()
    when = datetime.now(UTC) if time is None else time
    try:
        if mark is None:
            mark = mark_of(url)
        with open_stream(url, walk=questions.walk) as stream:
            return _Scanned(stream, url, questions, mark, _key(url, questions, when, mark)).scan()
    except RecursionError:
        error: BaseException = StreamError("nested beyond reason")
    except MemoryError:
        error = OverLimit("out of memory", hint="--memory-limit gives more")
    except (MigstreamError, OSError, ValueError) as one:
        error = one
    except Exception as one:  # noqa: BLE001 - a mistake of ours is a row, too, and not the end of a run
        error = MigstreamError(f"{type(one).__name__}: {one}", hint="please report it")
    return failed(url, error, questions=questions, mark=mark or Mark(), time=when)


def failed(
    url: str, error: BaseException, *, questions: Questions, mark: Mark, time: datetime
) -> Scan:
    """The one row of an object that could not be read."""
    told = error if isinstance(error, MigstreamError) else SourceError(str(error))
    again = isinstance(told, OverLimit) or (isinstance(told, SourceError) and told.passing)
    saved = Saved(
        mark=None if again else state_of(mark, questions),
        size=mark.size,
        etag=mark.etag,
        mtime=mark.mtime,
        error=told.code,
        place=_text(told.place.removesuffix(": ")),
        message=None if questions.redact else _text(scrub(told.message, url)),
        hint=None if questions.redact else _text(scrub(told.hint, url)),
        again=again,
    )
    return Scan(key=_key(url, questions, time, mark), saved=saved)


def _key(url: str, questions: Questions, time: datetime, mark: Mark) -> Key:
    named = object_key(url, questions.redact)
    state = msgspec.msgpack.encode((named, time, mark))
    return Key(
        object=named,
        scan=blake2b(state + questions.fingerprint, digest_size=KEY).hexdigest(),
        url=None if questions.redact else _text(public(url)),
        time=time,
    )


class _Scanned:
    """An open stream that is asked."""

    def __init__(
        self, stream: Stream, url: str, questions: Questions, mark: Mark, key: Key
    ) -> None:
        self._stream = stream
        self._url = url
        self._asked = questions
        self._mark = mark
        self._key = key
        self._left_out = 0

    def scan(self) -> Scan:
        """All rows."""
        stream = self._stream
        devices = self._some(map(_device, stream.devices))
        findings = self._some(self._findings())
        return Scan(
            key=self._key,
            devices=devices,
            blocks=self._some(self._blocks()),
            findings=findings,
            verdicts=self._some(self._verdicts()),
            fields=self._some(self._fields()),
            saved=self._saved(devices, findings),
        )

    def _some(self, rows: Iterable[R]) -> tuple[R, ...]:
        all_ = iter(rows)
        kept = tuple(islice(all_, MOST))
        self._left_out += sum(1 for _ in all_)
        return kept

    def _saved(self, devices: tuple[Device, ...], findings: tuple[Finding, ...]) -> Saved:
        stream, asked, mark = self._stream, self._asked, self._mark
        setup, writer = machine_setup(stream), written_by(stream)
        domain, span = domain_of(stream), stream.description_span
        configuration = stream.configuration
        uuid = None if configuration is None else configuration.uuid
        severities = [finding.severity for finding in findings]
        return Saved(
            mark=state_of(mark, asked),
            size=mark.size,
            etag=mark.etag,
            mtime=mark.mtime,
            state=self._state(),
            container=_text(", ".join(layer.name for layer in stream.layers)),
            inside=None if asked.redact else _text(_said(stream.layers)),
            domain=None if asked.redact or domain is None else _text(domain.name),
            uuid=None if asked.redact else _text(uuid or (domain.uuid if domain else "")),
            machine=_text(stream.machine),
            architecture=architecture(stream),
            writer=writer.named() or None,
            writer_first=_release(writer.first),
            writer_before=_release(writer.before),
            distribution=_text(distribution(stream.machine)),
            cpu=_text(cpu_model(stream)),
            capabilities=[_text(one) or "" for one in stream.capabilities[:MOST]],
            accelerator=setup.accelerator,
            vcpus=setup.cpus,
            max_vcpus=setup.max_cpus,
            memory=_number(setup.memory),
            plugged=_number(sum(block.size for block in setup.plugged)),
            devices=len(stream.devices),
            device_bytes=sum(d.section.span.size for d in stream.devices),
            ram_blocks=len(stream.blocks),
            ram_bytes=_number(sum(b.used_length for b in stream.blocks)),
            description_bytes=None if span is None else span.size - 5,
            digest=_digest(stream.machine, devices),
            errors=severities.count("error"),
            warnings=severities.count("warning"),
            left_out=self._left_out,
        )

    def _state(self) -> State:
        if self._wrong():
            return "damaged"
        return "whole" if self._stream.walked else "unproven"

    def _wrong(self) -> list[StreamError]:
        return self._stream.damage if self._stream.walked else self._stream.noticed

    def _blocks(self) -> Iterator[Block]:
        stream = self._stream
        kinds = _kinds(stream)
        for one in stream.blocks:
            unplugged = sum(stop - start for start, stop in stream.unplugged.get(one.name, ()))
            yield Block(
                name=_text(one.name) or "",
                kind=kinds(one.name),
                size=_number(one.used_length),
                page_size=_number(one.page_size),
                address=_number(one.address),
                unplugged=_number(unplugged),
            )

    # --- what is wrong ---------------------------------------------------------------------------

    def _findings(self) -> Iterator[Finding]:
        silent = bool(self._asked.redact)
        for one in self._found():
            yield Finding(
                code=one.code,
                severity=one.severity,
                section=_text(one.section) or "",
                path=_text(one.path) or "",
                start=_number(None if one.span is None else one.span.start),
                stop=_number(None if one.span is None else one.span.stop),
                message="" if silent else _text(one.message) or "",
                expected="" if silent else _text(one.expected) or "",
                found="" if silent else _text(one.found) or "",
            )

    def _found(self) -> Iterable[Found]:
        """What `check` says; where it is not asked for, or would read all of a large object, what was noticed."""
        if self._asked.check and self._stream.walked:
            from migstream.analysis.check import check

            return check(self._stream).findings
        return map(_noticed, self._wrong())

    # --- other releases --------------------------------------------------------------------------

    def _verdicts(self) -> Iterator[Verdict]:
        if not self._asked.to:
            return
        from migstream.analysis.compat.foretell import foretell

        silent = bool(self._asked.redact)
        for release in self._asked.releases():
            try:
                loads = foretell(self._stream, release, folder=self._asked.catalogue)
            except (MigstreamError, ValueError) as error:  # the latter of a domain's XML
                told = error.message if isinstance(error, MigstreamError) else str(error)
                for name in _named(release, self._asked.catalogue):
                    yield Verdict(release=name, message=None if silent else _text(told))
                continue
            for one in loads:
                words = [verdict.word for verdict in one.report.verdicts]
                first = one.report.first
                counts = Verdict(
                    release=one.release,
                    loads=one.report.accepted,
                    problems=len(one.report.problems),
                    losing=words.count("loses"),
                    unknown=words.count("unknown"),
                )
                yield (
                    counts
                    if first is None
                    else replace(
                        counts,
                        device=_text(first.device),
                        path=_text(first.path),
                        kind=first.kind,
                        message=None if silent else _text(first.message),
                        said=None if silent else _text("\n".join(first.said)),
                    )
                )

    # --- values ----------------------------------------------------------------------------------

    def _fields(self) -> Iterator[Field]:
        for path in self._asked.fields:
            try:
                found = self._stream.find(path)
                yield from (_field(path, value) for value in found)
            except NoSuchPath:
                continue  # another guest may have it


def _device(device: Any) -> Device:
    section = device.section
    return Device(
        path=_text(device.path) or "",
        name=_text(device.name.rpartition("/")[2]) or "",
        instance_id=section.instance_id,
        version_id=section.version_id,
        size=section.payload.size,
        described=device.described,
        digest=hash_of(device.value.raw),
    )


def _noticed(error: StreamError) -> Found:
    """An error as a finding."""
    path = "/".join(error.path)
    return Found(
        code=error.code,
        severity="error",
        message=error.message,
        section=path.partition("/")[0],
        path=path,
        span=None if error.at is None else Span(error.at, error.at + 1),
        expected="" if error.expected is None else str(error.expected),
        found="" if error.found is None else str(error.found),
    )


def _digest(machine: str | None, devices: Iterable[Device]) -> str:
    """Of machine type and device state."""
    told = sha256(msgspec.msgpack.encode(_text(machine)))
    for device in devices:
        told.update(msgspec.msgpack.encode((device.path, device.version_id, device.digest)))
    return told.hexdigest()


def _kinds(
    stream: Stream,
) -> Callable[[str], Literal["machine", "plugged", "device", "rom", "other"]]:
    """What kind a RAM block of a name is of."""
    from migstream.machine.map.installed import machine_ram

    memory = machine_ram(stream)
    own = frozenset() if memory is None else frozenset(block.name for block in memory.blocks)
    plugged = frozenset() if memory is None else frozenset(block.name for block in memory.others)

    def kind(name: str) -> Literal["machine", "plugged", "device", "rom", "other"]:
        if name in own:
            return "machine"
        if name in plugged:
            return "plugged"
        if name.startswith("/rom@") or name.endswith((".rom", ".bios", "bios")):
            return "rom"
        return "device" if "/" in name else "other"

    return kind


def _field(asked: str, value: Value) -> Field:
    single = value.kind == "leaf" and value.count is None
    plain = value.plain()
    number = plain if isinstance(plain, int) and not isinstance(plain, bool) else None
    return Field(
        asked=asked,
        path=_text(value.path) or "",
        type=_text(value.type) or "",
        value=_text(value.text if single else json_line(plain)) or "",
        number=number if number is not None and number in SIGNED else None,
        symbol=_text(value.symbol) or "",
    )


def _said(layers: Iterable[Layer]) -> str:
    return next((layer.said for layer in reversed(tuple(layers)) if layer.said), "")


def _release(version: Version | None) -> str | None:
    return None if version is None else _text_of(version)


def _named(release: Version | str | None, folder: str | None) -> list[str]:
    """A release, or all of the catalogue, as text."""
    from migstream.catalogue.shelf import on_shelf

    if release is not None:
        return [_text_of(release)]
    return [_text_of(one) for one in sorted({one.index.release[:2] for one in on_shelf(folder)})]


def _number(value: int | None) -> int | None:
    """A number as a table can have it."""
    return None if value is None else min(max(value, 0), LARGEST)


def _text(text: str | None) -> str | None:
    """A text as a table can have it: bounded, of code points; None for none."""
    if not text:
        return None
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return portable(cut).replace("\0", "\\x00")
