"""Ladders as a person states them in one line, and the treatments that their steps are: ``width:5,10,20``,
``edges:0,18,65/0,65``, ``prefix:3,2``, ``unit:month,year``. Anything else is the name of a file with a hierarchy.

Which treatments make a ladder is a choice: here they are meant by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from privacy_udfs.errors import ParameterError
from privacy_udfs.techniques import parse

NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
FORMS = "a CSV in the folder of the configuration, width:5,10,20, edges:0,18,65/0,65, prefix:3,2,1 or unit:month,year"


class NoLadder(ValueError):
    """A text states no ladder; the message says what is wrong, without a word of any file."""


def treatments(text: str) -> tuple[dict[str, Any], ...] | None:
    """The steps that ``text`` states, finest first, as techniques take them; None where it names a file. Raises
    `NoLadder`."""
    kind, colon, steps = text.partition(":")
    if not colon or kind not in KINDS:
        return None
    technique, parameter, read = KINDS[kind]
    made = tuple({"technique": technique, parameter: step} for step in read(steps))
    try:
        for each in made:
            parse(each)
    except ParameterError as error:
        raise NoLadder(f"{kind}: {'; '.join(error.faults)}") from None
    return made


def text(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """What `treatments` makes these steps of; None where there are none, or others."""
    for kind, (technique, parameter, _) in KINDS.items():
        if steps and all({*step} == {"technique", parameter} and step["technique"] == technique for step in steps):
            return f"{kind}:{_JOINED.get(kind, ',').join(_shown(step[parameter]) for step in steps)}"
    return None


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _numbers(steps: str) -> list[int | float]:
    parts = [part.strip() for part in steps.split(",")]
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise NoLadder(f"a ladder: expected {FORMS}")
    return [int(part) if "." not in part else float(Decimal(part)) for part in parts]


def _counts(steps: str) -> list[int]:
    numbers = _numbers(steps)
    if not all(isinstance(number, int) for number in numbers):
        raise NoLadder(f"a ladder: expected {FORMS}")
    return [*map(int, numbers)]


KINDS: Mapping[str, tuple[str, str, Callable[[str], Sequence[Any]]]] = {
    "width": ("generalize_number", "width", _numbers),
    "edges": ("generalize_number", "edges", lambda steps: [tuple(_numbers(step)) for step in steps.split("/")]),
    "prefix": ("truncate", "keep", _counts),
    "unit": ("generalize_date", "unit", lambda steps: [unit.strip() for unit in steps.split(",")]),
}
"""Word -> the technique of its steps, the parameter that they state, and how they are read."""
_JOINED = {"edges": "/"}
