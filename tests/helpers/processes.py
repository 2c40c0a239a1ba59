"""Processes as they are while one looks at them: any may end meanwhile, or be a zombie that nobody has waited for yet.

psutil raises then, at almost every question. What has ended is left out here; it has no words, no children, no work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

Told = TypeVar("Told")


def asked(process: psutil.Process, question: Callable[[psutil.Process], Told]) -> Told | None:
    """What a living process answers; None of one that has ended, or is ending."""
    try:
        return None if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else question(process)
    except psutil.NoSuchProcess:  # ZombieProcess is one
        return None


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that run."""
    return [process for process in processes if asked(process, psutil.Process.is_running)]


def below(process: psutil.Process) -> list[psutil.Process]:
    """The living children of a process, and theirs."""
    try:
        return living(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def words(process: psutil.Process) -> list[str]:
    """Its command line; empty of one that has ended."""
    return asked(process, psutil.Process.cmdline) or []


def parent(process: psutil.Process) -> int | None:
    """The id of its parent, None of one that has ended."""
    return asked(process, psutil.Process.ppid)


def most_memory(pid: int | None = None) -> int:
    """The most bytes that a process held since it began to be its program (Linux's VmHWM); 0 of one that has ended.
    None: this one. The ``ru_maxrss`` of `resource` is no measure of it: whoever is forked begins with the parent's."""
    try:
        told = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith("VmHWM:")), 0)


def end(processes: Sequence[psutil.Process], seconds: float = 10) -> None:
    """End them, by force after a while. A zombie needs no end: whoever started it waits for it."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(living(processes), timeout=seconds)
    for process in living(processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
