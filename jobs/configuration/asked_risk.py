"""What is asked of the risk of one table's rows, and by whom: by the policy of every table, by the policy for columns
of a class, by the table's own entry. Of several bounds of one measure the strictest counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from jobs.configuration.models import ColumnDecision, Policy, TableConfig
from jobs.configuration.policy_entries import Thresholds
from jobs.configuration.risk_bounds import ALWAYS, AT_LEAST, MEASURES_OF, RiskBounds

POLICY, ENTRY, BOXES = "policy.yaml (risk)", "its entry (risk)", "its entry (mondrian)"


@dataclasses.dataclass(frozen=True)
class Bound:
    """by: who states it, as messages name them."""

    value: float
    by: str


@dataclasses.dataclass(frozen=True)
class AskedRisk:
    """bounds: by measure, those that a table can miss, in the order of `ALWAYS`."""

    bounds: Mapping[str, Bound] = dataclasses.field(default_factory=dict)

    def asked(self) -> dict[str, float]:
        return {name: bound.value for name, bound in self.bounds.items()}

    def asked_by(self) -> dict[str, str]:
        return {name: bound.by for name, bound in self.bounds.items()}

    def by(self, name: str) -> str:
        return self.bounds[name].by


def of(policy: Policy, entry: TableConfig) -> AskedRisk:
    """What is asked of a table. The word of one that the policy lets be laxer goes before all others; what its boxes
    are to reach (``mondrian``) is asked all the same."""
    is_let = entry.name in policy.risk.laxer_for
    own = {name: Bound(value, ENTRY) for name, value in entry.risk.stated().items()}
    found = _strictest({}, *_of_policy(policy, entry), own)
    found = _strictest(found | own if is_let else found, _of_boxes(entry))
    return AskedRisk(
        {name: found[name] for name, most in ALWAYS.items() if name in found and found[name].value != most}
    )


def _strictest(found: Mapping[str, Bound], *more: Mapping[str, Bound]) -> dict[str, Bound]:
    strictest = dict(found)
    for bounds in more:
        strictest |= {
            name: bound
            for name, bound in bounds.items()
            if name not in strictest or _is_stricter(name, bound, strictest)
        }
    return strictest


def _of_boxes(entry: TableConfig) -> dict[str, Bound]:
    stated = {} if entry.mondrian is None else entry.mondrian.bounds()
    return {name: Bound(value, BOXES) for name, value in stated.items()}


def thresholds(policy: Policy, entry: TableConfig) -> Thresholds:
    """The stricter of what the policy holds reports of a table to, and of what is asked of it before a commit."""
    stated = {name: getattr(policy.thresholds, name) for name in Thresholds.model_fields}
    reports = {name: bound for name, bound in stated.items() if bound is not None}
    asked = {name: bound for name, bound in of(policy, entry).asked().items() if name in stated}
    stricter = {name: bound for name, bound in asked.items() if is_stricter(name, bound, reports.get(name, bound))}
    return Thresholds.model_construct(**{**asked, **reports, **stricter})


def laxer(policy: Policy, entry: TableConfig) -> Iterator[tuple[str, Bound]]:
    """The measures of which an entry asks less than the policy does of it, whether or not it may, and what the policy
    asks."""
    own = {name: Bound(value, ENTRY) for name, value in entry.risk.stated().items()}
    for bounds in _of_policy(policy, entry):
        yield from ((name, bound) for name, bound in bounds.items() if name in own and _is_stricter(name, bound, own))


def idle(policy: Policy) -> Iterator[tuple[str, str, float]]:
    """Bounds for columns of a class that change nothing, since the policy asks as much of every table: the class, the
    measure, and what is asked of every table."""
    wide = policy.risk.stated()
    for class_, of_class in policy.classes.items():
        for name, value in of_class.risk.stated().items():
            if name in wide and not is_stricter(name, value, wide[name]):
                yield class_, name, wide[name]


def is_stricter(name: str, value: float, other: float) -> bool:
    """Whether a bound of a measure lets less pass than another."""
    return value > other if name in AT_LEAST else value < other


def _is_stricter(name: str, bound: Bound, others: Mapping[str, Bound]) -> bool:
    return is_stricter(name, bound.value, others[name].value)


def _of_policy(policy: Policy, entry: TableConfig) -> Iterator[dict[str, Bound]]:
    yield {name: Bound(value, POLICY) for name, value in policy.risk.stated().items()}
    for class_ in MEASURES_OF:
        bounds = _stated(policy, class_)
        if bounds and any(map(_shows_something, _columns(entry, class_))):
            yield {name: Bound(value, f"policy.yaml (classes.{class_}.risk)") for name, value in bounds.items()}


def _stated(policy: Policy, class_: str) -> dict[str, float]:
    of_class = {str(name): each.risk for name, each in policy.classes.items()}
    return of_class.get(class_, RiskBounds()).stated()


def _columns(entry: TableConfig, class_: str) -> list[ColumnDecision]:
    return [each for each in entry.decisions.values() if each.cases[0].class_ == class_]


def _shows_something(decision: ColumnDecision) -> bool:
    """Whether anything of it may stay in the target."""
    techniques = [rule.treatment.technique for rule in decision.cases]
    return not all(technique.drops_column or technique.gives_null() for technique in techniques)
