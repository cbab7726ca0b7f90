r"""How a name becomes text, JSON and bytes, and itself again: the one place for it.

Names of devices, fields, RAM blocks and machines are bytes that somebody sent. Inside they are str:
bytes that are not UTF-8 are lone surrogates U+DC80 to U+DCFF (PEP 383), and a description's JSON can
have any other lone surrogate, written `\ud800`. Nobody outside has to know of that:

- *text* (`escape`): what a terminal obeys or would not show is an escape. `\x1b` (or `\n`, `\r`, `\t`) is a control
  character of ASCII, `\x80` to `\xff` is a byte that is not UTF-8, `\u202e` and `\U000e0001` are code
  points. A backslash that would be read as the beginning of such an escape is `\x5c`.
- *JSON* (`json_text`): code points are JSON's own escapes (`\u202e`), and what no text can hold, a
  byte or a lone surrogate, is the escape of text: the string `\x80`.
- `unescape` gives the name again, from both.
- *bytes* (`encoded`): what a stream has; `decoded` is the way back.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = [
    "brief",
    "csv_line",
    "decoded",
    "encoded",
    "escape",
    "escaped",
    "grouped",
    "json_line",
    "json_text",
    "many",
    "portable",
    "prose",
    "unescape",
]

LINE = 100  # characters of the longest repr
KEPT = 4 * LINE  # of a text that is looked at for one
ASCII = 0x7F
UNICODE_16 = 0xFFFF
LOW = 0xDC00  # PEP 383: the byte 0x80 is U+DC80
BYTES = range(0xDC80, 0xDD00)
BOTH_ENDS = "\r\n"
BACKSLASH = "\\x5c"
SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
LONG = {short: char for char, short in SHORT.items()}

_ESCAPE = r"[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}"
# Patterns as text: `re` compiles each when a name first needs it, and keeps it. Most commands meet none that does.
_ESCAPES = rf"\\({_ESCAPE})"
_MISTAKABLE = rf"\\(?={_ESCAPE})"
_SURROGATE = "[\ud800-\udfff]"
_BEYOND_ASCII = "[^\0-\x7e]"  # written the other way round it takes 5 ms to compile


def decoded(raw: bytes | bytearray | memoryview) -> str:
    """The name that some bytes are."""
    return bytes(raw).decode("utf-8", "surrogateescape")


def encoded(name: str) -> bytes:
    """The bytes of a name: those that `decoded` made it of.

    A surrogate that stands for no byte has the three that UTF-8 would give it.
    """
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            char.encode("utf-8", "surrogateescape" if ord(char) in BYTES else "surrogatepass")
            for char in name
        )


# --- text ----------------------------------------------------------------------------------------


def escape(name: str) -> str:
    """A name in one line, with nothing that a terminal obeys; `unescape` gives it again."""
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    return prose(re.sub(_MISTAKABLE, lambda _: BACKSLASH, name))


def prose(text: str) -> str:
    """As `escape`, for what may have been escaped in part: messages, values in their quotes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    """The escape of one character."""
    if char in SHORT:
        return SHORT[char]
    code = ord(char)
    if code in BYTES:
        return f"\\x{code - LOW:02x}"
    if code <= ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= UNICODE_16 else f"\\U{code:08x}"


def brief(kind: str, *facts: object) -> str:
    """A repr, `<Kind fact fact>`: one line of at most LINE characters, with nothing that a terminal obeys.

    Parameters
    ----------
    facts : what there is to say; None and empty ones are left out, long ones lose their middle
    """
    texts = [prose(_middle(str(fact), KEPT)) for fact in facts if fact is not None]
    texts = [text for text in texts if text]
    room = LINE - len(kind) - len("<>") - len(texts)
    while (over := sum(map(len, texts)) - room) > 0:
        longest = max(texts, key=len)
        size = max(len(longest) - over, room // len(texts))
        texts[texts.index(longest)] = _middle(longest, size)
    return f"<{' '.join((kind, *texts))}>"


def grouped(number: int) -> str:
    """12897484 as 12 897 484."""
    return f"{number:,}".replace(",", " ")


def many(count: int, what: str) -> str:
    """So many of something: `1 block`, `3 entries`."""
    if count == 1:
        return f"1 {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") else f"{count} {what}s"


def _middle(text: str, size: int) -> str:
    """The text in at most `size` characters, one of which then stands for its middle."""
    if len(text) <= size:
        return text
    tail = (size - 1) // 2
    return f"{text[: size - 1 - tail]}…{text[len(text) - tail :]}"


def unescape(text: str) -> str:
    """The name that `escape` or `json_text` wrote so."""
    return re.sub(_ESCAPES, _meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    if match[0] in LONG:
        return LONG[match[0]]
    code = int(match[1][1:], 16)
    if match[1][0] == "x" and code > ASCII:
        code += LOW
    return chr(code) if code <= sys.maxunicode else match[0]


# --- JSON ----------------------------------------------------------------------------------------


def portable(text: str) -> str:
    """The text as JSON can have it: with escapes for what is not a code point."""
    if re.search(_SURROGATE, text) is None and re.search(_MISTAKABLE, text) is None:
        return text
    text = re.sub(_MISTAKABLE, lambda _: BACKSLASH, text)
    return re.sub(_SURROGATE, lambda match: escaped(match[0]), text)


def _portable(thing: Any) -> Any:
    if isinstance(thing, str):
        return portable(thing)
    if isinstance(thing, dict):
        return {_portable(key): _portable(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_portable(one) for one in thing]
    if isinstance(thing, float) and not math.isfinite(thing):
        return None
    return thing


def _dumps(thing: Any, *, allow_nan: bool = True) -> str:
    """What msgspec has no form of: ASCII alone, numbers of any size."""
    import json  # takes a millisecond, and most commands print no such thing

    return json.dumps(thing, allow_nan=allow_nan)


def json_line(thing: Any) -> str:
    """JSON in one line of ASCII; null for a number that is none, or infinite."""
    try:
        text = _dumps(thing, allow_nan=False)
    except ValueError:
        text = _dumps(_portable(thing))
    else:
        if "\\ud" in text or "\\\\" in text:
            text = _dumps(_portable(thing))
    return text.replace("\x7f", "\\u007f")


def csv_line(cells: Iterable[object]) -> str:
    """A line of comma-separated values; what a reader takes for the end of a line stands between quotes."""
    import csv
    from io import StringIO

    out = StringIO(newline="")
    # with one of the two for an end, csv does not quote the other
    csv.writer(out, lineterminator=BOTH_ENDS).writerow(cells)
    return f"{out.getvalue().removesuffix(BOTH_ENDS)}\n"


def json_text(thing: Any, *, pretty: bool) -> bytes:
    """JSON in UTF-8, in one line or indented by two; nothing in it is obeyed by a terminal."""
    try:
        data = msgspec.json.encode(thing)
        if rb"\\" in data:
            data = msgspec.json.encode(_portable(msgspec.to_builtins(thing)))
    except UnicodeEncodeError:
        data = msgspec.json.encode(_portable(msgspec.to_builtins(thing)))
    except OverflowError:  # a number of more than 64 bits
        data = _dumps(_portable(msgspec.to_builtins(thing))).encode()
    if pretty:
        data = msgspec.json.format(data, indent=2)
    if data.isascii() and b"\x7f" not in data:
        return data
    return re.sub(_BEYOND_ASCII, _json_escaped, data.decode()).encode()


def _json_escaped(match: re.Match[str]) -> str:
    char = match[0]
    return char if char.isprintable() else _dumps(char)[1:-1].replace("\x7f", "\\u007f")
