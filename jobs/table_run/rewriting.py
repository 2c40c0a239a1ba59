"""What becomes of rows once all are treated and written, and before the one commit that makes them visible: they are
put into boxes (``mondrian``), and then those in small classes are kept out (``suppress``).

Boxes come first: nearly all classes are large enough by then, so that fewer rows are kept out, and what ``suppress``
promises is promised of the values that the target shows. The files that hold a row which changes or goes are written
anew, once for both, and the first ones are deleted. The gate of risk is asked of what comes of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration import mondrian_checks, suppress_checks
from jobs.configuration.models import TableConfig
from jobs.console.exit_codes import BadUsage
from jobs.gates.known import Allowed, Prepared
from jobs.lake.columns import column
from jobs.lake.delta_commit import Rest
from jobs.lake.file_places import FILE
from jobs.lake.replace import USER_METADATA
from jobs.table_run import box_cut, values_that_stay
from jobs.table_run.aside import Aside
from jobs.table_run.box_cut import BoxCut, Cut
from jobs.table_run.small_classes import GOES, SmallClasses
from jobs.treatment import risk_columns
from privacy_udfs.errors import UnexpectedFailure

ROWS = "rows"
ASKED = (("suppress", suppress_checks.WHOLE), ("mondrian", mondrian_checks.WHOLE))
"""What is for runs of all rows, and why."""


def check_asked(entry: TableConfig, allowed: Allowed) -> None:
    """Raise `BadUsage` where not all rows of a table are treated, so that nobody knows their classes."""
    for name, whole in ASKED:
        if getattr(entry, name) is None:
            continue
        if entry.mode != "full":
            raise BadUsage(f"{entry.name}: {name}: {whole}: the mode is {entry.mode}: use --mode full")
        if allowed.requeue:
            raise BadUsage(
                f"{entry.name}: {name}: {whole}: mend the rules, and treat what stands in quarantine with all other "
                "rows by --mode full, without --requeue"
            )


@dataclasses.dataclass(frozen=True)
class Anew:
    """What a run asks for of the two. cut: the names of columns, and of their cases, that boxes are made of. values: as
    of `values_that_stay.of`."""

    boxes: BoxCut | None = None
    small: SmallClasses | None = None
    cut: frozenset[str] = frozenset()
    values: Mapping[str, Column] = dataclasses.field(default_factory=dict)

    @property
    def suppressed(self) -> int | str | None:
        return None if self.small is None else self.small.said

    @property
    def boxes_said(self) -> Mapping[str, Any] | None:
        return None if self.boxes is None else self.boxes.said

    def shown(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        """Counts by column, as far as they tell nothing of rows that are kept out, or of values that went into boxes:
        they are of all rows as they were treated."""
        if self.small is not None and self.small.hides_counts:
            return {}
        hidden = self.cut if self.boxes is not None and self.boxes.changes else frozenset[str]()
        return {name: numbers for name, numbers in counts.items() if name not in hidden}

    @contextlib.contextmanager
    def leave_out(self, rows: DataFrame, written: int) -> Iterator[Rest | None]:
        """What stays of the rows, in which values; None where all do as they are. Says it in the commit to come. Raises
        `Refused` where boxes do not reach what is asked, or more is to be kept out than the entry lets be."""
        place = _free_name(rows)
        cut = None if self.boxes is None else self.boxes.of(rows, written)
        placed = rows.select(*map(column, rows.columns), F.col(FILE).alias(place))
        with contextlib.ExitStack() as until_then:
            seen = placed if cut is None else cut(placed)
            small = None if self.small is None else until_then.enter_context(self.small.found(seen))
            places = self._places(seen, place, small, written, is_cut=cut is not None)
            self._say(rows.sparkSession)
            out = 0 if self.small is None else self.small.rows or 0
            yield Rest(places, out, lambda some: self._rest(some, cut, small)) if places else None

    def _places(
        self, seen: DataFrame, place: str, small: DataFrame | None, written: int, is_cut: bool
    ) -> dict[str, int]:
        """The files that are to be written anew, and how many rows of each stay."""
        if self.small is None or small is None:
            if not is_cut:
                return {}
            marked = seen.select(column(place), F.lit(None).cast("boolean").alias(GOES))
        else:
            marked = self.small.marked(seen, place, small, self.values)
        numbers = [F.count("*").alias(ROWS), F.count(GOES).alias(GOES), *map(_of_those_that_stay, self.values)]
        told = marked.groupBy(column(place)).agg(*numbers).collect()
        rows, out = (sum(row[name] for row in told) for name in (ROWS, GOES))
        if rows != written:
            raise UnexpectedFailure(f"{written} rows were written, and {rows} are read")
        if self.small is not None:
            self.small.check(rows, out)
            self.small.keep({name: sum(row[name] or 0 for row in told) for name in self.values})
        return {row[0]: row[ROWS] - row[GOES] for row in told if is_cut or row[GOES]}

    def _rest(self, some: DataFrame, cut: Cut | None, small: DataFrame | None) -> DataFrame:
        changed = some if cut is None else cut(some)
        return changed if self.small is None or small is None else self.small.rest(changed, small)

    def _say(self, spark: SparkSession) -> None:
        said: Mapping[str, Any] = json.loads(str(spark.conf.get(USER_METADATA)))
        hides_all = self.small is not None and self.small.hides_counts
        counts = {} if hides_all or "counts" not in said else {"counts": self.shown(said["counts"])}
        left = {**{name: each for name, each in said.items() if name != "counts"}, **counts}
        own = {"suppressed": self.suppressed, "mondrian": self.boxes_said}
        more = {name: each for name, each in own.items() if each is not None}
        spark.conf.set(USER_METADATA, json.dumps({**left, **more}, ensure_ascii=False))


def _of_those_that_stay(name: str) -> Column:
    return F.sum(F.when(F.col(GOES).isNull(), column(name))).alias(name)


def _free_name(rows: DataFrame) -> str:
    taken = {name.lower() for name in rows.columns}
    return next(name for name in (f"file {at}" for at in itertools.count()) if name not in taken)


def attached(prepared: Prepared, aside: Aside) -> tuple[Prepared, Anew]:
    """The run with its rows looked at before its commit, and what looks."""
    stated, boxes = prepared.entry.suppress, box_cut.of(prepared)
    if stated is None and boxes is None:
        return prepared, Anew()
    begun = prepared.target.transaction
    assert begun is not None, "refused when it was prepared: without a transaction nobody looks before the commit"
    columns = risk_columns.of(prepared.plan, with_sensitive=False)
    small = None if stated is None else SmallClasses(prepared.table, stated, columns, aside)
    leaves = [prepared.plan.by_path[path] for path in (() if boxes is None else boxes.columns.quasi_identifiers)]
    cut = frozenset(str(case.path) for leaf in leaves for case in leaf.cases)
    anew = Anew(boxes, small, cut, {} if small is None else values_that_stay.of(prepared))
    target = dataclasses.replace(prepared.target, transaction=dataclasses.replace(begun, leaves_out=anew.leave_out))
    return dataclasses.replace(prepared, target=target), anew
