"""Every job, by its file: what it offers to a shell and to a notebook, and that a flag is one thing in all of them."""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import jobs
from jobs.command_line import arguments, flags
from jobs.command_line.flags import Flag

NAMES = sorted(path.stem for path in Path(jobs.__path__[0]).glob("*.py") if path.stem != "__init__")
SHARED = [flag for flag in vars(flags).values() if isinstance(flag, Flag)]
FORMER = [(flag, old) for flag in SHARED for old in flag.former]


def job(name: str) -> ModuleType:
    return importlib.import_module(f"jobs.{name}")


def parsers(name: str) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """The parser of a job, and of each of its verbs, with the words that lead to it."""
    whole = job(name).parser()
    yield (), whole
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from (((verb,), parser) for verb, parser in action.choices.items())


ALL = [(name, words, parser) for name in NAMES for words, parser in parsers(name)]
EACH = pytest.mark.parametrize(("name", "words", "parser"), ALL, ids=[" ".join((n, *w)) for n, w, _ in ALL])


def taken(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The flags that a parser shows, but for ``--help``."""
    shown = ((flag, action) for action in parser._actions for flag in action.option_strings)
    return {flag: action for flag, action in shown if flag not in ("-h", "--help")}


def test_there_are_jobs() -> None:
    assert {"pseudonymize", "plan", "keys", "demo", "config_schema"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_job_has_a_parser_a_run_and_a_main(name: str) -> None:
    module = job(name)
    assert isinstance(module.parser(), argparse.ArgumentParser)
    assert list(inspect.signature(module.main).parameters) == ["argv"]
    run = inspect.signature(module.run, eval_str=True)
    assert all(each.annotation is not inspect.Parameter.empty for each in run.parameters.values())
    assert run.return_annotation not in (inspect.Signature.empty, None), "a notebook gets a value"
    assert argparse.Namespace not in [each.annotation for each in run.parameters.values()]


@EACH
def test_help_says_what_a_job_and_each_flag_does(
    name: str, words: tuple[str, ...], parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        job(name).main([*words, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert parser.description
    assert parser.description.split()[0] in told
    for flag, action in taken(parser).items():
        assert flag in told
        assert action.help, flag
    assert not {"--allow-raw-history", "--write", "--to", "--way"} & set(told.split()), "former spellings are hidden"


@EACH
def test_no_flag_is_abbreviated(name: str, words: tuple[str, ...], parser: argparse.ArgumentParser) -> None:
    own = dict(parsers(name))[words]
    for asked in (*own._actions, *own._mutually_exclusive_groups):
        asked.required = False
    known = own._option_string_actions
    for short in {flag[:-1] for flag in known if flag.startswith("--")} - known.keys():
        assert own.parse_known_args([short])[1] == [short], "it is no flag, and stands for none"


def test_a_flag_has_one_help_in_every_job() -> None:
    helps: dict[str, dict[str, str]] = {}
    for name, words, parser in ALL:
        for flag, action in taken(parser).items():
            helps.setdefault(flag, {})[str(action.help).partition(" (")[0]] = " ".join((name, *words))
    assert {flag: found for flag, found in helps.items() if len(found) > 1} == {}
    assert {flag.word for flag in SHARED} <= set(helps), "a shared flag that no job takes"


@pytest.mark.parametrize("name", [name for name in NAMES if len(list(parsers(name))) > 1])
def test_help_names_every_verb(name: str) -> None:
    told = job(name).parser().format_help().splitlines()
    verbs = [words[0] for words, _ in parsers(name) if words]
    assert verbs == list(job(name).VERBS)
    assert set(verbs) <= {line.split()[0] for line in told if line.startswith("    ") and line.strip()}


def test_keys_can_enable() -> None:
    assert "enable" in job("keys").parser().format_help().split()


@pytest.mark.parametrize(("flag", "old"), FORMER, ids=[old for _, old in FORMER])
def test_a_former_spelling_still_works_and_is_not_shown(flag: Flag, old: str) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    flag.on(parser, required=True)
    value = [] if "action" in flag.settings else ["x"]
    assert parser.parse_args([old, *value]) == parser.parse_args([flag.word, *value])
    assert old not in parser.format_help() + parser.format_usage()


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("pseudonymize", ["--allow-raw-history"], ["--accept-raw-history"]),
        ("inventory", ["--write", "f"], ["--output", "f"]),
        ("config_schema", ["--write=f"], ["--output=f"]),
        ("catalog_tags", ["read", "--write", "f"], ["read", "--output", "f"]),
        ("history", ["restore", "--conf", "c", "a", "--to", "f"], ["restore", "--conf", "c", "a", "--output", "f"]),
        ("history", ["policy", "--conf", "c", "a", "--to", "f"], ["policy", "--conf", "c", "a", "--output", "f"]),
    ],
)
def test_command_lines_of_before_mean_what_they_meant(name: str, before: list[str], now: list[str]) -> None:
    more = ["--conf", "c", "--all"] if name == "pseudonymize" else []
    parser = job(name).parser()
    assert parser.parse_args([*before, *more]) == parser.parse_args([*now, *more])


def test_a_former_spelling_is_known_where_it_was() -> None:
    with pytest.raises(SystemExit):
        job("keys").parser().parse_args(["export", "--conf", "c", "--name", "n", "--cleartext", "--to", "f"])
    with pytest.raises(SystemExit):
        job("inventory").parser().parse_args(["--to", "f"])


def test_errors_name_the_word_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        job("config_schema").main(["--write", "f", "--check", "f"])
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words", "begins", "said"),
    [
        ("monitor", ["--conf", "c", "--all", "--hous"], "usage: monitor ", "--hous; did you mean '--house'?"),
        ("keys", ["show", "--conf", "c", "--name", "n", "--tabels"], "usage: keys show ", "did you mean '--tables'?"),
        ("inventory", ["--path", "p", "--writ"], "usage: inventory ", "unrecognized arguments: --writ\n"),
        ("accept", ["--conf", "c", "--table", "t", "--table", "u"], "usage: accept ", "name one table with --table"),
    ],
)
def test_a_flag_that_is_none_is_told_by_its_verb_with_the_one_that_is_meant(
    name: str, words: list[str], begins: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a verb of a job too; no former spelling is proposed."""
    with pytest.raises(SystemExit) as ended:
        job(name).main(words)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(begins)
    assert said in told


def test_a_verb_that_is_not_there() -> None:
    with pytest.raises(arguments.BadUsage, match=r"there is no verb lst; did you mean 'list'\?"):
        arguments.check_verb("lst", job("keys").VERBS)
