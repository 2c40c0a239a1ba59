"""What the configuration says, as frozen models. `jobs.shared.config.load` makes them from files; nothing else need.

`Source`, `Target`, `KeyEntry` and `Policy` are read as they stand. `TableEntry` and `ColumnEntry` are the text of a
catalog file; `TableConfig` and `ColumnRule` are what it means once paths, domains and techniques are resolved.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from jobs.shared.column_path import ColumnPath
from jobs.shared.documents import NAME_PATTERN, did_you_mean, one_of
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME

NOT_BLANK = r"\S"
TABLE_PATTERN = r"^\w[\w.-]*$"
URI_PATTERN = r"^[a-z][a-z0-9+-]+:[^\s]+$"
PATTERNS = {
    NOT_BLANK: "text that is not blank",
    NAME_PATTERN: "a name of letters, digits, '_', '-' and '.'",
    TABLE_PATTERN: "a table's name, such as crm.customers",
    URI_PATTERN: "a URI such as 'file:keys/crm.json', and never key material itself",
}
"""What the patterns ask for, in words for messages."""

Class = Literal["direct_identifier", "quasi_identifier", "sensitive", "non_personal"]

NotBlank = Annotated[str, Field(pattern=NOT_BLANK)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Uri = Annotated[str, Field(pattern=URI_PATTERN)]
Names = Annotated[tuple[NotBlank, ...], Field(strict=False)]


def _technique_name(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(no_technique(name))
    return name


def no_technique(name: str) -> str:
    """What to say of a name that is no technique's."""
    return f"no technique is called {name!r}{did_you_mean(name, BY_NAME) or f'; expected {one_of(BY_NAME)}'}"


TechniqueName = Annotated[str, AfterValidator(_technique_name)]


class Entry(BaseModel):
    """What stands in a file: nothing is converted, and no key is unknown."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False, populate_by_name=True
    )


class Source(Entry):
    """Where a table is read from: files at a path in a format, or a table by name."""

    path: NotBlank | None = None
    format: Literal["delta", "parquet", "csv", "json", "orc"] | None = None
    table: NotBlank | None = None
    options: dict[str, str] = {}
    schema_: Annotated[NotBlank | None, Field(alias="schema")] = None
    """Columns and types as DDL, for csv and json."""

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected either 'path' and 'format', or 'table'")
        if (self.path is None) != (self.format is None):
            raise ValueError("expected 'format' with 'path', and without it none")
        if self.schema_ is not None and self.format not in ("csv", "json"):
            raise ValueError("expected 'schema' for csv and json only; other sources have their own")
        return self

    def describe(self) -> str:
        """For logs: format and place, without what a URI may hold before its host."""
        return self.table or f"{self.format}:{re.sub('//[^/@]*@', '//', str(self.path))}"


class Target(Entry):
    """Where a treated table is written: a Delta table by path or by name."""

    path: NotBlank | None = None
    table: NotBlank | None = None
    partition_by: Names = ()
    cluster_by: Names = ()
    properties: dict[str, str] = {}

    @field_validator("properties")
    @classmethod
    def _leaves_the_record_alone(cls, properties: dict[str, str]) -> dict[str, str]:
        if any(name.lower().startswith("privacy.") for name in properties):
            raise ValueError("properties that begin with 'privacy.' are the treatment record's")
        return properties

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        if (self.path is None) == (self.table is None):
            raise ValueError("expected exactly one of 'path' and 'table'")
        if self.partition_by and self.cluster_by:
            raise ValueError("expected 'partition_by' or 'cluster_by', not both")
        return self


class ColumnEntry(Entry):
    """The decision about one column, as written."""

    class_: Annotated[Class, Field(alias="class")]
    treatment: Any
    why: NotBlank


class TableEntry(Entry):
    """A catalog file, as written; its columns are each read as a `ColumnEntry`, so that a fault in one hides none."""

    table: Annotated[str, Field(pattern=TABLE_PATTERN)]
    owner: NotBlank
    source: Source
    target: Target
    subject: str | None = None
    columns: Annotated[dict[str, Any], Field(min_length=1)]


class KeyEntry(Entry):
    """Where a named keyset is. kek: the key that encrypts it. deliver: who resolves it."""

    keyset: Uri
    kek: Uri | None = None
    deliver: Literal["executor", "driver"] = "executor"


class ClassPolicy(Entry):
    """What may be done with columns of one class."""

    techniques: Annotated[tuple[TechniqueName, ...], Field(strict=False)]


class Policy(Entry):
    """Which techniques each class allows. A class that is not named allows none."""

    version: NotBlank
    classes: dict[Class, ClassPolicy]

    def allows(self, class_: str) -> tuple[str, ...]:
        """The names of the techniques for columns of a class."""
        found = {str(name): policy.techniques for name, policy in self.classes.items()}
        return found.get(class_, ())


@dataclasses.dataclass(frozen=True)
class Treatment:
    """A technique applied to a column. key: a name of keys.yaml. domain: None for the column's own."""

    technique: Technique
    key: str | None = None
    domain: str | None = None


@dataclasses.dataclass(frozen=True)
class Domain:
    """A named set of values that must share pseudonyms, and the one treatment that they share."""

    name: str
    treatment: Treatment
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class ColumnRule:
    """The decision about one leaf column. line: where it stands in the table's file."""

    class_: str
    treatment: Treatment
    why: str
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class TableConfig:
    """One table. columns: by the normal form of their paths. file: relative to the folder of the configuration."""

    name: str
    owner: str
    source: Source
    target: Target
    subject: ColumnPath | None
    columns: Mapping[str, ColumnRule]
    file: str = dataclasses.field(default="", compare=False)
