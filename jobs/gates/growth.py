"""Whether a run may go on from what its target has: that must be treated just as what comes, and rows be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.finding import Finding
from jobs.gates import wider
from jobs.gates.known import Inspected, Planned
from jobs.lake import deletes, position
from jobs.lake.log_commits import Commit
from jobs.lake.problems import HEALS
from jobs.lake.record_names import POLICY, PROFILES
from jobs.lake.state import TargetState
from jobs.policy.profiles import judged
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import columns_of, made_for_of, mondrian_of, rows_of, suppress_of

MOST = 5
FEW = 10
LAYERS = (
    "Without the source: jobs/rotate_keys.py puts what is there under the further layers of the key (docs/layers.md)"
)
COMPARABLE = (T.IntegralType, T.DecimalType, T.DateType, T.TimestampType, T.TimestampNTZType, T.BooleanType,
              T.BinaryType)  # fmt: skip
"""Types of which each value has one spelling, so that rows of source and target meet by it."""


def keyed(known: Planned) -> Iterator[Finding]:
    """A run that follows changes needs columns that tell rows apart."""
    if known.entry.mode != "changes":
        return
    if not known.entry.target.key:
        why = "--mode changes needs the columns that tell rows apart: state them as 'key' under target"
        yield Finding("refuse", None, why)
    for name in known.entry.target.key:
        given = known.plan.by_path[ColumnPath((Field(name),))].input
        if not isinstance(given, COMPARABLE) and given != T.StringType():
            told = f"is {given.simpleString()}, which cannot tell rows apart: a key is text without a collation, a"
            yield Finding(
                "refuse", None, f"target: key: {name} {told} whole or decimal number, a date, a time or bytes"
            )


def same_record(known: Inspected) -> Iterator[Finding]:
    """A record that another treatment, key version or policy made; where all is treated anew instead, it may be."""
    some = known.entry.mode == "partitions"
    if not known.adds or (known.allowed.retreat and not some):
        return
    found = list(differences(known))
    if found:
        moves = f". {LAYERS}" if _is_behind(known) else ""
        listed = "; ".join(found[:MOST]) + ("; ..." if len(found) > MOST else "")
        yield Finding(
            "refuse",
            None,
            f"the rows of {known.target.name} were treated otherwise than new ones would be: {listed}. Treat all rows "
            f"anew in one commit: with {'--mode full' if some else '--retreat, or --mode full'}{moves}",
        )


def _is_behind(known: Inspected) -> bool:
    """Whether columns of the target lack further layers of their key, which they can get without the source."""
    before, after = (
        columns_of(known.target.properties),
        treatment_record.entries(known.plan, known.keys.checks(known.plan)),
    )
    return any(str(path) in before and entry.continues(before[str(path)]) for path, entry in after.items())


def starts_anew(known: Inspected) -> bool:
    """Whether all rows are treated anew, as was allowed: the target has rows that were treated otherwise than new ones
    would be, or read otherwise. Raises `RecordProblem`."""
    if not known.allowed.retreat or known.entry.mode == "partitions":
        return False
    return any(differences(known)) or _are_read_otherwise(known)


def _are_read_otherwise(known: Inspected) -> bool:
    """Whether the source has other columns than in the last run, or is read otherwise; no, where that is not known."""
    last, _ = known.target.history.since_last_run
    stopped = None if last is None else position.from_json(last.run.get("source_position"))
    now = known.source.position
    return stopped is not None and now is not None and stopped.read_as != now.read_as


def rest_there(known: Inspected) -> Iterator[Finding]:
    """What a run of some partitions leaves as it is must be there, and be treated."""
    if known.entry.mode != "partitions":
        return
    target = known.target
    if target.version < 0:
        yield Finding("refuse", None, f"there is no target {target.name} yet to replace partitions of: {HEALS}")
    elif target.transaction is None:
        yield Finding("refuse", None, f"partitions are replaced in Delta's own transaction, out of reach here: {HEALS}")
    elif target.version in target.raw_versions:
        yield Finding("refuse", None, f"{target.name} holds rows that no run of this job wrote: {HEALS}")
    elif known.entry.quarantine is not None:
        yield from _quarantine_known(target)


def _quarantine_known(target: TargetState) -> Iterator[Finding]:
    """What waits in quarantine is said by the newest commit of a run; without it rows there would pass for none's."""
    last, later = target.history.since_last_run
    if last is None:
        why = "its log no longer holds the last run, which says what stands in quarantine"
        yield Finding("refuse", None, f"{target.name}: {why}: {HEALS}")
    elif any(commit.operation == "RESTORE" for commit in later):
        why = "it was restored, so nobody knows which rows stand in quarantine beside it"
        yield Finding("refuse", None, f"{target.name}: {why}: {HEALS}")


