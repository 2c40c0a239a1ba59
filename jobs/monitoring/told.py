"""Numbers as profiles tell them, as what they may be: 0 stands for 0 to 9, and nothing is made of which."""

from __future__ import annotations

import dataclasses

from jobs.risk_measures.report import SMALL


@dataclasses.dataclass(frozen=True)
class Told:
    """A number from ``least`` to ``most``."""

    least: float
    most: float

    @classmethod
    def of(cls, number: int) -> Told:
        return cls(number, number) if number else cls(0, SMALL - 1)

    def change(self, before: Told) -> float:
        """By how much, as a share of what it was, it is another number at the least; 0 where it may be the same."""
        if self.least > before.most:
            return self.least / before.most - 1 if before.most else float("inf")
        return self.most / before.least - 1 if self.most < before.least else 0.0

    def moved(self, before: Told) -> float:
        """How far it is from what it was, at the least."""
        return max(0.0, self.least - before.most, before.least - self.most)


def count(number: int) -> str:
    """A count of a profile, for people."""
    return str(number) if number else f"< {SMALL}"
