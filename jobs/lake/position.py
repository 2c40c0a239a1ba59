"""Where a run stopped in its source, as its commit's user metadata says it: by it the next run knows what is new.

Of a Delta table: the table's id, the version, and a hash of the file that holds the version's commit, so that a table
that was put back, made anew or copied over is never taken for the one that was read. Of a folder of files: a time,
before which all files were read, and a hash of the sizes and times of those, so that one that was changed, taken away
or put among them is seen. Of both a hash of how it was read: columns, their types and their names in files, format and
options, so that no new row is read otherwise than those that are there. Nothing of it is a name or a value.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.configuration.documents import canonical_json
from jobs.configuration.models import Source
from jobs.configuration.reader_options import LISTING, TRAVEL


@dataclasses.dataclass(frozen=True)
class DeltaPosition:
    """commit: SHA-256 of the version's commit file, hex. read_as: of how it was read, hex."""

    table: str
    version: int
    commit: str
    read_as: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"kind": "delta", **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class FolderPosition:
    """before: milliseconds since 1970; all files changed earlier were read. files: how many. listed: SHA-256 of their
    sizes and times, hex. read_as: of how they were read, hex."""

    before: int
    files: int
    listed: str
    read_as: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"kind": "folder", **dataclasses.asdict(self)}


Position = DeltaPosition | FolderPosition
KINDS: Mapping[str, type[Position]] = {"delta": DeltaPosition, "folder": FolderPosition}


def is_past(stopped: Position, end: Position | None) -> bool:
    """Whether a run that stopped there has read more than up to ``end``."""
    if isinstance(stopped, DeltaPosition) and isinstance(end, DeltaPosition):
        return stopped.table == end.table and stopped.version > end.version
    if isinstance(stopped, FolderPosition) and isinstance(end, FolderPosition):
        return stopped.before > end.before
    return False


def read_as(source: Source, columns: Any) -> str:
    """A hash of how a source is read. columns: JSON, with all that decides what stands in them."""
    options = {name: value for name, value in source.options.items() if name not in {**LISTING, **TRAVEL}}
    told = [source.kind, source.schema_, options, source.partitions, columns]
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def from_json(told: Any) -> Position | None:
    """What `as_json` made; None for anything else."""
    if not isinstance(told, dict) or told.get("kind") not in KINDS:
        return None
    kind = KINDS[told["kind"]]
    given = {name: value for name, value in told.items() if name != "kind"}
    wanted = {field.name: {"str": str, "int": int}[str(field.type)] for field in dataclasses.fields(kind)}
    if given.keys() != wanted.keys() or any(type(given[name]) is not type_ for name, type_ in wanted.items()):
        return None
    return kind(**given)


def of_files(sizes: NDArray[np.int64], times: NDArray[np.int64], before: int) -> FolderPosition:
    """The position of a folder. sizes: bytes. times: milliseconds since 1970; files from ``before`` on do not count."""
    early = times < before
    pairs = np.stack([times[early], sizes[early]], axis=1).astype("<i8")
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return FolderPosition(before, int(early.sum()), hashlib.sha256(ordered.tobytes()).hexdigest())
