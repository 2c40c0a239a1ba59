"""Ids of subjects in a file: whoever they miss keeps the key, so what may be read in two ways is refused."""

from __future__ import annotations

import re
from pathlib import Path

from jobs.console import file_errors
from jobs.console.exit_codes import BadUsage

NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]*)?")
FRACTION = re.compile(r"[+-]?[0-9]+[.,]([0-9]*0)?|[+-]?[0-9]+(\.[0-9]+)?[Ee][+-][0-9]+")
"""Numbers as no number is spelled in canonical bytes (`privacy_udfs.kernels.text.canonical`)."""
MOMENT = re.compile(
    r"[0-9]{4,6}-[0-9]{2}-[0-9]{2}[Tt ]+[0-9]{1,2}:[0-9]{2}.*|[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]*)?)?"
)
SPELLED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T)?[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]*[1-9])?Z?")
"""Moments that are spelled so."""
OTHERWISE = (
    "{}: line {} is a number or a time that is not spelled as keys of subjects have it, and would miss whoever is "
    "meant: write 1001 for 1001.00, 1.5 for 1.50, 2024-02-29T12:00:00Z (in UTC; no Z where the type has no zone) for "
    "2024-02-29 12:00:00, and no blanks. Where the source holds ids as text, say --as-text: they are taken as they "
    "stand"
)


def ids(path: Path, as_text: bool) -> list[str]:
    """Each line once, as it stands, without empty ones. as_text: also those that are numbers or times, but not as a
    column of such a type has them. Raises `BadUsage`, which tells no id."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read as UTF-8: {file_errors.why(error)}") from None
    lines = [line.removesuffix("\r") for line in lines]
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise BadUsage(f"{path}: line {number} has zero bytes in it: save the file as UTF-8")
        if not as_text and is_spelled_otherwise(line):
            raise BadUsage(OTHERWISE.format(path, number))
    found = list(dict.fromkeys(line for line in lines if line))
    if not found:
        raise BadUsage(f"{path} holds no subjects: one a line")
    return found


def is_spelled_otherwise(line: str) -> bool:
    """Whether it is a number or a time, and not as canonical bytes have it."""
    bare = line.strip()
    if FRACTION.fullmatch(bare) or (MOMENT.fullmatch(bare) and not SPELLED.fullmatch(bare)):
        return True
    return bare != line and bool(NUMBER.fullmatch(bare) or SPELLED.fullmatch(bare))
