"""S3 by Spark's own connector and by Arrow, at one real server: the same objects, by the same settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import boto3

from tests.helpers.key_servers import kms_server
from tests.helpers.places import ROOT
from tests.helpers.s3_jars import s3_jars


def test_a_table_in_s3(tmp_path: Path) -> None:
    jars = s3_jars()
    with kms_server() as port:
        keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "canary-3f", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **keys)
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
