"""Measures for people: counts that could point at somebody are shown as ``< 10``, and never a value.

Sizes of classes are told in bands that each hold at least ten rows, so that none follows from the others; what is told
beside them (how many are like no other, and at risk) is a bound where a count below ten would follow from both. A share
comes from a count, and hides with it. How many classes there are tells, with how many rows, how many of each size:
where some are few it is rounded, and so are averages.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jobs.configuration import shares
from jobs.configuration.policy_entries import Thresholds
from jobs.configuration.shares import NEARLY
from jobs.risk_measures.measure import Measures
from jobs.risk_measures.singling import Frequent, Matched, Singled
from jobs.risk_measures.sizes import THRESHOLD, Sizes
from jobs.risk_measures.treated import Chosen

SMALL = 10
MOST_SETS = 10
EDGES = [1, 2, 3, 5, *(each * 10**power for power in range(1, 12) for each in (1, 2, 5))]
"""Where bands of sizes begin."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What was measured of one treated table. Those that were not asked for are None or empty."""

    table: str
    chosen: Chosen
    measures: Measures
    missed: tuple[str, ...]
    estimates: Mapping[str, float | None] | None = None
    sets: tuple[Singled, ...] = ()
    frequencies: Mapping[str, Frequent] = dataclasses.field(default_factory=dict)
    attack: Matched | None = None


def missed(measures: Measures, held: Mapping[str, tuple[int, float]], thresholds: Thresholds) -> Iterator[str]:
    """The thresholds of the policy that a table does not reach, in words. An empty table reaches all. held: of each
    sensitive column its l and t, as `measure.held`."""
    sizes = measures.sizes
    if not sizes.rows:
        return
    if thresholds.k is not None and sizes.k < thresholds.k:
        yield f"k is {sizes.k}, the policy wants {thresholds.k}"
    if thresholds.at_risk is not None and sizes.at_risk() > shares.of(thresholds.at_risk, sizes.rows):
        most = f"the policy wants a share of at most {thresholds.at_risk}"
        yield f"{singled(sizes)[1]} of {count(sizes.rows)} have a risk above {THRESHOLD}, {most}"
    for name, (l, t) in held.items():  # noqa: E741 - l-diversity is called so
        if thresholds.l is not None and l < thresholds.l:
            yield f"{name}: l is {l}, the policy wants {thresholds.l}"
        if thresholds.t is not None and t > thresholds.t + NEARLY:
            yield f"{name}: t is {t:.3g}, the policy wants at most {thresholds.t}"


def count(number: int) -> int | str:
    return number if number == 0 or number >= SMALL else f"< {SMALL}"


def share(number: int, rows: int) -> float | str:
    return number / rows if number == 0 or number >= SMALL else f"< {min(SMALL / rows, 1):.3g}"


def singled(sizes: Sizes, threshold: float = THRESHOLD, beside: Sizes | None = None) -> tuple[int | str, int | str]:
    """How many are like no other, and how many have a risk above the threshold; each a bound where, with the bands and
    the other, it would tell a count below ten. beside: the sizes whose bands are told; None: all."""
    told = {0, sizes.rows, *itertools.accumulate(band["rows"] for band in _bands(sizes if beside is None else beside))}
    uniques = apart(sizes.uniques, told)
    return uniques, apart(sizes.at_risk(threshold), {*told, sizes.uniques} if isinstance(uniques, int) else told)


def apart(number: int, told: Collection[int]) -> int | str:
    """A count; a bound where with one that is told already it would tell one below ten."""
    if number < SMALL or number in told:
        return count(number)
    near = [each for each in sorted(told) if 0 < abs(number - each) < SMALL]
    if not near:
        return number
    return f"< {near[0] + SMALL}" if near[0] < number else f"> {near[0] - SMALL}"


def _as_share(told: int | str, rows: int) -> float | str:
    """Of what `singled` tells; a bound is rounded so that it still is one."""
    if isinstance(told, int):
        return told / rows
    mark, _, number = told.partition(" ")
    share = min(int(number) / rows, 1)
    scale = 10.0 ** (2 - math.floor(math.log10(share)))
    return f"{mark} {(math.ceil if mark == '<' else math.floor)(share * scale) / scale:.3g}"


def bands(sizes: Sizes) -> list[dict[str, Any]]:
    """Sizes of classes by `EDGES`, put together until each band holds ten rows; the last takes what is left."""
    return [{**band, "rows": count(band["rows"])} for band in _bands(sizes)]


