"""Values of other tables looked for in texts: by both paths, in every mode, and nothing of them anywhere."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pyspark.core.broadcast import Broadcast
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution, Mode
from jobs.console.exit_codes import Refused
from jobs.lake.problems import SourceProblem
from jobs.run_events.events import Event, Warned
from jobs.table_run import looked_for
from privacy_udfs.keys import create_file
from tests.helpers import lakes, two_paths
from tests.helpers.byte_scan import contents, found
from tests.helpers.growing import told
from tests.helpers.sweeps import but_for

STEPS = ["nfc", "trim", "lower"]
OF: dict[str, Any] = {"technique": "treat_entities", "entities": {"email": "redact"}}
NAMES = ["Ann Canarybird", " Bob  Canarybird", "Canary & Sons Ltd.", "Li", None, "Zoe Canarywood"]


@pytest.fixture(autouse=True)
def lower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lakes.DOMAINS, "other", {**lakes.DOMAINS["other"], "normalize": STEPS})


def customers(spark: SparkSession, lake: Path, names: list[str | None] = NAMES, mode: str = "overwrite") -> Any:
    rows = [(at, name, [{"n": name}] if at == 5 else []) for at, name in enumerate(names)]
    kinds = "number long, name string, kin array<struct<n: string>>"
    spark.createDataFrame(rows, kinds).write.format("delta").mode(mode).save(str(lake / "raw" / "crm.customers"))
    columns = {"number": "keep", "name": {"domain": "other"}, "kin[].n": "drop"}
    return lakes.table(
        "crm.customers", lake, columns, source={"format": "delta", "path": str(lake / "raw" / "crm.customers")}
    )


def texts(spark: SparkSession, lake: Path, rows: list[tuple[int, str | None]], mode: str = "append") -> None:
    spark.createDataFrame(rows, "id long, note string").coalesce(1).write.format("delta").mode(mode).option(
        "delta.enableChangeDataFeed", "true"
    ).save(str(lake / "raw" / "t"))


def treating(lake: Path, elsewhere: Any, **target: Any) -> dict[str, Any]:
    return lakes.table(
        "t",
        lake,
        {"id": "keep", "note": {**OF, "known_elsewhere": elsewhere}},
        source={"format": "delta", "path": str(lake / "raw" / "t")},
        target={"path": str(lake / "treated" / "t"), **target},
    )


def run(spark: SparkSession, lake: Path, people: Any, elsewhere: Any, **more: Any) -> Any:
    conf = lakes.configured(lake, people, treating(lake, elsewhere, **more.pop("target", {})))
    return pseudonymize.run(spark, conf, "t", **more)


def pseudonyms(spark: SparkSession, lake: Path, people: Any) -> list[str]:
    """What the names' own table has for them, once it is treated."""
    pseudonymize.run(spark, lakes.configured(lake, people), "crm.customers")
    return [row["name"] for row in lakes.treated(spark, lake, "crm.customers").orderBy("number").collect()]


def notes(spark: SparkSession, lake: Path) -> list[str | None]:
    return [row["note"] for row in lakes.treated(spark, lake).orderBy("id").collect()]


SAID = [
    "to ann CANARYBIRD, and Bob\nCanarybird's (canary & sons ltd)",
    "Annabel Canarybird; Zoe Canarywood-Smith; Li; ann@example.org",
    None,
]
FROM = {"other": ["crm.customers.name"]}


