"""Keys that settings of Spark give away, and keys that link domains: refused before anything is treated."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.models import KeyEntry
from jobs.console.exit_codes import Refused
from jobs.named_keys import key_exposure, key_links
from jobs.named_keys.key_ring import KeyRing
from jobs.pseudonymize import run
from privacy_udfs.keys import Keyset, create_file, load_keyset
from tests.helpers.key_helpers import assert_silent
from tests.helpers.lakes import DOMAINS, table, write_conf

KEYSET = Keyset.generate()
KEYS = {
    "crm": KeyEntry(keyset="env:CRM_KEYSET"),
    "mail": KeyEntry(keyset="file:/keys/mail.json", kek="env:MAIL_KEK"),
}
PREFIXES = ("spark.executorEnv.", "spark.yarn.appMasterEnv.", "spark.kubernetes.driverEnv.")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("variable", "key"), [("CRM_KEYSET", "crm"), ("MAIL_KEK", "mail")])
def test_a_variable_that_spark_sets(prefix: str, variable: str, key: str) -> None:
    (told,) = key_exposure.refusals([(f"{prefix}{variable}", KEYSET.to_json()), ("spark.master", "yarn")], KEYS)
    assert told.startswith(f"key {key!r}: the setting {prefix}{variable} hands it over.")
    assert_silent(told, KEYSET)


def test_a_keyset_in_any_setting() -> None:
    text = KEYSET.to_json()
    forms = [text, text.replace('"', '\\"'), f"-Dkeys='{text}'"]
    forms += [base64.b64encode(f"{' ' * at}{text}".encode()).decode() for at in range(3)]
    for form in forms:
        (told,) = key_exposure.refusals([("spark.driver.extraJavaOptions", form)], {})
        assert told.startswith("the setting spark.driver.extraJavaOptions holds a keyset.")
        assert_silent(told, KEYSET)


def test_other_settings_are_right() -> None:
    right = [
        ("spark.executorEnv.CRM_KEYSET_FILE", "/etc/keys/crm.json"),
        ("spark.executorEnv.PATH", "/usr/bin"),
        ("spark.kubernetes.executor.secretKeyRef.CRM_KEYSET", "keys:crm"),
        ("spark.app.name", "primaryKeyId"),
    ]
    assert key_exposure.refusals(right, KEYS) == []


def catalog(lake: Path, kind: str, *treatments: dict[str, object], **domains: dict[str, object]) -> Config:
    names = [f"t{at}" for at in range(len(treatments))]
    folder = write_conf(lake, *(table(name, lake, {"id": each}) for name, each in zip(names, treatments, strict=True)))
    create_file(lake / "keys" / "own.json", kind)
    entries = {name: {"keyset": f"file:{lake}/keys/{name}.json"} for name in ("crm", "own")}
    (folder / "keys.yaml").write_text(yaml.safe_dump({**entries, "same": dict(entries["own"])}))
    (folder / "domains.yaml").write_text(
        yaml.safe_dump({name: dict(each) for name, each in {**DOMAINS, **domains}.items()})
    )
    return config.load(folder)


def linked(conf: Config) -> list[str]:
    return key_links.refusals(conf, KeyRing(conf, {"own": load_keyset(conf.keys["own"].keyset)}))


CMAC = {"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "own"}
HMAC = {"technique": "keyed_hash", "key": "own"}
SIV = {"technique": "deterministic_encryption", "key": "own"}


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("AesCmacPrfKey", CMAC, {**CMAC, "bits": 64, "encoding": "hex"}),
        ("HmacKey", HMAC, HMAC),
        ("HmacKey", HMAC, {**HMAC, "key": "same"}),
        ("AesSivKey", SIV, {**SIV, "encoding": "hex"}),
    ],
)
def test_a_key_that_links_domains(lake: Path, kind: str, one: dict[str, object], other: dict[str, object]) -> None:
    conf = catalog(lake, kind, {"domain": "a"}, {"domain": "b"}, a=one, b=other)
    (told,) = linked(conf)
    assert told.startswith(f"key 'own' is an {kind}, which is used as it is: it would link a, b,")


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("HkdfPrfKey", HMAC, HMAC),
        ("AesSivKey", {**SIV, "associated_data": "a"}, {**SIV, "associated_data": "b"}),
        ("HmacKey", HMAC, {**HMAC, "key": "crm"}),
    ],
)
def test_a_key_that_does_not(lake: Path, kind: str, one: dict[str, object], other: dict[str, object]) -> None:
    assert linked(catalog(lake, kind, {"domain": "a"}, {"domain": "b"}, a=one, b=other)) == []
    assert linked(config.load(write_again(lake))) == []


def write_again(lake: Path) -> Path:
    """The same catalog, with both tables in one domain."""
    for name in ("t0", "t1"):
        path = lake / "conf" / "catalog" / f"{name}.yaml"
        path.write_text(path.read_text().replace("domain: b", "domain: a"))
    return lake / "conf"


def test_columns_without_a_domain_are_domains_too(lake: Path) -> None:
    (told,) = linked(catalog(lake, "HmacKey", HMAC, HMAC))
    assert "it would link t0/id, t1/id" in told


def test_a_run_is_refused(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame([("C-1001",)], "id string").write.parquet(str(lake / "raw" / "t0"))
    conf = catalog(lake, "HmacKey", {"domain": "a"}, {"domain": "b"}, a=HMAC, b=HMAC)
    with pytest.raises(Refused, match=r"t0: key 'own' is an HmacKey, .* it would link a, b"):
        run(spark, conf, "t0")
    assert not (lake / "treated").exists()
