"""Which of two treatments tells a reader of the table less: an explicit, partial order.

Techniques stand in the order of what they show (`privacy_udfs.strength.Shows`), the least being the strongest. Two that
show the same cannot be compared, nor can a technique that is unknown here. Within a technique its parameters decide,
each by the order that stands beside it: a treatment is weaker if some parameter is and none is stronger. Where
parameters point both ways, or one has no order (another hierarchy, other edges), the two cannot be compared. It is an
order of what is *shown*, not a measure of risk: that depends on the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from privacy_udfs.facts import Facts
from privacy_udfs.strength import NOT_COMPARABLE, Order, Sign, Strength
from privacy_udfs.techniques import facts_of

Verdict = Literal["equal", "stronger", "weaker", "incomparable"]


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


def compare(
    technique: str, parameters: Mapping[str, Any], other: str, others_parameters: Mapping[str, Any]
) -> Comparison:
    """Whether the second treatment is stronger than the first. Parameters as in a treatment record."""
    if technique != other:
        first, second = facts_of(technique).shows, facts_of(other).shows
        if first is None or second is None or first == second:
            return Comparison("incomparable")
        return Comparison("stronger" if second < first else "weaker")
    steps = tuple(_steps(facts_of(technique), parameters, others_parameters))
    return Comparison(_verdict([step.sign for step in steps]), steps)


def _steps(facts: type[Facts], parameters: Mapping[str, Any], others_parameters: Mapping[str, Any]) -> list[Step]:
    before, after = _effective(facts, parameters), _effective(facts, others_parameters)
    names = [name for name in dict.fromkeys([*before, *after]) if name != "on_refused"]  # which shows nothing
    return [
        Step(name, before.get(name), after.get(name), order_of(facts, name)(before.get(name), after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def order_of(facts: type[Facts], parameter: str) -> Order:
    """The order that stands beside a parameter; where none does, or there is no such parameter, it has none."""
    field = facts.model_fields.get(parameter)
    marks = [] if field is None else [mark for mark in field.metadata if isinstance(mark, Strength)]
    return (marks[-1] if marks else NOT_COMPARABLE).order


def _effective(facts: type[Facts], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**parameters, **{name: instead.value for name, instead in facts.overruled(parameters).items()}}


def _verdict(signs: list[Sign]) -> Verdict:
    if None in signs or {1, -1} <= set(signs):
        return "incomparable"
    return "stronger" if 1 in signs else "weaker" if -1 in signs else "equal"
