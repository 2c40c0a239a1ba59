"""What is not found by a search is told; layers, and tables that the catalog knows only."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import subject_access_entry
from jobs.configuration.subject_access_entry import SubjectAccess
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import read
from jobs.record.record_reader import RecordProblem
from jobs.subjects import asked as asking
from jobs.subjects import held as holding
from jobs.subjects import lookup
from jobs.subjects.asked import Asked, HeldIn
from jobs.subjects.lookup import Lookup
from jobs.subjects.search import searching
from tests.helpers import layered_lakes
from tests.helpers.lakes import column, configured, table, write_conf
from tests.helpers.layered_lakes import NEW, OLD

MAIL = column({"domain": "other"}, "direct_identifier")
PEOPLE = column({"domain": "customer"}, "direct_identifier")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """One of its own."""
    return tmp_path


@pytest.mark.sweep
def test_layers_and_gaps(spark: SparkSession, lake: Path) -> None:
    """Of five tables two hold the domain where it can be found: one in layers of the key, one under its first version
    alone, since it was treated before."""
    for name in ("before", "layered", "dropped", "texts", "never"):
        rows = [(f"C-{at}", f"about C-{at}", at) for at in range(4)]
        spark.createDataFrame(rows, "id string, note string, nr int").write.parquet(str(lake / "raw" / name))
    entries = {
        "before": table("before", lake, {"id": PEOPLE, "note": "keep", "nr": "keep"}),
        "layered": table("layered", lake, {"id": PEOPLE, "note": "keep", "nr": "keep"}),
        "dropped": table("dropped", lake, {"id": "drop", "note": "keep", "nr": "keep"}, subject="id"),
        "texts": table("texts", lake, {"id": MAIL, "note": "keep", "nr": "keep"}, subject="id"),
        "never": table("never", lake, {"id": PEOPLE, "note": "keep", "nr": "keep"}),
    }
    write_conf(lake, *entries.values())
    layered_lakes.keys(lake, 1)
    conf = configured(lake, *entries.values())
    for name in ("before", "dropped", "texts"):
        pseudonymize.run(spark, conf, name)
    layered_lakes.keys(lake, 2)
    conf = layered_lakes.layers(lake, (OLD, NEW))
    pseudonymize.run(spark, conf, "layered", accept_other_key_version=True)
    with searching(spark, conf, Asked("customer", pa.array([" C-2", "C-9"]))) as search:
        assert [each.treated.name for each in search.held.tables] == ["before", "layered"]
        one, other = ([row["nr"] for row in search.rows(each).collect()] for each in search.held.tables)
        assert (one, other) == ([2], [2])
        before, after = (search.lookups[each.places[0]].wanted for each in search.held.tables)
        assert not {*before.to_pylist()} & {*after.to_pylist()}, "other versions of the key, other pseudonyms"
        assert [str(gap) for gap in search.held.gaps] == [
            "dropped: id: its rows are of this subject, which is not in the target: not found by it",
            "never: its treated table is not there, or out of reach of Delta's own transaction",
        ]
        assert search.files(search.held.tables[0]).count() == 1
        source = search.held.sources[0]
        raw = read.rows_of(spark, conf.tables[source.table].source).rows
        assert [row["nr"] for row in raw.where(search.in_source([source], raw.schema)).collect()] == [2]
        plan = search.rows(search.held.tables[0])._jdf.queryExecution().toString()
        assert not [each for each in (*before.to_pylist(), b"C-2") if each.decode() in plan]
        assert "C-2" not in repr(search)
    stored = spark.read.format("delta").load(str(lake / "treated" / "before")).where("nr = 2").collect()[0]["id"]
    with (
        pytest.raises(
            Refused, match=r"layered: id holds them otherwise, and pseudonyms of before: id .keyed_hash. cannot"
        ),
        searching(spark, conf, Asked("customer", pa.array([stored]), HeldIn("before", "id"))),
    ):
        pass
    told = [str(gap) for gap in holding.held(spark, conf, "other").gaps]
    assert told == ["dropped: id: its rows are of this subject, which is not in the target: not found by it"]


@given(st.lists(st.binary(max_size=20)), st.lists(st.one_of(st.none(), st.binary(max_size=20))), st.booleans())
def test_a_lookup_holds_what_is_wanted(wanted: list[bytes], values: list[bytes | None], sifts: bool) -> None:
    few, lookup.FEW = lookup.FEW, -1 if sifts and wanted else lookup.FEW
    try:
        values = [*values, *wanted[:3]]
        once = sorted({*wanted})
        asked, given_ = Lookup(pa.array(once, pa.binary())), pa.array(values, pa.binary())
        assert np.array_equal(asked.holds(given_), [value in once for value in values])
        assert asked.positions(given_).tolist() == [once.index(each) if each in once else -1 for each in values]
    finally:
        lookup.FEW = few


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("a.txt", "x\n\n y \r\nx\n", ["x", " y "]),
        ("a.csv", '\ufeffid\n"a,b"\n\n"say ""x"""\n', ["a,b", 'say "x"']),
    ],
)
def test_ids_of_a_file(tmp_path: Path, name: str, text: str, ids: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = asking.of_file("customer", path)
    assert found.ids.to_pylist() == ids
    assert "x" not in repr(found)


def test_files_of_no_ids(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", b"a,b\nsecret,2\n"),
        ("a", b"secret\xff"),
        ("b", b"\n\n"),
        ("c.csv", b'id\n"secret'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadUsage) as error:
            asking.of_file("customer", tmp_path / name)
        assert "secret" not in str(error.value)


def test_what_the_policy_names_is_there() -> None:
    key = "ann@example.org+04398464+AUS1t0140MpO93ikboW4ovRoE1aUaDHXZUctac/ajdVh"
    ann = {"name": "ann@example.org", "public_key": key, "tables": ["t", "u"], "domains": ["custome"]}
    told = {"key": "acces", "purposes": ["Art. 15"], "at_most_rows": 10, "at_most_hours": 24}
    stated = SubjectAccess.model_validate({"approvers": [ann], **told})
    assert [str(each) for each in subject_access_entry.check(stated, {"access"}, {"t"}, {"customer"})] == [
        "policy.yaml: subject_access.key: keys.yaml has no key 'acces'; did you mean 'access'?",
        "policy.yaml: subject_access.approvers[0].tables: the catalog has no table 'u'",
        "policy.yaml: subject_access.approvers[0].domains: domains.yaml has no domain 'custome'; "
        "did you mean 'customer'?",
    ]
    with pytest.raises(ValueError, match="then they are one person"):
        SubjectAccess.model_validate({"approvers": [ann, ann], **told})


def test_ids_of_a_table(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame([(7, "x"), (7, "y"), (None, "z")], "id bigint, c string")
    rows.write.parquet(str(tmp_path / "p"))
    rows.write.format("delta").save(str(tmp_path / "d"))
    for name in ("p", "d"):
        assert asking.of_table(spark, "customer", str(tmp_path / name), "id").ids.to_pylist() == ["7"]
    with pytest.raises(BadUsage, match="the ids cannot be read from column e of"):
        asking.of_table(spark, "customer", str(tmp_path / "p"), "e")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Refused("t: its treated table is not there"), None),
        (RecordProblem("t: its record cannot be understood"), "its record cannot be understood"),
        (PySparkException("a file is not there"), "its target cannot be read"),
    ],
)
def test_a_target_that_cannot_be_read_is_told_though_the_catalog_has_the_domain_no_more(
    lake: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str | None
) -> None:
    conf = configured(lake, table("t", lake, {"id": "drop", "nr": "keep"}))

    def look(*_: object) -> None:
        raise error

    monkeypatch.setattr(holding.treated, "look", look)
    found = holding.held(cast(SparkSession, None), conf, "customer")
    assert [(gap.table, gap.why) for gap in found.gaps] == ([] if why is None else [("t", why)])
