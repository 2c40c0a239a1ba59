"""Which rows of a treated table are turned back: those of a condition, or those of some tokens."""

from __future__ import annotations

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.console.exit_codes import Refused
from jobs.lake.columns import column
from jobs.reversal.asked import Rows
from jobs.reversal.treated import Treated
from jobs.treatment import predicates

LISTED = "token of the list"


def of(treated: Treated, rows: Rows, first: str) -> DataFrame:
    """The rows, treated as they are. first: the column that tokens are of. Raises `Refused`."""
    found = treated.rows()
    if rows.where is not None:
        _check(found, treated.name, rows.where)
        return found.where(rows.where)
    path = ColumnPath.parse(first)
    if not all(isinstance(step, Field) for step in path.steps):
        raise Refused(f"{first}: tokens are looked for in a column, or a field of a struct: say --where")
    value = column(*path.names)
    if not isinstance(found.select(value).schema[0].dataType, T.StringType):
        raise Refused(f"{first}: its tokens are no text: say --where")
    tokens = found.sparkSession.createDataFrame(pa.table({LISTED: pa.array(rows.tokens, pa.string())}))
    return found.join(F.broadcast(tokens), value == column(LISTED), "left_semi")


def _check(rows: DataFrame, table: str, text: str) -> None:
    """Raise `Refused` for a condition that is not made of what may decide about rows (docs/governance.md, 'Rows')."""
    try:
        why = predicates.refusal(rows, predicates.condition(rows, text))
    except PySparkException as error:
        if (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):  # its name may be a value without its quotes
            why = "it names a column that the table does not have; a text stands in single quotes"
        else:
            why = predicates.told(error, ())
    if why is not None:
        raise Refused(f"{table}: the condition cannot be used: {why}".replace("the source", "the treated table"))
