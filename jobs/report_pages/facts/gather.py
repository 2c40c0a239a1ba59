"""All facts of tables and of the lake, gathered: what cannot be had is said to be missing, and the rest goes on."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence

from pyspark.sql import SparkSession

from jobs.configuration import asked_risk, config
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.lake.record_names import CONFIG, POLICY, RECORD, SOFTWARE
from jobs.monitoring import house
from jobs.monitoring.finding import Finding
from jobs.monitoring.looked import Looked
from jobs.record import record_reader
from jobs.record.linkage import Linkage
from jobs.record.record_reader import Columns, all_of
from jobs.record.told_elsewhere import sha256
from jobs.record.treated_table import privacy_of
from jobs.report_pages.facts import audit_heads, columns, key_versions, measured, run_history, uses, ways
from jobs.report_pages.facts.evidence_facts import Drifts, KeyVersion, Verification
from jobs.report_pages.facts.lake_facts import Joins, LakeFacts, Linked
from jobs.report_pages.facts.plain import Missing, Notice
from jobs.report_pages.facts.table_facts import Head, Measured, TableFacts
from jobs.report_pages.facts.told_files import MONITOR, VERIFY
from jobs.risk_measures.report import Report
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError

PSEUDONYMIZE, RISK = "python jobs/pseudonymize.py --conf CONF --table", "python jobs/risk.py --conf CONF --table"
NO_RISK = Missing(
    "no risk was measured for this page", "python jobs/report.py ... --html FOLDER, without --without-risk"
)
NO_DRIFT = Missing("no drift was given to this page", f"{MONITOR}; then --monitored monitored.json")
NO_CHECK = Missing("no verification was given to this page", f"{VERIFY}; then --verified verified.json")
NEVER = "the table was never treated: nothing is at its target"


@dataclasses.dataclass(frozen=True)
class Asked:
    """now: by which ages and reviews are told. measure: the risk of a treated table, as `jobs.risk.run`; None: it is
    not to be measured. linkage: of all tables. left_out: tables that could not be asked how they join, and why.
    verified, monitored: by table, what other jobs said."""

    now: datetime.datetime
    measure: Callable[[str], Report] | None
    linkage: Linkage | None = None
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    verified: Mapping[str, Verification | Missing] = dataclasses.field(default_factory=dict)
    monitored: Mapping[str, Drifts | Missing] = dataclasses.field(default_factory=dict)

    @property
    def day(self) -> datetime.date:
        return self.now.date()


def of_lake(spark: SparkSession, conf: Config, names: Sequence[str], asked: Asked) -> LakeFacts:
    """Of the tables that are asked for, and of what is of all."""
    looked, findings = house.of_tables(spark, conf, names, asked.now)
    findings += house.of_conf(conf, names, asked.day)
    audit = audit_heads.found(spark, conf)
    tables, records = list[TableFacts](), list[Columns]()
    for name in names:
        facts, recorded = _of_table(spark, conf, name, looked.get(name), findings, asked)
        own = audit if isinstance(audit, Missing) else audit.of_table(name)
        tables.append(dataclasses.replace(facts, audit=own))
        records.append(recorded)
    named = (each for recorded in records for each in all_of(recorded))
    return LakeFacts(
        asked.day.isoformat(),
        conf.policy.version,
        tuple(map(str, conf.policy.profile)),
        tuple(tables),
        _joins(asked),
        key_versions.of_records(conf, named, asked.day),
        tuple(_warning(each) for each in findings if not each.table),
        audit if isinstance(audit, Missing) else audit.of_all(),
    )


def _of_table(
    spark: SparkSession, conf: Config, name: str, looked: Looked | None, findings: Sequence[Finding], asked: Asked
) -> tuple[TableFacts, Columns]:
    entry = conf.tables[name]
    warnings = tuple(_warning(each) for each in findings if each.table == name)
    try:
        recorded = {} if looked is None else record_reader.columns_of(looked.state.properties)
        unsound = ""
    except LakenymError:
        recorded, unsound = {}, "its treatment record cannot be understood: nothing is known of its treatment"
    if looked is None or not recorded:
        why = unsound or ("its target cannot be looked at" if looked is None else _why_not(looked))
        return _without_table(conf, entry, Missing(why, f"{PSEUDONYMIZE} {name}"), warnings, asked), {}
    try:
        facts = failures.translated(name, lambda: _with_table(spark, conf, entry, looked, recorded, warnings, asked))
    except LakenymError as error:
        why = f"the table cannot be read ({type(error).__name__})"
        return _without_table(conf, entry, Missing(why, f"{RISK} {name}"), warnings, asked), {}
    return facts, recorded


def _why_not(looked: Looked) -> str:
    return NEVER if looked.state.version < 0 else "the table at its target carries no record of a treatment"


def _with_table(
    spark: SparkSession,
    conf: Config,
    entry: TableConfig,
    looked: Looked,
    recorded: Columns,
    warnings: tuple[Notice, ...],
    asked: Asked,
) -> TableFacts:
    name, stands = entry.name, looked.state
    schema = stands.address.read(spark).schema
    times = run_history.times(spark, stands)
    head = _head(conf, entry, looked, times)
    found = columns.of_table(schema, recorded, entry)
    before, after = _risk(spark, conf, entry, asked, looked, head)
    return TableFacts(
        name,
        entry.owner,
        asked.day.isoformat(),
        head,
        found,
        uses.of_table(name, entry, [*privacy_of(schema).values()], asked.linkage, head),
        before,
        after,
        _drift(asked.monitored.get(name), looked),
        asked.verified.get(name, NO_CHECK),
        _keys(conf, recorded, asked),
        audit_heads.NONE,
        ways.of_table(spark, conf, entry, found, head.is_current),
        run_history.of_table(times, stands),
        warnings,
    )


def _without_table(
    conf: Config, entry: TableConfig, why: Missing, warnings: tuple[Notice, ...], asked: Asked
) -> TableFacts:
    return TableFacts(
        entry.name,
        entry.owner,
        asked.day.isoformat(),
        head=why,
        columns=columns.planned(entry),
        use=uses.of_table(entry.name, entry, [], None, why),
        before=why,
        after=why,
        drift=why,
        verified=why,
        keys=(),
        audit=audit_heads.NONE,
        lineage=why,
        runs=why,
        warnings=warnings,
    )


def _head(conf: Config, entry: TableConfig, looked: Looked, times: Mapping[int, str]) -> Head:
    stands, run = looked.state, looked.run
    properties = stands.properties
    return Head(
        stands.version,
        "" if run is None else times.get(run.version, ""),
        "" if run is None else str(run.run.get("run_id", "")),
        sha256(properties[RECORD]),
        properties.get(CONFIG, ""),
        config.snapshot_sha256(conf, entry.name) == properties.get(CONFIG),
        properties.get(POLICY, ""),
        properties.get(SOFTWARE, ""),
        "chosen by a predicate" if record_reader.rows_of(properties) else "",
        record_reader.suppress_of(properties),
    )


def _risk(
    spark: SparkSession, conf: Config, entry: TableConfig, asked: Asked, looked: Looked, head: Head
) -> tuple[Measured | Missing, Measured | Missing]:
    if asked.measure is None:
        return NO_RISK, NO_RISK
    thresholds = asked_risk.thresholds(conf.policy, entry)
    after: Measured | Missing
    try:
        after = measured.after(asked.measure(entry.name), thresholds.k)
    except LakenymError as error:
        after = Missing(str(error).partition("\n")[0].removeprefix(f"{entry.name}: "), f"{RISK} {entry.name}")
    before = measured.before(spark, entry, thresholds)
    rows = None if looked.run is None else looked.run.rows
    return measured.apart(before, after, rows, keeps_out=_keeps_out(entry, looked, head)), after


def _keeps_out(entry: TableConfig, looked: Looked, head: Head) -> bool:
    """Whether rows of the source may be missing in the table for more than one reason, by the entry or the record."""
    return entry.suppress is not None or head.suppress is not None or looked.some_wait


def _drift(told: Drifts | Missing | None, looked: Looked) -> Drifts | Missing:
    if isinstance(told, Missing):
        return told
    if told is None or not told.columns:
        return NO_DRIFT
    return dataclasses.replace(told, warn_at=looked.bounds["psi_warn"], alert_at=looked.bounds["psi"])


def _keys(conf: Config, recorded: Columns, asked: Asked) -> tuple[KeyVersion, ...]:
    return key_versions.of_records(conf, all_of(recorded), asked.day)


def _warning(found: Finding) -> Notice:
    place = f"{found.column}: " if found.column else ""
    return Notice(found.level, found.what, f"{place}{found.message}; {found.to_do}")


def _joins(asked: Asked) -> Joins:
    links = asked.linkage
    left_out = tuple(asked.left_out.items())
    if links is None:
        return Joins((), (), (), left_out)
    spanning = [each for each in links.links if len(each.tables) > 1]
    linked = {table for each in spanning for table in each.tables}
    return Joins(
        tuple(
            Linked(each.domain, each.technique, each.key or "", tuple((at.table, at.column) for at in each.columns))
            for each in spanning
        ),
        tuple(name for name in links.tables if name not in linked),
        tuple(_apart(links)),
        left_out,
    )


def _apart(links: Linkage) -> Iterator[str]:
    for each in links.apart:
        one, other = (f"{place.table} {place.column}" for place in (each.one, each.other))
        yield f"{each.domain}: {one} and {other}: {each.reason}"
