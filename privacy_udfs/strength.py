"""How much a treatment shows: what a reader of its results learns, and which way each parameter moves that.

A technique states `Shows`, and beside each of its parameters stands a `Strength`::

    bits: Annotated[int, Field(ge=64, le=512), MORE_IS_STRONGER] = 128

Values are compared as a treatment record holds them: plain JSON data, a long list by its hash. A parameter that states
nothing cannot be compared. It is an order of what is *shown*, not a measure of risk: that depends on the data.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Sign = int | None
"""1 stronger, -1 weaker, 0 neither (other, but no weaker), None cannot be compared."""
Order = Callable[[Any, Any], Sign]
"""(before, after) -> whether the second is stronger. Called with different values only."""


class Shows(enum.IntEnum):
    """What a reader who has no key learns of the values, the least first."""

    NOTHING = 0
    """Not even that there was a column."""
    MISSING = 1
    """At most which values were missing."""
    LENGTHS = 2
    EQUALITY = 3
    """Which values are equal, and how often each occurs."""
    EQUALITY_AND_A_WAY_BACK = 4
    """The same, and whoever has the key gets the values back."""
    FORM = 5
    """The same, and the shape of the value."""
    A_PART = 6
    """A part of the value, or a coarse one, or one that stands for it."""
    NEARLY_THE_VALUE = 7
    """Differences and order stay; or all of a text but what was recognized in it."""
    THE_VALUE = 8


@dataclasses.dataclass(frozen=True)
class Strength:
    """Marks a parameter with its own order of strength."""

    order: Order


def no_order(before: Any, after: Any) -> Sign:
    return None


def _neutral(before: Any, after: Any) -> Sign:
    return 0


def _more(before: Any, after: Any) -> Sign:
    if before is None or after is None:
        return None
    return sign(Decimal(str(before)), Decimal(str(after)))


def _less(before: Any, after: Any) -> Sign:
    return _flipped(_more(before, after))


def _floor(before: Any, after: Any) -> Sign:
    if before is None or after is None:
        return 1 if before is None else -1
    if isinstance(before, str) and isinstance(after, str) and before.count("-") == after.count("-") == 2:
        return sign(before, after)
    return _more(before, after)


def _ceiling(before: Any, after: Any) -> Sign:
    return _less(before, after) if before is not None and after is not None else _floor(before, after)


def larger_set(before: Any, after: Any) -> Sign:
    """Members added make it stronger, members taken away weaker."""
    if not (isinstance(before, str | list | tuple) and isinstance(after, str | list | tuple)):
        return None
    first, second = set(before), set(after)
    return 0 if first == second else 1 if first < second else -1 if second < first else None


def _smaller_set(before: Any, after: Any) -> Sign:
    return _flipped(larger_set(before, after))


def unset(before: Any, after: Any) -> Sign:
    """Unset is stronger than any value; values cannot be compared."""
    return 1 if after is None else -1 if before is None else None


def _is_set(before: Any, after: Any) -> Sign:
    return 1 if before is None else -1 if after is None else 0


def _false(before: Any, after: Any) -> Sign:
    return sign(bool(after), bool(before))


def sign(before: Any, after: Any) -> Sign:
    """Of two that have an order, such as numbers: the greater is the stronger."""
    return int(after > before) - int(after < before)


def _flipped(found: Sign) -> Sign:
    return None if found is None else -found


NO_DIFFERENCE = Strength(_neutral)
"""Another value gives other results, which show no more and no less."""
NOT_COMPARABLE = Strength(no_order)
MORE_IS_STRONGER = Strength(_more)
"""A parameter that is set cannot be compared with one that is not."""
LESS_IS_STRONGER = Strength(_less)
FLOOR = Strength(_floor)
"""What lies below becomes one: the higher the stronger, and unset is weakest. Numbers, or dates as ISO text."""
CEILING = Strength(_ceiling)
"""What lies above becomes one: the lower the stronger, and unset is weakest."""
FALSE_IS_STRONGER = Strength(_false)
"""Of a flag; unset is false."""
SMALLER_SET_IS_STRONGER = Strength(_smaller_set)
UNSET_IS_STRONGER = Strength(unset)
SET_IS_STRONGER = Strength(_is_set)
"""Set is stronger than unset, to whatever value."""
