"""The loops that touch every page: walking records, painting the page table, copying, XBZRLE.

Plain Python, and the same file compiled: `kernel.pxd` beside it gives Cython the C types, bounds
checks stay on. Where no compiler was there this file runs as it is; a test holds both to the
same answers. Everything here works on buffers and integers, nothing is allocated but results.

A *row* is four 64-bit integers that stand for `count` records of one kind in a run:
kind | fill byte << 8, first page, count, where (offset of the first record's content).
An *entry* is one 64-bit integer that says where a page's last content is: kind in the low three
bits, above them what that kind needs.

    NEVER   nothing was sent
    FILL    the fill byte
    DATA    source << 52 | offset of the page's bytes in that source
    DELTA   index into the deltas: pairs (offset of the XBZRLE header, entry of the page before)
    PACKED  source << 52 | offset of the be32 length of a zlib stream

Facts: QEMU, migration/ram.c (save_page_header, load_xbzrle), migration/xbzrle.c.
"""

from __future__ import annotations

__all__ = [
    "DATA",
    "DELTA",
    "ENTRY_BITS",
    "FILL",
    "GROUP_BITS",
    "NEVER",
    "PACKED",
    "ROW",
    "SOURCE_BITS",
    "alike",
    "bitmap_run",
    "extent",
    "gather",
    "kinds",
    "marked",
    "pack",
    "paint",
    "run",
    "walk",
    "xbzrle",
]

# The names with an underscore are C integers where this is compiled (kernel.pxd).
NEVER = _NEVER = 0
FILL = _FILL = 1
DATA = _DATA = 2
DELTA = _DELTA = 3
PACKED = 4
ENTRY_BITS = _ENTRY_BITS = 3
SOURCE_BITS = _SOURCE_BITS = 52
GROUP_BITS = _GROUP_BITS = 9  # entries of one 4 KiB page of the table
ROW = _ROW = 4
_ZERO, _PAGE, _CONTINUE = 0x02, 0x08, 0x20  # RAM_SAVE_FLAG_…


def walk(
    view: memoryview,
    at: int,
    base: int,
    page: int,
    length: int,
    last: int,
    rows: memoryview,
    counts: memoryview,
) -> tuple[int, int, int]:
    """Records of one block that follow each other with rising offsets, as rows.

    Stops before the first record that is anything else, incomplete or wrong, and when the rows
    are full.

    Parameters
    ----------
    view, at : the window, and where the first record begins in it
    base : absolute offset of the window's first byte
    page, length : target page size and the block's used length, in bytes
    last : offset of the record before, −1 for none
    rows : 64-bit integers, shape (ROW × as many as fit,)
    counts : nine 64-bit integers to add to: records of kinds zero, normal, xbzrle, compressed;
        zero records with a fill byte; bytes of the four kinds

    Returns
    -------
    where the next record begins, the last offset, the number of rows
    """
    end = len(view)
    room = len(rows) // _ROW
    mask = page - 1
    row = -1  # the index of the current row's first integer
    used = 0
    while at + 11 <= end:
        word = view[at]
        for i in range(1, 8):
            word = word << 8 | view[at + i]
        flags = word & mask
        offset = word - flags
        if offset >= length or (last >= 0 and offset <= last):
            break
        if flags == 0x28:  # PAGE, CONTINUE
            kind = _DATA
            slot = 1
            size = 8 + page
            if at + size > end:
                break
        elif flags == 0x22:  # ZERO, CONTINUE
            kind = _FILL | view[at + 8] << 8
            slot = 0
            size = 9
        elif flags == 0x60:  # XBZRLE, CONTINUE
            kind = _DELTA
            slot = 2
            size = 11 + (view[at + 9] << 8 | view[at + 10])
            if view[at + 8] != 1 or size > 11 + page or at + size > end:
                break
        else:
            break
        if row >= 0 and kind == rows[row] and kind != _DELTA and offset == last + page:
            rows[row + 2] += 1
        else:
            if used == room:
                break
            row = used * _ROW
            used += 1
            rows[row] = kind
            rows[row + 1] = offset // page
            rows[row + 2] = 1
            rows[row + 3] = base + at + 8
        counts[slot] += 1
        counts[5 + slot] += size
        if kind > 0xFF:
            counts[4] += 1
        last = offset
        at += size
    return at, last, used


