"""Columns with one value in all rows, in tables about persons: what all of them share can be told of each.

An export of one person has their town, their diagnosis and their number in every row, and a table of patients may have
what ails all of them. So nothing is proposed there: a person decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from jobs.configuration.entry import UNDECIDED
from jobs.detection.kinds import TEXT, Kind
from jobs.drafting.proposals import Proposal

DIRECT = "direct_identifier"
PERSONAL = (DIRECT, "quasi_identifier", "sensitive")
OF_PERSONS = "the table is about persons, of each of whom it can be told"
OF_ONE = "all rows of the table are about one person"


def opened(proposals: Sequence[Proposal]) -> Mapping[str, Proposal]:
    """By column, those of one table's constants that are for a person to decide: texts where another column says
    anything of persons, and all where one that identifies somebody has one value itself."""
    direct = [each for each in proposals if each.kind.class_ == DIRECT]
    personal = [each for each in proposals if each.kind.class_ in PERSONAL]
    of_one = any(each.found.evidence.distinct == 1 and each.found.evidence.values > 1 for each in direct)
    return {
        str(each.found.path): _open(each, OF_ONE if of_one else OF_PERSONS)
        for each in proposals
        if each.kind.name == "constant" and personal and (of_one or each.found.evidence.type.startswith(TEXT))
    }


def _open(own: Proposal, why: str) -> Proposal:
    kind = Kind("unknown", (f"{'; '.join(own.kind.reasons)}, and {why}: a person decides",))
    return dataclasses.replace(own, kind=kind, treatment=UNDECIDED)
