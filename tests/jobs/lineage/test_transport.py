"""Events on their way to files and to a receiver that runs in a process of its own, and what goes wrong there."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import errno
import json
import os
import socket
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.config import ConfigError
from jobs.configuration.lineage_entry import Lineage
from jobs.console.exit_codes import BadUsage
from jobs.lineage import places, sink, transport
from jobs.lineage.open_lineage import FACETS, RUN_EVENT, SPEC, Run
from jobs.lineage.patience import Patient
from jobs.lineage.transport import NotTaken
from jobs.run_events.events import Begun, Committed, Event, Failed, Unchanged, Warned
from jobs.run_events.run_steps import Edge, Place, RunSteps
from tests.helpers import lineage_receiver, open_lineage
from tests.helpers.lakes import table, write_conf
from tests.helpers.lineage_receiver import Receiver

RUN = Run("8e4d0b0e-3b0f-4b43-9a52-0e6c8a1f5a30", "pseudonymize.t", "lakenym", *[Place("file", "/a", "file:///a")] * 2)
SECRET = "tok-3f9a-secret"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with lineage_receiver.running(tmp_path_factory.mktemp("receiver")) as running:
        yield running


def sent(to: str, seconds: float = 30, **more: Any) -> None:
    transport.to(Lineage(to=to, timeout_seconds=seconds, **more), {"TOKEN": SECRET})(RUN.event("START"))


def test_a_receiver_gets_the_event_and_the_token(receiver: Receiver) -> None:
    sent(receiver.uri, token="TOKEN")
    last = receiver.got()[-1]
    assert last["path"] == "/api/v1/lineage"
    assert last["authorization"] == f"Bearer {SECRET}"
    assert last["faults"] == []
    assert last["event"]["eventType"] == "START"


def test_each_facet_has_its_published_schema_beside_the_tests() -> None:
    """In the very version that events name: else the schemas are to be renewed, or the versions."""
    known = {str(each) for each in open_lineage.published_schemas()}
    told = {f"{SPEC}/facets/{each}.json" for each in FACETS.values()}
    assert known == {*told, RUN_EVENT.partition("#")[0]}


def test_what_is_no_event_is_found() -> None:
    event = RUN.event("START")
    assert open_lineage.faults(event) == []
    for broken in (
        {**event, "run": {**event["run"], "runId": "run 1"}},
        {**event, "eventType": "BEGIN"},
        {**event, "schemaURL": "https://openlineage.io/spec/1-0-0/OpenLineage.json"},
        {**event, "outputs": [{"namespace": "file"}]},
        {**event, "job": {**event["job"], "facets": {"jobType": {"processingType": "BATCH", "integration": "X"}}}},
    ):
        assert open_lineage.faults(broken)


def test_events_are_held_against_the_published_schemas() -> None:
    event = RUN.event("START")
    assert open_lineage.published_faults(event) == []
    assert open_lineage.published_faults({**event, "eventType": "BEGIN"})
    for group, name, key in (("job", "jobType", "integration"), ("run", "processing_engine", "version")):
        broken = json.loads(json.dumps(event))
        del broken[group]["facets"][name][key]
        assert open_lineage.published_faults(broken)


@pytest.mark.parametrize(
    ("path", "seconds", "said"),
    [
        ("/status/500", 30, "the receiver answered with status 500"),
        ("/status/401", 30, "the receiver answered with status 401"),
        ("/elsewhere", 30, "the receiver answered with status 307"),
        ("/slow", 0.5, r"no answer within 0\.5 s|the receiver did not answer in time"),
        ("/drip", 0.5, r"no answer within 0\.5 s|the receiver did not answer in time"),
    ],
)
def test_a_receiver_that_does_not_take_it(receiver: Receiver, path: str, seconds: float, said: str) -> None:
    began = time.monotonic()
    with pytest.raises(NotTaken, match=said) as caught:
        sent(f"{receiver.uri}{path}", seconds, token="TOKEN")
    assert time.monotonic() - began < seconds + 15, "half of what the slow one takes"
    assert SECRET not in str(caught.value)


def test_only_what_may_pass_is_tried_again(receiver: Receiver) -> None:
    sent(f"{receiver.uri}/twice")
    with pytest.raises(NotTaken):
        sent(f"{receiver.uri}/status/404")
    with pytest.raises(NotTaken):
        sent(f"{receiver.uri}/status/502")
    times = [each["path"] for each in receiver.got()]
    assert [times.count(path) for path in ("/twice", "/status/404", "/status/502")] == [2, 1, transport.TRIES]


def test_without_time_nothing_counts_as_taken(receiver: Receiver) -> None:
    known = len(receiver.got())
    why = transport._posted(f"{receiver.uri}/api/v1/lineage", None, b"{}", time.monotonic() - 1)
    assert why == "no time was left to send it"
    assert len(receiver.got()) == known


def test_no_proxy_stands_before_this_machine(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    sent(receiver.uri, token="TOKEN")
    assert receiver.got()[-1]["path"] == "/api/v1/lineage"
    proxies = [
        [each.proxies for each in transport._opener(host).handlers if isinstance(each, urllib.request.ProxyHandler)]
        for host in ("localhost", "::1", "a.example.org")
    ]
    assert proxies[:2] == [[], []], "a handler without proxies has nothing to do, and is not even kept"
    assert proxies[2][0]["http"] == "http://127.0.0.1:9"


def test_a_dead_receiver_is_left_alone_for_a_while() -> None:
    now, asked, is_dead = [0.0], [0], [True]

    def send(event: Any) -> None:
        asked[0] += 1
        if is_dead[0]:
            raise NotTaken("nobody")

    patient = Patient(send, lambda: now[0])

    def said() -> str | None:
        try:
            patient({})
        except NotTaken as error:
            return str(error)
        return None

    given_up = "nobody; 3 events or more in a row: none is sent for 10 minutes"
    assert [said() for _ in range(6)] == ["nobody", "nobody", given_up, None, None, None]
    assert asked == [3]
    now[0] = 600.0
    assert [said(), said(), asked[0]] == [given_up, None, 4]
    now[0], is_dead[0] = 1200.0, False
    assert [said(), asked[0]] == [None, 5]
    is_dead[0] = True
    assert [said(), said()] == ["nobody", "nobody"], "it is counted anew"


def test_what_is_required_is_asked_for_every_run(lake: Path, tmp_path: Path) -> None:
    conf = config.load(write_conf(lake, table("t", lake, {"id": "keep"})))
    report = sink.told(lambda event: None, conf, Lineage(to=f"file:{tmp_path}/none/x", required=True), {})
    for _ in range(5):
        with pytest.raises(sink.LineageRefused):
            report(BEGUN)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotTaken, match=r"the receiver cannot be reached \(ConnectionRefusedError\)"):
        sent(f"http://127.0.0.1:{port}")


def test_lines_of_a_file_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a b.jsonl"
    to = transport.to(Lineage(to=f"file:{tmp_path}/a%20b.jsonl"), {})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: to(RUN.event("START")), range(200)))
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(events) == 200
    assert path.stat().st_mode & 0o007 == 0
    with pytest.raises(NotTaken, match=r"the file cannot be written \(FileNotFoundError\): make its folder"):
        transport.to(Lineage(to=f"file:{tmp_path}/none/x"), {})(RUN.event("START"))


@pytest.mark.parametrize("is_read", [False, True])
def test_a_pipe_takes_no_events_and_holds_nobody_up(tmp_path: Path, is_read: bool) -> None:
    """Be there somebody who reads it or not: half an event would be in it."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK) if is_read else None
    work = threading.Thread(target=lambda: caught.append(refused(tmp_path / "pipe")), daemon=True)
    caught: list[str] = []
    work.start()
    work.join(30)
    if reader is not None:
        os.close(reader)
    assert caught == ["the file cannot be written (OSError): it is a pipe, a socket or a device: name a file in 'to'"]


