"""How far a treated table may single people out: what policy.yaml asks of every table, and an entry of its own; and
which rows an entry has kept out of it, or made alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from jobs.configuration.entry import TABLE_PATTERN, Entry

WIDEST = 1 << 16
Share = Annotated[float, Field(ge=0, le=1, strict=False)]
AT_LEAST, AT_MOST = {"k": 1, "l": 1}, {"t": 1.0, "at_risk": 1.0}
"""The measures, the more the better and the less the better, each with the bound that every table keeps."""
ALWAYS: Mapping[str, float] = {**AT_LEAST, **AT_MOST}
MEASURES_OF = {"quasi_identifier": ("k", "at_risk"), "sensitive": ("l", "t")}
"""By which columns a measure is taken, and so for which class of them the policy may bound it."""


class RiskBounds(Entry):
    """What is asked of the rows of a treated table before they are visible; a measure that is left out is not."""

    k: Annotated[int, Field(ge=1, le=WIDEST)] | None = None
    """So many people, or rows, have the same quasi-identifiers."""
    l: Annotated[int, Field(ge=1, le=WIDEST)] | None = None  # noqa: E741 - l-diversity is called so
    """So many different values of each sensitive column are among them."""
    t: Share | None = None
    """The farthest that these may be spread from those of the whole table."""
    at_risk: Share | None = None
    """The share of people, or rows, whose risk may be above 0.2: with fewer than five alike."""

    def stated(self) -> dict[str, float]:
        """Those that are stated, by their measures."""
        given = {name: getattr(self, name) for name in ALWAYS}
        return {name: bound for name, bound in given.items() if bound is not None}


class Suppress(Entry):
    """Which rows of a treated table are kept out of it: those that fewer than k people, or rows, are alike in, by all
    quasi-identifiers."""

    k: Annotated[int, Field(ge=2, le=WIDEST)]
    """How many people, or rows, must be alike."""
    at_most: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.05
    """The share of the rows that may be kept out; with more the run stops."""


class Mondrian(Entry):
    """Into which boxes the quasi-identifiers of a treated table are cut."""

    k: Annotated[int, Field(ge=2, le=WIDEST)]
    """How many people, or rows, each box holds at least."""
    l: Annotated[int, Field(ge=1, le=WIDEST)] | None = None  # noqa: E741 - l-diversity is called so
    """How many different values of each sensitive column each box holds at least."""
    t: Share | None = None
    """How far these may be spread at most from those of the whole table."""
    ladders: dict[str, str] = Field(default={})
    """Of columns of text, by what a box's values are told, in the words of ``--ladder``: docs/risk_search.md."""

    def bounds(self) -> dict[str, float]:
        """What is asked of each box, by measure."""
        given = {"k": self.k, "l": self.l, "t": self.t}
        return {name: bound for name, bound in given.items() if bound is not None}

    def as_record(self) -> dict[str, Any]:
        """What a treatment record says of it."""
        return {**self.bounds(), **({"ladders": dict(self.ladders)} if self.ladders else {})}


class PolicyRisk(RiskBounds):
    """What the policy asks of every table."""

    laxer_for: Annotated[tuple[Annotated[str, Field(pattern=TABLE_PATTERN)], ...], Field(strict=False)] = ()
    """The tables whose entries may ask for less."""
