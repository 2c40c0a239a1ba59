"""Whether files of JSON that somebody just brought along hold one value each, or one object on each line.

By the beginning of one file. A guess is for a draft that a person reads, never for a run; values stay here.
"""

from __future__ import annotations

import json

from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake.text_sources import first_bytes
from jobs.lake.text_sources.csv_dialect import Guess

WHOLE = "each file is read as one JSON value, by multiLine: a list of objects gives a row each, one object one row"


def dialect(spark: SparkSession, source: Source) -> Guess:
    """The source with ``multiLine`` where it is stated or its first file begins with a value of several lines."""
    if "multiLine" in source.options or not is_whole(first_bytes.of(spark, str(source.path))):
        return Guess(source)
    return Guess(source.model_copy(update={"options": {**source.options, "multiLine": "true"}}), (WHOLE,))


def is_whole(content: bytes) -> bool:
    """Whether a file that begins so is one list, or one object that goes on after its first line."""
    text = content.decode("utf-8-sig", "replace").lstrip()
    line, more, _ = text.partition("\n")
    if line[:1] == "[":
        return True
    return line[:1] == "{" and bool(more) and not _is_value(line)


def _is_value(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
