"""What was found, as lines of a catalog entry for a person to accept: no value of the table, and counts by their share.

Every ``why`` is empty, so that no job takes the lines before somebody has said why (as `jobs.drafting.draft`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from jobs.configuration import yaml_writer
from jobs.configuration.column_path import Field
from jobs.console.shown import shown
from jobs.risk_search.search import Found
from jobs.risk_search.wish import Wish

NO_PATHS: Mapping[str, str] = MappingProxyType({})
FEW = 10
HEADER = """\
# Found by a search over {nodes:,} tables ({checks:,} of them counted, {roll_ups:,} of these from others), not yet
# accepted: it reaches {asked},
# and of all tables that do it has the least {measure}: {loss:.4g}.
# Beside that: {others}.
# {left_out}
# Read each line, mend what is wrong, say why, and move the lines under 'columns:' of the entry.
"""
NONE_LEFT_OUT = "No row has to be left out."
LEFT_OUT = "{share} of the rows ({rows}) miss it by their classes: leave them out, or the table misses it too."
SUPPRESS = "# 'suppress' stands beside 'columns:': rows in classes of fewer than {k} are kept out of the table.\n"


def text(found: Found, paths: Mapping[str, str] = NO_PATHS) -> str:
    """The lines. Numbers in them are levels and what ladders state: none is of the table, but for how many rows there
    are to leave out, where these are ten or more. paths: by column its path in the entry, where it is not its name."""
    head = HEADER.format(
        nodes=found.nodes,
        checks=found.checks,
        asked=asked(found.wish),
        measure=words(found.measure),
        roll_ups=found.roll_ups,
        loss=found.best.loss,
        others=", ".join(f"{words(name)} {loss:.4g}" for name, loss in found.losses.items() if name != found.measure),
        left_out=_left_out(found),
    )
    columns = [
        _column(paths.get(name, str(Field(name))), found.levels[name], len(steps.rungs), found.rungs[name].as_entry)
        for name, steps in zip(found.levels, found.space.columns, strict=True)
    ]
    return head + _suppress(found) + "".join(columns)


def words(measure: str) -> str:
    return measure.replace("_", " ")


def asked(wish: Wish) -> str:
    """``k = 10, l = 2 (diagnosis), t = 0.5 (diagnosis)``."""
    return ", ".join(_asked(wish))


def _asked(wish: Wish) -> Iterator[str]:
    yield f"k = {wish.k}"
    given: Mapping[str, Mapping[str, float]] = {"l": wish.l, "entropy l": wish.entropy_l, "t": wish.t}
    for name, limits in given.items():
        yield from (f"{name} = {limit:g} ({shown(column)})" for column, limit in limits.items())


def _left_out(found: Found) -> str:
    rows = round(found.best.suppressed * found.space.table.rows)
    if not rows:
        return NONE_LEFT_OUT
    if rows < FEW:
        return LEFT_OUT.format(share="A small part", rows=f"< {FEW}")
    return LEFT_OUT.format(share=f"{found.best.suppressed:.2%}", rows=f"{rows:,}")


def _suppress(found: Found) -> str:
    """What keeps rows out that miss k, down to where columns begin; nothing where no row has to be."""
    wish = found.wish
    if not found.best.suppressed or wish.k < 2:
        return ""
    stated = yaml_writer.dump({"suppress": {"k": wish.k, "at_most": wish.suppressed}})
    return f"{SUPPRESS.format(k=wish.k)}{stated}columns:\n"


def _column(name: str, level: int, levels: int, treatment: Any) -> str:
    entry = {name: {"class": "quasi_identifier", "treatment": plain(treatment), "why": ""}}
    lines = yaml_writer.dump(entry).splitlines()
    return "".join(f"  {line}\n" for line in [f"# step {level} of {levels - 1}", *lines])


def plain(treatment: Any) -> Any:
    if isinstance(treatment, dict):
        return {name: plain(value) for name, value in treatment.items()}
    return [*map(plain, treatment)] if isinstance(treatment, tuple | list) else treatment
