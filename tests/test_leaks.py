"""No value and no key in any text: logs at INFO, exceptions, explain output, event log, Delta log, properties.

One driver process succeeds once and fails in six ways; then everything it left behind is searched, byte by byte, for
values planted in the raw tables and for the bytes of the key.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privacy_udfs import keys
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse
from tests.lakes import table, write_conf

CANARIES = ["canary-7f3a@example.org", "Canaria Quixotebird", "987654321012345678", "canary-cell", "canary-line"]
KEYED = {"domain": "customer"}

DRIVER = """
import sys, traceback
from pathlib import Path
from jobs import pseudonymize, plan
from jobs.shared.configuration import config
from jobs.shared import session
from jobs.shared.selection import Selection
from privacy_udfs import keys

spark = session.start("leaks")
conf = config.load(Path(sys.argv[1]))
result = pseudonymize.run(spark, conf, "good")
own = session.for_run(spark)
held = pseudonymize.prepare(own, conf, "good")
rows = held.source.rows.select(*Selection(held.plan, {}, held.keys.references(held.plan)).columns())
for mode in ("simple", "extended", "codegen", "cost", "formatted"):
    rows.explain(mode)
print(rows.schema.json(), repr(held), repr(result), plan.as_text(held.plan))
own.sql(f"SHOW TBLPROPERTIES {held.target.name}").show(truncate=False)
for name in sys.argv[2:]:
    try:
        pseudonymize.run(spark, conf, name)
        print("SUCCEEDED", name)
    except Exception as error:
        print("FAILED", name, type(error).__name__)
        traceback.print_exc()
        print(repr(error), error.args)
Path(sys.argv[1], "..", "keys", "crm.json").resolve().write_text("{canary-cell")
keys.clear_cache()
try:
    pseudonymize.run(spark, conf, "good")
except Exception as error:
    print("FAILED broken_key", type(error).__name__)
    traceback.print_exc()
spark.stop()
"""
FAILING = {
    "refused_value": "RunFailed",
    "malformed_line": "RunFailed",
    "undecided": "PlanError",
    "broken_file": "RunFailed",
    "wrong_type": "PlanError",
    "raw_history": "Refused",
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
    broken = lake / "raw" / "broken_file" / "a.parquet"
    content = broken.read_bytes()
    at = content.index(b"canary-7f3a")
    broken.write_bytes(content[: at - 40] + b"\xff" * 36 + content[at - 4 :])
    (lake / "raw" / "malformed_line").mkdir()
    (lake / "raw" / "malformed_line" / "a.csv").write_text("id,email\n1,x\n2,y,canary-line\n")
    columns = {"id": KEYED, "email": KEYED, "name": {"technique": "mask"}, "nested[].cell": KEYED}
    csv = {"format": "csv", "path": str(lake / "raw" / "malformed_line")}
    return [
        table("good", lake, columns),
        table("refused_value", lake, {**columns, "email": {"technique": "truncate_ip"}}),
        table("malformed_line", lake, {"id": KEYED, "email": KEYED}, source=csv),
        table("undecided", lake, {"id": KEYED}),
        table("broken_file", lake, columns),
        table("wrong_type", lake, {**columns, "name": {"technique": "generalize_date"}}),
        table("raw_history", lake, columns, target={"path": str(lake / "raw" / "old")}),
    ]


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[bytes]]:
    """The folder of all that the driver left, its output, and the secrets it used, in several spellings."""
    lake = tmp_path_factory.mktemp("leaks")
    conf = write_conf(lake, *raw_tables(lake))
    old = lake / "raw" / "old"
    (old / "_delta_log").mkdir(parents=True)
    schema = {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]}
    actions: list[dict[str, object]] = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {
            "metaData": {
                "id": "11111111-1111-4111-8111-111111111111",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(schema),
                "partitionColumns": [],
                "configuration": {},
                "createdTime": 0,
            }
        },
    ]
    (old / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))
    secrets = spellings(f"file:{lake / 'keys' / 'crm.json'}")
    (lake / "events").mkdir()
    defaults = lake / "spark-defaults.conf"
    defaults.write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file:{lake / 'events'}\nspark.log.level INFO\n"
        "spark.sql.parquet.compression.codec uncompressed\nspark.ui.enabled false\nspark.master local[2]\n"
    )
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    script = lake / "driver.py"
    script.write_text(DRIVER)
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--properties-file", str(defaults)]
    done = subprocess.run(
        [*submit, str(script), str(conf), *FAILING],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
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
    for name, error in {**FAILING, "broken_key": "KeyProblem"}.items():
        assert f"FAILED {name} {error}" in output, output[-6000:]
    assert "SUCCEEDED" not in output
    assert "== Physical Plan ==" in output
    assert list((left_behind[0] / "events").iterdir())


def test_no_planted_value_and_no_key_is_in_anything_left_behind(left_behind: tuple[Path, str, list[bytes]]) -> None:
    lake, _, secrets = left_behind
    wanted = [canary.encode() for canary in CANARIES] + secrets
    files = [path for path in lake.rglob("*") if path.is_file() and path.name != "driver.py"]
    searched = [path for path in files if path.relative_to(lake).parts[0] not in ("keys", "conf", "raw")]
    assert len(searched) > 5
    for path in searched:
        content = path.read_bytes()
        for at, secret in enumerate(wanted):
            assert secret not in content, f"{path.relative_to(lake)} holds planted text or key number {at}"
