"""The search in a notebook, as ``risk.exploring``: ladders, counts, the tables that they give, catalog lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import DataFrame

from jobs.risk_search import class_table, search, stated, suggestion
from jobs.risk_search.class_table import ClassTable
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.loss_names import LOSSES
from jobs.risk_search.search import Found, Way
from jobs.risk_search.wish import Wish


def ladders(conf_dir: str | Path = "conf", /, **stated_as: str) -> dict[str, Ladder]:
    """Column -> what may be done to it: ``ladders("conf", zip="prefix:2,1", country="hierarchies/countries.csv")``."""
    return {column: stated.ladder(text, Path(conf_dir)) for column, text in stated_as.items()}


def counted(rows: DataFrame, quasi_identifiers: Sequence[str]) -> ClassTable:
    """The combinations of values, counted once by Spark; no row is read from then on."""
    return class_table.count(rows, quasi_identifiers)


def found(
    table: ClassTable,
    by_column: Mapping[str, Ladder],
    k: int,
    suppressed: float = 0.0,
    loss: str = LOSSES[0],
    way: Way = "paths",
) -> Found:
    """The least generalization with k people in each class, but for a share of them. way: ``exhaustive`` looks at every
    table. Raises `NotReached`."""
    return search.search(table, by_column, Wish(k=k, suppressed=suppressed), loss, way)


def lines(best: Found, **paths: str) -> str:
    """The lines for the catalog. paths: of columns that have other names there, ``zip="address.zip"``."""
    return suggestion.text(best, paths)
