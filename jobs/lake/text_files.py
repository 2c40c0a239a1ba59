"""CSV and JSON lines: no malformed line of a text file passes."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.problems import SourceProblem
from jobs.shared.configuration.models import Source
from privacy_udfs import wording

CORRUPT = "_corrupt_record"
MALFORMED = "source holds a line that does not parse as its schema says"


def rows_of(spark: SparkSession, source: Source) -> DataFrame:
    """CSV and JSON lines. A line that does not parse fails the run with no word of it in the message."""
    assert source.path is not None
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT, **source.options}
    if source.format == "csv":
        options = {"header": "true", "columnPruning": "false", **options}
    reader = spark.read.format(str(source.format)).options(**options)
    schema = T.DataType.fromDDL(source.schema_) if source.schema_ else reader.load(source.path).schema
    assert isinstance(schema, T.StructType)
    if source.format == "csv" and options["header"].lower() == "true":
        _check_headers(spark, source.path)
        if source.schema_ and reader.load(source.path).columns != [n for n in schema.names if n != CORRUPT]:
            raise SourceProblem(f"the header of the CSV files is not {', '.join(schema.names)}, as 'schema' says")
    if CORRUPT not in schema.names:
        schema = T.StructType([*schema.fields, T.StructField(CORRUPT, T.StringType())])
    rows = reader.schema(schema).load(source.path)
    malformed = F.lit(wording.marked(wording.mark(), SourceProblem.__name__, f"the {source.format} {MALFORMED}"))
    return rows.where(F.assert_true(F.col(CORRUPT).isNull(), malformed).isNull()).drop(CORRUPT)


def _check_headers(spark: SparkSession, path: str) -> None:
    """All files of a CSV folder must have one header: Spark goes by position, and would mix the columns up."""
    lines = spark.read.text(path).where("_metadata.file_block_start = 0")
    lines = lines.select(
        "value", F.col("_metadata.file_path").alias("file"), F.monotonically_increasing_id().alias("n")
    )
    headers = lines.groupBy("file").agg(F.min_by("value", "n").alias("header"))
    found = headers.agg(F.count_distinct("header")).collect()[0][0]
    if found > 1:
        raise SourceProblem(f"the CSV files have {found} different header lines; all files of a source need the same")
