"""Tell a platform who sees what: ``python jobs/grants.py --conf conf --for spark|unity|hive|ranger [--output OUT]``.

``grants.yaml`` states roles and what each sees of each class (docs/grants.md). Made are views for Spark; masks, filters
and grants, or policies by tags, for Unity Catalog; views and grants for Hive; policies to import for Ranger. Nothing is
run: no Spark starts, no key is opened. Without ``--output`` they are printed; ``--check FOLDER`` writes nothing and
shows what differs there, for CI.

Exit codes: 0 done; 1 refused, or the files of ``--check`` are stale; 2 bad configuration or usage.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.documents import one_of
from jobs.configuration.finding import refused
from jobs.configuration.variables import StandIns
from jobs.console import process, whole_files
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.numbers import many
from jobs.console.shown import say
from jobs.grants_sql import files, findings
from jobs.grants_sql.names import PLATFORMS, Platform
from jobs.run_events import events
from jobs.spark_app import failures


def run(conf: Config, platform: Platform) -> dict[str, str]:
    """The files for a platform, by name. Raises `Refused` with what stands against the grants, `BadUsage` where the
    platform cannot be told."""
    if platform not in PLATFORMS:
        raise BadUsage(f"there is no platform {platform}: expected {one_of(PLATFORMS)}")
    found = refused(findings.of(conf))
    if found:
        raise Refused("\n".join(["grants.yaml is refused", *(f"  {each}" for each in found)]))
    return files.made(conf, platform)


def _run(asked: argparse.Namespace) -> int:
    folder = asked.output or asked.check
    if folder is not None and folder.exists() and not folder.is_dir():
        raise BadUsage(f"{folder}: expected a folder, and this is a file")
    conf = arguments.loaded(asked.conf, StandIns(os.environ) if asked.without_environment else os.environ)
    made = run(conf, asked.platform)
    for each in findings.of(conf):
        say(str(each), sys.stderr)
    if asked.check is not None:
        return _check(asked.check, made)
    if asked.output is not None:
        _write(asked.output, made)
        return DONE
    for text in made.values():
        print(text, flush=True)
    return DONE


def _check(folder: Path, made: Mapping[str, str]) -> int:
    """Show how the files of a folder differ from those that would be made."""
    stands = _standing(folder, made)
    differing = [name for name in sorted({*stands, *made}) if stands.get(name) != made.get(name)]
    for name in differing:
        before, after = (text.get(name, "").splitlines() for text in (stands, made))
        say("\n".join(difflib.unified_diff(before, after, f"{folder / name}", "as it would be made", lineterm="")))
    return REFUSED if differing else DONE


def _write(folder: Path, made: Mapping[str, str]) -> None:
    """Write all files, take away those of ours that are none any more, and tell what they said."""
    folder.mkdir(parents=True, exist_ok=True)
    stands = _standing(folder, made)
    for name, text in made.items():
        whole_files.replace(folder / name, text)
    for name in stands.keys() - made.keys():
        (folder / name).unlink()
    before, after = ({line for text in each.values() for line in files.said(text)} for each in (stands, made))
    say(f"{many(len(made), 'file')} in {folder}")
    for line in sorted(before - after):
        say(f"said no more, and in force until somebody undoes it where it was run: {line}")


def _standing(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """The files of ours in a folder: those that would be made, and all that begin as they do."""
    paths = [path for path in folder.glob("*") if path.suffix in (".sql", ".json") and path.is_file()]
    texts = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(paths)}
    return {name: text for name, text in texts.items() if name in made or text.startswith(files.HEADER)}


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("grants", __doc__)
    flags.CONF.on(options, required=True)
    options.add_argument("--for", dest="platform", choices=PLATFORMS, required=True, help="the platform that is told")
    where = options.add_mutually_exclusive_group()
    flags.OUTPUT.on(where, metavar="FOLDER")
    flags.CHECK.on(where)
    flags.WITHOUT_ENVIRONMENT.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(asked))


if __name__ == "__main__":
    sys.exit(process.ended(main))
