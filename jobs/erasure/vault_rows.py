"""What vaults of random tokens, and tables of subjects' own keys, hold of those who are asked for."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.erasure import numbered
from jobs.erasure.numbered import Numbered
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import Unsearched
from jobs.erasure.sought import Sought
from jobs.lake import claims, vault_table
from jobs.lake.address import Address
from jobs.named_keys import named_key
from jobs.subjects.asked import Asked
from jobs.subjects.lookup import Lookup
from privacy_udfs.errors import KeyProblem
from privacy_udfs.scope_labels import domain_of
from privacy_udfs.technique import plain
from privacy_udfs.vault_rows import LOOKUP as LOOKUP_BYTES

BY_PSEUDONYMS = "ids are given as pseudonyms: give them as sources have them, and its rows go"
FOR_OTHERS = "its rows are what tokens are found by in {}, which cannot be looked into: they stay until then"
BY_CLAIMS = "it is in S3, where runs keep apart by claims: let its tokens expire (jobs/tokens.py expire)"


def places(
    spark: SparkSession, conf: Config, asked: Asked, unread: Collection[str]
) -> tuple[list[Place], list[Unsearched]]:
    """The vault of the domain, as a table out of which rows are taken; none where it has none. What is not searched.
    unread: tables of the catalog that nobody could look into."""
    treatment = conf.domains[asked.domain].treatment
    entry = treatment.vault
    if entry is None:
        return [], []
    name, label = str(treatment.key), f"vault of {asked.domain}"
    if asked.held_in is not None:
        return [], [Unsearched(label, "", BY_PSEUDONYMS)]
    waits = sorted(name for name in unread if name in conf.tables and asked.domain in _domains(conf.tables[name]))
    if waits:
        return [], [Unsearched(label, "", FOR_OTHERS.format(", ".join(waits)))]
    location = vault_table.looked(spark, entry).location
    if claims.is_needed(spark, location):
        return [], [Unsearched(label, "", BY_CLAIMS)]
    keyset, found, gaps = named_key.find(conf, name).read(), list[pa.Array](), list[Unsearched]()
    for version in (entry.id for entry in keyset.entries):
        try:
            key = keyset.subkey(treatment.technique, asked.domain, version)
        except KeyProblem:
            gaps.append(Unsearched(label, "", f"rows under version {version} of key {name}, which cannot be opened"))
            continue
        tickets = plain(treatment.technique.apply(asked.ids, key).values)
        found.append(pc.binary_slice(tickets, 0, LOOKUP_BYTES))
    if not found:
        return [], gaps
    each = pa.concat_arrays([plain(some).cast(pa.binary()) for some in found])
    return [Place(label, Address(path=location), (_sought(spark, each, len(asked.ids)),))], gaps


def _domains(table: TableConfig) -> set[str]:
    rules = (rule for decision in table.decisions.values() for rule in decision.named.values())
    return {domain_of(each.domain) for rule in rules for each in rule.treatment.each}


def _sought(spark: SparkSession, lookups: pa.Array, many: int) -> Sought:
    """lookups: of each id, and so again for each version of the key."""
    wanted = lookups.drop_null().unique()
    sent = spark.sparkContext.broadcast(Lookup(wanted))

    def hit(values: pa.Array) -> npt.NDArray[np.bool_]:
        return sent.value.holds(values.cast(pa.binary()))

    def at(values: pa.Array) -> npt.NDArray[np.int32]:
        return sent.value.positions(values.cast(pa.binary()))

    told = Numbered(at, numbered.places(lookups, wanted), many)
    return Sought(ColumnPath((Field(vault_table.LOOKUP),)), hit, numbered=told)
