"""The C library's memory allocator, told to keep what is freed.

Blocks and planes of half a megabyte are made and dropped with every tile. glibc gives such pieces back to the system
each time and takes fresh pages, which the system has to clear: 10 to 28 % of the time of a first visit. Other C
libraries are left as they are.

Source: mallopt(3).
"""

from __future__ import annotations

import ctypes

_MB = 1 << 20
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_OPTIONS = (
    (_MMAP_THRESHOLD, 32 * _MB),  # the most that glibc takes
    (_TRIM_THRESHOLD, 64 * _MB),
    (_TOP_PAD, 16 * _MB),
)


def keep_freed_memory() -> bool:
    """For this process, from now on; whether the C library knows how."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(option, value) == 1 for option, value in _OPTIONS)
