"""Tables of every kind whose small logs the driver reads: as sources and as targets they are what they are by Spark.

Each is there twice, file by file the same. What makes the one log too large for the driver is a property of a megabyte.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake import log_replay, read, small_log, source_files
from jobs.lake.delta_commit.scala import DELTA, java, java_class, java_session, none, some
from jobs.lake.java import as_python
from tests.helpers import two_paths
from tests.helpers.sweeps import but_for

CHECKPOINT, WITHOUT_FIRST = "checkpoint", "without the commits before the checkpoint"
"""Of a table's making, what is no SQL."""
NAMED = "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
ROWS = "INSERT INTO {} SELECT int(id) AS id, if(id = 3, null, concat('p=', id % 2)) AS p FROM range(0, 9, 1, 1)"
MORE = "INSERT INTO {} VALUES (20, 'more')"
TABLES: dict[str, Sequence[str]] = {
    "deletion vectors": (
        "CREATE TABLE {} (id INT, p STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        ROWS, "DELETE FROM {} WHERE id = 2", MORE, "DELETE FROM {} WHERE id = 4",
    ),
    "deletion vectors, purged": (
        "CREATE TABLE {} (id INT, p STRING) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        ROWS, "DELETE FROM {} WHERE id = 2", "REORG TABLE {} APPLY (PURGE)",
    ),
    "clustered": ("CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (p, id)", ROWS, "OPTIMIZE {} FULL", MORE),
    "clustered no longer": (
        "CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (id)", ROWS, "ALTER TABLE {} CLUSTER BY NONE",
    ),
    "row tracking": (
        "CREATE TABLE {} (id INT, p STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
        ROWS, MORE, "UPDATE {} SET p = 'other' WHERE id = 1",
    ),
    "clustered, with row tracking and in-commit timestamps": (
        "CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (id) TBLPROPERTIES "
        "('delta.enableRowTracking' = 'true', 'delta.enableInCommitTimestamps' = 'true')", ROWS, MORE,
    ),
    "a checkpoint": (
        "CREATE TABLE {} (id INT, p STRING) USING delta PARTITIONED BY (p)", ROWS, MORE, "DELETE FROM {} WHERE id = 2",
        CHECKPOINT,
    ),
    "a checkpoint and commits since": (
        "CREATE TABLE {} (id INT, p STRING) USING delta PARTITIONED BY (p)", ROWS, CHECKPOINT, MORE,
        "DELETE FROM {} WHERE id = 2",
    ),
    "a checkpoint with deletion vectors and clusters": (
        "CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (id) TBLPROPERTIES "
        "('delta.enableDeletionVectors' = 'true')", ROWS, "DELETE FROM {} WHERE id = 2", CHECKPOINT, MORE,
    ),
    "v2 checkpoints": (
        "CREATE TABLE {} (id INT, p STRING) USING delta TBLPROPERTIES "
        "('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')",
        ROWS, MORE, "DELETE FROM {} WHERE id = 2",
    ),
    "a log that begins with a checkpoint": (
        "CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (id)", ROWS, MORE, CHECKPOINT, MORE, WITHOUT_FIRST,
    ),
    "column mapping, renamed": (
        f"CREATE TABLE {{}} (a INT, p STRING, gone INT) USING delta {NAMED}", "ALTER TABLE {} DROP COLUMN gone",
        "ALTER TABLE {} RENAME COLUMN a TO id", ROWS, "DELETE FROM {} WHERE id = 2", MORE,
    ),
    "column mapping, partitioned by a renamed column": (
        f"CREATE TABLE {{}} (id INT, q STRING) USING delta PARTITIONED BY (q) {NAMED}",
        "ALTER TABLE {} RENAME COLUMN q TO p", ROWS, "DELETE FROM {} WHERE p = 'p=1'", MORE, CHECKPOINT,
    ),
    "column mapping by id, clustered": (
        "CREATE TABLE {} (id INT, p STRING) USING delta CLUSTER BY (id) TBLPROPERTIES "
        "('delta.columnMapping.mode' = 'id')", ROWS, MORE,
    ),
}  # fmt: skip
OF_FILES = ("partitionValues", "size", "modificationTime", "stats", "baseRowId", "defaultRowCommitVersion", "tags",
            "clusteringProvider")  # fmt: skip
"""All but whether rows were changed, which is no property of a file that is there."""
OF_VECTORS = ("storageType", "pathOrInlineDv", "offset", "sizeInBytes", "cardinality")
SUITE = ("deletion vectors", "a checkpoint with deletion vectors and clusters")
LEFT_TO_SPARK = ("a log that begins with a checkpoint",)


