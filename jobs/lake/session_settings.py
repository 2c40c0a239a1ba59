"""Settings of a session, as long as a block lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession


@contextlib.contextmanager
def held(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[None]:
    """The session has these settings; afterwards those that it had before, so that nothing of them reaches what is
    done in it later, by whomever."""
    before: dict[str, str | None] = {name: spark.conf.get(name, None) for name in wanted}
    try:
        for name, value in wanted.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, earlier in before.items():
            if earlier is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, earlier)
