"""What an estimate says to people: shares with their errors, ``< 10`` where a count of the sample is small."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from jobs.configuration.policy_entries import Thresholds
from jobs.risk_measures import report
from jobs.risk_measures.estimate import CHANCE, MOST_PEOPLE, Estimate
from jobs.risk_measures.treated import Chosen


@dataclasses.dataclass(frozen=True)
class Estimated:
    """What was estimated of one treated table. missed: what the policy wants and the table surely misses. open: what
    it wants and an estimate cannot say. wanted: the policy's k, if it has one."""

    table: str
    chosen: Chosen
    found: Estimate
    missed: tuple[str, ...]
    open: tuple[str, ...]
    wanted: int | None = None

    @property
    def is_below(self) -> bool:
        """Whether a class below the policy's k was seen, for sure or by sketches that may have missed people of it."""
        return self.wanted is not None and 0 < self.found.sample.k < self.wanted


def missed(found: Estimate, thresholds: Thresholds) -> Iterator[str]:
    """A class that was seen is there: what the sample misses, the table does, unless sketches missed people."""
    if thresholds.k is not None and found.surely_below(thresholds.k):
        yield f"k is at most {found.sample.k}, the policy wants {thresholds.k}"


def open_questions(found: Estimate, thresholds: Thresholds) -> Iterator[str]:
    wanted, sampled = thresholds.k, found.sampled
    if wanted is not None and 0 < found.sample.k < wanted and not found.surely_below(wanted):
        yield f"k: a class of fewer than {wanted} was seen, but its sketch may have missed people: measure the table"
    if wanted is not None and not found.is_whole and found.sample.k >= wanted:
        share = math.log(1 / CHANCE) / sampled
        yield f"k: no class of fewer than {wanted} was seen, so less than {share:.2g} of the classes are so small"
    if thresholds.l is not None or thresholds.t is not None:
        yield "l and t are not estimated: measure without --estimate"
    if thresholds.at_risk is not None:
        yield "at_risk is not held against the policy by an estimate: measure without --estimate"


def as_data(estimated: Estimated) -> dict[str, Any]:
    """The estimate as plain data. ``errors`` are what shares are off by at most, but for a chance of one in a million;
    that of ``classes`` is a share of them."""
    found, chosen = estimated.found, estimated.chosen
    exact = found.to_dict()
    data: dict[str, Any] = {
        "table": estimated.table,
        "estimated": not found.is_exact,
        "counted": "people" if found.by_subject else "rows",
        "quasi_identifiers": list(chosen.quasi_identifiers),
        "left_out": list(chosen.left_out),
        "rows": report.count(found.rows),
        "sampled_classes": report.classes(found.sample),
        "classes": report.classes(found.sample) if found.is_whole else float(f"{found.classes:.3g}"),
        "k_at_most": found.sample.k,
        "risk_threshold": found.threshold,
        "unique_classes": _share_of_classes(found, 2),
        "classes_at_risk": _share_of_classes(found, found.below - 1e-9),
    }
    errors = {"classes": exact["classes_error"]}
    errors |= dict.fromkeys(("unique_classes", "classes_at_risk"), exact["class_share_error"])
    if not found.by_subject:
        data |= {"unique_rows": _share_of_rows(found, 2), "at_risk": _share_of_rows(found, found.below - 1e-9)}
        errors |= {"unique_rows": exact["unique_rows_error"], "at_risk": exact["at_risk_error"]}
    told = {"errors": errors, "missed": list(estimated.missed), "not_estimated": list(estimated.open)}
    return {**data, **told}


def _share_of_classes(found: Estimate, below: float) -> float | str:
    return report.share(found.small(below), found.sampled or 1)


def _share_of_rows(found: Estimate, below: float) -> float | str:
    """Hidden where few rows of the sample make it."""
    rows = found.rows_small(below)
    hidden = 0 < rows < report.SMALL
    return f"< {max(found.of_rows(report.SMALL), 0):.3g}" if hidden else found.of_rows(rows)


# -- for a person to read ---------------------------------------------------------------------------------------------


def lines(estimated: Estimated) -> Iterator[str]:
    data, found = as_data(estimated), estimated.found
    errors = data["errors"]
    about = f"{data['classes']} classes" if found.is_whole else f"about {found.classes:,.3g} classes"
    yield f"{estimated.table}: {data['rows']} rows in {about} by"
    yield f"  {', '.join(estimated.chosen.quasi_identifiers)}"
    if found.by_subject:
        yield "  people are counted, by each class of rows: a person can be in several"
    else:
        yield f"  rows are counted, not people: {estimated.chosen.why_rows or 'so it was asked for'}"
    if estimated.chosen.left_out:
        yield f"  left out, several values in a row: {', '.join(estimated.chosen.left_out)}"
    if found.is_whole:
        how = "nothing is estimated" if found.is_exact else "their people by sketches, which may miss one of a class"
        yield f"  all classes were counted: {how}"
    else:
        yield f"  {data['sampled_classes']} classes were counted; errors hold but for a chance of one in a million"
    most = f"{MOST_PEOPLE} or more" if found.by_subject and found.sample.k == MOST_PEOPLE else found.sample.k
    yield f"k at most: {most}"
    whose = "with one person only" if found.by_subject else "like no other"
    at_risk = f"above a risk of {found.threshold:.4g}"
    yield f"classes {whose}: {_with(data['unique_classes'], errors['unique_classes'])}"
    yield f"classes {at_risk}: {_with(data['classes_at_risk'], errors['classes_at_risk'])}"
    if not found.by_subject:
        yield f"rows {whose}: {_with(data['unique_rows'], errors['unique_rows'])}"
        yield f"rows {at_risk}: {_with(data['at_risk'], errors['at_risk'])}"
    yield from (f"not estimated: {each}" for each in estimated.open)
    yield from (f"missed: {each}" for each in estimated.missed)


def _with(share: float | str, error: float) -> str:
    told = f"{share:.4g}" if isinstance(share, float) else str(share)
    return told if error == 0 else f"{told} ± {error:.2g}"
