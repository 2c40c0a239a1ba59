"""One application on a cluster of processes, and everything that it leaves, shows and sends."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import psutil

from tests.helpers import processes
from tests.helpers.key_servers import free_port
from tests.helpers.places import ROOT
from tests.helpers.standalone import SHORT_LIVED, Cluster, Keeper, Wire, fetched, properties, submitted, wait_for

CANARY = b"canary-broadcast-5f1c"
ROWS = 2000
DRIVER = """
import os, pickle, sys, time, traceback
from pathlib import Path
from pyspark import StorageLevel
from pyspark.serializers import CloudPickleSerializer

folder, canary, unsent = Path(sys.argv[2]), sys.argv[3].encode(), sys.argv[4:]
commands, dumps = [], CloudPickleSerializer.dumps

def recording(self, thing):
    commands.append(dumps(self, thing))
    return commands[-1]

CloudPickleSerializer.dumps = recording

from jobs import pseudonymize
from jobs.configuration import config
from jobs.named_keys import key_delivery
from jobs.spark_app import session
from jobs.table_run.selection import Selection

spark = session.start("cluster")
sc = spark.sparkContext
conf = config.load(Path(sys.argv[1]))
for execution in ("spark", "columnar"):
    print("TREATED", pseudonymize.run(spark, conf, "good", execution=execution).rows, execution)
    print("FOLDERS", pseudonymize.run(spark, conf, "folders", execution=execution).rows, execution)
