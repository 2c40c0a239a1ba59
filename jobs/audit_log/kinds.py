"""Which kinds of entries the log has: their names alone, so that a help can list them."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "run_started",
    "run_committed",
    "run_unchanged",
    "run_refused",
    "run_failed",
    "run_unknown",
    "key_use",
    "key_rows",
    "policy_change",
    "reversal",
    "break_glass",
    "erasure",
    "rotation",
    "retention",
    "subject_access",
    "subject_keys",
    "checkpoint",
]
KINDS: tuple[str, ...] = get_args(Kind)
