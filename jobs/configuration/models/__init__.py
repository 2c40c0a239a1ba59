"""What the configuration says, as frozen models. `config.load` makes them from files; nothing else need.

`Source`, `Target`, `KeyEntry` and `Policy` are read as they stand. `TableEntry` and `ColumnEntry` are the text of a
catalog file; `TableConfig` and `ColumnRule` are what it means once paths, domains and techniques are resolved.
"""

from __future__ import annotations

from jobs.configuration.models.decided import ColumnDecision, ColumnRule, Domain, TableConfig, Treatment
from jobs.configuration.models.key_entry import KeyEntry, ReversalKey
from jobs.configuration.models.policy import Policy
from jobs.configuration.models.source import Accepted, PartitionType, Source
from jobs.configuration.models.table_entry import (
    MOST_CASES,
    CaseEntry,
    Cases,
    ColumnEntry,
    Execution,
    OnRefused,
    TableEntry,
)
from jobs.configuration.models.target import ADDING, Mode, Quarantine, RowOrder, Target

__all__ = [
    "ADDING",
    "MOST_CASES",
    "Accepted",
    "CaseEntry",
    "Cases",
    "ColumnDecision",
    "ColumnEntry",
    "ColumnRule",
    "Domain",
    "Execution",
    "KeyEntry",
    "Mode",
    "OnRefused",
    "PartitionType",
    "Policy",
    "Quarantine",
    "ReversalKey",
    "RowOrder",
    "Source",
    "TableConfig",
    "TableEntry",
    "Target",
    "Treatment",
]