@pytest.fixture(scope="module", params=but_for(SUITE, TABLES))
def made(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[str, Path, Path]:
    """The kind of a table, the table, and the same with a large log. No test may change them."""
    folder = tmp_path_factory.mktemp("made")
    small, large = folder / "small", folder / "large"
    for step in TABLES[request.param]:
        if step == CHECKPOINT:
            log_of(spark, small).checkpoint()
        elif step == WITHOUT_FIRST:
            for version in (0, 1):  # as Delta cleans a log; what is left is told from the checkpoint on
                (small / "_delta_log" / f"{version:020}.json").unlink()
        else:
            spark.sql(step.replace("{}", f"delta.`{small}`"))
    java_class(java(spark), f"{DELTA}.DeltaLog").clearCache()  # of a checkpoint by hand no cache knows
    shutil.copytree(small, large)
    for place, size in ((small, 1), (large, log_replay.BYTES)):
        spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('pad' = '{'x' * size}')")
    assert small_log.replayed(spark, snapshot(spark, large)) is None
    assert (small_log.replayed(spark, snapshot(spark, small)) is None) == (request.param in LEFT_TO_SPARK)
    return request.param, small, large


def log_of(spark: SparkSession, place: Path) -> Any:
    return java_class(java(spark), f"{DELTA}.DeltaLog").forTable(java_session(spark), str(place))


def snapshot(spark: SparkSession, place: Path) -> Any:
    return log_of(spark, place).update(False, none(java(spark)), none(java(spark)))


def test_files_and_domains_are_those_that_delta_lists(spark: SparkSession, made: tuple[str, Path, Path]) -> None:
    kind, small, _ = made
    now = snapshot(spark, small)
    found = small_log.replayed(spark, now)
    if found is None:
        return
    jvm = java(spark)
    theirs = by_path(as_python(jvm, now.allFiles().collectAsList()))
    assert by_path(found.told) == theirs
    assert by_path(as_python(jvm, found.files)) == theirs
    domains, expected = (as_python(jvm, each) for each in (found.domains, now.domainMetadata()))
    assert sorted(domains, key=str) == sorted(expected, key=str)
    assert bool(expected) == any(word in kind for word in ("cluster", "row tracking")), "or the kind tests nothing"


def by_path(files: Sequence[Any]) -> dict[str, Any]:
    """What is said of each file; what is not said may be there and empty."""
    told = {}
    for file in files:
        vector = file.get("deletionVector") or {}
        told[file["path"]] = [*(file.get(name) or None for name in OF_FILES), *map(vector.get, OF_VECTORS)]
    return told


def test_a_source_has_the_same_files(spark: SparkSession, made: tuple[str, Path, Path]) -> None:
    _, *places = made
    found = []
    for place in places:
        told = source_files.of(read.rows_of(spark, Source(format="delta", path=str(place))).rows)
        assert told is not None
        files = [(file.uri.removeprefix(f"file:{place}"), file.size, dict(file.folders)) for file in told.files]
        stated = {key: value for key, value in told.configuration.items() if key != "pad"}
        found.append((sorted(files, key=str), told.reader, told.stored, told.folders, stated, told.deleted))
    assert found[0] == found[1]
    assert found[0][0], "a table without files tests nothing"


@pytest.mark.sweep
def test_a_source_is_treated_to_the_same_table(spark: SparkSession, lake: Path, made: tuple[str, Path, Path]) -> None:
    _, *places = made
    found = []
    for at, place in enumerate(places):
        source = {"format": "delta", "path": str(place), "personal_paths": "accepted"}
        target = {"path": str(lake / "treated" / str(at))}
        result = two_paths.run(spark, lake, COLUMNS, source, "auto", target=target)
        rows = two_paths.rows(spark.read.format("delta").load(target["path"]))
        found.append((rows, result.rows, result.counts, result.execution, result.not_columnar))
    assert found[0] == found[1]


COLUMNS = {"id": {"technique": "keyed_hash", "bits": 128, "key": "crm"}, "p": "keep"}


@pytest.mark.sweep
@pytest.mark.parametrize("layout", [{}, {"cluster_by": ["p"]}], ids=str)
def test_a_target_is_replaced_by_the_same_commit(
    spark: SparkSession, lake: Path, made: tuple[str, Path, Path], layout: dict[str, Any]
) -> None:
    places = [lake / "treated" / place.name for place in made[1:]]
    for place, kept in zip(places, made[1:], strict=True):
        shutil.copytree(kept, place)
    path = str(lake / "raw" / "t")
    spark.sql("SELECT 1 AS id, 'a' AS p UNION ALL SELECT 2, NULL").coalesce(1).write.parquet(path)
    found = []
    for place in places:
        before = snapshot(spark, place)
        source = {"format": "parquet", "path": path}
        result = two_paths.run(spark, lake, COLUMNS, source, "columnar", target={"path": str(place), **layout})
        assert result.version == int(before.version()) + 1
        found.append(committed(spark, place, result.version))
    assert found[0] == found[1]
    assert found[0]["remove"], "a table without files tests nothing"


def committed(spark: SparkSession, place: Path, version: int) -> dict[str, Any]:
    """What a commit did, and what the table then is, but for what differs in any two runs."""
    lines = (place / "_delta_log" / f"{version:020}.json").read_text().splitlines()
    actions = [*map(json.loads, lines)]
    kinds = {kind: [action[kind] for action in actions if kind in action] for kind in ("add", "remove", "txn")}
    removed = [{k: v for k, v in each.items() if k != "deletionTimestamp"} for each in kinds["remove"]]
    added = [[each.get(name) for name in ("baseRowId", "clusteringProvider", "stats")] for each in kinds["add"]]
    frame, now = spark.read.format("delta").load(str(place)), snapshot(spark, place)
    domains = as_python(java(spark), now.domainMetadata())
    assert some(java(spark), now.checksumOpt()).isDefined()
    return {
        "remove": sorted(removed, key=str),
        "add": sorted(added, key=str),
        "txn": [(each["appId"], each["version"]) for each in kinds["txn"]],
        "kinds": sorted(kind for action in actions for kind in action),
        "domains": sorted(domains, key=str),
        "rows": two_paths.rows(frame),
        "schema": json.loads(frame.schema.json()),
        "operation": two_paths._operation(spark, f"delta.`{place}`"),
    }
