"""What was found, as an entry for a person to accept; and ladders as a person states them."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

import privacy_udfs
from jobs import risk
from jobs.configuration.config import ConfigError
from jobs.risk_search import ladders, search, stated, suggestion
from jobs.risk_search.class_table import NotForSearch
from jobs.risk_search.wish import Wish
from jobs.table_run import foreseen
from tests.helpers import lakes, spark_reads
from tests.jobs.risk_search import made
from tests.jobs.risk_search.test_search import rows


def write_places(folder: Path) -> None:
    lines = "".join(";".join(row) + "\n" for row in made.PLACES)
    (folder / "places.csv").write_text(lines, encoding="utf-8")


def found(wish: Wish, measure: str) -> search.Found:
    return search.search(made.table(rows(200)), made.LADDERS, wish, measure)


def test_it_reads_as_columns_of_an_entry() -> None:
    result = found(Wish(k=5, l={"illness": 2}, t={"illness": 0.8}), "nonuniform_entropy")
    text = suggestion.text(result)
    assert "k = 5, l = 2 (illness), t = 0.8 (illness)" in text
    assert f"({result.checks:,} of them counted, {result.roll_ups:,} of these from others)" in text
    assert f"average class size {result.losses['average_class_size']:.4g}" in text
    columns = yaml.safe_load(text)
    assert [*columns] == [*made.LADDERS]
    for column in columns.values():
        assert (column["class"], column["why"]) == ("quasi_identifier", "")
    assert next(iter(yaml.safe_load(suggestion.text(result, {"age": "person.age"})))) == "person.age"
    assert any(column["treatment"] not in ("keep", "redact") for column in columns.values())


def test_it_is_an_entry_as_soon_as_somebody_says_why(tmp_path: Path) -> None:
    """Before that no job takes it. Each level of every ladder is in one of the entries."""
    write_places(lakes.write_conf(tmp_path))
    for level in range(1, 4):
        point = dataclasses.replace(found(Wish(), "discernibility").best, node=(level, level, level))
        text = suggestion.text(dataclasses.replace(found(Wish(), "discernibility"), best=point))
        columns = yaml.safe_load(text)
        with pytest.raises(ConfigError, match="why"):
            lakes.configured(tmp_path, lakes.table("t", tmp_path, columns))
        accepted = {name: {**column, "why": "counted"} for name, column in columns.items()}
        assert lakes.configured(tmp_path, lakes.table("t", tmp_path, accepted)).tables


@pytest.mark.parametrize("level", range(4))
def test_what_it_says_is_what_the_job_would_do(level: int) -> None:
    """Each rung as an entry has it is a treatment that the techniques take; a hierarchy is named by its file."""
    for ladder in made.LADDERS.values():
        rung = ladder.rungs[min(level, len(ladder.rungs) - 1)]
        entry = {"technique": rung.as_entry} if isinstance(rung.as_entry, str) else dict(rung.as_entry)
        if entry.pop("levels_file", None):
            entry["levels"] = made.PLACES
        assert privacy_udfs.parse(entry).record() == privacy_udfs.parse(rung.treatment).record()


def test_no_value_and_no_small_count_is_in_it() -> None:
    """Values of the table that no ladder states; and how many rows are left out, where they are few."""
    canaries = [(70_001, "98765", "Ghent", "canary", 424_242)] * 3
    table = made.table(rows(200) + canaries)
    for measure in ("discernibility", "nonuniform_entropy"):
        text = suggestion.text(search.search(table, made.LADDERS, Wish(k=10, suppressed=0.04), measure))
        assert not [value for value in ("70001", "70_001", "98765", "canary", "424242", "Ghent") if value in text]
    assert "(< 10)" in text or suggestion.NONE_LEFT_OUT in text


def test_rows_that_are_left_out_have_an_entry_of_their_own(tmp_path: Path) -> None:
    result = found(Wish(k=3, suppressed=0.5), "discernibility")
    none = dataclasses.replace(result, best=dataclasses.replace(result.best, suppressed=0.0))
    assert [*yaml.safe_load(suggestion.text(none))] == [*made.LADDERS]
    result = dataclasses.replace(result, best=dataclasses.replace(result.best, suppressed=0.02))
    lines = yaml.safe_load(suggestion.text(result))
    assert [*lines] == ["suppress", "columns"]
    assert lines["suppress"] == {"k": 3, "at_most": 0.5}
    accepted = {name: {**each, "why": "counted"} for name, each in lines["columns"].items()}
    write_places(lakes.write_conf(tmp_path))
    entry = lakes.table("t", tmp_path, accepted, suppress=lines["suppress"])
    stated = lakes.configured(tmp_path, entry).tables["t"].suppress
    assert stated is not None
    assert (stated.k, stated.at_most) == (3, 0.5)


def test_ladders_are_stated_in_a_line(tmp_path: Path) -> None:
    write_places(tmp_path)
    assert stated.ladder("width:2,4", tmp_path) == made.LADDERS["age"]
    assert stated.ladder("prefix:2,1", tmp_path) == made.LADDERS["zip"]
    assert stated.ladder("places.csv", tmp_path) == made.LADDERS["place"]
    assert stated.ladder("unit:month, year", tmp_path) == ladders.date_units(("month", "year"))
    assert stated.ladder("edges:0,18.5,65/0,65", tmp_path) == ladders.edges([(0, 18.5, 65), (0, 65)])


@pytest.mark.parametrize(
    "text", ["width:a", "width:0", "prefix:0", "prefix:1.5", "unit:fortnight", "../places.csv", "nothing", "", "\0"]
)
def test_what_states_no_ladder(text: str, tmp_path: Path) -> None:
    with pytest.raises(NotForSearch):
        stated.ladder(text, tmp_path)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (pa.array([17, 90, None]), [5, 10, 20, 40]),
        (pa.array([0.0, 300_000.0]), [5000, 10000, 20000, 40000, 80000, 160000]),
        (pa.array([0.001, 0.031]), [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016]),
        (pa.array([date(1950, 1, 1), date(2000, 1, 1)]), ["month", "quarter", "year", "decade"]),
        (pa.array(["3511", "3512"]), [3, 2, 1]),
        (pa.array(["Ann", "Beatrice"]), []),
        (pa.array([1.0, float("inf")]), []),
        (pa.array([True, False]), []),
        (pa.array([], pa.int64()), []),
    ],
)
def test_a_ladder_by_type(values: pa.Array, shown: list[object]) -> None:
    steps = [rung.treatment for rung in ladders.by_type(values).between]
    assert [next(step[name] for name in ("width", "unit", "keep") if name in step) for step in steps] == shown


def test_the_search_reads_no_row_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By Spark's own account: each row is read once, before the search begins, and the search runs no job. There are
    three: what columns there are, the count of each file's rows, and of all. What a run would say of the result is
    measured of the rows afterwards, and left out here."""
    frame = pa.table(dict(zip(("age", "zip", "place", "illness", "wage"), zip(*rows(200), strict=True), strict=True)))
    (lake / "raw" / "t").mkdir(parents=True)
    pq.write_table(frame, lake / "raw" / "t" / "a.parquet")
    columns = {name: lakes.column("keep") for name in made.LADDERS}
    columns |= {"illness": lakes.column("keep", "sensitive"), "wage": lakes.column("keep", "sensitive")}
    folder = lakes.write_conf(lake, lakes.table("t", lake, columns))
    write_places(folder)
    searched, within = search.search, list[spark_reads.Read]()

    def watched(*given: Any, **more: Any) -> search.Found:
        with spark_reads.counted(spark) as read:
            result = searched(*given, **more)
        within.append(read)
        assert result.checks > 10
        return result

    monkeypatch.setattr(search, "search", watched)
    monkeypatch.setattr(foreseen, "of", lambda *given: foreseen.Foreseen({"quasi_identifiers": 0}, ()))
    asked = ["--conf", str(folder), "--table", "t", "--suggest", "--k", "8", "--ladder", "place=places.csv"]
    with spark_reads.counted(spark) as read:
        assert risk.main([*asked, "--ladder", "zip=prefix:2,1", "--ladder", "age=width:2,4"]) == 0
    assert "discernibility" in capfd.readouterr().out
    assert within == [spark_reads.Read(jobs=0, rows=0, bytes=0)]
    assert read == spark_reads.Read(jobs=3, rows=200, bytes=read.bytes)
