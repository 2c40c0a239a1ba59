"""Which of two treatments tells a reader of the table less: an explicit, partial order.

Read without the key. Techniques stand in ranks, the strongest first::

    drop                                  nothing, not even the column
    redact                                at most which values were missing
    randomized_encryption                 lengths
    keyed_hash                            which values are equal, and how often each occurs
    tokenize, deterministic_encryption    the same, and there is a way back
    format_preserving_encryption          the same, and the shape of the value
    substitute, mask, truncate, truncate_ip, coarsen_location, generalize_*     a part of the value, or a coarse one
    date_shift, add_noise                 nearly the value: differences and order stay
    keep                                  the value

Two techniques of one rank cannot be compared, nor can a technique that is unknown here. Within a technique its
parameters decide, each by its own order in `PARAMETERS`: a treatment is weaker if some parameter is and none is
stronger. Where parameters point both ways, or one has no order (another hierarchy, other edges), the two cannot be
compared. It is an order of what is *shown*, not a measure of risk: that depends on the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from privacy_udfs.techniques.format_preserving_encryption import ALPHABETS
from privacy_udfs.techniques.truncate import SMALL_AREAS

Verdict = Literal["equal", "stronger", "weaker", "incomparable"]
Sign = int | None
"""1 stronger, -1 weaker, 0 neither (other, but no weaker), None cannot be compared."""
Order = Callable[[Any, Any], Sign]
"""(before, after) -> whether the second is stronger. Called with different values only."""

RANKS: tuple[tuple[str, ...], ...] = (
    ("keep",),
    ("date_shift", "add_noise"),
    (
        *("substitute", "mask", "truncate", "truncate_ip", "coarsen_location"),
        *("generalize_date", "generalize_number", "generalize_hierarchy"),
    ),
    ("format_preserving_encryption",),
    ("tokenize", "deterministic_encryption"),
    ("keyed_hash",),
    ("randomized_encryption",),
    ("redact",),
    ("drop",),
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium")
BIGINT_BITS = 64


class Step(NamedTuple):
    """One parameter that differs."""

    parameter: str
    before: Any
    after: Any
    sign: Sign


class Comparison(NamedTuple):
    """verdict: of the second treatment. steps: the parameters that differ, where the technique is the same."""

    verdict: Verdict
    steps: tuple[Step, ...] = ()


# -- orders of one parameter ------------------------------------------------------------------------------------------


def neutral(before: Any, after: Any) -> Sign:
    """Other, but it shows no more and no less."""
    return 0


def no_order(before: Any, after: Any) -> Sign:
    return None


def more(before: Any, after: Any) -> Sign:
    """More is stronger; a parameter that is set cannot be compared with one that is not."""
    if before is None or after is None:
        return None
    return _sign(Decimal(str(before)), Decimal(str(after)))


def less(before: Any, after: Any) -> Sign:
    """Less is stronger."""
    return _flipped(more(before, after))


def floor(before: Any, after: Any) -> Sign:
    """What lies below becomes one: the higher the stronger, and unset is weakest. Numbers, or dates as ISO text."""
    if before is None or after is None:
        return 1 if before is None else -1
    if isinstance(before, str) and isinstance(after, str) and before.count("-") == after.count("-") == 2:
        return _sign(before, after)
    return more(before, after)


def ceiling(before: Any, after: Any) -> Sign:
    """What lies above becomes one: the lower the stronger, and unset is weakest."""
    return less(before, after) if before is not None and after is not None else floor(before, after)


def larger_set(before: Any, after: Any) -> Sign:
    """Members added make it stronger, members taken away weaker."""
    if not (isinstance(before, str | list | tuple) and isinstance(after, str | list | tuple)):
        return None
    first, second = set(before), set(after)
    return 0 if first == second else 1 if first < second else -1 if second < first else None


def smaller_set(before: Any, after: Any) -> Sign:
    """Members taken away make it stronger."""
    return _flipped(larger_set(before, after))


def unset(before: Any, after: Any) -> Sign:
    """Unset is stronger than any value; values cannot be compared."""
    return 1 if after is None else -1 if before is None else None


def is_set(before: Any, after: Any) -> Sign:
    """Set is stronger than unset, to whatever value."""
    return 1 if before is None else -1 if after is None else 0


def constant(before: Any, after: Any) -> Sign:
    """A constant shows which values were missing, null does not; which constant makes no difference."""
    return 1 if after is None else -1 if before is None else 0


def _alphabet(before: Any, after: Any) -> Sign:
    return larger_set(ALPHABETS.get(before, before), ALPHABETS.get(after, after))


def _areas(before: Any, after: Any) -> Sign:
    return larger_set(SMALL_AREAS if before is None else before, SMALL_AREAS if after is None else after)


def _unit(before: Any, after: Any) -> Sign:
    return _sign(UNITS.index(before), UNITS.index(after)) if {before, after} <= set(UNITS) else None


def _masked(before: Any, after: Any) -> Sign:
    """Classes of characters that are masked: unset, all of them."""
    return larger_set(before, after) if before is not None and after is not None else unset(before, after)


def _nulled(before: Any, after: Any) -> Sign:
    return larger_set(before or (), after or ())


def _labels(before: Any, after: Any) -> Sign:
    """Labels of bins. Two bins of one label are one bin; what a label says makes no difference."""
    one, other = (_first_of_each(labels, before or after) for labels in (before, after))
    apart = list(range(len(one)))
    if one == other or len(one) != len(other):
        return 0 if one == other else None
    return 1 if one == apart else -1 if other == apart else None


def _first_of_each(labels: Any, like: Any) -> list[int]:
    return list(range(len(like))) if labels is None else [labels.index(label) for label in labels]


def _sign(before: Any, after: Any) -> Sign:
    return int(after > before) - int(after < before)


def _flipped(sign: Sign) -> Sign:
    return None if sign is None else -sign


_TEXT: dict[str, Order] = {"empty": neutral}
_DATES: dict[str, Order] = {**_TEXT, "input_format": neutral, "timezone": neutral}
_SUBJECT: dict[str, Order] = {"normalize": neutral, "empty_subject": neutral}
_ENCRYPTION: dict[str, Order] = {
    **_TEXT,
    **dict.fromkeys(("associated_data", "encoding", "output_prefix"), neutral),
}
_NETWORK: dict[str, Order] = {**_TEXT, "ipv4": less, "ipv6": less, "embedded_ipv4": is_set}
PARAMETERS: Mapping[str, Mapping[str, Order]] = {
    "keep": {},
    "drop": {},
    "redact": {"value": constant},
    "mask": {
        **{"keep_start": less, "keep_end": less, "preserve": smaller_set},
        **{"char": neutral, "classes": unset, "shape": no_order, "only": _masked, "length": is_set},
        **{"mask_start": more, "mask_end": more},
        **_TEXT,
    },
    "truncate": {**_TEXT, "keep": less, "preset": no_order, "small_areas": _areas},
    "keyed_hash": {**_TEXT, "bits": more, **dict.fromkeys(("algorithm", "encoding", "prefix", "normalize"), neutral)},
    "deterministic_encryption": {**_ENCRYPTION, "normalize": neutral},
    "randomized_encryption": _ENCRYPTION,
    "format_preserving_encryption": {**_TEXT, "alphabet": _alphabet, "preserve": smaller_set, "tweak": neutral},
    "date_shift": {
        **{"max_days": more, "exclude_zero": neutral, "keep_dates": no_order, "null_dates": _nulled},
        **_SUBJECT,
        **_DATES,
    },
    "generalize_date": {**_DATES, "unit": _unit, "bottom": floor},
    "generalize_number": {
        **{"width": more, "edges": smaller_set, "bottom": floor, "top": ceiling},
        **{"origin": neutral, "label": neutral, "preset": neutral},
        **{"labels": _labels, "other": is_set, "input_format": neutral},
        **_TEXT,
    },
    "generalize_hierarchy": {**_TEXT, "level": more, "levels": no_order},
    "truncate_ip": _NETWORK,
    "coarsen_location": {**_TEXT, "decimals": less, "precision": less},
    "add_noise": {
        **{"scale": more, "clip_min": floor, "clip_max": ceiling},
        **{"distribution": no_order},
        **_SUBJECT,
    },
    "substitute": {**_TEXT, "values": neutral, "list": neutral, "normalize": neutral},
}
"""Technique -> parameter -> its order. A parameter that is not here has none. ``on_refused`` never matters."""


# -- treatments -------------------------------------------------------------------------------------------------------


def compare(
    technique: str, parameters: Mapping[str, Any], other: str, others_parameters: Mapping[str, Any]
) -> Comparison:
    """Whether the second treatment is stronger than the first. Parameters as in a treatment record."""
    if technique != other:
        first, second = RANK.get(technique), RANK.get(other)
        if first is None or second is None or first == second:
            return Comparison("incomparable")
        return Comparison("stronger" if second > first else "weaker")
    steps = tuple(_steps(technique, _effective(parameters), _effective(others_parameters)))
    return Comparison(_verdict([step.sign for step in steps]), steps)


def _steps(technique: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Step]:
    orders = PARAMETERS.get(technique, {})
    names = [name for name in dict.fromkeys([*before, *after]) if name != "on_refused"]
    return [
        Step(name, before.get(name), after.get(name), orders.get(name, no_order)(before.get(name), after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _effective(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """A hash that is written as a number has 64 bits, whatever ``bits`` says."""
    bigint = parameters.get("encoding") == "bigint" and "bits" in parameters
    return {**parameters, "bits": BIGINT_BITS} if bigint else parameters


def _verdict(signs: list[Sign]) -> Verdict:
    if None in signs or {1, -1} <= set(signs):
        return "incomparable"
    return "stronger" if 1 in signs else "weaker" if -1 in signs else "equal"