own = session.for_run(spark)
held = pseudonymize.prepare(own, conf, "good")
big = os.urandom(1 << 21)
sc.parallelize(range(4), 2).map(lambda _: len(big + canary)).collect()  # a command of over a megabyte
with key_delivery.delivered(own, held.keys, held.plan) as keys:
    selection = Selection(held.plan, {}, keys)
    rows = held.source.rows.select(*selection.columns())
    for mode in ("simple", "extended", "codegen", "cost", "formatted"):
        rows.explain(mode)
    kept = rows.crossJoin(own.range(20)).repartition(3).sort("name").persist(StorageLevel.DISK_ONLY)
    print("KEPT", kept.count())
    print(repr(held), repr(keys), repr(selection), str(keys), repr(list(keys.values())[0].__reduce__))
    for name in ["refused", *unsent]:
        for execution in ("spark", "columnar"):
            try:
                pseudonymize.run(spark, conf, name, execution=execution)
                print("SUCCEEDED", name)
            except Exception as error:
                print("FAILED", execution, name, type(error).__name__, error)
                traceback.print_exc()
    (folder / "commands").write_bytes(b"".join(commands))
    print("COMMANDS", len(commands), flush=True)
    (folder / "ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
spark.stop()
"""
OPEN = {"spark.authenticate": "true"}
VALUE = b"canary-partition-2b77"
DEBUG = """
rootLogger.level = debug
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n%ex
logger.a.name = org.apache.spark.sql.delta.DeltaLog
logger.a.level = debug
logger.b.name = org.apache.spark.sql.execution.datasources
logger.b.level = trace
logger.c.name = org.apache.spark
logger.c.level = debug
logger.d.name = io.delta
logger.d.level = debug
"""
"""A log4j2 file that asks for all, and by name for loggers that quote."""
AES = {
    **OPEN,
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.authEngineVersion": "2",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
}
ENCRYPTED = {**AES, "spark.network.crypto.saslFallback": "false", "spark.io.encryption.enabled": "true"}
PLAIN_FORMS = {  # so that what is searched for stands there as it is
    "spark.broadcast.compress": "false",
    "spark.shuffle.compress": "false",
    "spark.shuffle.spill.compress": "false",
    "spark.rdd.compress": "false",
    "spark.eventLog.compress": "false",
    "spark.sql.parquet.compression.codec": "uncompressed",
    "spark.shuffle.spill.numElementsForceSpillThreshold": "1000",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.executor.memory": "700m",
    "spark.executor.extraJavaOptions": SHORT_LIVED,
    "spark.driver.extraJavaOptions": SHORT_LIVED,
    "spark.task.maxFailures": "1",
    "spark.log.level": "INFO",
    "spark.eventLog.enabled": "true",
    "spark.executorEnv.PYTHONPATH": str(ROOT),  # the same code as the driver's
}


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one application left and showed. places: what was found where, by a name for messages."""

    output: str
    places: dict[str, bytes]

    def holding(self, text: bytes, kind: str = "") -> list[str]:
        return [name for name, content in self.places.items() if name.startswith(kind) and text in content]

    def of(self, kind: str) -> bytes:
        return b"\n".join(content for name, content in self.places.items() if name.startswith(kind))


def observe(lake: Path, nodes: tuple[Cluster, dict[str, str]], name: str, *tables: str, **more: object) -> Seen:
    """Run the driver with a configuration, and gather what there is while it holds the key and when it has ended."""
    running, secret = nodes
    folder, ports = lake / name, [free_port() for _ in range(3)]
    for part in ("events", "local", "driver"):
        (folder / part).mkdir(parents=True)
    settings = {
        **PLAIN_FORMS,
        **more["settings"],  # type: ignore[dict-item]
        **secret,
        "spark.master": running.master,
        "spark.eventLog.dir": f"file:{folder}/events",
        "spark.local.dir": str(folder / "local"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.2",  # where the wire is
        "spark.driver.port": str(ports[0]),
        "spark.driver.blockManager.port": str(ports[1]),
        "spark.ui.port": str(ports[2]),
    }
    defaults = properties(folder / "spark.conf", settings)
    (folder / "driver.py").write_text(DRIVER)
    if more.get("debug"):
        (folder / "debug.properties").write_text(DEBUG)
        for role in ("driver", "executor"):
            own = f"-Dlog4j2.configurationFile=file:{folder}/debug.properties"
            settings[f"spark.{role}.extraJavaOptions"] = f"{SHORT_LIVED} {own}"
        defaults = properties(folder / "debug.conf", settings)
    arguments = [str(more["conf"]), str(folder / "driver"), CANARY.decode(), *tables]
    environ = {"SPARK_LOCAL_IP": "127.0.0.1", **more["environ"]}  # type: ignore[dict-item]
    places: dict[str, bytes] = {}
    folders = [lake / "local", folder / "local"]
    with (
        Wire(ports[0]) as calls,
        Wire(ports[1]) as blocks,
        Keeper(folders, folder / "kept"),
        submitted(folder / "driver.py", arguments, defaults, environ, folder / "output.log") as driver,
    ):
        wait_for(lambda: (folder / "driver" / "ready").exists() or driver.poll() is not None)
        output = (folder / "output.log").read_text(errors="replace")
        assert driver.poll() is None, output[-5000:]
        places |= shown(f"http://127.0.0.1:{ports[2]}", running.web)
        places |= told_by_processes(driver, running)
        (folder / "driver" / "go").touch()
        assert driver.wait(60) == 0
    for at, stream in enumerate([*calls.streams, *blocks.streams]):
        places[f"wire {at}"] = bytes(stream)
    for kind in ("events", "kept", "driver", "output.log"):
        places |= files(kind, folder / kind)
    places |= files("work", *(lake.glob("worker*")), lake / "master.log")
    places |= files("table", Path(str(more["conf"])).parent / "treated")
    return Seen((folder / "output.log").read_text(errors="replace"), places)


def files(kind: str, *roots: Path) -> dict[str, bytes]:
    paths = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*")) if path.is_file()]
    return {f"{kind}: {path}": path.read_bytes() for path in paths}


def shown(driver: str, master: str) -> dict[str, bytes]:
    """All that the driver's and the master's pages and interfaces show."""
    api = f"{driver}/api/v1/applications"
    app = f"{api}/{json.loads(fetched(api))[0]['id']}"
    queries = [query["id"] for query in json.loads(fetched(f"{app}/sql?length=1000"))]
    parts = ("environment", "jobs", "stages?details=true&withSummaries=true", "allexecutors", "storage/rdd")
    pages = ("environment/", "jobs/", "stages/", "storage/", "executors/", "SQL/")
    addresses = [f"{app}/{part}" for part in (*parts, "sql?details=true&planDescription=true&length=1000")]
    addresses += [f"{driver}/{page}" for page in (*pages, *(f"SQL/execution/?id={query}" for query in queries))]
    addresses += [f"{app}/executors/driver/threads", f"{master}/json/", f"{master}/"]
    return {f"page: {address}": fetched(address) for address in addresses}


def told_by_processes(driver: psutil.Process, running: Cluster) -> dict[str, bytes]:
    """Command lines of all processes that take part, and the environments of all but the driver's."""
    ours = [driver, *processes.below(driver)]
    theirs = [*running.workers, *running.executors()]
    found = {f"cmdline: {process.pid}": _of(process, "cmdline") for process in [*ours, *theirs]}
    return found | {f"environ: {process.pid}": _of(process, "environ") for process in theirs}


def _of(process: psutil.Process, what: str) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/{what}").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
