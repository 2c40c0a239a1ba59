"""A treated table as it stands, and the configuration that decided about it, found by the hash that the table has."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.archive import restore, snapshots
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.models import TableConfig, Target
from jobs.console.exit_codes import Refused
from jobs.lake import state
from jobs.lake.log_commits import Commit
from jobs.lake.record_names import CONFIG, RECORD
from jobs.lake.state import TargetState
from jobs.record import record_reader
from jobs.record.record_reader import Columns
from privacy_udfs.errors import LakenymError
from privacy_udfs.techniques._by_subject import FIRST_FORM, FORM


@dataclasses.dataclass(frozen=True)
class Standing:
    """columns: of its record. conf: the configuration that decided about it; None where it is not to be had, which
    ``unknown`` says why. last: the commit of the newest run."""

    spark: SparkSession
    name: str
    state: TargetState
    rows: DataFrame
    columns: Columns
    conf: Config | None
    unknown: str
    last: Commit | None

    @property
    def properties(self) -> Mapping[str, str]:
        return self.state.properties

    @property
    def entry(self) -> TableConfig | None:
        return None if self.conf is None else self.conf.tables[self.name]

    @property
    def mode(self) -> str | None:
        """Of the newest run that read the source."""
        return None if self.last is None else self.last.source_mode

    @property
    def source_version(self) -> int | None:
        version = None if self.last is None else self.last.run.get("source_version")
        return version if isinstance(version, int) else None


def found(spark: SparkSession, conf: Config | None, target: Target, table: str | None) -> Standing:
    """What stands at a target. table: its name in the catalog; None: the one in its record. Raises `Refused` where it
    is no treated table, or one under the first form of subjects' keys; `RecordProblem` where its record cannot be
    understood."""
    stands = state.inspect(spark, target)
    if stands.version < 0:
        raise Refused(f"{table or stands.name}: is not there")
    if RECORD not in stands.properties:
        raise Refused(f"{table or stands.name}: says nothing of how it was treated: it has no treatment record")
    columns = record_reader.columns_of(stands.properties)
    name = str(table or json.loads(stands.properties[RECORD]).get("table"))
    _check_form(name, columns)
    decided, unknown = _decided(spark, conf, name, stands.properties.get(CONFIG, ""))
    rows = stands.address.read(spark, {"versionAsOf": str(stands.version)})
    last = stands.history.since_last_run[0]
    return Standing(spark, name, stands, rows, columns, decided, unknown, last)


def _check_form(table: str, columns: Columns) -> None:
    for path, each in columns.items():
        told = each.facts.subject_keys_in(each.parameters)
        if told is not None and not told.startswith(FORM):
            raise Refused(f"{table}: {path}: {FIRST_FORM}")


def _decided(spark: SparkSession, conf: Config | None, table: str, sha256: str) -> tuple[Config | None, str]:
    """The configuration with a hash, from the one at hand or from the archive."""
    if conf is None:
        return None, "no --conf is given, which says where configurations are kept"
    if table in conf.tables and config.snapshot_sha256(conf, table) == sha256:
        return conf, ""
    place = conf.policy.snapshots
    if place is None:
        return None, "the configuration is another one by now, and policy.yaml names no place for snapshots"
    load = functools.partial(snapshots.load, spark, place)
    try:
        text = load(sha256)
        with tempfile.TemporaryDirectory(prefix="lakenym-") as folder:
            restore.restore(text, load, Path(folder) / "conf")
            return _named(config.load(Path(folder) / "conf", os.environ), table)
    except ConfigError:
        return None, "the archived configuration cannot be loaded: are its variables set?"
    except LakenymError as error:
        return None, str(error)


def _named(conf: Config, table: str) -> tuple[Config | None, str]:
    return (conf, "") if table in conf.tables else (None, "the archived configuration is of another table")
