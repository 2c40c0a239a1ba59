"""What has changed since a table's entry was accepted: its columns, what they hold, what its pseudonyms look like."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration import json_columns
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import ColumnDecision, ColumnRule, TableConfig
from jobs.detection import hints, kinds
from jobs.detection.evidence import PSEUDONYM
from jobs.detection.scan import Found
from privacy_udfs.errors import LakenymError
from privacy_udfs.technique import Technique, plain_type

RANK = {"non_personal": 0, "quasi_identifier": 1, "sensitive": 1, "direct_identifier": 2}
ALIKE = 0.6
STILL_PSEUDONYMS = 0.98
SURE = frozenset({"email", "phone", "iban", "payment_card", "passport", "mac", "url_user_data", "national_id",
                  "free_text_person", "street", "person_name", "ip"})  # fmt: skip
"""Kinds that content alone settles; random ids and towns are no alarm by themselves."""


@dataclasses.dataclass(frozen=True)
class Drift:
    """A change. what: ``new``, ``lost``, ``renamed``, ``retyped``, ``uncovered``, ``not_pseudonyms``, ``no_entry``."""

    table: str
    what: str
    column: str
    detail: str


def of_columns(entry: TableConfig, found: Sequence[Found], before: Mapping[str, Mapping[str, Any]]) -> Iterator[Drift]:
    """Source against entry. before: the evidence of the time of acceptance, for the columns that have it."""
    decisions = {each.path: _decision(entry, each.path) for each in found}
    by_path = json_columns.by_column(decision.path for decision in entry.decisions.values())
    new = {str(each.path): each for each in found if decisions[each.path] is None and each.path not in by_path}
    used = {str(decision.path) for decision in decisions.values() if decision is not None}
    used |= {str(path) for each in found for path in by_path.get(each.path, ())}
    lost = {name: decision.cases[-1] for name, decision in entry.decisions.items() if name not in used}
    for path, name in _renamed(list(lost), new, before).items():
        yield Drift(entry.name, "renamed", name, f"{path} is gone, and this column is much like it")
        del lost[path], new[name]
    for path, each in new.items():
        kind = kinds.decide(each.evidence, hints.of(each.path))
        looks = "not known by its content" if kind.name == "unknown" else f"looks like {kind.name} ({kind.class_})"
        detail = f"{each.type.simpleString()}, no decision; {looks}"
        yield Drift(entry.name, "new", path, detail)
    for path, rule in lost.items():
        yield Drift(entry.name, "lost", path, f"decided in {entry.file}:{rule.line}, and not in the table")
    for each in found:
        decision = decisions[each.path]
        decided = () if decision is None else decision.cases
        yield from _retyped(entry, decided, each, before.get(str(each.path)))
        yield from _uncovered(entry, decided, each)


def _decision(entry: TableConfig, path: ColumnPath) -> ColumnDecision | None:
    """What is decided about a leaf: of itself, or of a struct, array or map around it that goes as a whole."""
    above = (str(ColumnPath(path.steps[:length])) for length in range(1, len(path.steps)))
    gone = (name for name in above if name in entry.columns and _technique(entry.columns[name]).whole_subtree)
    return entry.decisions.get(str(path)) or next((entry.decisions[name] for name in gone), None)


def _technique(rule: ColumnRule) -> Technique:
    return rule.treatment.technique


def _renamed(lost: Sequence[str], new: Mapping[str, Found], before: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """lost path -> new path, the likeliest pairs first, each column once."""
    pairs = [(_alike(path, name, each, before.get(path)), path, name) for path in lost for name, each in new.items()]
    found: dict[str, str] = {}
    for likeness, path, name in sorted(pairs, reverse=True):
        if likeness >= ALIKE and path not in found and name not in found.values():
            found[path] = name
    return found


def _alike(path: str, name: str, found: Found, before: Mapping[str, Any] | None) -> float:
    """From 0 to 1, by name, and where there is evidence of before, as much by content."""
    by_name = difflib.SequenceMatcher(None, path.lower(), name.lower()).ratio()
    if before is None:
        return by_name
    now = found.evidence.as_data()
    if before.get("type") != now["type"]:
        return by_name / 2
    shares: list[tuple[Any, Any]] = [(before.get(name, 0), now[name]) for name in ("null", "distinct")]
    old = before.get("match", {})
    shares += [(old.get(name, 0), now["match"].get(name, 0)) for name in {*old, *now["match"]}]
    apart = max((abs(_number(one) - _number(other)) for one, other in shares), default=0.0)
    return (by_name + max(0.0, 1 - 2 * apart)) / 2


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _retyped(
    entry: TableConfig, rules: Sequence[ColumnRule], found: Found, before: Mapping[str, Any] | None
) -> Iterator[Drift]:
    path, now = str(found.path), found.type.simpleString()
    refusing = [_technique(rule).technique for rule in rules if not _takes(rule, found.type)]
    if before is not None and before.get("type") not in (None, now):
        yield Drift(entry.name, "retyped", path, f"was {before['type']} when it was accepted, is {now}")
    elif refusing:
        yield Drift(entry.name, "retyped", path, f"is {now}, which {refusing[0]} does not take")


def _uncovered(entry: TableConfig, rules: Sequence[ColumnRule], found: Found) -> Iterator[Drift]:
    kind = kinds.decide(found.evidence)
    for rule in rules:
        technique = _technique(rule)
        if not technique.covers and kind.name in SURE and RANK[kind.class_] > RANK[rule.class_]:
            detail = f"looks like {kind.name} ({kind.class_}), is treated as {rule.class_} by {technique.technique}"
            yield Drift(entry.name, "uncovered", str(found.path), f"{detail}: {'; '.join(kind.reasons)}")
            return


def _takes(rule: ColumnRule, given: T.DataType) -> bool:
    technique = _technique(rule)
    if technique.keeps_type or technique.drops_column:
        return True
    try:
        technique.output_type(plain_type(to_arrow_type(given, timezone="UTC")))
    except (LakenymError, TypeError, ValueError):
        return False
    return True


def shapes(entry: TableConfig) -> dict[str, str]:
    """The pseudonyms that are expected in the treated table: path -> pattern."""
    found = {path: _technique(rule).result_pattern() for path, rule in entry.columns.items()}
    return {path: pattern for path, pattern in found.items() if pattern is not None}


def hides(entry: TableConfig) -> bool:
    """Whether anything of the treated table must no longer be recognizable."""
    return any(_technique(rule).unrecognizable for rule in entry.columns.values())


def of_pseudonyms(entry: TableConfig, treated: Sequence[Found]) -> Iterator[Drift]:
    """The treated table against what its treatments give. treated: scanned with `shapes`."""
    for each in treated:
        path = str(each.path)
        rule = entry.columns.get(path)
        if rule is None or not each.evidence.examined:
            continue
        technique = _technique(rule)
        if technique.result_pattern() is not None:
            share = each.evidence.share(PSEUDONYM)
            if share < STILL_PSEUDONYMS:
                detail = f"only {share:.1%} of the treated values have the shape that {technique.technique} gives"
                yield Drift(entry.name, "not_pseudonyms", path, detail)
        elif technique.unrecognizable and (kind := kinds.decide(each.evidence)).name in SURE:
            detail = f"the treated values look like {kind.name}, although {technique.technique} leaves none"
            yield Drift(entry.name, "not_pseudonyms", path, detail)
