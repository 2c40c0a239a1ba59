"""Unity Catalog, by its documented SQL: what Spark's catalog gets, and tags on tables and columns besides.

It was never run against a Unity Catalog server, which cannot be had outside its platform. Statements and queries are
pure functions, so that they can be read, and run by a person, before they are run by a job.
https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-alter-table.html
https://docs.databricks.com/sql/language-manual/information-schema/column_tags.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Field
from jobs.lake.address import Address
from jobs.lake.columns import dotted
from jobs.lake.described import Described
from jobs.lake.sql import literal
from jobs.lake.tag_names import CLASS, DOMAIN, POLICY, STATUS, STRICTEST, TECHNIQUE, UNDECIDED
from jobs.metastore import labels, spark_catalog, sql_text
from jobs.metastore.labels import WHOLE_TABLE, Label, Means, Told
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.treated_table import by_column

PARTS = (3,)
"""How many parts a table's name has."""
FORM = "CATALOG.SCHEMA.TABLE"
LONGEST_VALUE = 1000
NONE = "none"
"""Set where there is no domain, so that a tag of former times does not stay."""


def statements(name: str, table: Described) -> list[str]:
    """What makes comments and tags of a treated table say how it was treated. Tags are set anew each time."""
    found = [sql_text.comment_on_table(name, comment) for comment in spark_catalog.table_comment(table)]
    for column, comment in spark_catalog.column_comments(table).items():
        found.append(sql_text.comment_on_columns(name, {column: comment}))  # several at once need a newer runtime
    found.append(f"ALTER TABLE {Address(table=name).sql} SET TAGS ({_listed(table_tags(table.properties))})")
    for column, leaves in by_column(table.schema).items():
        tags = _listed(column_tags(leaves))
        found.append(f"ALTER TABLE {Address(table=name).sql} ALTER COLUMN {dotted(column)} SET TAGS ({tags})")
    return found


def table_tags(properties: Mapping[str, str]) -> dict[str, str]:
    policy = properties.get("privacy.policy.version", NONE).strip()
    return {STATUS: properties.get("privacy.status", NONE), POLICY: policy[:LONGEST_VALUE] or NONE}


def column_tags(leaves: Sequence[ColumnPrivacy]) -> dict[str, str]:
    """Tags stand on whole columns: the strictest class of its leaves, and all techniques and domains in them."""
    told = [case for leaf in leaves for case in (leaf.cases or (leaf,))]
    shared = [each.domain for each in told if each.domain is not None and "/" not in each.domain]
    return {
        CLASS: _strictest([leaf.class_ for leaf in leaves]),
        TECHNIQUE: _joined(str(each.technique or UNDECIDED) for each in told),
        DOMAIN: _joined(shared),
    }


def _strictest(classes: Sequence[str | None]) -> str:
    if not classes or None in classes:
        return UNDECIDED
    return min(map(str, classes), key=lambda name: STRICTEST.index(name) if name in STRICTEST else -1)


def _joined(names: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(names))[:LONGEST_VALUE].strip() or NONE


def _listed(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in tags.items())


# -- reading ----------------------------------------------------------------------------------------------------------


def queries(name: str) -> list[str]:
    """What is asked for the tags of a table, and for those of its columns. Unity keeps names in lower case."""
    parts = zip(("catalog_name", "schema_name", "table_name"), name.split("."), strict=True)
    where = " AND ".join(f"{column} = {literal(part.lower())}" for column, part in parts)
    return [
        f"SELECT tag_name, tag_value FROM system.information_schema.table_tags WHERE {where}",  # noqa: S608  literals
        f"SELECT column_name, tag_name, tag_value FROM system.information_schema.column_tags WHERE {where}",  # noqa: S608
    ]


def told(spark: SparkSession, name: str, table: Described, means: Means) -> list[Told]:
    """The classes that the catalog proposes: by tags, and by all that Spark's catalog has too."""
    of_table, of_columns = (spark.sql(query).collect() for query in queries(name))
    tags = [Label(WHOLE_TABLE, row["tag_name"], row["tag_value"] or "", "the table's tag") for row in of_table]
    columns = {column.lower(): column for column in table.schema.names}
    for row in of_columns:
        column = columns.get(row["column_name"].lower())
        if column is not None:
            path = ColumnPath((Field(column),))
            tags.append(Label(path, row["tag_name"], row["tag_value"] or "", "the tag"))
    return [*labels.meant(tags, means), *labels.of_schema(table, means)]
