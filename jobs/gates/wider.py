"""Whether rules were mended only so that fewer values are refused: then all that was treated before stays as it is.

Two mends are known: a refused value becomes null (``on_refused: null``) instead of stopping; and a hierarchy has more
values than before, those that it had being as they were. Of a hierarchy that the record states by its hash that is
known where the new rows stand behind the old ones.
"""

from __future__ import annotations

import hashlib
from typing import Any

from jobs.configuration.documents import canonical_json
from jobs.record.column_record import NEVER_MATTERS, ColumnRecord
from privacy_udfs.technique import Technique

LEVELS = "levels"


def is_wider(before: ColumnRecord, after: ColumnRecord, technique: Technique) -> bool:
    """Whether values that were treated as ``before`` says come out the same by ``technique``, which ``after`` says."""
    if before.differing(after) != ["parameters"]:
        return False
    refused = [each.parameters.get(NEVER_MATTERS, "stop") for each in (before, after)]
    if refused[0] != refused[1] and refused != ["stop", "null"]:
        return False
    changed = before.differing_parameters(after)
    return not changed or (changed == [LEVELS] and _has_all(before.parameters[LEVELS], technique))


def _has_all(levels: Any, technique: Technique) -> bool:
    """Whether a hierarchy holds all rows of an older one. levels: as the record has it: its rows, or count and hash."""
    rows = technique.record()[LEVELS]
    if isinstance(levels, dict):
        first = canonical_json(rows[: levels["count"]])
        return bool(hashlib.sha256(first.encode()).hexdigest() == levels["sha256"])
    return {tuple(row) for row in levels} <= {tuple(row) for row in rows}
