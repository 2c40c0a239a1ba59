"""What the sizes of classes say of re-identification, from a histogram of them.

El Emam, Dankar: Protecting Privacy Using k-Anonymity, JAMIA 2008, and El Emam: Guide to the De-Identification of
Personal Health Information, 2013, chapter 16, as ARX computes them. A prosecutor knows that somebody is in the table:
the risk of a row is 1 / f, f the size of its class. A journalist does not, and has 1 / F, F the size of the class in
the population. A marketer wants many: the share of rows that matching would get right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

THRESHOLD = 0.2
"""A row is at risk above this chance: in classes of fewer than five, as El Emam's guide and most agencies have it."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """classes: how many classes there are of each size. members: how many rows (or people) these have: size times
    classes, unless a null may stand for any value, where a row counts others alike that have another class."""

    classes: Mapping[int, int]
    members: Mapping[int, int]

    @classmethod
    def of(cls, counted: Iterable[tuple[int, int, int]]) -> Sizes:
        """counted: size, classes, members. A size may come several times, from several parts of the table."""
        classes: dict[int, int] = {}
        members: dict[int, int] = {}
        for size, many, inside in sorted(counted):
            classes[size] = classes.get(size, 0) + many
            members[size] = members.get(size, 0) + inside
        return cls(classes, members)

    def each(self) -> list[tuple[int, int, int]]:
        """Size, classes, members; the inverse of `of`."""
        return [(size, many, self.members[size]) for size, many in self.classes.items()]

    @property
    def rows(self) -> int:
        return sum(self.members.values())

    @property
    def k(self) -> int:
        """The smallest size of a class; 0 of an empty table."""
        return min(self.classes, default=0)

    @property
    def uniques(self) -> int:
        """Rows like no other."""
        return self.members.get(1, 0)

    def at_risk(self, threshold: float = THRESHOLD) -> int:
        """Rows whose risk is above the threshold."""
        return sum(many for size, many in self.members.items() if 1 / size > threshold)

    def as_data(self, threshold: float = THRESHOLD) -> dict[str, Any]:
        """From ``rows`` to ``prosecutor``. Shares of an empty table are 0."""
        rows = self.rows or 1
        prosecutor = {
            "highest": 1 / self.k if self.k else 0.0,
            "average": sum(many / size for size, many in self.members.items()) / rows,
            "at_risk": self.at_risk(threshold) / rows,
        }
        return {
            "rows": self.rows,
            "classes": sum(self.classes.values()),
            "k": self.k,
            "uniques": self.uniques,
            "histogram": dict(self.classes),
            "prosecutor": prosecutor,
        }
