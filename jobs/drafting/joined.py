"""What is proposed for columns that hold the same keys, in one table or several: one class and one domain for all.

Without it the same reference would be redacted here and kept there, and nothing would join.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs.configuration.documents import NAME_PATTERN
from jobs.detection import hints, things
from jobs.detection.kinds import CLASS_OF, Kind, percent
from jobs.detection.scan import Found
from jobs.detection.shared_keys import Column, Link, Looked
from jobs.drafting import constants, draft, maybe_joined, proposals
from jobs.drafting.proposals import Proposal, Surroundings

DIRECT = "direct_identifier"
RANK = {"undecided": 0, "non_personal": 0, "quasi_identifier": 1, "sensitive": 1, DIRECT: 2}
OFTEN_BEFORE = 0.01


@dataclasses.dataclass(frozen=True)
class Shared:
    """Columns with the same keys. name: of the domain that is proposed for them. prefixes: what stands before the ids
    in some of them. normalize: of the domain."""

    name: str
    columns: tuple[Column, ...]
    prefixes: tuple[str, ...]

    @property
    def prefix_steps(self) -> list[Any]:
        return prefix_steps(self.prefixes)

    @property
    def normalize(self) -> list[Any]:
        return ["nfc", "trim", *self.prefix_steps]


def prefix_steps(prefixes: Sequence[str]) -> list[Any]:
    """Prefixes go one way only: a column without them has nothing to lose."""
    return [{"strip_prefix": prefixes[0] if len(prefixes) == 1 else list(prefixes)}] if prefixes else []


def prefixes_of(found: Found) -> list[str]:
    """What stands before the ids in a column."""
    named = (name for name in sorted(found.evidence.counts) if name.startswith("prefix:"))
    return [name.removeprefix("prefix:") for name in named if found.evidence.share(name) >= OFTEN_BEFORE]


def propose(
    tables: Sequence[Looked], around: Surroundings, links: Sequence[Link]
) -> tuple[dict[str, tuple[Proposal, ...]], tuple[Shared, ...]]:
    """By table what is proposed for its columns, and which hold the same keys. links: of `shared_keys.links`; those
    that are questions join nothing, and leave their columns for a person to decide."""
    made = {
        Column(each.table, str(found.path)): proposals.propose(found, around, each.table)
        for each in tables
        for found in each.columns
    }
    sure = [link for link in links if link.is_sure]
    groups = tuple(_shared(columns, sure, made, around) for columns in _groups(sure))
    for group in groups:
        made |= _alike(group, sure, made, around)
    made |= maybe_joined.asked(links, made, [group.columns for group in groups])
    by_table = {each.table: tuple(made[Column(each.table, str(f.path))] for f in each.columns) for each in tables}
    return {name: _with_constants_open(columns) for name, columns in by_table.items()}, groups


def _with_constants_open(columns: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    opened = constants.opened(columns)
    return tuple(opened.get(str(each.found.path), each) for each in columns)


def _groups(links: Iterable[Link]) -> list[list[Column]]:
    """Columns that hang together, each in one group."""
    of: dict[Column, set[Column]] = {}
    for link in links:
        both = of.get(link.column, {link.column}) | of.get(link.key, {link.key})
        of.update(dict.fromkeys(both, both))
    return [sorted(each) for each in {id(group): group for group in of.values()}.values()]


def _shared(
    columns: Sequence[Column], links: Sequence[Link], made: Mapping[Column, Proposal], around: Surroundings
) -> Shared:
    pointed = Counter(link.key for link in links if link.key in columns)
    best = sorted(pointed, key=lambda each: (-RANK[made[each].kind.class_], -pointed[each], each))
    kinds = [made[each].kind.name for each in best]
    known = set(proposals.JOINS) - set(proposals.KEYED)  # what is a key of anything has the name of that
    names = [kind for kind in kinds if kind in known] + [_name(each) for each in best]
    others = [_name(each) for each in columns]
    name = _standing((*names, *others), around.domains) or names[0]
    before = [name for column in columns for name in prefixes_of(made[column].found)]
    return Shared(name, tuple(columns), tuple(dict.fromkeys(before)))


def _standing(names: Iterable[str], domains: Sequence[str]) -> str | None:
    """The domain that there is already, by one of these names, or by one that means the same."""
    same = (each for name in names for each in domains if things.mean_the_same(each, name))
    return next((each for each in names if each in domains), None) or next(same, None)


def _name(key: Column) -> str:
    """``customer`` of ``customer_id``, or of ``customers.id``."""
    own = [word for word in hints.words(key.path).split() if word not in things.GENERAL]
    table = hints.words(hints.own_name(key.table)).replace(" ", "_")
    text = own[-1] if own else table.removesuffix("s")
    return text if re.fullmatch(NAME_PATTERN, text) else "shared_key"


def _alike(
    group: Shared, links: Sequence[Link], made: Mapping[Column, Proposal], around: Surroundings
) -> dict[Column, Proposal]:
    strictest = max(group.columns, key=lambda each: RANK[made[each].kind.class_])
    leading = made[strictest].kind
    found = {}
    for column in group.columns:
        own = made[column]
        kind = _kind(own.kind, leading, column, links)
        told = Proposal(own.found, kind, proposals.of_kind(own.found, kind, around, column.table).treatment)
        if kind.class_ == DIRECT:
            told = dataclasses.replace(told, treatment=_treatment(group, told, around))
        found[column] = dataclasses.replace(told, notes=_notes(group, column, told, around))
    return found


def _kind(own: Kind, leading: Kind, column: Column, links: Sequence[Link]) -> Kind:
    keys = [(link.key, link.share) for link in links if link.column == column]
    reasons = tuple(f"{percent(share)} of its values are those of {key}" for key, share in keys[:3])
    if RANK[own.class_] >= RANK[leading.class_]:
        return dataclasses.replace(own, reasons=(*own.reasons, *reasons))
    name = "person_key" if CLASS_OF.get(leading.name) == DIRECT else leading.name
    others = () if reasons else ("its values are the keys of columns that hold persons",)
    return Kind(name, (*reasons, *others))


def _treatment(group: Shared, told: Proposal, around: Surroundings) -> Any:
    """One for all of the group: the domain that there is, or the same label wherever it stands."""
    if group.name in around.domains:
        wanted: dict[str, Any] = {"domain": group.name}
    elif around.keys:
        wanted = {"technique": "keyed_hash", "key": around.keys[0], "domain": group.name}
        wanted |= {"normalize": group.normalize} if group.prefixes else {}
    else:
        return told.treatment
    return wanted if proposals.fits(told.found, told.kind, wanted, around) else told.treatment


def _notes(group: Shared, column: Column, told: Proposal, around: Surroundings) -> tuple[str, ...]:
    others = ", ".join(str(each) for each in group.columns if each != column)
    if told.kind.class_ != DIRECT:
        return (f"it shares its values with {others}: treated in other ways they do not join",)
    stands = group.name in around.domains
    is_met = stands and around.prefixes.get(group.name, frozenset()).issuperset(group.prefixes)
    normalize = f"normalize: {draft.flow(group.normalize)}" if group.prefixes and not is_met else ""
    state = f"domain {group.name} has to state {normalize}" if stands else f"with {normalize}"
    lacking = f"; {state}, or references and ids do not join" if normalize else ""
    made = "" if stands else f" (state it in domains.yaml: {_entry(group, around)})"
    return (f"it shares its values with {others}: one domain {group.name} for all, or they do not join{made}{lacking}",)


def _entry(group: Shared, around: Surroundings) -> str:
    key = around.keys[0] if around.keys else "NAME_OF_A_KEY"
    return f"{group.name}: {draft.flow({'technique': 'keyed_hash', 'key': key, 'normalize': group.normalize})}"
