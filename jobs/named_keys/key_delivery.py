"""How executors get keys: they fetch them by reference; or, with ``deliver: driver``, the driver sends sub-keys.

What is sent is a broadcast variable with the derived sub-keys of one run, never a keyset: the query itself holds its
number only, and it is destroyed when the run ends. On its way and on executors' disks it is as safe as Spark's own
transport, so a run is refused unless that is encrypted. In local mode there is nobody to send it to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.lake import java
from jobs.named_keys.key_ring import KeyRing
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.keys import AnyReference, KeyReference, KeyReferences
from privacy_udfs.keysets.delivered_key import DeliveredKey, SubkeyName

Setting = Callable[[str, str], str]
"""A setting of Spark, or the default given."""

ALWAYS = ("spark.authenticate", "spark.io.encryption.enabled")
TLS_TRUST = ("trustStore", "certChain")
"""What ``spark.ssl.rpc`` knows others by, with Java's TLS and with OpenSSL: without one Spark trusts everyone."""


@contextlib.contextmanager
def delivered(spark: SparkSession, ring: KeyRing, plan: Plan) -> Iterator[Mapping[ColumnPath, AnyReference]]:
    """What stands for each keyed column's key in the query, for as long as the run lasts."""
    references = ring.references(plan)
    sent = [] if is_local(spark.sparkContext.master) else _sent(ring, plan)
    if not sent:
        yield references
        return
    parcel = spark.sparkContext.broadcast({_subkey_name(ref): ring.subkey(ref) for ref in sent})

    def arriving(ref: KeyReference) -> KeyReference | DeliveredKey:
        return DeliveredKey(*_subkey_name(ref), ref.check, parcel) if ref in sent else ref

    try:
        yield {path: _each(reference, arriving) for path, reference in references.items()}
    finally:
        with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
            parcel.destroy()


def _each(
    reference: KeyReference | KeyReferences, arriving: Callable[[KeyReference], KeyReference | DeliveredKey]
) -> AnyReference:
    if isinstance(reference, KeyReference):
        return arriving(reference)
    return KeyReferences({domain: arriving(each) for domain, each in _within(reference).items()})


def _within(reference: KeyReference | KeyReferences) -> dict[str, KeyReference]:
    """By domain the references that one stands for; as the ring makes them, they are to be fetched."""
    if isinstance(reference, KeyReference):
        return {reference.domain: reference}
    return {domain: each for domain, each in reference.by_domain.items() if isinstance(each, KeyReference)}


def _subkey_name(ref: KeyReference) -> SubkeyName:
    return ref.name, ref.key_id, ref.technique.technique, ref.domain


def _sent(ring: KeyRing, plan: Plan) -> list[KeyReference]:
    references = [each for reference in ring.references(plan).values() for each in _within(reference).values()]
    return [each for each in references if ring.config.keys[each.name].deliver == "driver"]


def refusals(spark: SparkSession, ring: KeyRing, plan: Plan) -> list[str]:
    """Why this application must not send the sub-keys of the plan; nothing where it may, or sends none."""
    names = sorted({ref.name for ref in _sent(ring, plan)})
    settings = java.application(spark)
    lacking = [] if not names or is_local(spark.sparkContext.master) else open_ways(settings.get)
    if not lacking:
        return []
    keys = f"key{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"
    return [
        f"{keys}: keys.yaml has the driver deliver, but what Spark sends is not encrypted: set {', '.join(lacking)}"
    ]


def is_local(master: str | None) -> bool:
    """Whether driver and executors are one process."""
    return master is not None and (master == "local" or master.startswith("local["))


def open_ways(setting: Setting) -> list[str]:
    """The settings, as they should be, without which a key could be read on its way or on a disk."""
    lacking = [f"{name}=true" for name in ALWAYS if not _is_on(setting, name, "false")]
    if _is_on(setting, "spark.ssl.rpc.enabled", "false"):  # it turns the encryption below off, and ends without a key
        named = (setting(f"spark.ssl.rpc.{file}", setting(f"spark.ssl.{file}", "")) for file in TLS_TRUST)
        return lacking if any(named) else [*lacking, "spark.ssl.rpc.trustStore=(a file)"]
    if not _is_on(setting, "spark.network.crypto.enabled", "false"):
        lacking.append("spark.network.crypto.enabled=true")
    if _is_on(setting, "spark.network.crypto.saslFallback", "true"):  # whoever disturbs the first call turns it off
        lacking.append("spark.network.crypto.saslFallback=false")
    return lacking


def _is_on(setting: Setting, name: str, default: str) -> bool:
    return setting(name, default).strip().lower() == "true"
