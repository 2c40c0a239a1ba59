"""Rows that are set aside: how many at most, before they take memory."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import privacy_udfs
from jobs.columnar import set_aside
from jobs.columnar.set_aside import SetAside
from jobs.columnar.work import Tree
from privacy_udfs import keys, sealed_rows
from privacy_udfs.errors import ValueRefused
from privacy_udfs.nested import Kept, Leaf
from privacy_udfs.sealed_rows import Seal

ADDRESS = privacy_udfs.parse({"technique": "truncate_ip"})


def test_what_is_too_much_is_seen_before_all_of_it_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong rule, and every row of a batch is refused: each takes a kilobyte, and 64 kB are the most."""
    monkeypatch.setattr(set_aside, "MOST_BYTES", 1 << 16)
    keys.create_file(tmp_path / "key.json")
    technique = sealed_rows.technique("t", "run")
    seal = Seal(keys.refer("k", f"file:{tmp_path}/key.json", None, technique, sealed_rows.DOMAIN), "t", "run")
    number = 4_000
    rows = pa.RecordBatch.from_pydict({"a": ["no address"] * number, "b": ["x" * 1_000] * number})
    trees = [Tree("a", Leaf("t: a", ADDRESS), pa.string()), Tree("b", Kept(), pa.string())]
    aside = SetAside(seal)
    with pytest.raises(ValueRefused, match="too much to set aside"):
        aside.rest(trees, rows, None, "file:/x", 0)
    assert 1 << 16 < aside.size < (1 << 16) + 2_000 * set_aside.AT_ONCE
    assert len(aside.told) <= set_aside.AT_ONCE