def paint(
    rows: memoryview,
    row: int,
    skip: int,
    used: int,
    stride: int,
    source: int,
    base: int,
    table: memoryview,
    touched: memoryview,
    deltas: memoryview,
    known: int,
) -> tuple[int, int, int, int]:
    """Enter rows into a part of a block's table, later ones over earlier ones.

    Stops at the first page that is not in this part.

    Parameters
    ----------
    rows, used : as `walk` made them
    row, skip : the first row to enter, and how many of its pages were entered before
    stride : bytes from one content of a DATA row to the next
    source : number of the source that offsets are in
    base, table : number of the part's first page; one entry for each page of the part
    touched : one byte for each group of 1 << GROUP_BITS entries: whether one was written
    deltas, known : pairs; how many are there. There is room for one more for each row

    Returns
    -------
    row and skip to go on with, how many deltas there are now, and how many groups were touched
    for the first time
    """
    fresh = 0
    size = len(table)
    while row < used:
        at = row * _ROW
        kind = rows[at] & 0xFF
        where = rows[at + 3]
        for i in range(skip, rows[at + 2]):
            index = rows[at + 1] + i - base
            if index < 0 or index >= size:
                return row, i, known, fresh
            if not touched[index >> _GROUP_BITS]:
                touched[index >> _GROUP_BITS] = 1
                fresh += 1
            if kind == _FILL:
                payload = rows[at] >> 8
            elif kind == _DELTA:
                deltas[2 * known] = where
                deltas[2 * known + 1] = table[index]
                payload = known
                known += 1
            else:
                payload = source << _SOURCE_BITS | (where + i * stride)
            table[index] = payload << _ENTRY_BITS | kind
        row += 1
        skip = 0
    return row, 0, known, fresh


def extent(table: memoryview, first: int, count: int, page: int, most: int) -> tuple[int, int, int]:
    """Which bytes of a source the next pages lie in: source, start, stop; an empty range where in none.

    They are those of the first DATA entry and of the ones behind it, as long as they are in the
    same source and fill a good part of what lies between them, which is at most `most` bytes.

    Parameters
    ----------
    table, first, count : entries, and which of them
    page : bytes of a page
    """
    source = 0
    low = 0
    high = 0
    room = 4 * page
    for i in range(count):
        entry = table[first + i]
        kind = entry & 7
        payload = entry >> _ENTRY_BITS
        if kind == _DATA:
            offset = payload & 0xFFFFFFFFFFFFF
            room += 3 * page
            if room > most:
                room = most
            if high == 0:
                source = payload >> _SOURCE_BITS
                low = offset
                high = offset + page
            elif payload >> _SOURCE_BITS != source:
                break
            elif offset < low:
                if high - offset > room:
                    break
                low = offset
            elif offset + page > high:
                if offset + page - low > room:
                    break
                high = offset + page
        elif kind != _NEVER and kind != _FILL:
            break
    return source, low, high


def gather(
    table: memoryview,
    first: int,
    count: int,
    source: int,
    base: int,
    view: memoryview,
    blank: memoryview,
    out: memoryview,
) -> int:
    """Copy pages to `out` as long as they are fill bytes or in one source; how many were.

    Parameters
    ----------
    table, first, count : entries, and which of them
    source, base, view : number of the source, and its bytes from offset `base` on that are at hand
    blank : one page of zeros: what is copied where zeros, or nothing, were sent
    out : at least `count` pages of bytes
    """
    page = len(blank)
    size = len(view)
    for i in range(count):
        entry = table[first + i]
        kind = entry & 7
        payload = entry >> _ENTRY_BITS
        to = i * page
        if kind == _DATA:
            offset = payload & 0xFFFFFFFFFFFFF
            if payload >> _SOURCE_BITS != source or offset < base or offset - base + page > size:
                return i
            offset -= base
            out[to : to + page] = view[offset : offset + page]
        elif kind == _NEVER or (kind == _FILL and payload == 0):
            out[to : to + page] = blank
        elif kind == _FILL:
            for k in range(to, to + page):
                out[k] = payload
        else:
            return i
    return count


def kinds(words: memoryview, first: int, stride: int, flags: memoryview) -> None:
    """Replace the flag of each page that is to be sent by RAM_SAVE_FLAG_ZERO or RAM_SAVE_FLAG_PAGE.

    Parameters
    ----------
    words : memory of the whole block as 64-bit integers
    first, stride : number of the first page, and integers in a page
    flags : one byte for each page, 0 for those that are left alone
    """
    at = first * stride
    for i in range(len(flags)):
        if flags[i]:
            k = 0
            while k < stride and words[at + k] == 0:
                k += 1
            flags[i] = _PAGE if k < stride else _ZERO
        at += stride


def marked(flags: memoryview) -> int:
    """How many bytes are not 0."""
    found = 0
    for i in range(len(flags)):
        found += flags[i] != 0
    return found


