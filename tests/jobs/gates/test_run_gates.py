"""One list of gates: whoever asks is told the same, by `plan`, by ``--diff record``, by a dry run and by a run."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import check, plan, pseudonymize
from jobs.configuration import config
from jobs.gates import (
    boxes,
    configuration_gates,
    growth,
    kept_out,
    keys,
    known_elsewhere,
    limits,
    made_for,
    mapped_feed,
    policy,
    quarantine,
    risk,
    run_gates,
    source,
    subject_keys,
    suppressed,
    target,
    used_up,
    vault,
)
from jobs.lake import subject_key_table, vault_table
from jobs.lake.delta_commit import transaction
from privacy_udfs.keys import Keyset, clear_cache, create_file, load_keyset
from privacy_udfs.keysets import keyset_versions
from tests.helpers import audits, erased_lists, shredding, vaults
from tests.helpers.lakes import DOMAINS, POLICY, table, write_conf

HASH = {"technique": "keyed_hash", "key": "crm"}
LATE = datetime.date(2000, 1, 1)
ASKED = {
    "plan": (plan, ()),
    "diff": (plan, ("--diff", "record")),
    "dry run": (pseudonymize, ("--dry-run",)),
    "run": (pseudonymize, ()),
}
FEW = ("plan", "run")
"""Of those who ask, one that says all beforehand, and the run itself."""


@dataclasses.dataclass
class Scene:
    """A lake and its configuration, in which a case makes what a gate finds. listed: a lake with a list of the erased,
    in which cases change the configuration alone."""

    spark: SparkSession
    lake: Path
    patch: pytest.MonkeyPatch
    listed: Callable[[], Path]

    def raw(self, name: str = "t") -> None:
        self.spark.createDataFrame([("C-1001",)], "id string").write.parquet(str(self.lake / "raw" / name))

    def configured(self, columns: Mapping[str, Any], name: str = "t", **more: Any) -> Path:
        return write_conf(self.lake, table(name, self.lake, columns, **more))

    def written(self, file: str, data: Mapping[str, Any]) -> None:
        (self.lake / "conf" / file).write_text(yaml.safe_dump(dict(data)), encoding="utf-8")

    def treated(self, name: str = "t") -> None:
        pseudonymize.run(self.spark, config.load(self.lake / "conf"), name)

    def key(self, **more: Any) -> None:
        self.written("keys.yaml", {"crm": {"keyset": f"file:{self.lake}/keys/crm.json", **more}})

    def another_keyset(self, kind: str = "HkdfPrfKey") -> None:
        (self.lake / "keys" / "crm.json").unlink(missing_ok=True)
        create_file(self.lake / "keys" / "crm.json", kind)
        clear_cache()


# -- one case for each gate, by what it finds -------------------------------------------------------------------------


def unguarded(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.patch.setattr(transaction, "TRIED", {"4.2": "4.3"})


def unguarded_risk(at: Scene) -> None:
    unguarded(at)
    at.written("policy.yaml", {**POLICY, "risk": {"k": 2}})


def unguarded_suppression(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}}, suppress={"k": 2})
    at.patch.setattr(transaction, "TRIED", {"4.2": "4.3"})


def unguarded_boxes(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}}, mondrian={"k": 2})
    at.patch.setattr(transaction, "TRIED", {"4.2": "4.3"})


def raw_history(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.spark.sql("SELECT 'x' AS id").write.format("delta").save(str(at.lake / "treated" / "t"))


def suppressed_since(at: Scene) -> None:
    kept, to = {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}, str(at.lake / "treated" / "t")
    properties = {"delta.enableChangeDataFeed": "true"}
    at.raw()
    at.configured({"id": kept}, target={"path": to, "properties": properties})
    at.treated()
    at.configured({"id": kept}, target={"path": to, "properties": properties}, suppress={"k": 2, "at_most": 1})


def boxed_since(at: Scene) -> None:
    kept = {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}
    at.spark.sql("SELECT id FROM VALUES ('a'), ('b') AS t(id)").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"id": kept})
    at.treated()
    at.configured({"id": kept}, mondrian={"k": 2})


def _for(at: Scene, **made_for: str) -> None:
    at.configured({"id": HASH}, **({"made_for": made_for} if made_for else {}))


def for_somebody_else(at: Scene) -> None:
    at.raw()
    _for(at, recipient="lab")
    at.treated()
    _for(at, recipient="court")


def for_nobody_any_more(at: Scene) -> None:
    at.raw()
    _for(at, purpose="billing")
    at.treated()
    _for(at)


def for_somebody_since(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"domain": "customer"}})
    at.treated()
    at.configured({"id": {"domain": "customer"}}, made_for={"recipient": "lab"})


def for_another_since(at: Scene) -> None:
    at.raw()
    target = {"path": str(at.lake / "treated" / "t"), "mode": "incremental"}
    at.configured({"id": HASH}, target=target)
    at.treated()
    at.configured({"id": HASH}, target=target, made_for={"recipient": "lab"})


def for_several_recipients(at: Scene) -> None:
    at.raw()
    for name, recipient in (("t", "lab"), ("u", "court")):
        at.configured({"id": {"domain": "customer"}}, name, made_for={"recipient": recipient})


def without_a_reason(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"domain": "customer"}})
    at.written("policy.yaml", {**POLICY, "require": ["scope"]})


def constrained(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.treated()
    at.spark.sql(f"ALTER TABLE delta.`{at.lake}/treated/t` ADD CONSTRAINT known CHECK (id <> 'C-1001')")


def of_a_source_with_promises(at: Scene) -> None:
    place = f"{at.lake}/raw/t"
    made = DeltaTable.create(at.spark).location(place).addColumn("id", "string")
    made.addColumn("twice", "string", generatedAlwaysAs="concat(id, id)").execute()
    at.configured({"id": HASH, "twice": HASH}, source={"format": "delta", "path": place})


def measured_before(at: Scene) -> None:
    """As tables are that runs made before their properties said which columns have statistics."""
    at.raw()
    at.configured({"id": "keep"}, target={"path": str(at.lake / "treated" / "t"), "mode": "incremental"})
    at.treated()
    at.spark.sql(f"ALTER TABLE delta.`{at.lake}/treated/t` UNSET TBLPROPERTIES ('delta.dataSkippingStatsColumns')")


def of_a_feed_with_mapped_columns(at: Scene) -> None:
    at.spark.sql("SELECT 'C-1001' AS id, 1 AS number").write.parquet(str(at.lake / "raw" / "t"))
    properties = {"delta.enableChangeDataFeed": "true", "delta.columnMapping.mode": "name"}
    at.configured({"id": HASH, "number": "keep"}, target={"path": f"{at.lake}/treated/t", "properties": properties})


def in_folders(at: Scene) -> None:
    at.spark.sql("SELECT 'C-1001' AS id, 1 AS number").write.parquet(str(at.lake / "raw" / "t"))
    kept = {"class": "direct_identifier", "treatment": "keep", "why": "a test"}
    at.configured({"id": kept, "number": "keep"}, target={"path": f"{at.lake}/treated/t", "partition_by": ["id"]})


def deleted(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.treated()
    at.spark.sql(f"DELETE FROM delta.`{at.lake}/treated/t`")


def deleted_and_partitions(at: Scene) -> None:
    at.spark.sql("SELECT 'C-1001' AS id, id AS day FROM range(3)").write.parquet(str(at.lake / "raw" / "t"))
    target = {"path": str(at.lake / "treated" / "t"), "mode": "partitions", "partition_by": ["day"]}
    at.configured({"id": HASH, "day": "keep"}, target=target)
    pseudonymize.run(at.spark, config.load(at.lake / "conf"), "t", mode="full")
    at.spark.sql(f"DELETE FROM delta.`{at.lake}/treated/t` WHERE day < 2 AND id IS NOT NULL")


def other_than_recorded(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.treated()
    at.another_keyset()


def same_record(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.treated()
    at.configured({"id": "redact"}, target={"path": str(at.lake / "treated" / "t"), "mode": "incremental"})


def rest_there(at: Scene) -> None:
    at.spark.sql("SELECT 'C-1001' AS id, 1 AS day").write.parquet(str(at.lake / "raw" / "t"))
    target = {"path": str(at.lake / "treated" / "t"), "mode": "partitions", "partition_by": ["day"]}
    at.configured({"id": "redact", "day": "keep"}, target=target)


def keyed(at: Scene) -> None:
    at.spark.sql("SELECT 1.5D AS id").write.format("delta").save(str(at.lake / "raw" / "t"))
    target = {"path": str(at.lake / "treated" / "t"), "mode": "changes", "key": ["id"]}
    at.configured({"id": "keep"}, source={"format": "delta", "path": str(at.lake / "raw" / "t")}, target=target)


def readable(at: Scene) -> None:
    """The catalog has a column that the source of its table has not."""
    at.raw()
    at.raw("names")
    at.configured({"id": {"domain": "customer"}, "name": "drop"}, "names")
    of = {"technique": "treat_entities", "entities": {"email": "redact"}}
    at.configured({"id": {**of, "known_elsewhere": {"customer": ["names.name"]}}})


def not_to_look_for(at: Scene) -> None:
    readable(at)
    at.spark.sql("SELECT 'C-1' AS id, 1.5D AS name").write.mode("overwrite").parquet(str(at.lake / "raw" / "names"))


def not_consented(at: Scene) -> None:
    """Pseudonyms would be looked for, and never found."""
    readable(at)
    at.configured(
        {"id": {"domain": "customer"}, "name": "drop"},
        "names",
        source={"format": "delta", "path": str(at.lake / "treated" / "u")},
    )
    at.spark.sql("SELECT 'C-1' AS id, 'x' AS name").write.parquet(str(at.lake / "raw" / "u"))
    at.configured({"id": "redact", "name": "keep"}, "u")
    at.treated("u")


def same_place(at: Scene) -> None:
    at.raw()
    set_aside(at, "first", {"mode": "incremental"})
    at.treated()
    set_aside(at, "second", {"mode": "incremental"})


def same_name(at: Scene) -> None:
    """What a run under the name before left there."""
    at.raw("s")
    set_aside(at, "first", {"mode": "incremental"}, "s")
    at.treated("s")
    (at.lake / "conf" / "catalog" / "s.yaml").unlink()
    set_aside(at, "first", {"mode": "incremental"}, source={"format": "parquet", "path": str(at.lake / "raw" / "s")})


def set_aside(at: Scene, place: str, target: Mapping[str, Any], name: str = "t", **more: Any) -> None:
    """A table with a quarantine, of which all rows are refused."""
    aside = {"on_refused": "quarantine", "quarantine": {"path": f"{at.lake}/{place}", "key": "aside"}}
    target = {"path": str(at.lake / "treated" / "t"), **target}
    at.configured({"id": {"technique": "truncate_ip"}}, name, target=target, **aside, **more)
    if not (at.lake / "aside.json").exists():
        create_file(at.lake / "aside.json")
    keys = {key: {"keyset": f"file:{at.lake}/{file}.json"} for key, file in (("crm", "keys/crm"), ("aside",) * 2)}
    at.written("keys.yaml", keys)


def measurable(at: Scene) -> None:
    at.spark.sql("SELECT array('C-1001') AS ids").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"ids[]": "redact"})  # how many there are stays
    at.written("policy.yaml", {**POLICY, "risk": {"k": 2}})


def people(at: Scene) -> None:
    at.raw()
    at.configured({"id": "redact"}, subject="id")
    at.written("policy.yaml", {**POLICY, "risk": {"k": 2}})


def alike(at: Scene) -> None:
    at.spark.sql("SELECT array('C-1001') AS ids").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"ids[]": "keep"}, suppress={"k": 2})


def asked_since(at: Scene) -> None:
    at.raw()
    target = {"path": str(at.lake / "treated" / "t"), "mode": "incremental"}
    at.configured({"id": {"class": "sensitive", "treatment": "keep", "why": "x"}}, target=target)
    at.treated()
    at.written("policy.yaml", {**POLICY, "risk": {"t": 0.9}})


def within_a_struct(at: Scene) -> None:
    at.spark.sql("SELECT named_struct('zip', '80331') AS address").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"address.zip": "keep"}, mondrian={"k": 2})


def not_text(at: Scene) -> None:
    at.spark.sql("SELECT 1 AS age").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"age": "keep"}, mondrian={"k": 2, "ladders": {"age": "width:5"}})


def without_an_order(at: Scene) -> None:
    at.spark.sql("SELECT X'00' AS print").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"print": "keep"}, mondrian={"k": 2})


def by_its_subject(at: Scene) -> None:
    at.spark.sql("SELECT 'a' AS id").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"id": "keep"}, mondrian={"k": 2}, subject="id")


def consented(at: Scene) -> None:
    at.raw("first")
    at.configured({"id": HASH}, "first")
    at.treated("first")
    (at.lake / "conf" / "catalog" / "first.yaml").unlink()
    at.configured({"id": HASH}, source={"format": "delta", "path": str(at.lake / "treated" / "first")})


def delivery(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.key(deliver="driver")
    at.patch.setattr(at.spark.sparkContext, "master", "spark://elsewhere:7077")


def _aged(at: Scene, days: int) -> None:
    at.raw()
    at.configured({"id": HASH})
    made = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days)
    at.key(created={str(load_keyset(f"file:{at.lake}/keys/crm.json").primary_id): made})
    at.written("policy.yaml", {**POLICY, "keys": {"max_age_days": 365}})


def aging(at: Scene) -> None:
    _aged(at, 345)


def old(at: Scene) -> None:
    _aged(at, 400)


def layered(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"domain": "customer"}})
    keyset = load_keyset(f"file:{at.lake}/keys/crm.json")
    keyset, other = keyset_versions.added(keyset)
    (at.lake / "keys" / "crm.json").write_text(keyset.to_json(), encoding="utf-8")
    clear_cache()
    at.written("domains.yaml", {"customer": {**HASH, "layers": [str(keyset.primary_id), str(other)]}})


def linking(at: Scene) -> None:
    at.raw()
    at.configured({"id": {"domain": "customer"}})
    at.configured({"id": {"domain": "other"}}, "u")
    at.another_keyset("HmacKey")


def apart(at: Scene) -> None:
    for name in ("t", "u"):
        at.raw(name)
        at.configured({"id": {"domain": "customer"}}, name)
    at.treated("u")
    at.another_keyset()


def _with_tokens(at: Scene, id_: str, **more: Any) -> None:
    at.raw()
    at.configured({"id": {"domain": "person"}}, **more)
    at.written("domains.yaml", {"person": vaults.domain(at.lake, id_)})


def another_vault(at: Scene) -> None:
    vaults.made(at.spark, at.lake)
    _with_tokens(at, "0" * 32)


def no_vault(at: Scene) -> None:
    _with_tokens(at, "0" * 32)


def no_vault_but_a_table(at: Scene) -> None:
    at.spark.sql("SELECT 1 AS id").write.format("delta").save(str(at.lake / "vault"))
    _with_tokens(at, "0" * 32)


def opened_vault(at: Scene) -> None:
    _with_tokens(at, vaults.made(at.spark, at.lake))
    at.spark.sql(f"ALTER TABLE delta.`{at.lake}/vault` SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")


def exportable_vault(at: Scene) -> None:
    """Made not to be; domains.yaml says later that it is."""
    at.raw()
    at.configured({"id": {"domain": "person"}})
    at.written("domains.yaml", {"person": vaults.domain(at.lake, vaults.made(at.spark, at.lake), exportable=True)})


def vault_of_other_bits(at: Scene) -> None:
    _with_tokens(at, vaults.made(at.spark, at.lake, bits=256))


def vault_in_a_table(at: Scene) -> None:
    id_ = vaults.made(at.spark, at.lake)
    _with_tokens(at, id_)
    at.spark.sql("SELECT 1 AS id").write.format("delta").save(str(at.lake / "other"))
    shutil.move(at.lake / "vault", at.lake / "other" / "vault")
    at.written("domains.yaml", {"person": vaults.domain(at.lake / "other", id_)})


def linked_vault(at: Scene) -> None:
    """The source is the vault, by another name."""
    id_ = vaults.made(at.spark, at.lake)
    (at.lake / "link").symlink_to(at.lake / "vault")
    columns = dict.fromkeys(vault_table.SCHEMA.names, "drop")
    source = {"format": "delta", "path": str(at.lake / "link")}
    at.configured({**columns, "lookup": {"domain": "person"}}, source=source)
    at.written("domains.yaml", {"person": vaults.domain(at.lake, id_)})


def tokens_of_changes(at: Scene) -> None:
    id_, place = vaults.made(at.spark, at.lake), str(at.lake / "raw" / "t")
    at.spark.sql("SELECT 'C-1001' AS id, 1 AS number").write.format("delta").save(place)
    target = {"path": str(at.lake / "treated" / "t"), "mode": "changes", "key": ["number"]}
    at.configured(
        {"id": {"domain": "person"}, "number": "keep"}, source={"format": "delta", "path": place}, target=target
    )
    at.written("domains.yaml", {"person": vaults.domain(at.lake, id_)})


def _by_subject(at: Scene, id_: str, **more: Any) -> None:
    if not (at.lake / "raw" / "t").exists():
        at.raw()
    at.configured({"id": shredding.SIV}, subject="id", **more)
    at.written("keys.yaml", shredding.keys(at.lake, id_))


def no_keys_of_subjects(at: Scene) -> None:
    _by_subject(at, f"tree-{'0' * 32}")


def keys_that_are_none(at: Scene) -> None:
    at.spark.sql("SELECT 1 AS id").write.format("delta").save(str(at.lake / "subject_keys"))
    _by_subject(at, f"tree-{'0' * 32}")


def other_keys_of_subjects(at: Scene) -> None:
    shredding.made(at.spark, at.lake)
    _by_subject(at, f"tree-{'0' * 32}")


def opened_keys_of_subjects(at: Scene) -> None:
    _by_subject(at, shredding.made(at.spark, at.lake))
    at.spark.sql(f"ALTER TABLE delta.`{at.lake}/subject_keys` SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")


def linked_keys_of_subjects(at: Scene) -> None:
    """The source is the table of keys, by another name."""
    id_ = shredding.made(at.spark, at.lake)
    (at.lake / "raw").mkdir()
    (at.lake / "raw" / "t").symlink_to(at.lake / "subject_keys")
    columns = dict.fromkeys(subject_key_table.SCHEMA.names, "drop")
    source = {"format": "delta", "path": str(at.lake / "raw" / "t")}
    at.configured({**columns, "wrapped": shredding.SIV}, source=source, subject="depths")
    at.written("keys.yaml", shredding.keys(at.lake, id_))


def keys_of_subjects_that_went_back(at: Scene) -> None:
    """An empty copy, of before the first run, in the place of the table."""
    id_ = shredding.made(at.spark, at.lake)
    shutil.copytree(at.lake / "subject_keys", at.lake / "backup")
    _by_subject(at, id_)
    at.treated()
    shutil.rmtree(at.lake / "subject_keys")
    shutil.move(at.lake / "backup", at.lake / "subject_keys")


def subjects_told_apart_otherwise(at: Scene) -> None:
    """The subject's own column is normalized otherwise than when its keys were made."""
    id_ = shredding.made(at.spark, at.lake)
    _by_subject(at, id_)
    at.treated()
    at.configured({"id": {**shredding.SIV, "normalize": ["nfc", "trim", "lower"]}}, subject="id")
    at.written("keys.yaml", shredding.keys(at.lake, id_))


