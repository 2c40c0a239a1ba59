"""Every place of the catalog where values of a domain stand, by the records of the treated tables; and where they may
stand and cannot be found, with why. Reads no row and opens no key.

    found = held(spark, conf, "customer")
    found.tables      # each treated table that can be searched, at one version, with its `Place`s
    found.sources     # the columns of sources that the catalog says are of the domain
    found.gaps        # what is not found by it: never left out of what somebody is told

A place goes by the record alone: who may write a table can write its record too. What no record and no catalog says is
of a domain (a kept column that nobody named one for, free text) is not known here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.console.exit_codes import Refused
from jobs.console.shown import shown
from jobs.lake import storage_jars
from jobs.record.column_record import ColumnRecord
from jobs.reversal import treated
from jobs.reversal.treated import Treated
from privacy_udfs.errors import LakenymError
from privacy_udfs.scope_labels import domain_of
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse

IN_QUARANTINE = "rows in its quarantine are sealed: requeue or remove them first"
Way = Literal["pseudonym", "vault", "opened", "kept"]
"""How a column is searched: by what the ids become under its key; by their tokens in a vault; by turning its values
back within the search, where equal values have unequal results; or as they are."""


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """A leaf column, or one case of it, of a treated table in which values of the domain stand. path: as the record
    spells it. is_subject: whether it says whose row it is, as the table's ``subject`` has it. is_of_others: whether
    another column does."""

    table: str
    path: ColumnPath
    record: ColumnRecord
    technique: Technique
    way: Way
    is_subject: bool = False
    is_of_others: bool = False

    @property
    def label(self) -> str:
        return f"{self.table}: {shown(str(self.path))}"


@dataclasses.dataclass(frozen=True, eq=False)
class SourcePlace:
    """A column of a table's source whose values are of the domain. technique: by which they become what is compared:
    its steps of ``normalize`` are those of the search too."""

    table: str
    path: ColumnPath
    technique: Technique

    @property
    def label(self) -> str:
        return f"source of {self.table}: {shown(str(self.path))}"


@dataclasses.dataclass(frozen=True)
class Gap:
    """What is not searched. path: empty where it is all of the table."""

    table: str
    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.table}{': ' if self.path else ''}{shown(self.path)}: {self.why}"


@dataclasses.dataclass(frozen=True)
class HeldTable:
    treated: Treated
    places: tuple[Place, ...]


@dataclasses.dataclass(frozen=True)
class Held:
    domain: str
    tables: tuple[HeldTable, ...]
    sources: tuple[SourcePlace, ...]
    gaps: tuple[Gap, ...]

    def without(self, gaps: list[Gap]) -> Held:
        """The same, where more turned out not to be searched."""
        return dataclasses.replace(self, gaps=(*self.gaps, *gaps))


def held(spark: SparkSession, conf: Config, domain: str) -> Held:
    tables: list[HeldTable] = []
    gaps: list[Gap] = []
    for entry in conf.tables.values():
        found = _of_table(spark, conf, entry, domain, gaps)
        if found is not None:
            tables.append(found)
    sources = tuple(place for entry in conf.tables.values() for place in _of_source(entry, domain))
    return Held(domain, tuple(tables), sources, tuple(gaps))


def _of_source(entry: TableConfig, domain: str) -> Iterator[SourcePlace]:
    for decision in entry.decisions.values():
        for rule in decision.cases:
            if domain_of(rule.treatment.domain) == domain:
                yield SourcePlace(entry.name, decision.path, rule.treatment.technique)
                break


def _of_table(spark: SparkSession, conf: Config, entry: TableConfig, domain: str, gaps: list[Gap]) -> HeldTable | None:
    stated = {str(path) for path, _ in _named(entry, domain)}
    try:
        looked = treated.look(spark, conf, entry.name)
    except (LakenymError, PySparkException, Py4JError) as error:
        # a target that is there and cannot be read may hold the domain, whatever the catalog says by now
        if stated or entry.subject is not None or not isinstance(error, Refused):
            known = str(error).partition("\n")[0] if isinstance(error, LakenymError) else storage_jars.told(error)
            why = known or "its target cannot be read"
            gaps.append(Gap(entry.name, "", why.removeprefix(f"{entry.name}: ")))
        return None
    places = []
    for name, record in looked.records.items():
        placed = _placed(entry, ColumnPath.parse(name), record, domain)
        if isinstance(placed, Place):
            places.append(placed)
        elif placed is not None:
            gaps.append(placed)
    gaps += _not_recorded(entry, looked, stated)
    gaps += _by_subject(entry, looked, domain)
    if entry.quarantine is not None and (places or stated):
        gaps.append(Gap(entry.name, "", IN_QUARANTINE))
    return HeldTable(looked, tuple(places)) if places else None


def _named(entry: TableConfig, domain: str) -> Iterator[tuple[ColumnPath, Technique]]:
    """The columns, and cases of them, that the catalog says are of the domain, or hold such values within texts."""
    for decision in entry.decisions.values():
        for path, rule in decision.named.items():
            if any(domain_of(each.domain) == domain for each in rule.treatment.each):
                yield path, rule.treatment.technique


def _placed(entry: TableConfig, path: ColumnPath, record: ColumnRecord, domain: str) -> Place | Gap | None:
    if any(domain_of(part.domain) == domain for part in record.parts):
        return Gap(entry.name, str(path), "values stand within its texts, which are not searched")
    if record.domain is None or domain_of(record.domain) != domain:
        return None
    found = _way(record)
    if isinstance(found, str):
        return Gap(entry.name, str(path), found)
    way, technique = found
    is_subject = path.leaf == entry.subject
    return Place(entry.name, path, record, technique, way, is_subject, entry.subject is not None and not is_subject)


def _way(record: ColumnRecord) -> tuple[Way, Technique] | str:
    """How a column is searched; why it cannot be."""
    facts, name = record.facts, record.technique
    try:
        # what a technique refuses stands in no table that was treated by it
        technique = parse({**record.parameters, "technique": name, "on_refused": "null"})
    except LakenymError:
        return "what its record says of its treatment cannot be read"
    if facts.keeps_values:
        return "kept", technique
    if facts.one_result or technique.gives_null():
        return f"{name} leaves nothing of its values"
    others = [path for path in technique.beside() if path != getattr(technique, "period_of", None)]
    if technique.needs_subject or others:
        return f"{name} depends on more of the row than the value"
    if technique.key_size() is not None and None in (record.key, record.key_id, record.key_check, record.domain):
        return "its record does not say by which version of which key it was treated"
    if facts.by_vault:
        return "vault", technique
    if facts.deterministic and facts.injective:
        return "pseudonym", technique
    if facts.reversible:
        return "opened", technique
    return f"{name} gives different values equal results, or unequal ones to equal values: others would be found too"


def _not_recorded(entry: TableConfig, looked: Treated, stated: set[str]) -> Iterator[Gap]:
    for name in sorted(stated - {*looked.records}):
        yield Gap(entry.name, name, "the catalog decides otherwise by now than its record says: run it, and ask again")


def _by_subject(entry: TableConfig, looked: Treated, domain: str) -> Iterator[Gap]:
    """Tables whose rows are of somebody whom no column of the target tells as one of a domain."""
    if entry.subject is None:
        return
    name = str(entry.subject)
    records = [each for path, each in looked.records.items() if str(ColumnPath.parse(path).leaf) == name]
    named = {domain_of(rule.treatment.domain) for path, rule in _rules(entry) if str(path.leaf) == name}
    if any(record.domain is not None and not _is_own(record, entry) for record in records):
        return  # of this domain it is a place; of another one it is somebody else
    if named - {"", domain} and domain not in named:
        return
    gone = not records or all(record.facts.one_result for record in records)
    what = "is not in the target" if gone else "names no domain"
    yield Gap(entry.name, name, f"its rows are of this subject, which {what}: not found by it")


def _rules(entry: TableConfig) -> Iterator[tuple[ColumnPath, ColumnRule]]:
    for decision in entry.decisions.values():
        yield from decision.named.items()


def _is_own(record: ColumnRecord, entry: TableConfig) -> bool:
    """Whether its label is the column's own, which joins with nothing."""
    return str(record.domain).startswith(f"{entry.name}/")
