"""Files that somebody named on the command line, read and written with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage, Refused


def text(path: Path) -> str:
    """What stands there, UTF-8, without the mark that some editors put first. Raises `BadUsage`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read ({type(error).__name__})") from None


def create(output: Path, text: str) -> None:
    """Write a new file, whole or not at all. Raises `Refused`."""
    try:
        whole_files.create(output, text)
    except OSError as error:
        raise Refused(f"{output} cannot be written ({type(error).__name__}): name a new file") from None
