"""Where the keys of subjects stand under a named key, as keys.yaml says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from jobs.configuration.closed_table_entry import ClosedTableEntry
from jobs.configuration.documents import Document, Fault, Loc
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques._by_subject import FORM, TABLE

KEY_PER, SUBJECT, ID, STEPS = "key_per", "subject", "subject_keys", "subject_normalize"
"""Parameters of a technique: what a column or domain says, and what is filled in."""
FILLED = (ID, STEPS)
NO_TABLE = f"{FORM}{'0' * 32}"
"""The id of one that is at fault itself, so that no more is said of it."""


class SubjectKeysEntry(ClosedTableEntry):
    """path: of the Delta table that jobs/shred.py made. id: that it has."""

    id: Annotated[str, Field(pattern=TABLE)]

    @field_validator("id")
    @classmethod
    def _is_a_tree(cls, id: str) -> str:
        if not id.startswith(FORM):
            raise ValueError(
                "is the id of a table of the first form, a row for each subject, of which nothing is read any more: "
                "make a new one with jobs/shred.py create, state its id, and treat all tables under it anew "
                "(mode: full)"
            )
        return id


Entries = Mapping[str, SubjectKeysEntry | None]
"""Key of keys.yaml -> its table of keys of subjects, None for one without."""


def put_into(parameters: dict[str, Any], key: Any, document: Document, loc: Loc, entries: Entries) -> Iterator[Fault]:
    """Put the id of the named key's table to the parameters of a technique with ``key_per: subject``."""
    cls = BY_NAME[parameters["technique"]]
    if KEY_PER not in cls.model_fields:
        return
    for name in FILLED:
        if name in parameters:
            yield document.fault((*loc, name), "is filled in by keys.yaml and by the subject's column: leave it out")
            del parameters[name]
    if parameters.get(KEY_PER) != SUBJECT:
        return
    entry = entries.get(key) if isinstance(key, str) else None
    if entry is None and isinstance(key, str) and key in entries:
        yield document.fault(
            (*loc, KEY_PER),
            "keys.yaml does not say where keys of subjects stand: 'subject_keys' (jobs/shred.py create)",
        )
    parameters[ID] = NO_TABLE if entry is None else entry.id
