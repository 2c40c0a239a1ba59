"""Keys under Google Cloud KMS and Azure Key Vault in the jobs: made, moved between clouds, treated with, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

import privacy_udfs
from jobs import keys, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import gcp_kms
from privacy_udfs.keys import load_keyset
from tests.helpers.lakes import table, treated, write_conf
from tests.helpers.played_azure import KeyVault, azure_cloud
from tests.helpers.played_gcp import CloudKms, google_cloud

FROM_ENVIRONMENT = ("GOOGLE_APPLICATION_CREDENTIALS", gcp_kms.OVERRIDE)


@pytest.fixture
def kms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudKms]:
    with google_cloud(tmp_path, monkeypatch) as (kms, _):
        yield kms


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    with azure_cloud(tmp_path, monkeypatch) as (vault, _):
        yield vault


def with_keys(folder: Path, **entries: object) -> Config:
    (folder / "keys.yaml").write_text(yaml.safe_dump(entries))
    return config.load(folder)


def test_a_key_lives_in_one_cloud_moves_to_another_and_is_reversed_from_there(
    lake: Path, kms: CloudKms, vault: KeyVault
) -> None:
    """`create`, `add`, `promote`, `reversal`, `rewrap`; and the way back goes on where the job's KEK is disabled."""
    there, folder = lake / "keys", write_conf(lake)
    vault.made("lake")
    google, azure = f"gcp-kms://{kms.made('lake')}?aad=crm", f"azure-kv://{vault.host}/keys/lake"
    entry = {"keyset": f"file:{there}/new.json", "kek": google}
    conf = with_keys(folder, crm=entry)
    keys.run(conf, "create", "crm")
    keys.run(conf, "add", "crm")
    second = load_keyset(f"file:{there}/new.json", google).entries[1].id
    keys.run(conf, "promote", "crm", keys.Asked(id=second))
    place = {"keyset": f"file:{there}/back.json", "kek": azure}
    conf = with_keys(folder, crm=entry | {"reversal": place})
    keys.run(conf, "reversal", "crm")
    keyset = load_keyset(f"file:{there}/new.json", google)
    assert load_keyset(place["keyset"], azure) == keyset
    assert keyset.primary_id == second
    kms.states[google.removeprefix("gcp-kms://").partition("?")[0]] = ["DISABLED"]
    with pytest.raises(KeyProblem, match="its version is disabled in Cloud KMS"):
        keys.run(conf, "add", "crm")
    assert load_keyset(place["keyset"], azure) == keyset
    moved = with_keys(folder, crm={"keyset": place["keyset"], "kek": azure})
    other = f"gcp-kms://{kms.made('other')}"
    keys.run(moved, "rewrap", "crm", keys.Asked(kek=other))
    assert load_keyset(place["keyset"], other) == keyset


def test_what_fails_at_the_cloud_leaves_the_keyset_as_it_was(lake: Path, kms: CloudKms, vault: KeyVault) -> None:
    there, folder = lake / "keys", write_conf(lake)
    version = vault.made("lake")
    google, azure = f"gcp-kms://{kms.made('lake')}", f"azure-kv://{vault.host}/keys/lake"
    conf = with_keys(folder, crm={"keyset": f"file:{there}/crm.json"})
    before = (there / "crm.json").read_bytes()
    version.enabled = False  # Key Vault goes on wrapping, and what is wrapped could never be read
    for kek in (azure, f"{azure}?alg=A256KW", f"{azure}s", f"{google}s", "azure-kv://lake.example/keys/x"):
        with pytest.raises(KeyProblem):
            keys.run(conf, "rewrap", "crm", keys.Asked(kek=kek))
        assert (there / "crm.json").read_bytes() == before
    assert not list(there.glob("*.tmp"))


@pytest.mark.sweep
def test_tables_are_treated_with_a_key_of_cloud_kms(spark: SparkSession, lake: Path, kms: CloudKms) -> None:
    """The executors' processes ask the service by themselves, and as few times as docs/keys.md says."""
    google, names = f"gcp-kms://{kms.made('lake')}", [f"c{at}" for at in range(200)]
    (lake / "raw" / "t").mkdir(parents=True)
    pq.write_table(pa.table({"id": names, "other": names}), lake / "raw" / "t" / "0.parquet")
    folder = write_conf(lake, table("t", lake, {"id": {"domain": "customer"}, "other": {"domain": "other"}}))
    conf = with_keys(folder, crm={"keyset": f"file:{lake}/keys/new.json", "kek": google})
    keys.run(conf, "create", "crm")
    keyset = load_keyset(f"file:{lake}/keys/new.json", google)
    environment = spark.sparkContext.environment
    environment.update({name: os.environ[name] for name in FROM_ENVIRONMENT})
    kms.asked.clear()
    try:
        assert pseudonymize.run(spark, conf, "t").rows == 200
    finally:
        for name in FROM_ENVIRONMENT:
            del environment[name]
    assert 2 <= len(kms.asked) <= 2 + os.cpu_count()  # type: ignore[operator]
    assert all(path.endswith(":decrypt") for path in kms.asked)
    technique = privacy_udfs.parse({"technique": "keyed_hash", "bits": 128, "normalize": ["nfc", "trim"]})
    subkey = keyset.subkey(technique, "customer")
    expected = privacy_udfs.apply(technique, pa.array(names), subkey.material)
    assert {row["id"] for row in treated(spark, lake).select("id").collect()} == set(expected.to_pylist())
