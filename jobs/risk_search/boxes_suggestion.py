"""Boxes beside the least full-domain generalization: lines of an entry for a person to accept, and what both lose.

The boxes are cut by the ladders of the search, as far as they are of text, and reach the same; no row is left out.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jobs.configuration import ladder_steps, yaml_writer
from jobs.configuration.column_path import Field
from jobs.console.exit_codes import BadUsage
from jobs.console.text_table import table_lines
from jobs.risk_search import box_losses, mondrian, suggestion
from jobs.risk_search.ladders import GONE, Ladder
from jobs.risk_search.mondrian import Boxes
from jobs.risk_search.search import Found

SMALL, DIGITS = 10, 4
NONE_STATED: Mapping[str, str] = MappingProxyType({})
HEADER = """\
# Boxes (Mondrian) reach it too, not yet accepted; no row is left out: {boxes} boxes of {size:.4g} rows on average.
# What is lost (docs/risk_search.md), by them and by the least full-domain generalization:
{table}
# Read each line, mend what is wrong, and move them beside 'columns:' of the entry, where the quasi-identifiers may then
# stay as they are. A run cuts the boxes by its own rows, after every column is treated, and reaches the same or stops.
"""


@dataclasses.dataclass(frozen=True)
class Boxed:
    """entry: what stands in the table's entry then. losses: of the boxes, by measure."""

    found: Found
    boxes: Boxes
    entry: Mapping[str, Any]
    losses: Mapping[str, float]

    @functools.cached_property
    def hides(self) -> bool:
        """Whether the boxes of some size have fewer than ten rows together, which number and average would tell."""
        sizes = Counter(self.boxes.rows.tolist())
        return any(size * many < SMALL for size, many in sizes.items())

    @property
    def many(self) -> int | str:
        """How many boxes, as it may be told."""
        many = len(self.boxes.rows)
        return f"< {SMALL}" if many < SMALL else many // SMALL * SMALL if self.hides else many

    def told(self, number: float) -> float:
        return float(f"{number:.{1 if self.hides else DIGITS}g}")

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        full_domain = {name: float(f"{lost:.{DIGITS}g}") for name, lost in self.found.losses.items()}
        own, size = {name: self.told(lost) for name, lost in self.losses.items()}, self.boxes.average_class_size
        return {
            "entry": dict(self.entry),
            "boxes": self.many,
            "average_class_size": self.told(size),
            "losses": own,
            "full_domain_losses": full_domain,
        }


def boxed(found: Found, stated: Mapping[str, str] = NONE_STATED) -> Boxed:
    """The boxes of the table that was searched. stated: ladders as a person gave them, by column. Raises `NotReached`,
    and `BadUsage` where every row may stand alone."""
    wish = found.wish
    if wish.k < 2:
        raise BadUsage("--mondrian: expected --k of 2 or more")
    texts = [steps for steps in found.space.columns if not mondrian.is_ordered(steps)]
    between = {steps.quasi.name: tuple(rung for rung in steps.rungs[1:] if rung is not GONE) for steps in texts}
    by_column = {name: Ladder(rungs) for name, rungs in between.items() if rungs}
    boxes = mondrian.cut(found.space.table, by_column, wish)
    words = {name: _words(name, ladder, stated) for name, ladder in by_column.items()}
    bounds = {name: next(iter(limits.values())) for name, limits in (("l", wish.l), ("t", wish.t)) if limits}
    told = {"ladders": {str(Field(name)): text for name, text in words.items() if text is not None}}
    entry = {"mondrian": {"k": wish.k, **bounds, **(told if told["ladders"] else {})}}
    return Boxed(found, boxes, entry, box_losses.of(boxes, by_column))


def _words(name: str, ladder: Ladder, stated: Mapping[str, str]) -> str | None:
    """What a person gave; of what was chosen by type the same in words."""
    return stated[name] if name in stated else ladder_steps.text([rung.treatment for rung in ladder.between])


def text(made: Boxed) -> str:
    """The lines. Numbers in them are as those of `suggestion.text`: none is a value of the table."""
    rows = [
        (suggestion.words(name), f"{made.told(lost):.4g}", f"{made.found.losses[name]:.4g}")
        for name, lost in made.losses.items()
    ]
    lines = table_lines(("loss", "boxes", "full domain"), rows, fit=False)
    head = HEADER.format(
        boxes=f"{made.many:,}" if isinstance(made.many, int) else made.many,
        size=made.told(made.boxes.average_class_size),
        table="\n".join(f"#   {line}" for line in lines),
    )
    return head + yaml_writer.dump(dict(made.entry))
