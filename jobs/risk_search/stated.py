"""Ladders as a person states them in one line: ``width:5,10,20``, ``prefix:3,2``, ``unit:month,year``, or a file."""

from __future__ import annotations

from pathlib import Path

from jobs.configuration import hierarchy_file, ladder_steps
from jobs.configuration.documents import Fault
from jobs.configuration.ladder_steps import FORMS, NoLadder
from jobs.risk_search import ladders
from jobs.risk_search.class_table import NotForSearch
from jobs.risk_search.ladders import Ladder, Rung


def ladder(text: str, conf_dir: Path) -> Ladder:
    """The ladder that ``text`` states. conf_dir: where hierarchies lie. Raises `NotForSearch`, without a word of a
    file."""
    try:
        steps = ladder_steps.treatments(text)
    except NoLadder as error:
        raise NotForSearch(str(error)) from None
    return _file(text, conf_dir) if steps is None else Ladder(tuple(map(Rung, steps)))


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
