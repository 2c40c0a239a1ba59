"""From tokens back to values: typed, by an approval, all of them or nothing; and what is past its time."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize, tokens
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from privacy_udfs.keys import load_keyset
from tests.helpers import lakes, vaults
from tests.helpers import reversals as back
from tests.helpers.lakes import column
from tests.helpers.vaults import TOKENS

COLUMNS = {
    "id": column(TOKENS, "direct_identifier"),
    "home.street": column(TOKENS, "direct_identifier"),
    "home.zip": column("keep", "non_personal"),
    "email": column({"domain": "mail"}, "direct_identifier"),
    "amount": column("keep", "non_personal"),
}


def configured(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setitem(lakes.DOMAINS, "person", vaults.domain(lake, vaults.made(spark, lake), ttl_days=30))
    return back.configured(lake, COLUMNS)


def test_tokens_come_back_and_expire(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (lake / "raw").mkdir()
    rows = [(1, ("Canary Street 1", "0250"), "a@example.org", 10), (2, None, None, 20), (None, (None, "1"), "b", 30)]
    schema = "id bigint, home struct<street: string, zip: string>, email string, amount int"
    spark.createDataFrame(rows, schema).write.parquet(str(lake / "raw" / "t"))
    conf = configured(spark, lake, monkeypatch)
    pseudonymize.run(spark, conf, "t")
    assert not any(b"Canary" in path.read_bytes() for path in (lake / "vault").rglob("*") if path.is_file())
    wanted = back.asked("id", "home.street", "email", beside=("amount",))
    approval = back.approved(spark, lake, conf, wanted)
    found = back.turned(spark, conf, wanted, approval)
    assert found.shown is not None
    got = {row["amount"]: row for row in found.shown.to_pylist()}
    assert [got[n]["id"] for n in (10, 20, 30)] == [1, 2, None]
    assert got[10]["home"] == {"street": "Canary Street 1"}
    assert (got[20]["home"], got[30]["home"]) == (None, {"street": None})
    assert [got[n]["email"] for n in (10, 20, 30)] == ["a@example.org", None, "b"]
    with monkeypatch.context() as patched:  # once is once: neither keys nor vault are asked again
        patched.setattr("jobs.reversal.vaults.check_all_there", lambda *given: pytest.fail("looked into the vault"))
        with pytest.raises(Refused, match="the approval counts once, and was used"):
            back.turned(spark, conf, wanted, approval)
    _expired(spark, conf, lake, monkeypatch, capsys)


def _expired(
    spark: SparkSession,
    conf: Config,
    lake: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The token of one value runs out: no way back, and another token from then on."""
    old = {row["amount"]: row["id"] for row in lakes.treated(spark, lake).collect()}
    spark.sql(f"UPDATE delta.`{lake}/vault` SET expires = timestamp'2020-01-01' WHERE row_key = {_key(conf, old[10])}")
    assert tokens.exists(spark, conf, "person", [old[10], old[20]]) == [False, True]
    wanted = back.asked("id")
    with pytest.raises(Refused, match="t: id: the vault holds no value for a token: it has expired"):
        back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted))
    assert [row["outcome"] for row in back.told(spark, conf)][-1] == "refused"
    pseudonymize.run(spark, conf, "t")
    new = {row["amount"]: row["id"] for row in lakes.treated(spark, lake).collect()}
    assert new[20] == old[20]
    assert new[10] != old[10]
    told = tokens.run(spark, conf, "person")
    assert (told["tokens"], told["expired"], told["ttl_days"]) == ("< 10", "< 10", 30)
    capsys.readouterr()
    assert tokens.main(["expire", "--conf", str(lake / "conf"), "--domain", "person"]) == 0
    said = capsys.readouterr().out
    assert "person: < 10 tokens were past their time and are out of the vault" in said
    assert "older versions of it hold what was taken out until 20" in said
    assert vaults.counts(spark, lake) == (3, 3, 3)
    _what_cannot_be_deleted_is_told(lake, monkeypatch, capsys)


def _what_cannot_be_deleted_is_told(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left, asked = lake / "vault" / "part-left.parquet", ["expire", "--conf", str(lake / "conf"), "--domain", "person"]
    shutil.copy(next((lake / "vault").glob("*.parquet")), left)
    os.utime(left, (time.time() - 30 * 86_400,) * 2)
    with monkeypatch.context() as patched:
        patched.setattr(DeltaTable, "vacuum", lambda table: None)
        assert tokens.main(asked) == 1
    assert "1 file beside the vault" in capsys.readouterr().err
    assert tokens.main(asked) == 0
    assert not left.exists()


def _key(conf: Config, token: str) -> str:
    treatment = conf.domains["person"].treatment
    key = load_keyset(conf.keys["crm"].keyset, None, "crm").subkey(treatment.technique, "person")
    found: Any = treatment.technique.row_keys(pa.array([token]), key)  # type: ignore[attr-defined]
    return f"X'{found[0].as_py().hex()}'"
