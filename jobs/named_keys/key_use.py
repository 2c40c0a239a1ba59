"""Which keys tables were treated with: read from their own records, not from the configuration."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.lake import quarantine_table
from jobs.lake.address import Address
from jobs.record.record_reader import Columns, all_of, columns_of
from jobs.spark_app import failures, session

AT_ONCE = 8
"""Tables whose records are read at the same time: each takes the driver a look into a Delta log."""


def lookup(conf: Config) -> Callable[[int], list[str]]:
    """A function from a key id to the tables of the catalog whose current record names it, or of which rows in
    quarantine are sealed with it.

    The records are read once, at the first question. It goes by the id alone, since a key can be renamed: two keys that
    happened to share an id would be kept, not lost. Tables outside the catalog and older versions are not looked at.
    """
    named: dict[str, set[int]] = {}

    def needing(key_id: int) -> list[str]:
        if not named and conf.tables:
            spark = session.for_run(session.start("lakenym keys"))
            for name, columns in recorded(spark, conf, conf.tables).items():
                named[name] = {key_id for each in all_of(columns) for key_id in each.key_ids} | _sealed(
                    spark, conf, name
                )
        return sorted(name for name, ids in named.items() if key_id in ids)

    return needing


def in_layers(conf: Config, key_id: int) -> list[str]:
    """The domains whose new values pass through a version, by domains.yaml. By the id alone, as `lookup`."""
    return sorted(name for name, each in conf.domains.items() if key_id in each.treatment.technique.layer_ids())


def _sealed(spark: SparkSession, conf: Config, name: str) -> set[int]:
    """The key ids of the rows of a table that are in quarantine, and of those there of none in the catalog."""
    place = conf.tables[name].quarantine
    if place is None:
        return set()
    others = conf.tables.keys() - {name}
    return failures.translated(name, lambda: quarantine_table.key_ids(spark, Address.of(place), others))


def recorded(spark: SparkSession, conf: Config, names: Iterable[str]) -> dict[str, Columns]:
    """The current records of some tables of the catalog; nothing for one that is not there or has none."""

    def read(name: str) -> Columns:
        address = Address.of(conf.tables[name].target)
        return failures.translated(name, lambda: columns_of(address.properties(spark) if address.exists(spark) else {}))

    wanted = list(names)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(read, wanted), strict=True))
