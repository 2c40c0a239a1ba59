"""What policy.yaml says of erasures: which key tells the erased, and where the list stands that keeps them out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jobs.configuration.closed_table_entry import ClosedTableEntry
from jobs.configuration.entry import PATTERNS, Entry, Name
from jobs.configuration.reversal_entry import Approvers

ID_PATTERN = r"^[0-9a-f]{32}$"
PATTERNS[ID_PATTERN] = "the id that jobs/erase.py --make-list printed: 32 hex digits"


class ErasedListEntry(ClosedTableEntry):
    """path: of the Delta table that ``jobs/erase.py --make-list`` made. id: that it has."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]


class Erasure(Entry):
    """key: of keys.yaml, by which receipts and the list tell whom they are about; it serves nothing else. list: of
    those whose rows later runs leave out; nobody is kept out if left out. approvers: who may approve that somebody is
    taken off it; nobody is if left out."""

    key: Name
    list: ErasedListEntry | None = None
    approvers: Approvers | None = None
