"""What ``audit.yaml`` says: where the log of runs is, and who signs it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from jobs.configuration.entry import PATTERNS, Entry, Name, NotBlank
from jobs.configuration.uris import TablePath

ORIGIN_PATTERN = r"^[^\s+]{1,200}$"
PATTERNS[ORIGIN_PATTERN] = "a name without spaces and '+', such as lakenym.example.org/lake"
MEGABYTE = 1 << 20


class AuditTable(Entry):
    """A Delta table by path, or by name."""

    path: TablePath | None = None
    table: NotBlank | None = None

    @model_validator(mode="after")
    def _one_way(self) -> AuditTable:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected exactly one of 'path' and 'table'")
        return self


class Audit(Entry):
    """Where runs are told of, and how that is proven. A run that cannot be told of does not commit.

    table: the log, a Delta table that runs make. origin: the log's name, for all times; it stands in each checkpoint
    and names the key that signs. signing_key: a key of keys.yaml of the type Ed25519PrivateKey, which serves nothing
    else. checkpoints: a folder in which each run leaves a signed checkpoint. contents_up_to_mb: of how much data a run
    adds its log holds a hash too, which costs reading it once more; 0: of none, so that names and sizes of files count.
    """

    table: AuditTable
    origin: Annotated[str, Field(pattern=ORIGIN_PATTERN)]
    signing_key: Name | None = None
    checkpoints: TablePath | None = None
    contents_up_to_mb: Annotated[int, Field(ge=0, le=1 << 20)] = 16

    @model_validator(mode="after")
    def _signs(self) -> Audit:
        if self.checkpoints is not None and self.signing_key is None:
            raise ValueError("expected 'signing_key' with 'checkpoints': a checkpoint is signed")
        return self
