"""Whom an erasure was of, told in a way that names nobody: the root of a Merkle tree (RFC 9162, section 2.1) over codes
of the subjects, in order, under a sub-key of that one erasure.

A leaf is ``HMAC-SHA-256(k, id)``, cut to 16 bytes, with k derived for ``receipt/`` + run + ``/ids/`` + domain: so the
leaves of two receipts share nothing, nor do they join with any table, or with the list of the erased. Who has no key
learns how many there are. **Who has the key of erasures can test any id against a receipt**, as against the list.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

import pyarrow as pa

from jobs.audit_log import merkle
from jobs.console.exit_codes import Refused
from jobs.named_keys.erasure_key import ErasureKey

LABEL, SET = "receipt/{run}/{told_by}/{domain}", "set/{told_by}/{domain}"
IDS, PSEUDONYMS = "ids", "pseudonyms"
"""What the subjects were told by: ids as sources have them, or pseudonyms."""
SIZE = 32
"""Hex digits of a leaf."""


@dataclasses.dataclass(frozen=True)
class Commitment:
    """key_id: the version of the key of erasures. leaves: codes in hex, in order. same: in hex, what two erasures of
    the very same subjects share, and no others."""

    key_id: int
    leaves: tuple[str, ...]
    same: str
    told_by: str = IDS

    @property
    def root(self) -> str:
        return root_of(self.leaves)


def root_of(leaves: Sequence[str]) -> str:
    """In hex."""
    return merkle.root_of(merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in leaves).hex()


def of(key: ErasureKey, domain: str, run_id: str, ids: pa.Array | pa.ChunkedArray, told_by: str = IDS) -> Commitment:
    """Raises `BadUsage`, `KeyProblem`."""
    codes = key.codes(domain, LABEL.format(run=run_id, told_by=told_by, domain=domain), ids)
    return Commitment(
        key.id, tuple(each.hex() for each in codes), same_under(key, domain, ids, told_by, key.id), told_by
    )


def sames(key: ErasureKey, domain: str, ids: pa.Array | pa.ChunkedArray, told_by: str = IDS) -> list[str]:
    """What ``same`` is, or was, of these subjects under each version of the key that is enabled: an erasure from before
    the key was rotated is known again by it. Raises as `of`."""
    return [same_under(key, domain, ids, told_by, key_id) for key_id in key.ids]


def same_under(key: ErasureKey, domain: str, ids: pa.Array | pa.ChunkedArray, told_by: str, key_id: int) -> str:
    """A digest of a set of subjects, in hex, under one version of the key."""
    everybody = key.codes(domain, SET.format(told_by=told_by, domain=domain), ids, key_id)
    return hashlib.sha256(b"".join(everybody)).hexdigest()[:SIZE]


def among(
    key: ErasureKey, who: Commitment, domain: str, run_id: str, ids: pa.Array | pa.ChunkedArray
) -> tuple[int, int]:
    """How many of some ids, each counted once, were among the subjects, and how many there are. Raises `Refused` where
    the key is another one by now."""
    key_id = who.key_id
    if key_id not in key.ids:
        raise Refused(
            f"the receipt was made under version {key_id} of key {key.entry.key}, which is not enabled any more: whom "
            "it is about can no longer be told"
        )
    codes = key.codes(domain, LABEL.format(run=run_id, told_by=who.told_by, domain=domain), ids, key_id)
    there = frozenset(who.leaves)
    return sum(each.hex() in there for each in codes), len(codes)
