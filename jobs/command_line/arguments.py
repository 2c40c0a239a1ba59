"""What the command lines of jobs share: parsers without abbreviations, verbs, and which tables are asked for."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.command_line import flags
from jobs.command_line.flags import Flag
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.console import called
from jobs.console.exit_codes import BadUsage
from jobs.console.help_text import AsWritten
from jobs.console.next_step import tell
from jobs.console.shown import say


class Parser(argparse.ArgumentParser):
    """Tells words that it does not know by the verb that they were given to, with the flag that may be meant."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            asked = self._asked(found)
            flags_ = [word for action in asked._actions for word in action.option_strings if word.startswith("--")]
            hint = next(filter(None, (did_you_mean(word.partition("=")[0], flags_) for word in unknown)), "")
            asked.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found

    def _asked(self, found: argparse.Namespace) -> argparse.ArgumentParser:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                verb: argparse.ArgumentParser = action.choices[getattr(found, action.dest)]
                return verb
        return self


def parser(job: str, doc: str | None) -> argparse.ArgumentParser:
    """The parser of a job, whose help is its docstring. A flag is written out: a short form would be another word."""
    told = None if doc is None else called.spoken(doc)
    return Parser(called.program(job), description=told, allow_abbrev=False, formatter_class=AsWritten)


def verbs(options: argparse.ArgumentParser, words: Mapping[str, str]) -> dict[str, argparse.ArgumentParser]:
    """A parser for each verb of a job. words: verb -> what it does."""
    made = options.add_subparsers(dest="verb", required=True, metavar="VERB")
    return {
        verb: made.add_parser(verb, help=does, description=does, allow_abbrev=False) for verb, does in words.items()
    }


def check_verb(verb: str, words: Mapping[str, str]) -> None:
    """Raise `BadUsage` where a caller from Python asks for a verb that the job does not have."""
    if verb not in words:
        raise BadUsage(f"there is no verb {verb}{did_you_mean(verb, words)}")


def tables(options: argparse.ArgumentParser) -> None:
    """Let a parser take ``--conf`` and either ``--table``, several times, or ``--all``."""
    flags.CONF.on(options, required=True)
    which = options.add_mutually_exclusive_group(required=True)
    flags.TABLE.on(which)
    flags.ALL.on(which)


def loaded(folder: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration; each draft in it that nobody has accepted yet is told in a line. Raises `ConfigError`."""
    conf = config.load(folder, environ)
    for draft in conf.drafts:
        say(f"{folder}/{draft}", sys.stderr)
    return conf


def chosen(options: argparse.Namespace) -> tuple[Config, list[str]]:
    """The configuration and the names of the tables asked for, each once. Raises `ConfigError` or `BadUsage`."""
    conf = loaded(options.conf)
    names = list(conf.tables) if options.all else list(dict.fromkeys(options.table))
    for name in names:
        if name not in conf.tables:
            raise BadUsage(f"the catalog in {options.conf} has no table {name}{_hint(conf, name)}")
    if not names:
        raise BadUsage(f"the catalog in {options.conf} {config.no_tables(conf)}")
    return conf, names


def next_step(verb: str, options: argparse.Namespace, *more: str) -> None:
    """Tell which job comes next for the same tables, where a person watches. more: what else is to be typed."""
    which = ["--all"] if options.all else [word for name in options.table for word in ("--table", name)]
    tell(verb, "--conf", options.conf, *which, *more)


def again(options: argparse.Namespace, *carried: Flag) -> Iterator[str]:
    """Those of some flags that were given, as they were: the next job is to be asked for the same."""
    for flag in carried:
        value = vars(options).get(flag.word.removeprefix("--").replace("-", "_"))
        if value is not None and value is not False:
            yield from (flag.word,) if value is True else (flag.word, str(value))


def _hint(conf: Config, name: str) -> str:
    if any(draft.table == name for draft in conf.drafts):
        return f": {config.no_table(conf, name)}"
    near = difflib.get_close_matches(name, conf.tables, n=1)
    return f"; did you mean {near[0]}?" if near else ""
