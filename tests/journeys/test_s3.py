"""S3 by Spark's own connector and by Arrow, at one real server: the same objects, by the same settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.helpers.key_servers import kms_server
from tests.helpers.places import ROOT
from tests.helpers.s3_appends import write_lake
from tests.helpers.s3_jars import s3_jars

CREDENTIALS = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "canary-3f", "region_name": "us-east-1"}


@pytest.mark.sweep
def test_two_drivers_add_to_one_audit_log_at_once(tmp_path: Path) -> None:
    """Each row that a driver takes for written is there, once; of the others it was told."""
    jars, rows = s3_jars(), 25
    with kms_server() as port:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **CREDENTIALS)
        client.create_bucket(Bucket="lake")
        command = [sys.executable, "-m", "tests.helpers.s3_appends", str(port), jars]
        write_lake(tmp_path)
        asked = [[*command, str(tmp_path), name, str(rows)] for name in ("one", "other")]
        at_work = [subprocess.Popen(each, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for each in asked]
        said = [each.communicate(timeout=500) for each in at_work]
        assert [each.returncode for each in at_work] == [0, 0], [err.decode()[-6000:] for _, err in said]
        told = [json.loads(out.splitlines()[-1]) for out, _ in said]
        done = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        assert found["wrong"] == []
        assert found["claims"] == [True, False, True, True], "of two drivers one has its turn"
        left = client.list_objects_v2(Bucket="lake", Prefix="audit log_claims/0").get("Contents", [])
        assert len(left) == 1, "what was claimed last, and by no run"
        written = sorted(name for each in told for name in each["written"])
        assert sorted(found["rows"]) == written, [each["refused"] for each in told]
        assert len(written) + sum(len(each["refused"]) for each in told) == 2 * rows
        assert min(len(each["written"]) for each in told) > 0, "they were at work at once"


def test_a_table_in_s3(tmp_path: Path) -> None:
    jars = s3_jars()
    with kms_server() as port:
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **CREDENTIALS)
        client.create_bucket(Bucket="lake")
        command = [sys.executable, "-m", "tests.helpers.s3_run", str(port), jars, str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(done.stdout.splitlines()[-1])
        assert "canary" not in found.pop("repr")
        assert found == {
            "rows": 100,
            "equal": True,
            "seen": 5,
            "back": "spark",
            "deleted": True,
            "names": ["x#y+z?.bin2"],
            "paths": ["columnar", "refused", "columnar", "incremental"],
            "same": True,
            "grown": 30,
            "no_more_files": True,
            "none_left": True,
            "stands": [True, False],
        }
        treated = client.list_objects_v2(Bucket="lake", Prefix="treated+1/customers/_delta_log/")["Contents"]
        assert any(each["Key"].endswith("/00000000000000000000.json") for each in treated)
