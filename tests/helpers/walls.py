"""Memory that ends at a wall: to read past it kills the process. For tests of compiled code, which checks no bounds."""

from __future__ import annotations

import ctypes
import mmap

PROT_NONE = 0


class Walled:
    """Room whose last bytes are those given. Linux only."""

    def __init__(self, data: bytes) -> None:
        size = -(-len(data) // mmap.PAGESIZE) * mmap.PAGESIZE
        self._room = mmap.mmap(-1, size + mmap.PAGESIZE)
        wall = ctypes.addressof(ctypes.c_char.from_buffer(self._room)) + size
        protected = ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(wall), mmap.PAGESIZE, PROT_NONE)
        assert protected == 0, ctypes.get_errno()
        self.address, self.size = wall - len(data), len(data)
        ctypes.memmove(self.address, data, len(data))
