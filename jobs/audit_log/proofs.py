"""Proofs as files that anyone can check: JSON with hashes in base64, a signed checkpoint, and nothing of the table."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.audit_log import merkle
from jobs.audit_log.merkle import Hash, NotProven
from jobs.signatures import checkpoints
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.keys import PublicKey
from jobs.signatures.problem import NotSigned

INCLUSION, CONSISTENCY = "lakenym audit inclusion v1", "lakenym audit consistency v1"


def inclusion(leaf: str, index: int, hashes: Sequence[Hash], checkpoint: Checkpoint, note: str) -> dict[str, Any]:
    """That a leaf is in the tree of a checkpoint. hashes: of the first leaves, as many as the checkpoint has."""
    path = merkle.inclusion(hashes[: checkpoint.size], index)
    return {"proof": INCLUSION, "leaf": leaf, "index": index, "path": _told(path), "checkpoint": note}


def consistency(earlier: Checkpoint, earlier_note: str, hashes: Sequence[Hash], later: Checkpoint, note: str) -> Any:
    """That the tree of a checkpoint begins with that of an earlier one."""
    path = merkle.consistency(hashes[: later.size], earlier.size)
    return {"proof": CONSISTENCY, "earlier": earlier_note, "path": _told(path), "checkpoint": note}


def check(proof: Any, origin: str, trusted: Sequence[PublicKey]) -> str:
    """What a proof proves, in words. Raises `NotSigned`, or `NotProven`."""
    kind = proof.get("proof") if isinstance(proof, Mapping) else None
    try:
        if kind == INCLUSION:
            return _inclusion(proof, origin, trusted)
        if kind == CONSISTENCY:
            return _consistency(proof, origin, trusted)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, NotProven):
            raise
        raise NotProven("no proof: something of it is missing, or not as it should be") from None
    raise NotProven("no proof of this log: expected JSON that audit.py prove wrote")


def _inclusion(proof: Mapping[str, Any], origin: str, trusted: Sequence[PublicKey]) -> str:
    tree, index = checkpoints.opened(proof["checkpoint"], origin, trusted), _index(proof["index"])
    leaf = merkle.leaf_hash(proof["leaf"].encode())
    merkle.check_inclusion(leaf, index, tree.size, _hashes(proof), tree.root)
    return f"leaf {index} is in the log {origin} of {tree.size} leaves"


def _consistency(proof: Mapping[str, Any], origin: str, trusted: Sequence[PublicKey]) -> str:
    before, after = (checkpoints.opened(proof[name], origin, trusted) for name in ("earlier", "checkpoint"))
    merkle.check_consistency(before.size, after.size, _hashes(proof), before.root, after.root)
    return f"the log {origin} of {after.size} leaves begins with that of {before.size}"


def _index(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise NotProven("the index is no whole number")
    return given


def _told(path: Sequence[Hash]) -> list[str]:
    return [base64.b64encode(each).decode() for each in path]


def _hashes(proof: Mapping[str, Any]) -> list[Hash]:
    found = [base64.b64decode(each, validate=True) for each in proof["path"]]
    if any(len(each) != 32 for each in found):
        raise NotProven("a hash of the path is not 32 bytes")
    return found


def parsed(text: str) -> Any:
    """A file of a proof. Raises `NotSigned` where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise NotSigned("no proof: expected JSON") from None
