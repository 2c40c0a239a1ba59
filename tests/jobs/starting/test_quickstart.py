"""The commands of README and of docs/quickstart.md, as they stand there, on a CSV that nobody here made up by hand."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from faker import Faker
from pyspark.sql import SparkSession

from tests.helpers.places import ROOT

COMMAND = re.compile(r"^ {0,4}python jobs/(\w+)\.py ([^#\n]+?) *(?:#.*)?$", re.MULTILINE)
ROWS = 120
Command = tuple[str, tuple[str, ...]]


def commands(page: str) -> list[Command]:
    """Jobs and their words, in the page's order; ``~`` is the home, as a shell has it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        (job, tuple(os.path.expanduser(word) for word in shlex.split(words))) for job, words in COMMAND.findall(text)
    ]


def of_readme() -> list[Command]:
    found = commands("README.md")
    return found[: [job for job, _ in found].index("verify") + 1]


def put_files(folder: Path) -> None:
    fake = Faker("de_DE")
    fake.seed_instance(17)
    folder.mkdir()
    lines = ["customer_id;Name;mail;born;first_visit;zip;revenue;mailbox"]
    guests = []
    for at in range(ROWS):
        born, visit = fake.date_of_birth(minimum_age=18, maximum_age=90), fake.date_this_century()
        mailbox = f"{('shop', 'service', 'hotline')[at % 3]}@shop.example"
        told = [f"K{at:05d}", fake.name(), fake.email(), f"{born:%d.%m.%Y}", f"{visit:%Y/%m/%d}", fake.postcode()]
        lines.append(";".join([*told, f"{fake.random_int(0, 99999)}.{at % 100:02d}", mailbox]))
        guests.append(f"C{at:04d},{fake.last_name().upper()},{born}")
    (folder / "customers.csv").write_bytes("\r\n".join([*lines, ""]).encode("cp1252", "replace"))
    (folder / "guests.csv").write_text("\n".join([*guests, ""]), encoding="utf-8")


def answer(prompt: str) -> str:
    """Of somebody at a terminal who takes what is proposed, and removes the rest."""
    for words, said in (("[a/c/t", "a"), ("why,", "nobody who counts visits needs it"), ("class (", "sensitive")):
        if words in prompt:
            return said
    assert "treatment (" in prompt, prompt
    return "redact"


def test_each_command_does_what_is_said(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", answer)
    put_files(tmp_path / "data")
    way, short = commands("docs/quickstart.md"), of_readme()
    assert [job for job, _ in short] == ["init", "accept", "plan", "pseudonymize", "verify"]
    assert set(short) <= set(way), "README's way is the one that is told at length"
    at_terminal = short[1]
    before = [each for each in way if each[0] in ("init", "accept") and each != at_terminal]
    assert {"--option", "--list", "--column", "--evidence-overruled", "--all-with-evidence", "--owner"} <= {
        word for _, words in before for word in words
    }
    for job, words in [*before, at_terminal, *(each for each in way if each[0] not in ("init", "accept"))]:
        monkeypatch.setattr(sys.stdin, "isatty", lambda asked=(job, words): asked == at_terminal, raising=False)
        code = importlib.import_module(f"jobs.{job}").main(list(words))
        told = capfd.readouterr()
        assert code == 0, (job, words, told.err)
        assert "warning:" not in told.out + told.err, (job, words, told)

    rows = spark.read.format("delta").load(str(tmp_path / "mine" / "treated" / "customers")).collect()
    assert len(rows) == ROWS
    assert len({row["customer_id"] for row in rows}) == ROWS
    assert not any(re.fullmatch(r"K\d+", row["customer_id"]) for row in rows)
    assert {row["mailbox"] for row in rows} == {"shop@shop.example", "service@shop.example", "hotline@shop.example"}
    assert all(str(row["born"]).endswith("-01-01") for row in rows)
    assert all(row["first_visit"].endswith("/01/01") for row in rows), "texts stay in their form"
    assert {row["Name"] for row in rows} == {None}
