# cython: boundscheck=False
"""The loops that look at every byte of guest memory: a literal, strings, and the lines that tell of strings.

Plain Python, and the same file compiled (`scan.pxd`), as `ram.kernel` is; a test holds both to the same answers. Where it
is not compiled the engine of `re` is faster, and `machine.needles` asks that.

Bounds are checked once, at the beginning of each function and of each line, and not at each byte.
"""

from __future__ import annotations

from migstream.ram.kernel import DATA, ENTRY_BITS, FILL, ROW, SOURCE_BITS

__all__ = ["COMPILED", "find", "lines", "same", "strings"]

COMPILED = not __file__.endswith(".py")

_OFFSET = (1 << SOURCE_BITS) - 1
_BLOCK = 64  # places that are tried at once: a compiler makes a few instructions of them


def find(
    view: memoryview,
    at: int,
    stop: int,
    literal: bytes,
    masks: bytes,
    one: int,
    two: int,
) -> int:
    """The first place in [at, stop) where a literal lies, all of it in the view; −1 where there is none.

    Parameters
    ----------
    literal, masks : bytes, and the bits of each of them that count
    one, two : indexes of two bytes of the literal that are rare in memory
    """
    size = len(literal)
    if at < 0 or len(masks) != size or not (0 <= one < size and 0 <= two < size):
        raise IndexError("outside of what is looked through")
    if stop > len(view) - size + 1:
        stop = len(view) - size + 1
    first = literal[one]
    second = literal[two]
    some = masks[one]
    others = masks[two]
    while at < stop:
        upto = stop
        if at + _BLOCK <= stop:
            upto = at + _BLOCK
            least = 255
            for k in range(_BLOCK):
                odd = ((view[at + one + k] ^ first) & some) | (
                    (view[at + two + k] ^ second) & others
                )
                least = min(least, odd)
            if least:
                at = upto
                continue
        while at < upto:
            if not ((view[at + one] ^ first) & some or (view[at + two] ^ second) & others):
                i = 0
                while i < size and not (view[at + i] ^ literal[i]) & masks[i]:
                    i += 1
                if i == size:
                    return at
            at += 1
    return -1


def strings(
    view: memoryview, at: int, stop: int, minimum: int, width: int, most: int, rows: memoryview
) -> tuple[int, int]:
    """Strings that begin in [at, stop): how many, and where to go on when the rows are full.

    Printable characters of ASCII and tabs, in one byte, or in two of which the second is 0.

    Parameters
    ----------
    minimum : characters of the shortest
    width : bytes of a character
    most : bytes of the longest: what is longer comes in pieces. A multiple of `width`, no less than the shortest has
    rows : 64-bit integers, two for each: where it begins, and its bytes
    """
    size = len(view)
    room = len(rows) // 2
    need = minimum * width
    used = 0
    if at < 0 or minimum < 1 or width not in (1, 2) or most < need or most % width:
        raise ValueError("no strings are so long")
    if stop > size - need + 1:
        stop = size - need + 1
    while at < stop and used < room:
        # Backwards from where the shortest would end: most places are stepped over, and never seen.
        i = at + need - width
        if width == 1:
            while i >= at and (32 <= view[i] < 127 or view[i] == 9):
                i -= 1
            if i >= at:
                at = i + 1
                continue
            i = at + need
        else:
            if (view[i] == 0) == (view[i + 1] == 0):
                at = i + 1
                continue
            i = at
        end = min(size, at + most)
        if width == 1:
            while i < end and (32 <= view[i] < 127 or view[i] == 9):
                i += 1
        else:
            while i + 1 < end and view[i + 1] == 0 and (32 <= view[i] < 127 or view[i] == 9):
                i += 2
        if i - at >= need:
            rows[2 * used] = at
            rows[2 * used + 1] = i - at
            used += 1
            at = i
        else:  # in two bytes: what begins between two characters begins with a 0
            at = i if i > at else at + 1
    return used, at


