"""How often a cluster asks the KMS: once an executor's Python process and key, and once a run on the driver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from privacy_udfs import key_providers
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import encrypted_keysets
from tests.helpers import processes
from tests.helpers.key_servers import Relay, kms_server
from tests.helpers.lakes import table, write_conf
from tests.helpers.standalone import SHORT_LIVED, properties, submitted, wait_for

EXECUTORS = 2
RUNS = {"few": (2, 100), "many": (24, 20_000)}
"""Table -> its files, each of which becomes a partition, and its rows."""
SETTINGS = {
    "spark.master": f"local-cluster[{EXECUTORS},1,700]",
    "spark.executor.memory": "700m",
    "spark.executor.extraJavaOptions": SHORT_LIVED,
    "spark.driver.extraJavaOptions": SHORT_LIVED,
    "spark.sql.files.openCostInBytes": str(1 << 27),  # a partition for each file
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
}
DRIVER = """
import sys, time
from pathlib import Path
from jobs import pseudonymize
from jobs.configuration import config
from jobs.spark_app import session

folder = Path(sys.argv[1])
spark = session.start("kms")
conf = config.load(folder / "conf")
for name in sys.argv[2:]:
    result = pseudonymize.run(spark, conf, name)
    print("TREATED", name, result.rows, flush=True)
    (folder / f"{name}.done").touch()
    while not (folder / f"{name}.counted").exists():
        time.sleep(0.05)
spark.stop()
"""


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}
    for name, value in {**credentials, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    with kms_server() as port, Relay(port) as relay:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{relay.port}")
        yield relay


def test_calls_do_not_grow_with_rows_or_partitions(kms: Relay, lake: Path) -> None:
    arn = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    columns = {f"c{at}": {"domain": "customer" if at % 2 else "other"} for at in range(6)}
    for name, (partitions, rows) in RUNS.items():
        (lake / "raw" / name).mkdir(parents=True)
        part = pa.table({column: pa.array(range(rows // partitions)) for column in columns})
        for at in range(partitions):
            pq.write_table(part, lake / "raw" / name / f"{at}.parquet")
    conf = write_conf(lake, *(table(name, lake, columns) for name in RUNS))
    sealed = encrypted_keysets.seal(Keyset.generate(), key_providers.kek(f"aws-kms://{arn}"))
    properties(lake / "keys" / "sealed.json", {}).write_text(sealed)
    keys = {"crm": {"keyset": f"file:{lake}/keys/sealed.json", "kek": f"aws-kms://{arn}"}}
    (conf / "keys.yaml").write_text(yaml.safe_dump(keys))
    (lake / "driver.py").write_text(DRIVER)
    kms.requests, counted, workers = 0, dict[str, int](), list[psutil.Process]()
    defaults, output = properties(lake / "spark.conf", SETTINGS), lake / "output.log"
    environ = {"SPARK_LOCAL_IP": "127.0.0.1"}
    with submitted(lake / "driver.py", [str(lake), *RUNS], defaults, environ, output) as driver:
        for name in RUNS:
            wait_for(lambda name=name: (lake / f"{name}.done").exists() or driver.poll() is not None)  # type: ignore[misc]
            counted[name] = kms.requests
            workers = python_workers(driver)
            (lake / f"{name}.counted").touch()
        assert driver.wait(60) == 0, output.read_text()[-5000:]
    assert f"TREATED many {RUNS['many'][1] // 24 * 24}" in output.read_text()
    on_the_driver = 1
    assert on_the_driver < counted["few"] <= on_the_driver + EXECUTORS  # executors did ask, and not once a column
    assert counted["many"] <= 2 * on_the_driver + len(workers)
    assert len(workers) <= EXECUTORS  # of one core each


def python_workers(driver: psutil.Process) -> list[psutil.Process]:
    """The Python processes of executors that evaluate functions: what their daemons have forked."""
    daemons = [process for process in processes.below(driver) if "pyspark.daemon" in processes.words(process)]
    return [process for process in daemons if processes.parent(process) in {daemon.pid for daemon in daemons}]
