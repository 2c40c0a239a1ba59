"""Lakes with a list of the erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.erasure import keeping_out
from jobs.lake import erased_list
from privacy_udfs.keys import create_file

LIST = "erased"


def listed(spark: SparkSession, lake: Path, place: str = LIST) -> str:
    """A new list in a lake; its id."""
    return erased_list.create(spark, str(lake / place))


def stated(lake: Path, id_: str | None, place: str = LIST) -> Config:
    """The configuration of a lake, which is there, with the list in its policy, and a key of its own; without one for
    no id."""
    folder = lake / "conf"
    if not (lake / "keys" / "erasure.json").exists():
        create_file(lake / "keys" / "erasure.json")
    _changed(folder / "keys.yaml", {"erasure": {"keyset": f"file:{lake}/keys/erasure.json"}})
    own = {} if id_ is None else {"list": {"path": str(lake / place), "id": id_}}
    _changed(folder / "policy.yaml", {"erasure": {"key": "erasure", **own}})
    return config.load(folder)


def _changed(file: Path, more: Mapping[str, Any]) -> None:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**told, **more}, sort_keys=False), encoding="utf-8")


def put(spark: SparkSession, conf: Config, ids: Sequence[Any], domain: str = "customer", run: str = "run-1") -> None:
    keeping_out.add(spark, conf, domain, pa.array(list(ids)), run)


def rows(spark: SparkSession, lake: Path) -> DataFrame:
    return spark.read.format("delta").load(str(lake / LIST))
