"""What the population says of the risk: the journalist's and the marketer's chance, k-map, delta-presence.

The size F of a class in the population comes from a table of everybody (El Emam, Dankar 2008), or from weights, which
say how many people each row stands for (their sum, as sdcMicro estimates it). It is never less than the class has in
the table itself: whoever is in the table is in the population, though the other table may lack them.
k-map: Sweeney 2002; the smallest F. delta-presence: Nergiz, Atzori, Clifton: Hiding the Presence of Individuals from
Shared Databases, SIGMOD 2007; the least and the greatest share of a class of the population that is in the table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.console.exit_codes import BadUsage
from jobs.console.numbers import many
from jobs.risk_measures import summaries
from jobs.risk_measures.class_stream import OWN
from jobs.risk_measures.frames import ID, WEIGHT
from jobs.risk_measures.sizes import Sizes
from jobs.risk_measures.summaries import SIZE

WHOLE = "whole"


@dataclasses.dataclass(frozen=True)
class Journalist:
    """outside: what only the population tells: a table of it, or weights, by which no more than ``k_map`` is known."""

    highest: float
    average: float
    at_risk: float
    marketer: float
    outside: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, sizes: Sizes, threshold: float) -> Journalist:
        """Where nothing is known of the population but the table itself: a journalist's risk is a prosecutor's."""
        found = sizes.as_data(threshold)["prosecutor"]
        return cls(found["highest"], found["average"], found["at_risk"], found["average"])

    def as_data(self) -> dict[str, float]:
        return {"highest": self.highest, "average": self.average, "at_risk": self.at_risk}


def checked(rows: DataFrame) -> DataFrame:
    """Rows with their weights as numbers. Raises `BadUsage` where one is null or below 1: a row stands for itself."""
    weighted = rows.withColumn(WEIGHT, F.col(WEIGHT).cast("double"))
    sound = F.coalesce((F.col(WEIGHT) >= 1) & (F.col(WEIGHT) < float("inf")), F.lit(False))
    wrong = weighted.where(~sound).count()
    if wrong:
        raise BadUsage(
            f"weights: expected numbers from 1 on, how many people a row stands for; {many(wrong, 'row')} without one"
        )
    return weighted


def weighted(units: DataFrame, threshold: float) -> tuple[Sizes, Journalist]:
    """By weights of rows, or of people."""
    counted = units.groupBy(*ID).agg(F.count(F.lit(1)).alias(SIZE), F.sum(WEIGHT).alias(WHOLE))
    sizes, journalist, row = _measured(counted, threshold, {})
    least = row["smallest"] or 0.0
    return sizes, dataclasses.replace(journalist, outside={"k_map": int(least) if least == int(least) else least})


def against(units: DataFrame, population: DataFrame, threshold: float) -> tuple[Sizes, Journalist]:
    """By a table of the population, with fingerprints of the same columns."""
    sample = units.groupBy(*ID).agg(F.count(F.lit(1)).alias(SIZE))
    everybody = population.groupBy(*ID).agg(F.count(F.lit(1)).alias("found"))
    joined = sample.join(everybody, [*ID], "full")
    zero = F.lit(0)
    own, found = F.coalesce(SIZE, zero), F.coalesce("found", zero)
    counted = joined.select(own.alias(SIZE), F.greatest(own, found).alias(WHOLE), (own - found).alias("lacking"))
    present = F.col(SIZE) / F.col(WHOLE)
    more = {
        "least": F.min(present),
        "most": F.max(present),
        "lacking": F.sum(F.greatest("lacking", zero)),
    }
    sizes, journalist, row = _measured(counted, threshold, more)
    outside = {
        "k_map": int(row["smallest"] or 0),
        "delta_presence": [row["least"] or 0.0, row["most"] or 0.0],
        "not_in_population": int(row["lacking"] or 0),
    }
    return sizes, dataclasses.replace(journalist, outside=outside)


def _measured(counted: DataFrame, threshold: float, more: Mapping[str, Column]) -> tuple[Sizes, Journalist, Row]:
    """counted: a row a class: its size in the table, 0 where it is in the population alone, and in the population."""
    here, size, whole = F.col(SIZE) > 0, F.col(SIZE), F.col(WHOLE).cast("double")
    measures = {
        "smallest": F.min(F.when(here, whole)),
        "matched": F.sum(F.when(here, size / whole)),
        "everybody": F.sum(F.when(here, whole)),
        "risky": F.sum(F.when(here & (1 / whole > threshold), size)),
        **more,
    }
    row = counted.agg(*(each.alias(name) for name, each in measures.items())).collect()[0]
    sizes = summaries.counted(counted.where(here).select(SIZE, size.alias(OWN)))
    rows = sizes.rows or 1
    average = (row["matched"] or 0.0) / rows
    classes = sum(sizes.classes.values()) / (row["everybody"] or 1.0)
    highest = 1 / row["smallest"] if row["smallest"] else 0.0
    return sizes, Journalist(highest, max(classes, average), (row["risky"] or 0) / rows, average), row


def check_types(rows: DataFrame, population: DataFrame) -> None:
    """Raise `BadUsage` where quasi-identifiers of the two tables have other types: what would match is not said."""
    for at, (one, other) in enumerate(zip(rows.schema.fields, population.schema.fields, strict=False)):
        if one.name.startswith("k") and one.dataType != other.dataType:
            kinds = f"{one.dataType.simpleString()} and {other.dataType.simpleString()}"
            raise BadUsage(f"population: quasi-identifier {at + 1} has another type there: {kinds}")
