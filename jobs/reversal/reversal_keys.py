"""Keys of the way back: opened where keys.yaml says under ``reversal``, never where a nightly run opens them.

A key service, or a rule about who may ask it, can so tell the two apart. What is opened must be the very version that
treated the column, by its id and check value.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console.exit_codes import Refused
from jobs.lake import java
from jobs.named_keys import key_delivery, key_exposure
from jobs.policy import policy_approval
from jobs.reversal.treated import Column
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import AnyReference, Key, KeyReference, Keyset, key_check_value, load_keyset
from privacy_udfs.keysets.delivered_key import DeliveredKey


def references(
    spark: SparkSession, conf: Config, columns: Mapping[str, Column], today: datetime.date
) -> dict[str, KeyReference]:
    """What executors get of each column's key. Opens each keyset once. Raises `Refused` or `KeyProblem`."""
    _check_settings(spark, conf)
    keysets = {name: _opened(conf, name, today) for name in sorted({str(each.record.key) for each in columns.values()})}
    return {path: _reference(conf, each, keysets[str(each.record.key)]) for path, each in columns.items()}


def _check_settings(spark: SparkSession, conf: Config) -> None:
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys)
    if exposed:
        raise Refused("\n".join(exposed))


def _opened(conf: Config, name: str, today: datetime.date) -> Keyset:
    entry = conf.keys.get(name)
    if entry is None or entry.reversal is None:
        raise Refused(
            f"keys.yaml does not say where key {name} is opened for the way back: 'reversal' (docs/reversal.md)"
        )
    found = refused(policy_approval.of_key(conf, name, today))
    if found:
        raise Refused("\n".join(map(str, found)))
    return load_keyset(entry.reversal.keyset, entry.reversal.kek, name)


def _reference(conf: Config, each: Column, keyset: Keyset) -> KeyReference:
    name, record = str(each.record.key), each.record
    place = conf.keys[name].reversal
    assert place is not None
    assert record.key_id is not None
    key = keyset.subkey(each.technique, str(record.domain), record.key_id)
    if key_check_value(key) != record.key_check:
        raise KeyProblem(f"key {name} (id {record.key_id}) is not the key that {each.path} was treated with")
    domain, check = str(record.domain), str(record.key_check)
    return KeyReference(name, place.keyset, place.kek, record.key_id, each.technique, domain, check)


@contextlib.contextmanager
def delivered(
    spark: SparkSession, conf: Config, found: Mapping[str, KeyReference]
) -> Iterator[Mapping[str, AnyReference]]:
    """What stands for each key in the query, for as long as the run lasts: as `jobs.named_keys.key_delivery`."""
    sent = {path: each for path, each in found.items() if conf.keys[each.name].deliver == "driver"}
    if not sent or key_delivery.is_local(spark.sparkContext.master):
        yield found
        return
    lacking = key_delivery.open_ways(java.application(spark).get)
    if lacking:
        raise Refused(f"the driver delivers keys, and what Spark sends is not encrypted: set {', '.join(lacking)}")
    parcel = spark.sparkContext.broadcast({_name(each): _key(each) for each in sent.values()})
    try:
        arriving = {path: DeliveredKey(*_name(each), each.check, parcel) for path, each in sent.items()}
        yield {**found, **arriving}
    finally:
        with contextlib.suppress(Py4JError, PySparkException, OSError):
            parcel.destroy()


def _name(each: KeyReference) -> tuple[str, int, str, str]:
    return each.name, each.key_id, each.technique.technique, each.domain


def _key(each: KeyReference) -> Key:
    return each.resolve()
