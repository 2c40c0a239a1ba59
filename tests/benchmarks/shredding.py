"""What a key for each subject costs: keys that are all new, then the same again, beside AES-SIV under one key."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from jobs import pseudonymize
from jobs.configuration.config import Config
from privacy_udfs.subject_keys import SubjectKeys
from privacy_udfs.technique import Key, Technique
from privacy_udfs.techniques import parse
from privacy_udfs.techniques._by_subject import BySubject
from tests.benchmarks import tables
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import lakes, shredding

ROWS = 10_000_000


@dataclasses.dataclass(frozen=True)
class Shredding:
    """Seconds by the clock: AES-SIV under one key by Spark's path, and with a key for each subject, all new and none
    new (medians)."""

    rows: int
    one_key: float
    new: float
    known: float

    def as_text(self) -> str:
        return "\n".join(
            [
                f"| {self.rows:,} values of as many subjects, seconds | AES-SIV, one key, Spark's path | all keys new "
                "| none new | none new, of one key's |",
                "| --- | ---: | ---: | ---: | ---: |",
                f"| subject and one column of text | {self.one_key:.1f} | {self.new:.1f} | {self.known:.1f} | "
                f"{self.known / self.one_key:.2f} x |",
            ]
        )


VALUES, BATCH = 100_000, 10_000


def kernel(turns: int) -> str:
    """Nanoseconds for a value of a subject of its own, in batches as Spark makes them: least of the turns."""
    values = pa.array([f"user-{at * 7919 % 99999989}@example.org" for at in range(VALUES)])
    subjects, key, lines = pa.array(range(VALUES)), Key(bytes(32)), list[str]()
    for name in ("deterministic_encryption", "randomized_encryption"):
        plain = parse({"technique": name})
        by_subject = parse({"technique": name, "key_per": "subject", "subject_keys": "0" * 32})
        assert isinstance(by_subject, BySubject)
        made = SubjectKeys(key.material).made(by_subject.lookups(subjects, key))
        held = pc.binary_join_element_wise(made.handle, made.wrapped, b"")
        first = by_subject.step_before_join()
        carried = first.apply(values, key, subjects).values

        def redeem(at: int, of: BySubject = by_subject, values: pa.Array = carried, held: pa.Array = held) -> object:
            return of.redeemed(values.slice(at, BATCH), held.slice(at, BATCH), key, "d")

        def under_one_key(at: int, of: Technique = plain) -> object:
            return of.apply(values.slice(at, BATCH), bytes(of.key_size() or 0))

        def before_join(at: int, of: Technique = first) -> object:
            return of.apply(values.slice(at, BATCH), key, subjects.slice(at, BATCH))

        one_key, before = _nanoseconds(turns, under_one_key), _nanoseconds(turns, before_join)
        lines.append(f"| {name} | {one_key:.0f} | {before:.0f} | {_nanoseconds(turns, redeem):.0f} |")
    head = "| ns a value | one key | to where keys are joined | from there on: unwrapped, sealed |"
    return "\n".join([head, "| --- | ---: | ---: | ---: |", *lines])


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

    def seconds(conf: Config, name: str) -> float:
        spent = clock.measure(lambda: pseudonymize.run(spark, conf, name, execution="spark")).clock
        say(f"{name}: {spent:.2f} s")
        return spent

    try:
        id_ = shredding.made(spark, folder)
        for name, many in (("few", 10_000), ("one_key", rows), ("kept", rows)):
            text = "concat('user-', id * 7919 % 99999989, '@example.org') AS email"
            spark.range(0, many, 1, 8).selectExpr("id", text).write.parquet(str(folder / "raw" / name))
            siv = {"technique": "deterministic_encryption", "key": "crm"}
            email = lakes.column(siv if name == "one_key" else shredding.SIV)
            columns = {"id": lakes.column({"domain": "customer"}), "email": email}
            conf = shredding.configured(folder, id_, columns, name)
        seconds(conf, "few")
        one_key = statistics.median(seconds(conf, "one_key") for _ in range(turns))
        new = seconds(conf, "kept")
        known = statistics.median(seconds(conf, "kept") for _ in range(turns))
        assert shredding.rows(spark, folder).count() >= rows
    finally:
        spark.stop()
    return Shredding(rows, one_key, new, known)
