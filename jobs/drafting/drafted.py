"""From what is proposed for all columns of a table to its draft: a whole entry, or what an entry lacks."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path

from jobs.configuration import unaccepted
from jobs.configuration.evidence_file import Seen
from jobs.configuration.models import Source
from jobs.drafting import draft
from jobs.drafting.accepted import Entry
from jobs.drafting.proposals import Proposal
from jobs.drafting.report import Drafted


def of(
    name: str, source: Source, made: tuple[Proposal, ...], entry: Entry | None, variables: Sequence[str] = ()
) -> Drafted:
    """made: of every leaf of the table. entry: what is decided already. variables: see `draft.table`."""
    seen = {str(each.found.path): seen_in(each) for each in made}
    environ = {name: os.environ[name] for name in variables if name in os.environ}
    place = draft.place(source, environ)
    if entry is None:
        return Drafted(name, f"{name}.yaml", made, draft.table(name, source, made, environ), seen, place)
    lacking = tuple(each for each in made if not entry.decides(each.found.path))
    text = draft.additions(entry.table, entry.file, lacking) if lacking else ""
    return Drafted(entry.table, unaccepted.additions_of(Path(entry.file).name), lacking, text, seen, place)


def seen_in(proposal: Proposal) -> Seen:
    """What the decision about a column is held against later."""
    kind = proposal.kind
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return Seen.model_validate(
        {
            "kind": kind.name,
            "class": kind.class_,
            "by": kind.by,
            "seen": today,
            "reasons": list(kind.reasons),
            "evidence": proposal.found.evidence.as_data(),
            "may_be_keys_of": proposal.may_be,
        }
    )
