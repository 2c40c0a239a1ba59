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


def share(text: str) -> float:
    """A share, above 0 and up to 1: the type of a flag."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise argparse.ArgumentTypeError("expected a share above 0, up to 1")
    return found


SWITCH = {"action": "store_true"}

CONF = Flag("--conf", "folder of the configuration", {"type": Path})
TABLE = Flag("--table", "a table (may be given several times)", {"action": "append"})
ONE_TABLE = Flag("--table", "a table (one)", {"action": "append"})
ALL = Flag("--all", "every table of the catalog", SWITCH)
DATABASE = Flag("--database", "a database of Spark's catalog, or of the platform's")
APPROVAL = Flag("--approval", "what approve.py made", {"type": Path, "metavar": "FILE"})
VERIFY_RECEIPT = Flag(
    "--verify-receipt", "whether a receipt is as it was signed and is true today", {"type": Path, "metavar": "FILE"}
)
STRICT = Flag("--strict", "exit with 1 for less than a refusal, too", SWITCH)
JSON = Flag("--json", "JSON instead of text", SWITCH)
OUTPUT = Flag("--output", "where to write", {"type": Path})
CHECK = Flag("--check", "exit 1 if the files in this folder are stale", {"type": Path, "metavar": "FOLDER"})
WITHOUT_ENVIRONMENT = Flag(
    "--without-environment",
    "variables that are not set stand for themselves: for CI and hooks, where there is no lake",
    SWITCH,
)
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
ACCEPT_DELETED_ROWS = Flag(
    "--accept-deleted-rows",
    "write a target anew although others deleted rows there: those that the source still has come back",
    SWITCH,
)
ACCEPT_SHORTER_SOURCE = Flag(
    "--accept-shorter-source",
    "treat a table that grew anew from its source although rows of it may be there no more: the table loses them",
    SWITCH,
)
EXECUTION = Flag(
    "--execution",
    "how tables are treated: columnar (file by file, in whole Arrow arrays; refused where it does not fit), spark (row "
    "by row), or auto, which is columnar wherever that fits (default: as each table's entry says, else auto)",
    {"choices": get_args(Execution)},
)
MODE = Flag("--mode", "how tables are written")
OF_RUNS = (
    "full: all rows of the source anew; incremental: those that it gained since the last run, added to the target's; "
    "partitions: those of --where, in the place of the target's; changes: rows inserted, updated and deleted since the "
    "last run, by the target's key; stream: incremental in batches, see --trigger; default: as each table's target "
    "says, else full"
)
"""What `MODE` means of runs."""
WHERE = Flag(
    "--where",
    "SQL that chooses what is worked on, as after WHERE",
    {"metavar": "PREDICATE"},
)
TRIGGER = Flag(
    "--trigger",
    "when a stream takes its next batch: available-now (batch after batch, up to where the source stood when it began; "
    "then it ends) or an interval such as '30 seconds' (until SIGTERM or Ctrl-C, after the batch at work) (default: "
    "available-now)",
    {"metavar": "WHEN"},
)
FILES_PER_BATCH = Flag(
    "--files-per-batch",
    "new files of a stream's batch: whole commits of a Delta table, or files of one time, up to so many, and at least "
    "one (default: all that are new)",
    {"type": at_least_one, "metavar": "N"},
)
RETREAT = Flag(
    "--retreat",
    "an incremental run, or one that follows changes, treats all rows anew, in one commit, where the target's record "
    "differs from what is in force, or its source has other columns than in the last run or is read otherwise",
    SWITCH,
)
EVEN_UNCHANGED = Flag(
    "--even-unchanged",
    "a run of all rows is carried out although its source, its configuration, its keys and the software are what its "
    "target was made from (without it, such a run says that nothing changed, and writes nothing)",
    SWITCH,
)
REQUEUE = Flag(
    "--requeue",
    "treat no source, but the rows that stand in quarantine: those that pass now are put to the target",
    SWITCH,
)
PARALLEL = Flag(
    "--parallel",
    "tables worked on at a time; 1: one after the other (default: as many as Spark has cores, at most 8)",
    {"type": at_least_one, "metavar": "N"},
)
LINEAGE = Flag(
    "--lineage",
    "where OpenLineage events go: file:PATH, or the URI of a receiver (default: as lineage.yaml says, else nowhere)",
    {"metavar": "URI"},
)
YES = Flag("--yes", "do not ask", SWITCH)
COLUMNS = Flag("--columns", "leaf columns to turn back, by their paths, with commas between", {"metavar": "A,B"})
WITH = Flag(
    "--with", "columns of the treated table to show beside, as they are there, with commas between", {"metavar": "A,B"}
)
TOKENS = Flag("--tokens", "a file of tokens of the first column, one a line", {"type": Path, "metavar": "FILE"})
ACTOR = Flag("--actor", "who is to see the values", {"metavar": "NAME"})
BECAUSE = Flag("--because", "why, in words; it stands in the approval and in the audit log", {"metavar": "TEXT"})
OFF_LIST = Flag("--off-list", "a file of ids to be taken off the list of the erased", {"type": Path, "metavar": "FILE"})
PURPOSE = Flag("--purpose", "what for: one of the purposes that policy.yaml allows")
FORM = Flag(
    "--form",
    "clear, or masked: all but the last four characters",
    {"choices": ("clear", "masked"), "default": "clear"},
)
PUBLIC_KEY = Flag(
    "--public-key",
    "name+hash+base64, or a file with such lines: whose signatures count, instead of the key of the configuration",
    {"action": "append", "default": [], "metavar": "KEY"},
)
DOMAIN = Flag("--domain", "a domain of domains.yaml")
IDS = Flag("--ids", "a file of ids, one a line; or a .csv of one column", {"type": Path, "metavar": "FILE"})
HELD_IN = Flag(
    "--held-in", "the ids are pseudonyms, as this column of a treated table holds them", {"metavar": "TABLE:COLUMN"}
)
