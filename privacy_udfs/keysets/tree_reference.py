"""A key together with the nodes of its tree, on their way to where values are treated: wrapped, as in their table.

What travels holds no key. Whoever has the named key, and finds nodes that lie about after they were destroyed, has the
keys of those subjects again: so nothing of ours writes them anywhere but into their table.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from privacy_udfs.errors import KeyProblem
from privacy_udfs.kernels.aes import key_tree
from privacy_udfs.subject_keys import Part, SubjectKeys, TreeKey
from privacy_udfs.technique import Key

KEPT = 4
"""Trees that a process keeps unwrapped: of the tables and versions of keys that it last used."""


class Reference(Protocol):
    """Of a key: see `privacy_udfs.keys`."""

    @property
    def domain(self) -> str: ...

    def resolve(self) -> Key: ...


class Carrier(Protocol):
    """What carries nodes to executors."""

    @property
    def value(self) -> Sequence[Part]:
        """The nodes, where they have arrived."""


@dataclasses.dataclass(frozen=True)
class Inline:
    """Few nodes, which travel within what names them."""

    value: Sequence[Part] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class TreeReference:
    """key: what stands for the table's key. tree: the table's id. digest: of `digest_of`."""

    key: Reference
    tree: str
    digest: str
    nodes: Carrier = dataclasses.field(repr=False)

    def resolve(self) -> TreeKey:
        """Raises `KeyProblem`."""
        key = self.key.resolve()
        nodes = _unwrapped(key, self.tree, self.digest, self.nodes)
        return TreeKey(key.material, key.id, key.prefix, self.tree, self.key.domain, nodes)


def digest_of(parts: Sequence[Part]) -> str:
    """By which nodes are told from others."""
    found = hashlib.sha256()
    for part in parts:
        for each in part:
            found.update(len(each).to_bytes(8, "big") + each)
    return found.hexdigest()


def _unwrapped(key: Key, tree: str, digest: str, carrier: Carrier) -> key_tree.Nodes:
    asked = (key.material, tree, digest)
    with _lock:
        found = _known.pop(asked, None)
        if found is None:
            found = SubjectKeys(key.material, tree).unwrapped(carrier.value)
        if found is None:
            raise KeyProblem(
                f"the nodes in the table of keys {tree} do not open under version {key.id} of its key: the table, or "
                "the key, is not what it was"
            )
        _known[asked] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


_known: OrderedDict[tuple[bytes, str, str], key_tree.Nodes] = OrderedDict()
_lock = threading.Lock()
