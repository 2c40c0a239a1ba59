"""``accept --target``: a path means the same wherever a job runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import accept
from tests.helpers.lakes import table, write_conf
from tests.jobs.starting.test_accept import DRAFT


@pytest.mark.parametrize(
    ("stated", "written"),
    [("treated/d", "HERE/treated/d"), ("/lake/d", "/lake/d"), ("s3a://b/d", "s3a://b/d"), ("${LAKE}/d", "${LAKE}/d")],
)
def test_a_relative_target_is_written_whole(
    lake: Path, monkeypatch: pytest.MonkeyPatch, stated: str, written: str
) -> None:
    conf = write_conf(lake, table("t", lake, {"a": {"domain": "customer"}}))
    draft = conf / "catalog" / "d.yaml"
    draft.write_text(DRAFT, encoding="utf-8")
    monkeypatch.chdir(lake)
    monkeypatch.setenv("LAKE", "/lake")
    assert accept.main(["--conf", str(conf), "--table", "d", "--target", stated]) == 0
    line = next(each for each in draft.read_text(encoding="utf-8").splitlines() if each.startswith("target:"))
    assert written.replace("HERE", str(lake.resolve())) in line
