"""What `jobs/check.py` finds in ``grants.yaml``: classes nobody decided about, clear values without a reason, columns
that nobody sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from jobs.configuration.config import Config
from jobs.configuration.config_files import GRANTS
from jobs.configuration.documents import Loc
from jobs.configuration.entry import Class
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.grants_entry import Reads
from jobs.grants_sql import aggregates, leaves, sight
from jobs.grants_sql.leaves import Leaf

SHOWN = 10
"""Columns that are named; of more there is their number."""


def of(conf: Config) -> list[Finding]:
    """Nothing where there is no such file."""
    if conf.grants is None:
        return []
    found = [finding for role in sorted(conf.grants.roles) for finding in _role(conf, role)]
    found += [finding for table in conf.tables for finding in (*_counts(conf, table), *_covered(conf, table))]
    return found


def _at(conf: Config, level: Level, loc: Loc, message: str) -> Finding:
    lines = conf.lines.get(GRANTS, {})
    known = loc
    while known and known not in lines:
        known = known[:-1]
    return Place(GRANTS, lines.get(known, 0), ".".join(map(str, loc))).says(level, message)


def _role(conf: Config, name: str) -> Iterator[Finding]:
    assert conf.grants is not None
    role, loc = conf.grants.roles[name], ("roles", name)
    missing = [class_ for class_ in get_args(Class) if class_ not in role.sees]
    if missing:
        message = f"says nothing of {_listed(missing)}: state what the role sees of each class, 'denied' included"
        yield _at(conf, "refuse", (*loc, "sees"), message)
    if role.of("direct_identifier") == "clear" and role.why is None:
        yield _at(conf, "refuse", loc, "sees direct identifiers in clear, and no 'why' says what for")
    elif role.reads == "source" and role.why is None:
        yield _at(conf, "refuse", loc, "reads the sources, and no 'why' says what for")
    yield from _treated(conf, name)
    counted = [table for table in conf.tables if name in sight.counted_by(conf, table)]
    if not any(each.sees_something for each in sight.of_role(conf, name)) and not counted:
        yield _at(conf, "warn", loc, "sees nothing of any table")
    if role.counts and not any(aggregates.groupings(conf, table) for table in counted):
        yield _at(conf, "warn", loc, "sees counts, and 'aggregates' has none of its tables")


def _treated(conf: Config, name: str) -> Iterator[Finding]:
    """Columns of treated tables that are left out although a word for their class is there: they are not as it says."""
    assert conf.grants is not None
    role = conf.grants.roles[name]
    tables = [each.table.name for each in sight.of_role(conf, name)] if role.reads == "target" else []
    every = [(table, leaf) for table in tables for leaf in _leaves(conf, table)]
    for class_ in get_args(Class):
        of_class = [(f"{table} {leaf.path}", leaf) for table, leaf in every if class_ in leaf.classes]
        if role.of(class_) == "clear":
            lost = [told for told, leaf in of_class if not leaf.kept]
            message = "'clear' in treated tables leaves out what is treated: {}; 'pseudonym' shows it"
        elif role.of(class_) == "pseudonym" and class_ == sight.DIRECT:
            lost = [told for told, leaf in of_class if class_ in leaf.raw]
            message = "'pseudonym' leaves out direct identifiers that are not treated: {}; 'clear' shows them"
        else:
            continue
        if lost:
            yield _at(conf, "warn", ("roles", name, "sees", class_), message.format(_listed(lost)))


def _leaves(conf: Config, table: str, reads: Reads = "target") -> list[Leaf]:
    return leaves.of(conf.tables[table], reads)


def _counts(conf: Config, table: str) -> Iterator[Finding]:
    if sight.counted_by(conf, table) and aggregates.groupings(conf, table):
        fault = aggregates.subject_fault(conf.tables[table])
        if fault is not None:
            message = f"{fault}, so that their number would be wrong: leave out these counts"
            yield _at(conf, "refuse", ("aggregates", table), message)
        elif conf.tables[table].subject is None and table not in sight.grants_of(conf).row_per_person:
            message = "people cannot be counted: name the subject in its entry, or the table under row_per_person"
            yield _at(conf, "refuse", ("aggregates", table), message)


def _covered(conf: Config, table: str) -> Iterator[Finding]:
    """Columns of the target that no role sees: to be denied is the default, and may be meant."""
    seen = [*sight.of_table(conf, table, "target")]
    counted = {path for paths in aggregates.groupings(conf, table).values() for path in paths}
    counts = counted if sight.counted_by(conf, table) else set()
    left = [leaf for leaf in _leaves(conf, table) if leaf.path not in counts and not any(s.sees(leaf) for s in seen)]
    if left:
        entry = conf.tables[table]
        message = f"no role sees {_listed([str(leaf.path) for leaf in left])} of the target: denied to all"
        yield Place(entry.file, entry.line, "columns").says("warn", message)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
