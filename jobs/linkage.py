"""Report which treated tables join, and what they show together: ``python jobs/linkage.py --table NAME --table NAME``.

Tables are given by name or path and tell all that is needed themselves; with ``--conf conf`` they are the targets of
its tables, all of them or those named. Schemas are read, and no rows; with ``--look`` rows too, for columns of a domain
that are treated alike and still have no value in common. With ``--recipient research-lab`` only tables that are made
for that recipient are looked at: as the configuration says, or their records, which tell how they were made before it
was changed. Exit codes: 0 done, whatever was found; 1 a table that was named is not there or was not treated, or not
made for the recipient; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import functools
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import Target
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import as_json, say, shown
from jobs.lake.address import Address
from jobs.record import in_common, linkage, rotation_mark
from jobs.record.linkage import Group, Link, Linkage, Place
from jobs.record.record_reader import columns_of, made_for_of
from jobs.record.rotation_mark import Mark
from jobs.record.treated_table import privacy_of
from jobs.run_events import events
from jobs.spark_app import failures, session

AT_ONCE = 8
"""Tables whose schemas are read at the same time: each takes the driver a look into a Delta log."""


@dataclasses.dataclass(frozen=True)
class Report:
    """left_out: tables that could not be looked at, and why. rotating: those that wait to be moved to another version
    of a key, so that they do not join with those that were."""

    found: Linkage
    left_out: Mapping[str, str]
    rotating: Mapping[str, str] = dataclasses.field(default_factory=dict)
    recipient: str | None = None
    alone: Sequence[tuple[str, Place]] | None = None
    """By the rows, domains and columns of them that have no value in common with another; None: not looked at."""


def run(
    spark: SparkSession,
    targets: Mapping[str, Target],
    recipient: str | None = None,
    stated: Collection[str] = (),
    look: bool = False,
) -> Report:
    """How treated tables hang together. targets: where they are, by what the report is to call them. recipient: only
    those made for that one, by their records or where ``stated`` names them. look: at the rows too, for columns of one
    domain that have nothing in common."""
    own = session.for_run(spark)
    read = functools.partial(_seen, own, recipient, frozenset(stated))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(targets, pool.map(read, targets, targets.values()), strict=True))
    left_out = {name: seen for name, seen in found.items() if isinstance(seen, str)}
    seen = {name: seen for name, seen in found.items() if not isinstance(seen, str)}
    rotating = {name: str(mark) for name, (_, mark) in seen.items() if mark is not None}
    linked = linkage.find({name: schema for name, (schema, _) in seen.items()})
    alone = list(_alone(own, linked, targets)) if look else None
    return Report(linked, left_out, rotating, recipient, alone)


def _alone(spark: SparkSession, found: Linkage, targets: Mapping[str, Target]) -> Iterator[tuple[str, Place]]:
    rows = {name: Address.of(targets[name]).read(spark) for name in found.tables}
    for link in found.links:
        where = ", ".join(link.tables)
        places = failures.translated(where, functools.partial(in_common.apart, link, rows))
        yield from ((link.domain, place) for place in places)


Seen = tuple[T.StructType, Mark | None]


def _seen(spark: SparkSession, recipient: str | None, stated: Collection[str], name: str, target: Target) -> Seen | str:
    """The schema of a treated table, and whether it waits to be moved; or why there is none."""

    def step() -> Seen | str:
        address = Address.of(target)
        if not address.exists(spark):
            return "is not there"
        schema = address.read(spark).schema
        if not any(column.is_decided for column in privacy_of(schema).values()):
            return "says nothing of how it was treated"
        properties = address.properties(spark)
        if not columns_of(properties):
            return "has columns of a treated table, but no record of its own: nobody vouches for it"
        if recipient is not None and name not in stated and made_for_of(properties) != ("recipient", recipient):
            return _of_others(recipient)
        return schema, rotation_mark.of(properties)

    return failures.translated(name, step)


def _of_others(recipient: str | None) -> str:
    return f"its record does not say that it is made for {recipient}"


def target_of(text: str) -> Target:
    """A table by path, if there is a slash in it, else by name."""
    if not text.strip():
        raise BadUsage("--table: expected a table's name or path")
    return Target(path=text) if "/" in text else Target(table=text)


# -- what is told -----------------------------------------------------------------------------------------------------


def as_data(report: Report) -> dict[str, Any]:
    """A report as plain data. Measures of how many rows a group singles out are not made yet, and have no key here."""
    found = report.found
    return {
        **({} if report.recipient is None else {"recipient": report.recipient}),
        "tables": list(found.tables),
        "widest_scope": found.widest_scope,
        "left_out": [{"table": table, "reason": reason} for table, reason in report.left_out.items()],
        "links": [dataclasses.asdict(link) for link in found.links],
        "apart": [dataclasses.asdict(apart) for apart in found.apart],
        "groups": [{**dataclasses.asdict(group), "combined": group.is_combined} for group in found.groups],
        "within_texts": {domain: list(map(dataclasses.asdict, places)) for domain, places in found.within.items()},
        "raw_identifiers": [dataclasses.asdict(place) for place in found.raw],
        "undecided": [dataclasses.asdict(place) for place in found.undecided],
        **({} if report.alone is None else {"nothing_in_common": list(map(_alone_as_data, report.alone))}),
        "rotating": [{"table": table, "said": said} for table, said in report.rotating.items()],
    }


def _alone_as_data(told: tuple[str, Place]) -> dict[str, Any]:
    return {"domain": told[0], **dataclasses.asdict(told[1])}


def lines(report: Report) -> Iterator[str]:
    """A report for a person to read."""
    found = report.found
    if report.recipient is not None:
        yield f"what {report.recipient} can join, of {len(found.tables)} tables made for that recipient"
        yield ""
    yield from _section("columns that join", map(_of_link, found.links))
    yield from _section(
        "columns of one domain that do not join",
        (f"{each.domain}: {_named(each.one)} and {_named(each.other)}: {each.reason}" for each in found.apart),
    )
    yield from _section(
        "columns that have no value in common with another of their domain: are the ids written alike (strip_prefix)?",
        (f"{domain}: {_named(place)}" for domain, place in report.alone or ()),
    )
    for group in found.groups:
        yield from _of_group(group)
    yield from _section(
        "texts in which pseudonyms of a domain stand, by which rows can be linked too",
        (f"{domain}: {', '.join(map(_named, places))}" for domain, places in found.within.items()),
    )
    yield from _section(
        "direct identifiers that are kept, and join with whatever holds the same", map(_named, found.raw)
    )
    yield from _section("columns that nobody decided about", map(_named, found.undecided))
    yield from _section("tables left out", (f"{table}: {reason}" for table, reason in report.left_out.items()))
    yield from _section("under a rotation of a key", (f"{table} {said}" for table, said in report.rotating.items()))
    if found.widest_scope is not None:
        yield f"the widest scope in which two of them join is {found.widest_scope}"
    if not found.groups:
        yield f"no two of the {len(found.tables)} tables join on a pseudonym"


def _section(title: str, told: Iterable[str]) -> Iterator[str]:
    listed = list(told)
    if listed:
        yield from (f"{title}:", *(f"  {line}" for line in listed), "")


def _of_link(link: Link) -> str:
    version = f"layers {' then '.join(map(str, link.layers))}" if link.layers else f"version {link.key_id}"
    key = f", key {link.key}, {version}" if link.key is not None else ""
    within = "" if link.within is None else f", within one {link.within} only"
    return f"{link.domain} ({link.technique}{key}){within}: {', '.join(map(_named, link.columns))}"


def _of_group(group: Group) -> Iterator[str]:
    yield f"{', '.join(group.tables)} join on {', '.join(group.domains)}; together they show"
    yield from _by_table("quasi-identifiers, which could single people out", group.quasi_identifiers)
    yield from _by_table("sensitive, of whomever these single out", group.sensitive)
    yield ""


def _by_table(title: str, places: Sequence[Place]) -> Iterator[str]:
    yield f"  {title}:{'' if places else ' none'}"
    for table in dict.fromkeys(place.table for place in places):
        columns = (f"{place.column} ({place.technique})" for place in places if place.table == table)
        yield f"    {table}: {', '.join(columns)}"


def _named(place: Place) -> str:
    return f"{place.table} {place.column}"


# -- the command line -------------------------------------------------------------------------------------------------


def _run(asked: argparse.Namespace) -> int:
    if asked.conf is None and not asked.table:
        raise BadUsage("name the tables: --table, or --conf for the targets of a configuration")
    conf = None if asked.conf is None else arguments.loaded(asked.conf)
    targets, stated = _targets(asked.table, conf), _made_for(conf, asked.recipient)
    report = run(session.start("lakenym linkage"), targets, asked.recipient, stated, asked.look)
    if asked.recipient is not None and not asked.table:
        report = _without_others(report)
        if not report.found.tables and not stated:
            raise BadUsage("--recipient: no table is made for it, by 'made_for', by 'processing' or by its record")
    if report.left_out and asked.table:
        raise Refused("\n".join(f"{table}: {reason}" for table, reason in report.left_out.items()))
    print(as_json(as_data(report))) if asked.json else say("\n".join(map(shown, lines(report))))
    return DONE


def _without_others(report: Report) -> Report:
    """Of a whole configuration, whose tables are many: those made for others are not told one by one."""
    kept = {name: why for name, why in report.left_out.items() if why != _of_others(report.recipient)}
    return dataclasses.replace(report, left_out=kept)


def _made_for(conf: Config | None, recipient: str | None) -> set[str]:
    """The tables of a configuration that a recipient gets."""
    tables = () if conf is None or recipient is None else conf.tables.values()
    return {
        table.name
        for table in tables
        if recipient in (table.processing.recipients or ())
        or (table.made_for is not None and (table.made_for.kind, table.made_for.name) == ("recipient", recipient))
    }


def _targets(tables: Sequence[str] | None, conf: Config | None) -> dict[str, Target]:
    if conf is None:
        return {table: target_of(table) for table in tables or ()}
    return {table: conf.tables[table].target for table in config.chosen(conf, tables)}


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("linkage", __doc__)
    flags.TABLE.on(options)
    flags.CONF.on(options)
    options.add_argument(
        "--recipient", metavar="NAME", help="only tables made for this recipient: what they can join with each other"
    )
    options.add_argument(
        "--look", action="store_true", help="read the rows too: which columns of a domain have no value in common"
    )
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(asked))


if __name__ == "__main__":
    sys.exit(process.ended(main))