def restored_keys_of_subjects(at: Scene) -> None:
    """To before the first run: what was the table's version then is in its log yet."""
    _by_subject(at, shredding.made(at.spark, at.lake))
    at.treated()
    at.spark.sql(f"RESTORE delta.`{at.lake}/subject_keys` TO VERSION AS OF 0")


def keys_of_subjects_of_the_first_form(at: Scene) -> None:
    """A table of a row for each, with the id that is stated."""
    id_ = shredding.made(at.spark, at.lake)
    _by_subject(at, id_)
    at.spark.sql(f"ALTER TABLE delta.`{at.lake}/subject_keys` SET TBLPROPERTIES ('{subject_key_table.MARK}' = '1')")


def _with_list(at: Scene) -> None:
    """A treated table, and a list of the erased that its run had."""
    at.spark.sql("""SELECT 'C-1001' AS id, '{"who": "C-1"}' AS doc""").write.parquet(str(at.lake / "raw" / "t"))
    at.configured({"id": {"domain": "customer"}, "doc:$.who": {"domain": "other"}})
    conf = erased_lists.stated(at.lake, erased_lists.listed(at.spark, at.lake))
    erased_lists.put(at.spark, conf, ["C-7"])
    at.treated()
    erased_lists.put(at.spark, conf, ["C-8"])


