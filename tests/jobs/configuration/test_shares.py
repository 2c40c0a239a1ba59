"""Shares let as many be as the decimals that were written, in every place that asks for one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from jobs.configuration import shares
from jobs.configuration.asked_risk import AskedRisk, Bound
from jobs.configuration.models import Quarantine
from jobs.configuration.risk_bounds import Suppress
from jobs.console.exit_codes import Refused
from jobs.risk_measures.measure import Measures
from jobs.risk_measures.population import Journalist
from jobs.risk_measures.sizes import Sizes
from jobs.risk_search.wish import Wish
from jobs.spark_app.failures import RunFailed
from jobs.table_run import at_most
from jobs.table_run.risk_gate import RiskGate
from jobs.table_run.small_classes import SmallClasses
from jobs.treatment.risk_columns import RiskColumns


@pytest.mark.parametrize(
    ("share", "whole", "lets"),
    [
        (0.29, 100, 29),
        (0.57, 100, 57),
        (0.07, 100, 7),
        (1.1e-7, 10**7 * 3, 3),
        (0.3333333333333333, 3, 0),
        (0.05, 19, 0),
        (1, 7, 7),
        (1.0, 10**12 + 1, 10**12 + 1),
        (0.1, 10**17 + 9, 10**16),
    ],
)
def test_as_it_is_written(share: float, whole: int, lets: int) -> None:
    assert shares.of(share, whole) == lets


def test_every_percent_of_a_hundred_and_of_many() -> None:
    for percent in range(101):
        share = yaml.safe_load(f"{percent / 100:.2f}")
        assert shares.of(share, 100) == percent
        assert shares.of(share, 100_000_000_000_000) == percent * 1_000_000_000_000


def test_rows_kept_out() -> None:
    def check(out: int, rows: int, most: float) -> None:
        small: Any = SmallClasses("t", Suppress(k=5, at_most=most), RiskColumns(), SimpleNamespace())  # type: ignore[arg-type]
        small.check(rows, out)

    check(29, 100, 0.29)
    check(290_000_000_000, 1_000_000_000_000, 0.29)
    for out, rows in ((30, 100), (290_000_000_001, 1_000_000_000_000)):
        with pytest.raises(Refused, match=r"a share of at most 0.29 may be kept out"):
            check(out, rows, 0.29)


def test_rows_set_aside() -> None:
    stated = Quarantine(path="/q", key="q", at_most=0.29)
    prepared: Any = SimpleNamespace(table="t", entry=SimpleNamespace(quarantine=stated))
    refused = [{"label": "t: a", "rule": "type"}] * 30
    at_most.check(prepared, refused[:29], 100, 0)
    with pytest.raises(RunFailed, match=r"of 100 rows 30 are refused .* lets 29 be set aside"):
        at_most.check(prepared, refused, 100, 0)


def test_rows_at_risk() -> None:
    gate = RiskGate("t", AskedRisk({"at_risk": Bound(0.29, "someone")}), RiskColumns(), {})

    def missed(alone: int) -> list[str]:
        sizes = Sizes.of([(1, alone, alone), (100 - alone, 1, 100 - alone)])
        return list(gate._missed(Measures(100, sizes, Journalist.of(sizes, 0.2), {}, 0.2), {}))

    assert not missed(29)
    assert missed(30) == ["30 of 100 rows have a risk above 0.2, and a share of at most 0.29 is let pass by someone"]


def test_rows_that_a_search_lets_miss() -> None:
    table: Any = SimpleNamespace(rows=100)
    assert Wish(k=2, suppressed=0.29).most_suppressed(table) == 29
