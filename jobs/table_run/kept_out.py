"""The rows of the erased, left out of a run: whoever stands on the list does not come back from the source.

The run notes the list as it is when it begins, and looks again as the last thing before its commit: an erasure writes
whom it erases to the list before it deletes anything, so a run that began before and would commit after is stopped
there, or refused by Delta, since it read the whole target and the erasure changed it.

Of rows of others what names somebody on the list is taken out as an erasure does: `jobs.treatment.kept_out`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, json_path
from jobs.configuration.config import Config
from jobs.console.shown import shown
from jobs.gates.known import Prepared
from jobs.lake import closed_table, erased_list, within_rows, within_texts
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.erased_list import ErasedList
from jobs.lake.problems import CommitConflict, SourceProblem
from jobs.lake.within_texts import Inner
from jobs.named_keys import erasure_key
from jobs.named_keys.erasure_key import ErasureKey
from jobs.risk_measures.report import count as few
from jobs.spark_app.failures import RunFailed
from jobs.table_run.aside import Aside
from jobs.treatment import kept_out
from jobs.treatment.kept_out import Out, Watched
from jobs.treatment.treatment_plan import Plan
from privacy_udfs import wording
from privacy_udfs.kept_out import Codes, Erased
from privacy_udfs.udf import erased_udf

Way = tuple[tuple[str, ...], tuple[Erased, ...]]
"""Names of fields down to a column, and what tells the erased there."""
VALUES_OUT = "kept_out_values"
"""What a run's commit says of values, elements and entries that it took out of rows of others; nothing for none."""
GONE, HELD = "lakenym erased in {}", "lakenym holds {}"


