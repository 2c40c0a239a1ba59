"""Measure how far treated tables single people out: ``python jobs/risk.py --conf conf --table T``.

Quasi-identifiers and sensitive columns are those of the catalog's classes, measured as the treated table shows them; by
people where the entry names a subject that the table still tells apart. Small counts are shown as ``< 10``, and values
never; docs/risk.md says what each measure means. Exit codes: 0 measured, and all thresholds of the policy are reached;
1 one of them is not, or the table is not there; 2 bad configuration or usage; 3 failed.

With ``--suggest`` the source's rows are searched instead: what has to be done to the quasi-identifiers, at least, so
that the thresholds are reached (docs/risk_search.md). It prints lines of a catalog entry, for a person to accept, and
whether the gate of a run would let it pass; it exits with 1 where not. With ``--mondrian`` lines that cut the table
into boxes stand beside them.
With ``--estimate`` a sample of the classes is counted, for tables of any size (docs/risk_estimates.md).
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pyspark.sql import DataFrame, SparkSession

from jobs.command_line import arguments, risk_options
from jobs.configuration import asked_risk
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.shown import as_json, say, shown
from jobs.lake.address import Address
from jobs.risk_measures import estimate as estimating
from jobs.risk_measures import estimate_report, frames, singling, treated, uniqueness
from jobs.risk_measures import measure as measuring
from jobs.risk_measures import report as reporting
from jobs.risk_measures.estimate_report import Estimated
from jobs.risk_measures.measure import Asked, Measures, Nulls
from jobs.risk_measures.report import Report
from jobs.risk_measures.sizes import THRESHOLD
from jobs.risk_measures.treated import Chosen
from jobs.risk_search import boxes_suggestion, of_table, suggestion, suggestion_data
from jobs.risk_search import exploring as exploring  # for notebooks
from jobs.risk_search.loss_names import LOSSES
from jobs.risk_search.search import Found
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.table_run import foreseen
from jobs.table_run.foreseen import Foreseen


def measure(
    rows: DataFrame,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[str] = (),
    subject: str | None = None,
    weights: str | None = None,
    *,
    population: DataFrame | None = None,
    nulls: Nulls = "equal",
    hierarchies: Mapping[str, Sequence[Sequence[str]]] | None = None,
    threshold: float = THRESHOLD,
    l: int | None = None,  # noqa: E741 - l-diversity is called so
) -> Measures:
    """All measures of a data frame; ``to_dict()`` has them as plain data. See `Asked` for what each word means."""
    hierarchies = hierarchies or {}
    asked = Asked(quasi_identifiers, sensitive, subject, weights, population, nulls, hierarchies, threshold, l)
    return failures.translated("the data frame", lambda: measuring.measure(rows, asked))


def run(
    spark: SparkSession,
    conf: Config,
    table: str,
    *,
    by_rows: bool = False,
    nulls: Nulls = "equal",
    population: str | None = None,
    fraction: float | None = None,
    attack: str | None = None,
    sets: int = 0,
    frequency: bool = False,
) -> Report:
    """What a table of the catalog, as it was treated, tells of people. population, attack: tables by path or name.
    fraction: of the population that is in the table. sets: up to how many columns to look for that single people out.
    Raises `Refused` where the table is not there, or shows no quasi-identifier."""
    own, entry = session.for_run(spark), conf.tables[table]
    thresholds = asked_risk.thresholds(conf.policy, entry)

    def step() -> Report:
        rows = _read(own, Address.of(entry.target), table)
        chosen = _chosen(rows, entry, table)
        columns = chosen.quasi_identifiers
        subject = None if by_rows else chosen.subject
        if subject is not None and nulls == "any":
            raise BadUsage("--nulls any: so rows are counted, and this table counts people: give --by-rows too")
        outside = None if population is None else _read(own, Address.named(population), population)
        if outside is not None and subject is not None and subject not in outside.columns:
            raise BadUsage(f"--population: it has no column {subject} to count people by: give --by-rows")
        if outside is not None:
            _check_population(outside, columns)
        asked = Asked(
            columns,
            chosen.sensitive,
            subject,
            population=outside,
            nulls=nulls,
            hierarchies=chosen.hierarchies,
            threshold=THRESHOLD if thresholds.k is None else 1 / thresholds.k,
        )
        measures = measuring.measure(rows, asked)
        is_held = measures.rows > 0 and not (thresholds.l is None and thresholds.t is None)
        held = measuring.held(rows, asked, measures) if is_held else {}
        return Report(
            table,
            chosen,
            measures,
            tuple(reporting.missed(measures, held, thresholds)),
            None if fraction is None else uniqueness.estimates(measures.sizes, fraction),
            tuple(singling.small_sets(rows, columns, sets, subject)) if sets else (),
            {name: singling.frequent(rows, name) for name in chosen.pseudonyms} if frequency else {},
            None if attack is None else _attack(rows, _read(own, Address.named(attack), attack), columns, subject),
        )

    return failures.translated(table, step)


def estimate(spark: SparkSession, conf: Config, table: str, *, by_rows: bool = False) -> Estimated:
    """What `run` would find of the sizes of classes, about, in two passes and with little memory. Raises `Refused` as
    `run` does. Of a data frame: `jobs.risk_measures.estimate.estimate`."""
    own, entry = session.for_run(spark), conf.tables[table]
    thresholds = asked_risk.thresholds(conf.policy, entry)

    def step() -> Estimated:
        rows = _read(own, Address.of(entry.target), table)
        chosen = _chosen(rows, entry, table)
        threshold = THRESHOLD if thresholds.k is None else 1 / max(thresholds.k, 2)
        subject = None if by_rows else chosen.subject
        found = estimating.estimate(rows, chosen.quasi_identifiers, subject, threshold=threshold)
        missed, unsaid = (
            tuple(each(found, thresholds)) for each in (estimate_report.missed, estimate_report.open_questions)
        )
        return Estimated(table, chosen, found, missed, unsaid, thresholds.k)

    return failures.translated(table, step)


def suggest(
    spark: SparkSession,
    conf: Config,
    table: str,
    conf_dir: Path,
    *,
    k: int | None = None,
    l: int | None = None,  # noqa: E741 - l-diversity is called so
    t: float | None = None,
    suppressed: float = 0.0,
    ladders: Mapping[str, str] = MappingProxyType({}),
    loss: str = "discernibility",
) -> tuple[Found, Foreseen]:
    """The least generalization of a table's source that reaches thresholds, and what a run would say of it. Thresholds
    are those of the policy, where none is given.
    conf_dir: where hierarchies lie. suppressed, loss: as docs/risk_search.md says. ladders: by column, in its words.
    Raises `NotReached` where nothing does."""
    own, asked = session.for_run(spark), asked_risk.thresholds(conf.policy, conf.tables[table])
    wish = {"k": k or asked.k, "l": l or asked.l, "t": asked.t if t is None else t, "suppressed": suppressed}
    if wish["k"] is None:
        raise BadUsage("--suggest: expected --k, or thresholds: {k: ...} or risk: {k: ...} in the policy")
    entry = conf.tables[table]

    def step() -> tuple[Found, Foreseen]:
        rows = of_table.rows_of(own, entry)
        found = of_table.suggested(rows, entry, conf_dir, wish, ladders, loss)
        return found, foreseen.of(rows, entry, found, asked_risk.of(conf.policy, entry))

    return failures.translated(table, step)


def _read(spark: SparkSession, address: Address, name: str) -> DataFrame:
    if not address.exists(spark):
        raise Refused(f"{name}: is not there")
    return address.read(spark)


def _chosen(rows: DataFrame, entry: TableConfig, table: str) -> Chosen:
    chosen = treated.chosen(rows.schema, entry)
    if not chosen.quasi_identifiers:
        raise Refused(f"{table}: shows no quasi-identifier: there is nothing to measure")
    return chosen


def _check_population(outside: DataFrame, columns: Sequence[str]) -> None:
    for name in columns:
        try:
            frames.found(outside, name)
        except BadUsage as error:
            raise BadUsage(f"--population: of the table there: {error}") from None


def _attack(rows: DataFrame, outside: DataFrame, columns: Sequence[str], subject: str | None) -> singling.Matched:
    """With the quasi-identifiers that the outside table has too."""
    common = [name for name in columns if name in outside.columns]
    if not common:
        raise BadUsage("--attack: the table there has none of the quasi-identifiers by name")
    return singling.attack(rows, outside, common, subject)


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    return risk_options.parser(__doc__, LOSSES)


def main(argv: Sequence[str] | None = None) -> int:
    asked = risk_options.read(parser(), argv)
    return failures.exit_code(events.terminal, lambda: _of_all(asked))


def _of_all(asked: argparse.Namespace) -> int:
    conf, names = arguments.chosen(asked)
    spark = session.start("lakenym risk")

    def one(name: str) -> int:
        if asked.suggest:
            return _suggested(spark, conf, name, asked)
        if asked.estimate:
            about = estimate(spark, conf, name, by_rows=asked.by_rows)
            data = as_json(estimate_report.as_data(about)) if asked.json else None
            say(data or "\n".join(map(shown, estimate_report.lines(about))))
            return REFUSED if about.is_below else DONE
        found = run(
            spark,
            conf,
            name,
            by_rows=asked.by_rows,
            nulls=asked.nulls,
            population=asked.population,
            fraction=asked.sampling_fraction,
            attack=asked.attack,
            sets=asked.column_sets or 0,
            frequency=asked.frequency,
        )
        told = as_json(reporting.as_data(found)) if asked.json else "\n".join(map(shown, reporting.lines(found)))
        say(told)
        return REFUSED if found.missed else DONE

    return max(failures.exit_code(events.terminal, functools.partial(one, name), name) for name in names)


def _suggested(spark: SparkSession, conf: Config, name: str, asked: argparse.Namespace) -> int:
    found, ahead = suggest(
        spark,
        conf,
        name,
        asked.conf,
        k=asked.k,
        l=asked.l,
        t=asked.t,
        suppressed=asked.suppressed,
        ladders=dict(asked.ladder),
        loss=asked.loss,
    )
    told = [*of_table.told(conf.tables[name], found)]
    boxes = boxes_suggestion.boxed(found, dict(asked.ladder)) if asked.mondrian else None
    if asked.json:
        more = {} if boxes is None else {"mondrian": boxes.as_data()}
        say(as_json({"table": name, **suggestion_data.of(found, told), "gate": ahead.as_data(), **more}))
    else:
        lines = [f"# {shown(line)}\n" for line in (name, *told, *ahead.lines())]
        cut = [] if boxes is None else ["\n", boxes_suggestion.text(boxes)]
        say("".join([*lines, suggestion.text(found), *cut]).rstrip("\n"))
    return DONE if ahead.is_accepted else REFUSED


if __name__ == "__main__":
    sys.exit(process.ended(main))
