"""What becomes of each key that the change feed of a source names, and where the target has it.

Of each key its last version counts: a row that is there then is written, one that is not is taken away. Only a key that
was inserted may be new to the target. An update of a row that the target no longer has stays without effect: someone
deleted it there, and an erased subject must not come back.

A row that was refused is in quarantine instead of the target, and counts as there: whatever happens to its key, it is
taken out, and the row that comes instead is treated, or refused anew.
"""

from __future__ import annotations

import dataclasses
import functools
import operator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.columnar.set_aside import MOST_ROWS
from jobs.gates.known import Prepared
from jobs.lake import change, file_places
from jobs.lake.changed import AFTER, BEFORE, INSERTED, TYPE, VERSION, Feed
from jobs.lake.columns import column
from jobs.table_run import waiting
from jobs.table_run.selection import Selection
from jobs.table_run.waiting import NUMBER, RUN, Numbered

RAW, KEY, LAST = "lakenym raw", "lakenym key", "lakenym last"
"""Of the columns that hold a key, before and after it is treated (a number follows), and its last version."""
THERE = "lakenym there"
"""Whether the target has a row of a key, beside the columns of the source."""
FLAGS = ("was", "stays", "born", "apart")
FEW = 200_000
"""Keys that are sent whole to each task, so that the target need not be shuffled: some ten MB of them."""


@dataclasses.dataclass(frozen=True)
class ChangedKeys:
    """The keys of a run that follows changes. selection: that of all columns. waiting: the rows of earlier runs that
    stand in quarantine, opened; None where there are none."""

    prepared: Prepared
    selection: Selection
    waiting: DataFrame | None = None

    @property
    def feed(self) -> Feed:
        found = self.prepared.source.feed
        assert found is not None, "changes are followed by a feed"
        return found

    @property
    def names(self) -> tuple[str, ...]:
        return self.prepared.entry.target.key

    @functools.cached_property
    def by_version(self) -> DataFrame:
        """A row for each key and version of the feed: how many rows each had before and after, all of them and those
        that the table reads, and how many of these were inserted.

        The feed is read for it, once; it is kept where tasks keep what they shuffle."""
        return _by_version(self._events()).localCheckpoint()

    @functools.cached_property
    def by_key(self) -> DataFrame:
        """A row for each key of the feed. seen: in a row that the table reads; of such rows alone all else is told:
        whether the key ``was`` there before, ``stays``, or was ``born`` on the way, or its row was there
        ``apart``, past its time or of the erased, and may stand in the target until it is deleted there; its last
        version; whether a version has it ``twice``, or what happened to it is ``torn``. Kept too."""
        return _by_key(self.by_version).localCheckpoint()

    def _events(self) -> DataFrame:
        kinds = {"before": BEFORE, "after": AFTER, "insert": (INSERTED,)}
        told = [F.col(TYPE).isin(*kind).alias(name) for name, kind in kinds.items()]
        keys = [column(name).alias(raw) for name, raw in zip(self.names, self._called(RAW), strict=True)]
        key = F.struct(*keys).alias("key")
        flags = self._is_read().alias("read"), self._is_chosen().alias("chosen")
        return self.feed.rows.select(key, F.col(VERSION).alias("version"), *flags, *told)

    def _is_chosen(self) -> Column:
        """Whether a row of the source is one of those that the entry chooses."""
        rows = self.prepared.entry.rows
        return F.lit(True) if rows is None else F.coalesce(F.expr(rows), F.lit(False))

    def _is_read(self) -> Column:
        """Whether the table reads a row of the source: what is of the erased is as if it were not there."""
        read, past, erased = self._is_chosen(), self.prepared.source.past, self.prepared.kept_out
        read = read if past is None else read & past.is_within()
        return read if erased is None or not erased.columns else read & ~erased.is_of_erased()

    @functools.cached_property
    def treated(self) -> DataFrame:
        """The keys that were seen, raw and treated; kept too."""
        treat = self._of_keys.columns()
        keys = [F.col("key")[raw].alias(name) for name, raw in zip(self.names, self._called(RAW), strict=True)]
        seen = self.by_key.where("seen").select(*keys, *FLAGS, LAST)
        raw = [column(name).alias(raw) for name, raw in zip(self.names, self._called(RAW), strict=True)]
        found = seen.select(*raw, *FLAGS, LAST, *treat).toDF(*self._called(RAW), *FLAGS, LAST, *self._called(KEY))
        return found.localCheckpoint()

    @functools.cached_property
    def _of_keys(self) -> Selection:
        plan = self.selection.plan
        schema = T.StructType([plan.schema[name] for name in self.names])
        leaves = tuple(leaf for leaf in plan.leaves if leaf.path.root in self.names)
        return dataclasses.replace(
            self.selection, plan=dataclasses.replace(plan, schema=schema, leaves=leaves), counts=None
        )

    @functools.cached_property
    def aside(self) -> DataFrame | None:
        """The treated keys of the rows in quarantine, with run and number; kept too. A row whose key is refused itself
        is left out: no change can be about it, since such a key stops the run."""
        if self.waiting is None:
            return None
        refusal = self._of_keys.refusal(MOST_ROWS)
        rows = self.waiting if refusal is None else self.waiting.where(refusal.isNull())
        found = rows.select(column(RUN), column(NUMBER), *self._of_keys.columns())
        return found.toDF(RUN, NUMBER, *self._called(KEY)).localCheckpoint()

    @functools.cached_property
    def all_aside(self) -> list[Numbered]:
        """Every row in quarantine."""
        return [] if self.waiting is None else waiting.numbered(self.waiting)

    def taken_out(self) -> list[Numbered]:
        """Of the rows in quarantine those that something happened to."""
        if self.aside is None:
            return []
        keys = self._called(KEY)
        return waiting.numbered(self.aside.join(self._sent(self.treated.select(*keys)), keys, "left_semi"))

    def _sent(self, keys: DataFrame) -> DataFrame:
        return F.broadcast(keys) if self._are_few else keys

    @functools.cached_property
    def _are_few(self) -> bool:
        return self.by_key.where("seen").limit(FEW + 1).count() <= FEW

    @functools.cached_property
    def met(self) -> DataFrame:
        """The same with what the target has of each key: how many rows, in which files; how many stand in quarantine
        instead; and whether one is to be put to the target."""
        keys, place = self._called(KEY), F.col(file_places.FILE).alias("place")
        target = change.rows_of(self.prepared.spark, self.prepared.target)
        there = target.select(*(column(name).alias(key) for name, key in zip(self.names, keys, strict=True)), place)
        found = there.join(self._sent(self.treated.select(*keys)), keys)
        of_key = found.groupBy(*keys).agg(F.count("*").alias("rows"), F.collect_set("place").alias("places"))
        met = self.treated.join(of_key, keys, "left").withColumn("there", F.col("rows").isNotNull())
        if self.aside is None:
            met = met.withColumn("waits", F.lit(0))
        else:
            met = met.join(self.aside.groupBy(*keys).agg(F.count("*").alias("waits")), keys, "left")
        met = met.fillna(0, ["rows", "waits"]).withColumn("known", F.col("there") | (F.col("waits") > 0))
        return met.withColumn("put", F.col("stays") & (F.col("known") | ~F.col("was") | F.col("born")))

    def rows_to_put(self, all_stay: bool) -> DataFrame:
        """The rows of the source that are new to the target or replace one of its rows. all_stay: no row that was
        updated is missing there."""
        return self._last(self.treated.where("stays") if all_stay else self.met.where("put"), "left_semi")

    def rows_to_put_told(self) -> DataFrame:
        """The same, and of each whether it is `THERE`."""
        return self._last(self.met.where("put").withColumn(THERE, F.col("there")), "inner", THERE)

    def _last(self, keys: DataFrame, how: str, *more: str) -> DataFrame:
        """The rows as the last change of some keys left them."""
        rows = self.feed.rows.where(F.col(TYPE).isin(*AFTER) & self._is_read())
        rows = rows if self.prepared.kept_out is None else self.prepared.kept_out.cleaned(rows)
        same = _all_equal([*self.names, VERSION], [*self._called(RAW), LAST])
        return rows.join(self._sent(keys.select(*self._called(RAW), LAST, *map(column, more))), same, how)

    def rows_to_keep(self, held: DataFrame) -> DataFrame:
        """Of rows of the target those that nothing happened to."""
        keys = self._called(KEY)
        return held.join(self._sent(self.treated.select(*keys)), _all_equal(self.names, keys), "left_anti")

    def _called(self, prefix: str) -> list[str]:
        return [f"{prefix} {at}" for at in range(len(self.names))]


