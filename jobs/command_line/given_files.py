"""Files that somebody named on the command line, read and written with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

from jobs.console import file_errors, whole_files
from jobs.console.exit_codes import BadUsage, Refused


def text(path: Path) -> str:
    """What stands there, UTF-8, without the mark that some editors put first. Raises `BadUsage`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read: {file_errors.why(error)}") from None


def readable(path: Path) -> None:
    """Raise `BadUsage` where a file that is read later is not there, or is none."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise BadUsage(f"{path} cannot be read: {file_errors.why(error)}") from None


def create(output: Path, text: str) -> None:
    """Write a new file, whole or not at all. Raises `Refused`."""
    try:
        whole_files.create(output, text)
    except OSError as error:
        raise Refused(f"{output} cannot be written ({file_errors.why(error)}): name a new file") from None


def replace(output: Path, text: str) -> None:
    """Write a file in the place of what may stand there, whole or not at all. Raises `BadUsage`."""
    try:
        whole_files.replace(output, text)
    except OSError as error:
        raise BadUsage(f"{output} cannot be written ({file_errors.why(error)}): name another file") from None


def folder(path: Path) -> None:
    """Make a folder where there is none. Raises `BadUsage`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadUsage(f"{path} is no folder and cannot become one ({file_errors.why(error)}): name another") from None