def refused(place: Path) -> str:
    with pytest.raises(NotTaken) as caught:
        transport.to(Lineage(to=f"file:{place}"), {})(RUN.event("START"))
    return str(caught.value)


def test_why_a_file_takes_no_events(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    why = "the file cannot be written"
    assert refused(tmp_path / "folder") == f"{why} (IsADirectoryError): it is a folder: name a file in 'to'"
    assert refused(tmp_path / "file" / "x") == f"{why} (NotADirectoryError)"
    assert "it is a pipe, a socket or a device" in refused(tmp_path / "socket")
    assert "it is a pipe, a socket or a device" in refused(Path("/dev/null"))
    assert "make its folder" in refused(tmp_path / "none" / "x")


def test_a_file_that_one_may_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system says it, whoever runs the tests."""
    for number, why in ((errno.EACCES, "may not write there"), (errno.EROFS, "nobody may write"), (errno.EIO, "")):

        def closed(*given: Any, number: int = number) -> int:
            raise OSError(number, os.strerror(number), "canary")

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", closed)
            said = refused(tmp_path / "closed")
        assert why in said
        assert "canary" not in said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("to: ftp://a", "expected 'file:PATH', 'http://HOST' or 'https://HOST'"),
        ("to: 'https://me:pw-canary@a'", "a secret is named by 'token'"),
        ("to: 'https://a/x?key=pw-canary'", "a secret is named by 'token'"),
        ("to: 'https://a:pw-canary'", "with a port that is a number"),
        ("to: 'file:'", "expected file: and the path of a file"),
        ("to: 'file://host/x'", "expected file: and the path of a file"),
        ("{to: 'http://a.example.org', token: TOKEN}", "expected https with 'token'"),
        ("{to: 'file:/x', token: TOKEN}", "expected 'token' with a receiver"),
        ("{to: 'https://a', token: pw-canary}", "token"),
        ("{to: 'https://a', timeout_seconds: 0.05}", "timeout_seconds"),
        ("{to: 'https://a', retries: 3}", "unknown key"),
        ("namespace: a", "to: required, and missing"),
    ],
)
def test_what_lineage_yaml_cannot_say(lake: Path, written: str, said: str) -> None:
    folder = write_conf(lake, table("t", lake, {"id": "keep"}))
    (folder / "lineage.yaml").write_text(written)
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    assert said in str(caught.value)
    assert "pw-canary" not in str(caught.value)
    assert len(caught.value.faults) == 1


def test_where_lineage_goes(lake: Path) -> None:
    folder = write_conf(lake, table("t", lake, {"id": "keep"}))
    assert sink.stated(config.load(folder), None) is None
    assert sink.stated(config.load(folder), "https://a") == Lineage(to="https://a/api/v1/lineage")
    (folder / "lineage.yaml").write_text("{to: 'https://a:5000/', token: TOKEN, required: true}")
    conf = config.load(folder)
    assert sink.stated(conf, None) == Lineage(to="https://a:5000/api/v1/lineage", token="TOKEN", required=True)
    assert sink.stated(conf, "file:/x") == Lineage(to="file:/x", required=True)
    with pytest.raises(BadUsage, match=r"^--lineage: expected 'file:PATH'"):
        sink.stated(conf, "nonsense")
    with pytest.raises(BadUsage, match="the environment variable that 'token' names is not set"):
        sink.told(print, conf, conf.lineage, {})
    assert sink.told(print, conf, None) is print


def told(lake: Path, settings: Lineage, *events: Event) -> list[Event]:
    conf = config.load(write_conf(lake, table("t", lake, {"id": "keep"})))
    heard: list[Event] = []
    report = sink.told(heard.append, conf, settings, {})
    for event in events:
        report(event)
    return heard


BEGUN = Begun("t", RUN.id, 1, "parquet:/a")
OTHER = "0d9c8f0e-5a3b-4a57-8d25-3f1a7b1c2d3e"
COLUMN = Place("file", "/b", "file:///b", ({"name": "a", "type": "string"},))
EDGES = (Edge("a", "a", True, "IDENTITY", "keep"),)
STEPS = RunSteps(Place("file", "/a", "file:///a"), COLUMN, "full", (), EDGES, "0" * 64, "0" * 64, "1", "lakenym")
WITH_STEPS = dataclasses.replace(BEGUN, steps=lambda: STEPS)
WROTE = Committed("t", RUN.id, 3, 10, 1.0, 10, ())


def test_a_run_ends_as_it_ended(lake: Path, receiver: Receiver) -> None:
    for event, kind in (
        (WROTE, "COMPLETE"),
        (Failed("t", 1, "t: no"), "ABORT"),
        (Failed("t", 3, "t: broke"), "FAIL"),
    ):
        known = len(receiver.got())
        assert told(lake, Lineage(to=receiver.uri), BEGUN, event) == [BEGUN, event]
        got = receiver.events()[known:]
        assert [each["eventType"] for each in got] == ["START", kind]
        assert {each["run"]["runId"] for each in got} == {RUN.id}
    known = len(receiver.got())
    told(lake, Lineage(to=receiver.uri), Failed("t", 1, "t: refused"), Failed("", 2, "nothing"))
    got = receiver.events()[known:]
    assert [each["eventType"] for each in got] == ["START", "ABORT"]
    assert got[1]["run"]["facets"]["errorMessage"]["message"] == "exit code 1"
    assert not [each["faults"] for each in receiver.got() if each["faults"]]


def test_a_run_that_is_refused_at_once_is_of_the_same_tables(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by Spark's settings, as a run that begins names them."""
    own = spark.newSession()
    own.conf.set("fs.defaultFS", "viewfs://lake.example.org")
    own.conf.set("fs.viewfs.mounttable.lake.example.org.link./lake", "file:///lake")
    monkeypatch.setattr(places, "session", lambda: own)
    for event in lines(lake, Failed("t", 1, "t: refused")):
        assert [each["namespace"] for each in (*event["inputs"], *event["outputs"])] == [
            "viewfs://lake.example.org"
        ] * 2
    assert places.session() is own
    monkeypatch.undo()
    assert places.session() is not None


def test_rows_that_were_set_aside_come_from_quarantine(lake: Path) -> None:
    again = dataclasses.replace(STEPS, mode="requeue", aside=Place("file", "/q", "file:///q"), sealed=())
    start, end = lines(lake, dataclasses.replace(BEGUN, steps=lambda: again), WROTE)
    for event in (start, end):
        assert [each["name"] for each in event["inputs"]] == ["/a", "/q"]
        assert [each["name"] for each in event["outputs"]] == ["/b", "/q"]
        assert "columnLineage" not in event["outputs"][1]["facets"]


def test_a_table_is_an_input_once(lake: Path) -> None:
    """Also where it is its own source that values are looked up in, under another name of the catalog."""
    twice = dataclasses.replace(STEPS, others={"u": STEPS.source, "v": Place("file", "/v", "file:///v")})
    (start,) = lines(lake, dataclasses.replace(BEGUN, steps=lambda: twice))
    assert [each["name"] for each in start["inputs"]] == ["/a", "/v"]


def test_a_run_that_is_begun_again_ends_the_one_before(lake: Path) -> None:
    place, other = lake / "events.jsonl", OTHER
    told(lake, Lineage(to=f"file:{place}"), BEGUN, Begun("t", other, 1, "parquet:/a"), WROTE)
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert [(each["eventType"], each["run"]["runId"]) for each in events] == [
        *(("START", RUN.id), ("ABORT", RUN.id)),
        *(("START", other), ("COMPLETE", other)),
    ]


def test_a_run_that_has_nothing_to_write_is_complete(lake: Path) -> None:
    place = lake / "events.jsonl"
    told(lake, Lineage(to=f"file:{place}"), WITH_STEPS, Unchanged("t", 7, RUN.id), WROTE)
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert [each["eventType"] for each in events] == ["START", "COMPLETE"]
    assert events[1]["outputs"][0]["facets"]["version"]["datasetVersion"] == "7"
    assert events[1]["outputs"][0]["facets"].keys() == {"dataSource", "version"}
    assert "outputFacets" not in events[1]["outputs"][0]


def lines(lake: Path, *events: Event) -> list[dict[str, Any]]:
    """What a file is told."""
    place = lake / f"{uuid.uuid4()}.jsonl"
    told(lake, Lineage(to=f"file:{place}"), *events)
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_unchanged_completes_no_other_run(lake: Path) -> None:
    for ends in (None, OTHER):
        got = lines(lake, BEGUN, Unchanged("t", 7, ends), Failed("t", 3, "t: broke"))
        assert [(each["eventType"], each["run"]["runId"]) for each in got] == [("START", RUN.id), ("ABORT", RUN.id)]


def test_what_fails_after_the_end_is_no_run_of_its_own(lake: Path) -> None:
    late = Failed("t", 3, "t: broke")
    assert [each["eventType"] for each in lines(lake, BEGUN, WROTE, late, late)] == ["START", "COMPLETE"]
    got = lines(lake, BEGUN, WROTE, dataclasses.replace(BEGUN, run_id=OTHER), late)
    assert [each["eventType"] for each in got] == ["START", "COMPLETE", "START", "FAIL"]
    assert got[-1]["run"]["runId"] == OTHER


@pytest.mark.parametrize("code", [1, 3])
def test_a_run_that_wrote_nothing_says_nothing_of_a_write(lake: Path, code: int) -> None:
    start, end = lines(lake, WITH_STEPS, Failed("t", code, "t: /home/x: 7 values at f.py:3", "RunFailed"))
    of_a_write = {"schema", "columnLineage", "lakenym_privacyRecord", "lifecycleStateChange"}
    assert of_a_write <= start["outputs"][0]["facets"].keys()
    assert end["outputs"][0]["facets"].keys() == {"dataSource"}
    assert end["run"]["facets"]["errorMessage"]["message"] == f"exit code {code}: RunFailed"
    complete = lines(lake, WITH_STEPS, WROTE)[-1]
    assert of_a_write <= complete["outputs"][0]["facets"].keys()


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11])
def test_few_rows_are_not_counted(lake: Path, rows: int) -> None:
    output = lines(lake, BEGUN, dataclasses.replace(WROTE, rows=rows))[-1]["outputs"][0]
    told = output.get("outputFacets", {}).get("outputStatistics", {}).get("rowCount")
    assert told == (rows if rows >= 10 else None)


