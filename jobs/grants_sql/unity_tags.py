"""Unity Catalog by tags: policies for all tables of a schema, by the class that a column's tag says.

The tags are those of ``jobs/catalog_tags.py``, which sets them on treated tables; those of sources are set here. A tag
may be missing, or take minutes to hold, as the platform says; so two policies of each table hide what has none, before
anybody may select from it, and no matter in which order jobs run. Never run against a server either.
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-create-policy
https://docs.databricks.com/aws/en/data-governance/unity-catalog/abac/requirements
https://docs.databricks.com/aws/en/data-governance/unity-catalog/abac/secure-by-default
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from jobs.configuration.config import Config
from jobs.configuration.entry import Class
from jobs.configuration.grants_entry import Grants, Reads
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import leaves, names, sight, unity
from jobs.grants_sql.leaves import Node
from jobs.grants_sql.sight import Sight, grants_of
from jobs.grants_sql.sql_text import literal, quoted, quoted_table
from jobs.lake.tag_names import CLASS, STATUS, STRICTEST, TREATED, UNDECIDED

RAW = "raw"
"""What the tag `STATUS` says of a source."""
MOST_PRINCIPALS = 20
"""In one policy, as Unity Catalog takes them."""
EVERYBODY = "account users"
SHOWS: dict[Reads, tuple[str, ...]] = {"source": ("clear",), "target": ("pseudonym",)}
"""What a role says of a class that it sees by the tag."""
STATES: dict[Reads, str] = {"source": RAW, "target": TREATED}
"""What `STATUS` says of them."""


def check(conf: Config) -> None:
    """Raise `BadUsage` where the grants say what one policy for all tables of a schema cannot."""
    grants = grants_of(conf)
    for name, role in sorted(grants.roles.items()):
        unlike = _unlike(grants, name)
        if unlike is not None:
            raise BadUsage(f"role {name}: {unlike}, which no policy by tags can say: take unity.by: columns")
        if role.reads == "target" and "clear" in role.sees.values():
            raise BadUsage(
                f"role {name}: sees clear in treated tables, where that depends on the column: say pseudonym, which "
                "shows what stands there, or take unity.by: columns"
            )
    _check_plain(conf)
    _check_raw(conf)
    if any(table.made_for is not None for table in conf.tables.values()):
        raise BadUsage("tables are made for recipients or purposes, which no policy by tags can say: unity.by: columns")


def _check_plain(conf: Config) -> None:
    """One function masks columns of all types, which structs and maps are not cast to; so no column holds several
    classes, of which its tag would say the strictest alone."""
    for table in sorted(conf.tables):
        for each in (each for reads in get_args(Reads) for each in sight.of_table(conf, table, reads)):
            for name, node in each.columns.items():
                if not node.is_plain:
                    raise BadUsage(f"{table}: column {name} has structs or maps in it: take unity.by: columns")
                if len(_classes(node)) > 1:
                    raise BadUsage(
                        f"{table}: column {name} holds {', '.join(_classes(node))}, and a tag says the strictest "
                        "alone: take unity.by: columns"
                    )


def _check_raw(conf: Config) -> None:
    """A tag does not say of a direct identifier whether it was treated: who sees pseudonyms would see it as it is."""
    for role in sorted(grants_of(conf).roles):
        for each in sight.of_role(conf, role):
            for name, node in each.columns.items():
                if each.role.of(_tag(node)) in SHOWS[each.reads] and not each.sees_all(node):
                    raise BadUsage(
                        f"{each.table.name}: column {name} is a {_tag(node)} that is kept, in some rows at least, and "
                        f"role {role} would see it by its tag: treat it, or take unity.by: columns"
                    )


def _classes(node: Node) -> list[str]:
    return sorted({class_ for leaf in node.leaves for class_ in leaf.classes})


def _tag(node: Node) -> str:
    return min(_classes(node), key=STRICTEST.index)


def _unlike(grants: Grants, name: str) -> str | None:
    role = grants.roles[name]
    given = {"tables": role.tables, "rows": role.rows or None, "made_for": role.made_for}
    return next((f"'{word}'" for word, value in given.items() if value is not None), None)


def policies(conf: Config) -> list[str]:
    """What holds for all tables of each schema."""
    check(conf)
    hide = _hide(conf)
    made = [f"CREATE SCHEMA IF NOT EXISTS {names.schema(conf, unity.stated(conf).functions, 'unity')}"]
    made.append(f"CREATE OR REPLACE FUNCTION {hide}(`value` VARIANT)\nRETURNS VARIANT\nRETURN CAST(NULL AS VARIANT)")
    for reads, status in STATES.items():
        for schema in _schemas(conf, reads):
            made += [_policy(conf, reads, status, schema, class_, hide) for class_ in (*get_args(Class), UNDECIDED)]
    return made


def _hide(conf: Config) -> str:
    return unity.function(conf, "hide")


def _schemas(conf: Config, reads: Reads) -> list[str]:
    granted = [table for table in sorted(conf.tables) if sight.of_table(conf, table, reads)]
    return sorted({names.named(conf, table, reads, "unity").rpartition(".")[0] for table in granted})


def _policy(conf: Config, reads: Reads, status: str, schema: str, class_: str, hide: str) -> str:
    every = grants_of(conf).roles.items()
    roles = [name for name, role in every if role.reads == reads and role.of(class_) in SHOWS[reads]]
    named = {group for role in roles for group in grants_of(conf).groups_of(role)}
    excepted = sorted({unity.stated(conf).owners, *named})
    if len(excepted) >= MOST_PRINCIPALS:
        raise BadUsage(
            f"{class_}: {len(excepted)} groups see it, and a policy takes {MOST_PRINCIPALS - 1}: make one of them"
        )
    return "\n".join(
        [
            f"CREATE OR REPLACE POLICY {quoted(f'lakenym_{status}_{class_}')} ON SCHEMA {quoted_table(schema)}",
            f"COMMENT {literal(f'{class_} of tables that are {status}, by jobs/grants.py')}",
            f"COLUMN MASK {hide}",
            f"TO {quoted(EVERYBODY)} EXCEPT {', '.join(map(quoted, excepted))}",
            f"FOR TABLES WHEN has_tag_value({literal(STATUS)}, {literal(status)})",
            f"MATCH COLUMNS has_tag_value({literal(CLASS)}, {literal(class_)}) AS `c`",
            "ON COLUMN `c`",
        ]
    )


def statements(conf: Config, table: str) -> list[str]:
    """What hides the columns of a table that no tag tells of, the tags of its source, who may select from the source
    and the target, and its counts."""
    check(conf)
    made: list[str] = []
    for reads in get_args(Reads):
        seen = sight.of_table(conf, table, reads)
        if seen:
            of = names.address(conf, table, reads, "unity")
            made += _untold(conf, of, STATES[reads])
            made += [*(_tags(seen[0], of) if reads == "source" else ()), *unity.grants(conf, table, seen, of)]
    return [*made, *unity.counts(conf, table)]


def _untold(conf: Config, of: str, status: str) -> Iterator[str]:
    """Of one table: all columns while it does not say what it is, then those without a class. No column has two masks
    by these and by `policies`, which the platform would refuse to read."""
    said = f"has_tag_value({literal(STATUS)}, {literal(status)})"
    yield _hiding(conf, of, "no_status", f"NOT {said}", "TRUE")
    yield _hiding(conf, of, "no_class", said, f"NOT has_tag({literal(CLASS)})")


def _hiding(conf: Config, of: str, why: str, tables: str, columns: str) -> str:
    return "\n".join(
        [
            f"CREATE OR REPLACE POLICY {quoted(f'lakenym_{why}')} ON TABLE {of}",
            f"COMMENT {literal('what no tag tells of, by jobs/grants.py')}",
            f"COLUMN MASK {_hide(conf)}",
            f"TO {quoted(EVERYBODY)} EXCEPT {quoted(unity.stated(conf).owners)}",
            f"FOR TABLES WHEN {tables}",
            f"MATCH COLUMNS {columns} AS `c`",
            "ON COLUMN `c`",
        ]
    )


def _tags(seen: Sight, of: str) -> Iterator[str]:
    yield f"ALTER TABLE {of} SET TAGS ({literal(STATUS)} = {literal(RAW)})"
    for name, node in leaves.tree(leaves.of(seen.table, "source")).items():
        tag = f"{literal(CLASS)} = {literal(_tag(node))}"
        yield f"ALTER TABLE {of} ALTER COLUMN {quoted(name)} SET TAGS ({tag})"
