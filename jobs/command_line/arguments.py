"""What the command lines of jobs share: which configuration, which tables."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage


def parser(job: str, doc: str) -> argparse.ArgumentParser:
    """A parser with ``--conf`` and either ``--table`` (repeatable) or ``--all``."""
    options = argparse.ArgumentParser(job, description=doc.partition("\n\n")[0], allow_abbrev=False)
    options.add_argument("--conf", type=Path, required=True, help="folder of the configuration")
    which = options.add_mutually_exclusive_group(required=True)
    which.add_argument("--table", action="append", help="a table of the catalog; may be given several times")
    which.add_argument("--all", action="store_true", help="every table of the catalog")
    return options


def add_other_key_version(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--accept-other-key-version",
        action="store_true",
        help="go on although other tables hold a domain under another key version: the tables will not join",
    )


def chosen(options: argparse.Namespace) -> tuple[Config, list[str]]:
    """The configuration and the names of the tables asked for, each once. Raises `ConfigError` or `BadUsage`."""
    conf = config.load(options.conf)
    names = list(conf.tables) if options.all else list(dict.fromkeys(options.table))
    for name in names:
        if name not in conf.tables:
            near = difflib.get_close_matches(name, conf.tables, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadUsage(f"the catalog in {options.conf} has no table {name}{hint}")
    if not names:
        raise BadUsage(f"the catalog in {options.conf} has no tables")
    return conf, names
