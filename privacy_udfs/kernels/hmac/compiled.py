"""The compiled ways to HMAC, where `llvmlite` (the extra ``fast``) is installed and can compile for the processor.

A way is compiled when first used in a process, some hundredths or tenths of a second, with nothing on disk. It is held
against Python's `hmac` first, and not used at all if it differs.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.hmac.sha2_lanes import Lanes
from privacy_udfs.kernels.hmac.sha256_ni import NEEDS, Sha256Instructions
from privacy_udfs.kernels.native import features

_log = logging.getLogger(__name__)


class Way(Protocol):
    """name: ``sha256`` or ``sha512``. block: bytes of a block of the hash."""

    name: str
    block: int

    def hmac(self, key: bytes, messages: pa.BinaryArray) -> npt.NDArray[np.uint8]:
        """HMAC (RFC 2104) of each message: one row each; arbitrary rows at nulls."""


WAYS: dict[str, list[tuple[frozenset[str], Callable[[], Way]]]] = {
    "sha256": [(frozenset({NEEDS}), Sha256Instructions), (frozenset(), lambda: Lanes("sha256"))],
    "sha512": [(frozenset(), lambda: Lanes("sha512"))],
}
"""The fastest first: the features of a processor that it needs, and how it is made."""


@lru_cache
def fastest(name: str, having: frozenset[str] | None = None) -> Way | None:
    """The fastest that can be had for ``sha256`` or ``sha512``; None: none can, and the caller takes the plain way.

    having: features to go by, so that tests can have the ways of other processors; None: those of the one at hand.
    """
    there = features() if having is None else having
    ways = (sound(make, name) for needs, make in WAYS[name] if needs <= there)
    return next((way for way in ways if way is not None), None)


def sound(make: Callable[[], Way], name: str) -> Way | None:
    """What is made, if it can be and gives Python's digests."""
    try:
        made = make()
    except Exception as error:  # whatever stops a compiler here: the other ways give the same bytes
        if not isinstance(error, ImportError):
            _log.warning("%s is computed in a slower way: compiling failed with %s", name, type(error).__name__)
        return None
    if _agrees(made):
        return made
    _log.warning("%s is computed in a slower way: the compiled code gave wrong digests", name)
    return None


def _agrees(way: Way) -> bool:
    """Whether messages of all lengths around the ends of blocks get the digests of Python's `hmac`."""
    key = bytes(range(200))  # longer than a block: hashed first
    messages = [bytes([length % 251]) * length for length in range(3 * way.block)] * 2
    digests = way.hmac(key, pa.array(messages, pa.binary()))
    return all(hmac.digest(key, m, way.name) == d.tobytes() for m, d in zip(messages, digests, strict=True))
