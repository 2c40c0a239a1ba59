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
    """What is asked of the rows of a treated table before they are visible; a measure that is left out is not.

    k: so many people, or rows, have the same quasi-identifiers. l: so many different values of each sensitive column
    are among them. t: the farthest that these may be spread from those of the whole table. at_risk: the share of
    people, or rows, whose risk may be above 0.2: with fewer than five alike.
    """

    k: Annotated[int, Field(ge=1, le=WIDEST)] | None = None
    l: Annotated[int, Field(ge=1, le=WIDEST)] | None = None  # noqa: E741 - l-diversity is called so
    t: Share | None = None
    at_risk: Share | None = None

    def stated(self) -> dict[str, float]:
        """Those that are stated, by their measures."""
        given = {name: getattr(self, name) for name in ALWAYS}
        return {name: bound for name, bound in given.items() if bound is not None}


class Suppress(Entry):
    """Which rows of a treated table are kept out of it: those that fewer than k people, or rows, are alike in, by all
    quasi-identifiers. at_most: the share of the rows that may be; with more the run stops."""

    k: Annotated[int, Field(ge=2, le=WIDEST)]
    at_most: Annotated[float, Field(gt=0, le=1, strict=False)] = 0.05


class Mondrian(Entry):
    """Into which boxes the quasi-identifiers of a treated table are cut. k, l, t: what each box reaches, as
    `RiskBounds` has them; l and t of each sensitive column. ladders: of columns of text, by what a box's values are
    told, in the words of ``--ladder``."""

    k: Annotated[int, Field(ge=2, le=WIDEST)]
    l: Annotated[int, Field(ge=1, le=WIDEST)] | None = None  # noqa: E741 - l-diversity is called so
    t: Share | None = None
    ladders: dict[str, str] = Field(default={})

    def bounds(self) -> dict[str, float]:
        """What is asked of each box, by measure."""
        given = {"k": self.k, "l": self.l, "t": self.t}
        return {name: bound for name, bound in given.items() if bound is not None}

    def as_record(self) -> dict[str, Any]:
        """What a treatment record says of it."""
        return {**self.bounds(), **({"ladders": dict(self.ladders)} if self.ladders else {})}


class PolicyRisk(RiskBounds):
    """What the policy asks of every table. laxer_for: the tables whose entries may ask for less."""

    laxer_for: Annotated[tuple[Annotated[str, Field(pattern=TABLE_PATTERN)], ...], Field(strict=False)] = ()