def pack(
    memory: memoryview,
    origin: int,
    kinds: memoryview,
    first: int,
    page: int,
    name: memoryview,
    out: memoryview,
) -> int:
    """Records of pages that follow each other, written to `out`; how many bytes they take.

    Parameters
    ----------
    memory, origin : bytes of the block, and the number of the page that they begin with
    kinds : for each page from number `first` on: 0 to leave it out, or the flag of its record,
        RAM_SAVE_FLAG_ZERO or RAM_SAVE_FLAG_PAGE
    page : target page size in bytes
    name : the block's counted name for the first record, empty where it goes on with the block
    out : at least 8 + `page` bytes for each page, and the name
    """
    to = 0
    at = first * page
    before = origin * page
    known = len(name) == 0
    for i in range(len(kinds)):
        kind = kinds[i]
        if kind:
            word = at | kind | (_CONTINUE if known else 0)
            for k in range(8):
                out[to + k] = word >> (56 - 8 * k) & 0xFF
            to += 8
            if not known:
                out[to : to + len(name)] = name
                to += len(name)
                known = True
            if kind == _PAGE:
                out[to : to + page] = memory[at - before : at - before + page]
                to += page
            else:
                out[to] = 0
                to += 1
        at += page
    return to


def run(table: memoryview, at: int, stop: int) -> tuple[int, int, int, int]:
    """How many pages from `at` on, and before `stop`, are like the first: kind, payload, count, stride.

    DATA is like DATA that follows it in the same source at one distance, the stride in bytes; FILL
    like the same fill byte; a DELTA or a PACKED page is always alone. The payload is the first
    page's, the stride is 0 for one page and for what is not DATA.
    """
    entry = table[at]
    kind = entry & 7
    n = at + 1
    stride = 0
    if kind == _DATA:
        if (
            n < stop
            and table[n] & 7 == _DATA
            and table[n] >> 55 == entry >> 55
            and table[n] > entry
        ):
            stride = table[n] - entry
            while n < stop and table[n] == table[n - 1] + stride:
                n += 1
    elif kind in (_FILL, _NEVER):
        while n < stop and table[n] == entry:
            n += 1
    return kind, entry >> _ENTRY_BITS, n - at, stride >> _ENTRY_BITS


def alike(table: memoryview, at: int, stop: int, found: memoryview) -> tuple[int, int]:
    """Pages [at, stop) as runs of one kind each: NEVER, FILL where they are zeros, DATA for all others.

    Parameters
    ----------
    found : 64-bit integers, pairs of a kind and a number of pages

    Returns
    -------
    where it ended, which is before `stop` where `found` was full; how many pairs
    """
    room = len(found) // 2
    used = 0
    while at < stop and used < room:
        kind = table[at]
        if kind > _FILL:
            kind = _DATA
        n = at + 1
        while n < stop:
            entry = table[n]
            if (entry if entry <= _FILL else _DATA) != kind:
                break
            n += 1
        found[2 * used] = kind
        found[2 * used + 1] = n - at
        used += 1
        at = n
    return at, used


def bitmap_run(bitmap: memoryview, flip: int, at: int, stop: int) -> tuple[int, int]:
    """How many bits from `at` on, and before `stop`, are like the first: bit, count.

    `flip` is 0 for little-endian words and 7 for 64-bit big-endian ones: byte k of the bits is
    byte k ^ flip of the file.
    """
    bit = bitmap[(at >> 3) ^ flip] >> (at & 7) & 1
    whole = 0xFF if bit else 0
    n = at + 1
    while n < stop:
        byte = bitmap[(n >> 3) ^ flip]
        if n & 7 == 0 and n + 8 <= stop and byte == whole:
            n += 8
        elif byte >> (n & 7) & 1 == bit:
            n += 1
        else:
            break
    return bit, n - at


def xbzrle(view: memoryview, at: int, stop: int, page: memoryview) -> tuple[int, int]:
    """Apply one XBZRLE delta, bytes [at, stop) of `view`, to a page.

    The bytes are pairs: how many to keep, how many new ones, both LEB128 of at most two bytes,
    then the new ones (migration/xbzrle.c: xbzrle_decode_buffer).

    Returns
    -------
    0 and `stop`; or what is wrong, and where: 1 a length is cut off or too long, 2 a run goes
    past the page, 3 no new bytes, 4 new bytes are cut off
    """
    size = len(page)
    to = 0
    while at < stop:
        here = at
        count = view[at]
        at += 1
        if count & 0x80:
            if at >= stop or view[at] & 0x80:
                return 1, here
            count = count & 0x7F | view[at] << 7
            at += 1
        to += count
        if to > size:
            return 2, here
        here = at
        if at >= stop:
            return 1, here
        count = view[at]
        at += 1
        if count & 0x80:
            if at >= stop or view[at] & 0x80:
                return 1, here
            count = count & 0x7F | view[at] << 7
            at += 1
        if not count:
            return 3, here
        if to + count > size:
            return 2, here
        if at + count > stop:
            return 4, here
        page[to : to + count] = view[at : at + count]
        to += count
        at += count
    return 0, at
