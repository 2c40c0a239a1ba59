"""All that is said to a platform, as files: equal text for equal grants, so that they can be kept in git."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from jobs.configuration.config import Config
from jobs.configuration.grants_checks import plain
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import hive, names, ranger, sight, spark_views, unity, unity_tags
from jobs.grants_sql.names import Platform

HEADER = "-- Made by jobs/grants.py from grants.yaml and the catalog: change these, and make it anew."
POLICIES, ROLES, USES, JSON = "_policies.sql", "_roles.sql", "_use.sql", "policies.json"
STOP = "Let whatever runs this stop at the first statement that fails: no grant stands before what it needs."
NOTES = {
    USES: "Run by an owner of the catalogs and schemas, or who has MANAGE on them: without it SELECT opens nothing.",
    POLICIES: "Run before the files of tables.",
}
"""Told in a file below its header."""


def made(conf: Config, platform: Platform) -> dict[str, str]:
    """The name of each file -> its text. Raises `BadUsage` where the platform cannot be told."""
    sight.grants_of(conf)
    if platform in ("unity", "ranger"):
        names.check_one_each(conf, platform)
    names.check_two_tables(conf, platform)
    found = {f"{plain(table)}.sql": _of_table(conf, table, platform) for table in sorted(conf.tables)}
    if platform == "hive":
        found[ROLES] = hive.roles(conf)
    if platform == "unity":
        found[USES] = unity.uses(conf)
        if unity.stated(conf).by == "tags":
            found[POLICIES] = unity_tags.policies(conf)
    _check_once(found.values())
    of_table = STOP if platform == "unity" else None
    texts = {
        name: as_text(statements, NOTES.get(name, of_table)) for name, statements in sorted(found.items()) if statements
    }
    return {**texts, JSON: as_json(conf)} if platform == "ranger" else texts


def _check_once(statements: Iterable[Sequence[str]]) -> None:
    """Raise `BadUsage` where one view or function would take the place of another: names are made of those of tables,
    roles and columns, which can come to the same."""
    first = [each.split("\n")[0].partition("(")[0].lower() for made in statements for each in made]
    made = [line for line in first if line.startswith("create or replace ")]
    twice = sorted({line for line in made if made.count(line) > 1})
    if twice:
        raise BadUsage(f"two statements begin alike: {twice[0]}: rename a role, a table or a column")


def _of_table(conf: Config, table: str, platform: Platform) -> list[str]:
    if platform == "unity":
        return (
            unity.statements(conf, table) if unity.stated(conf).by == "columns" else unity_tags.statements(conf, table)
        )
    if platform == "ranger":
        return ranger.statements(conf, table)
    return hive.statements(conf, table) if platform == "hive" else spark_views.statements(conf, table)


def as_text(statements: Sequence[str], note: str | None = None) -> str:
    head = HEADER if note is None else f"{HEADER}\n-- {note}"
    return "\n\n".join([head, *(f"{each};" for each in statements)]) + "\n"


def as_json(conf: Config) -> str:
    return json.dumps(ranger.policies(conf), indent=2, ensure_ascii=True) + "\n"


def said(text: str) -> set[str]:
    """The statements of a file of ours that go on to hold until somebody undoes them, each by its first line."""
    head, _, rest = text.partition("\n\n")
    each = (part.strip().split("\n")[0] for part in (rest if head.startswith(HEADER) else text).split(";\n"))
    return {_kept(line) for line in each if line.startswith(("GRANT ", "CREATE OR REPLACE ", "ALTER TABLE "))}


def _kept(line: str) -> str:
    """Of masks, filters and tags which column or table has one: another one takes its place."""
    for what in (" SET MASK ", " SET ROW FILTER ", " SET TAGS "):
        if line.startswith("ALTER TABLE ") and what in line:
            return line[: line.rindex(what) + len(what)].rstrip()
    return line
