"""The command line of ``jobs/risk.py``: what may be asked, and which words do not go together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.command_line import arguments, flags

ESTIMATED = ("json", "by_rows")
MEASURED = (*ESTIMATED, "nulls", "population", "sampling_fraction", "attack", "column_sets", "frequency")
SEARCHED = ("k", "l", "t", "suppressed", "ladder", "loss", "mondrian")


def parser(doc: str | None, losses: Sequence[str]) -> argparse.ArgumentParser:
    """losses: what a search may make least; the first, unless another is asked for."""
    options = arguments.parser("risk", doc)
    arguments.tables(options)
    flags.JSON.on(options)
    options.add_argument("--by-rows", action="store_true", help="count rows, although people could be told apart")
    options.add_argument(
        "--nulls",
        choices=["equal", "any"],
        default="equal",
        help="what a null of a quasi-identifier is like: null alone, or any value (then it goes by rows alone)",
    )
    options.add_argument("--population", metavar="TABLE", help="a table of everybody, by name or path, for k-map")
    options.add_argument(
        "--sampling-fraction",
        type=flags.share,
        metavar="SHARE",
        help="the share of the population that is in the table",
    )
    options.add_argument(
        "--attack", metavar="TABLE", help="an outside table, by name or path: how many rows match one row of it"
    )
    options.add_argument(
        "--column-sets", type=flags.at_least_one, metavar="N", help="sets of up to N columns that single most rows out"
    )
    options.add_argument(
        "--frequency", action="store_true", help="how frequent the most frequent pseudonyms of each column are"
    )
    options.add_argument(
        "--estimate", action="store_true", help="count a sample of the classes, for tables too large to count them all"
    )
    options.add_argument(
        "--suggest", action="store_true", help="search what reaches the thresholds, in the source's rows"
    )
    more = options.add_argument_group("with --suggest")
    more.add_argument("--k", type=flags.at_least_one, help="rows or people alike, at least (default: the policy's)")
    more.add_argument("--l", type=flags.at_least_one, help="values of each sensitive column in a class, at least")
    more.add_argument("--t", type=flags.share, help="distance of a class's sensitive values from the table's, at most")
    more.add_argument(
        "--suppressed", type=flags.share, default=0.0, metavar="SHARE", help="of the rows that may miss it"
    )
    more.add_argument(
        "--ladder", type=_ladder, action="append", default=[], metavar="COLUMN=STEPS",
        help="what may be done to it, or how far sensitive values are apart: a CSV of levels, width:5,10, "
        "edges:0,18,65/0,65, prefix:3,2, unit:month,year",
    )  # fmt: skip
    more.add_argument(
        "--mondrian", action="store_true", help="boxes too, cut at medians, beside one level for each whole column"
    )
    more.add_argument("--loss", choices=losses, default=losses[0], help="what is to be least")
    return options


def _ladder(text: str) -> tuple[str, str]:
    name, sign, steps = text.partition("=")
    if not (name and sign and steps):
        raise argparse.ArgumentTypeError("expected COLUMN=STEPS, such as zip=prefix:3,2")
    return name, steps


def read(options: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for. Ends the process where words do not go together."""
    asked = options.parse_args(argv)

    def others(names: Sequence[str]) -> list[str]:
        return [name.replace("_", "-") for name in names if getattr(asked, name) != options.get_default(name)]

    not_estimated = [name for name in (*MEASURED, "suggest") if name not in ESTIMATED]
    for is_wrong, names, why in (
        (asked.suggest, [name for name in MEASURED if name != "json"], "does not go with --suggest"),
        (not asked.suggest, SEARCHED, "goes with --suggest"),
        (asked.estimate, not_estimated, "does not go with --estimate"),
    ):
        if is_wrong and others(names):
            options.error(f"--{others(names)[0]} {why}")
    if len({name for name, _ in asked.ladder}) < len(asked.ladder):
        options.error("--ladder: a column is named twice")
    return asked
