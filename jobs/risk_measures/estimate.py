"""Estimates for tables too large to count each class: classes are sampled by their hash, and the sample is counted.

A class is in the sample where its 64-bit hash is below a share of all hashes, so each class is with the same chance and
with all of its rows: what is counted of it is exact. The share is chosen by Spark's HyperLogLog count of the classes,
in a first pass, so that `SAMPLE` classes are expected; a second pass counts them. Rows are not moved between machines,
but for those of the sample, and nothing depends on how they are split into tasks: the hash has no random seed.

The sample of classes is that of Gibbons (Distinct Sampling for Highly-Accurate Answers to Distinct Values Queries, VLDB
2001) with the hash order of theta and KMV sketches. With a subject, people of a class are counted by an HLL sketch for
each, as KHyperLogLog does (Chia, Desfontaines, Perera, Simmons-Marengo, Li, Day, Wang, Guevara: KHyperLogLog:
Estimating Reidentifiability and Joinability of Large Data at Scale, IEEE S&P 2019), exact up to `MOST_PEOPLE`.

Errors are bounds that miss with a chance below `CHANCE`, whatever the table: of shares of classes by Hoeffding's
inequality, ``sqrt(ln(2 / CHANCE) / 2m)`` for m classes in the sample; of sums over classes, which shares of rows are
made of, by Bernstein's. With 10^5 classes these are 0.0085 and 0.017.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_measures import frames, summaries
from jobs.risk_measures.class_stream import OWN
from jobs.risk_measures.frames import SUBJECT
from jobs.risk_measures.sizes import THRESHOLD, Sizes
from jobs.risk_measures.summaries import SIZE

SAMPLE = 100_000
CHANCE = 1e-6
SEED = 20190519
"""Of the hash of a class: always the same, so that estimates of one table are equal."""
NEAR = 0.02
"""The relative error of the first count; it only decides how large the sample gets."""
MORE = 1.1
"""So many more classes than `SAMPLE` are expected, lest the sample be smaller where the first count erred."""
LG_CELLS = 12
MOST_PEOPLE = 300
"""Up to so many people of a class the HLL sketch of 2^12 cells is a list of their hashes (Apache DataSketches: up to
384): counts are the same however rows are split, and exact unless two of 26 bits are equal, which for two people has a
chance of 10^-8, for 300 of 10^-3. Of larger classes only that they are is told."""
BITS = 64
ALIKE = 2.0**-26
"""The chance, at most, that the sketch of a class takes two of its people for one."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """rows: of the table, counted. share: of all hashes, that were taken into the sample; with 1 all classes were
    counted and nothing is estimated. sample: the sizes of its classes. by_subject: sizes are people, up to
    `MOST_PEOPLE`, and not rows."""

    rows: int
    share: float
    sample: Sizes
    threshold: float = THRESHOLD
    by_subject: bool = False

    @property
    def is_whole(self) -> bool:
        """All classes were counted."""
        return self.share == 1

    @property
    def is_exact(self) -> bool:
        """And by no sketches."""
        return self.is_whole and not self.by_subject

    def surely_below(self, k: int) -> bool:
        """Whether some class is below k but for a chance of `CHANCE`. Sketches may have missed people of each of them:
        that of m classes c are d short has a chance of at most ``(m p^d / d!)^c / c!``, p being that of a pair."""
        if not self.by_subject:
            return 0 < self.sample.k < k
        pairs, chance = k * (k - 1) / 2 * ALIKE, 0.0
        for size, many in self.sample.classes.items():
            if 0 < size < k:
                short = k - size
                each = math.log(self.sampled) + short * math.log(pairs) - math.lgamma(short + 1)
                chance += min(many * each - math.lgamma(many + 1), 0.0)
        return chance < math.log(CHANCE)

    @property
    def sampled(self) -> int:
        """How many classes were counted."""
        return sum(self.sample.classes.values())

    @property
    def classes(self) -> int:
        return round(self.sampled / self.share)

    def small(self, below: float) -> int:
        """Classes of the sample with fewer than so many rows or people."""
        return sum(many for size, many in self.sample.classes.items() if size < below)

    def rows_small(self, below: float) -> int:
        """The rows of these."""
        return sum(many for size, many in self.sample.members.items() if size < below)

    def of_rows(self, counted: int) -> float:
        """The share of all rows that so many rows of the sample stand for."""
        return min(counted / self.share / self.rows, 1.0) if self.rows else 0.0

    def error_of_classes(self) -> float:
        """The error of a share of classes."""
        return 0.0 if self.is_whole or not self.sampled else _hoeffding(self.sampled)

    def error_of_rows(self, most: float) -> float:
        """The error of a share of rows, made of classes of up to so many."""
        return 0.0 if self.is_whole or not self.rows else _bernstein(self.share * self.rows, most)

    def error_of_many(self) -> float:
        """The error of ``classes``, as a share of them."""
        return 0.0 if self.is_whole or not self.sampled else _bernstein(self.sampled, 1)

    @property
    def below(self) -> float:
        """Classes of fewer are at risk."""
        return 1 / self.threshold

    def to_dict(self) -> dict[str, Any]:
        """For programs, with exact counts of what was sampled. ``k_at_most``: a class of so many there is. ``*_error``:
        see the module. ``unique_rows``, ``at_risk`` are shares of rows: with a subject there are none."""
        classes, below = self.sampled or 1, self.below - 1e-9
        data = {
            "rows": self.rows,
            "exact": self.is_exact,
            "sampled_classes": self.sampled,
            "classes": self.classes,
            "classes_error": self.error_of_many(),
            "k_at_most": self.sample.k,
            "unique_classes": self.small(2) / classes,
            "classes_at_risk": self.small(below) / classes,
            "class_share_error": self.error_of_classes(),
        }
        if not self.by_subject:
            most = max(math.ceil(below) - 1, 1)
            data |= {
                "unique_rows": self.of_rows(self.rows_small(2)),
                "unique_rows_error": self.error_of_rows(1),
                "at_risk": self.of_rows(self.rows_small(below)),
                "at_risk_error": self.error_of_rows(most),
            }
        return data


def _hoeffding(many: int) -> float:
    """Hoeffding: Probability Inequalities for Sums of Bounded Random Variables, 1963, which holds without replacement
    too."""
    return min(math.sqrt(math.log(2 / CHANCE) / (2 * many)), 1.0)


def _bernstein(expected: float, most: float) -> float:
    """The e with ``e^2 a = 2 b L (1 + e / 3)``, L being ln(2 / CHANCE): a sum of parts of up to b, each of them in with
    the chance q, over a total of a / q."""
    part = 2 * most * math.log(2 / CHANCE)
    return min((part / 3 + math.sqrt(part * part / 9 + 4 * expected * part)) / (2 * expected), 1.0)


# -- on Spark ---------------------------------------------------------------------------------------------------------


def estimate(
    rows: DataFrame,
    quasi_identifiers: Sequence[str],
    subject: str | None = None,
    *,
    threshold: float = THRESHOLD,
    sample: int = SAMPLE,
) -> Estimate:
    """Estimate in two passes over these columns. With a subject, how many different people each class has: a person
    can be in several, unlike in `jobs.risk_measures.measure`. Nulls are equal to each other. sample: how many classes
    to count, about. Raises `BadUsage` where a column is not there or cannot be compared."""
    if isinstance(quasi_identifiers, str) or not quasi_identifiers:
        raise BadUsage("expected a list of quasi-identifiers, at least one")
    if not 0 < threshold < 1:
        raise BadUsage("threshold: expected a chance between 0 and 1")
    if subject is not None and threshold * MOST_PEOPLE < 1:
        raise BadUsage(f"people of a class are counted up to {MOST_PEOPLE}: for a greater k count rows, with --by-rows")
    if sample < 1:
        raise BadUsage("sample: expected at least one class")
    hashed = _hashed(frames.keyed(rows, quasi_identifiers, subject=subject))
    first = hashed.agg(F.count(F.lit(1)).alias("rows"), F.approx_count_distinct("class", NEAR).alias("many")).collect()
    many, classes = first[0]["rows"], first[0]["many"]
    share = min(MORE * sample / max(classes, 1), 1.0)
    taken = hashed if share == 1 else hashed.where(F.col("class") < _below(share))
    sizes = summaries.counted(
        taken.groupBy("class").agg(_size(subject).alias(SIZE)).select(SIZE, F.col(SIZE).alias(OWN))
    )
    return Estimate(many, share, sizes, threshold, subject is not None)


def _hashed(keyed: DataFrame) -> DataFrame:
    """One number for the class of each row, and the subject beside it."""
    keys = frames.keys_of(keyed)
    columns = [F.xxhash64(F.lit(SEED), *frames.masks(keys), *map(F.col, keys)).alias("class")]
    if SUBJECT in keyed.columns:
        columns.append(F.when(F.col(SUBJECT).isNotNull(), F.xxhash64(F.lit(SEED), SUBJECT)).alias(SUBJECT))
    return keyed.select(*columns)


def _below(share: float) -> int:
    """The number below which that share of all 64-bit numbers with a sign lies."""
    return int(share * (1 << BITS)) - (1 << BITS - 1)


def _size(subject: str | None) -> Column:
    """Rows of a class, or people: rows without a subject are one person's."""
    if subject is None:
        return F.count(F.lit(1))
    people = F.hll_sketch_estimate(F.hll_sketch_agg(SUBJECT, F.lit(LG_CELLS)))
    without = F.max(F.col(SUBJECT).isNull().cast("bigint"))
    return F.least(people + without, F.lit(MOST_PEOPLE).cast("bigint"))
