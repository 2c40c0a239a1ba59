"""The other rule for nulls: one may stand for any value, so a row is alike with all that it does not contradict.

By the first rule, ``equal``, null is a value of its own, equal to null: classes part the table. By this one they
overlap, a row's risk goes by all rows that it may be taken for (as sdcMicro counts, and ARX with its wildcards), and k
is never less. It tells how far suppressed cells hide somebody from whoever cannot tell why they are null.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.risk_measures.class_stream import OWN
from jobs.risk_measures.frames import CODE, COUNT, ID, UNITS, fingerprint, keys_of, mask, same

MOST_PATTERNS = 64
"""Sets of columns that are null together: each class is looked up once for each."""
COUNTS = (COUNT, UNITS)
PATTERN = "pattern"
"""Which keys of a class are null, a bit for each."""


def alike(coded: DataFrame) -> DataFrame:
    """Classes for `summaries.summarized`, each with the rows of all classes that it does not contradict. coded: keys,
    ``code``, ``count``, ``units``; read three times, so that whoever calls this keeps it."""
    keys = keys_of(coded)
    masked = coded.withColumn(PATTERN, mask(keys))
    patterns = [row[PATTERN] for row in masked.select(PATTERN).distinct().limit(MOST_PATTERNS + 1).collect()]
    if len(patterns) > MOST_PATTERNS:
        raise BadUsage(f"nulls: any: over {MOST_PATTERNS} sets of columns are null together: measure fewer columns")
    known = F.array(*map(F.lit, patterns or [0]))
    asking = masked.groupBy(*keys, PATTERN).agg(F.sum(UNITS).alias(OWN)).withColumn("other", F.explode(known))
    asking = asking.withColumn("open", F.col(PATTERN).bitwiseOR(F.col("other")))
    opened = F.array_distinct(F.transform(known, lambda each: each.bitwiseOR(F.col(PATTERN))))
    answers = masked.withColumn("open", F.explode(opened)).withColumnRenamed(PATTERN, "other")
    found = _joined(asking, answers, keys).groupBy(*ID, OWN, CODE)
    return found.agg(*(F.sum(name).alias(name) for name in COUNTS))


def _joined(asking: DataFrame, answers: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Each class with the values of classes that it does not contradict: equal in all columns that are null in neither.
    Both sides say which columns are open, and of which pattern the answer is."""
    match = [f"match_{name}" for name in ID]
    closed = [each.alias(name) for each, name in zip(fingerprint(*_closed(keys)), match, strict=True)]
    theirs = [f"their_{name}" for name in match]
    ids = fingerprint(mask(keys), *map(F.col, keys))
    asking = asking.select(*ids, OWN, *closed)
    answers = answers.select(
        *(each.alias(f"their_{name}") for each, name in zip(closed, match, strict=True)), CODE, *COUNTS
    )
    answers = answers.groupBy(*theirs, CODE).agg(*(F.sum(name).alias(name) for name in COUNTS))
    return asking.join(answers, same(match, theirs)).select(*ID, OWN, CODE, *COUNTS)


def _closed(keys: Sequence[str]) -> list[Column]:
    """What must be equal: of which pattern, which columns are open, and the others."""
    bits = [F.col("open").bitwiseAND(F.lit(1 << at)) == 0 for at in range(len(keys))]
    return [F.col("other"), F.col("open"), *(F.when(bit, F.col(key)) for bit, key in zip(bits, keys, strict=True))]
