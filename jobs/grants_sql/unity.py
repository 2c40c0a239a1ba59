"""Unity Catalog, by its documented SQL: masks on whole columns and filters of rows, for whoever asks.

It was never run against a Unity Catalog server, which cannot be had outside its platform. Functions take and give
VARIANT, to and from which the columns' types are cast, since no schema is read here; what has structs or maps in it is
not cast so, and its type has to be stated.
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-column-mask
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-row-filter
https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/privileges
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.grants_checks import plain
from jobs.configuration.grants_entry import Reads, RowsOf, Types, Unity
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import names, sight, spark_views
from jobs.grants_sql.leaves import Leaf, Node
from jobs.grants_sql.sight import Sight, grants_of
from jobs.grants_sql.sql_text import among, literal, quoted, quoted_table

NO_OWNER = "counts are made and refreshed as their owner: let somebody who is in the group of the owners run this"


def stated(conf: Config) -> Unity:
    """Raises `BadUsage` where nothing is said of Unity Catalog."""
    unity = grants_of(conf).unity
    if unity is None:
        raise BadUsage("grants.yaml says nothing of Unity Catalog: state 'unity', with the group of its owners")
    return unity


def statements(conf: Config, table: str) -> list[str]:
    """Masks, filters and grants of a table, and its counts; empty where no role sees anything of it."""
    made = [each for reads in get_args(Reads) for each in _of_place(conf, table, reads)]
    return [*([_functions(conf)] if made else []), *made, *counts(conf, table)]


def _functions(conf: Config) -> str:
    return f"CREATE SCHEMA IF NOT EXISTS {names.schema(conf, stated(conf).functions, 'unity')}"


def function(conf: Config, name: str) -> str:
    """A function of ours, as SQL writes it."""
    return f"{names.schema(conf, stated(conf).functions, 'unity')}.{quoted(name)}"


def member(groups: Iterable[str]) -> str:
    """Whether whoever asks is in one of some groups; nobody is in none of them."""
    each = [f"is_account_group_member({literal(group)})" for group in sorted(set(groups))]
    return f"({' OR '.join(each)})" if each else "FALSE"


def groups(conf: Config, seen: Iterable[Sight]) -> list[str]:
    return sorted({group for each in seen for group in grants_of(conf).groups_of(each.name)})


def _of_place(conf: Config, table: str, reads: Reads) -> Iterator[str]:
    seen = sight.of_table(conf, table, reads)
    if not seen:
        return
    of = names.address(conf, table, reads, "unity")
    functions: dict[str, str] = {}
    masks: list[str] = []
    for name, node in seen[0].columns.items():
        word = _word(node, reads) if node.is_plain else f"column_{plain(name)}"
        called = function(conf, f"{plain(table)}__{reads}__{word}")
        kind = "VARIANT" if node.is_plain else _type(conf, table, reads, name)
        made = _mask(conf, called, kind, [each for each in seen if each.sees_all(node)])
        if functions.setdefault(called, made) != made:
            raise BadUsage(f"{table}: the masks of column {name} and of another would have one name: rename one")
        masks.append(f"ALTER TABLE {of} ALTER COLUMN {quoted(name)} SET MASK {called}")
    yield from (functions[called] for called in sorted(functions))
    yield from masks
    yield from _rows(conf, table, seen, of)
    yield from grants(conf, table, seen, of)


def _word(node: Node, reads: Reads) -> str:
    """By what all columns alike are masked: their classes and, in the target, whether they are kept as they are."""
    found = {
        f"{class_}{_kept(leaf, class_) if reads == 'target' else ''}" for leaf in node.leaves for class_ in leaf.classes
    }
    return "__".join(sorted(found))


def _kept(leaf: Leaf, class_: str) -> str:
    return "_kept" if leaf.kept else "_kept_in_part" if class_ in leaf.raw else ""


def _type(conf: Config, table: str, reads: Reads, column: str) -> str:
    found = stated(conf).types.get(table, Types())
    kind = (found.source if reads == "source" else found.target).get(column)
    if kind is None:
        raise BadUsage(
            f"{table}: column {column} of its {reads} has structs or maps in it, so that its mask has to know its "
            f"type: state unity.types: {table}: {reads}: {column}, as DESCRIBE shows it"
        )
    return kind


def _mask(conf: Config, called: str, kind: str, seen: Sequence[Sight]) -> str:
    who = member([stated(conf).owners, *groups(conf, seen)])
    body = f"CASE WHEN {who} THEN `value` ELSE NULL END"
    return f"CREATE OR REPLACE FUNCTION {called}(`value` {kind})\nRETURNS {kind}\nRETURN {body}"


def _rows(conf: Config, table: str, seen: Sequence[Sight], of: str) -> Iterator[str]:
    """The filter of a table's rows; where no role has one, none. Who is in several roles sees the rows that all of them
    with a filter may see."""
    filters = {each.name: each.role.rows[table] for each in seen if table in each.role.rows}
    if not filters:
        return
    columns = sorted({rows.column for rows in filters.values()})
    paths = [ColumnPath.parse(text) for text in columns]
    for path in paths:
        if len(path.steps) != 1:
            raise BadUsage(
                f"{table}: rows by {path}: Unity Catalog filters by whole columns, and this is a field of one"
            )
    words = {text: quoted(f"c{at}") for at, text in enumerate(columns, 1)}
    called = function(conf, f"{plain(table)}__{seen[0].reads}__rows")
    parameters = ", ".join(f"{word} STRING" for word in words.values())
    body = _filter(conf, seen, filters, words)
    yield f"CREATE OR REPLACE FUNCTION {called}({parameters})\nRETURNS BOOLEAN\nRETURN {body}"
    yield f"ALTER TABLE {of} SET ROW FILTER {called} ON ({', '.join(quoted(path.root) for path in paths)})"


def _filter(conf: Config, seen: Sequence[Sight], filters: dict[str, RowsOf], words: dict[str, str]) -> str:
    held = [
        f"(NOT {member(grants_of(conf).groups_of(role))} OR coalesce({among(words[rows.column], rows)}, FALSE))"
        for role, rows in sorted(filters.items())
    ]
    everybody = member(groups(conf, seen))
    return f"{member([stated(conf).owners])} OR ({' AND '.join([everybody, *held])})"


def grants(conf: Config, table: str, seen: Sequence[Sight], of: str) -> list[str]:
    """Who may select from a table at all, once they may use what it is in (`uses`)."""
    return [f"GRANT SELECT ON TABLE {of} TO {quoted(group)}" for group in groups(conf, seen)]


def counts(conf: Config, table: str) -> Iterator[str]:
    """Counts, and who may select them. They are materialized, so that they are made as the owner, who sees all: a mask
    would make one group of all rows for whoever must not see the columns. Who makes a view owns it, and no statement is
    documented that gives one of these to somebody else: so nobody but one of the owners gets as far as making it."""
    made = list(spark_views.of_counts(conf, table, "unity", "MATERIALIZED VIEW"))
    if made:
        yield f"CREATE SCHEMA IF NOT EXISTS {names.schema(conf, grants_of(conf).databases.views, 'unity')}"
        yield f"SELECT assert_true({member([stated(conf).owners])}, {literal(NO_OWNER)})"
    for name, statement in made:
        yield statement
        yield from (f"GRANT SELECT ON TABLE {name} TO {quoted(group)}" for group in _counting(conf, table))


def _counting(conf: Config, table: str) -> list[str]:
    return sorted({group for role in sight.counted_by(conf, table) for group in grants_of(conf).groups_of(role)})


def uses(conf: Config) -> list[str]:
    """What lets readers get to the tables and counts that they may select from: without it SELECT opens nothing."""
    given = {each for table in conf.tables for each in _used(conf, table)}
    catalogs = sorted({(place.partition(".")[0], group) for place, group in given})
    counted = any(_counting(conf, table) for table in conf.tables)
    made = f"CREATE SCHEMA IF NOT EXISTS {names.schema(conf, grants_of(conf).databases.views, 'unity')}"
    return [
        *([made] if counted else []),
        *(f"GRANT USE CATALOG ON CATALOG {quoted(name)} TO {quoted(group)}" for name, group in catalogs),
        *(f"GRANT USE SCHEMA ON SCHEMA {quoted_table(place)} TO {quoted(group)}" for place, group in sorted(given)),
    ]


def _used(conf: Config, table: str) -> Iterator[tuple[str, str]]:
    """Each schema that something of a table is in, with each group that reads that."""
    for reads in get_args(Reads):
        seen = sight.of_table(conf, table, reads)
        if seen:
            place = names.named(conf, table, reads, "unity").rpartition(".")[0]
            yield from ((place, group) for group in groups(conf, seen))
    views = stated(conf).whole(f"{grants_of(conf).databases.views}.x").rpartition(".")[0]
    yield from ((views, group) for group in _counting(conf, table))
