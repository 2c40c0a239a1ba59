"""Begin with one's own data: ``python jobs/init.py PATH... [--conf conf]``, from files to a configuration that works.

PATH is a file (CSV, JSON lines, Parquet, ORC), a folder that is a table (Delta too), or a folder of tables. What is
made under ``--conf``: a policy to start from, domains for what tables are joined by, a key and where it is, JSON
Schemas for editors, and a draft of each table: for each column what was found in it, and what could be done with it.
Types of CSV files are written down in ``source.schema``. A CSV file without a header is named by ``--option
header=false --names id,name,born``. No file that stands is written over, and none holds a value.

Nothing is decided: a draft treats nothing before somebody has accepted it, column by column (``jobs/accept.py``). The
key is made in the clear, for development, in a folder that its owner alone can read; ``--kek URI`` encrypts it. Exit
codes: 0 done; 2 bad configuration or usage, nothing was written; 3 a table could not be read, the others are drafted.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs import config_schema
from jobs.command_line import arguments, flags
from jobs.configuration import plain_path
from jobs.configuration.config_files import KEYS
from jobs.console import called, file_errors, next_step, process
from jobs.console.exit_codes import DONE, FAILED, BadUsage
from jobs.console.shown import as_json, say
from jobs.detection import packages, shared_keys
from jobs.detection.samples import DEFAULT_SAMPLE
from jobs.drafting import accepted, draft, drafted, joined, lake_tables, report
from jobs.drafting.joined import Shared
from jobs.drafting.proposals import Proposal
from jobs.gates.known import today
from jobs.named_keys.named_key import NamedKey
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.starting import begun_tables, conf_files, domains, found_tables, reading
from jobs.starting.begun_tables import Drafted, Outcome
from jobs.starting.conf_files import Begun
from jobs.starting.found_tables import Scanned
from jobs.starting.reading import NOTHING_SAID, Reading
from privacy_udfs.entities.phone import REGIONS
from privacy_udfs.errors import LakenymError

KEY, KEY_TYPE = "lake", "HkdfPrfKey"
"""The name of the first key, and what serves every technique."""
IN_THE_CLEAR = (
    "is in the clear, for development: whoever reads it can compute pseudonyms. For real data encrypt it: "
    "python jobs/keys.py rewrap (docs/keys.md)"
)


@dataclasses.dataclass(frozen=True)
class Options:
    """conf: the folder of the configuration. keys: the folder of the keyset. target: the folder of treated tables; None
    where each draft is to leave it open. owner: who answers for the decisions; empty: left open. kek: the URI of a
    key-encryption key. sample: rows of a table. regions: of telephone numbers. reading: of
    files, as far as somebody says how."""

    conf: Path
    keys: Path
    target: str | None = None
    owner: str = ""
    kek: str | None = None
    sample: int = DEFAULT_SAMPLE
    regions: tuple[str, ...] = REGIONS
    reading: Reading = NOTHING_SAID


def run(spark: Any, paths: Sequence[str], options: Options) -> Outcome:
    """Look at the tables, then write. Raises `BadUsage` before anything is written."""
    _check_places(paths, options)
    own = session.for_run(spark)
    known = accepted.entries(options.conf) if options.conf.is_dir() else {}
    found = found_tables.at(own, paths, known)
    fresh = [table for table in found if lake_tables.entry_of(table, known) is None]
    if not found:
        raise BadUsage("no table was found there that holds raw data")
    looked, problems, salt = list[Scanned](), list[str](), secrets.token_bytes(16)
    for table in fresh:
        try:
            one = found_tables.scanned(own, table, options.sample, options.regions, salt, options.reading)
            looked.append(one.within(shared_keys.MOST_HELD - sum(shared_keys.held(each.looked) for each in looked)))
        except LakenymError as error:
            problems.append(str(error) if str(error).startswith(f"{table.name}: ") else f"{table.name}: {error}")
    begun = Begun(options.conf)
    standing = [entry for entry in (lake_tables.entry_of(table, known) for table in found) if entry]
    begun.stood += [entry.file for entry in standing]
    waiting = tuple(entry.table for entry in standing if entry.is_draft)
    if not looked and fresh:
        return Outcome(begun, (), tuple(problems), (), waiting)
    compared = [each.looked for each in looked]
    links = failures.translated("tables", lambda: shared_keys.links(compared, salt))
    told = _begin(begun, looked, joined.propose(compared, accepted.surroundings(options.conf), links)[1], options)
    made, _ = joined.propose(compared, accepted.surroundings(options.conf), links)
    drafts = tuple(_drafted(begun, each, made[each.table.name], options) for each in looked)
    return Outcome(begun, drafts, tuple(problems), (*told, *found_tables.alike(looked)), waiting)


def _check_places(paths: Sequence[str], options: Options) -> None:
    own = {"--conf": options.conf, "--keys": options.keys}
    for path in paths:
        if "://" in path:
            continue
        whole = Path(path).expanduser().absolute().resolve()
        for name, place in own.items():
            inner = place.absolute().resolve()
            if inner.is_relative_to(whole) or whole.is_relative_to(inner):
                raise BadUsage(f"{path} and {name} {place} lie in each other: name the folder of the data alone")
    if options.keys.absolute().resolve().is_relative_to(options.conf.absolute().resolve()):
        raise BadUsage("--keys: a key has no place in the configuration, which is in version control: name another")


def _begin(begun: Begun, looked: Sequence[Scanned], groups: Sequence[Shared], options: Options) -> tuple[str, ...]:
    """The files beside the catalog. groups: columns with the same keys. Returns what a person should know."""
    told = list[str]()
    if begun.has(KEYS):
        begun.stood.append(KEYS)
    else:
        told += _first_key(begun, options)
    begun.policy()
    begun.schemas({name: config_schema.as_text(schema) for name, schema in config_schema.schemas().items()})
    names = accepted.surroundings(begun.folder).keys
    found = domains.proposed(looked, groups, KEY if KEY in names else names[0]) if names else {}
    if not begun.domains(found):
        standing = accepted.surroundings(begun.folder).domains
        more = {name: entry for name, entry in found.items() if name not in standing}
        if more:
            told.append(f"domains.yaml stands already; what is proposed besides:\n{conf_files.entries(more)}".rstrip())
    return tuple(told)


def _first_key(begun: Begun, options: Options) -> list[str]:
    folder = options.keys.absolute()
    if not folder.exists():  # in a folder of somebody's own no file is put that hides theirs
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise BadUsage(f"--keys: {folder} cannot be made: {file_errors.why(error)}") from None
        Begun(folder).create(".gitignore", conf_files.IGNORED)
    path = folder / f"{KEY}.json"
    key = NamedKey(KEY, f"file:{path}", options.kek)
    stands = path.exists()
    keyset = key.read() if stands else key.create(KEY_TYPE)
    begun.keys(KEY, key.keyset, options.kek, keyset.primary_id, today())
    told = f"key {KEY}: {'the keyset that stands' if stands else 'made'} at {path}"
    return [told if options.kek else f"{told}; it {called.spoken(IN_THE_CLEAR)}"]


def _drafted(begun: Begun, each: Scanned, made: tuple[Proposal, ...], options: Options) -> Drafted:
    environ = {name: os.environ[name] for name in ("LAKE",) if name in os.environ}
    target = f"{options.target.rstrip('/')}/{each.table.name}" if options.target else ""
    file = f"{each.table.name}.yaml"
    if not plain_path.is_name(file):
        raise BadUsage(f"{file!r} is no name for a file: rename the table's file or folder")
    text = draft.table(each.table.name, each.source, made, environ, options.owner, target)
    seen = {str(one.found.path): drafted.seen_in(one) for one in made}
    place = draft.place(each.source, environ)
    report.write_evidence(report.Drafted(each.table.name, file, made, text, seen, place), begun.folder / "catalog")
    return Drafted(each.table.name, f"catalog/{file}", made, each.notes, begun.catalog(file, text))


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("init", __doc__)
    options.add_argument("paths", nargs="+", metavar="PATH", help="a file, a table's folder, or a folder of tables")
    flags.CONF.on(options, default=Path("conf"), more="made where it is not there; conf by default")
    options.add_argument(
        "--keys", type=Path, metavar="FOLDER", help="where the key goes; by default keys, beside --conf"
    )
    options.add_argument(
        "--target", metavar="PATH", help="where treated tables go (treated, beside --conf, by default for local files)"
    )
    options.add_argument("--owner", default="", help="who answers for the decisions (asked for later if left out)")
    options.add_argument(
        "--kek", metavar="URI", help="the key that encrypts the keyset at that address (of the key that is made)"
    )
    options.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="how CSV and JSON files are read, such as header=false, sep=;, multiLine=true (several times)",
    )  # fmt: skip
    options.add_argument(
        "--names", default="", metavar="NAMES", help="the columns of CSV files without a header, with commas between"
    )
    options.add_argument("--sample", type=flags.at_least_one, default=DEFAULT_SAMPLE, help="rows to look at")
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(asked))


def _run(asked: argparse.Namespace) -> int:
    packages.check()
    beside = asked.conf.absolute().parent
    is_local = not any("://" in path for path in asked.paths)
    target = found_tables.absolute(asked.target) if asked.target else str(beside / "treated") if is_local else None
    options = Options(asked.conf, asked.keys or beside / "keys", target, asked.owner, asked.kek, asked.sample)
    options = dataclasses.replace(options, reading=reading.asked(asked.option, asked.names))
    _check_places(asked.paths, options)
    found = run(session.start("lakenym init"), asked.paths, options)
    say(as_json(begun_tables.as_data(found)) if asked.json else begun_tables.as_text(found))
    for problem in found.problems:
        say(problem, sys.stderr)
    first = next(iter((*(each.table for each in found.tables), *found.waiting)), None)
    if first is not None:
        next_step.tell("accept", "--conf", asked.conf, "--table", first)
    return FAILED if found.problems else DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
