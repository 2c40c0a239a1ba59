"""Spark's path for rows in an order that does not tell the source's: sorted by a random number, each task's by itself.

Nothing goes from task to task, so a task that is tried again has the same rows, in whatever order. The numbers are
drawn from the system's randomness where the rows are treated: the seed of Spark's own ``rand`` stands in the plan, and
whoever reads that could sort the rows back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.lake.columns import column

DRAWN = "lakenym drawn"


def shuffled(rows: DataFrame, columns: Sequence[Column]) -> DataFrame:
    """Columns of rows, each task's rows in random order."""
    drawn = arrow_udf(_drawn, returnType=T.LongType()).asNondeterministic()  # type: ignore[call-overload]
    return rows.select(*columns, drawn(F.lit(True)).alias(DRAWN)).sortWithinPartitions(column(DRAWN)).drop(DRAWN)


def _drawn(rows: pa.Array) -> pa.Array:
    """A random number for each row of a batch."""
    return pa.array(np.frombuffer(os.urandom(8 * len(rows)), np.int64))
