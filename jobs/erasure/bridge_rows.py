"""What the sealed bridge of a domain holds of those who are asked for: rows that are opened, and go by the value.

So a row goes under whichever version of the domain's key its pseudonym is, also where that version is not to be had any
more; the bridge's own key is all that it takes.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.core.broadcast import Broadcast
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.rotation_entry import Bridge
from jobs.erasure import numbered
from jobs.erasure.numbered import Numbered
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import Unsearched
from jobs.erasure.sought import Sought
from jobs.lake import claims, vault_table
from jobs.lake.address import Address
from jobs.lake.problems import SourceProblem
from jobs.lake.vault_table import ROW_KEY, SEALED_VALUE, NoVault
from jobs.named_keys import named_key
from jobs.subjects.asked import Asked
from jobs.subjects.lookup import Lookup
from privacy_udfs.bridging import BridgeKey, BridgeRows
from privacy_udfs.errors import KeyProblem
from privacy_udfs.kernels.text import canonical
from privacy_udfs.keys import KeyReference, key_check_value

BY_PSEUDONYMS = "ids are given as pseudonyms: give them as sources have them, and its rows go"
NO_KEY = (
    "its key {} is not to be had here, so nobody looked into it: run this with an account that may open it, or delete "
    "the table and destroy the key once rotations by it are over (docs/rotation.md)"
)
NOT_THERE = (
    "there is no bridge at {}: get it back; if it was never made, or is deleted for good, take it out of policy.yaml "
    "(rotation: bridge)"
)
BY_CLAIMS = (
    "it is in S3, where runs keep apart by claims, and nothing is taken out: when rotations by it are over, delete its "
    "table and destroy its key (docs/rotation.md)"
)
CLOSED = (
    "rows of the bridge do not open under its key as it is now, so nobody knows whose they are: make a new bridge, and "
    "delete this one"
)


def places(spark: SparkSession, conf: Config, asked: Asked) -> tuple[list[Place], list[Unsearched]]:
    """The bridge of the domain, as a table out of which rows are taken; none where it has none. What is not
    searched."""
    rotation = conf.policy.rotation
    bridge = None if rotation is None else rotation.bridge_of(asked.domain)
    if bridge is None:
        return [], []
    label = f"bridge of {asked.domain}"
    if asked.held_in is not None:
        return [], [Unsearched(label, "", BY_PSEUDONYMS)]
    try:
        location = vault_table.looked(spark, bridge.table).location
        key = _key(conf, bridge)
    except NoVault:
        return [], [Unsearched(label, "", NOT_THERE.format(bridge.table.place))]
    except SourceProblem as error:
        return [], [Unsearched(label, "", str(error))]
    except KeyProblem:
        return [], [Unsearched(label, "", NO_KEY.format(bridge.key))]
    if claims.is_needed(spark, location):
        return [], [Unsearched(label, "", BY_CLAIMS)]
    each = _each(conf, asked)
    wanted = each.drop_null().unique()
    look = _Look(bridge.id, key, spark.sparkContext.broadcast(Lookup(wanted)))
    told = Numbered(look.at, numbered.places(each, wanted), len(asked.ids))
    path = ColumnPath((Field(SEALED_VALUE),))
    sought = Sought(path, look, beside=(ROW_KEY,), closed=_Closed(look), numbered=told)
    return [Place(label, Address(path=location), (sought,), closed=CLOSED)], []


def _key(conf: Config, bridge: Bridge) -> KeyReference:
    """The bridge's own, in the version in force, under which alone its rows open. Raises `KeyProblem`."""
    place, technique = conf.keys[bridge.key], BridgeKey()
    key = named_key.find(conf, bridge.key).read().subkey(technique, bridge.domain)
    return KeyReference(bridge.key, place.keyset, place.kek, key.id, technique, bridge.domain, key_check_value(key))


def _each(conf: Config, asked: Asked) -> pa.Array:
    """The ids as values stand in a bridge: canonical bytes, after the steps of the domain."""
    technique = conf.domains[asked.domain].treatment.technique
    steps = tuple(getattr(technique, "normalize", ()))
    return canonical(technique.prepared(asked.ids), steps).cast(pa.binary())


@dataclasses.dataclass(frozen=True)
class _Look:
    """Of sealed values, beside the keys of their rows, whether they are of one of the asked. It is sent to executors,
    and holds a reference to the key only."""

    bridge: str
    key: KeyReference
    wanted: Broadcast[Lookup] = dataclasses.field(repr=False)

    def __call__(self, rows: pa.StructArray) -> npt.NDArray[np.bool_]:
        return self.wanted.value.holds(self.opened(rows))

    def at(self, rows: pa.StructArray) -> npt.NDArray[np.int32]:
        return self.wanted.value.positions(self.opened(rows))

    def opened(self, rows: pa.StructArray) -> pa.BinaryArray:
        """The values; null where a row does not open. Mostly all do, at once."""
        sealed, row_keys = (rows.field(at).cast(pa.binary()) for at in range(2))
        bridge = BridgeRows(self.key.resolve().material, self.bridge)
        return pa.concat_arrays([pa.array([], pa.binary()), *_opened(bridge, row_keys, sealed)])


def _opened(bridge: BridgeRows, row_keys: pa.BinaryArray, sealed: pa.BinaryArray) -> list[pa.BinaryArray]:
    if not len(sealed):
        return []
    found = None if sealed.null_count or row_keys.null_count else bridge.opened(row_keys, sealed)
    if found is not None:
        return [found]
    if len(sealed) == 1:
        return [pa.nulls(1, pa.binary())]
    middle = len(sealed) // 2
    first = _opened(bridge, row_keys.slice(0, middle), sealed.slice(0, middle))
    return [*first, *_opened(bridge, row_keys.slice(middle), sealed.slice(middle))]


@dataclasses.dataclass(frozen=True)
class _Closed:
    """Whether rows do not open."""

    look: _Look

    def __call__(self, rows: pa.StructArray) -> npt.NDArray[np.bool_]:
        return np.asarray(self.look.opened(rows).is_null())
