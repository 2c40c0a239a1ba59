"""The types that columns had before they were treated, of those that can be turned back: a property of the table.

Text, or base64 of it, tells of no number or date that it was one. It stands beside the treatment record and is no part
of it: what records are compared by has nothing to do with the way back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.errors import PySparkException
from pyspark.sql import types as T

from jobs.configuration.documents import canonical_json
from jobs.lake.record_names import TYPES
from jobs.record import treatment_record
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.technique import Technique


def properties(plan: Plan) -> dict[str, str]:
    """The property; nothing where no column can be turned back."""
    told = {
        str(leaf.path): leaf.input.simpleString()
        for leaf in plan.leaves
        if any(_has_way_back(case.treatment.technique) for case in leaf.cases)
    }
    return {TYPES: treatment_record.shown(canonical_json(told))} if told else {}


def _has_way_back(technique: Technique) -> bool:
    return technique.reversible or technique.by_vault


def of(properties: Mapping[str, str]) -> dict[str, T.DataType]:
    """The types by the paths of columns, as far as a table says them; whoever can write a table can write them."""
    try:
        told = json.loads(properties.get(TYPES, "{}"))
    except (ValueError, RecursionError):
        return {}
    found = {path: _parsed(text) for path, text in told.items()} if isinstance(told, dict) else {}
    return {path: kind for path, kind in found.items() if kind is not None}


def _parsed(text: object) -> T.DataType | None:
    try:
        return T.DataType.fromDDL(str(text))
    except (PySparkException, ValueError):
        return None
