"""What loading ends with: a sound configuration, or every fault of every file."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from jobs.configuration import evidence_file
from jobs.configuration.audit_entry import Audit
from jobs.configuration.documents import Fault, Loc
from jobs.configuration.grants_entry import Grants
from jobs.configuration.lineage_entry import Lineage
from jobs.configuration.models import ColumnRule, Domain, KeyEntry, Policy, TableConfig
from jobs.configuration.processing_entry import Controller
from jobs.configuration.unaccepted import Unaccepted
from privacy_udfs.errors import BAD_USAGE, LakenymError


class ConfigError(LakenymError):
    """The configuration cannot be used. Holds every `Fault` of every file."""

    exit_code: ClassVar[int] = BAD_USAGE

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in the configuration"
        super().__init__("\n".join([count, *(f"  {fault}" for fault in faults)]))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


@dataclasses.dataclass(frozen=True)
class Config:
    """A sound configuration. written: each file's content as it stands, for snapshots. lines: file -> key -> line, of
    the files outside the catalog. lineage: where it goes; None: nowhere. controller: who answers for the processing;
    None: not stated. audit: the log of runs; None where there is none. grants: who sees what; None: not stated.
    drafts: of the catalog, not accepted yet; their tables are none of ``tables``. evidence: what the inventory saw, of
    all tables; None where it never wrote any."""

    tables: Mapping[str, TableConfig]
    domains: Mapping[str, Domain]
    keys: Mapping[str, KeyEntry]
    policy: Policy
    written: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    lines: Mapping[str, Mapping[Loc, int]] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    lineage: Lineage | None = dataclasses.field(default=None, compare=False)
    controller: Controller | None = dataclasses.field(default=None, compare=False)
    audit: Audit | None = None
    grants: Grants | None = dataclasses.field(default=None, compare=False)
    drafts: Sequence[Unaccepted] = dataclasses.field(default=(), compare=False)
    evidence: evidence_file.House | None = dataclasses.field(default=None, repr=False, compare=False)

    @functools.cached_property
    def of_kind(self) -> Mapping[str, Sequence[tuple[str, ColumnRule]]]:
        """Kind -> the columns, or their cases, that are stated to hold it, each by its table and its path."""
        found: dict[str, list[tuple[str, ColumnRule]]] = {}
        for table in self.tables.values():
            for path, rule in table.columns.items():
                if rule.kind is not None:
                    found.setdefault(rule.kind, []).append((f"{table.name}: {path}", rule))
        return found