def what_was_deleted(known: Inspected) -> Iterator[Finding]:
    """Rows that others deleted in the target, of a run that writes them anew from the source."""
    found = () if known.allowed.deleted_rows else _deletes(known)
    if not found:
        return
    listed = ", ".join(f"version {each.version} ({each.operation}, {_rows(each.deleted)})" for each in found[:MOST])
    more = ", ..." if len(found) > MOST else ""
    yield Finding(
        "refuse",
        None,
        f"rows were deleted in {known.target.name} since all were written: {listed}{more}. Those that the source still "
        "has would come back: delete them there too, and then say --accept-deleted-rows",
    )


def _deletes(known: Inspected) -> tuple[Commit, ...]:
    """Of rows that the run may bring back: not of those past their time, which it leaves out itself."""
    target, chosen, past = known.target, known.source.chosen, known.source.past
    found = [each for each in target.history.deletes if past is None or not past.covers(each)]
    if not found or (known.entry.mode != "partitions" and known.adds and not starts_anew(known)):
        return ()
    if known.entry.mode != "partitions" or chosen is None:
        return tuple(found)
    inside = deletes.of_partitions(known.spark, target, chosen.where)
    return tuple(each for each in inside if each in found)


def _rows(count: int | None) -> str:
    if count is None:
        return "rows that it did not count"
    return f"{count} rows" if count >= FEW else f"fewer than {FEW} rows"


def differences(known: Inspected) -> Iterator[str]:
    """What the target's record says otherwise than this run's would. To treat again what was refused, rules may have
    been mended that refuse less. Raises `RecordProblem`."""
    properties = known.target.properties
    before, entries = columns_of(properties), treatment_record.entries(known.plan, known.keys.checks(known.plan))
    after = {str(path): entry for path, entry in entries.items()}
    if not before:
        yield "it has no treatment record"
        return
    for path in dict.fromkeys([*before, *after]):
        if path not in before or path not in after:
            yield f"{path} is new" if path in after else f"{path} is no longer there"
        elif before[path].differing(after[path]) and not _is_mended(known, path, before[path], after[path]):
            yield f"{path} ({', '.join(name.rstrip('_') for name in before[path].differing(after[path]))})"
    if rows_of(properties) != known.plan.config.rows:
        yield "other 'rows' leave the source"
    if suppress_of(properties) != treatment_record.least(known.plan):
        yield "rows in classes of another size were kept out ('suppress')"
    if mondrian_of(properties) != treatment_record.boxes(known.plan):
        yield "quasi-identifiers were cut into boxes, or into others ('mondrian')"
    if made_for_of(properties) != _made_for(known):
        yield "it was made for another recipient or purpose, or for none that it says ('made_for')"
    if properties.get(POLICY) != known.conf.policy.version:
        yield "another version of the policy was in force"
    if properties.get(PROFILES, "") != judged.recorded(known.conf.policy, known.plan.table):
        yield "other profiles of the policy were in force, or other versions or exceptions of them"


def _made_for(known: Inspected) -> tuple[str, str] | None:
    stated = known.entry.made_for
    return None if stated is None else (stated.kind, stated.name)


def _is_mended(known: Inspected, path: str, before: ColumnRecord, after: ColumnRecord) -> bool:
    technique = next(case.treatment.technique for case in known.plan.cases if str(case.path) == path)
    return known.allowed.requeue and wider.is_wider(before, after, technique)
