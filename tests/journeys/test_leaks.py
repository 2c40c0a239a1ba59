"""No value and no key in any text: logs at INFO and DEBUG, exceptions, plans, event log, Delta log, properties.

One driver process treats a table of each format and fails in seven ways; then everything it left behind is
searched, byte by byte, for values planted in the raw tables and for the bytes of the key. It does so at DEBUG, in a
session that the job did not start, as in a notebook, whose log4j2 file asks for the loggers that quote by name; in the
sweep another one at INFO, in the job's own session.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from privacy_udfs import keys
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse
from tests.helpers import leaking_reversal, leaking_risk
from tests.helpers.delta_by_hand import write_delta
from tests.helpers.lakes import table, write_conf
from tests.helpers.observed import DEBUG
from tests.helpers.sweeps import but_for

CANARIES = ["canary-7f3a@example.org", "Canaria Quixotebird", "987654321012345678", "canary-cell", "canary-line"]
CANARIES += [leaking_risk.GONE]
KEYED = {"domain": "customer"}
KEYS = {"id": KEYED, "email": KEYED}

DRIVER = """
import logging, os, sys, traceback
from pathlib import Path
from pyspark.sql import SparkSession
from jobs import pseudonymize, plan
from jobs.configuration import config
from jobs.spark_app import session
from jobs.spark_app.failures import translated
from jobs.table_run.selection import Selection
from privacy_udfs import keys

if os.environ.get("SESSION") == "own":
    builder = SparkSession.builder
    for setting, value in session.DELTA.items():
        builder = builder.config(setting, value)
    spark = builder.getOrCreate()
    logging.basicConfig(level=logging.DEBUG)
else:
    spark = session.start("leaks")
conf = config.load(Path(sys.argv[1]))
for name in (*FORMATS, "delta"):  # a second run of one: it is then that Delta warns
    for execution in ("spark", "auto") if name in COLUMNAR else ("auto",):
        result = pseudonymize.run(spark, conf, name, execution=execution)
        print("TREATED", name, result.rows, result.execution)
for name in ("notes", "good"):
    result = pseudonymize.run(spark, conf, name, execution="auto")
    print("TREATED", name, result.rows, result.execution)
RISK_DRIVER
print("TREATED notes by Spark", pseudonymize.run(spark, conf, "notes", execution="spark").rows)
own = session.for_run(spark)
held = pseudonymize.prepare(own, conf, "good")
rows = held.source.rows.select(*Selection(held.plan, {}, held.keys.references(held.plan)).columns())
BACK_DRIVER
for mode in ("simple", "extended", "codegen", "cost", "formatted"):
    rows.explain(mode)
print(rows.schema.json(), repr(held), repr(result), plan.as_text(held.plan))
own.sql(f"SHOW TBLPROPERTIES {held.target.name}").show(truncate=False)
for name in sys.argv[2:]:
    for execution in ("auto", "spark"):
        try:
            pseudonymize.run(spark, conf, name, execution=execution)
            print("SUCCEEDED", name)
        except Exception as error:
            print("FAILED", name, execution, type(error).__name__)
            traceback.print_exc()
            print(repr(error), error.args)
held = pseudonymize.prepare(own, config.executed_by(conf, "auto"), "parquet_folders")
(changed,) = Path(sys.argv[1], "..", "raw", "parquet_folders").resolve().glob("*/*.parquet")
changed.write_bytes(changed.read_bytes() + b"canary-cell")
try:
    translated("parquet_folders", lambda: pseudonymize.execute(own, held))
except Exception as error:
    print("FAILED changed_file", type(error).__name__)
    traceback.print_exc()
Path(sys.argv[1], "..", "keys", "crm.json").resolve().write_text("{canary-cell")
keys.clear_cache()
try:
    pseudonymize.run(spark, conf, "good")
except Exception as error:
    print("FAILED broken_key", type(error).__name__)
    traceback.print_exc()
