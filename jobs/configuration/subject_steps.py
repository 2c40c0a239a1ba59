"""One rule for a subject: what its own column's treatment makes equal has one date shift and one noise too.

Where the subject is ``customer_id`` and its domain trims, ``Ann`` with blanks and without are one pseudonym. Techniques
that depend on the subject get the same steps, and the treatment record shows them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import ColumnDecision, ColumnRule
from privacy_udfs.technique import SubjectTechnique, Technique


def contradictions(subject: ColumnPath, rules: Iterable[tuple[ColumnPath, ColumnRule]]) -> dict[ColumnPath, str]:
    """Columns whose own rule is another than the subject's, with what is wrong. The subject's own: if it has two."""
    rules = list(rules)
    ways = _ways(subject, rules)
    if len(ways) > 1:
        return {subject: "its cases normalize it in different ways: one subject would get several date shifts"}
    steps = ways[0] if ways else ()
    message = f"normalize: the subject {subject} has [{', '.join(steps)}]; leave it out here, or state the same"
    return {
        path: message
        for path, rule in rules
        if isinstance(rule.treatment.technique, SubjectTechnique)
        and rule.treatment.technique.normalize not in ((), steps or rule.treatment.technique.normalize)
    }


def filled(subject: ColumnPath | None, decisions: Mapping[str, ColumnDecision]) -> dict[str, ColumnDecision]:
    """The same columns; those that depend on the subject know how its own column is read."""
    rules = [(decision.path, rule) for decision in decisions.values() for rule in decision.cases]
    if subject is None or not any(rule.treatment.technique.needs_subject for _, rule in rules):
        return dict(decisions)
    steps = next(iter(_ways(subject, rules)), ())
    empty = any(getattr(technique, "empty", None) == "null" for technique in _own(subject, rules))
    more = ({"normalize": steps} if steps else {}) | ({"empty_subject": "null"} if empty else {})
    return {
        text: dataclasses.replace(decision, cases=tuple(_with(rule, more) for rule in decision.cases))
        for text, decision in decisions.items()
    }


def _with(rule: ColumnRule, more: dict[str, Any]) -> ColumnRule:
    technique = rule.treatment.technique
    if technique.by_subject_keys():  # an empty subject is nobody there in any case
        more = {"subject_normalize": more["normalize"]} if "normalize" in more else {}
    elif not isinstance(technique, SubjectTechnique):
        return rule
    if not more:
        return rule
    treatment = dataclasses.replace(rule.treatment, technique=technique.model_copy(update=more))
    return dataclasses.replace(rule, treatment=treatment)


def _ways(subject: ColumnPath, rules: Iterable[tuple[ColumnPath, ColumnRule]]) -> list[tuple[str, ...]]:
    """Each way in which the subject's own column, or a case of it, is normalized; not to be normalized is none."""
    found = [getattr(technique, "normalize", ()) for technique in _own(subject, rules)]
    return list(dict.fromkeys(steps for steps in found if steps))


def _own(subject: ColumnPath, rules: Iterable[tuple[ColumnPath, ColumnRule]]) -> list[Technique]:
    return [rule.treatment.technique for path, rule in rules if path.leaf == subject]