def _as_listed(at: Scene) -> None:
    """The same, in the lake that such cases share, for those that change its configuration alone."""
    at.lake = at.listed()


def no_list(at: Scene) -> None:
    _with_list(at)
    shutil.rmtree(at.lake / "erased")


def another_list(at: Scene) -> None:
    _as_listed(at)
    erased_lists.stated(at.lake, "0" * 32)


def restored_list(at: Scene) -> None:
    _with_list(at)
    at.spark.sql(f"RESTORE delta.`{at.lake}/erased` TO VERSION AS OF 0")


def forgotten_list(at: Scene) -> None:
    _as_listed(at)
    erased_lists.stated(at.lake, None)


def listed_members(at: Scene) -> None:
    """A predicate asks the array out of which members would be taken."""
    at.spark.sql("SELECT 'C-1001' AS id, array('C-1') AS whose").write.parquet(str(at.lake / "raw" / "t"))
    cases = {"size(whose) > 1": "redact", "size(whose) <= 1": {"domain": "customer"}}
    when = [{"rows": rows, "treatment": treatment} for rows, treatment in cases.items()]
    rule = {"class": "quasi_identifier", "why": "a test", "when": when}
    at.configured({"id": rule, "whose[]": {"domain": "other"}})
    conf = erased_lists.stated(at.lake, erased_lists.listed(at.spark, at.lake))
    erased_lists.put(at.spark, conf, ["C-9"], "other")


