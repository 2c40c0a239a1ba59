"""What stands against treating a table under the keys in force: their age, and other tables under another version."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.named_keys import key_age, key_links, key_use, key_versions
from jobs.named_keys.key_ring import KeyRing
from jobs.treatment.treatment_plan import Plan


@dataclasses.dataclass(frozen=True)
class Findings:
    """Messages: why the table must not be treated, and what someone should see to."""

    refused: tuple[str, ...]
    warned: tuple[str, ...]


def look(
    spark: SparkSession,
    conf: Config,
    plan: Plan,
    ring: KeyRing,
    together: Collection[str] = (),
    accept_other_version: bool = False,
    today: datetime.date | None = None,
) -> Findings:
    """Judge by policy, and by the records of the tables that share a domain with the plan; reads no rows.

    together: tables that are treated in the same run. accept_other_version: the records of others are not read. today:
    in UTC.
    """
    today = today or datetime.datetime.now(datetime.timezone.utc).date()
    aged = key_age.violations(conf, ring.ids, today)
    others = [] if accept_other_version else key_versions.sharing(conf, plan, together)
    apart = key_versions.apart(plan, ring.checks(plan), key_use.recorded(spark, conf, others))
    refused = [str(violation) for violation in aged if violation.level == "refuse"]
    return Findings(
        (*refused, *key_links.refusals(conf, ring), *apart),
        tuple(str(violation) for violation in aged if violation.level == "warn"),
    )
