"""How many rows of some files a condition is true for: read by tasks in whole Arrow arrays."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.columnar.chosen_reader import ChosenReader
from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Part
from jobs.columnar.task import RESULT
from jobs.columnar.unfit import NotColumnar
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure


@dataclasses.dataclass(frozen=True)
class Counting:
    """reader: of the columns that the condition looks at. mark: of the run (`privacy_udfs.wording`)."""

    parts: Sequence[Part]
    reader: ChosenReader
    access: Access
    mark: str


def count(spark: SparkSession, parts: Sequence[Part], reader: ChosenReader, access: Access) -> int:
    """One task for each part. Raises `NotColumnar`."""
    number, work = len(parts), Counting(parts, reader, access, wording.mark())
    if not number:
        return 0
    tasks = spark.range(0, number, 1, number).mapInArrow(functools.partial(_run, work=work), f"{RESULT} string")
    told = [json.loads(row[RESULT]) for row in tasks.collect()]
    for each in told:
        if "unfit" in each:
            raise NotColumnar(each["unfit"])
    if {each["part"] for each in told} != set(range(number)) or len(told) != number:
        raise UnexpectedFailure(f"of {number} parts {len(told)} were counted")
    return sum(int(each["rows"]) for each in told)


def _run(batches: Iterator[pa.RecordBatch], work: Counting) -> Iterator[pa.RecordBatch]:
    pa.set_cpu_count(1)
    for batch in batches:
        with wording.marked_errors(work.mark):
            said = [json.dumps({"part": number, **_counted(work, number)}) for number in batch.column(0).to_pylist()]
        yield pa.RecordBatch.from_pydict({RESULT: pa.array(said, pa.string())})


def _counted(work: Counting, number: int) -> dict[str, object]:
    try:
        return {"rows": sum(work.reader.count(stretch, work.access) for stretch in work.parts[number])}
    except NotColumnar as error:
        return {"unfit": str(error)}
    except LakenymError:
        raise
    except Exception as error:  # texts of libraries quote paths and values
        raise UnexpectedFailure(f"counting the rows failed with {type(error).__name__}") from None
