"""No key in anything that a cluster of processes writes, keeps, shows or sends in the clear.

Two applications on one master and worker. In the first, executors fetch the key themselves, and nothing is encrypted:
what is found there of a planted text shows that the search sees broadcasts, commands, spilled and shuffled data and the
traffic, and the key is still not among them. In the second the driver delivers sub-keys, and only it can reach the
keyset: the same places are searched again.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from privacy_udfs.keys import create_file
from tests.helpers.delta_by_hand import write_delta
from tests.helpers.lakes import table, write_conf
from tests.helpers.observed import AES, CANARY, ENCRYPTED, OPEN, ROWS, VALUE, Seen, observe
from tests.helpers.standalone import Cluster, cluster
from tests.journeys.test_leaks import spellings


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("cluster")
    names = [f"Canaria {at} Quixotebird" for at in range(ROWS)]
    for name in ("good", "refused", "unsent"):
        (lake / "raw" / name).mkdir(parents=True)
        rows = pa.table({"id": pa.array(range(ROWS)), "name": names})
        pq.write_table(rows, lake / "raw" / name / "a.parquet")
    value = VALUE.decode()
    write_delta(lake / "raw" / "folders", pa.table({"id": [5], "name": [f"{value} x"], "city": [value]}), "city")
    return lake


@pytest.fixture(scope="module")
def nodes(lake: Path) -> Iterator[tuple[Cluster, dict[str, str]]]:
    secret = {"spark.authenticate.secret": secrets.token_hex(32)}
    with cluster(lake, {**AES, **secret}) as running:  # falls back for the application that does not encrypt
        yield running, secret


def configuration(lake: Path, keys: dict[str, dict[str, str]]) -> Path:
    columns = {"id": {"domain": "customer"}, "name": {"domain": "customer"}}
    folders = {"format": "delta", "path": str(lake / "raw" / "folders"), "personal_paths": "accepted"}
    conf = write_conf(
        lake,
        table("good", lake, columns),
        table("folders", lake, {**columns, "city": "redact"}, source=folders),
        table("refused", lake, {"id": {"domain": "customer"}, "name": {"technique": "truncate_ip"}}),
        table("unsent", lake, {"id": {"technique": "keyed_hash", "key": "sent"}, "name": "redact"}),
    )
    (conf / "keys.yaml").write_text(yaml.safe_dump(keys))
    return conf


@pytest.fixture(scope="module")
def by_executors(lake: Path, nodes: tuple[Cluster, dict[str, str]]) -> tuple[Seen, list[bytes]]:
    """Executors fetch the key, from a file; what Spark keeps and sends is not encrypted. All of Spark logs at DEBUG."""
    path = lake / "keys" / "crm.json"
    keys = {"crm": {"keyset": f"file:{path}"}, "sent": {"keyset": f"file:{path}", "deliver": "driver"}}
    conf = configuration(lake, keys)
    return observe(lake, nodes, "open", "unsent", settings=OPEN, conf=conf, environ={}, debug=True), spellings(
        f"file:{path}"
    )


@pytest.fixture(scope="module")
def by_driver(
    lake: Path, nodes: tuple[Cluster, dict[str, str]], by_executors: tuple[Seen, list[bytes]]
) -> tuple[Seen, list[bytes]]:
    """The driver delivers: the keyset is in a variable that it alone has. It waits for the other to be over."""
    path = lake / "sent.json"
    create_file(path)
    conf = configuration(lake / "sent", {name: {"keyset": "env:SENT", "deliver": "driver"} for name in ("crm", "sent")})
    os.symlink(lake / "raw", lake / "sent" / "raw")
    seen = observe(lake, nodes, "closed", settings=ENCRYPTED, conf=conf, environ={"SENT": path.read_text()})
    return seen, spellings(f"file:{path}")


both = pytest.mark.parametrize("way", ["by_executors", "by_driver"])


@both
def test_the_driver_did_what_was_asked(way: str, request: pytest.FixtureRequest) -> None:
    seen, _ = request.getfixturevalue(way)
    output = seen.output
    for path in ("spark", "columnar"):
        assert f"TREATED {ROWS} {path}\n" in output
        assert f"FOLDERS 1 {path}\n" in output
        assert f"FAILED {path} refused RefusedAt" in output
    assert f"KEPT {20 * ROWS}" in output
    assert "Traceback" in output
    assert "== Physical Plan ==" in output
    assert "SUCCEEDED" not in output
    assert b"SparkListenerSQLExecutionStart" in seen.of("events")
    assert b"ArrowEvalPython" in seen.of("page")
    assert b"spark.app.name" in seen.of("page")
    assert b"CoarseGrainedExecutorBackend" in seen.of("cmdline")
    assert b"pyspark.daemon" in seen.of("cmdline") or b"pyspark/daemon" in seen.of("cmdline")
    assert b"SPARK_LOCAL_DIRS" in seen.of("environ")
    assert b"Executor" in seen.of("work")
    assert b"treat_column" in seen.of("driver: ")  # the commands of the UDFs
    for kind in ("shuffle_", "temp_(local|shuffle)_", "rdd_", "broadcast"):  # temporary ones are spilled
        assert any(re.search(rf"kept: .*\d+-{kind}", name) for name in seen.places), kind


@both
def test_no_key_is_anywhere(way: str, request: pytest.FixtureRequest) -> None:
    seen, keys = request.getfixturevalue(way)
    for at, key in enumerate(keys):
        assert seen.holding(key) == [], f"spelling {at}"


@both
def test_no_value_is_said(way: str, request: pytest.FixtureRequest) -> None:
    """Not by the driver, the executors, the master and the worker, nor in the event log and on the pages."""
    seen, _ = request.getfixturevalue(way)
    for kind in ("output.log", "work", "events", "page"):
        assert seen.of(kind)
        assert seen.holding(VALUE, kind) == seen.holding(b" Quixotebird", kind) == []


def test_the_search_sees_what_is_not_encrypted(by_executors: tuple[Seen, list[bytes]]) -> None:
    """The planted text is found on the wire and in broadcast files, and treated values in blocks and shuffles."""
    seen = by_executors[0]
    assert seen.holding(CANARY, "wire")
    assert seen.holding(CANARY, "kept")
    pseudonym = pseudonyms(seen)[0]
    kinds = {re.sub(r".*\d+-(temp_shuffle|shuffle|rdd).*", r"\1", name) for name in seen.holding(pseudonym, "kept")}
    assert {"shuffle", "rdd"} <= kinds


def test_what_carries_a_delivered_key_is_encrypted(by_driver: tuple[Seen, list[bytes]]) -> None:
    """Nothing that is planted beside the sub-key can be read on the wire or on a disk, and traffic there was."""
    seen = by_driver[0]
    assert seen.holding(CANARY, "driver: ")  # it was sent
    assert seen.holding(CANARY, "wire") == seen.holding(CANARY, "kept") == []
    assert len(seen.of("wire")) > 4 << 20
    for pseudonym in pseudonyms(seen):
        assert seen.holding(pseudonym, "kept") == seen.holding(pseudonym, "wire") == []


def test_executors_had_no_other_way_to_the_key(by_driver: tuple[Seen, list[bytes]]) -> None:
    assert b"SENT=" not in by_driver[0].of("environ")


def test_without_encryption_the_driver_delivers_nothing(by_executors: tuple[Seen, list[bytes]]) -> None:
    lacking = "spark.io.encryption.enabled=true, spark.network.crypto.enabled=true"
    refusal = (
        f"unsent: key 'sent': keys.yaml has the driver deliver, but what Spark sends is not encrypted: set {lacking}"
    )
    for path in ("spark", "columnar"):
        assert f"FAILED {path} unsent Refused {refusal}" in by_executors[0].output


def pseudonyms(seen: Seen) -> list[bytes]:
    """Some of the pseudonyms in the treated table."""
    found = [path for path in seen.places if re.fullmatch(r"table: .*/good/part-[^/]*\.parquet", path)]
    names = pq.read_table(found[0].removeprefix("table: "), partitioning=None).column("name")
    return [name.encode() for name in names.to_pylist()[:20]]
