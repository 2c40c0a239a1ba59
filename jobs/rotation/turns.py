"""What is done to each column of a table that is moved from itself: turned back and treated again under the version in
force, or, where nobody can, put under the further layers that its domain states, or moved by its domain's bridge."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.rotation import bridged, layered, reencrypted
from jobs.rotation.in_place import Change, Changes
from privacy_udfs.bridging import Bridged
from privacy_udfs.layering import FurtherLayers
from privacy_udfs.reencryption import Reencryption

Turn: TypeAlias = reencrypted.Turn | layered.Turn | bridged.Turn


def unkeyed(turns: Mapping[ColumnPath, Turn]) -> Changes:
    """What becomes of each column, without what stands for its keys: to be judged."""
    return {path: Change(_technique(each), None, each.record) for path, each in turns.items()}


def _technique(each: Turn) -> Reencryption | FurtherLayers | Bridged:
    if isinstance(each, bridged.Turn):
        return each.technique_of_rows
    if isinstance(each, layered.Turn):
        return FurtherLayers(of=each.technique, done=each.done)
    return Reencryption(of=each.technique)


def decrypts(turns: Mapping[ColumnPath, Turn]) -> bool:
    """Whether any is turned back on its way."""
    return any(isinstance(each, reencrypted.Turn) for each in turns.values())


@contextlib.contextmanager
def delivered(spark: SparkSession, conf: Config, turns: Mapping[ColumnPath, Turn]) -> Iterator[Changes]:
    """What becomes of each column, with what stands for its keys, for as long as the run lasts. Raises `Refused` where
    the driver would send keys in the clear."""
    back = {path: each for path, each in turns.items() if isinstance(each, reencrypted.Turn)}
    further = {path: each for path, each in turns.items() if isinstance(each, layered.Turn)}
    over = {path: each for path, each in turns.items() if isinstance(each, bridged.Turn)}
    with (
        reencrypted.delivered(spark, conf, back) as one,
        layered.delivered(spark, conf, further) as two,
        bridged.delivered(spark, conf, over) as three,
    ):
        yield {**one, **two, **three}