def lines(
    view: memoryview,
    narrow: memoryview,
    wide: memoryview,
    base: int,
    marks: memoryview,
    lead: bytes,
    between: bytes,
    tab: bytes,
    out: memoryview,
) -> int:
    """A line for each string, ascending, written to `out`; how many bytes they take.

    Parameters
    ----------
    narrow, wide : rows as `strings` made them, of one and of two bytes a character
    base, marks : the place of the view's first byte; 64-bit integers, ascending, two for each: a place, and the address
        of what follows
    lead, between : what stands before the address, and behind it
    tab : what stands for one
    out : large enough: for each line what is around it, 16 digits and the string, where all may be tabs
    """
    size = len(view)
    to = 0
    mark = 0
    n = 0
    m = 0
    around = len(lead) + 16 + len(between) + 1
    wider = max(1, len(tab))
    if len(narrow) % 2 or len(wide) % 2 or len(marks) % 2 or not len(marks):
        raise IndexError("integers come in pairs")
    while n < len(narrow) or m < len(wide):
        step = 1
        if m == len(wide) or (n < len(narrow) and narrow[n] <= wide[m]):
            at = narrow[n]
            end = at + narrow[n + 1]
            n += 2
        else:
            step = 2
            at = wide[m]
            end = at + wide[m + 1]
            m += 2
        if at < 0 or end > size or to + around + (end - at) * wider > len(out):
            raise IndexError("outside of what is looked through")
        place = base + at
        while mark + 3 < len(marks) and marks[mark + 2] <= place:
            mark += 2
        address = marks[mark + 1] + (place - marks[mark])
        for k in range(len(lead)):
            out[to] = lead[k]
            to += 1
        digits = 8
        while digits < 16 and address >> (4 * digits):
            digits += 1
        for k in range(digits):
            nibble = (address >> (4 * (digits - 1 - k))) & 15
            out[to] = nibble + (48 if nibble < 10 else 87)
            to += 1
        for k in range(len(between)):
            out[to] = between[k]
            to += 1
        while at < end:
            if view[at] == 9:
                for k in range(len(tab)):
                    out[to] = tab[k]
                    to += 1
            else:
                out[to] = view[at]
                to += 1
            at += step
        out[to] = 10
        to += 1
    return to


def same(
    rows: memoryview,
    row: int,
    skip: int,
    used: int,
    stride: int,
    here: memoryview,
    base: int,
    table: memoryview,
    at: int,
    first: int,
    there: memoryview,
    source: int,
    low: int,
    high: int,
    page: int,
    marks: memoryview,
) -> tuple[int, int]:
    """Mark the pages of which rows and a table have the same content: 1, and 0 for every other page of the rows.

    Zeros are like zeros, and like what was never sent to the table. Pages that are not plain, or of another fill byte,
    have no mark.

    Stops at the first page that has no mark here, and where the table's content is not in the bytes at hand.

    Parameters
    ----------
    rows, row, skip, used : as `ram.kernel.paint` takes them
    stride, here, base : bytes from one content of a DATA row to the next; the rows' source from offset `base` on
    table, at : entries, and which of them is that of page `first`, whose mark is the first one
    there, source, low, high : number of a source of the table, and its bytes [low, high) (fewer where it is cut off)
    page : bytes of a page

    Returns
    -------
    row and skip to go on with
    """
    room = len(marks)
    if at < 0 or at + room > len(table) or row < 0 or used * ROW > len(rows) or page < 0:
        raise IndexError("outside of what is compared")
    data = DATA
    fill = FILL  # with a byte of zero, as a row and as an entry
    bits = ENTRY_BITS
    size = ROW
    shift = SOURCE_BITS
    mask = _OFFSET
    while row < used:
        n = row * size
        kind = rows[n] & 0xFF
        for i in range(skip, rows[n + 2]):
            index = rows[n + 1] + i - first
            if index < 0 or index >= room:
                return row, i
            entry = table[at + index]
            odd = 1
            if rows[n] == fill:
                odd = entry != 0 and entry != fill
            elif kind == data and entry & 7 == data:
                entry >>= bits
                x = entry & mask
                if entry >> shift != source or x < low or x + page > high:
                    return row, i
                x -= low
                y = rows[n + 3] + i * stride - base
                if x + page <= len(there) and y >= 0 and y + page <= len(here):
                    odd = 0
                    for k in range(page):
                        odd |= there[x + k] ^ here[y + k]
            marks[index] = odd == 0
        row += 1
        skip = 0
    return row, 0
