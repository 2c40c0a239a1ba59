"""Nightly runs beside an erasure, in each of its windows, and erasures beside a run: both succeed, or one
of them stops and does when it is run again. In the end nobody who was erased is anywhere, and all others are once."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize
from jobs.configuration.config import Config
from jobs.lake import table_files
from jobs.lake.delta_commit import take_out
from jobs.subject_keys import whom
from privacy_udfs.errors import LakenymError
from tests.helpers import audits, erased_house, kills, vaults
from tests.helpers.erased_house import ERASED, MANY, TABLES

OF_ERASURE = (
    ("jobs.lake.erased_list.add", "before", 1),
    ("jobs.lake.erased_list.add", "after", 1),
    ("jobs.lake.delta_commit.take_out._committed", "before", 1),  # of the first source
    ("jobs.lake.delta_commit.take_out._committed", "after", 2),  # of the last one
    ("jobs.lake.delta_commit.take_out._committed", "before", 3),  # of the first target
    ("jobs.lake.delta_commit.take_out._committed", "after", 3),
    ("jobs.lake.delta_commit.take_out._committed", "before", 5),  # of the vault
    ("jobs.lake.delta_commit.take_out._committed", "after", 5),
    ("jobs.erasure.subject_keys.destroyed", "after", 1),
)
OF_RUN = (
    ("jobs.pseudonymize.execute", "before", 1),
    ("jobs.table_run.tokens.filled", "before", 1),  # of the vault
    ("jobs.lake.closed_table.added", "before", 1),
    ("jobs.lake.closed_table.added", "after", 1),
    ("jobs.table_run.by_subject._rooted", "before", 1),  # of keys of subjects
    ("jobs.table_run.commits.committed", "before", 1),
)
MODES = ("incremental", "full")


@pytest.fixture(scope="module")
def prepared(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Config]:
    """A lake whose sources gained rows of everybody, the erased too, that no run has treated yet; with a copy of it."""
    lake = tmp_path_factory.mktemp("house") / "lake"
    lake.mkdir()
    conf = erased_house.made(spark, lake)
    for table in TABLES:
        erased_house.raw(spark, lake, table, 2 * MANY, 3 * MANY)
    shutil.copytree(lake, lake.parent / "backup")
    return lake, conf


@pytest.fixture
def lake(spark: SparkSession, prepared: tuple[Path, Config]) -> Path:
    erased_house.put_back(spark, prepared[0], prepared[0].parent / "backup")
    return prepared[0]


@pytest.fixture
def conf(prepared: tuple[Path, Config]) -> Config:
    return prepared[1]


def in_turn(windows: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int, str]]:
    """Each window with one of the modes."""
    return [(*window, MODES[at % len(MODES)]) for at, window in enumerate(windows)]


def nightly(spark: SparkSession, conf: Config, mode: Any) -> list[str]:
    """A run of each table; by which errors those ended that did. Nothing but what a person can act on may be said."""
    ended = []
    for table in TABLES:
        try:
            pseudonymize.run(spark.newSession(), conf, table, mode=mode)
        except LakenymError as error:
            ended.append(f"{table}: {type(error).__name__}: {error}")
    return ended


def at_step(step: str, when: str, times: int, then: Callable[[], object], patch: pytest.MonkeyPatch) -> list[int]:
    """Carry something out before or after a step is done for the so manieth time, once, in this thread alone."""
    module, _, name = step.rpartition(".")
    place, me, calls = importlib.import_module(module), threading.get_ident(), list[int]()
    real = getattr(place, name)

    def beside(*given: Any, **more: Any) -> Any:
        if threading.get_ident() != me or len(calls) >= times:
            return real(*given, **more)
        calls.append(1)
        if len(calls) < times:
            return real(*given, **more)
        if when == "before":
            then()
            return real(*given, **more)
        try:
            return real(*given, **more)
        finally:  # where there was nothing to do it says so by an error
            then()

    patch.setattr(place, name, beside)
    return calls


def erased(spark: SparkSession, conf: Config) -> list[str]:
    try:
        erase.run(spark, conf, erased_house.wanted())
    except LakenymError as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def check(
    spark: SparkSession,
    lake: Path,
    conf: Config,
    found: set[bytes],
    monkeypatch: pytest.MonkeyPatch,
    end: int = 3 * MANY,
) -> None:
    """Once both were run again. What came to the sources after the erasure is there, and runs leave it out. Where the
    erasure wrote files anew that no run had read yet, an incremental run says so, and one in full does it."""
    ended = nightly(spark, conf, "incremental")
    if ended:
        assert all("--mode full" in each for each in ended), ended
        assert nightly(spark, conf, "full") == []
        assert nightly(spark, conf, "incremental") == []
    for table in TABLES:
        assert erased_house.numbers(spark, lake, table) == erased_house.of_others(end), table
    assert vaults.rows(spark, lake).count() == MANY - len(ERASED), "nobody who is erased has a token"
    everybody = [erased_house.name(at) for at in range(MANY)]
    assert whom.alive(spark, conf, "shred", everybody) == (MANY - len(ERASED), MANY), "nor a key"
    assert erased(spark, conf) == []
    later = table_files.now() + 60 * table_files.DAY
    with monkeypatch.context() as patch:
        patch.setattr(table_files, "now", lambda: later)
        last = erase.run(spark, conf, erased_house.wanted())
    assert last.is_gone, (last.all_remains, last.unsearched)
    assert erased_house.traces(lake, found) == set()
    for table in TABLES:
        assert erased_house.numbers(spark, lake, table) == erased_house.of_others(end), table
    assert not audits.wrong(spark, conf)


@pytest.mark.sweep
@pytest.mark.parametrize(("step", "when", "times", "mode"), in_turn(OF_ERASURE))
def test_a_run_in_a_window_of_the_erasure(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch, step: str, when: str, times: int,
    mode: str,
) -> None:  # fmt: skip
    found, ended = erased_house.needles(spark, lake), list[str]()
    with monkeypatch.context() as patch:
        calls = at_step(step, when, times, lambda: ended.extend(nightly(spark, conf, mode)), patch)
        stopped = erased(spark, conf)
    assert len(calls) == times, "the window was there"
    if stopped:
        assert "run it again" in stopped[0]
        assert erased(spark, conf) == []
    assert all("again" in each or "--mode full" in each for each in ended), ended
    check(spark, lake, conf, found, monkeypatch)


@pytest.mark.sweep
@pytest.mark.parametrize(("step", "when", "times", "mode"), in_turn(OF_RUN))
def test_an_erasure_in_a_window_of_a_run(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch, step: str, when: str, times: int,
    mode: str,
) -> None:  # fmt: skip
    """Of somebody who is new too, and has no token yet when the erasure looks into the vault."""
    found, stopped = erased_house.needles(spark, lake), list[str]()
    with monkeypatch.context() as patch:
        calls = at_step(step, when, times, lambda: stopped.extend(erased(spark.newSession(), conf)), patch)
        ended = nightly(spark, conf, mode)
    assert len(calls) == times, "the window was there"
    assert stopped == []
    assert ended, "the run was at work when the list grew"
    assert all("again" in each or "--mode full" in each for each in ended), ended
    check(spark, lake, conf, found, monkeypatch)


@pytest.mark.sweep
def test_processes_of_their_own(spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are submitted, night by night, at the same time or shortly one after the other; what ends otherwise than
    well is done again as it says. Each night sources have new rows of everybody, the erased too."""
    found = erased_house.needles(spark, lake)
    for night, order in enumerate((("erase", "run"), ("run", "erase"), ("erase", "run"))):
        start = (2 + night) * MANY
        for table in TABLES if night else ():
            erased_house.raw(spark, lake, table, start, start + MANY)
        said = through(lake, order, pause=4 * night)
        assert not [each for each in said if erased_house.name(ERASED[0]) in each]
        take_out.forget(spark)
        for table in TABLES:
            held = erased_house.numbers(spark, lake, table)
            assert held == erased_house.of_others(start + MANY), f"night {night}: {table}"
    check(spark, lake, conf, found, monkeypatch, start + MANY)


def through(lake: Path, order: Sequence[str], pause: float) -> list[str]:
    """Both, in an order, until each has ended well; what they said."""
    words = {"erase": ["jobs.erase", *erased_house.command(lake)],
             "run": ["jobs.pseudonymize", "--conf", str(lake / "conf"), "--all"]}  # fmt: skip
    left, said = list(order), list[str]()
    for _ in range(4):
        begun = dict[str, subprocess.Popen[str]]()
        for each in left:
            time.sleep(pause if begun else 0)
            begun[each] = subprocess.Popen(
                [sys.executable, "-m", *words[each]], env=kills.environ(), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        ends = {name: (each.communicate(timeout=400)[0], each.returncode) for name, each in begun.items()}
        said += [text for text, _ in ends.values()]
        assert all(code in (0, 1, 3) for _, code in ends.values()), ends
        left = [name for name in order if name in ends and ends[name][1]]
        if not left:
            return said
        assert all("again" in ends[name][0] or "--mode full" in ends[name][0] for name in left), ends
        if "run" in left and "--mode full" in ends["run"][0]:
            words["run"] += ["--mode", "full"]
    raise AssertionError(f"{left} did not come through: {said[-1][-3000:]}")
