"""What a Java process that a job starts says on its own: nothing of it reaches standard output, no start-up line and no
stack trace the other.

``spark-submit`` starts its Java before any job, with the output that it has: there all is as the user's log4j2 file
says.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterable, Iterator

from jobs.console import called

NOISE = re.compile(
    "|".join(
        [
            "WARNING: (Using incubator modules|A terminally deprecated|A restricted|Use --|sun.misc|Please consider)",
            "WARNING: (Restricted methods|java.lang)",
            r"Picked up [A-Z_]*JAVA\w*:",
            "Using Spark's default log4j|Setting default log level|To adjust logging level|SLF4J:",
            ":: |Ivy Default Cache|The jars for the packages",
            r"\d\d/\d\d/\d\d [\d:]{8} (TRACE|DEBUG|INFO|WARN) ",
        ]
    )
)
"""How lines begin that say how Java, Spark and Ivy start."""
TRACE = re.compile(r"\s+at\ [\w.$/<>@]+\(|\s+\.\.\.\ \d+\ (more|common)|Caused\ by:\ |\s+Suppressed:\ ", re.VERBOSE)
"""How lines of a Java stack trace begin, but for its first."""
FRAME = re.compile(r"  File \"[^\"]*\bpyspark/daemon\.py\"|    ")
"""A frame of Spark's Python daemon, and the line of code that may follow."""
READ_ENOUGH = re.compile("(BrokenPipeError|ConnectionResetError):")
_LINE = 1 << 16
KEPT = 200
"""Lines of a start that failed."""


class Heard:
    """What was said while Java started."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.started = threading.Event()

    def why(self) -> str:
        """Why it did not start, in one line."""
        told = [line.strip() for line in self.lines if line.strip() and is_told(line)]
        errors = [line for line in told if re.match(r"(Error|Exception|Caused by|Unrecognized|Could not)", line)]
        return next(iter([*errors, *told[-1:]]), "it said nothing")


def is_told(line: str) -> bool:
    """Whether a line says something to a person."""
    return called.wants_debug() or not (NOISE.match(line) or TRACE.match(line))


class Tracebacks:
    """Leaves out those of Spark's Python daemon that say a worker's reader had read enough, as after a limit: nothing
    failed."""

    def __init__(self) -> None:
        self.held: list[str] = []

    def told(self, line: str) -> list[str]:
        """The lines to pass on, now that this one is there."""
        if line.startswith("Traceback ") and not called.wants_debug():
            return self.rest([line])
        if not self.held:
            return [line]
        self.held.append(line)
        if FRAME.match(line):
            return []
        told = self.rest()
        return [] if len(told) > 2 and READ_ENOUGH.match(line) else told

    def rest(self, held: Iterable[str] = ()) -> list[str]:
        """What was held back until now. held: what is from now on."""
        told, self.held = self.held, list(held)
        return told


def _say(out: int, line: str) -> None:
    if is_told(line):
        with contextlib.suppress(OSError):
            os.write(out, f"{line}\n".encode(errors="replace"))


@contextlib.contextmanager
def while_starting() -> Iterator[Heard]:
    """Standard output and error of processes started inside are a pipe, read for as long as these live. What Python
    itself writes to standard error meanwhile goes through it too."""
    heard = Heard()
    try:
        saved = [os.dup(1), os.dup(2)]
    except OSError:  # this process has no output
        yield heard
        return
    read, write = os.pipe()
    for descriptor in (1, 2):
        os.dup2(write, descriptor)
    os.close(write)
    thread = threading.Thread(target=_passed_on, args=(read, saved[1], heard), name="java-output", daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        os.close(saved[0])
        heard.started.set()


def _passed_on(read: int, out: int, heard: Heard) -> None:
    """Lines of a pipe to a file, but for those that say nothing to a person. Ends with the last who writes."""
    with open(read, "rb", buffering=0) as pipe:
        rest, tracebacks = b"", Tracebacks()
        while piece := pipe.read(_LINE):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                text = line.decode(errors="replace")
                if not heard.started.is_set() and len(heard.lines) < KEPT:
                    heard.lines.append(text)
                    if not called.wants_debug():
                        continue
                for told in tracebacks.told(text):
                    _say(out, told)
        for told in tracebacks.rest():
            _say(out, told)
