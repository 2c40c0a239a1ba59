"""What a key for each subject costs beside AES-SIV under one key, on either path, with nobody and with 1,000 destroyed.

Tables: a subject that becomes a keyed hash, and a column of e-mail addresses; as many subjects as rows. All cases take
part in each turn, so that a ratio is of runs side by side.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs import pseudonymize, shred
from jobs.configuration.config import Config
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.subject_keys import INDEX, SubjectKeys, TreeKey
from privacy_udfs.technique import Key, Technique
from privacy_udfs.techniques import parse
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock, Spent, in_turn
from tests.helpers import lakes, shredding

ROWS = 10_000_000
DESTROYED = 1_000
PRIME = 99_999_989
TABLE = "t"
PATHS: tuple[Literal["columnar", "spark"], ...] = ("columnar", "spark")
CASES = ("one key", "key_per: subject", f"the same, {DESTROYED:,} destroyed")


@dataclasses.dataclass(frozen=True)
class Shredding:
    """What each case took, a turn each, by path and case. thief: who copied the table before keys of subjects in it
    were destroyed, and has the master key: values that do not open any more, and that do."""

    rows: int
    spent: dict[tuple[str, str], list[Spent]]
    size: int
    thief: tuple[int, int]

    def as_text(self) -> str:
        head = f"| {self.rows:,} rows of as many subjects, seconds (of one key's) |"
        lines = [f"{head} {' | '.join(CASES)} |", "| --- | ---: | ---: | ---: |"]
        for path in PATHS:
            lines.append(f"| {path} path, by the clock | {self._told(path, 'clock')} |")
            lines.append(f"| of all processes | {self._told(path, 'processor')} |")
        lines.append(f"\n{DESTROYED:,} destroyed: the table of keys has {self.size / DESTROYED:,.0f} bytes for each.")
        lost, opened = self.thief
        lines.append(f"Of a copy taken before {lost:,} subjects were destroyed: none of theirs opens, {opened:,} do.")
        return "\n".join(lines)

    def _told(self, path: str, what: str) -> str:
        base, *others = ([getattr(each, what) for each in self.spent[path, case]] for case in CASES)
        told = [f"{statistics.median(base):.2f}"]
        for each in others:
            ratios = [mine / its for mine, its in zip(each, base, strict=True)]
            spread = f", {min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
            told.append(f"{statistics.median(each):.2f} ({statistics.median(ratios):.2f} x{spread})")
        return " | ".join(told)


VALUES, BATCH = 100_000, 10_000


def kernel(turns: int) -> str:
    """Nanoseconds for a value of a subject of its own, in batches as Spark makes them: least of the turns."""
    values = pa.array([f"user-{at * 7919 % PRIME}@example.org" for at in range(VALUES)])
    subjects, lines = pa.array(range(VALUES)), list[str]()
    keys = SubjectKeys(bytes(32), table := f"tree-{'0' * 32}")
    nodes = keys.root(bytes)
    lost = keys.punctured(nodes, _leaves(DESTROYED))[0]
    whole, less = (TreeKey(bytes(32), tree=table, domain="d", nodes=each) for each in (nodes, lost))
    for name in ("deterministic_encryption", "randomized_encryption"):
        plain = parse({"technique": name})
        by_subject = parse({"technique": name, "key_per": "subject", "subject_keys": table})

        def under(key: Key, of: Technique) -> Callable[[int], object]:
            return lambda at: of.apply(values.slice(at, BATCH), key, subjects.slice(at, BATCH))

        steps = (under(Key(bytes(plain.key_size() or 0)), plain), under(whole, by_subject), under(less, by_subject))
        lines.append(f"| {name} | {' | '.join(f'{_nanoseconds(turns, step):.0f}' for step in steps)} |")
    return "\n".join([f"| ns a value | {' | '.join(CASES)} |", "| --- | ---: | ---: | ---: |", *lines])


def _leaves(many: int) -> Bytes:
    return np.random.default_rng(1).integers(0, 256, (many, INDEX), np.uint8)


def _nanoseconds(turns: int, batch: Callable[[int], object]) -> float:
    spent = []
    for _ in range(turns + 1):
        start = time.process_time_ns()
        for at in range(0, VALUES, BATCH):
            batch(at)
        spent.append((time.process_time_ns() - start) / VALUES)
    return min(spent)


def measure(folder: Path, rows: int, turns: int, cores: int, say: Callable[[str], None]) -> Shredding:
    spark, clock = tables.session(cores), ProcessorClock()
    spent: dict[tuple[str, str], list[Spent]] = {(path, case): [] for path in PATHS for case in CASES}
    try:
        text = f"concat('user-', id * 7919 % {PRIME}, '@example.org') AS email"
        spark.range(0, rows, 1, 8).selectExpr("id", text).write.parquet(str(folder / "rows"))
        lakes_of = {case: folder / str(at) for at, case in enumerate(CASES)}
        confs = {case: _configured(spark, lake, folder / "rows", case) for case, lake in lakes_of.items()}

        def turn(number: int) -> None:
            for path in PATHS:
                for case in in_turn(CASES, number):
                    took = clock.measure(functools.partial(pseudonymize.run, spark, confs[case], TABLE, execution=path))
                    say(f"{path} path, {case}: {took.clock:.2f} s{'' if number else ' (to warm up)'}")
                    if number:
                        spent[path, case].append(took)

        lost = confs[CASES[-1]]
        assert shred.destroy(spark, lost, "crm", [f"absent-{at}" for at in range(DESTROYED)]) == DESTROYED
        size = sum(path.stat().st_size for path in (lakes_of[CASES[-1]] / "subject_keys").rglob("*.parquet"))
        for number in range(turns + 1):
            turn(number)
        thief = _stolen(spark, lakes_of[CASES[-1]], lost, rows, min(DESTROYED, rows // 10))
        say(f"a copy: {thief[0]} do not open, {thief[1]} do")
    finally:
        spark.stop()
    return Shredding(rows, spent, size, thief)


def _configured(spark: SparkSession, lake: Path, rows: Path, case: str) -> Config:
    """A lake of its own, with a table of keys of its own, over the same rows."""
    (lake / "raw").mkdir(parents=True)
    (lake / "raw" / TABLE).symlink_to(rows)
    siv: dict[str, Any] = {"technique": "deterministic_encryption", "key": "crm"}
    email = lakes.column(siv if case == CASES[0] else shredding.SIV)
    columns = {"id": lakes.column({"domain": "customer"}), "email": email}
    return shredding.configured(lake, shredding.made(spark, lake), columns, TABLE)


def _stolen(spark: SparkSession, folder: Path, conf: Config, rows: int, many: int) -> tuple[int, int]:
    """Raises `AssertionError` where a value of a destroyed subject opens in a copy taken before, or one of another does
    not."""
    shutil.copytree(folder / "treated" / TABLE, folder / "copy")
    ids = np.random.default_rng(3).choice(rows, many, replace=False)
    assert shred.destroy(spark, conf, "crm", [str(id_) for id_ in ids]) == many
    there, lost = np.zeros(rows, np.int64), 0
    back = pow(7919, -1, PRIME)
    for values, closed in shredding.by_a_thief(spark, folder, conf, folder / "copy", "email", TABLE):
        mails = pc.extract_regex(values.cast(pa.string()), r"^user-(?P<number>\d+)@example\.org$").field("number")
        numbers = mails.cast(pa.int64()).to_numpy()
        there += np.bincount((numbers * back) % PRIME, minlength=rows)
        lost += closed
    expected = np.ones(rows, np.int64)
    expected[ids] = 0
    assert (there == expected).all(), "who opens, and who does not"
    assert lost == many
    return lost, int(there.sum())
