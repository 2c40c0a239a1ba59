"""Whether a run of all rows would write again what its target has. Then it writes nothing.

A run of mode ``full`` that a command began says in its commit what its rows were made from, as one SHA-256: the source
(the version of a Delta table with a hash of its commit, or path, size and time of each file), the configuration and the
policy, the check values of the keys, the software, the list of the erased. The next one writes nothing where all of
that is the same and nobody touched the target since. Wherever this cannot be known for certain, it runs.
"""

from __future__ import annotations

import dataclasses
import datetime
from importlib.metadata import distributions
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.documents import canonical_json
from jobs.configuration.models import TableConfig
from jobs.gates import subject_keys
from jobs.gates.known import Allowed, Inspected
from jobs.lake import folder_files, quarantined
from jobs.lake.position import DeltaPosition
from jobs.lake.problems import SourceProblem
from jobs.lake.read import SourceRows
from jobs.record import treatment_record
from jobs.table_run import kept_out

MADE_FROM = "made_from"
"""In the user metadata of a commit."""
HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations of others after which a target is as the run left it."""


@dataclasses.dataclass(frozen=True)
class Files:
    """A folder's files before anything of it was read. seen: SHA-256 over their paths, sizes and times, hex; None where
    the source is none of files, or one of them is so new that it may change without a sign."""

    seen: str | None = None


def looked_at(spark: SparkSession, entry: TableConfig, allowed: Allowed) -> Files:
    """Before the source is read, so that what comes later is seen as new by the next run. A source that cannot be
    listed is told by whoever reads it."""
    source = entry.source
    if not _asks(entry, allowed) or source.path is None or source.format == "delta":
        return Files()
    try:
        return Files(folder_files.fingerprint(spark, source))
    except Exception:  # whatever it is: a run reads the source next, and says what is wrong with it
        return Files()


def made_from(known: Inspected, files: Files) -> str | None:
    """What the rows of a run will be made from, as a hash; None where that does not decide them."""
    if not _asks(known.entry, known.allowed):
        return None
    at = _place(known.source, files)
    if at is None or not _is_decided(known):
        return None
    try:
        noted = kept_out.noted(known.spark, known.conf, known.plan)
    except SourceProblem:  # the run says what is wrong with the list
        return None
    entries = treatment_record.entries(known.plan, known.keys.checks(known.plan))
    told = [
        at,
        known.entry.source.describe(),
        known.target.name,
        known.source.rows.schema.jsonValue(),
        config.snapshot(known.conf, known.table),
        treatment_record.written(known.table, entries, known.plan.config.rows),
        _expanded(known),
        _software(),
        None if noted is None else noted.at.said,
    ]
    return config.sha256(canonical_json(told))


def _expanded(known: Inspected) -> Any:
    """What the configuration comes to with its variables expanded, which the snapshot leaves as they are written."""
    entry = known.entry
    models = (entry.source, entry.target, entry.risk, entry.suppress, entry.mondrian, known.conf.policy)
    return [None if each is None else each.model_dump(mode="json") for each in models]


def _software() -> list[str]:
    """All that is installed: models that find names in texts are packages too."""
    return sorted({f"{each.name} {each.version}" for each in distributions()})


def told(hashed: str | None) -> dict[str, Any]:
    """What the commit of a run says."""
    if hashed is None:
        return {}
    return {MADE_FROM: {"sha256": hashed, "at": _now().isoformat(timespec="seconds")}}


def is_as_it_was(known: Inspected, hashed: str | None) -> bool:
    """Whether the target has the rows that a run would write."""
    last, later = known.target.history.since_last_run
    if hashed is None or last is None or last.run.get("mode") != "full":
        return False
    if any(each.operation not in HARMLESS or each.added or each.removed for each in later):
        return False
    said = last.run.get(MADE_FROM)
    return isinstance(said, dict) and said.get("sha256") == hashed and _is_recent(known, said.get("at"))


def _asks(entry: TableConfig, allowed: Allowed) -> bool:
    return allowed.even_unchanged is not None and entry.mode == "full" and not allowed.requeue


def _place(source: SourceRows, files: Files) -> Any:
    """Which rows the source has; None where nobody can tell."""
    return source.position.as_json() if isinstance(source.position, DeltaPosition) else files.seen


def _is_decided(known: Inspected) -> bool:
    """Whether nothing has a say that is not looked at here: other tables, the day, vaults, keys of subjects, rows in
    quarantine."""
    return not (
        known.others
        or known.source.past is not None
        or known.entry.kept is not None
        or any(case.treatment.technique.by_vault for case in known.plan.cases)
        or subject_keys.tables(known)
        or quarantined.of(known.target.history)
        or known.target.transaction is None
    )


def _is_recent(known: Inspected, at: Any) -> bool:
    """Whether that run is not so long ago that `jobs/monitor.py` would soon call the table stale: then it runs."""
    days = float(known.entry.monitoring.before(known.conf.policy.monitoring)["stale_days"])
    try:
        age = (_now() - datetime.datetime.fromisoformat(str(at))).total_seconds()
    except (ValueError, TypeError):
        return False
    return 0 <= age < max(days - 1, days / 2) * 86_400


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