spark.stop()
""".replace("RISK_DRIVER", leaking_risk.DRIVER).replace("BACK_DRIVER", leaking_reversal.DRIVER)
FORMATS = ("delta", "delta_folders", "parquet_folders", "csv", "json", "orc")
COLUMNAR = ("delta", "delta_folders", "parquet_folders", "csv")
"""Of the formats, those whose table takes the columnar path where it may."""
FAILING = {
    "refused_value": "RefusedAt",
    "refused_in_delta": "RefusedAt",
    "refused_in_folders": "RefusedAt",
    "malformed_line": "RunFailed",
    "undecided": "PlanError",
    "broken_file": "RunFailed",
    "wrong_type": "PlanError",
    "raw_history": "Refused",
    leaking_risk.MISSED: "RiskMissed",
}


def raw_tables(lake: Path) -> list[dict[str, object]]:
    good = pa.table(
        {
            "id": pa.array([987654321012345678, None, 5]),
            "email": ["canary-7f3a@example.org", "b@example.org", None],
            "name": ["Canaria Quixotebird", None, "Bo"],
            "nested": pa.array([[{"cell": "canary-cell"}], [], None], pa.list_(pa.struct([("cell", pa.string())]))),
        }
    )
    for name in ("good", "refused_value", "undecided", "broken_file", "wrong_type", "raw_history"):
        (lake / "raw" / name).mkdir(parents=True)
        pq.write_table(good, lake / "raw" / name / "a.parquet", compression="none", use_dictionary=False)
    (lake / "raw" / "notes").mkdir()
    notes = pa.table({"note": ["from Canaria Quixotebird", "canary-7f3a@example.org, 987654321012345678", None]})
    pq.write_table(notes, lake / "raw" / "notes" / "a.parquet", compression="none", use_dictionary=False)
    flat = good.select(["id", "email", "name"])
    write_delta(lake / "raw" / "delta", flat)
    write_delta(lake / "raw" / "delta_folders", flat.slice(0, 1), "name")
    shutil.copytree(lake / "raw" / "delta_folders", lake / "raw" / "parquet_folders")
    shutil.rmtree(lake / "raw" / "parquet_folders" / "_delta_log")
    for name in ("csv", "json", "orc"):
        (lake / "raw" / name).mkdir()
    pyarrow.csv.write_csv(flat, lake / "raw" / "csv" / "a.csv")
    (lake / "raw" / "json" / "a.json").write_text("\n".join(json.dumps(row) for row in flat.to_pylist()))
    pyarrow.orc.write_table(flat, lake / "raw" / "orc" / "a.orc")
    broken = lake / "raw" / "broken_file" / "a.parquet"
    content = broken.read_bytes()
    at = content.index(b"canary-7f3a")
    broken.write_bytes(content[: at - 40] + b"\xff" * 36 + content[at - 4 :])
    (lake / "raw" / "malformed_line").mkdir()
    (lake / "raw" / "malformed_line" / "a.csv").write_text("id,email\n1,x\n2,y,canary-line\n")
    columns = {"id": KEYED, "email": KEYED, "name": {"technique": "mask"}, "nested[].cell": KEYED}
    csv = {"format": "csv", "path": str(lake / "raw" / "malformed_line")}
    texts, sought = (
        {"technique": "treat_entities", "entities": {"ip": "redact"}},
        ["good.name", "good.email", "good.id"],
    )
    return [
        table("good", lake, columns),
        table("notes", lake, {"note": {**texts, "known_elsewhere": {"customer": sought}}}),
        *(of_format(lake, name, {name: columns[name] for name in flat.column_names}) for name in FORMATS),
        of_format(lake, "refused_in_delta", {**KEYS, "name": {"technique": "truncate_ip"}}, "delta"),
        of_format(lake, "refused_in_folders", {**KEYS, "name": {"technique": "truncate_ip"}}, "delta_folders"),
        table("refused_value", lake, {**columns, "email": {"technique": "truncate_ip"}}),
        table("malformed_line", lake, {"id": KEYED, "email": KEYED}, source=csv),
        table("undecided", lake, {"id": KEYED}),
        table("broken_file", lake, columns),
        table("wrong_type", lake, {**columns, "name": {"technique": "generalize_date"}}),
        table("raw_history", lake, columns, target={"path": str(lake / "raw" / "old")}),
        *leaking_risk.tables(lake),
    ]


def of_format(lake: Path, name: str, columns: dict[str, object], folder: str = "") -> dict[str, object]:
    source = {"path": str(lake / "raw" / (folder or name))}
    if "folders" in name:
        source["personal_paths"] = "accepted"
    if name in ("csv", "json"):
        source["schema"] = "id bigint, email string, name string"
    return table(name, lake, columns, source={**source, "format": (folder or name).partition("_")[0]})


@pytest.fixture(scope="module", params=but_for(["DEBUG"], ["INFO", "DEBUG"]))
def left_behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, list[bytes]]:
    """The folder of all that the driver left, its output, and the secrets it used, in several spellings."""
    lake = tmp_path_factory.mktemp("leaks")
    (lake / "debug.properties").write_text(DEBUG)
    options = {
        "INFO": "spark.log.level INFO\n",
        "DEBUG": f"spark.driver.extraJavaOptions -Dlog4j2.configurationFile=file:{lake}/debug.properties\n",
    }[request.param]
    leaking_risk.raw(lake)
    conf = write_conf(lake, *raw_tables(lake))
    (conf / "ill.csv").write_text(leaking_risk.LEVELS)
    write_delta(lake / "raw" / "old", pa.table({"id": [5], "email": ["canary-7f3a@example.org"]}))
    secrets = spellings(f"file:{lake / 'keys' / 'crm.json'}")
    (lake / "events").mkdir()
    defaults = lake / "spark-defaults.conf"
    defaults.write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file:{lake / 'events'}\n"
        "spark.databricks.delta.snapshotPartitions 1\nspark.sql.shuffle.partitions 1\n"
        "spark.sql.parquet.compression.codec uncompressed\nspark.ui.enabled false\nspark.master local[2]\n" + options
    )
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SESSION": "own" if request.param == "DEBUG" else ""}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])  # for the helpers of these tests
    script = lake / "driver.py"
    script.write_text(f"FORMATS, COLUMNAR, RISK_TABLES = {FORMATS}, {COLUMNAR}, {leaking_risk.TABLES}\n{DRIVER}")
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--properties-file", str(defaults)]
    done = subprocess.run(
        [*submit, str(script), str(conf), *FAILING],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1800,
        check=False,
    )
    (lake / "output.log").write_bytes(done.stdout)
    return lake, done.stdout.decode(errors="replace"), secrets


def spellings(uri: str) -> list[bytes]:
    keyset = keys.load_keyset(uri)
    technique: Technique = parse({"technique": "keyed_hash", "normalize": ["nfc", "trim"]})
    entry = json.loads(Path(uri.removeprefix("file:")).read_text())["key"][0]["keyData"]["value"]
    master = base64.b64decode(entry)[-32:]
    found = [entry.encode()]
    for secret in (master, keyset.subkey(technique, "customer").material):
        found += [secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)]
        found += [repr(secret)[2:-1].encode()]
    return found


def test_the_driver_did_what_was_asked(left_behind: tuple[Path, str, list[bytes]]) -> None:
    output = left_behind[1]
    for line in ("FAILED broken_key KeyProblem", "FAILED changed_file "):
        assert line in output, output[-6000:]
    for name, error in FAILING.items():
        for execution in ("auto", "spark"):
            assert f"FAILED {name} {execution} {error}" in output, output[-6000:]
    assert "TREATED good 3 columnar\n" in output
    assert "TREATED notes 3 columnar\n" in output
    assert "TREATED notes by Spark 3\n" in output
    for name in FORMATS:
        rows, times = 1 if "folders" in name else 3, 2 if name == "delta" else 1
        by_path = {path: output.count(f"TREATED {name} {rows} {path}\n") for path in ("columnar", "spark")}
        wanted = {"columnar": times, "spark": times} if name in COLUMNAR else {"columnar": 0, "spark": times}
        assert by_path == wanted, output[-6000:]
    assert "SUCCEEDED" not in output
    assert "MEASURED risk_met spark None {" in output, output[-6000:]
    assert "MEASURED risk_suppressed columnar < 10 {" in output, output[-6000:]
    ended = [line for line in output.splitlines() if line.startswith(("RISK ", "PLAN "))]
    assert ended in leaking_risk.CODES.values(), ended
    for name in leaking_reversal.OUTPUTS:
        path = "columnar" if name == "columnar" else "spark"
        assert f"BACK {name} 3 {path} " in output, output[-6000:]
        assert f"BACK {name} by itself 3 " in output or name in ("csv", "json")
        assert f"BACK {name}-spoiled FAILED " in output
    assert "BACK kept on disk 0\n" in output
    assert "== Physical Plan ==" in output
    assert list((left_behind[0] / "events").iterdir())


def test_no_planted_value_and_no_key_is_in_anything_left_behind(left_behind: tuple[Path, str, list[bytes]]) -> None:
    lake, _, secrets = left_behind
    wanted = [canary.encode() for canary in (*CANARIES, *leaking_reversal.SHOWN)] + secrets
    files = [path for path in lake.rglob("*") if path.is_file() and path.name != "driver.py"]
    searched = [path for path in files if path.relative_to(lake).parts[0] not in ("keys", "conf", "raw")]
    searched = [path for path in searched if not leaking_reversal.is_shown(path, lake)]
    assert len(searched) > 5
    for path in searched:
        content = path.read_bytes()
        for at, secret in enumerate(wanted):
            assert secret not in content, f"{path.relative_to(lake)} holds planted text or key number {at}"


def test_what_measured_tables_show_is_in_them_alone(left_behind: tuple[Path, str, list[bytes]]) -> None:
    """Quasi-identifiers and what is sensitive: not in what is told of them by gates, reports, the search and plans."""
    lake, _, _ = left_behind
    own = [lake / "treated" / name for name in leaking_risk.TABLES]
    searched = {
        str(path.relative_to(lake)): path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file()
        and path.relative_to(lake).parts[0] not in ("keys", "conf", "raw")
        and not any(folder in path.parents for folder in own)
    }
    searched |= {f"the log of {name}": leaking_risk.told(lake, name) for name in leaking_risk.TABLES}
    assert b'"risk' in searched["the log of risk_met"]
    for name, content in searched.items():
        for canary in leaking_risk.SHOWN:
            assert canary.encode() not in content, f"{name} holds {canary}"
