"""Whether a run can take the columnar path: by what is known before a row is read. Every doubt is a no."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.columnar import arrow_types, chosen_files, csv_reader, file_systems, partition_values, parts, stored_schema
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.parts import Part
from jobs.columnar.reading import Reader
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Ages, Fitting, Tree
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from jobs.configuration.reader_options import REBASE
from jobs.lake import source_files
from jobs.lake.column_mapping import MODE, PHYSICAL_NAME
from jobs.lake.delta_commit import Transaction
from jobs.lake.read import SourceRows
from jobs.lake.source_files import SourceFiles
from jobs.lake.source_schema import CHAR_TYPE, DEFAULT
from jobs.treatment.treatment_plan import Plan
from privacy_udfs import nested
from privacy_udfs.kept_out import Erased
from privacy_udfs.nested import ByRow, Node

PARQUET = ("ParquetFileFormat", "DeltaParquetFileFormat", "DeltaParquetFileFormatV2")
OTHER_SOURCE = "the source is neither a Delta table nor a folder of Parquet or CSV files"
Trees = Sequence[tuple[T.StructField, Node | None, T.DataType]]


def fitted(
    spark: SparkSession,
    plan: Plan,
    source: SourceRows,
    trees: Trees,
    begun: Transaction | None,
    erased: Sequence[tuple[tuple[str, ...], Sequence[Erased]]] = (),
) -> Fitting:
    """What the tasks of the run need. erased: as of `Fitting`. Raises `NotColumnar`, whose message is one clause."""
    if begun is None:
        raise NotColumnar("Delta's own transaction is out of reach here")
    for reason in _refusals(plan):
        raise NotColumnar(reason)
    codec = str(spark.conf.get("spark.sql.parquet.compression.codec")).lower()
    if str(spark.conf.get("spark.databricks.delta.stats.collect", "true")).lower() != "true":
        raise NotColumnar("spark.databricks.delta.stats.collect is off, and files of this path come with statistics")
    out_of = _whole(source)
    files = source_files.of(out_of, of_text=plan.config.source.format == "csv")
    if files is None:
        raise NotColumnar(OTHER_SOURCE)
    if not files.files and not source.gained and source.chosen is None:
        raise NotColumnar("the source has no file to read")
    if any(file.folders.keys() != set(files.folders) for file in files.files):
        raise NotColumnar("a file lies in no folder that names the values of all the source's folder columns")
    if source.chosen is not None:
        files = chosen_files.of(spark, files, source.chosen, out_of.schema)
    access = file_systems.access(spark, one_of_each_store([begun.location, *(file.uri for file in files.files)]))
    made, subject = tuple(tree_of(*tree) for tree in trees), _subject(plan)
    names = {tree.name for tree in made if tree.node is not None} | set(subject[:1])
    names |= {way[0] for tree in made for way in tree.beside} | {way[0] for way, _ in erased}
    names |= set() if source.past is None else {source.past.way[0]}
    if files.reader in PARQUET:
        check_parquet(files)
        wanted = [field for field in files.stored.fields if field.name in names]
        reader: Reader = ParquetReader(stored_schema.of(wanted))
    else:
        reader = _csv_reader(spark, plan, source, files)
        wanted = [
            field for field in source.rows.schema.fields if field.name in names and field.name not in files.folders
        ]
    cut = parts_of(spark, files, whole=files.reader not in PARQUET)
    read = pa.schema([pa.field(field.name, arrow_types.of_spark(field.dataType, field.name)) for field in wanted])
    return Fitting(cut, reader, access, read, made, subject, codec, plan.config.is_shuffled, erased, _ages(source))


def _whole(source: SourceRows) -> DataFrame:
    """The rows of all files that are read, those too that tasks leave out."""
    if source.chosen is None:
        return source.rows if source.past is None else source.past.rows
    if source.past is not None:
        raise NotColumnar("rows past their time (retention) are left out of chosen partitions by Spark")
    return source.chosen.out_of


def _ages(source: SourceRows) -> Ages | None:
    if source.past is None:
        return None
    first = source.past.first
    zone = "UTC" if isinstance(first, datetime.datetime) and first.tzinfo is not None else None
    kind = pa.timestamp("us", zone) if isinstance(first, datetime.datetime) else pa.date32()
    return Ages(source.past.way, pa.scalar(first, kind))


def one_of_each_store(uris: Iterable[str]) -> list[str]:
    """A file for each host or bucket of each kind of store, whose settings serve all others there."""
    return list({file_systems.parted(uri)[:2]: uri for uri in uris}.values())


def _csv_reader(spark: SparkSession, plan: Plan, source: SourceRows, files: SourceFiles) -> Reader:
    stated = plan.config.source
    if stated.format != "csv" or files.reader != "TextFileFormat":
        raise NotColumnar(OTHER_SOURCE)
    schema = source.rows.schema
    if any(schema[name].dataType != T.StringType() for name in files.folders):
        raise NotColumnar("the types that 'schema' gives to folders are read by Spark")
    csv_reader.check_compression(spark, [file.uri for file in files.files])
    return csv_reader.reader(stated, schema, files.folders)


def _refusals(plan: Plan) -> Iterator[str]:
    config: TableConfig = plan.config
    if config.rows is not None:
        yield "the predicate 'rows' is evaluated by Spark"
    if config.reads_some and config.quarantine is not None:
        yield "rows past their time (retention) are left out by Spark, where others may be set aside"
    if any(case.rule.rows is not None for case in plan.cases):
        yield "the predicates of 'when' are evaluated by Spark"
    if any(case.treatment.technique.by_vault for case in plan.cases):
        yield "tokens are joined from their vault by Spark"
    if any(config.source.options.get(name, "CORRECTED").upper() != "CORRECTED" for name in REBASE):
        yield "the source's options say that old dates may be of the old calendar"
    if config.source.partitions:
        yield "the types that 'partitions' gives to folders are read by Spark"
    outputs = {str(leaf.path): leaf.output for leaf in plan.leaves}
    for name in config.target.partition_by:
        given = next((output for path, output in outputs.items() if path.strip("`") == name), None)
        if not isinstance(given, partition_values.TAKEN):
            yield f"the target is partitioned by {name}, whose type only Spark writes into names of folders"


def check_parquet(files: SourceFiles) -> None:
    """Raise `NotColumnar` where files of a Delta table or a folder of Parquet files may be read otherwise by Spark."""
    if files.deleted:
        raise NotColumnar("the source has deletion vectors, which Spark applies; REORG TABLE ... APPLY (PURGE) ends it")
    mapping = files.configuration.get(MODE, "none")
    if mapping not in ("none", "name"):
        raise NotColumnar("the source's columns are known by their numbers in files (column mapping by id)")
    for field in files.folder_fields:
        if CHAR_TYPE in field.metadata:
            raise NotColumnar(
                f"the source is partitioned by {field.name}: CHAR or VARCHAR, which Spark reads its own way"
            )
    for field in files.stored.fields:
        for metadata in _metadata(field):
            if (mapping == "name") != (PHYSICAL_NAME in metadata):
                raise NotColumnar(f"Delta does not say what column {field.name} is called in the source's files")
            if CHAR_TYPE in metadata:
                raise NotColumnar(f"column {field.name} is, or holds, CHAR or VARCHAR, which Spark reads its own way")
            if DEFAULT in metadata:
                raise NotColumnar(f"column {field.name} has a default for files without it, which Spark fills in")


def _metadata(field: T.StructField) -> Iterator[dict[str, object]]:
    yield field.metadata
    for below in _fields(field.dataType):
        yield from _metadata(below)


def _fields(given: T.DataType) -> Iterator[T.StructField]:
    if isinstance(given, T.StructType):
        yield from given.fields
    elif isinstance(given, T.ArrayType):
        yield from _fields(given.elementType)
    elif isinstance(given, T.MapType):
        yield from _fields(given.keyType)
        yield from _fields(given.valueType)


def tree_of(field: T.StructField, node: Node | None, output: T.DataType) -> Tree:
    """What a task is told of one column. Raises `NotColumnar`."""
    arrow_types.of_spark(field.dataType, field.name)  # of a folder's column too, which no file is asked for
    target, beside = arrow_types.of_spark(output, field.name), () if node is None else nested.beside(node)
    if node is None or not beside:
        return Tree(field.name, node, target)
    return Tree(field.name, ByRow(node, (), beside), target, tuple(ColumnPath.parse(path).names for path in beside))


def _subject(plan: Plan) -> tuple[str, ...]:
    """The way to whose row it is, where a technique asks."""
    asked = any(case.treatment.technique.needs_subject for case in plan.cases)
    path = plan.config.subject
    return path.names if asked and path is not None else ()


def parts_of(spark: SparkSession, files: SourceFiles, whole: bool) -> list[Part]:
    """About as large as Spark's own."""
    settings = spark._jsparkSession.sessionState().conf()
    largest, opening = int(settings.filesMaxPartitionBytes()), int(settings.filesOpenCostInBytes())
    return parts.parts(files.files, largest, opening, spark.sparkContext.defaultParallelism, whole)
