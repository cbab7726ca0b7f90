# C types for kernel.py: `make env` and `pip install` compile it with them where they can.
# cython: language_level=3

cimport cython
from libc.stdint cimport int64_t, uint64_t

cdef int64_t _NEVER, _FILL, _DATA, _DELTA
cdef Py_ssize_t _ROW
cdef int _ENTRY_BITS, _SOURCE_BITS, _GROUP_BITS, _ZERO, _PAGE, _CONTINUE


@cython.locals(
    end=Py_ssize_t, room=Py_ssize_t, mask=uint64_t, row=Py_ssize_t, used=Py_ssize_t,
    word=uint64_t, flags=uint64_t, offset=uint64_t, size=Py_ssize_t, kind=int64_t, i=int, slot=int,
)
cpdef tuple walk(
    const unsigned char[::1] view, Py_ssize_t at, int64_t base, uint64_t page, uint64_t length,
    int64_t last, int64_t[::1] rows, int64_t[::1] counts,
)

@cython.locals(
    fresh=Py_ssize_t, size=int64_t, at=Py_ssize_t, kind=int64_t, where=uint64_t, i=int64_t,
    index=int64_t, payload=uint64_t,
)
cpdef tuple paint(
    const int64_t[::1] rows, Py_ssize_t row, int64_t skip, Py_ssize_t used, uint64_t stride,
    uint64_t source, int64_t base, uint64_t[::1] table, unsigned char[::1] touched,
    uint64_t[::1] deltas, Py_ssize_t known,
)

@cython.locals(
    source=uint64_t, low=uint64_t, high=uint64_t, room=uint64_t, i=Py_ssize_t, entry=uint64_t, kind=int64_t,
    payload=uint64_t, offset=uint64_t,
)
cpdef tuple extent(
    const uint64_t[::1] table, Py_ssize_t first, Py_ssize_t count, uint64_t page, uint64_t most
)

@cython.locals(
    page=uint64_t, size=uint64_t, i=Py_ssize_t, entry=uint64_t, kind=int64_t, payload=uint64_t,
    to=Py_ssize_t, offset=uint64_t, k=Py_ssize_t,
)
cpdef Py_ssize_t gather(
    const uint64_t[::1] table, Py_ssize_t first, Py_ssize_t count, uint64_t source, uint64_t base,
    const unsigned char[::1] view, const unsigned char[::1] blank, unsigned char[::1] out,
) except -1

@cython.locals(at=Py_ssize_t, i=Py_ssize_t, k=Py_ssize_t)
cpdef kinds(
    const uint64_t[::1] words, Py_ssize_t first, Py_ssize_t stride, unsigned char[::1] flags,
)

@cython.locals(found=Py_ssize_t, i=Py_ssize_t)
cpdef Py_ssize_t marked(const unsigned char[::1] flags) except -1

@cython.locals(to=Py_ssize_t, at=uint64_t, before=uint64_t, known=bint, i=Py_ssize_t, kind=int, word=uint64_t, k=int)
cpdef Py_ssize_t pack(
    const unsigned char[::1] memory, uint64_t origin, const unsigned char[::1] kinds, uint64_t first, uint64_t page,
    const unsigned char[::1] name, unsigned char[::1] out,
) except -1

@cython.locals(entry=uint64_t, kind=int64_t, stride=uint64_t, n=Py_ssize_t)
cpdef tuple run(const uint64_t[::1] table, Py_ssize_t at, Py_ssize_t stop)

@cython.locals(room=Py_ssize_t, used=Py_ssize_t, kind=uint64_t, entry=uint64_t, n=Py_ssize_t)
cpdef tuple alike(
    const uint64_t[::1] table, Py_ssize_t at, Py_ssize_t stop, uint64_t[::1] found
)

@cython.locals(bit=int, whole=int, n=Py_ssize_t, byte=int)
cpdef tuple bitmap_run(const unsigned char[::1] bitmap, Py_ssize_t flip, Py_ssize_t at, Py_ssize_t stop)

@cython.locals(size=Py_ssize_t, to=Py_ssize_t, here=Py_ssize_t, count=Py_ssize_t)
cpdef tuple xbzrle(const unsigned char[::1] view, Py_ssize_t at, Py_ssize_t stop, unsigned char[::1] page)
