"""Things as rows: plain dicts for a DataFrame or a CSV file, and HTML for a notebook.

A row has the fields of a struct. What is one struct inside another has its fields with a dot
between (`span.start`), so that all rows of one kind have the same columns. A field that has no one
type, such as a section's content, is left out.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from html import escape as html
from itertools import islice
from typing import Any, get_args, get_type_hints

import msgspec

from migstream.names import portable, prose

__all__ = ["html_table", "rows"]

MOST_ROWS = 60  # of a table in a notebook
LONGEST_CELL = 120  # characters

Get = Callable[[Any], Any]
Columns = tuple[tuple[str, Get], ...]


def rows(things: Iterable[object]) -> list[dict[str, Any]]:
    """A dict for each thing, with plain values: `pandas.DataFrame(rows(stream.sections))`.

    Parameters
    ----------
    things : sections, devices, the values of a device; blocks and rounds of `stream.ram`, runs and
        versions of pages; findings, changes: anything that consists of fields

    Raises
    ------
    TypeError : one of them does not
    """
    return [_row(thing) for thing in things]


def _row(thing: Any) -> dict[str, Any]:
    own = getattr(thing, "_row_", None)
    if own is not None:
        return {name: _plain(value) for name, value in own().items()}
    kind: Any = type(thing)
    if not _is_struct(kind):
        raise TypeError(f"{kind.__name__} has no fields to make a row of")
    return {name: _plain(get(thing)) for name, get in _columns(kind)}


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


@cache
def _columns(kind: Any) -> Columns:
    """Names of a struct's columns, and what gets each out of one."""
    names = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else kind._fields
    try:
        hints = get_type_hints(kind)
    except NameError:  # a type that is imported for type checkers only
        hints = dict.fromkeys(names, object)
    found: list[tuple[str, Get]] = []
    for name in names:
        hint = hints.get(name, object)
        inner = next((one for one in (hint, *get_args(hint)) if _is_struct(one)), None)
        if hint is Any:
            continue
        if inner is None or issubclass(_outer(hint), tuple | list | dict):
            found.append((name, _getter(name)))
        else:
            found += [(f"{name}.{k}", _getter(name, get)) for k, get in _columns(inner)]
    return tuple(found)


def _outer(hint: Any) -> type:
    """The class of a collection's hint, `object` for what is none."""
    outer = getattr(hint, "__origin__", object)
    return outer if isinstance(outer, type) else object


def _getter(name: str, inner: Get | None = None) -> Get:
    def get(thing: Any) -> Any:
        value = getattr(thing, name)
        return value if inner is None or value is None else inner(value)

    return get


def _plain(value: Any) -> Any:
    match value:
        case str():
            return portable(value)
        case enum.Enum():
            return value.name.lower()
        case tuple() | list():
            return [_row(one) if _is_struct(type(one)) else _plain(one) for one in value]
    return _row(value) if _is_struct(type(value)) else value


def html_table(title: str, found: Iterable[Mapping[str, Any]], *, total: int | None = None) -> str:
    """Rows as an HTML table. Whatever they hold is text in it: nothing is obeyed by a browser.

    Parameters
    ----------
    total : how many there are, where `found` ends earlier
    """
    shown: Sequence[Mapping[str, Any]] = list(islice(found, MOST_ROWS))
    total = len(shown) if total is None else total
    columns = list(dict.fromkeys(name for row in shown for name in row))
    head = "".join(f"<th>{_cell(name)}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(row.get(name))}</td>' for name in columns)}</tr>"
        for row in shown
    )
    more = f"<p>and {total - len(shown)} more</p>" if total > len(shown) else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if shown else ""
    return f"<p><code>{_cell(title)}</code></p>{table}{more}"


def _cell(value: Any) -> str:
    text = "" if value is None else prose(str(value)[: LONGEST_CELL + 1])
    return html(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…")
