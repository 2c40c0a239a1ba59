"""How well the inventory knows columns::

    python -m tests.helpers.labelled_columns [--half tune|unseen] [--named] [--wrong]

The columns are those of `tests.helpers.labelled_recipes`. Only with ``--named`` have they a telling name: without it,
the content alone has to tell.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jobs.configuration.column_path import ColumnPath
from jobs.detection import evidence, hints, kinds
from tests.helpers import labelled_recipes
from tests.helpers.labelled_recipes import Labelled

SETTINGS = evidence.Settings(salt=b"labelled")


class Result(NamedTuple):
    column: Labelled
    found: kinds.Kind
    evidence: evidence.Evidence


def judged(columns: Iterable[Labelled], named: bool = False) -> Iterator[Result]:
    """What the inventory says of each column."""
    for column in columns:
        type_ = {"string": "string", "int64": "bigint"}.get(str(column.values.type), str(column.values.type))
        seen = evidence.measure(column.values, SETTINGS).evidence(type_)
        given = hints.of(ColumnPath.parse(column.name)) if named else ()
        yield Result(column, kinds.decide(seen, given), seen)


def scores(results: list[Result]) -> dict[str, float]:
    """recall and precision of the class direct_identifier; exact: the share of its columns whose kind is right too."""
    direct = [result for result in results if result.column.direct]
    said = [result for result in results if result.found.class_ == "direct_identifier"]
    right = [result for result in said if result.column.direct]
    exact = [result for result in right if result.found.name == result.column.truth]
    return {
        "columns": len(results),
        "direct": len(direct),
        "recall": len(right) / len(direct),
        "precision": len(right) / len(said),
        "exact": len(exact) / len(direct),
    }


def table(results: list[Result]) -> list[str]:
    """Lines of Markdown: per kind how many columns there are, and what was said of them."""
    lines = ["| truth | columns | kind found | direct identifier found | said instead |", "|---|---:|---:|---:|---|"]
    for truth in sorted({str(result.column.truth) for result in results}):
        group = [result for result in results if str(result.column.truth) == truth]
        exact = sum(result.found.name == truth for result in group)
        direct = sum(result.found.class_ == "direct_identifier" for result in group)
        other = Counter(result.found.name for result in group if result.found.name != truth)
        said = ", ".join(f"{name} {count}" for name, count in other.most_common(5))
        lines.append(f"| {truth.replace('None', 'a look-alike')} | {len(group)} | {exact} | {direct} | {said} |")
    return lines


def main() -> None:
    options = argparse.ArgumentParser("tests.helpers.labelled_columns", description=__doc__)
    options.add_argument("--half", choices=("tune", "unseen"))
    options.add_argument("--named", action="store_true", help="columns have telling names")
    options.add_argument("--wrong", action="store_true", help="list the columns that were judged wrong")
    asked = options.parse_args()
    results = list(judged(labelled_recipes.columns(asked.half), asked.named))
    print(json.dumps({name: round(value, 3) for name, value in scores(results).items()}))
    print("\n".join(table(results)))
    for result in results if asked.wrong else ():
        if result.column.direct != (result.found.class_ == "direct_identifier"):
            match = {k: v for k, v in result.evidence.as_data()["match"].items() if not k.startswith("date:")}
            print(f"{result.column.label}: {result.found.name} {match}")


if __name__ == "__main__":
    main()
