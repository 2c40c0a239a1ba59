"""The command ``lakenym``: a verb is a job; its flags, its help and its exit codes are the job's.

Where standard output is no terminal, each line of it is one JSON value: ``--json`` is added for verbs that have it, and
what else they say for a person becomes ``{"text": ...}``. ``--text`` before the verb asks for text all the same.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
from collections.abc import Sequence

from jobs.configuration.documents import did_you_mean
from jobs.console import called, outputs
from jobs.console.exit_codes import BAD_USAGE, DONE, FAILED, INTERRUPTED
from jobs.console.terminal import is_terminal
from jobs.console.text_table import wrapped
from jobs.one_command import json_output, verbs

ABOUT = "Pseudonymize lake tables with Apache Spark, column by column, and let each table carry the record of it."
MORE = f"'{called.COMMAND} VERB --help' says what a verb takes. A verb may be written with - or _."
FLAGS = {
    "--text": "text, as on a terminal, although standard output is none (there it is JSON, one value a line)",
    "--debug": "say also where in the program an error came from; never a value",
    "--version": "say which version this is",
    "--help": "this help; with a verb behind it, the help of the verb",
}
HELPS = ("--help", "-h")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb, and return its exit code; 2 where there is no such verb."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with outputs.kept():
            return _main(words)
    except outputs.Unwritten:  # it is told already
        return FAILED


def _main(words: list[str]) -> int:
    before = _before_verb(words)
    asked, rest = set(before), words[len(before) :]
    if "--version" in asked:
        print(_version())
        return DONE
    wants_help = bool(asked & set(HELPS))
    if rest[:1] == ["help"]:
        wants_help, rest = True, rest[1:]
    if wants_help and not rest:
        print(help_text())
        return DONE
    if not rest:
        print(help_text(), file=sys.stderr)
        return BAD_USAGE
    verb = verbs.named(rest[0])
    if verb not in verbs.files():
        return _not_known(rest)
    called.by_command(True if "--text" in asked else None, "--debug" in asked)
    try:
        return _run(verb, ["--help"] if wants_help else rest[1:])
    except KeyboardInterrupt:
        print(f"{called.COMMAND} {rest[0]}: interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        called.plainly()


def _before_verb(words: Sequence[str]) -> list[str]:
    """The flags of ``lakenym`` itself, which stand before the verb."""
    at = next((at for at, word in enumerate(words) if word not in (*FLAGS, *HELPS)), len(words))
    return list(words[:at])


def _run(verb: str, words: list[str]) -> int:
    job = importlib.import_module(verbs.module(verb))
    if set(HELPS) & set(_flags(words)):
        return _help(job.parser(), words)
    if is_terminal():
        return int(job.main(words))
    with json_output.on_standard_output():
        return int(job.main(_with_json(job.parser(), words)))


def _flags(words: list[str]) -> list[str]:
    """The words that may be flags: behind ``--`` none is."""
    return words[: words.index("--")] if "--" in words else words


def _help(parser: argparse.ArgumentParser, words: list[str]) -> int:
    """The help of a job, with jobs in it called as verbs. Ends the process, as helps do."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told):
            parser.parse_args(words)
        return DONE
    finally:
        print(called.spoken(told.getvalue()), end="")


def _with_json(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    """The words of a verb with ``--json``, where the verb, or the verb of it that is asked for, takes it."""
    taken = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            taken += [action.choices[word] for word in words[:1] if word in action.choices]
    at = len(taken) - 1  # behind the verb of a verb, and before what may follow "--"
    takes = "--json" in taken[-1]._option_string_actions
    return [*words[:at], "--json", *words[at:]] if takes and "--json" not in _flags(words) else words


def _not_known(words: Sequence[str]) -> int:
    word = words[0]
    if word.startswith("-"):
        told = f"there is no flag {word!r} before the verb{_where_it_stands(words) or did_you_mean(word, FLAGS)}"
    else:
        near = did_you_mean(verbs.named(word.lower()), verbs.files()) or f": '{called.COMMAND} --help' lists the verbs"
        told = f"there is no verb {word!r}{near}"
    print(f"{called.COMMAND}: {told}", file=sys.stderr)
    return BAD_USAGE


def _where_it_stands(words: Sequence[str]) -> str:
    """Of a flag that the verb behind it takes."""
    verb = next((each for each in words[1:] if verbs.named(each) in verbs.files()), None)
    if verb is None:
        return ""
    parser = importlib.import_module(verbs.module(verbs.named(verb))).parser()
    if words[0] not in parser._option_string_actions:
        return ""
    return f": it stands behind it: {called.COMMAND} {verb} {words[0]}"


def help_text() -> str:
    """All verbs, each with what it does."""
    usage = f"usage: {called.COMMAND} [--text] [--debug] VERB ..."
    lines = [*wrapped(usage, others=" " * len("usage: ")), "", *wrapped(ABOUT)]
    for group, names in verbs.grouped():
        lines += ["", group, *_listed({name.replace("_", "-"): verbs.purpose(verbs.files()[name]) for name in names})]
    lines += ["", "before the verb", *_listed(FLAGS), "", *wrapped(MORE)]
    return "\n".join(lines)


def _listed(told: dict[str, str]) -> list[str]:
    width = 15
    return [line for name, does in told.items() for line in wrapped(does, f"  {name:{width}} ", " " * (width + 3))]


def _version() -> str:
    from jobs.record.treatment_record import software  # not before it is asked for: it takes a second

    return software()
