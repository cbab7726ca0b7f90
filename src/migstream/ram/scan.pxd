# C types for scan.py, as kernel.pxd has them for kernel.py.
# cython: language_level=3

cimport cython
from libc.stdint cimport int64_t, uint64_t

cdef int _BLOCK

@cython.locals(
    size=Py_ssize_t, first=cython.uchar, second=cython.uchar, some=cython.uchar, others=cython.uchar,
    upto=Py_ssize_t, least=cython.uchar, odd=cython.uchar, k=Py_ssize_t, i=Py_ssize_t,
)
cpdef Py_ssize_t find(
    const unsigned char[::1] view, Py_ssize_t at, Py_ssize_t stop, const unsigned char[::1] literal,
    const unsigned char[::1] masks, Py_ssize_t one, Py_ssize_t two,
) except -2

@cython.locals(
    size=Py_ssize_t, room=Py_ssize_t, need=Py_ssize_t, used=Py_ssize_t, i=Py_ssize_t, end=Py_ssize_t,
)
cpdef tuple strings(
    const unsigned char[::1] view, Py_ssize_t at, Py_ssize_t stop, Py_ssize_t minimum, Py_ssize_t width,
    Py_ssize_t most, int64_t[::1] rows,
)

@cython.locals(
    size=Py_ssize_t, to=Py_ssize_t, mark=Py_ssize_t, n=Py_ssize_t, m=Py_ssize_t, step=int, at=int64_t,
    end=int64_t, address=uint64_t, digits=int, nibble=int, k=Py_ssize_t,
    place=uint64_t, around=Py_ssize_t, wider=Py_ssize_t,
)
cpdef Py_ssize_t lines(
    const unsigned char[::1] view, const int64_t[::1] narrow, const int64_t[::1] wide,
    uint64_t base, const uint64_t[::1] marks, const unsigned char[::1] lead, const unsigned char[::1] between,
    const unsigned char[::1] tab, unsigned char[::1] out,
) except -1

@cython.locals(
    room=Py_ssize_t, data=int64_t, fill=int64_t, bits=int, size=Py_ssize_t, shift=int, mask=uint64_t, n=Py_ssize_t, kind=int64_t,
    i=int64_t, index=int64_t, entry=uint64_t, odd=cython.uchar, x=int64_t, y=int64_t, k=Py_ssize_t,
)
cpdef tuple same(
    const int64_t[::1] rows, Py_ssize_t row, int64_t skip, Py_ssize_t used, int64_t stride,
    const unsigned char[::1] here, int64_t base, const uint64_t[::1] table, Py_ssize_t at, int64_t first,
    const unsigned char[::1] there, uint64_t source, int64_t low, int64_t high, int64_t page, unsigned char[::1] marks,
)
