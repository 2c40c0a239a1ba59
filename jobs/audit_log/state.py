"""What a log of some size is, as far as the next leaf depends on it. It follows from the leaves alone."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from jobs.audit_log import merkle
from jobs.audit_log.leaves import ENDS, Leaf, MalformedLeaf, canonical, is_time
from jobs.audit_log.merkle import Frontier

STARTED = ("table", "location", "version", "commit_sha256", "mode", "time")
"""What is kept of a run that was started and has not ended."""


@dataclasses.dataclass(frozen=True)
class State:
    """size: leaves. frontier: of their tree. policy: SHA-256 of the policy that the last run had, empty for none. open:
    runs that were started and have not ended."""

    size: int = 0
    frontier: Frontier = ()
    policy: str = ""
    open: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    @property
    def root(self) -> bytes:
        return merkle.root(self.frontier)

    def after(self, text: str) -> State:
        """Once one more leaf is there. Raises `MalformedLeaf`."""
        leaf = Leaf.parse(text)
        frontier = merkle.grown(self.frontier, self.size, merkle.leaf_hash(text.encode()))
        runs, policy = dict(self.open), self.policy
        if leaf.kind == "run_started":
            runs[leaf.run_id] = _checked({"table": leaf.table, "time": leaf.time, **_kept(leaf.body)})
            policy = str(leaf.body.get("policy_sha256", policy))
        elif leaf.kind in ENDS:
            runs.pop(leaf.run_id, None)
        return State(self.size + 1, frontier, policy, runs)

    def text(self) -> str:
        told = [base64.b64encode(part).decode() for part in self.frontier]
        return canonical({"size": self.size, "frontier": told, "policy": self.policy, "open": self.open})

    @classmethod
    def parse(cls, text: str | None) -> State:
        """As `text` writes it; None: of no leaf. Raises `MalformedLeaf`."""
        if text is None:
            return cls()
        try:
            told = json.loads(text)
            frontier = tuple(base64.b64decode(part, validate=True) for part in told["frontier"])
            runs = {str(run_id): _checked(run) for run_id, run in dict(told["open"]).items()}
            found = cls(int(told["size"]), frontier, str(told["policy"]), runs)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise MalformedLeaf("no state of a log") from None
        if found.size < 0 or len(frontier) != found.size.bit_count() or any(len(part) != 32 for part in frontier):
            raise MalformedLeaf("no state of a log")
        return found


def _checked(run: Any) -> Mapping[str, Any]:
    """What is kept of a run, where it is as runs tell it: others settle by it. Raises `MalformedLeaf`."""
    texts = all(isinstance(run[name], str) for name in STARTED if name in run and name != "version")
    if not (texts and type(run.get("version", -1)) is int and isinstance(run["table"], str) and is_time(run["time"])):
        raise MalformedLeaf("no beginning of a run")
    return dict(run)


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in STARTED if name in body}
