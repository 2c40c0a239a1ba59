"""Trees of keys of subjects on their way to where values are treated: read once, wrapped, opened by workers alone.

No clear node is on the driver, in a query or in a plan. Many nodes travel in a broadcast variable, which is destroyed
with the run; few travel with what names them, so that no file of Spark's holds them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.lake.subject_key_table import Trees
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import AnyReference, KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.keysets.tree_reference import Inline, TreeReference, digest_of
from privacy_udfs.subject_keys import Part

WITHIN = 1 << 17
"""Bytes of nodes that travel within what names them."""
Send = Callable[[AnyReference, str, Trees], TreeReference]
"""From what stands for the key of a column, a table's id and its trees to what stands for both."""


@contextlib.contextmanager
def sender(spark: SparkSession) -> Iterator[Send]:
    """What is sent is there for as long as the run lasts."""
    sent: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:

        def carrier(parts: Sequence[Part], digest: str) -> Any:
            if sum(len(each) for part in parts for each in part) <= WITHIN:
                return Inline(tuple(parts))
            if digest not in sent:
                sent[digest] = spark.sparkContext.broadcast(tuple(parts))
                stack.callback(_forget, sent[digest].destroy)
            return sent[digest]

        def send(key: AnyReference, table: str, trees: Trees) -> TreeReference:
            assert isinstance(key, KeyReference | DeliveredKey), "texts have no keys of subjects"
            parts = trees.get(key.key_id)
            if parts is None:
                raise KeyProblem(f"key {key.name}: the table of keys has no tree for version {key.key_id} of it")
            digest = digest_of(parts)
            return TreeReference(key, table, digest, carrier(parts, digest))

        yield send


def _forget(destroy: Callable[[], None]) -> None:
    with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
        destroy()
