"""Compiled code of this family: how wide the processor at hand can be, and that it is held against the other way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.native import features

_log = logging.getLogger(__name__)
WIDTHS = {4: {"vaes", "avx512f", "avx512bw", "avx512vl"}, 2: {"vaes", "avx2"}, 1: {"aes", "ssse3"}}
"""Blocks of a register that AES instructions take at once, and the features of a processor, by LLVM's names."""
T = TypeVar("T")


def first_that_agrees(what: str, make: Callable[[int], T], agrees: Callable[[T], bool]) -> T | None:
    """What ``make`` gives for the widest registers for which it is right; None where it cannot be had. what: for the
    log."""
    for wide, needed in WIDTHS.items():
        if not features() >= needed:
            continue
        try:
            made = make(wide)
        except ImportError:
            return None
        except Exception as error:  # whatever stops a compiler here: the other way gives the same bytes
            _log.warning("%s goes a slower way: compiling failed with %s", what, type(error).__name__)
            continue
        if agrees(made):
            return made
        _log.warning("%s goes a slower way: the compiled code gave wrong bytes", what)
    return None


def starts(*arrays: npt.NDArray[Any]) -> list[int]:
    """Where their bytes begin. The caller keeps them."""
    if not all(each.flags.c_contiguous for each in arrays):
        raise ValueError("arrays for compiled code lie in one piece")
    return [int(np.asarray(each).ctypes.data) for each in arrays]
