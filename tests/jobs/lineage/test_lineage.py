"""What a run tells as OpenLineage, by a receiver in a process of its own that checks each event."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

import privacy_udfs
from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.lineage_entry import Lineage
from jobs.lineage import edges, fields, references, sink
from jobs.record import told_elsewhere
from jobs.record.column_record import ColumnRecord
from jobs.record.treated_table import privacy_of
from jobs.run_events import events
from jobs.run_events.events import Event
from jobs.run_events.run_steps import Place, RunSteps, Step
from jobs.spark_app.failures import exit_code
from jobs.table_run import planned
from privacy_udfs.facts import Facts
from privacy_udfs.techniques import BY_NAME
from tests.helpers import lakes, lineage_receiver, quarantines
from tests.helpers.lineage_receiver import Receiver

LEVELS = [["a", "x"], ["b", "x"]]
KEYED: dict[str, dict[str, Any]] = {
    "date_shift": {"max_days": 30}, "generalize_number": {"width": 10}, "generalize_hierarchy": {"levels": LEVELS},
    "add_noise": {"scale": 1.0}, "substitute": {"list": "cities"}, "truncate": {"preset": "hipaa_zip3"},
    "tokenize": {"vault": "0" * 32},
    "treat_entities": {"entities": {"email": "redact"}}, "format_preserving_encryption": {"alphabet": "digits"},
}  # fmt: skip
"""What a technique cannot go without, and for `truncate` what makes it protect."""
OPEN = {"keep", "drop", "treat_entities"}
STAYS: list[tuple[str, dict[str, Any], bool]] = [
    ("truncate", {"keep": 1}, False),
    ("truncate_ip", {"ipv4": 31, "ipv6": 127}, True),
    ("truncate_ip", {"ipv4": 32}, False),
    ("truncate_ip", {"ipv6": 128}, False),
    ("mask", {"keep_start": 2, "keep_end": 40}, True),
    ("mask", {"length": 8}, True),
    ("mask", {"shape": "card"}, True),
    ("mask", {"shape": "email"}, False),
    ("mask", {"only": ["digit"]}, False),
    ("mask", {"mask_end": 3}, False),
    ("mask", {"preserve": "a"}, False),
    ("generalize_date", {"unit": "week"}, True),
    ("generalize_date", {"unit": "day"}, False),
    ("generalize_number", {"edges": [0, 18, 65]}, True),
    ("generalize_number", {"edges": [0, 18, 19]}, False),
    ("generalize_number", {"preset": "hipaa_age"}, False),
    ("generalize_hierarchy", {"levels": LEVELS, "level": 0}, False),
    ("generalize_hierarchy", {"levels": [["a", "a"], ["b", "x"]]}, False),
]
PREDICATES = ("land = 'canary-land'", "land IS DISTINCT FROM 'canary-land'", "ID > 0 AND Address.DOOR <> 'canary-land'")
CANARIES = ("canary-name", "canary-street", "canary-mail", "canary-land", "1977-05-04", "canary-item")
ROWS = [
    (1, "canary-name", "canary-land", ("canary-street", "x"), ["canary-item"],
     '{"m":"canary-mail","n":1}', "1977-05-04"),
    (2, "b", "no", ("c", "y"), [], '{"m":null,"n":2}', "1980-01-01"),
]  # fmt: skip
SCHEMA = (
    "id bigint, name string, land string, address struct<street: string, door: string>, items array<string>, "
    "body string, born string"
)
PLACE = Place("file", "/a")
CUSTOMER = {"domain": "customer"}
COLUMNS: dict[str, Any] = {
    "id": lakes.column(CUSTOMER, "direct_identifier"),
    "name": {
        "class": "quasi_identifier",
        "why": "a test",
        "when": [
            {"rows": PREDICATES[0], "treatment": {"technique": "mask", "keep_start": 1}},
            {"rows": PREDICATES[1], "treatment": "keep"},
        ],
    },
    "land": "keep",
    "address.street": "drop",
    "address.door": "redact",
    "items[]": {"technique": "truncate", "keep": 1},
    "body:$.m": CUSTOMER,
    "body:$.n": "keep",
    "born": {"technique": "date_shift", "key": "crm", "max_days": 30},
}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with lineage_receiver.running(tmp_path_factory.mktemp("receiver")) as running:
        yield running


def entry(lake: Path, target: str = "t", columns: dict[str, Any] = COLUMNS, **more: Any) -> dict[str, Any]:
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    place = {"path": str(lake / "treated" / target)}
    given = {"source": source, "target": place, "subject": "id", "rows": PREDICATES[2]}
    return lakes.table("t", lake, columns, **{**given, **more})


def raw(spark: SparkSession, lake: Path) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA).selectExpr("* EXCEPT (born)", "CAST(born AS date) AS born")
    rows.coalesce(1).write.format("delta").save(str(lake / "raw" / "t"))


def run(spark: SparkSession, lake: Path, to: str, heard: list[Event] | None = None, **more: Any) -> int:
    """As the job does, with its exit code."""
    conf = config.load(lakes.write_conf(lake, entry(lake, **more)))
    told: list[Event] = [] if heard is None else heard
    report = sink.told(told.append, conf, Lineage(to=to, timeout_seconds=10), {})
    return exit_code(report, lambda: pseudonymize.run(spark, conf, "t", report=report) and 0, "t")


def inputs(facet: dict[str, Any]) -> dict[str, set[tuple[str, str, str, bool]]]:
    """Output -> (input, type, subtype, masking); ``rows`` those of the whole table."""
    fields = {name: each["inputFields"] for name, each in facet["fields"].items()} | {"rows": facet.get("dataset", [])}
    return {
        name: {
            (each["field"], how["type"], how["subtype"], how["masking"])
            for each in given
            for how in each["transformations"]
        }
        for name, given in fields.items()
    }


def test_which_techniques_protect_stands_on_their_classes() -> None:
    found = {name: privacy_udfs.parse({"technique": name, **KEYED.get(name, {})}).masks() for name in BY_NAME}
    assert found == {name: name not in OPEN for name in BY_NAME}
    assert not Facts().masks(), "one that says nothing of itself"


@pytest.mark.parametrize(("name", "parameters", "masks"), STAYS)
def test_where_values_may_stay_whole_nothing_is_called_masked(
    name: str, parameters: dict[str, Any], masks: bool
) -> None:
    assert privacy_udfs.parse({"technique": name, **parameters}).masks() is masks


def test_of_a_predicate_not_even_a_hash_is_told() -> None:
    told = told_elsewhere.parameters(ColumnRecord("sensitive", "redact", rows=PREDICATES[0]))
    assert told == {"class": "sensitive", "rows": "by a predicate"}


def test_a_run_is_told_with_all_its_columns(spark: SparkSession, lake: Path, receiver: Receiver) -> None:
    raw(spark, lake)
    known = len(receiver.got())
    heard: list[Event] = []
    assert run(spark, lake, receiver.uri, heard) == 0
    got = receiver.got()[known:]
    assert [each["faults"] for each in got] == [[], []]
    start, complete = (each["event"] for each in got)
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    committed = next(event for event in heard if isinstance(event, events.Committed))
    assert start["run"]["runId"] == complete["run"]["runId"] == committed.run_id
    assert (complete["job"]["namespace"], complete["job"]["name"]) == ("lakenym", "pseudonymize.t")

    source, target = complete["inputs"][0], complete["outputs"][0]
    assert (source["namespace"], source["name"]) == ("file", str(lake / "raw" / "t"))
    assert (target["namespace"], target["name"]) == ("file", str(lake / "treated" / "t"))
    assert source["facets"]["version"]["datasetVersion"] == "0"
    assert target["facets"]["version"]["datasetVersion"] == str(committed.version)
    assert "version" not in start["outputs"][0]["facets"]
    assert target["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    assert "outputFacets" not in target, "two rows are too few to be told"
    record = lakes.properties(spark, lake)["privacy.record"]
    told = target["facets"]["lakenym_privacyRecord"]
    assert told["recordSha256"] == hashlib.sha256(record.encode()).hexdigest()
    assert told["configSha256"] == lakes.properties(spark, lake)["privacy.config.sha256"]

    hash_, shift = ("DIRECT", "TRANSFORMATION", True), ("INDIRECT", "CONDITIONAL", False)
    assert inputs(target["facets"]["columnLineage"]) == {
        "id": {("id", *hash_)},
        "name": {("name", *hash_), ("name", "DIRECT", "IDENTITY", False), ("land", *shift)},
        "land": {("land", "DIRECT", "IDENTITY", False)},
        "address.door": {("address.door", *hash_)},
        "items[]": {("items[]", "DIRECT", "TRANSFORMATION", False)},
        "body:$.m": {("body:$.m", *hash_)},
        "body:$.n": {("body:$.n", "DIRECT", "IDENTITY", False)},
        "body": {
            ("body", "DIRECT", "TRANSFORMATION", False),
            ("body:$.m", "INDIRECT", "CONDITIONAL", True),
            ("body:$.n", *shift),
        },
        "born": {("born", *hash_), ("id", *shift)},
        "rows": {("id", "INDIRECT", "FILTER", False), ("address.door", "INDIRECT", "FILTER", False)},
    }
    leaves = {str(ColumnPath.parse(name).leaf) for name in privacy_of(lakes.treated(spark, lake))}
    assert leaves <= target["facets"]["columnLineage"]["fields"].keys(), "every leaf of the target has an edge"
    assert [field["name"] for field in target["facets"]["schema"]["fields"]] == [
        "id", "name", "land", "address", "items", "body", "born",
    ]  # fmt: skip
    assert target["facets"]["schema"]["fields"][3:5] == [
        {"name": "address", "type": "struct", "fields": [{"name": "door", "type": "string"}]},
        {"name": "items", "type": "array", "fields": [{"name": "_element", "type": "string"}]},
    ]
    for canary in (*CANARIES, *(hashlib.sha256(text.encode()).hexdigest() for text in PREDICATES)):
        assert canary not in receiver.kept.read_text(), canary


def test_tables_whose_values_are_looked_for_are_inputs(spark: SparkSession, lake: Path, receiver: Receiver) -> None:
    """With the version that was read, and an edge from the column that is looked for to the text."""
    places = {name: str(lake / "raw" / name) for name in ("t", "crm.customers")}
    rows = {"t": [(1, "saw Canary Birdname")], "crm.customers": [(1, "Canary Birdname")]}
    for name, place in places.items():
        frame = spark.createDataFrame(rows[name], "number bigint, name string").coalesce(1)
        frame.write.format("delta").save(place)
    others = {"number": "keep", "name": lakes.column({"domain": "other"}, "direct_identifier")}
    text = {"technique": "treat_entities", "entities": {"email": "redact"}}
    columns = {"number": "keep", "name": {**text, "known_elsewhere": {"other": ["crm.customers.name"]}}}
    conf = config.load(
        lakes.write_conf(
            *(lake, entry(lake, columns=columns, rows="number > 0", subject="number")),
            lakes.table("crm.customers", lake, others, source={"format": "delta", "path": places["crm.customers"]}),
        )
    )
    known = len(receiver.got())
    report = sink.told(events.silent, conf, Lineage(to=receiver.uri), {})
    pseudonymize.run(spark, conf, "t", report=report)
    got = receiver.got()[known:]
    assert [each["faults"] for each in got] == [[], []]
    for each in (one["event"] for one in got):
        assert [place["name"] for place in each["inputs"]] == [places["t"], places["crm.customers"]]
        assert [place["facets"]["version"]["datasetVersion"] for place in each["inputs"]] == ["0", "0"]
        assert "schema" not in each["inputs"][1]["facets"], "its other columns are of no account"
    facet = got[1]["event"]["outputs"][0]["facets"]["columnLineage"]
    (edge,) = (each for each in facet["fields"]["name"]["inputFields"] if each["name"] == places["crm.customers"])
    assert (edge["namespace"], edge["field"]) == ("file", "name")
    told = [(how["type"], how["subtype"], how["masking"]) for how in edge["transformations"]]
    assert told == [("INDIRECT", "CONDITIONAL", False)]
    steps = got[1]["event"]["run"]["facets"]["lakenym_steps"]["steps"]
    assert [each["function"] for each in steps] == ["read", "look_up", "filter", "keep", "treat_entities", "write"]
    assert steps[1]["inputs"] == ["crm.customers.name"]
    assert steps[1]["parameters"] == {"format": "delta", "version": 0, "position": steps[1]["parameters"]["position"]}
    assert "Birdname" not in receiver.kept.read_text()


DAY = lakes.column({"technique": "generalize_number", "width": 2}, "quasi_identifier")
SEEN = lakes.column({"technique": "truncate_ip"}, "non_personal")


def with_small_classes(spark: SparkSession, lake: Path) -> Config:
    quarantines.put(quarantines.rows(spark, 1, 60, bad="id = 3"), lake, "overwrite")
    return quarantines.configured(
        lake, subject="id", suppress={"k": 2, "at_most": 1}, columns={"seen[].ip": SEEN, "day": DAY}
    )


def test_what_decides_which_rows_stay_and_where_the_others_are(spark: SparkSession, lake: Path) -> None:
    """Rows that are refused stand in quarantine; rows in small classes are kept out, by people too."""
    conf = with_small_classes(spark, lake)
    plan = planned.planned(spark, conf, "t").plan
    looked_at = references.of_schema(spark, plan.schema)

    def by(mode: str) -> dict[str, set[str]]:
        why: dict[str, set[str]] = {}
        for edge in edges.of_plan(plan, mode, looked_at, conf.tables):
            if edge.output is None:
                assert (edge.direct, edge.subtype, edge.masking) == (False, "FILTER", False)
                why.setdefault(edge.description, set()).add(edge.input)
        return why

    small = {"rows in small classes are kept out": {"id", "note", "ip", "home.zip", "day"}}
    refused = {"rows with values that are refused are set aside": {"id", "ip", "home.zip", "seen[].ip", "day"}}
    assert by("full") == small | refused
    assert by("requeue") == small, "of a row that stands in quarantine none is set aside anew"
    assert {(each.output, each.input, each.direct, each.masking) for each in edges.sealed(plan)} == {
        ("sealed", path, True, True) for path in ("id", "note", "ip", "home.zip", "home.street", "seen[].ip", "day")
    }


@pytest.mark.sweep
def test_a_quarantine_is_an_output(spark: SparkSession, lake: Path, receiver: Receiver) -> None:
    conf = with_small_classes(spark, lake)
    known = len(receiver.got())
    report = sink.told(events.silent, conf, Lineage(to=receiver.uri), {})
    pseudonymize.run(spark, conf, "t", report=report)
    got = receiver.got()[known:]
    assert [each["faults"] for each in got] == [[], []]
    target, aside = got[1]["event"]["outputs"]
    assert (target["name"], aside["name"]) == (str(lake / "treated" / "t"), str(lake / "quarantine"))
    assert inputs(aside["facets"]["columnLineage"])["sealed"] > {("id", "DIRECT", "TRANSFORMATION", True)}
    rows = inputs(target["facets"]["columnLineage"])["rows"]
    assert {(*path, "INDIRECT", "FILTER", False) for path in (["id"], ["seen[].ip"], ["day"])} <= rows
    assert "id" in steps_of(got[1]["event"], "suppress")["inputs"]
    assert quarantines.CANARY not in receiver.kept.read_text()


def steps_of(event: dict[str, Any], function: str) -> dict[str, Any]:
    """The one step of a function."""
    (found,) = (each for each in event["run"]["facets"]["lakenym_steps"]["steps"] if each["function"] == function)
    return dict(found)


def test_equal_inputs_give_equal_steps(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    for target in ("one", "two"):
        run(spark, lake, f"file:{lake}/{target}.jsonl", target=target)
    steps = [
        json.loads((lake / f"{name}.jsonl").read_text().splitlines()[-1])["run"]["facets"]["lakenym_steps"]
        for name in ("one", "two")
    ]
    assert steps[0] == steps[1]
    assert steps[0]["sourceVersion"] == steps[0]["targetVersion"] == "0"
    named = [step["function"] for step in steps[0]["steps"]]
    assert named == [
        "read", "filter", "keyed_hash", "mask", "keep", "keep", "drop", "redact", "truncate", "keyed_hash", "keep",
        "date_shift", "write",
    ]  # fmt: skip
    text = json.dumps(steps[0]["steps"], sort_keys=True)
    assert steps[0]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert steps[0]["steps"][2]["parameters"]["bits"] == 128
    assert steps[0]["steps"][6] == {**steps[0]["steps"][6], "inputs": ["address.street"], "outputs": []}
    assert steps[0]["steps"][-2]["inputs"] == ["born", "id"]
    assert steps[0]["steps"][1] == {**steps[0]["steps"][1], "parameters": {}, "inputs": ["id", "address.door"]}
    assert steps[0]["steps"][3]["inputs"] == ["name", "land"]


def test_other_steps_have_another_hash() -> None:
    steps = [Step("read", "1", {"version": number}) for number in (3, 3, 4)]
    one, same, other = (RunSteps(PLACE, PLACE, "full", (step,), (), "", "", "", "").sha256 for step in steps)
    assert one == same != other
    text = '[{"function": "read", "inputs": [], "outputs": [], "parameters": {"version": 3}, "version": "1"}]'
    assert one == hashlib.sha256(text.encode()).hexdigest()


def test_names_below_what_is_dropped_as_a_whole_are_not_told() -> None:
    below = T.StructType([T.StructField("canary-name", T.StringType())])
    leaves = [("extra", below), ("a.b[].c", T.LongType()), ("m{key}", T.StringType()), ("m{value}", T.DateType())]
    assert fields.of_leaves((ColumnPath.parse(path), given) for path, given in leaves) == (
        {"name": "extra", "type": "struct"},
        {
            "name": "a",
            "type": "struct",
            "fields": [
                {
                    "name": "b",
                    "type": "array",
                    "fields": [
                        {"name": "_element", "type": "struct", "fields": [{"name": "c", "type": "bigint"}]},
                    ],
                }
            ],
        },
        {
            "name": "m",
            "type": "map",
            "fields": [{"name": "key", "type": "string"}, {"name": "value", "type": "date"}],
        },
    )


def test_a_run_that_fails_says_so_without_a_value(spark: SparkSession, lake: Path, receiver: Receiver) -> None:
    rows = spark.createDataFrame([("canary-name",)], "number string")
    rows.coalesce(1).write.format("delta").save(str(lake / "raw" / "t"))
    known = len(receiver.got())
    columns = {"number": lakes.column({"technique": "format_preserving_encryption", "key": "crm"})}
    conf = config.load(lakes.write_conf(lake, entry(lake, columns=columns, rows="number <> ''", subject="number")))
    report = sink.told(events.silent, conf, Lineage(to=receiver.uri), {})
    code = exit_code(report, lambda: pseudonymize.run(spark, conf, "t", report=report) and 0, "t")
    got = receiver.got()[known:]
    assert code == 3
    assert [each["event"]["eventType"] for each in got] == ["START", "FAIL"]
    assert not any(each["faults"] for each in got)
    assert got[1]["event"]["run"]["facets"]["errorMessage"]["message"] == "exit code 3: RefusedAt"
    assert "canary-name" not in json.dumps(got)


def test_what_is_required_is_asked_before_anything_is_written(
    spark: SparkSession, lake: Path, receiver: Receiver
) -> None:
    raw(spark, lake)
    conf = config.load(lakes.write_conf(lake, entry(lake)))
    heard: list[Event] = []
    report = sink.told(heard.append, conf, Lineage(to=f"{receiver.uri}/status/503", required=True), {})
    assert exit_code(report, lambda: pseudonymize.run(spark, conf, "t", report=report) and 0, "t") == 1
    assert not (lake / "treated" / "t").exists()
    assert [type(event).__name__ for event in heard] == ["Begun", "Failed"]
    assert heard[-1].message.startswith(
        "t: lineage is required, and its first event was not taken at http://127.0.0.1:"
    )


@pytest.mark.sweep
def test_runs_that_go_on(spark: SparkSession, lake: Path, receiver: Receiver) -> None:
    """Each mode is told as what it is, and a run that has nothing to do tells nothing."""
    columns = {"id": CUSTOMER, "part": "keep"}
    source = {"format": "delta", "path": str(lake / "raw" / "t")}

    def add(number: int) -> None:
        rows = spark.createDataFrame([(number, "p")], "id bigint, part string").coalesce(1)
        rows.write.format("delta").mode("append").option("delta.enableChangeDataFeed", "true").save(source["path"])

    def told(by: str, **more: Any) -> list[tuple[str, str]]:
        known = len(receiver.got())
        target = {"path": str(lake / "treated" / by), "mode": by, "key": ["id"], "partition_by": ["part"]}
        given = lakes.table("t", lake, columns, source=source, target=target)
        conf = config.load(lakes.write_conf(lake, given))
        report = sink.told(events.silent, conf, Lineage(to=receiver.uri), {})
        pseudonymize.run(spark, conf, "t", report=report, **more)
        got = receiver.got()[known:]
        assert not any(each["faults"] for each in got)
        return [
            (
                each["event"]["eventType"],
                each["event"]["run"]["facets"]["lakenym_steps"]["mode"],
            )
            for each in got
        ]

    add(1)
    for mode in ("incremental", "changes", "stream"):
        assert told(mode) == [("START", "full"), ("COMPLETE", "full")]
        assert told(mode) == []
    add(2)
    for mode, as_ in (("incremental", "incremental"), ("changes", "changes"), ("stream", "incremental")):
        assert told(mode) == [("START", as_), ("COMPLETE", as_)]
    lineage = receiver.events()[-3]["outputs"][0]["facets"]["columnLineage"]
    assert inputs(lineage)["rows"] == {("id", "INDIRECT", "JOIN", False)}
    assert receiver.events()[-1]["job"]["facets"]["jobType"]["processingType"] == "STREAMING"
    told("partitions", mode="full")
    told("partitions", where="part = 'p'")
    assert "'p'" not in receiver.kept.read_text()
    lineage = receiver.events()[-1]["outputs"][0]["facets"]["columnLineage"]
    assert inputs(lineage)["rows"] == {("part", "INDIRECT", "FILTER", False)}


def test_the_job_takes_the_flag_for_several_tables(
    spark: SparkSession, lake: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [lakes.table(name, lake, {"id": CUSTOMER}) for name in ("a", "b", "c")]
    for name in ("a", "b", "c"):
        spark.createDataFrame([(1,)], "id bigint").coalesce(1).write.parquet(str(lake / "raw" / name))
    folder, known = lakes.write_conf(lake, *tables), len(receiver.got())
    words = ["--conf", str(folder), "--all", "--lineage", receiver.uri]
    assert pseudonymize.main([*words, "--dry-run"]) == 0
    assert len(receiver.got()) == known
    assert pseudonymize.main([*words, "--parallel", "2"]) == 0
    got = receiver.got()[known:]
    assert not any(each["faults"] for each in got)
    by_job: dict[str, list[str]] = {}
    for each in got:
        by_job.setdefault(each["event"]["job"]["name"], []).append(each["event"]["eventType"])
    assert by_job == {f"pseudonymize.{name}": ["START", "COMPLETE"] for name in ("a", "b", "c")}
    assert len({each["event"]["run"]["runId"] for each in got}) == 3
    assert "urn:lakenym" not in capsys.readouterr().out, "steps are no part of a line"
