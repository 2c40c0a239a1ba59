"""What an erasure did, and what still holds those whom it was of. No subject and no value stands in any of it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from jobs.lake.remains import Remains


@dataclasses.dataclass(frozen=True)
class Unsearched:
    """A table, or a column of it, in which nobody looked. place: the column's path, or the location; why: in words."""

    table: str
    place: str
    why: str


def both(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    return None if one is None or other is None else one | other


@dataclasses.dataclass(frozen=True)
class TableErased:
    """One Delta table. name: of the catalog entry; a source's has `source of ` before it. place: its location. before:
    the version that was looked at; after: that of the erasure's commit, the same where nothing was to be erased.
    files: that were written anew, or taken out whole. ids: numbers of those who were found, for the driver alone; None
    where somebody was found of whom nobody can say who it is."""

    name: str
    place: str
    before: int
    after: int
    rows_deleted: int
    elements_removed: int
    files: int
    remains: Sequence[Remains] = ()
    ids: frozenset[int] | None = dataclasses.field(default=frozenset(), repr=False, compare=False)

    @property
    def is_changed(self) -> bool:
        return self.after != self.before


@dataclasses.dataclass(frozen=True)
class Earlier:
    """What an erasure of the same subjects took out of a table that was killed, or failed, before it left a receipt: as
    the audit log tells it, so few rows are a text; None where Delta did not count them. before, after: versions."""

    run_id: str
    name: str
    place: str
    before: int
    after: int
    rows: int | str | None
    elements: int | str | None
    files: int


@dataclasses.dataclass(frozen=True)
class Erased:
    """An erasure, or a plan of one (then versions after are those before). domain: whose values were asked for.
    subjects: how many different ones. forced: older versions were purged at once. tokens, subject_keys: that were
    destroyed."""

    run_id: str
    moment: datetime.datetime
    domain: str
    subjects: int
    forced: bool
    tables: Sequence[TableErased]
    remains: Sequence[Remains] = ()
    """Beside those of tables."""
    unsearched: Sequence[Unsearched] = ()
    tokens: int = 0
    subject_keys: int = 0
    earlier: Sequence[Earlier] = ()
    nowhere: int | None = None
    """How many of the subjects were found in no table, and in no older version, of those that were looked into; None
    where nobody can say."""

    @property
    def all_remains(self) -> Sequence[tuple[str, Remains]]:
        """Each with the name of its table; empty where it is of none."""
        return [
            *((table.name, each) for table in self.tables for each in table.remains),
            *(("", each) for each in self.remains),
        ]

    @property
    def is_gone(self) -> bool:
        """Nothing is left, and everywhere was looked."""
        return not self.all_remains and not self.unsearched

    @property
    def until(self) -> datetime.date | None:
        """The day on which a further run takes the last of what it can; None where nothing waits for a day."""
        return max((each.until for _, each in self.all_remains if each.until is not None), default=None)

    @property
    def is_done(self) -> bool:
        """What is left goes by itself with a further run on its day: nothing is for people to do."""
        return not self.unsearched and all(each.until is not None for _, each in self.all_remains)
