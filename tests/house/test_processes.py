"""Looking at processes stands zombies and processes that have ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.helpers import processes
from tests.journeys.test_cluster_kms import python_workers

READY = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def zombie() -> Iterator[psutil.Process]:
    """A child that has ended and that nobody has waited for."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    yield psutil.Process(child.pid)
    child.wait()


def test_a_zombie_is_no_living_process(zombie: psutil.Process) -> None:
    assert zombie.status() == psutil.STATUS_ZOMBIE
    assert zombie in psutil.Process().children()
    assert zombie not in processes.below(psutil.Process())
    assert (processes.words(zombie), processes.parent(zombie), processes.below(zombie)) == ([], None, [])
    assert python_workers(zombie) == []
    processes.end([zombie], seconds=60)  # which would be the time that this takes, did it wait for it


def test_what_has_ended_has_nothing_below_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    ended = psutil.Process(child.pid)
    child.wait()
    assert (processes.words(ended), processes.parent(ended), processes.below(ended)) == ([], None, [])
    assert processes.living([ended]) == []
    assert python_workers(ended) == []
    processes.end([ended])


def test_what_lives_is_found_and_ended() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with psutil.Popen([sys.executable, "-c", READY, "pyspark.daemon"], **pipes) as child:
        child.stdout.readline()
        process = psutil.Process(child.pid)
        assert process in processes.below(psutil.Process())
        assert processes.words(process)[-1] == "pyspark.daemon"
        assert processes.parent(process) == os.getpid()
        processes.end([process])
        assert child.wait(60) != 0
