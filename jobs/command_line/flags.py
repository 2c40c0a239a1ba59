"""Flags that jobs share, each once: one word for one thing, with one help, in every job."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, get_args

from jobs.configuration.models import Execution


class Options(Protocol):
    """A parser, or a group of one."""

    def add_argument(self, *name_or_flags: str, **kwargs: Any) -> argparse.Action: ...


@dataclasses.dataclass(frozen=True)
class Flag:
    """former: how it was spelt in versions before, in every job that takes it. settings: as argparse takes them."""

    word: str
    help: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    former: tuple[str, ...] = ()

    def on(self, options: Options, former: tuple[str, ...] = (), more: str = "", **settings: Any) -> None:
        """Let a parser take it. former: spellings of this job alone, which go on to work and which no help shows. more:
        what it means in this job, behind the one help. settings: what a job has besides, such as ``required``."""
        told, known = f"{self.help} ({more})" if more else self.help, (*self.former, *former)
        action = options.add_argument(self.word, *known, help=told, **{**self.settings, **settings})
        action.option_strings = [self.word]  # what helps and errors show; all spellings are known to the parser by now


def at_least_one(text: str) -> int:
    """A whole number from 1 on, as argparse takes a type."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


SWITCH = {"action": "store_true"}

CONF = Flag("--conf", "folder of the configuration", {"type": Path})
TABLE = Flag("--table", "a table; may be given several times", {"action": "append"})
ALL = Flag("--all", "every table of the catalog", SWITCH)
DATABASE = Flag("--database", "a database of Spark's catalog, or of the platform's")
JSON = Flag("--json", "JSON instead of text", SWITCH)
OUTPUT = Flag("--output", "where to write", {"type": Path})
DRY_RUN = Flag("--dry-run", "plan and check everything, write nothing", SWITCH)
DIFF = Flag(
    "--diff", "show only what changes: against the target's record, or a git revision", {"metavar": "record|REV"}
)
ACCEPT_RAW_HISTORY = Flag(
    "--accept-raw-history",
    "replace a target although older versions of it hold untreated rows, which time travel shows until VACUUM",
    SWITCH,
    ("--allow-raw-history",),
)
ACCEPT_OTHER_KEY_VERSION = Flag(
    "--accept-other-key-version",
    "go on although other tables hold a domain under another key version: the tables will not join",
    SWITCH,
)
EXECUTION = Flag(
    "--execution",
    "how tables are treated: columnar (file by file, in whole Arrow arrays; refused where it does not fit), spark (row "
    "by row), or auto, which is columnar wherever that fits (default: as each table's entry says, else spark)",
    {"choices": get_args(Execution)},
)
PARALLEL = Flag(
    "--parallel",
    "tables worked on at a time; 1: one after the other (default: as many as Spark has cores, at most 8)",
    {"type": at_least_one, "metavar": "N"},
)
