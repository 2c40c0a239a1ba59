"""Ladders as a person states them in one line: ``width:5,10,20``, ``prefix:3,2``, ``unit:month,year``, or a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from jobs.configuration import hierarchy_file
from jobs.configuration.documents import Fault
from jobs.risk_search import ladders
from jobs.risk_search.class_table import NotForSearch
from jobs.risk_search.ladders import Ladder
from privacy_udfs.errors import ParameterError

NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
FORMS = "a CSV in the folder of the configuration, width:5,10,20, edges:0,18,65/0,65, prefix:3,2,1 or unit:month,year"


def ladder(text: str, conf_dir: Path) -> Ladder:
    """The ladder that ``text`` states. conf_dir: where hierarchies lie. Raises `NotForSearch`, without a word of a
    file."""
    kind, colon, steps = text.partition(":")
    try:
        if colon and kind in KINDS:
            return KINDS[kind](steps)
    except ParameterError as error:
        raise NotForSearch(f"{kind}: {'; '.join(error.faults)}") from None
    return _file(text, conf_dir)


def _file(name: str, conf_dir: Path) -> Ladder:
    try:
        path = (conf_dir / name).resolve()
        inside = path.is_relative_to(conf_dir.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # a null character, a name too long, a loop of links
        inside = False
    if not inside:
        raise NotForSearch(f"a ladder: expected {FORMS}")
    faults: list[Fault] = []
    rows = hierarchy_file.read(path, name, faults)
    if rows is None:
        raise NotForSearch("\n".join(map(str, faults)))
    return ladders.hierarchy(rows, name)


def _numbers(text: str) -> list[int | float]:
    parts = [part.strip() for part in text.split(",")]
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise NotForSearch(f"a ladder: expected {FORMS}")
    return [int(part) if "." not in part else float(Decimal(part)) for part in parts]


def _counts(text: str) -> list[int]:
    numbers = _numbers(text)
    if not all(isinstance(number, int) for number in numbers):
        raise NotForSearch(f"a ladder: expected {FORMS}")
    return [*map(int, numbers)]


KINDS: Mapping[str, Callable[[str], Ladder]] = {
    "width": lambda steps: ladders.intervals(_numbers(steps)),
    "edges": lambda steps: ladders.edges([_numbers(step) for step in steps.split("/")]),
    "prefix": lambda steps: ladders.prefixes(_counts(steps)),
    "unit": lambda steps: ladders.date_units([unit.strip() for unit in steps.split(",")]),
}
