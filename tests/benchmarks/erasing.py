"""What it costs to take 1,000 persons out of five tables, and the proof that they are out: every byte below the lake is
looked at on each day that the plan named, and the rows of all others are summed up before and after."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize
from jobs.configuration.config import Config
from jobs.erasure import receipt_check, receipt_job
from jobs.erasure.carried_out import Wanted
from jobs.erasure.outcome import Erased
from jobs.lake import table_files
from jobs.subjects.asked import Asked
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import large_lake, many_texts, processes
from tests.helpers.large_lake import TABLES, Lake
from tests.helpers.many_texts import Many

ROWS, SUBJECTS, PERSONS = 10_000_000, 1000, 100_000
DOMAINS = ("customer", "person")
STEPS = ("treated", "plan", "erased", "purged", "again", "scanned")
Timed = Callable[[str, Callable[[], object]], None]


@dataclasses.dataclass(frozen=True)
class Erasing:
    """Seconds by the clock of all five tables. days: that the plan named, and on which it was looked. seen, left: of
    ids, and of pseudonyms and tokens, in how many files they were before and after. size: of the lake, in bytes. peak:
    bytes of memory of the JVM and of all Python processes."""

    rows: int
    subjects: int
    gone: int
    seconds: Mapping[str, float]
    days: tuple[datetime.date, ...]
    seen: tuple[int, int]
    size: int
    peak: int

    def as_text(self) -> str:
        heads = " | ".join(STEPS)
        told = " | ".join(f"{self.seconds[step]:.1f}" for step in STEPS)
        return "\n".join(
            [
                f"| {self.rows:,} rows in {len(TABLES)} tables, {self.subjects:,} persons, seconds | {heads} |",
                "| --- |" + " ---: |" * len(STEPS),
                f"| {self.gone:,} rows and elements of theirs | {told} |",
                "",
                f"Before, {self.seen[0]:,} files held an id of theirs and {self.seen[1]:,} a pseudonym or token; on "
                f"the days that the plan named ({', '.join(map(str, self.days))}) none of what was to be gone by then "
                f"did, of {self.size / 1e9:.1f} GB. All others are there, each row once. "
                f"At most {self.peak / 1e9:.1f} GB of memory.",
            ]
        )


def measure(folder: Path, rows: int, cores: int, say: Callable[[str], None]) -> Erasing:
    spark, watch = tables.session(cores), ProcessorClock()
    try:
        persons = min(PERSONS, rows // 100)
        of = large_lake.lake(folder, rows, persons, min(SUBJECTS, persons // 10))
        return proven(spark, of, watch, say)
    finally:
        spark.stop()


def proven(spark: SparkSession, of: Lake, watch: ProcessorClock, say: Callable[[str], None]) -> Erasing:
    """Raises `AssertionError` where any of it is otherwise."""
    seconds = dict[str, float]()

    def timed(step: str, what: Callable[[], object]) -> None:
        seconds[step] = seconds.get(step, 0.0) + watch.measure(what).clock
        say(f"{step}: {seconds[step]:.1f} s, {_memory() / 1e9:.1f} GB")

    peak = _Peak()
    confs: list[Config] = []
    timed("treated", lambda: confs.append(large_lake.made(spark, of)))
    conf = confs[0]
    ids, called = large_lake.needles(spark, of)
    seen = len(many_texts.traces(of.folder, Many(ids))), len(many_texts.traces(of.folder, Many(called)))
    many = Many(ids | called)
    say(f"before: {seen[0]} files hold an id, {seen[1]} a pseudonym or token")
    before = _all_kept(spark, of)
    peak.look()

    plans: list[Erased] = []
    timed("plan", lambda: plans.extend(erase.plan(spark, conf, _wanted(of, domain)) for domain in DOMAINS))
    made: list[Erased] = []
    timed("erased", lambda: made.extend(_erased(spark, conf, of, "first")))
    peak.look()
    _check_as_planned(plans, made)
    gone = sum(each.rows_deleted + each.elements_removed for erased in made for each in erased.tables)
    say(f"{gone} rows and elements; for people: {_for_people(made)}")
    assert _for_people(made) == {"source"}, "what the job does not take out itself"
    _by_people(spark, conf, of)
    _check_kept(before, _all_kept(spark, of, all_rows=True))

    days = sorted({each.until for plan in plans for _, each in plan.all_remains if each.until is not None})
    last: list[Erased] = []
    for day in days:
        with _on(day):
            timed("purged", lambda day=day: last.extend(_erased(spark, conf, of, str(day))))
            peak.look()
            _check_gone_by(day, plans, of, many, last[-len(DOMAINS) :])
    last = last[-len(DOMAINS) :]
    _check_receipts(spark, conf, of, days)
    with _on(days[-1]):
        assert all(each.is_gone for each in last), [(each.all_remains, each.unsearched) for each in last]
        there = _files(of)
        timed("again", lambda: last.extend(erase.run(spark, conf, _wanted(of, each)) for each in DOMAINS))
        other = sorted(_files(of) ^ there)
        assert not other, f"running again finds nothing, and writes nothing to any table: {other[:20]}"
    timed("scanned", lambda: _check_clean(of, many))
    _check_kept(before, _all_kept(spark, of, all_rows=True))
    peak.look()
    size = sum(path.stat().st_size for path in of.folder.rglob("*") if path.is_file())
    return Erasing(of.rows, len(of.erased), gone, seconds, tuple(days), seen, size, peak.most)


def _wanted(of: Lake, domain: str) -> Wanted:
    return Wanted(Asked(domain, pa.array(of.ids)), sources=True)


def _erased(spark: SparkSession, conf: Config, of: Lake, when: str) -> Iterator[Erased]:
    for domain in DOMAINS:
        yield erase.run(spark, conf, _wanted(of, domain), receipt=_receipt(of, domain, when))


def _receipt(of: Lake, domain: str, when: str) -> Path:
    return of.folder / f"receipt-{domain}-{when}.json"


def _check_receipts(spark: SparkSession, conf: Config, of: Lake, days: list[datetime.date]) -> None:
    """The last ones hold, a year later too; each knows its subjects, and names none."""
    for domain in DOMAINS:
        path, asked = _receipt(of, domain, str(days[-1])), _wanted(of, domain).asked
        found, _, among = receipt_job.verified(spark, conf, path, asked=asked)
        assert among == (len(of.erased), len(of.erased))
        told = list(receipt_check.checks(spark, found, days[-1] + datetime.timedelta(days=365)))
        assert {each.outcome for each in told} == {"ok"}, told


def _by_people(spark: SparkSession, conf: Config, of: Lake) -> None:
    """What the erasure told people to do: write the files of the source anew, put right what is refused, and run the
    tables. The list of the erased keeps them out."""
    large_lake.without_the_erased(spark, of)
    pseudonymize.run(spark, conf, "orders", accept_deleted_rows=True)
    large_lake.mended(spark, of)
    pseudonymize.run(spark, conf, "accounts", mode="full")


def _for_people(made: list[Erased]) -> set[str]:
    assert not [gap for erased in made for gap in erased.unsearched], "everywhere was looked"
    return {each.kind for erased in made for _, each in erased.all_remains if each.until is None}


def _check_as_planned(plans: list[Erased], made: list[Erased]) -> None:
    for plan, done in zip(plans[:1], made[:1], strict=True):  # of the other domain the first one took rows meanwhile
        planned = {each.name: (each.rows_deleted, each.elements_removed, each.files) for each in plan.tables}
        assert {each.name: (each.rows_deleted, each.elements_removed, each.files) for each in done.tables} == planned
        days = {(name, each.kind): each.until for name, each in plan.all_remains}
        for name, each in done.all_remains:
            assert each.until == days.get((name, each.kind)), f"{name}: {each.kind} was not planned so"


# -- what is there ----------------------------------------------------------------------------------------------------


def _all_kept(spark: SparkSession, of: Lake, all_rows: bool = False) -> dict[str, large_lake.Sums]:
    places = [(root, table) for root in ("raw", "treated") for table in TABLES if (root, table) != ("raw", "orders")]
    return {f"{root} {table}": large_lake.kept(spark, of, table, root, all_rows) for root, table in places}


def _check_kept(before: Mapping[str, object], now: Mapping[str, object]) -> None:
    for name, sums in before.items():
        assert now[name] == sums, f"{name}: others are not as they were: {sums}, now {now[name]}"


def _check_clean(of: Lake, many: Many) -> None:
    found = many_texts.traces(of.folder, many)
    assert not found, f"{len(found)} files still hold some: {list(found.items())[:20]}"


def _check_gone_by(day: datetime.date, plans: list[Erased], of: Lake, many: Many, now: list[Erased]) -> None:
    """Of what the plan said would be gone on a day nothing is told any more, and on the last day no byte is there."""
    later = {each.kind for plan in plans for _, each in plan.all_remains if each.until is not None and each.until > day}
    left = {each.kind for erased in now for _, each in erased.all_remains}
    assert left <= later, f"on {day} there is yet {left - later}"
    found = many_texts.traces(of.folder, many)
    assert later or not found, list(found.items())[:20]
    other = [name for name in found if "/_delta_log/" not in name]
    assert {"data_file", "change_file"} & later or not other, other[:20]


def _files(of: Lake) -> set[tuple[str, int, int]]:
    """Every file of the tables, and when it was written."""
    return {(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            for root in ("raw", "treated", "vault", "quarantine")
            for path in (of.folder / root).rglob("*") if path.is_file()}  # fmt: skip


@contextlib.contextmanager
def _on(day: datetime.date) -> Iterator[None]:
    """The clock of retention at the beginning of a day."""
    night = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc)
    own = table_files.now
    table_files.now = lambda: int(night.timestamp() * 1000)
    try:
        yield
    finally:
        table_files.now = own


class _Peak:
    """The most memory that was seen, by looks at it, of this process and all below it."""

    def __init__(self) -> None:
        self.most = 0

    def look(self) -> None:
        self.most = max(self.most, _memory())


def _memory() -> int:
    """Bytes that this process and those below it hold, at most so far each."""
    below = processes.below(psutil.Process())
    return sum(map(processes.most_memory, [None, *(each.pid for each in below)]))
