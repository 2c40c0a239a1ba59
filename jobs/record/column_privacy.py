"""What a treated table says of one leaf column."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.record.column_record import ColumnRecord


@dataclasses.dataclass(frozen=True)
class ColumnPrivacy:
    """What a table says of one leaf column.

    record: what was done to it; None where rows are treated differently, or where nobody decided.
    cases: where rows are treated differently, what it says of each case, of which ``rows`` is the predicate.
    fault: why what it says cannot be believed; then it counts as undecided. kind: the type of what stands there, where
    that is known.
    """

    path: str
    record: ColumnRecord | None = None
    cases: tuple[ColumnPrivacy, ...] = ()
    fault: str | None = None
    kind: T.DataType | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def records(self) -> tuple[ColumnRecord, ...]:
        """What was done to it: one record, or one for each case; none where nobody decided."""
        return tuple(each.record for each in self.cases or (self,) if each.record is not None)

    @property
    def class_(self) -> str | None:
        """None where nobody decided. All cases of a column have the same."""
        return self.records[0].class_ if self.records else None

    # what follows is None where nobody decided, and where there are cases

    @property
    def technique(self) -> str | None:
        return None if self.record is None else self.record.technique

    @property
    def parameters(self) -> Mapping[str, Any] | None:
        return None if self.record is None else self.record.parameters

    @property
    def domain(self) -> str | None:
        return None if self.record is None else self.record.domain

    @property
    def scope(self) -> str | None:
        """How far its pseudonyms join: `privacy_udfs.scope_labels.SCOPES`."""
        return None if self.record is None else self.record.scope

    @property
    def key(self) -> str | None:
        return None if self.record is None else self.record.key

    @property
    def key_id(self) -> int | None:
        return None if self.record is None else self.record.key_id

    @property
    def key_check(self) -> str | None:
        return None if self.record is None else self.record.key_check

    @property
    def rows(self) -> str | None:
        return None if self.record is None else self.record.rows

    @property
    def is_decided(self) -> bool:
        return bool(self.records)

    @property
    def is_raw(self) -> bool:
        """Whether the column shows the values of the source: kept, if only in some rows, or undecided."""
        return not self.records or any(record.is_raw for record in self.records)

    @property
    def leaves_values(self) -> bool:
        """Whether it shows values of the source, or may within others."""
        return not self.records or any(record.leaves_values for record in self.records)