def test_a_defect_of_ours_is_no_fault_of_the_run(lake: Path) -> None:
    def broken() -> RunSteps:
        raise KeyError("canary")

    begun = dataclasses.replace(BEGUN, steps=broken)
    heard = told(lake, Lineage(to=f"file:{lake}/events.jsonl"), begun, WROTE)
    assert [type(event).__name__ for event in heard] == ["Begun", "Warned", "Committed"]
    assert "its steps cannot be told (unexpected KeyError)" in str(heard[1])
    assert "canary" not in str(heard)
    kinds = [json.loads(line)["eventType"] for line in (lake / "events.jsonl").read_text().splitlines()]
    assert kinds == ["START", "COMPLETE"]
    with pytest.raises(sink.LineageRefused):
        told(lake, Lineage(to=f"file:{lake}/events.jsonl", required=True), begun)


def test_a_run_goes_on_without_lineage_unless_it_is_required(lake: Path, receiver: Receiver) -> None:
    place = f"{receiver.uri}/status/503"
    heard = told(lake, Lineage(to=place, timeout_seconds=30), BEGUN, WROTE)
    why = f"lineage: an event was not taken at {place}: the receiver answered with status 503"
    assert heard == [BEGUN, Warned("t", why), WROTE, Warned("t", why)]
    with pytest.raises(sink.LineageRefused, match="nothing was committed") as caught:
        told(lake, Lineage(to=place, required=True), BEGUN)
    assert caught.value.exit_code == 1
