"""The large proof (`python -m tests.benchmarks --only erase`), with few rows: five tables, every byte on each day."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.benchmarks import erasing
from tests.benchmarks.timing import ProcessorClock
from tests.helpers import large_lake, many_texts
from tests.helpers.many_texts import Many


@pytest.mark.sweep
def test_many_persons_out_of_five_tables(spark: SparkSession, lake: object) -> None:
    of = large_lake.lake(lake, 20_000, 200, 20)  # type: ignore[arg-type]
    made = erasing.proven(spark, of, ProcessorClock(), print)
    assert made.gone > 20_000 // 200 * 20, "rows, and elements and names in rows of others"
    assert all(made.seen), "they could be seen before"


def test_one_of_many_texts_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the ends, across pieces, in each form; and none that differs at its begin."""
    monkeypatch.setattr(many_texts, "PIECE", 1 << 12)
    texts = [f"person-{at:012d}".encode() for at in range(0, 900, 3)]
    many = Many(form for text in texts for form in many_texts.forms(text))
    noise = np.random.default_rng(7).integers(0, 256, 1 << 15, np.uint8).tobytes()
    for at, form in enumerate(sorted(many_texts.forms(texts[5]))):
        for place in (0, 1, 511, (1 << 12) - 7, (1 << 12) + 3, 1 << 15):
            assert many.found(noise[:place] + form + noise[place:]) >= {form}, (at, place)
    assert many.found(noise) == set()
    assert many.found(b"person-000000000001 Person-000000000003 erson-000000000003") == set()
    assert many.found(b"") == set()
