"""Where rows are written: a treated table, or the rows of it that were refused; and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jobs.configuration import target_properties
from jobs.configuration.entry import Entry, Name, Names, NotBlank
from jobs.configuration.uris import TablePath

_PATTERN, _VARIABLE = re.compile(r"[*?\[\]{}]"), re.compile(r"\$\{[^{}]*\}")
Mode = Literal["full", "incremental", "partitions", "changes", "stream"]
"""What a run writes: all rows of the source anew, those that the source gained since the run before, those of
partitions that whoever runs it chooses, or what changed since the run before: rows inserted, updated and deleted; as a
stream those that the source gained, again and again."""
ADDING: tuple[Mode, ...] = ("incremental", "stream")
"""Modes whose runs add what the source gained."""
RowOrder = Literal["auto", "shuffled", "source"]
"""In what order the rows of a target stand in its files: at random, as they came from the source, or at random where
direct identifiers were treated, so that the order does not tell whose row it is."""


class _Written(Entry):
    """Where rows are written: a Delta table by path or by name."""

    path: TablePath | None = None
    """The folder of the Delta table; may hold variables. This or ``table``."""
    table: NotBlank | None = None
    """The table's name in the metastore. This or ``path``."""

    @field_validator("path")
    @classmethod
    def _is_one_place(cls, path: str | None) -> str | None:
        if path is not None and _PATTERN.search(_VARIABLE.sub("", path)):
            raise ValueError("expected one place, got a path with one of *?[]{}, which readers take for a pattern")
        return path

    @model_validator(mode="after")
    def _is_path_or_name(self) -> _Written:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected exactly one of 'path' and 'table'")
        return self


class Target(_Written):
    """Where a treated table is written: a Delta table by path or by name."""

    partition_by: Names = ()
    """Columns of the treated table by which its files lie in folders. Values of them are names of folders."""
    cluster_by: Names = ()
    """Columns by which Delta clusters the files; not with ``partition_by``."""
    properties: dict[str, str] = Field(default={})
    """Delta table properties. Those that would break a promise are refused, with the reason."""
    mode: Mode = "full"
    """What a run writes: all rows anew, those that the source gained (once, or as a stream), what changed, or
    partitions that whoever runs it chooses: docs/growing_tables.md."""
    key: Names = ()
    """The columns that tell rows apart, for ``mode: changes``."""
    row_order: RowOrder = "auto"
    """The order of rows in files: at random, as they came, or (``auto``) at random where direct identifiers are
    treated."""

    @field_validator("properties")
    @classmethod
    def _breaks_no_promise(cls, properties: dict[str, str]) -> dict[str, str]:
        reasons = {name: target_properties.refusal(name, value) for name, value in properties.items()}
        refused = [f"{name!r} is refused: {reason}" for name, reason in reasons.items() if reason is not None]
        if refused:
            raise ValueError("; ".join(refused))
        return properties

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        if self.partition_by and self.cluster_by:
            raise ValueError("expected 'partition_by' or 'cluster_by', not both")
        if self.mode == "changes" and not self.key:
            raise ValueError("expected 'key' with mode: changes: the columns that tell the rows of the table apart")
        return self


class Quarantine(_Written):
    """Where refused rows of a table stand, encrypted under a key that serves nothing else: a Delta table by path, or by
    name, which several tables may share."""

    key: Name
    """A name of keys.yaml; the key serves nothing else."""
    at_most: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.01
    """The share of a run's rows, and of all rows of the table, that may be set aside; with more the run stops. Some
    few are always let be."""
