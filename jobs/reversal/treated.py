"""A treated table as it stands at one version: its record, the columns that can be turned back, and their types."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import delta_commit, read
from jobs.lake.address import Address
from jobs.lake.bare_types import leaves
from jobs.lake.problems import SourceProblem
from jobs.lake.record_names import RECORD
from jobs.record import original_types
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import columns_of
from privacy_udfs.errors import LakenymError, ParameterError, TypeRefused
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse
from privacy_udfs.techniques._by_subject import BySubject


@dataclasses.dataclass(frozen=True)
class Treated:
    """name: in the catalog. place: a URI. version: that all of it is of. schema: of its rows."""

    spark: SparkSession
    name: str
    place: str
    version: int
    properties: Mapping[str, str]
    records: Mapping[str, ColumnRecord]
    schema: T.StructType

    @property
    def record_sha256(self) -> str:
        return hashlib.sha256(self.properties[RECORD].encode()).hexdigest()

    def rows(self) -> DataFrame:
        """All rows of the version."""
        return Address(path=self.place).read(self.spark, {"versionAsOf": str(self.version)})


@dataclasses.dataclass(frozen=True)
class Column:
    """A column that can be turned back. record: of it, or of one of its cases, as all that leave values are treated
    alike. classes: of all cases. kind: the type that it had."""

    path: str
    record: ColumnRecord
    classes: frozenset[str]
    technique: Technique
    kind: T.DataType


def table(conf: Config, name: str) -> str:
    """The name, where the catalog has it. Raises `BadUsage`."""
    if name not in conf.tables:
        raise BadUsage(f"the catalog has no table {name}{did_you_mean(name, conf.tables)}")
    return name


def look(spark: SparkSession, conf: Config, name: str) -> Treated:
    """The target of a table of the catalog. Raises `Refused` where it is none that a run treated."""
    address = Address.of(conf.tables[table(conf, name)].target)
    known = address.path is None and address.exists(spark)
    begun = delta_commit.begin(spark, address.path, address.sql) if address.path is not None or known else None
    if begun is None or begun.version < 0:
        raise Refused(f"{name}: its treated table is not there, or out of reach of Delta's own transaction")
    properties = delta_commit.comment_and_properties(begun)[1]
    if RECORD not in properties:
        raise Refused(f"{name}: what stands at its target has no treatment record")
    found = Address(path=begun.location).read(spark, {"versionAsOf": str(begun.version)})
    records = columns_of(properties)
    return Treated(spark, name, begun.location, begun.version, properties, records, found.schema)


def chosen(conf: Config, treated: Treated, names: Sequence[str]) -> dict[str, Column]:
    """The columns of these paths. Raises `Refused` with every one that cannot be turned back."""
    types, faults, found = original_types.of(treated.properties), [], dict[str, Column]()
    for name in names:
        try:
            record = _record(treated, name)
            technique = _technique(record)
            if name not in types:
                types = {**_of_source(treated.spark, conf, treated.name), **types}
            found[name] = Column(name, record, _classes(treated, name), technique, _kind(types, name))
        except Refused as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise Refused(f"{treated.name}: {'; '.join(faults)}")
    return found


def unproven(columns: Mapping[str, Column]) -> tuple[str, ...]:
    """The columns whose technique cannot tell a result of its own from one that was changed."""
    return tuple(path for path, each in columns.items() if not each.technique.authenticates)


def _record(treated: Treated, name: str) -> ColumnRecord:
    """What the table's record says of a column; of one that is treated by cases, of the one case that leaves values.
    Raises `Refused`."""
    path, entry = ColumnPath.parse(name), treated.records.get(name)
    if path.is_in_json:
        raise Refused("it stands within JSON text, where nothing is turned back")
    if path.is_case:
        raise Refused(f"it is a case of a column: name {path.leaf}, whose rows are chosen by --where")
    if entry is not None:
        return entry
    cases = _cases(treated, name)
    if not cases:
        raise Refused(f"the table's record has no such column{did_you_mean(name, treated.records)}")
    leaving = [each for each in cases if not each.gives_null]
    if len({_treatment(each) for each in leaving}) != 1:
        raise Refused(
            "rows are treated by cases, and which case a row fell under is not known any more: only where all cases "
            "but one treatment give null can values be turned back"
        )
    return leaving[0]


def _cases(treated: Treated, name: str) -> list[ColumnRecord]:
    return [each for other, each in treated.records.items() if other.startswith(f"{name}{{when ")]


def _classes(treated: Treated, name: str) -> frozenset[str]:
    own = [treated.records[name]] if name in treated.records else []
    return frozenset(each.class_ for each in (*own, *_cases(treated, name)))


def _treatment(record: ColumnRecord) -> str:
    """All by which a value came about: the same of two cases whose values cannot be told apart and need not be."""
    return json.dumps(dataclasses.replace(record, rows=None, class_="").as_json(), sort_keys=True)


def _technique(entry: ColumnRecord) -> Technique:
    """By what the record says of a column. Raises `Refused`."""
    if not (entry.facts.reversible or entry.facts.by_vault):
        raise Refused(f"{entry.technique} cannot be turned back")
    try:
        technique = parse({**entry.parameters, "technique": entry.technique})
    except ParameterError:
        raise Refused("its parameters stand in the record by their hash only") from None
    if (unit := getattr(technique, "period", None)) is not None:
        raise Refused(
            f"each {unit} has a key of its own, and the table does not say which a row is of (docs/scopes.md)"
        )
    if isinstance(technique, BySubject):
        try:
            technique.check_form()
        except TypeRefused as error:
            raise Refused(str(error)) from None
    if (technique.needs_subject and not technique.by_subject_keys()) or technique.beside():
        raise Refused(
            f"{entry.technique} depends on whose row it is, or on other columns of it, which may be others by now: it "
            "cannot be turned back"
        )
    if entry.key is None or entry.key_id is None or entry.domain is None or entry.key_check is None:
        raise Refused("the record does not say by which version of which key it was treated")
    return technique


def _kind(types: Mapping[str, T.DataType], name: str) -> T.DataType:
    if name not in types:
        raise Refused(
            "nothing says of which type it was: the table was treated by an older release, and its source has no such "
            "column any more; treat it anew"
        )
    return types[name]


def _of_source(spark: SparkSession, conf: Config, name: str) -> dict[str, T.DataType]:
    """The types of the source's columns, for a table that does not say them itself; no row is read."""
    try:
        schema = read.rows_of(spark, conf.tables[name].source).rows.schema
    except (SourceProblem, PySparkException, LakenymError):
        return {}
    return {str(path): kind for path, kind in leaves(schema)}
