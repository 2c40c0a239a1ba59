"""A process with Spark's own way to S3: a Delta table in a bucket is treated by both paths, grows, and refuses a value;
Arrow and Spark read each other's files.

``python -m tests.helpers.s3_run PORT JARS FOLDER`` prints what was seen, as JSON.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.columnar.file_systems import Access, access
from jobs.lake import delta_commit
from jobs.lake.delta_commit.marks import check_stands
from jobs.spark_app.session import DELTA
from privacy_udfs.errors import LakenymError
from tests.conftest import QUICK
from tests.helpers.lakes import column, configured, table

RAW, TREATED = "s3a://lake/raw data/customers", "s3a://lake/treated+1/customers"
COLUMNAR = "s3a://lake/columnar/customers"
ODD = "s3a://lake/odd/a b/c=1%2F2/x#y+z?.bin"


def main(port: str, jars: str, folder: str) -> None:
    spark = session(port, jars)
    spark.range(100).selectExpr("cast(id as string) as id", "id % 7 as part").write.format("delta").partitionBy(
        "part"
    ).save(RAW)
    places = {"source": {"format": "delta", "path": RAW}, "target": {"path": TREATED}}
    columns = {"id": {"domain": "customer"}, "part": column("keep", "non_personal")}
    conf = configured(Path(folder), table("customers", Path(folder), columns, **places))
    pseudonymize.run(spark, conf, "customers", execution="spark")
    files = pickle.loads(pickle.dumps(access(spark, [RAW, TREATED])))
    found = {"repr": repr(files), **treated(spark, files), **odd(spark, files), **by_both(spark, files, folder)}
    print(json.dumps(found))
    spark.stop()


def by_both(spark: SparkSession, files: Access, folder: str) -> dict[str, Any]:
    """The same table by the columnar path, and then more rows of it; a run that is refused; which files are there."""
    columns = {"id": {"domain": "customer"}, "part": column("keep", "non_personal")}
    places = {"source": {"format": "delta", "path": RAW}, "target": {"path": COLUMNAR, "mode": "incremental"}}
    conf = configured(Path(folder), table("customers", Path(folder), columns, **places))
    paths = [pseudonymize.run(spark, conf, "customers", execution="columnar").execution]
    frame = spark.read.format("delta").load(COLUMNAR)
    same = sorted(map(tuple, frame.collect())) == sorted(map(tuple, spark.read.format("delta").load(TREATED).collect()))
    more = spark.range(100, 130).selectExpr("cast(id as string) as id", "id % 7 as part")
    more.write.format("delta").mode("append").save(RAW)
    grown = pseudonymize.run(spark, conf, "customers", execution="columnar")
    there = present(files)
    known = {row[0] for row in spark.read.format("delta").load(COLUMNAR).selectExpr("_metadata.file_name").collect()}
    more.selectExpr("'no address' AS id", "part").limit(1).write.format("delta").mode("append").save(RAW)
    refused = {**columns, "id": {"technique": "truncate_ip"}}
    conf = configured(Path(folder), table("customers", Path(folder), refused, **places))
    try:
        pseudonymize.run(spark, conf, "customers", execution="columnar", mode="full")
        paths.append("a value was not refused")
    except LakenymError:
        paths.append("refused")
    return {
        "paths": [*paths, grown.execution, grown.mode],
        "same": same,
        "grown": grown.rows,
        "no_more_files": there == known,
        "none_left": present(files) == there,
        "stands": [stands(spark, grown.run_id), stands(spark, "another run")],
    }


def stands(spark: SparkSession, run_id: str) -> bool:
    """Whether the newest commit is taken for a run's."""
    begun = delta_commit.begin(spark, COLUMNAR, f"delta.`{COLUMNAR}`")
    assert begun is not None
    try:
        check_stands(begun, begun.version, json.dumps({"run_id": run_id}))
    except delta_commit.Changed:
        return False
    return True


def present(files: Access) -> set[str]:
    """The names of the files of data below the target."""
    return {name for uri in files.below(COLUMNAR) if (name := uri.rpartition("/")[2]).endswith(".parquet")}


def session(port: str, jars: str) -> SparkSession:
    s3a = {"endpoint": f"http://127.0.0.1:{port}", "path.style.access": "true", "access.key": "AKIA"}
    s3a |= {"secret.key": "canary-3f", "bucket.lake.endpoint.region": "eu-west-1"}
    settings = {**DELTA, **QUICK, "spark.jars": jars, **{f"spark.hadoop.fs.s3a.{key}": s3a[key] for key in s3a}}
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def treated(spark: SparkSession, files: Access) -> dict[str, Any]:
    """The rows of the treated table by Spark, and by Arrow from the files that Spark's log names."""
    frame = spark.read.format("delta").load(TREATED)
    tables = []
    for row in frame.selectExpr("_metadata.file_path p").distinct().collect():
        uri = spark._jvm.org.apache.hadoop.fs.Path(spark._jvm.java.net.URI(row.p)).toString()  # type: ignore[union-attr]
        with files.open_input(uri) as source:
            tables.append(pq.read_table(source).to_pydict())
    ours = sorted(pair for each in tables for pair in zip(each["id"], each["part"], strict=True))
    return {"rows": len(ours), "equal": ours == sorted((row.id, row.part) for row in frame.collect())}


def odd(spark: SparkSession, files: Access) -> dict[str, Any]:
    """Whether each finds, to the letter, what the other wrote."""
    path = spark._jvm.org.apache.hadoop.fs.Path  # type: ignore[union-attr]
    hadoop = path(RAW).getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    with files.open_output(ODD) as sink:
        sink.write(b"arrow")
    seen = hadoop.getFileStatus(path(ODD)).getLen()
    written = hadoop.create(path(ODD + "2"))
    written.write(bytearray(b"spark"))
    written.close()
    back = files.open_input(ODD + "2").read().decode()
    files.delete(ODD)
    names = files.list_names(ODD.rpartition("/")[0])
    return {"seen": seen, "back": back, "deleted": not hadoop.exists(path(ODD)), "names": names}


if __name__ == "__main__":
    main(*sys.argv[1:])
