"""Columns that may be keys which count up, though nothing but their values says so: a question, which a person decides.

A key that counts up has the values of anything that is counted. Where a column may be such a key all the same, neither
one domain is proposed nor two of their own: its treatment stays undecided, and the draft says what speaks for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from jobs.configuration.entry import UNDECIDED
from jobs.detection.kinds import percent
from jobs.detection.shared_keys import Column, Link
from jobs.drafting.proposals import Proposal

DIRECT = "direct_identifier"
TOLD = 3
"""Keys that are named in a draft."""


def asked(
    links: Sequence[Link], made: Mapping[Column, Proposal], groups: Sequence[Sequence[Column]]
) -> dict[Column, Proposal]:
    """The proposals of columns of which it is a question whether they are keys of persons. groups: columns of
    which is known already what they are keys of."""
    questions: dict[Column, list[Link]] = {}
    for link in links:
        direct = DIRECT in (made[link.column].kind.class_, made[link.key].kind.class_)
        known = any(link.column in group for group in groups)
        if not link.is_sure and direct and not known:
            questions.setdefault(link.column, []).append(link)
    return {column: _open(made[column], found) for column, found in questions.items()}


def _open(own: Proposal, found: Sequence[Link]) -> Proposal:
    best = sorted(found, key=lambda link: (-link.back, -link.share, link.key))
    notes = tuple(_question(link) for link in best[:TOLD])
    keys = tuple((link.key.table, link.key.path) for link in best)
    return dataclasses.replace(own, treatment=UNDECIDED, notes=(*own.notes, *notes), may_be=keys)


def _question(link: Link) -> str:
    told = f"{percent(link.share)} of its values are those of {link.key}, and it has {percent(link.back)} of these"
    accident = "both count up, so that this may be by accident"
    return f"is it a key of {link.key}? {told}; {accident}: if so, give both one domain, or they do not join"
