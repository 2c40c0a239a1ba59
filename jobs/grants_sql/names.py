"""What tables, views and functions are called on a platform."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, get_args

from jobs.configuration.config import Config
from jobs.configuration.grants_checks import plain
from jobs.configuration.grants_entry import Named, Reads
from jobs.configuration.uris import without_user
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql.sight import grants_of, of_table
from jobs.grants_sql.sql_text import quoted, quoted_table

Platform = Literal["spark", "unity", "hive", "ranger"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)
BY_PATH = ("delta", "parquet", "orc")
"""Formats that SQL can read at a path."""
FORM = {"unity": "CATALOG.SCHEMA.TABLE", "hive": "DATABASE.TABLE", "ranger": "DATABASE.TABLE"}


def table(conf: Config, name: str, reads: Reads, platform: Platform) -> str | None:
    """What the platform calls a table's source, or its target; None where it has no name. Raises `BadUsage` where the
    name is none for the platform."""
    grants, entry = grants_of(conf), conf.tables[name]
    stated, database = getattr(grants.names.get(name, Named()), reads), getattr(grants.databases, reads)
    place = entry.source.table if reads == "source" else entry.target.table
    last = f"{database}.{name.rpartition('.')[2]}" if database is not None else None
    found = stated or place or last
    return None if found is None else _fit(conf, found, f"{name}: its {reads}", platform)


def _fit(conf: Config, name: str, what: str, platform: Platform) -> str:
    unity = grants_of(conf).unity
    parts = (name if platform != "unity" or unity is None else unity.whole(name)).split(".")
    if not all(parts) or (platform in FORM and len(parts) != FORM[platform].count(".") + 1):
        raise BadUsage(f"{what} is called {name}: expected {FORM.get(platform, 'DATABASE.TABLE')} for {platform}")
    return ".".join(parts)


def named(conf: Config, name: str, reads: Reads, platform: Platform) -> str:
    """The same, of a table that has to have a name. Raises `BadUsage`."""
    found = table(conf, name, reads, platform)
    if found is None:
        raise BadUsage(f"{name}: its {reads} has no name: state databases.{reads}, or names, in grants.yaml")
    return found


def address(conf: Config, name: str, reads: Reads, platform: Platform) -> str:
    """As SQL writes it: by name; for Spark by its path where it has none. Raises `BadUsage`."""
    found = table(conf, name, reads, platform) if platform == "spark" else named(conf, name, reads, platform)
    return quoted_table(found) if found is not None else _by_path(conf, name, reads)


def _by_path(conf: Config, name: str, reads: Reads) -> str:
    entry = conf.tables[name]
    source, instead = entry.source, f"state databases.{reads}, or names, in grants.yaml"
    given = "delta" if reads == "target" else str(source.format)
    if given not in BY_PATH or (reads == "source" and (source.options or source.partitions)):
        raise BadUsage(f"{name}: its source is {given} with settings of its own, which no path tells: {instead}")
    path = str(entry.target.path if reads == "target" else source.path)
    if without_user(path) != path or not path.isprintable() or "${" in path:
        raise BadUsage(f"{name}: the path of its {reads} is none for a statement: {instead}")
    return f"{given}.{quoted(path)}"


def schema(conf: Config, database: str, platform: Platform) -> str:
    """A database of our own, for views or functions, as SQL writes it."""
    whole = _fit(conf, f"{database}.x", f"the database {database}", platform).rpartition(".")[0]
    return quoted_table(whole)


def view(conf: Config, name: str, ending: str, platform: Platform) -> str:
    """A view of a table, as SQL writes it. ending: the role, or what is counted by."""
    return f"{schema(conf, grants_of(conf).databases.views, platform)}.{quoted(f'{plain(name)}__{ending}')}"


def check_one_each(conf: Config, platform: Platform) -> None:
    """Raise `BadUsage` where what is said of one table by its name would be said of it twice: by two entries that read
    one source, or by one that reads another's target."""
    seen: dict[str, str] = {}
    for called, what in _granted(conf, platform):
        other = seen.setdefault(called.lower(), what)
        if other != what:
            raise BadUsage(
                f"{called} is {other} and {what}: one table has one set of grants; let roles read one of both"
            )


def check_two_tables(conf: Config, platform: Platform) -> None:
    """Raise `BadUsage` where one name stands for the tables of two entries, whoever sees them: names without a database
    of their own are made of the last part of the entry's, and a view would read what another entry decides."""
    seen: dict[str, tuple[str, str]] = {}
    for called, what, place in _called(conf, platform):
        other, its_place = seen.setdefault(called.lower(), (what, place))
        if its_place != place:
            raise BadUsage(
                f"{called} would be {other} and {what}, which are two tables: name one of them otherwise, under names "
                "in grants.yaml"
            )


def _called(conf: Config, platform: Platform) -> Iterator[tuple[str, str, str]]:
    """What each source and target is called, what it is, and where it is; those that have no name are left out."""
    for name, entry in sorted(conf.tables.items()):
        places = {"source": entry.source.table or entry.source.path, "target": entry.target.table or entry.target.path}
        for reads in get_args(Reads):
            with contextlib.suppress(BadUsage):  # told when it is said of a role
                called = table(conf, name, reads, platform)
                if called is not None:
                    yield called, f"the {reads} of {name}", str(places[reads])


def _granted(conf: Config, platform: Platform) -> Iterator[tuple[str, str]]:
    for name in sorted(conf.tables):
        for reads in get_args(Reads):
            if of_table(conf, name, reads):
                yield named(conf, name, reads, platform), f"the {reads} of {name}"