def _bands(sizes: Sizes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for size, _, members in sorted(sizes.each()):
        if found and (found[-1]["rows"] < SMALL or _edge(found[-1]["to"]) == _edge(size)):
            _put(found[-1], size, members)
        else:
            found.append({"from": size, "to": size, "rows": members})
    if len(found) > 1 and found[-1]["rows"] < SMALL:
        rest = found.pop()
        _put(found[-1], rest["to"], rest["rows"])
    return found


def _put(band: dict[str, Any], size: int, members: int) -> None:
    band.update(to=size, rows=band["rows"] + members)


def hides(sizes: Sizes) -> bool:
    """Whether some size of classes is that of so few people, or rows, that it is not shown."""
    return any(members < SMALL for members in sizes.members.values())


def classes(sizes: Sizes) -> int | str:
    """How many classes there are, to ten where the exact number would tell how many of a size there are."""
    many = sum(sizes.classes.values())
    return count(many // SMALL * SMALL if hides(sizes) and many > SMALL else many)


def blurred(sizes: Sizes, average: float) -> float:
    return float(f"{average:.1g}") if hides(sizes) else average


def _edge(size: int) -> int:
    return bisect.bisect_right(EDGES, size)


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    measures, exact, chosen = report.measures, report.measures.to_dict(), report.chosen
    rows = measures.sizes.rows or 1
    uniques, at_risk = singled(measures.sizes, measures.threshold)
    is_other = measures.journalist.at_risk != exact["prosecutor"]["at_risk"]
    risky = {
        "prosecutor": _as_share(at_risk, rows),
        "journalist": share(round(measures.journalist.at_risk * rows), rows) if is_other else _as_share(at_risk, rows),
    }
    data: dict[str, Any] = {
        "table": report.table,
        "counted": "people" if measures.by_subject else "rows",
        "quasi_identifiers": list(chosen.quasi_identifiers),
        "left_out": list(chosen.left_out),
        **{name: count(exact[name]) for name in ("rows", "people") if name in exact},
        "classes": classes(measures.sizes),
        "k": exact["k"],
        "uniques": uniques,
        "histogram": bands(measures.sizes),
        "risk_threshold": measures.threshold,
        **{
            name: {
                **exact[name],
                "average": blurred(measures.sizes, exact[name]["average"]),
                "at_risk": told,
            }
            for name, told in risky.items()
        },
        "marketer": blurred(measures.sizes, exact["marketer"]),
        "sensitive": exact["sensitive"],
        "missed": list(report.missed),
    }
    if "population" in exact:
        data["population"] = _outside(measures.sizes, exact["population"])
    return {**data, **_more(report)}


def _outside(sizes: Sizes, outside: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(outside)
    if "delta_presence" in outside:  # by weights nobody says who is in the population
        shown["delta_presence"] = [blurred(sizes, each) for each in outside["delta_presence"]]
        shown["not_in_population"] = count(outside["not_in_population"])
    return shown


def _more(report: Report) -> dict[str, Any]:
    """What was asked for besides."""
    more: dict[str, Any] = {}
    sizes = report.measures.sizes
    if report.estimates is not None:
        few = 0 < sizes.uniques < SMALL  # of which they are made
        hidden = dict.fromkeys(report.estimates, share(sizes.uniques, sizes.rows or 1))
        more["population_uniqueness"] = hidden if few else dict(report.estimates)
    if report.sets:
        named = [{"columns": list(each.columns), "uniques": count(each.uniques)} for each in report.sets[:MOST_SETS]]
        more["columns_that_single_out"] = named
    if report.frequencies:
        more["frequency"] = {name: _frequency(each) for name, each in report.frequencies.items()}
    if report.attack is not None:
        more["attack"] = {name: count(many) for name, many in dataclasses.asdict(report.attack).items()}
    return more


def _frequency(found: Frequent) -> dict[str, Any]:
    shares = {name: share(many, found.rows or 1) for name, many in (("top", found.top), ("top_ten", found.top_ten))}
    return {"distinct": count(found.distinct), **shares}


# -- for a person to read ---------------------------------------------------------------------------------------------


def lines(report: Report) -> Iterator[str]:
    data, what = as_data(report), "people" if report.measures.by_subject else "rows"
    yield f"{report.table}: {data.get('people', data['rows'])} {what} in {data['classes']} classes by"
    yield f"  {', '.join(report.chosen.quasi_identifiers)}"
    if report.chosen.why_rows is not None or not report.measures.by_subject:
        yield f"  rows are counted, not people: {report.chosen.why_rows or 'so it was asked for'}"
    if report.chosen.left_out:
        yield f"  left out, several values in a row: {', '.join(report.chosen.left_out)}"
    yield f"k {data['k']}; like no other: {data['uniques']}"
    for band in data["histogram"]:
        sizes = f"{band['from']}" if band["from"] == band["to"] else f"{band['from']} to {band['to']}"
        yield f"  in classes of {sizes}: {band['rows']} {what}"
    for name in ("prosecutor", "journalist"):
        risk = data[name]
        told = f"highest {_number(risk['highest'])}, average {_number(risk['average'])}"
        yield f"{name}: {told}, share above {_number(data['risk_threshold'])}: {_number(risk['at_risk'])}"
    yield f"marketer: {_number(data['marketer'])}"
    for name, each in data["sensitive"].items():
        yield f"{name}: {', '.join(f'{measure} {_number(value)}' for measure, value in each.items())}"
    yield from _more_lines(data)
    yield from (f"missed: {each}" for each in report.missed)


def _more_lines(data: Mapping[str, Any]) -> Iterator[str]:
    for name in ("population", "population_uniqueness", "attack"):
        if name in data:
            yield f"{name.replace('_', ' ')}: {', '.join(f'{each} {_number(it)}' for each, it in data[name].items())}"
    for each in data.get("columns_that_single_out", ()):
        yield f"{', '.join(each['columns'])}: like no other in these alone: {each['uniques']}"
    for name, each in data.get("frequency", {}).items():
        told = f"{each['distinct']} pseudonyms, the most frequent has {_number(each['top'])} of the rows"
        yield f"{name}: {told}, ten have {_number(each['top_ten'])}"


def _number(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(map(_number, value))
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
