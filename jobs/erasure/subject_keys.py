"""Keys of subjects (``key_per: subject``): destroyed with an erasure. A seam; who builds those keys fills it."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.subjects.asked import Asked


def destroyed(spark: SparkSession, conf: Config, asked: Asked) -> int:
    """Destroy the keys of those who are asked for, under every named key that keeps some for the domain; how many there
    were. Called once all tables are done, also again: then it is 0. No configuration has such keys yet."""
    return 0
