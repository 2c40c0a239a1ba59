"""What a run sets in its session, whatever the caller's session and the cluster say.

It decides which rows and values are read, and what SQL text means. As Spark has it by default, where nothing else is
said.
"""

PINNED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.variable.substitute": "false",  # text in properties is text
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",  # whole-array code pays off on long arrays
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),  # and rows may be long: a worker holds some of these
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
    "spark.databricks.delta.stalenessLimit": "0",  # the newest version is the newest
}
