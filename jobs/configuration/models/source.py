"""Where tables are read from, as their entries say it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jobs.configuration import reader_options
from jobs.configuration.entry import Entry, NotBlank
from jobs.configuration.uris import TablePath, without_user

Accepted = Literal["accepted"]
PartitionType = Literal["string", "tinyint", "smallint", "int", "bigint", "date", "timestamp"]


class Source(Entry):
    """Where a table is read from: files at a path in a format, or a table by name."""

    path: TablePath | None = None
    """A folder or a file, or a pattern such as ``raw/*.csv``; may hold variables, ``${LAKE}``. With ``format``."""
    format: Literal["delta", "parquet", "csv", "json", "orc"] | None = None
    """What the files at ``path`` are."""
    table: NotBlank | None = None
    """A table by its name in the metastore, in place of ``path`` and ``format``."""
    options: dict[str, str] = Field(default={})
    """Of the reader, such as ``header`` and ``sep`` of CSV: docs/sources.md. Others than those there are refused."""
    schema_: Annotated[NotBlank | None, Field(alias="schema")] = None
    """Columns and types of CSV and JSON as DDL: ``id STRING, born DATE, amount DECIMAL(10,2)``. What does not fit its
    type stops the run."""
    partitions: dict[NotBlank, PartitionType] = Field(default={})
    """The types of columns that are folders (``cust=7``); they are text where none is stated."""
    personal_paths: Accepted | None = None
    """Consent to a source whose paths hold values of personal columns."""
    treated_again: Accepted | None = None
    """Consent to a source that is itself treated."""

    @field_validator("options")
    @classmethod
    def _in_one_spelling(cls, options: dict[str, str], given: ValidationInfo) -> dict[str, str]:
        return reader_options.normalized(given.data.get("format") or reader_options.TABLE, options)

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected either 'path' and 'format', or 'table'")
        if (self.path is None) != (self.format is None):
            raise ValueError("expected 'format' with 'path', and without it none")
        if self.schema_ is not None and self.format not in ("csv", "json"):
            raise ValueError("expected 'schema' for csv and json only; other sources have their own")
        if self.partitions and self.format in (None, "delta"):
            raise ValueError("expected 'partitions' for files only; a Delta table or one by name has its own types")
        return self

    @property
    def kind(self) -> str:
        """Its format, or `reader_options.TABLE`."""
        return self.format or reader_options.TABLE

    def describe(self) -> str:
        """For logs: format and place, without what a URI may hold before its host."""
        return self.table or f"{self.format}:{without_user(str(self.path))}"
