"""The rows of the erased, left out of a run: whoever stands on the list does not come back from the source.

The run notes the list as it is when it begins, and looks again as the last thing before its commit: an erasure writes
whom it erases to the list before it deletes anything, so a run that began before and would commit after is stopped
there, or refused by Delta, since it read the whole target and the erasure changed it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.gates.known import Prepared
from jobs.lake import closed_table, erased_list
from jobs.lake.columns import column
from jobs.lake.erased_list import ErasedList
from jobs.lake.problems import CommitConflict
from jobs.named_keys import erasure_key
from jobs.named_keys.erasure_key import ErasureKey
from jobs.risk_measures.report import count as few
from jobs.spark_app.failures import RunFailed
from jobs.table_run.aside import Aside
from jobs.treatment import kept_out
from jobs.treatment.kept_out import Watched
from jobs.treatment.treatment_plan import Plan
from privacy_udfs import wording
from privacy_udfs.kept_out import Codes, Erased
from privacy_udfs.udf import erased_udf


@dataclasses.dataclass(frozen=True)
class KeptOut:
    """What a run leaves out. at: the list when it began. columns: each with what tells the erased in it; none where the
    list has nobody of their domains."""

    at: ErasedList
    columns: tuple[tuple[Watched, Mapping[str, Erased]], ...] = ()

    @property
    def ways(self) -> tuple[tuple[tuple[str, ...], tuple[Erased, ...]], ...]:
        """The same for rows that are treated alike: names of fields, and what tells the erased there."""
        return tuple((watched.path.names, tuple(erased.values())) for watched, erased in self.columns)

    def is_of_erased(self) -> Column:
        """Of a row of the source whether it is one of the erased."""
        return functools.reduce(operator.or_, [F.lit(False), *itertools.starmap(_is_erased, self.columns)])

    def left(self, rows: DataFrame) -> tuple[DataFrame, int]:
        """The rows that are not of the erased, and how many are. They are counted apart, by the columns that tell."""
        if not self.columns:
            return rows, 0
        return rows.where(~self.is_of_erased()), rows.where(self.is_of_erased()).count()

    def said(self, rows: int) -> Mapping[str, Any]:
        """What the commit says: never who, nor how many, where they are few."""
        return {"erased_list": self.at.said, "kept_out": few(rows)}

    def check_still(self) -> None:
        """Raise `CommitConflict` where the list has changed since."""
        if self._has_changed():
            raise CommitConflict(
                "an erasure added to the list of the erased while this run was at work; nothing was committed: run it "
                "again"
            )

    def check_after(self, version: int) -> None:
        """Raise `RunFailed` where the list changed in the moment of the commit: an erasure may not have seen it."""
        if self._has_changed():
            raise RunFailed(
                f"version {version} was committed, and an erasure began at that moment, which may not have seen it: "
                "run jobs/erase.py for its subjects again"
            )

    def _has_changed(self) -> bool:
        now = erased_list.looked(self.at.spark, self.at.entry)
        return (now.version, now.commit) != (self.at.version, self.at.commit)


def _is_erased(watched: Watched, erased: Mapping[str, Erased]) -> Column:
    """By the first case whose predicate is true, as the treatment goes by it."""
    values, mark = column(*watched.path.names), wording.mark()
    found = F.lit(False)
    for domain, rows in reversed(watched.cases):
        told = erased_udf(erased[domain], mark)(values) if domain is not None and domain in erased else F.lit(False)
        found = told if rows is None else F.when(F.expr(rows), told).otherwise(found)
    return found


def noted(spark: SparkSession, conf: Config, plan: Plan) -> KeptOut | None:
    """The list as it is now; None where the policy names none, or the table has no column that it is about. Raises
    `SourceProblem`."""
    key = erasure_key.of(conf)
    if key is None or key.entry.list is None or not kept_out.of(plan, conf.domains):
        return None
    return KeptOut(erased_list.looked(spark, key.entry.list))


def without(prepared: Prepared, aside: Aside) -> Prepared:
    """The run with the rows alone that are not of the erased; ``aside`` knows then how many are."""
    noted, source = prepared.kept_out, prepared.source
    if noted is None or not noted.columns:
        return prepared
    rows, out = noted.left(source.rows)
    aside.prepared = dataclasses.replace(prepared, source=dataclasses.replace(source, rows=rows))
    aside.leave_out(out)
    return aside.prepared


def attached(prepared: Prepared, noted: KeptOut | None) -> Prepared:
    """The run with a last look at the list right before its commit."""
    begun = prepared.target.transaction
    if noted is None:
        return prepared
    assert begun is not None, "refused when it was prepared: without a transaction nobody looks before the commit"
    before = begun.at_last

    def look() -> None:
        if before is not None:
            before()
        noted.check_still()

    target = dataclasses.replace(prepared.target, transaction=dataclasses.replace(begun, at_last=look))
    return dataclasses.replace(prepared, target=target, kept_out=noted)


def still(prepared: Prepared) -> Callable[[], None]:
    """A look at the list for who is about to keep something of the run's subjects elsewhere, before its commit: a token
    or a key of someone who was erased meanwhile would stay though the run commits nothing."""
    noted: KeptOut | None = prepared.kept_out
    return closed_table.as_ever if noted is None else noted.check_still


@contextlib.contextmanager
def sent(prepared: Prepared) -> Iterator[Prepared]:
    """The run with the codes of the list where its tasks find them, for as long as it lasts."""
    noted: KeptOut | None = prepared.kept_out
    if noted is None:
        yield prepared
        return
    with opened(prepared.conf, prepared.plan, noted) as found:
        yield dataclasses.replace(prepared, kept_out=found)


@contextlib.contextmanager
def opened(conf: Config, plan: Plan, noted: KeptOut) -> Iterator[KeptOut]:
    """The list with the columns of a table by which it is asked, for as long as the block lasts. Raises `KeyProblem`,
    `Refused`."""
    key, watched = erasure_key.of(conf), kept_out.of(plan, conf.domains)
    assert key is not None, "whoever noted a list has a key for it"
    with contextlib.ExitStack() as stack:
        erased = _sent(key, noted, watched, stack)
        found = [(each, {name: erased[name] for name in each.domains if name in erased}) for each in watched]
        columns = tuple((each, told) for each, told in found if told)
        yield dataclasses.replace(noted, columns=columns)


def _sent(
    key: ErasureKey, noted: KeptOut, watched: Sequence[Watched], stack: contextlib.ExitStack
) -> dict[str, Erased]:
    """By domain those who stand on the list. A plan and an event log hold the numbers of broadcast variables only."""
    by_key: dict[str, dict[tuple[int, tuple[str, ...]], list[bytes]]] = {}
    for domain, key_id, code, steps in noted.at.spelled({name for each in watched for name in each.domains}):
        by_key.setdefault(domain, {}).setdefault((key_id, steps), []).append(bytes(code))
    found = {}
    for domain, codes in by_key.items():
        parcels = {}
        for made_by, each in codes.items():
            parcels[made_by] = noted.at.spark.sparkContext.broadcast(Codes(each))
            stack.callback(_forget, parcels[made_by])
        found[domain] = key.erased(domain, parcels)
    return found


def _forget(parcel: Any) -> None:
    with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
        parcel.destroy()
