"""What a path has written, and what every path says of it in the commit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from jobs.gates.known import Prepared
from jobs.lake.replace import Commit
from jobs.record import original_types
from jobs.table_run import unchanged
from jobs.table_run.aside import Aside
from jobs.table_run.result import by_column
from jobs.treatment import file_statistics, layout
from privacy_udfs.nested import Counts


@dataclasses.dataclass(frozen=True)
class Written:
    """counts: leaf column -> (treated, null, refused). not_columnar: why it was Spark's path, where nobody asked for
    it."""

    commit: Commit
    counts: Mapping[str, tuple[int, int, int]]
    execution: str
    not_columnar: str | None = None
    changed: Mapping[str, int] | None = None
    """How many rows of the target were inserted, updated and deleted, where a run follows changes."""


def run_metadata(
    prepared: Prepared,
    aside: Aside,
    counts: Counts,
    execution: str,
    not_columnar: str | None = None,
    changed: Mapping[str, int] | None = None,
) -> str:
    """What the commit's user metadata says of the run, as far as it is known; JSON."""
    aside.treated = counts
    said = {
        "run_id": aside.run_id,
        "source_version": prepared.source.version,
        **({} if prepared.source.position is None else {"source_position": prepared.source.position.as_json()}),
        **unchanged.told(prepared.made_from),
        "mode": prepared.mode,
        "execution": execution,
        **({"not_columnar": not_columnar} if not_columnar else {}),
        **({} if changed is None else {"changed": changed}),
        **({} if prepared.source.past is None else {"retention": prepared.source.past.said}),
        **({"known_elsewhere": prepared.looked_for} if prepared.looked_for else {}),
        **({"vaults": prepared.vaults} if prepared.vaults else {}),
        **({} if prepared.kept_out is None else prepared.kept_out.said(aside.kept_out)),
        "counts": by_column(prepared.plan, counts),
        **aside.said(),
    }
    return json.dumps(said, ensure_ascii=False)


def properties(prepared: Prepared, record: Mapping[str, str]) -> dict[str, str]:
    """Those of the target, but for those that a person stated for it. record: those that hold the record."""
    plan = prepared.plan
    return {
        **layout.column_mapping(prepared.entry.target, plan.schema),
        **file_statistics.properties(plan),
        **original_types.properties(plan),
        **record,
    }
