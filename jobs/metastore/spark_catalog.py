"""Spark's own catalog, a Hive metastore or what else is configured: comments on treated tables and their columns.

Delta keeps comments in its log, so that they go with the table and not with its name. A change of comments is a commit
of its own that changes nothing else: rows, properties and the treatment record in the fields' metadata stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.lake.described import Described
from jobs.metastore import labels, sql_text
from jobs.metastore.labels import Means, Told
from jobs.record import marks
from jobs.record.treated_table import by_column

PARTS = (1, 2, 3)
"""How many parts a table's name may have."""
FORM = "DATABASE.TABLE"


def statements(name: str, table: Described) -> list[str]:
    """What makes the comments of a treated table say how it was treated; nothing where they say it."""
    found = [sql_text.comment_on_table(name, comment) for comment in table_comment(table)]
    comments = column_comments(table)
    return [*found, sql_text.comment_on_columns(name, comments)] if comments else found


def table_comment(table: Described) -> Iterator[str]:
    """The table's comment, if it is to change."""
    columns = [column for leaves in by_column(table.schema).values() for column in leaves]
    comment = marks.marked(table.comment, marks.of_table(table.properties, columns))
    if comment != table.comment:
        yield comment


def column_comments(table: Described) -> dict[str, str]:
    """Column -> its comment, for those that are to change."""
    wanted = {
        name: marks.marked(table.comment_of(name), marks.of_column(leaves))
        for name, leaves in by_column(table.schema).items()
    }
    return {name: comment for name, comment in wanted.items() if comment != table.comment_of(name)}


def queries(name: str) -> list[str]:
    """What is asked besides the table's schema, comments and properties: nothing."""
    return []


def told(spark: SparkSession, name: str, table: Described, means: Means) -> list[Told]:
    """The classes that the catalog proposes."""
    return list(labels.of_schema(table, means))
