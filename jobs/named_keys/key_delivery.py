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
from jobs.named_keys.key_ring import KeyRing
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.keys import KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey

Setting = Callable[[str, str], str]
"""A setting of Spark, or the default given."""

ALWAYS = ("spark.authenticate", "spark.io.encryption.enabled")
TLS_TRUST = ("trustStore", "certChain")
"""What ``spark.ssl.rpc`` knows others by, with Java's TLS and with OpenSSL: without one Spark trusts everyone."""


@contextlib.contextmanager
def delivered(
    spark: SparkSession, ring: KeyRing, plan: Plan
) -> Iterator[Mapping[ColumnPath, KeyReference | DeliveredKey]]:
    """What stands for each keyed column's key in the query, for as long as the run lasts."""
    references: dict[ColumnPath, KeyReference | DeliveredKey] = {**ring.references(plan)}
    sent = {} if is_local(spark.sparkContext.master) else _sent(ring, plan)
    if not sent:
        yield references
        return
    names = {path: (ref.name, ref.key_id, ref.technique.technique, ref.domain) for path, ref in sent.items()}
    parcel = spark.sparkContext.broadcast({names[path]: ring.subkey(ref) for path, ref in sent.items()})
    try:
        yield {**references, **{path: DeliveredKey(*names[path], sent[path].check, parcel) for path in sent}}
    finally:
        with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
            parcel.destroy()


def _sent(ring: KeyRing, plan: Plan) -> dict[ColumnPath, KeyReference]:
    return {path: ref for path, ref in ring.references(plan).items() if ring.config.keys[ref.name].deliver == "driver"}


def refusals(spark: SparkSession, ring: KeyRing, plan: Plan) -> list[str]:
    """Why this application must not send the sub-keys of the plan; nothing where it may, or sends none."""
    context = spark.sparkContext
    names = sorted({ref.name for ref in _sent(ring, plan).values()})
    settings = context.getConf()
    lacking = [] if not names or is_local(context.master) else open_ways(lambda *of: str(settings.get(*of)))
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