@dataclasses.dataclass(frozen=True)
class KeptOut:
    """What a run leaves out. at: the list when it began. columns: each with what tells the erased in it; none where the
    list has nobody of their domains. held: predicates that are answered before values become null."""

    at: ErasedList
    columns: tuple[tuple[Watched, Mapping[str, Erased]], ...] = ()
    held: tuple[str, ...] = ()

    @property
    def answers(self) -> Mapping[str, str]:
        """Of each predicate that is held the column of `cleaned` rows that says whether it is true."""
        return {text: HELD.format(at) for at, text in enumerate(self.held)}

    @property
    def parts(self) -> tuple[tuple[Watched, Mapping[str, Erased]], ...]:
        """The columns out of which a part goes, and the row stays; but for JSON text."""
        return tuple(each for each in self.columns if each[0].is_part and not each[0].path.is_in_json)

    @property
    def texts(self) -> Mapping[ColumnPath, Sequence[Inner]]:
        """The columns of JSON text, each with all its places at once: of one text all that goes is cut in one step."""
        found: dict[ColumnPath, list[Inner]] = {}
        for watched, erased in self.columns:
            if watched.path.is_in_json:
                (domain,) = watched.domains  # what stands in JSON text is treated alike in all rows
                inner = Inner(json_path(watched.path), _hit(erased[domain]), watched.is_of_others)
                found.setdefault(watched.path.column, []).append(inner)
        return found

    @property
    def has_lists(self) -> bool:
        """Whether it looks into arrays or maps, or into JSON text."""
        return any(watched.has_list or watched.path.is_in_json for watched, _ in self.columns)

    @property
    def ways(self) -> tuple[Way, ...]:
        """Of rows that are treated alike: where the erased are told whose rows go."""
        return _ways(each for each in self.columns if not each[0].is_part)

    @property
    def ways_of_others(self) -> tuple[Way, ...]:
        """The same of values that become null."""
        return _ways(each for each in self.parts if not each[0].has_list)

    def is_of_erased(self) -> Column:
        """Of a row of the source whether it is one of the erased."""
        own = (each for each in self.columns if not (each[0].is_part or each[0].path.is_in_json))
        within = [within_texts.is_own(_within(*each)) for each in self.texts.items() if within_texts.may_be_own(*each)]
        return functools.reduce(operator.or_, [F.lit(False), *itertools.starmap(_is_erased, own), *within])

    def left(self, rows: DataFrame) -> tuple[DataFrame, Out]:
        """The rows that are not of the erased, without what names one, and how much was left out. That is counted
        apart, by the columns that tell."""
        if not self.columns:
            return rows, Out()
        return self.cleaned(rows.where(~self.is_of_erased())), self._counted(rows)

    def cleaned(self, rows: DataFrame) -> DataFrame:
        """The rows without what names one of the erased in rows of others; and beside them the `answers`."""
        rows = rows.withColumns({name: F.expr(text) for text, name in self.answers.items()})
        texts = ((path, _within(path, inner), within_texts.cleaned) for path, inner in self.texts.items())
        nested = ((path, gone, within_rows.cleaned) for path, gone in self._gone(rows, self.answers))
        for path, gone, clean in (*nested, *texts):
            at = GONE.format(path)
            root = clean(column(path.root), path.steps[1:], column(at))
            rows = rows.withColumn(at, gone).withColumn(path.root, root).drop(at)
        return rows

    def number_of_parts(self, rows: DataFrame) -> Column:
        """Of a row how many values, elements and entries `cleaned` takes out, if the row is another's."""
        each = [F.size(gone) for _, gone in self._gone(rows)]
        each += [within_texts.total(_within(*text), within_texts.PARTS) for text in self.texts.items()]
        return functools.reduce(operator.add, each, F.lit(0))

    def is_stuck(self) -> Column:
        """Of a row whether a text of it names one of the erased, and nobody can take that out."""
        each = (within_texts.is_stuck(_within(*text)) for text in self.texts.items())
        return functools.reduce(operator.or_, each, F.lit(False))

    def _counted(self, rows: DataFrame) -> Out:
        """Raises `SourceProblem` where what `cleaned` gives would name one of them yet."""
        stuck = {f"stuck_{at}": within_texts.is_stuck(_within(*text)) for at, text in enumerate(self.texts.items())}
        values = {"erased": self.is_of_erased(), "parts": self.number_of_parts(rows), **stuck}
        marked, stays = rows.select(*(each.alias(name) for name, each in values.items())), ~F.col("erased")
        told = marked.agg(F.count_if("erased"), F.sum(F.when(stays, F.col("parts"))),
                          *(F.count_if(stays & F.col(name)) for name in stuck)).collect()[0]  # fmt: skip
        fail = [shown(str(path)) for path, rows_of in zip(self.texts, told[2:], strict=True) if rows_of]
        if fail:
            raise SourceProblem(
                f"{', '.join(fail)}: a JSON text in a row of somebody else names one of the erased, who cannot be cut "
                "out of it (a member that is there twice, or a text beyond the bounds of docs/json_text.md): put it "
                "right at the source; where it was there in a change before, then --mode full"
            )
        return Out(int(told[0]), int(told[1] or 0))

    def _gone(self, rows: DataFrame, answers: Mapping[str, str] = {}) -> Iterator[tuple[ColumnPath, Column]]:
        """Of each of `parts` the values that go, an array for each row."""
        for watched, erased in self.parts:
            kind = within_rows.kind_of(rows.schema, watched.path)
            assert kind is not None, "a run treats the columns of its source"
            yield watched.path, _those(watched, erased, bare(kind), answers)

    def said(self, out: Out) -> Mapping[str, Any]:
        """What the commit says: never who, nor how many, where they are few."""
        parts = {VALUES_OUT: few(out.parts)} if out.parts else {}
        return {"erased_list": self.at.said, "kept_out": few(out.rows), **parts}

    def check_still(self) -> None:
        """Raise `CommitConflict` where the list has changed since."""
        if self._has_changed():
            raise CommitConflict(
                "an erasure added to the list of the erased, or somebody was taken off it, while this run was at work; "
                "nothing was committed: run it again"
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


def _those(watched: Watched, erased: Mapping[str, Erased], kind: T.DataType, answers: Mapping[str, str]) -> Column:
    """The same of a column of parts: what goes of its values."""
    values = within_rows.values_at(column(watched.path.root), watched.path.steps[1:], kind)
    none = F.array().cast(T.ArrayType(kind))
    found = none
    for domain, rows in reversed(watched.cases):
        told = none
        if domain is not None and domain in erased:
            told = within_rows.those(str(watched.path), _hit(erased[domain]), kind)(values)
        holds = None if rows is None else column(answers[rows]) if rows in answers else F.expr(rows)
        found = told if holds is None else F.when(holds, told).otherwise(found)
    return found


def _within(text: ColumnPath, inner: Sequence[Inner]) -> Column:
    """What is theirs in the JSON texts of a column, as of `within_texts.FOUND`."""
    values = within_rows.values_at(column(text.root), text.steps[1:], T.StringType())
    return within_texts.found(text, inner)(values)


def _hit(erased: Erased) -> within_rows.Hit:
    return lambda values: np.asarray(erased.among(values))


def _ways(columns: Iterable[tuple[Watched, Mapping[str, Erased]]]) -> tuple[Way, ...]:
    return tuple((watched.path.names, tuple(erased.values())) for watched, erased in columns)


def noted(spark: SparkSession, conf: Config, plan: Plan) -> KeptOut | None:
    """The list as it is now; None where the policy names none, or the table has no column that it is about. Raises
    `SourceProblem`."""
    key = erasure_key.of(conf)
    if key is None or key.entry.list is None or not kept_out.of(spark, plan, conf.domains):
        return None
    return KeptOut(erased_list.looked(spark, key.entry.list))


def answers(prepared: Prepared) -> Mapping[str, str]:
    """As of `KeptOut.answers`; none where nobody is left out."""
    noted: KeptOut | None = prepared.kept_out
    return {} if noted is None else noted.answers


def without(prepared: Prepared, aside: Aside) -> Prepared:
    """The run with the rows alone that are not of the erased; ``aside`` knows then what was left out."""
    noted, source = prepared.kept_out, prepared.source
    if noted is None or not noted.columns or prepared.mode == "requeue":  # these are left out by then
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
    key, watched = erasure_key.of(conf), kept_out.of(noted.at.spark, plan, conf.domains)
    assert key is not None, "whoever noted a list has a key for it"
    with contextlib.ExitStack() as stack:
        erased = _sent(key, noted, watched, stack)
        found = [(each, {name: erased[name] for name in each.domains if name in erased}) for each in watched]
        columns = tuple((each, told) for each, told in found if told)
        held = kept_out.held(noted.at.spark, plan, [each for each, _ in columns])
        yield dataclasses.replace(noted, columns=columns, held=held)


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