def _by_version(events: DataFrame) -> DataFrame:
    read = F.col("read")
    return events.groupBy("key", "version").agg(
        F.count_if("before").alias("all_before"),
        F.count_if("after").alias("all_after"),
        F.count_if(F.col("before") & read).alias("before"),
        F.count_if(F.col("before") & F.col("chosen") & ~read).alias("before_apart"),
        F.count_if(F.col("after") & read).alias("after"),
        F.count_if(F.col("insert") & read).alias("insert"),
    )


def _by_key(versions: DataFrame) -> DataFrame:
    before, after = F.col("before"), F.col("after")
    seen = F.when(before + after > 0, F.col("version"))
    told = versions.groupBy("key").agg(
        F.max(seen).alias(LAST),
        F.coalesce(F.min_by(before, seen) > 0, F.lit(False)).alias("was"),
        F.coalesce(F.max_by(after, seen) > 0, F.lit(False)).alias("stays"),
        F.bool_or((F.col("insert") > 0) & (F.col("all_before") == 0)).alias("born"),
        F.coalesce(F.min_by(F.col("before_apart"), "version") > 0, F.lit(False)).alias("apart"),
        (F.max(F.greatest(before, after)) > 1).alias("twice"),
        (F.sum(after) - F.sum(before)).alias("net"),
    )
    torn = F.col("net") != F.col("stays").cast("int") - F.col("was").cast("int")
    return told.withColumn("torn", torn).withColumn("seen", F.col(LAST).isNotNull())


def _all_equal(left: list[str] | tuple[str, ...], right: list[str]) -> Column:
    pairs = zip(left, right, strict=True)
    return functools.reduce(operator.and_, [column(one) == column(other) for one, other in pairs])
