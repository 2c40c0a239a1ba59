"""Estimates by a sample of classes: near what is counted, within their stated errors, the same however rows lie."""

from __future__ import annotations

import math

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import risk
from jobs.configuration.policy_entries import Thresholds
from jobs.console.exit_codes import BadUsage
from jobs.risk_measures import estimate as estimating
from jobs.risk_measures.estimate import MOST_PEOPLE, Estimate
from jobs.risk_measures.estimate_report import Estimated, missed, open_questions
from jobs.risk_measures.sizes import Sizes

ROWS, SAMPLE = 160_000, 20_000
SPREADS = {
    "all unique": ["id"],
    "none unique": ["pair"],
    "a third of the rows": ["third"],
    "Zipf": ["zipf"],
    "nulls in two columns": ["maybe", "other"],
}
CHEAP = ("Zipf", "nulls in two columns")
EXPRESSIONS = (
    "id",
    "id div 2 as pair",
    "if(id < 48000, id, -(id div 4)) as third",  # 48,000 classes of one row, 28,000 of four
    "floor(exp(ln(1e6) * pmod(xxhash64(id, 7), 1000003) / 1000003)) as zipf",  # j with a chance of 1 / (j ln 10^6)
    "if(id % 3 = 0, null, id div 5) as maybe",
    "if(id % 7 = 0, null, cast(id % 3 as string)) as other",
)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    return spark.range(ROWS).selectExpr(*EXPRESSIONS).cache()


@pytest.mark.parametrize(
    "columns",
    [pytest.param(of, id=name, marks=() if name in CHEAP else pytest.mark.sweep) for name, of in SPREADS.items()],
)
def test_within_two_hundredths_of_what_is_counted(rows: DataFrame, columns: list[str]) -> None:
    exact = risk.measure(rows, quasi_identifiers=columns).to_dict()
    found = estimating.estimate(rows, columns, sample=SAMPLE).to_dict()
    few = sum(many for size, many in exact["histogram"].items() if size < 5)
    assert not found["exact"]
    assert SAMPLE <= found["sampled_classes"] <= 1.3 * SAMPLE
    assert found["rows"] == ROWS
    assert found["classes"] == pytest.approx(exact["classes"], rel=0.02)
    for name, wanted, error in (
        ("unique_classes", exact["uniques"] / exact["classes"], "class_share_error"),
        ("classes_at_risk", few / exact["classes"], "class_share_error"),
        ("unique_rows", exact["uniques"] / ROWS, "unique_rows_error"),
        ("at_risk", exact["prosecutor"]["at_risk"], "at_risk_error"),
    ):
        assert found[name] == pytest.approx(wanted, abs=0.02), name
        assert abs(found[name] - wanted) <= found[error] < 0.08, name
    assert exact["k"] <= found["k_at_most"] <= 5


def test_the_same_however_rows_lie(rows: DataFrame) -> None:
    found = [estimating.estimate(rows.repartition(many), ["zipf", "other"], sample=5000) for many in (1, 2, 4)]
    assert found[0].share < 1
    assert found[0] == found[1] == found[2]


def test_all_is_counted_where_classes_are_few(rows: DataFrame) -> None:
    found = estimating.estimate(rows, ["third"])
    assert found.sample.classes == {1: 48_000, 4: 28_000}
    assert found.to_dict() == {
        **{"rows": ROWS, "exact": True, "sampled_classes": 76_000, "classes": 76_000, "k_at_most": 1},
        **{"unique_classes": 48 / 76, "classes_at_risk": 1.0, "unique_rows": 0.3, "at_risk": 1.0},
        **dict.fromkeys(("classes_error", "class_share_error", "unique_rows_error", "at_risk_error"), 0.0),
    }
    empty = estimating.estimate(rows.limit(0), ["third"], "id").to_dict()
    assert (empty["rows"], empty["classes"], empty["unique_classes"], empty["k_at_most"]) == (0, 0, 0, 0)


def test_people_are_counted_in_each_class(rows: DataFrame) -> None:
    """Classes of four rows: of one person in every fourth, else of two, three, and of two and rows without a subject.
    One class more has 1,000 people."""
    people = rows.selectExpr(
        "if(id < 159000, id div 4, -1) as class",
        "if(id < 159000, if((id div 4) % 4 = 3 and id % 4 > 1, null, least(id % 4, (id div 4) % 4)), id) as who",
    )
    whole = estimating.estimate(people, ["class"], "who")
    assert whole.sample.classes == {1: 9938, 2: 9938, 3: 9937 + 9937, MOST_PEOPLE: 1}
    part = [estimating.estimate(people.repartition(many), ["class"], "who", sample=10_000) for many in (1, 4)]
    assert part[0] == part[1]
    found = part[0].to_dict()
    assert (found["exact"], found["k_at_most"]) == (False, 1)
    assert found["unique_classes"] == pytest.approx(9938 / 39_751, abs=0.02)
    assert "unique_rows" not in found


def test_errors_by_hand() -> None:
    """With 10^5 of a million classes, all of one row: sqrt(ln(2 * 10^6) / (2 * 10^5)); and Bernstein's inequality
    met with equality, by hand: e^2 * 10^5 = 2 * 14.509 * (1 + e / 3)."""
    found = Estimate(10**6, 0.1, Sizes.of([(1, 10**5, 10**5)]))
    assert found.error_of_classes() == pytest.approx(0.008517, abs=1e-6)
    assert found.error_of_rows(1) == pytest.approx(0.017083, abs=1e-6)
    e = found.error_of_rows(4)
    assert e * e * 10**5 == pytest.approx(2 * 4 * math.log(2e6) * (1 + e / 3))
    assert found.classes == 10**6


def test_a_sketch_that_missed_somebody_is_no_proof() -> None:
    """One class of 49 among 10^4: that one of fifty people was missed has a chance of 1225 / 2^26 for each of them.
    Three short is none, nor are ten classes of one person. Rows are counted, not sketched."""
    wanted = Thresholds(k=50)

    def told(sizes: list[tuple[int, int, int]], by_subject: bool = True) -> tuple[int, int]:
        found = Estimate(10**6, 0.5, Sizes.of([*sizes, (50, 10**4, 50 * 10**4)]), 1 / 50, by_subject)
        assert Estimated("t", None, found, (), (), 50).is_below == bool(sizes), "and the job exits with 1"  # type: ignore[arg-type]
        return len(list(missed(found, wanted))), len(list(open_questions(found, wanted)))

    assert told([(49, 1, 49)]) == (0, 1)
    assert told([(49, 1, 49)], by_subject=False) == (1, 0)
    assert told([(46, 1, 46)]) == (1, 0)
    assert told([(49, 20, 20 * 49)]) == (1, 0)
    assert told([]) == (0, 1)
    whole = Estimate(100, 1.0, Sizes.of([(2, 50, 100)]), by_subject=True)
    assert not whole.is_exact
    assert whole.error_of_classes() == 0


def test_what_cannot_be_estimated(rows: DataFrame) -> None:
    with pytest.raises(BadUsage, match="at least one"):
        estimating.estimate(rows, [])
    with pytest.raises(BadUsage, match="no column thrid; did you mean 'third'"):
        estimating.estimate(rows, ["thrid"])
    with pytest.raises(BadUsage, match="up to 300"):
        estimating.estimate(rows, ["third"], "id", threshold=1 / 500)
