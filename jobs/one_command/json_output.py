"""Standard output as JSON, one value a line, whatever a verb prints: text becomes ``{"text": ...}``."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from typing import IO, Any

from jobs.console import called, shown

OPENS = {"{": "}", "[": "]"}
"""A line of JSON that is laid out over several lines, and the line that ends it."""
OWN_WORDS = ("faults", "limits", "message", "notes", "problem", "problems", "remains", "said", "to_do", "told")
"""Under these names verbs speak: a reason that somebody gave (``why``), a path or a name is told as it is."""


class JsonLines(io.TextIOBase):
    """Passes lines that are JSON on; puts what is laid out over several lines into one; makes JSON of all others."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._line, self._block = out, "", list[str]()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._out.fileno()

    def write(self, text: str) -> int:
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            self._take(line)
        return len(text)

    def flush(self) -> None:
        self._out.flush()

    def end(self) -> None:
        """What is left, though no line break ended it."""
        if self._line:
            self.write("\n")
        for line in self._block:
            self._tell(line)
        self._block = []
        self.flush()

    def _take(self, line: str) -> None:
        if not self._block and line not in OPENS:
            self._tell(line)
            return
        self._block.append(line)
        if len(self._block) > 1 and line == OPENS[self._block[0]]:
            block, self._block = self._block, []
            told = "\n".join(block)
            for each in [told] if _is_json(told) else block:
                self._tell(each)

    def _tell(self, text: str) -> None:
        if _is_json(text):
            has_jobs = called.spoken(text) != text
            told = shown.as_json(_spoken(json.loads(text))) if "\n" in text or has_jobs else text
            print(told, file=self._out)
        elif text.strip():
            print(shown.as_json({"text": text}), file=self._out)


def _spoken(data: Any, own: bool = False) -> Any:
    """JSON with jobs as they can be typed here, in what a verb says (`OWN_WORDS`); all else is data, and stays."""
    if isinstance(data, dict):
        return {name: _spoken(value, name in OWN_WORDS) for name, value in data.items()}
    if isinstance(data, list):
        return [_spoken(value, own) for value in data]
    return called.spoken(data) if own and isinstance(data, str) else data


def _is_json(text: str) -> bool:
    """Whether it is a JSON object or list, and nothing else."""
    if not text.startswith(tuple(OPENS)):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def on_standard_output() -> Iterator[None]:
    """While a verb runs."""
    lines = JsonLines(sys.stdout)
    with contextlib.redirect_stdout(lines):
        try:
            yield
        finally:
            lines.end()
