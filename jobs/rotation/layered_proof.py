"""Whether a table that was moved from itself is what its older version gives: no row more, no other value.

No source is asked. Of what nobody can turn back (layers), or what does not say whose it is when it is turned back, the
version before is treated once more, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.console.numbers import many
from jobs.lake.columns import column
from jobs.lake.history import ROTATION
from jobs.record.column_record import ColumnRecord
from jobs.record.treated_table import privacy_of
from jobs.rotation import bridged, in_place, layered, reencrypted, turns
from jobs.rotation.coverage import Looked
from jobs.rotation.scope import Held, Scope
from jobs.rotation.turns import Turn
from jobs.spark_app import failures
from jobs.verification import multisets
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs.errors import KeyProblem, LakenymError

NAME, BLIND, BRIDGE = "layers", "re-encrypted", "bridge"


def check(conf: Config, scope: Scope, stands: Standing, sample: int) -> Iterator[Looked]:
    """Nothing of a table without such columns. sample: of how many rows, about, values are compared."""
    columns = {path: entry for path, entry in stands.columns.items() if entry.key == scope.key}
    of = {
        NAME: [path for path, entry in columns.items() if entry.layers],
        BLIND: [path for path, entry in columns.items() if _is_blind(path, entry)],
        BRIDGE: [held.path for held in _held(scope, stands) if held.by_bridge],
    }
    for name, paths in of.items():
        if paths:
            yield _looked(conf, scope, stands, sample, name, paths)


def _held(scope: Scope, stands: Standing) -> tuple[Held, ...]:
    return next((table.columns for table in scope.tables if table.name == stands.name), ())


def _is_blind(path: str, entry: ColumnRecord) -> bool:
    """Whether it can be turned back, and whatever is there would come out as some value."""
    facts = entry.facts
    blind = facts.deterministic and not facts.authenticates
    return blind and not entry.layers and reencrypted.why_not(ColumnPath.parse(path), entry) is None


def _looked(conf: Config, scope: Scope, stands: Standing, sample: int, name: str, paths: list[str]) -> Looked:
    last = stands.last
    if last is None or last.run.get("mode") != ROTATION or last.version != stands.state.version:
        return Looked(Check(name, "not checked", "no rotation from the table itself wrote what is there"))
    try:
        return failures.translated(stands.name, lambda: _compared(conf, scope, stands, sample, name, paths))
    except KeyProblem as error:
        return Looked(Check(name, "not checked", str(error).partition("\n")[0]))
    except LakenymError as error:
        return Looked(judged(name, [str(error).partition("\n")[0]]))


def _compared(conf: Config, scope: Scope, stands: Standing, sample: int, name: str, paths: list[str]) -> Looked:
    older = stands.state.address.read(stands.spark, {"versionAsOf": str(stands.state.version - 1)})
    due_turns = _turns(conf, scope, stands, older, paths, name)
    if not due_turns:
        return Looked(Check(name, "not checked", "the version before was of this version of the key too"))
    names = _names(scope, stands, due_turns)
    with turns.delivered(stands.spark, conf, due_turns) as changes:
        due, there = in_place.columns(older, stands.name, changes).select(*map(column, names)), stands.rows
        anchor = next((path.root for path in due_turns if path == ColumnPath((Field(path.root),))), None)
        count = there.count()
        if anchor is not None and count > sample:
            seeds, share = multisets.Seeds(), sample / count
            due, there = (each.where(multisets.in_sample(column(anchor), share, seeds)) for each in (due, there))
        found = multisets.compared(due, there.select(*map(column, names)), names)
    apart = found.whole.first + found.whole.second
    further = {NAME: "under the further layers", BLIND: "re-encrypted", BRIDGE: "by the bridge"}[name]
    faults = [f"{apart} rows are not what the version before gives {further}"] if apart else []
    made = judged(name, faults, f"{found.rows} rows, {many(len(names), 'column')}, as the version before gives them")
    return Looked(made, frozenset(str(path) for path in due_turns if path.root in names))


def _turns(
    conf: Config, scope: Scope, stands: Standing, older: DataFrame, paths: list[str], name: str
) -> Mapping[ColumnPath, Turn]:
    told, found = privacy_of(older), dict[ColumnPath, Turn]()
    for path in paths:
        entry, now, at = told[path].record if path in told else None, stands.columns[path], ColumnPath.parse(path)
        if entry is None:
            continue
        if now.layers and entry.layers != now.layers:
            found[at] = layered.turn(conf, stands.name, at, entry, scope.keyset)
        elif name == BRIDGE and entry.key_id != now.key_id:
            found[at] = bridged.turn(conf, at, entry, scope.keyset, len(found))
        elif not now.layers and entry.key_id != now.key_id:
            found[at] = reencrypted.turn(conf, at, entry, scope.keyset)
    return found


def _names(scope: Scope, stands: Standing, due: Mapping[ColumnPath, Turn]) -> list[str]:
    """Columns that are the same but for what was done to these, and can be compared."""
    moved = {
        ColumnPath.parse(path).root
        for path, entry in stands.columns.items()
        if any(each.key == scope.key for each in entry.each) and ColumnPath.parse(path) not in due
    }
    fields = stands.rows.schema.fields
    return [each.name for each in fields if each.name not in moved and multisets.can_be_compared(each.dataType)]