def listed_under_another_name(at: Scene) -> None:
    """The domain was renamed: the codes stand under its old name."""
    _as_listed(at)
    domains = {"person": DOMAINS["customer"], "other": DOMAINS["other"]}
    at.written("domains.yaml", domains)
    at.written("catalog/t.yaml", table("t", at.lake, {"id": {"domain": "person"}, "doc:$.who": {"domain": "other"}}))


def listed_of_a_column_that_moved(at: Scene) -> None:
    _as_listed(at)
    at.written("catalog/t.yaml", table("t", at.lake, {"id": {"domain": "other"}, "doc:$.who": {"domain": "other"}}))


def listed_of_a_column_that_is_dropped(at: Scene) -> None:
    _as_listed(at)
    at.written("catalog/t.yaml", table("t", at.lake, {"id": "drop", "doc:$.who": {"domain": "other"}}))


def a_key_of_others(at: Scene) -> None:
    _as_listed(at)
    shutil.copy(at.lake / "keys" / "crm.json", at.lake / "keys" / "erasure.json")
    clear_cache()


def exposed(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.spark.sparkContext._conf.set("spark.executorEnv.GIVEN", Keyset.generate().to_json())


def reviewed(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH}, review_by=LATE)


def reviewed_too_late(at: Scene) -> None:
    reviewed(at)
    at.written("policy.yaml", {**POLICY, "review_grace_days": 1})


