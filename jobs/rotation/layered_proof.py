"""Whether a table that was put under further layers is what its older version gives: no row more, no other value.

No source is asked, and nothing can be turned back; so the version before is put under them once more, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.lake.columns import column
from jobs.lake.history import ROTATION
from jobs.record.treated_table import privacy_of
from jobs.rotation import in_place, layered
from jobs.rotation.layered import Turn
from jobs.rotation.scope import Scope
from jobs.spark_app import failures
from jobs.verification import multisets
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs.errors import LakenymError

NAME = "layers"


def check(conf: Config, scope: Scope, stands: Standing, sample: int) -> Iterator[Check]:
    """Nothing of a table without layers. sample: of how many rows, about, values are compared."""
    paths = [path for path, entry in stands.columns.items() if entry.key == scope.key and entry.layers]
    if not paths:
        return
    last = stands.last
    if last is None or last.run.get("mode") != ROTATION or last.version != stands.state.version:
        yield Check(NAME, "not checked", "the table was written to since it was moved")
        return
    try:
        yield failures.translated(stands.name, lambda: _compared(conf, scope, stands, paths, sample))
    except LakenymError as error:
        yield judged(NAME, [str(error).partition("\n")[0]])


def _compared(conf: Config, scope: Scope, stands: Standing, paths: list[str], sample: int) -> Check:
    older = stands.state.address.read(stands.spark, {"versionAsOf": str(stands.state.version - 1)})
    turns = _turns(conf, scope, stands, older, paths)
    if not turns:
        return Check(NAME, "not checked", "the version before had all layers too")
    names = _names(scope, stands, turns)
    with layered.delivered(stands.spark, conf, turns) as changes:
        due, there = in_place.columns(older, stands.name, changes).select(*map(column, names)), stands.rows
        anchor = next((path.root for path in turns if path == ColumnPath((Field(path.root),))), None)
        count = there.count()
        if anchor is not None and count > sample:
            seeds, share = multisets.Seeds(), sample / count
            due, there = (each.where(multisets.in_sample(column(anchor), share, seeds)) for each in (due, there))
        found = multisets.compared(due, there.select(*map(column, names)), names)
    apart = found.whole.first + found.whole.second
    faults = [f"{apart} rows are not what the version before gives under the further layers"] if apart else []
    return judged(NAME, faults, f"{found.rows} rows, {len(names)} columns, as the version before gives them")


def _turns(conf: Config, scope: Scope, stands: Standing, older: DataFrame, paths: list[str]) -> dict[ColumnPath, Turn]:
    told = privacy_of(older)
    before = {path: told[path].record for path in paths if path in told}
    return {
        ColumnPath.parse(path): layered.turn(conf, stands.name, ColumnPath.parse(path), entry, scope.keyset)
        for path, entry in before.items()
        if entry is not None and entry.layers != stands.columns[path].layers
    }


def _names(scope: Scope, stands: Standing, turns: dict[ColumnPath, Turn]) -> list[str]:
    """Columns that are the same but for the further layers, and can be compared."""
    moved = {
        ColumnPath.parse(path).root
        for path, entry in stands.columns.items()
        if any(each.key == scope.key for each in entry.each) and ColumnPath.parse(path) not in turns
    }
    fields = stands.rows.schema.fields
    return [each.name for each in fields if each.name not in moved and multisets.can_be_compared(each.dataType)]
