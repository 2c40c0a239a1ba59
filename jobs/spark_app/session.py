"""The Spark session of a job: Delta switched on, nothing else decided for the user."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.run_events.events import is_terminal
from jobs.spark_app import quiet
from privacy_udfs import wording

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
RUN = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.variable.substitute": "false",  # text in properties is text
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",  # whole-array code pays off on long arrays
    # Spark 4.2's columnar input helps sources of Arrow vectors only; Parquet's columns it turns to rows and back, twice
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    # else a line that does not parse is skipped unseen where a predicate about rows is not true
    "spark.sql.csv.filterPushdown.enabled": "false",
    "spark.sql.json.filterPushdown.enabled": "false",
    # what could change which rows or values are read, with no word said, stands as Spark has it by default:
    # names, and what SQL text means
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",  # else a quoted name is a pattern
    "spark.sql.ansi.enabled": "true",  # what overflows or does not parse is an error, not null
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",  # else the last of two equal keys wins
    "spark.sql.legacy.raiseErrorWithoutErrorClass": "false",  # our own refusals are known by their class
    # files that are missing, damaged or elsewhere are never passed over
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreInvalidPartitionPaths": "false",
    # the schema is that of all files, not of a summary beside them
    "spark.sql.parquet.respectSummaryFiles": "false",
    "spark.sql.orc.impl": "native",
    "orc.force.positional.evolution": "false",  # columns by name
    "spark.sql.sources.useV1SourceList": "avro,csv,json,kafka,orc,parquet,text",  # one reader for each format
    "spark.sql.columnNameOfCorruptRecord": "_corrupt_record",
    # types: of partition folders text (007 is not 7), and of all others what the file says
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.int96AsTimestamp": "true",
    "spark.sql.parquet.int96TimestampConversion": "false",
    "spark.sql.parquet.ignoreVariantAnnotation": "false",
    "spark.sql.legacy.parquet.nanosAsLong": "false",
    "spark.sql.legacy.parquet.returnNullStructIfAllFieldsMissing": "false",
    # old calendars: as the file says, and where it does not, as the option of the source says
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # JSON: numbers as they are written, no empty text for a null
    "spark.sql.json.enableExactStringParsing": "true",
    "spark.sql.legacy.json.allowEmptyString.enabled": "false",
    "spark.sql.variant.allowDuplicateKeys": "false",  # by VARIANT a key that is twice in one object is found
    # CHAR is known as CHAR, so that its padding can be taken off
    "spark.sql.readSideCharPadding": "true",
    "spark.sql.legacy.charVarcharAsString": "false",
    "spark.sql.preserveCharVarcharTypeInfo": "false",
    # versions of Delta: by the options of the source, and the whole table
    "spark.sql.timeTravelVersionKey": "versionAsOf",
    "spark.sql.timeTravelTimestampKey": "timestampAsOf",
    "spark.databricks.delta.timeTravel.resolveOnIdentifier.enabled": "false",  # a path with @v1 is a path
    "spark.databricks.delta.checkLatestSchemaOnRead": "true",
}


def start(name: str, settings: Mapping[str, str] = {}) -> SparkSession:
    """The session for ``spark-submit``, or a local one where the program was started with plain ``python``."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet.python()
    builder = SparkSession.builder.appName(name)
    for key, value in {**DELTA, **settings}.items():
        builder = builder.config(key, value)
    if is_terminal():  # a person watches: Spark's own progress bar, and no warnings between its steps
        builder = builder.config("spark.ui.showConsoleProgress", "true").config("spark.log.level", "ERROR")
    else:
        builder = builder.config("spark.ui.showConsoleProgress", "false")
    spark = builder.getOrCreate()
    quiet.everywhere(spark)
    return spark


@contextlib.contextmanager
def settings(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[None]:
    """Settings for a while; afterwards they are unset."""
    for key, value in wanted.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key in wanted:
            spark.conf.unset(key)


def for_run(spark: SparkSession) -> SparkSession:
    """A session of its own for one run: shares the cluster and catalog, and leaves the caller's settings alone. Spark's
    loggers fall silent (`jobs.spark_app.quiet`), and what is said of this run carries a mark of its own."""
    wording.renew()
    session = spark.newSession()
    quiet.everywhere(session)
    for key, value in RUN.items():
        session.conf.set(key, value)
    return session
