"""Entries of our catalog, drafted from what the platform's says: for a person to accept, as the inventory's are.

Only columns of which the catalog says something are proposed. Nothing is scanned, so there is no evidence: the others
are named for the inventory to look at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, MapKey
from jobs.configuration.models import Source
from jobs.detection.evidence import Evidence
from jobs.detection.kinds import Kind
from jobs.detection.scan import Found
from jobs.drafting import draft, proposals
from jobs.drafting.accepted import Entry
from jobs.drafting.proposals import Proposal, Surroundings
from jobs.lake import bare_types
from jobs.metastore import labels
from jobs.metastore.labels import Told

HEADER = """\
# A draft from the platform's catalog. No job treats its table before it is accepted: jobs/accept.py asks column by
# column. Nobody has looked at the values. Or mend what is wrong here, say why, and take the line 'draft: true' out.
"""
SILENT = """\
# The platform's catalog says nothing of {count} more: {columns}
# The job stops until they are decided too: python jobs/inventory.py --conf conf --table {table} proposes what to do.
"""


@dataclasses.dataclass(frozen=True)
class ToldKind(Kind):
    """What a column is by what the catalog says; the class is the catalog's."""

    told: str = ""

    @property
    def class_(self) -> str:
        return self.told


@dataclasses.dataclass(frozen=True)
class Drafted:
    """silent: leaves that are not decided and of which nothing is said. text: empty where there is nothing to propose.
    whole: a file of its own, rather than lines for one that is there."""

    table: str
    file: str
    proposals: tuple[Proposal, ...]
    silent: tuple[str, ...]
    text: str
    whole: bool


def drafted(
    name: str,
    schema: T.StructType,
    told: Sequence[Told],
    entry: Entry | None,
    around: Surroundings,
    environ: Mapping[str, str],
) -> Drafted:
    """Draft an entry for a table of the platform's catalog, or what the entry that is there lacks."""
    undecided = [leaf for leaf in bare_types.leaves(schema) if entry is None or not entry.decides(leaf[0])]
    holding = {path: labels.of_leaf(path, told) for path, _ in undecided}
    made = tuple(_propose(path, given, holding[path], around) for path, given in undecided if holding[path])
    silent = tuple(str(path) for path, found in holding.items() if not found)
    if entry is not None:
        text = draft.additions(entry.table, entry.file, made) if made else ""
        return Drafted(entry.table, f"{entry.file.rpartition('/')[2]}.draft", made, silent, _as_told(text), False)
    text = draft.table(name, Source(table=name), made, environ) if made else ""
    note = SILENT.format(count=len(silent), columns=", ".join(silent), table=name) if silent and made else ""
    return Drafted(name, f"{name}.yaml", made, silent, _as_told(text) + note, True)


def _as_told(text: str) -> str:
    """The inventory's draft without what only a scan can say."""
    lines = text.replace(draft.HEADER, HEADER).splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith(draft.EVIDENCE))


def _propose(path: ColumnPath, given: T.DataType, told: Sequence[Told], around: Surroundings) -> Proposal:
    reasons = tuple(f"{each.where} says {each.class_}" for each in told)
    treated = next((each.treated for each in told if each.treated is not None), None)
    if treated is not None:
        reasons = (*reasons, f"and was treated already, by {treated}")
    class_ = told[0].class_
    found = Found(path, given, Evidence(given.simpleString()))
    kind = ToldKind("told by the catalog", reasons, told=class_)
    return Proposal(found, kind, _treatment(found, told, class_, treated is not None, around))


def _treatment(found: Found, told: Sequence[Told], class_: str, treated: bool, around: Surroundings) -> Any:
    """The domain that was told, or what the column's name suggests if that goes with the class, or what is safest.

    Which technique that is, is a choice for a class: so here they are meant by name.
    """
    limits = around.allowed.get(class_)
    domain = next((each.domain for each in told if each.domain in around.techniques), None)
    if treated and (limits is None or "keep" in limits):
        return "keep"
    if domain is not None and (limits is None or around.techniques[domain] in limits):
        return {"domain": domain}
    by_name = proposals.propose(found, around)
    if by_name.kind.class_ == class_:
        return by_name.treatment
    if isinstance(found.path.steps[-1], MapKey):
        return {"technique": "keyed_hash", "key": around.keys[0] if around.keys else "NAME_OF_A_KEY"}
    if class_ == "non_personal" and (limits is None or "keep" in limits):
        return "keep"
    return next((name for name in ("redact", "drop") if limits is None or name in limits), "redact")
