"""What ``grants.yaml`` says: who sees what of each class of column, for statements that a platform then holds to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from jobs.configuration.entry import PATTERNS, TABLE_PATTERN, Class, Entry, NotBlank
from jobs.configuration.made_for import MadeFor
from jobs.configuration.sql_types import canonical

Sees = Literal["clear", "pseudonym", "aggregate", "denied"]
"""The value of the source; what stands in its place in the treated table; only counts of many people; nothing."""
Reads = Literal["target", "source"]
ROLE_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
PATTERNS[ROLE_PATTERN] = "a role's name of small letters, digits and '_', such as analysts"
DATABASE_PATTERN = r"^\w+(\.\w+)?$"
PATTERNS[DATABASE_PATTERN] = "a database's name, such as treated, or main.treated"
CATALOG_PATTERN = r"^\w+$"
PATTERNS[CATALOG_PATTERN] = "a name of letters, digits and '_'"
SERVICE_PATTERN = r"^[A-Za-z0-9_-]{1,100}$"
PATTERNS[SERVICE_PATTERN] = "a name of letters, digits, '_' and '-'"
MOST_TEXTS = 1000

Table = Annotated[str, Field(pattern=TABLE_PATTERN)]
Database = Annotated[str, Field(pattern=DATABASE_PATTERN)]
RoleName = Annotated[str, Field(pattern=ROLE_PATTERN)]


def _seen(name: str) -> str:
    if not name.isprintable() or len(name) > 255:
        raise ValueError("expected a name of which every character can be seen, of 255 at most")
    return name


Group = Annotated[NotBlank, AfterValidator(_seen)]


class Databases(Entry):
    """Where tables have their names: of sources and of targets each the last part of the table's name in the catalog;
    and in which the views are made."""

    source: Database | None = None
    target: Database | None = None
    views: Database = "grants"


class Named(Entry):
    """What a table's source and target are called, where that is not as `Databases` says."""

    source: Table | None = None
    target: Table | None = None


class RowsOf(Entry):
    """Which rows of a table a role sees: those in which a column, as text, is one of some. Null is none of them."""

    column: NotBlank
    among: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=MOST_TEXTS)]


class Role(Entry):
    """Who it is, and what it sees.

    groups: of the platform; one that is called like the role if left out. reads: the treated tables, or their sources.
    sees: of each class. tables: all of the catalog if left out. rows: of some tables. made_for: then it sees the tables
    that are made for this recipient or purpose, and no others. why: what a reader of the grants is to know.
    """

    groups: Annotated[tuple[Group, ...], Field(strict=False)] = ()
    reads: Reads = "target"
    sees: dict[Class, Sees]
    tables: Annotated[tuple[Table, ...] | None, Field(strict=False, min_length=1)] = None
    rows: dict[Table, RowsOf] = Field(default={})
    made_for: MadeFor | None = None
    why: NotBlank | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Role:
        counted = [name for name, sees in self.sees.items() if sees == "aggregate" and name != "quasi_identifier"]
        if counted:
            raise ValueError(f"{counted[0]}: expected 'aggregate' of quasi_identifier only: groups are made of these")
        if self.reads == "source" and "pseudonym" in self.sees.values():
            raise ValueError(
                "expected no 'pseudonym' with 'reads: source': the source holds none; make two roles of it"
            )
        if self.counts and self.rows:
            raise ValueError("expected no 'rows' with 'aggregate': counts are of all rows; make two roles of it")
        if self.reads == "source" and self.made_for is not None:
            raise ValueError("expected no 'made_for' with 'reads: source': nothing of a source is made for somebody")
        return self

    @property
    def counts(self) -> bool:
        """Whether it sees counts."""
        return "aggregate" in self.sees.values()

    def of(self, class_: str) -> Sees:
        """What it sees of a class: nothing where that is not said."""
        stated: Mapping[str, Sees] = {str(name): sees for name, sees in self.sees.items()}
        return stated.get(class_, "denied")


SqlType = Annotated[NotBlank, AfterValidator(canonical)]


class Types(Entry):
    """The types of columns with structs or maps in them, by their names, in the source and in the target."""

    source: dict[NotBlank, SqlType] = Field(default={})
    target: dict[NotBlank, SqlType] = Field(default={})


class Unity(Entry):
    """How Unity Catalog is told. catalog: before names of two parts. functions: the schema of the functions that mask.
    by: masks on columns, or policies by the tags of jobs/catalog_tags.py. owners: the group that sees all: whoever
    treats tables and refreshes the counts. types: by table, of columns that a mask has to know the type of."""

    catalog_name: Annotated[str, Field(alias="catalog", pattern=CATALOG_PATTERN)] = "main"
    functions: Database = "privacy"
    by: Literal["columns", "tags"] = "columns"
    owners: Group
    types: dict[Table, Types] = Field(default={})

    def whole(self, name: str) -> str:
        """A name of three parts, for one of two."""
        return f"{self.catalog_name}.{name}" if name.count(".") == 1 else name


class Ranger(Entry):
    """How Ranger is told. service: the name of its service for Hive. owners: the group that sees all."""

    service: Annotated[str, Field(pattern=SERVICE_PATTERN)]
    owners: Group


Denied = Annotated[
    Literal["absent", "null"],
    BeforeValidator(
        lambda word: "null" if word is None else word, json_schema_input_type=Literal["absent", "null"] | None
    ),
]
"""In YAML an unquoted null is no text."""
Grouping = Annotated[tuple[NotBlank, ...], Field(strict=False, min_length=1)]


class Grants(Entry):
    """Roles and what each sees. denied: whether what a role does not see is left out of its views, or null there.
    aggregates: by table, the columns of each view of counts, which are the same for all roles. row_per_person: of these
    tables, the ones without a subject in which no person has two rows."""

    databases: Databases = Databases()
    names: dict[Table, Named] = Field(default={})
    denied: Denied = "absent"
    aggregates: dict[Table, Annotated[tuple[Grouping, ...], Field(strict=False, min_length=1)]] = Field(default={})
    row_per_person: Annotated[tuple[Table, ...], Field(strict=False)] = ()
    unity: Unity | None = None
    ranger: Ranger | None = None
    roles: Annotated[dict[RoleName, Role], Field(min_length=1)]

    def groups_of(self, role: str) -> tuple[str, ...]:
        """Of the platform, each once, in order."""
        return tuple(sorted(set(self.roles[role].groups))) or (role,)
