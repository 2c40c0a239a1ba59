"""Kinds of storage that Spark reaches only with more jars: which, and what to say where they are missing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pyspark

from privacy_udfs.errors import LakenymError


class NoStorage(LakenymError):
    """Spark has no file system for a path; nothing was done."""


JARS: Mapping[str, str] = {
    "s3a": "org.apache.hadoop:hadoop-aws:{hadoop}",
    "abfs": "org.apache.hadoop:hadoop-azure:{hadoop}",
    "abfss": "org.apache.hadoop:hadoop-azure:{hadoop}",
    "wasbs": "org.apache.hadoop:hadoop-azure:{hadoop}",
    "wasb": "org.apache.hadoop:hadoop-azure:{hadoop}",
    "gs": "org.apache.hadoop:hadoop-gcp:{hadoop}",
    "obs": "org.apache.hadoop:hadoop-huaweicloud:{hadoop}",
    "oss": "org.apache.hadoop:hadoop-aliyun:{hadoop}",
}
"""Scheme of a path -> the package that brings its file system; with it come what it needs."""
OTHER_WORDS = {"s3": "s3a", "s3n": "s3a"}
"""Schemes that Spark's Hadoop does not know, and what to write instead."""
NO_STORAGE = re.compile(
    r"ClassNotFoundException: Class (org\.apache|com\.google\.cloud)\.hadoop\.fs\.|No FileSystem for scheme"
)
_IN_TEXT = re.compile(
    r'No FileSystem for scheme "?([a-z][a-z0-9+.-]*)|'
    r"Class (?:org\.apache|com\.google\.cloud)\.hadoop\.fs\.(\w+)\.[\w.$]+ not found"
)
_OF_CLASS = {
    "s3a": "s3a",
    "azurebfs": "abfss",
    "azure": "wasbs",
    "aliyun": "oss",
    "gs": "gs",
    "gcs": "gs",
    "obs": "obs",
}
"""The package of a file system -> a scheme that it is for."""


def scheme_of(path: str) -> str:
    """The scheme of a path, empty where it has none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/", path)
    return found[1].lower() if found else ""


def in_text(text: str) -> str:
    """The scheme that Hadoop's own words are about, empty where they are about none."""
    found = _IN_TEXT.search(text)
    return "" if found is None else found[1] or _OF_CLASS.get(found[2], "")


def told(error: Exception) -> str | None:
    """What is missing where Hadoop failed for want of a file system; None for other errors."""
    text = str(error)
    return missing(in_text(text)) if NO_STORAGE.search(text) else None


def missing(scheme: str) -> str:
    """What is missing for a scheme, and what to do."""
    if scheme in OTHER_WORDS:
        return f"Spark knows no paths that begin with {scheme}://: write {OTHER_WORDS[scheme]}://"
    package = JARS.get(scheme)
    if package is None:
        named = f"{scheme}://" if scheme else "this kind of storage"
        return f"Spark has no file system for {named}: mend the path, or name the jars that it needs in spark.jars"
    return (
        f"Spark has no file system for {scheme}://, as its jars are missing: start Spark with --packages "
        f"{package.format(hadoop=_hadoop())}, or name them in spark.jars (docs/command.md)"
    )


def _hadoop() -> str:
    """The version of Spark's Hadoop, which these packages must have too."""
    home = Path(os.environ.get("SPARK_HOME") or pyspark.__path__[0])
    found = next(iter(sorted((home / "jars").glob("hadoop-client-api-*.jar"))), None)
    return found.stem.removeprefix("hadoop-client-api-") if found else "VERSION-OF-SPARKS-HADOOP"
