"""That clear values are written apart from all places of the configuration: what lies under a source is read by the
next run, and what lies in another table's folder is in the hands of whoever looks after that."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import places


def check(spark: SparkSession, conf: Config, place: str, shown: str) -> None:
    """Raise `Refused` where a place is one of the configuration, or one lies in the other."""
    for path, what in dict(_paths(spark, conf)).items():
        if places.may_overlap(spark, path, place):
            raise Refused(f"{shown} is the {what}, or one lies in the other: keep it apart")


def _paths(spark: SparkSession, conf: Config) -> Iterator[tuple[str, str]]:
    """Each path, and what is there. Tables by name are Delta's, whose folders are known as such without these, but for
    sources."""
    for table in conf.tables.values():
        if table.source.table is not None:
            location = places.location_of(spark, table.source.table)
            yield from () if location is None else ((location, f"source of {table.name}"),)
        for what, stated in (("source", table.source), ("target", table.target), ("quarantine", table.quarantine)):
            if stated is not None and stated.path is not None:
                yield stated.path, f"{what} of {table.name}"
    for domain in conf.domains.values():
        if domain.treatment.vault is not None:
            yield domain.treatment.vault.path, f"vault of domain {domain.name}"
    for name, key in conf.keys.items():
        if key.subject_keys is not None:
            yield key.subject_keys.path, f"table of keys of {name}"
    if conf.policy.rotation is not None:
        for bridge in conf.policy.rotation.bridge:
            yield bridge.path, f"bridge of domain {bridge.domain}"
    if conf.policy.erasure is not None and conf.policy.erasure.list is not None:
        yield conf.policy.erasure.list.path, "list of the erased"
    if conf.policy.snapshots is not None and conf.policy.snapshots.path is not None:
        yield conf.policy.snapshots.path, "table of snapshots"
    if conf.audit is not None:
        for path, what in ((conf.audit.table.path, "audit log"), (conf.audit.checkpoints, "folder of its checkpoints")):
            if path is not None:
                yield path, what
