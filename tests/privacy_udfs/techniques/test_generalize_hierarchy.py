"""Laws of `generalize_hierarchy`, against a dictionary."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from privacy_udfs.errors import ParameterError
from privacy_udfs.techniques import parse
from privacy_udfs.techniques.generalize_hierarchy import GeneralizeHierarchy
from tests.helpers.technique_laws import CANARY, TEXT, TEXTS, given


@given(st.dictionaries(TEXT, st.tuples(TEXT, TEXT).map(lambda r: (r[0] + "x", r[1] + "y")), min_size=1), TEXTS)
def test_hierarchy_is_a_dictionary(rows: dict[str, tuple[str, str]], others: list[str | None]) -> None:
    levels = tuple((value, *ancestors) for value, ancestors in rows.items())
    values = [*rows, None, *others]
    for level in range(3):
        outcome = GeneralizeHierarchy(levels=levels, level=level, on_refused="null").apply(
            pa.array(values, pa.string())
        )
        ancestors = {row[0]: row[level] for row in levels}
        assert outcome.values.to_pylist() == [None if v is None else ancestors.get(v) for v in values]
        assert outcome.refused == sum(v is not None and v not in rows for v in values)


def test_a_hierarchy_from_a_file_is_the_same_as_its_rows(tmp_path: Any) -> None:
    path = tmp_path / "places.csv"
    path.write_text("\ufeffOslo;Norway\r\nMalmö;Sweden\r\n", encoding="utf-8")
    rows = GeneralizeHierarchy(levels=(("Oslo", "Norway"), ("Malmö", "Sweden")))
    assert GeneralizeHierarchy.model_validate({"levels": str(path)}) == rows


@pytest.mark.parametrize(
    ("faulty", "says"),
    [
        ({"levels": []}, "got none"),
        ({"levels": [[CANARY, "a"], ["b"]]}, "1 of 2 rows"),
        ({"levels": [[CANARY, "a"], [CANARY, "b"]]}, "1 rows repeat"),
        ({"levels": [[CANARY, ""]]}, "empty ancestor"),
        ({"levels": [[CANARY, "a"]], "level": 2}, "expected 0 to 1"),
        ({"levels": [[CANARY, 1]]}, "expected text"),
        ({"levels": f"{CANARY};a\n{CANARY};b"}, "1 rows repeat"),
        ({"levels": f"no/such/{CANARY}.csv"}, "can be read"),
    ],
)
def test_faults_of_a_hierarchy_are_told_without_its_values(faulty: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says) as caught:
        parse({"technique": "generalize_hierarchy", **faulty})
    assert CANARY not in str(caught.value)
