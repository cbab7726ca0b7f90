"""Rules: what `check` looks for. Each has a code, a severity, a title and a page, and one function.

The page is the function's docstring, so that a rule says what it does in one place. Rules live in the
modules that RULES names, which are imported when somebody checks or asks for a page. Those of other
packages begin with letters of their own: MS is this package's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Self

import msgspec

from migstream.analysis.findings import Finding, Severity
from migstream.errors import StreamError
from migstream.plugins import Registry
from migstream.stream import Device, Stream
from migstream.vmstate.description import Device as Described
from migstream.wire.model import (
    Configuration,
    Item,
    Opaque,
    Section,
    SectionType,
    Span,
    flat,
    item_at,
)

if TYPE_CHECKING:
    from migstream.analysis.golden import Difference, Golden
    from migstream.vmstate.values import Value

__all__ = ["RULES", "Hit", "Rule", "Subject", "rule", "rules", "select"]

RULES: Registry[ModuleType] = Registry(
    "migstream.rules",
    {
        name: f"migstream.analysis.rules.{name}"
        for name in (
            "framing", "description", "text", "values", "limits", "pci", "virtio", "known", "memory",
            "golden",
        )
    },
)  # fmt: skip


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found; what the rule itself says of it (code, severity) is added by `Rule.run`."""

    message: str
    section: str = ""
    path: str = ""
    span: Span | None = None
    expected: str = ""
    found: str = ""
    hint: str = ""
    severity: Severity | None = None

    @classmethod
    def of(
        cls,
        device: Device,
        value: Value,
        message: str,
        expected: str,
        found: str,
        *,
        hint: str = "",
        severity: Severity | None = None,
    ) -> Self:
        """One about a value of a device, which is also told by its symbol, where it has one."""
        return cls(
            message=message,
            section=device.path,
            path=value.path,
            span=value.span,
            expected=expected,
            found=f"{found} {value.symbol}".rstrip(),
            hint=hint,
            severity=severity,
        )


class Subject:
    """A stream under examination: what several rules ask for, found once.

    Parameters
    ----------
    golden : the digest that it is held against; None where there is none
    """

    def __init__(self, stream: Stream, golden: Golden | None = None) -> None:
        self.stream = stream
        self.golden = golden

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All items, those of a package included."""
        return tuple(flat(self.stream.items))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        return self.stream.sections

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """Device sections that could be read, in the order of the walk."""
        by_start = {d.section.span.start: d for d in self.stream.devices}
        full = (s for s in self.sections if s.type == SectionType.FULL)
        return tuple(by_start[s.span.start] for s in full if s.span.start in by_start)

    @cached_property
    def described(self) -> tuple[Described, ...]:
        """Devices of this stream's own description; none where it has none, or does not parse."""
        description = self.stream.description
        own = self.stream.description_span is not None and description is not None
        return description.devices if own and description is not None else ()

    @cached_property
    def damage(self) -> tuple[StreamError, ...]:
        """What the walk and the description say already."""
        return tuple(self.stream.damage)

    @cached_property
    def changed(self) -> tuple[Difference, ...]:
        """What the golden digest says otherwise."""
        if self.golden is None:
            return ()
        from migstream.analysis.golden import compare

        return tuple(compare(self.stream, self.golden))

    @cached_property
    def whole(self) -> bool:
        """Whether the walk read everything without a break."""
        return not self.damage

    def item_at(self, offset: int) -> Item | None:
        """The item that the byte at `offset` belongs to, the innermost of a package."""
        return item_at(self.stream.items, offset)

    def label_at(self, offset: int) -> str:
        """What a finding at `offset` calls its section; nothing at the end of the file."""
        item = self.item_at(offset)
        if item is None or (isinstance(item, Opaque) and offset < HEADER):
            return "header" if offset < HEADER else ""
        return item.path if isinstance(item, Section) else item.label

    @cached_property
    def configuration(self) -> Configuration | None:
        return next((i for i in self.items if isinstance(i, Configuration)), None)


HEADER = 8  # bytes of magic and version
Check = Callable[[Subject], Iterable[Hit]]


class Rule(msgspec.Struct, frozen=True):
    """One rule; `page` is what `migstream explain CODE` prints below the title."""

    code: str
    severity: Severity
    title: str
    page: str
    check: Check

    def run(self, subject: Subject) -> Iterator[Finding]:
        """All that this rule finds."""
        for hit in self.check(subject):
            yield Finding(
                code=self.code,
                severity=hit.severity or self.severity,
                message=hit.message,
                section=hit.section,
                path=hit.path or hit.section,
                span=hit.span,
                expected=hit.expected,
                found=hit.found,
                why=" ".join(self.page.partition("\n\n")[0].split()),
                hint=hit.hint,
            )


_RULES: dict[str, Rule] = {}


def rule(code: str, severity: Severity, title: str) -> Callable[[Check], Check]:
    """Make a rule of a function whose docstring is the rule's page."""

    def enter(check: Check) -> Check:
        if code in _RULES:
            raise ValueError(f"{code} is {_RULES[code].title!r} already")
        _RULES[code] = Rule(code, severity, title, inspect.cleandoc(check.__doc__ or ""), check)
        return check

    return enter


def rules() -> tuple[Rule, ...]:
    """Every rule, by code; raises PluginError where a module of another package cannot be imported."""
    for _ in RULES.each():
        pass  # a module enters its rules when it is imported
    return tuple(_RULES[code] for code in sorted(_RULES))


def select(code: str, chosen: Iterable[str], ignored: Iterable[str]) -> bool:
    """Whether a code is wanted: prefixes choose (none chooses all), prefixes take away."""
    chosen = tuple(chosen)
    return (not chosen or code.startswith(chosen)) and not code.startswith(tuple(ignored))