def test_both_paths_find_them_and_each_gets_its_columns_pseudonym(spark: SparkSession, lake: Path) -> None:
    people = customers(spark, lake)
    ann, bob, ltd, _, _, zoe = pseudonyms(spark, lake, people)
    wanted = [f"to {ann}, and {bob}'s ({ltd})", f"Annabel Canarybird; {zoe}-Smith; Li; [email]", None]
    log = [[{"text": "Ann Canarybird"}], [], None]
    rows = list(zip(range(3), SAID, log, strict=True))
    frame = spark.createDataFrame(rows, "id long, note string, log array<struct<text: string>>")
    source = {"format": "parquet", "path": str(lake / "raw" / "t")}
    frame.coalesce(1).write.parquet(source["path"])
    columns = two_paths.kept(frame.schema, note={**OF, "known_elsewhere": FROM})
    columns["log[].text"] = {**OF, "known_elsewhere": {"other": "all"}}
    lakes.configured(lake, people)
    two_paths.columnar(spark, lake, columns, source)
    for path in ("auto", "spark"):
        found_ = spark.read.format("delta").load(str(lake / "treated" / path)).orderBy("id").collect()
        assert [row["note"] for row in found_] == wanted
        assert found_[0]["log"][0]["text"] == ann
    record = lakes.record(spark, lake, "auto")["columns"]
    for column in ("note", "log[].text"):
        assert record[column]["parameters"]["known_elsewhere"]["other"]["columns"] == ["crm.customers.name"]
    history = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/auto`").collect()[0]
    (said,) = json.loads(history["userMetadata"])["known_elsewhere"]
    assert (said["domain"], said["columns"], said["values"]) == ("other", ["crm.customers.name"], "< 10")
    assert said["not_looked_for"] == "< 10"
    assert said["sources"]["crm.customers"]["version"] == 0
    assert said["sources"]["crm.customers"]["position"]["kind"] == "delta"


def test_no_name_is_sent_told_or_written(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers are sent, by commands and broadcasts; events, logs and files of the target."""
    commands: list[bytes] = []
    dumps, dump = CloudPickleSerializer.dumps, Broadcast.dump

    def recording(self: Any, thing: Any) -> bytes:
        commands.append(dumps(self, thing))
        return commands[-1]

    def recording_value(self: Any, value: Any, file: Any) -> None:
        commands.append(b"broadcast" + pickle.dumps(value))
        dump(self, value, file)

    monkeypatch.setattr(CloudPickleSerializer, "dumps", recording)
    monkeypatch.setattr(Broadcast, "dump", recording_value)
    people = customers(spark, lake)
    texts(spark, lake, list(enumerate(SAID)))
    del commands[:]
    events: list[Event] = []
    for execution in ("spark", "columnar"):
        run(spark, lake, people, FROM, execution=execution, report=events.append)
    assert sum(each.startswith(b"broadcast") for each in commands) >= 2
    needles = [b"Canary", b"canary", "Canary".encode("utf-16-le"), b"Zoe "]
    for command in commands:
        assert not [needle for needle in needles if needle in command]
    assert "anary" not in repr(events)
    warnings = [each.message for each in events if isinstance(each, Warned)]
    why = "fewer than 3 letters or digits, or more than 200 characters or 63 words"
    assert warnings == [f"known_elsewhere: other: < 10 values are not looked for: {why}"] * 2
    for name, content in contents(lake / "treated" / "t"):
        assert not found([b"Canary & Sons", b"ann CANARYBIRD", b"Bob\nCanary", b"Zoe Canarywood"], content), name


@pytest.mark.parametrize("mode", but_for(["incremental"], ["incremental", "stream", "changes"]))
def test_a_run_that_goes_on_knows_the_names_of_today(spark: SparkSession, lake: Path, mode: Mode) -> None:
    """New names do not make the record another; texts that were treated before stay as they are."""
    target = {"mode": mode, **({"key": ["id"]} if mode == "changes" else {})}
    people = customers(spark, lake)
    texts(spark, lake, [(1, "Ann Canarybird met Una Canaryson")])
    assert run(spark, lake, people, FROM, target=target).rows == 1
    customers(spark, lake, ["Una Canaryson"], "append")
    assert run(spark, lake, people, FROM, target=target).execution == "none", "nothing is new in its own source"
    texts(spark, lake, [(2, "Ann Canarybird met Una Canaryson")])
    assert run(spark, lake, people, FROM, target=target).mode == ("incremental" if mode == "stream" else mode)
    spark.sql(f"UPDATE delta.`{lake}/raw/crm.customers` SET number = 6 WHERE name = 'Una Canaryson'")
    ann, *_, una = pseudonyms(spark, lake, people)
    assert notes(spark, lake) == [f"{ann} met Una Canaryson", f"{ann} met {una}"]
    assert [each["known_elsewhere"][0]["sources"]["crm.customers"]["version"] for each in told(spark, lake)] == [0, 1]
    run(spark, lake, people, FROM, target=target, mode="full")
    assert notes(spark, lake) == [f"{ann} met {una}"] * 2


@pytest.mark.sweep
def test_its_own_table_and_what_arrays_hold(spark: SparkSession, lake: Path) -> None:
    people = customers(spark, lake)
    (*_, zoe) = pseudonyms(spark, lake, people)
    texts(spark, lake, [(1, "Zoe Canarywood saw Ann Canarybird and 4711")])
    kin = {"other": ["crm.customers.kin[].n"]}
    run(spark, lake, people, kin)
    assert notes(spark, lake) == [f"{zoe} saw Ann Canarybird and 4711"]
    own = treating(lake, {"customer": ["t.id"]})
    own["columns"]["id"] = lakes.column({"domain": "customer"})
    texts(spark, lake, [(4711, "row 4711 is about 4712")])
    pseudonymize.run(spark, lakes.configured(lake, people, own), "t")
    rows = {row["note"]: row["id"] for row in lakes.treated(spark, lake).collect()}
    number = rows[next(note for note in rows if note.startswith("row"))]
    assert set(rows) == {
        f"Zoe Canarywood saw Ann Canarybird and {number}",
        f"row {number} is about 4712",
    }


@pytest.mark.parametrize("names", but_for([[None, "", "Li", "--"]], [[], [None, "", "Li", "--"]]))
def test_a_column_with_nothing_to_look_for_stops_the_run(
    spark: SparkSession, lake: Path, names: list[str | None]
) -> None:
    people = customers(spark, lake, names)
    texts(spark, lake, [(1, "Ann Canarybird")])
    with pytest.raises(Refused, match=r"t: known_elsewhere: other: crm\.customers\.name hold no value that can be"):
        run(spark, lake, people, FROM)
    assert not (lake / "treated" / "t" / "_delta_log").exists()


def test_more_values_than_a_worker_is_to_hold_stop_the_run(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = customers(spark, lake)
    texts(spark, lake, [(1, "Ann Canarybird")])
    monkeypatch.setattr(looked_for, "MOST_VALUES", 5)
    run(spark, lake, people, FROM)
    monkeypatch.setattr(looked_for, "MOST_VALUES", 4)
    with pytest.raises(Refused, match="hold more than 4 values, and no more are looked for at once: name fewer"):
        run(spark, lake, people, FROM)


def test_a_source_that_cannot_be_read_is_told(spark: SparkSession, lake: Path) -> None:
    people = customers(spark, lake)
    people["source"]["path"] = str(lake / "raw" / "nowhere")
    texts(spark, lake, [(1, "Ann Canarybird")])
    with pytest.raises(SourceProblem, match=r"known_elsewhere: delta:.*nowhere"):
        run(spark, lake, people, FROM)


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_in_chosen_partitions_and_out_of_quarantine(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """A text is refused for a card that is written with blanks; once that becomes null, it is treated again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(lakes.DOMAINS, "card", {"technique": "format_preserving_encryption", "key": "crm"})
        people = customers(spark, lake)
        ann, bob, *_ = pseudonyms(spark, lake, people)
        rows = [(1, 1, "Ann Canarybird"), (2, 2, "Bob Canarybird"), (3, 2, "Bob Canarybird 4111 1111 1111 1111")]
        frame = spark.createDataFrame(rows, "id long, day int, note string")
        frame.write.format("delta").partitionBy("day").save(str(lake / "raw" / "t"))
        entry = treating(lake, FROM, partition_by=["day"])
        entry["columns"]["day"] = lakes.column("keep", "non_personal")
        of = {**OF, "entities": {"payment_card": "card"}, "known_elsewhere": FROM}
        entry["columns"]["note"] = lakes.column(of)
        more = {"on_refused": "quarantine", "quarantine": {"path": str(lake / "aside"), "key": "aside", "at_most": 1.0}}
        first = _ran(spark, lake, people, {**entry, **more}, execution)
        assert (first.rows, first.quarantined, first.execution) == (2, 1, execution)
        assert notes(spark, lake) == [ann, bob]
        second = _ran(spark, lake, people, {**entry, **more}, execution, mode="partitions", where="day = 2")
        assert (second.mode, second.rows, second.quarantined) == ("partitions", 1, 1)
        entry["columns"]["note"] = lakes.column({**of, "on_refused": None})
        third = _ran(spark, lake, people, {**entry, **more}, execution, requeue=True)
        assert (third.mode, third.rows) == ("requeue", 1)
        assert notes(spark, lake) == [ann, bob, None]


def _ran(spark: SparkSession, lake: Path, people: Any, entry: Any, execution: Execution, **more: Any) -> Any:
    folder = lakes.write_conf(lake, people, entry)
    keys = lake / "keys"
    if not (keys / "aside.json").exists():
        create_file(keys / "aside.json")
    both = {name: {"keyset": f"file:{keys}/{name}.json"} for name in ("crm", "aside")}
    (folder / "keys.yaml").write_text(json.dumps(both))
    return pseudonymize.run(spark, config.load(folder), "t", execution=execution, **more)