def profiled(at: Scene) -> None:
    at.raw()
    held = {"class": "direct_identifier", "kind": "email", "treatment": {"technique": "mask"}, "why": "a test"}
    at.configured({"id": held})
    at.written("policy.yaml", {**POLICY, "profile": "hipaa_safe_harbor"})


def other_profiles(at: Scene) -> None:
    at.raw()
    target = {"path": str(at.lake / "treated" / "t"), "mode": "incremental"}
    at.configured({"id": {"class": "sensitive", "kind": "other", "treatment": "redact", "why": "x"}}, target=target)
    at.treated()
    at.written("policy.yaml", {**POLICY, "profile": ["pci_dss", "hipaa_safe_harbor"]})


def signed_by_a_key_that_is_not_approved(at: Scene) -> None:
    """The key of the audit log's checkpoints, which no column uses."""
    at.raw()
    at.configured({"id": HASH})
    audits.with_log(at.lake)
    at.written("policy.yaml", {**POLICY, "approved": {"keys": ["crm"]}})


def limited_without_a_log(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    at.written("policy.yaml", {**POLICY, "limits": {"default": {"runs_per_hour": 20}}})


def used_up_by_a_run(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    audits.with_log(at.lake)
    at.written("policy.yaml", {**POLICY, "limits": {"default": {"runs_per_day": 1}}})
    at.treated()


Case = tuple[Callable[[Scene], None], Any, int, str]
CASES: tuple[Case, ...] = (
    (unguarded, target.unguarded, 0, "is seen only after the commit"),
    (unguarded_risk, target.unguarded, 1, "its risk is measured before the commit"),
    (unguarded_suppression, target.unguarded, 1, "rows in small classes are kept out (suppress) before the commit"),
    (unguarded_boxes, target.unguarded, 1, "quasi-identifiers are cut into boxes (mondrian) before the commit"),
    (raw_history, target.raw_history, 1, "time travel would still show"),
    (
        suppressed_since,
        suppressed.still_there,
        0,
        "(0) kept none, or smaller classes, out: time travel shows rows that a run keeps out now, and its change data "
        "feed as deleted",
    ),
    (
        boxed_since,
        suppressed.finer_before,
        0,
        "(0) have no boxes, or smaller ones: time travel shows values that a run puts into boxes now, until VACUUM",
    ),
    (
        for_somebody_else,
        made_for.somebody_else,
        1,
        "was made for recipient lab, and the entry says recipient court: old",
    ),
    (
        for_nobody_any_more,
        made_for.somebody_else,
        1,
        "was made for purpose billing, and the entry says no 'made_for' an",
    ),
    (
        for_somebody_since,
        made_for.somebody_else,
        0,
        "was made for nobody in particular, and the entry says recipient lab",
    ),
    (for_another_since, growth.same_record, 1, "it was made for another recipient or purpose, or for none that it"),
    (for_several_recipients, policy.kept, 0, "join all that is made for recipient court, recipient lab with each ot"),
    (without_a_reason, policy.kept, 1, "customer: policy.yaml requires a reason for the widest scope: say 'why'"),
    (constrained, target.plain, 0, "and drops: CHECK constraint known. What must hold, check"),
    (of_a_source_with_promises, target.plain, 0, "plain columns, without what the source says of its own: twice (gen"),
    (measured_before, target.measured_still, 0, "the least and greatest values of id, which the catalog does not ask"),
    (of_a_feed_with_mapped_columns, mapped_feed.writable, 1, "and this run makes it, which Delta refuses in one comm"),
    (in_folders, target.folders, 1, "partition_by names id, a direct identifier that is kept: its values would be"),
    (deleted, growth.what_was_deleted, 1, "version 1 (DELETE, fewer than 10 rows). Those that the source"),
    (deleted_and_partitions, growth.what_was_deleted, 1, "all were written: version 1 (DELETE, fewer than 10"),
    (other_than_recorded, keys.other_than_recorded, 1, "is not the key that the target's record was made with"),
    (same_record, growth.same_record, 1, "were treated otherwise than new ones would be"),
    (
        other_profiles,
        growth.same_record,
        1,
        "other profiles of the policy were in force, or other versions or exceptions of them",
    ),
    (rest_there, growth.rest_there, 1, "there is no target"),
    (keyed, growth.keyed, 1, "key: id is double, which cannot tell rows apart"),
    (same_place, quarantine.same_place, 1, "stand in another quarantine than the entry names now"),
    (same_name, quarantine.same_name, 1, "stand in quarantine as those of table s: call the entry so"),
    (measurable, risk.measurable, 1, "risk: ids[]: quasi-identifiers and sensitive columns are measured where"),
    (people, risk.measurable, 1, "risk: rows would count, and not people"),
    (alike, risk.measurable, 1, "suppress: ids[]: quasi-identifiers and sensitive columns are measured where"),
    (asked_since, risk.kept_by_what_is_there, 0, "risk: t 0.9 is asked, and nothing was measured of the rows of"),
    (within_a_struct, boxes.can_be_cut, 1, "mondrian: address.zip lies in a struct, and only columns at the top"),
    (not_text, boxes.can_be_cut, 1, "mondrian: ladders: age is int, and boxes of it take no ladder: only text does"),
    (without_an_order, boxes.can_be_cut, 1, "mondrian: print is binary; boxes take numbers, text, dates, times"),
    (by_its_subject, boxes.can_be_cut, 1, "mondrian: id is the subject, by which people are counted, and cannot be"),
    (readable, known_elsewhere.readable, 1, "customer: names.name: there is no such column in its source"),
    (not_to_look_for, known_elsewhere.readable, 1, "names.name: values are looked for of text and of whole"),
    (not_consented, known_elsewhere.readable, 1, "names: the source delta:"),
    (consented, source.consented, 1, "is itself a treated table"),
    (delivery, keys.delivery, 1, "what Spark sends is not encrypted"),
    (aging, keys.age, 0, "rotate it within 20 days"),
    (layered, keys.layers, 1, "domain customer: its layers end with version"),
    (old, keys.age, 1, "400 days old; policy.yaml allows 365"),
    (linking, keys.linking, 1, "it would link customer, other"),
    (apart, keys.apart, 1, "the record of u names key 'crm'"),
    (no_vault, vault.fits, 1, "domain person: there is no vault at"),
    (no_vault_but_a_table, vault.fits, 1, "is no vault: name the place that jobs/tokens.py create made"),
    (another_vault, vault.fits, 1, "has another id than domains.yaml says: it is another vault"),
    (opened_vault, vault.fits, 1, "is no longer as it was made: set delta.enableChangeDataFeed again"),
    (exportable_vault, vault.fits, 1, "was made with exportable: false, and domains.yaml says true"),
    (vault_of_other_bits, vault.fits, 1, "was made for tokens of 256 bits, and domains.yaml says 128"),
    (vault_in_a_table, vault.fits, 1, "lies in the folder of another Delta table, whose VACUUM would delete it"),
    (linked_vault, vault.fits, 1, "is the place that the source is read from"),
    (tokens_of_changes, vault.fits, 1, "person: tokens are not joined to rows that change one by one"),
    (no_keys_of_subjects, subject_keys.fit, 1, "key crm: there is no table of keys at"),
    (keys_that_are_none, subject_keys.fit, 1, "is no table of keys: name what jobs/shred.py create made"),
    (other_keys_of_subjects, subject_keys.fit, 1, "has another id than keys.yaml says: its keys open nothing"),
    (opened_keys_of_subjects, subject_keys.fit, 1, "is no longer as it was made: set delta.enableChangeDataFeed"),
    (linked_keys_of_subjects, subject_keys.fit, 1, "is the place that the source is read from"),
    (keys_of_subjects_that_went_back, subject_keys.fit, 1, "went back: it is not what became of its version 1"),
    (subjects_told_apart_otherwise, subject_keys.fit, 1, "key crm: the table was treated with another normalization"),
    (restored_keys_of_subjects, subject_keys.fit, 1, "table's last run had (RESTORE): keys may be gone"),
    (keys_of_subjects_of_the_first_form, subject_keys.fit, 1, "is of the first form, a row for each subject, of which"),
    (no_list, kept_out.can_be, 1, "there is no list of the erased at"),
    (another_list, kept_out.can_be, 1, "has another id than policy.yaml says: it is another list"),
    (restored_list, kept_out.can_be, 1, "is not what became of its version 1, which this table's last run had"),
    (forgotten_list, kept_out.can_be, 1, "policy.yaml names no list of the erased, and this table's last run had one"),
    (listed_members, kept_out.can_be, 1, "whose[]: the list of the erased names subjects of other, and a predicate"),
    (listed_under_another_name, kept_out.can_be, 1, "names subjects of customer, and domains.yaml has no such domain"),
    (listed_of_a_column_that_moved, kept_out.can_be, 1, "id is no longer of domain customer, of which the list of"),
    (listed_of_a_column_that_is_dropped, kept_out.can_be, 1, "id is no longer of domain customer, of which the list"),
    (a_key_of_others, kept_out.can_be, 1, "key erasure of erasures is key crm again, under another name"),
    (exposed, keys.exposed, 1, "the setting spark.executorEnv.GIVEN holds a keyset"),
    (reviewed, policy.kept, 0, "catalog/t.yaml:1: warning: review_by: the review was due by 2000-01-01"),
    (profiled, policy.kept, 1, "refused: columns.id: hipaa_safe_harbor, rule email: 45 CFR 164.514(b)(2)(i)(F)"),
    (signed_by_a_key_that_is_not_approved, policy.kept, 1, "keys.yaml:3: refused: log: key log is not approved; polic"),
    (reviewed_too_late, policy.kept, 1, "catalog/t.yaml:1: refused: review_by: the review was due by 2000-01-01"),
    (
        limited_without_a_log,
        limits.told,
        1,
        "refused: limits: rows and runs are counted in the audit log, and there is",
    ),
    (used_up_by_a_run, used_up.left, 1, "key crm: policy.yaml, limits: runs_per_day is 1, and 1 were counted within"),
)


@pytest.fixture(scope="module")
def listed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes the lake of `_as_listed` when it is first asked for, and gives it its configuration and keys again."""
    lake, kept = tmp_path_factory.mktemp("listed"), tmp_path_factory.mktemp("kept")

    def again() -> Path:
        if not (kept / "conf").exists():
            _with_list(Scene(spark, lake, pytest.MonkeyPatch(), again))
            for name in ("conf", "keys"):
                shutil.copytree(lake / name, kept / name)
        for name in ("conf", "keys"):
            shutil.rmtree(lake / name)
            shutil.copytree(kept / name, lake / name)
        clear_cache()
        return lake

    return again


@pytest.fixture
def at(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, listed: Callable[[], Path]) -> Iterator[Scene]:
    yield Scene(spark, lake, monkeypatch, listed)
    spark.sparkContext._conf._jconf.remove("spark.executorEnv.GIVEN")  # type: ignore[union-attr]
    clear_cache()


OF_REASONS = re.compile(r"warning: columns: (the 'why' of |\d+ of \d+ columns, treated in .* share one 'why')")
"""What check and plan say to whoever decides, and no run repeats."""


def told(asked: str, lake: Path, capfd: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str]]:
    """The exit code, and every line of what was warned of and refused."""
    job, words = ASKED[asked]
    capfd.readouterr()
    code = job.main(["--conf", str(lake / "conf"), "--table", "t", *words, *more])
    out, err = capfd.readouterr()
    if job is plan:
        lines = [line.strip() for line in err.splitlines() if line.startswith(("t: ", "  "))]
        return code, [line for line in lines if not OF_REASONS.search(line)]
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    messages = [event["message"] for event in events if event["event"] in ("warning", "failed")]
    named = [message if message.startswith("t: ") else f"t: {message}" for message in messages]
    return code, [line.strip() for message in named for line in message.splitlines()]


def who_asks() -> Iterator[Any]:
    """Of the first case of each gate all ask; of its others a plan and a run, and in the sweep all."""
    firsts = {gate: make for make, gate, _, _ in reversed(CASES)}
    for make, gate, code, said in CASES:
        is_first = firsts[gate] is make
        yield pytest.param(make, code, said, tuple(ASKED) if is_first else FEW, id=make.__name__)
        if not is_first:
            yield pytest.param(make, code, said, tuple(ASKED), id=f"{make.__name__}, by all", marks=pytest.mark.sweep)


@pytest.mark.parametrize(("make", "code", "said", "who"), [*who_asks()])
def test_everyone_who_asks_is_told_the_same(
    at: Scene,
    capfd: pytest.CaptureFixture[str],
    make: Callable[[Scene], None],
    code: int,
    said: str,
    who: tuple[str, ...],
) -> None:
    make(at)
    chosen = (
        ("--where", "day = 1") if make in (rest_there, deleted_and_partitions) else ()
    )  # a run says so, and a plan is of all
    answers = {asked: told(asked, at.lake, capfd, *(chosen if "run" in asked else ())) for asked in who}
    assert [line for line in answers["plan"][1] if said in line] == answers["plan"][1]
    assert len(answers["plan"][1]) == 1
    assert answers == dict.fromkeys(who, (code, answers["plan"][1]))


def test_every_gate_has_a_case() -> None:
    listed = [gate.ask for gate in (*run_gates.BEFORE_KEYS, *run_gates.GATES, *run_gates.WITH_WORK)]
    assert len(listed) == len(set(listed))
    assert set(listed) == {gate for _, gate, _, _ in CASES}
    assert run_gates.GATES[-len(configuration_gates.GATES) :] == configuration_gates.GATES, "what `check` asks"


def test_all_is_told_at_once_in_the_order_of_the_list(at: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    consented(at)
    at.spark.sql("SELECT 'x' AS id").write.format("delta").save(str(at.lake / "treated" / "t"))
    entry = table("t", at.lake, {"id": HASH}, source={"format": "delta", "path": f"{at.lake}/treated/first"})
    write_conf(at.lake, {**entry, "review_by": LATE})
    at.written("policy.yaml", {**POLICY, "review_grace_days": 1})
    for asked in ASKED:
        code, lines = told(asked, at.lake, capfd)
        assert code == 1
        assert [
            next(word for word in ("time travel", "itself a treated", "review") if word in line) for line in lines
        ] == ["time travel", "itself a treated", "review"]


@pytest.mark.parametrize("make", [raw_history, apart, deleted])
def test_what_a_run_may_be_allowed_a_plan_may_too(
    at: Scene, capfd: pytest.CaptureFixture[str], make: Callable[[Scene], None]
) -> None:
    make(at)
    flags = {raw_history: "--allow-raw-history", apart: "--accept-other-key-version", deleted: "--accept-deleted-rows"}
    flag = flags[make]
    assert {asked: told(asked, at.lake, capfd, flag) for asked in ASKED} == dict.fromkeys(ASKED, (0, []))


def test_check_says_of_the_policy_what_a_run_says(at: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    reviewed_too_late(at)
    (line,) = told("run", at.lake, capfd)[1]
    assert check.main(["--conf", str(at.lake / "conf")]) == 1
    assert capfd.readouterr().out.splitlines()[0] == f"{at.lake}/conf/{line.removeprefix('t: ')}"


# -- what stops by itself, before there is anything to judge ----------------------------------------------------------


def undecided(at: Scene) -> None:
    at.raw()
    at.configured({"other": "keep"})


def predicate(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH}, rows="rand() > 1")


def no_source(at: Scene) -> None:
    at.configured({"id": HASH})


def no_key(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    (at.lake / "keys" / "crm.json").unlink()


def around_the_source(at: Scene) -> None:
    at.raw()
    (at.lake / "link").symlink_to(at.lake / "raw")
    at.configured({"id": HASH}, target={"path": f"{at.lake}/link/t/deeper"})


def among_other_files(at: Scene) -> None:
    at.raw()
    at.configured({"id": HASH})
    (at.lake / "treated" / "t").mkdir(parents=True)
    (at.lake / "treated" / "t" / "mine.txt").write_text("x")


@pytest.mark.parametrize("make", [undecided, predicate, no_source, no_key, around_the_source, among_other_files])
def test_what_cannot_go_on_stops_everyone_alike(
    at: Scene, capfd: pytest.CaptureFixture[str], make: Callable[[Scene], None]
) -> None:
    make(at)
    answers = {asked: told(asked, at.lake, capfd) for asked in ASKED}
    code, lines = answers["plan"]
    assert code in (1, 2)
    assert lines
    assert answers == dict.fromkeys(ASKED, (code, lines))
