"""The source treated once more, as its record says, and held against the table; and whether the numbers of rows add up.

Nothing joins a row of the source with one of the target but what the treatment made of it. So of one column with a
pseudonym all values are treated, a sample is chosen by a hash of the results, and of these rows all deterministic
columns are compared as multisets: exactly the rows that are due must stand in the table, as often as they are due.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.configuration import known_elsewhere
from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.console.numbers import many
from jobs.console.shown import shown
from jobs.lake import lists_of_runs, log_counts, quarantine_table, quarantined
from jobs.lake.address import Address
from jobs.lake.columns import column
from jobs.lake.read import SourceRows
from jobs.lake.record_names import RECORD
from jobs.named_keys import key_delivery, key_ring
from jobs.named_keys.key_ring import KeyRing
from jobs.record import record_reader, treatment_record
from jobs.risk_measures.report import SMALL
from jobs.table_run import kept_out
from jobs.table_run.selection import Selection
from jobs.treatment import predicates, treatment_plan
from jobs.treatment.treatment_plan import Decision, Plan
from jobs.verification import aged_rows, as_read, boxes, charged, erased_since, multisets
from jobs.verification.as_read import AsRead
from jobs.verification.erased_since import Since
from jobs.verification.outcome import NOT_CHECKABLE, Check, judged
from jobs.verification.samples import SAMPLE
from jobs.verification.standing import Standing
from privacy_udfs.errors import LakenymError

ANCHOR, SIGN = "lakenym anchor", "lakenym_sign"


@dataclasses.dataclass(frozen=True)
class Ready:
    """All that treating the source again takes. raw: its rows, those that are left out too. source: without them."""

    table: Standing
    entry: TableConfig
    raw: AsRead
    source: SourceRows
    ring: KeyRing
    plan: Plan


def ready(table: Standing, read_: AsRead) -> Ready:
    """The plan of the run that made the table, with the versions of keys that its record names. Raises `KeyProblem`,
    `PlanError`."""
    assert table.conf is not None
    assert table.entry is not None
    source = predicates.minimized(read_.rows, table.entry)
    ids = {
        each.key: each.key_id for each in record_reader.all_of(table.columns) if each.key and each.key_id is not None
    }
    ring = key_ring.open_for(table.conf, table.entry)
    plan = treatment_plan.build(table.entry, source.rows.schema, {**ring.ids, **ids}, source.names_from_data)
    return Ready(table, table.entry, read_, source, ring, plan)


def check(table: Standing, raw: AsRead, conf: Config, sample: int = SAMPLE) -> Iterator[Check]:
    """Whether the record, the rows and their number are what treating the source again gives. conf: the one at hand,
    by whose policy what is treated counts. Raises `LimitReached` where that is too much."""
    why = _why_not(table)
    if why is not None:
        yield from (Check(name, "not checked", why) for name in ("record anew", "rows anew", "counts"))
        return
    try:
        table, raw, ages = aged_rows.left_out(table, raw)
    except LakenymError as error:
        said = str(error).partition("\n")[0]
        yield from (Check(name, "not checked", said) for name in ("record anew", "rows anew", "counts"))
        return
    try:
        made = ready(table, raw)
        entries = treatment_record.entries(made.plan, made.ring.checks(made.plan))
    except LakenymError as error:
        said = str(error).partition("\n")[0]
        yield from (Check(name, "not checked", said) for name in ("record anew", "rows anew"))
    else:
        text = treatment_record.written(
            made.plan.table,
            entries,
            made.entry.rows,
            treatment_record.least(made.plan),
            treatment_record.boxes(made.plan),
            treatment_record.made_for(made.entry),
        )
        same = json.loads(text) == json.loads(table.properties[RECORD])
        faults = [] if same else ["configuration, source and keys give another record"]
        yield _of_the_time(judged("record anew", faults), raw) if raw.why else judged("record anew", faults)
        charged.charge(conf, made.plan, made.source.rows, table.rows)
        with key_delivery.delivered(table.spark, made.ring, made.plan) as keys, _erased(made, conf) as (left, out):
            if isinstance(out, str):
                yield from (Check(name, "not checked", out) for name in ("rows anew", "counts"))
                return
            answers = {} if out is None else out[1]
            since = erased_since.of(table) if out is None else None
            lost = lists_of_runs.lost(table.state.history, conf.policy.erasure)
            rows = _rows(left, Selection(made.plan, entries, keys, answers=answers), sample, since)
            yield erased_since.by_list(rows, lost)
            yield erased_since.by_list(_counts(table, raw, ages, None if out is None else out[0], since), lost)
        return
    yield _counts(table, raw, ages, None, erased_since.of(table))


@contextlib.contextmanager
def _erased(made: Ready, conf: Config) -> Iterator[tuple[Ready, tuple[int, Mapping[str, str]] | str | None]]:
    """The same without the rows of those who stand on the list of the erased by now, how many these are, and the
    answers of predicates (`KeptOut.answers`); None where the configuration at hand names no list, and why where nobody
    can tell which rows are theirs."""
    noted = kept_out.noted(made.table.spark, conf, made.plan)
    if noted is None:
        yield made, None
        return
    with kept_out.opened(conf, made.plan, noted) as found:
        why = erased_since.unfit(watched for watched, _ in found.columns)
        if why:
            yield made, why
            return
        rows, out = found.left(made.source.rows)
        yield dataclasses.replace(made, source=dataclasses.replace(made.source, rows=rows)), (out.rows, found.answers)


def _why_not(table: Standing) -> str | None:
    if table.last is None:
        return "the log has no run any more"
    return None


# -- rows -------------------------------------------------------------------------------------------------------------


def _rows(made: Ready, selection: Selection, sample: int, since: Since | None) -> Check:
    names = [name for name in made.table.rows.columns if _is_compared(made, name)]
    elsewhere = [name for name in made.table.rows.columns if _looks_elsewhere(made.plan, name)]
    without = "".join(f"; {shown(name)} is not: it looks for values of other tables" for name in elsewhere)
    boxed = boxes.cut(made.table)
    kept = [name for name in made.table.rows.columns if _is_in_vault(made.plan, name)]
    without += (
        f"; {', '.join(map(shown, kept))}: not, for their tokens stand in a vault, or keys of subjects in a table"
        if kept
        else ""
    )
    without += f"; {', '.join(map(shown, boxed))}: not, for their values are of boxes (mondrian)" if boxed else ""
    if not names:
        return Check("rows anew", "not checked", f"no column of it is made the same way each time{without}")
    unknown = _may_be_aside(made, elsewhere)
    aside = _waiting(made.table, may_lack=True) if unknown else 0
    anchor = next((name for name in names if _is_anchor(made.plan, name)), None)
    count, hides = made.table.rows.count(), made.entry.suppress is not None
    share = 1.0 if anchor is None or count <= sample else sample / count
    due, there = _due(made, selection, anchor, share, unknown), _there(made.table.rows, anchor, share)
    found = multisets.compared(due.select(*map(column, names)), there.select(*map(column, names)), names)
    if not found.rows and not found.whole.second and count:
        return Check("rows anew", "not checked", "no row of it is in the sample: ask for a larger one")
    faults = [] if not found.whole.second else [f"{found.whole.second} rows are not what the source gives"]
    missing = found.whole.first
    if missing > aside and not hides:
        but_for = f", and {aside} are in quarantine" if aside else ""
        faults.append(f"{missing} rows that the source gives are missing{but_for}")
    faults += _by_column(found, strict=not hides and not aside)
    without += (
        f"; which {many(aside, 'row')} {', '.join(map(shown, sorted(unknown)))} set aside is not known" if aside else ""
    )
    left = len(made.table.rows.columns) - len(names) - len(elsewhere) - len(boxed) - len(kept)
    rows = "rows" if hides else f"{found.rows} rows"  # beside the table's number it would say how many are kept out
    said = f"{rows} of the source, {many(len(names), 'column')}" + (f"; {left} not the same each time" if left else "")
    unversioned = "" if made.raw.is_same else "; the source as it is now"
    check = judged("rows anew", faults, said + without + unversioned)
    return _of_the_time(erased_since.judged(check, since, max(missing - aside, 0), found.whole.second), made.raw)


def _may_be_aside(made: Ready, elsewhere: Collection[str]) -> frozenset[str]:
    """The columns of which nobody knows any more which rows they set aside: they look for values of other tables, or
    are under keys of subjects, which are destroyed later, too."""
    if made.entry.quarantine is None:
        return frozenset()
    each = (leaf.path.root for leaf in made.plan.leaves
            if any(case.treatment.technique.by_subject_keys() for case in leaf.cases))  # fmt: skip
    return frozenset((*elsewhere, *each))


def _of_the_time(check: Check, raw: AsRead) -> Check:
    """The check; as one that was not made where the source may be another by now than the one that was treated."""
    if check.outcome != "fails" or raw.is_same:
        return check
    why = "the source has no versions, and as it is now it does not give this table: it may have changed since the run"
    return Check(check.name, NOT_CHECKABLE, raw.why or why)


def _by_column(found: multisets.Compared, strict: bool) -> Iterator[str]:
    for name, apart in found.columns.items():
        if apart.second or (strict and apart.first):
            missing = f", {apart.first} missing" if strict else ""
            yield f"{shown(name)}: {apart.second} values that are not due{missing}"


def _is_compared(made: Ready, name: str) -> bool:
    cases = [case for leaf in _leaves(made.plan, name) for case in leaf.cases]
    steady = all(case.treatment.technique.deterministic for case in cases) and not _is_in_vault(made.plan, name)
    kind = made.table.rows.schema[name].dataType
    is_boxed = str(ColumnPath((Field(name),))) in boxes.cut(made.table)
    comparable = steady and multisets.can_be_compared(kind) and not is_boxed
    return bool(cases) and comparable and not _looks_elsewhere(made.plan, name)


def _looks_elsewhere(plan: Plan, name: str) -> bool:
    """Whether a column's treatment takes lists of other tables' values, which only a run makes."""
    return any(known_elsewhere.of(case.treatment.technique) for leaf in _leaves(plan, name) for case in leaf.cases)


def _is_in_vault(plan: Plan, name: str) -> bool:
    """Whether a column's results, or some of a struct's, or the keys of these, stand in a table, to which only a run
    adds."""
    techniques = [case.treatment.technique for leaf in _leaves(plan, name) for case in leaf.cases]
    return any(technique.by_vault or technique.by_subject_keys() for technique in techniques)


def _leaves(plan: Plan, name: str) -> list[Decision]:
    return [leaf for leaf in plan.leaves if leaf.path.root == name]


def _is_anchor(plan: Plan, name: str) -> bool:
    """Whether a column's values tell rows apart well enough to choose among them."""
    leaves = _leaves(plan, name)
    if len(leaves) != 1 or leaves[0].path != ColumnPath((Field(name),)) or len(leaves[0].cases) != 1:
        return False
    technique = leaves[0].cases[0].treatment.technique
    return technique.scatters and technique.injective and technique.deterministic


def _due(
    made: Ready, selection: Selection, anchor: str | None, share: float, unknown: Collection[str] = ()
) -> DataFrame:
    """The rows of the sample, treated; without those that are refused where such are set aside. unknown: columns of
    which nobody knows which they refused."""
    rows = made.source.rows
    columns = dict(zip(_names(selection), selection.columns(), strict=True))
    if anchor is not None and share < 1:
        rows = rows.withColumn(ANCHOR, columns[anchor])
        rows = rows.where(multisets.in_sample(column(ANCHOR), share, _SEEDS))
    if made.entry.quarantine is not None:
        refusal = selection.refusal(MOST_ROWS, but_for=unknown)
        rows = rows if refusal is None else rows.where(refusal.isNull())
    return rows.select(*columns.values())


_SEEDS = multisets.Seeds()


def _names(selection: Selection) -> list[str]:
    return [field.name for field, _, _ in selection.trees()]


def _there(rows: DataFrame, anchor: str | None, share: float) -> DataFrame:
    if anchor is None or share == 1:
        return rows
    chosen: Column = multisets.in_sample(column(anchor), share, _SEEDS)
    return rows.where(chosen)


# -- counts -----------------------------------------------------------------------------------------------------------


def _counts(table: Standing, raw: AsRead, ages: bool, erased: int | None, since: Since | None) -> Check:
    """Rows of the source = rows of the target + those in quarantine + those kept out. ages: whether rows are left out
    that are past their time; of those in quarantine nobody knows which are. erased: rows of the source that are of
    those on the list; None where nobody asks for one. since: what erasures took out, where no list says whom."""
    assert table.entry is not None
    assert table.last is not None
    read_ = predicates.minimized(raw.rows, table.entry).rows
    by_partitions = table.mode == "partitions"
    source = None if table.entry.rows is not None or by_partitions else log_counts.of(raw.rows.rows)
    source, there = read_.count() if source is None else source, table.rows.count()
    source -= erased or 0
    aside = _waiting(table, may_lack=erased is not None)
    kept_out = table.last.run.get("suppressed")
    missing = source - there - aside
    said = f"{source} of the source, {there} here, {aside} in quarantine"
    fine = -aside <= missing <= 0 if ages else missing == 0
    told = table.entry.suppress is None and kept_out is None and not erased
    if not told:  # of what is kept out no number is told anew
        said = "rows add up" if kept_out is None else f"rows add up, but for {kept_out} kept out"
        said += ", without those of the erased" if erased else ""
        fine = _are_kept_out(missing, kept_out, of_people=table.entry.subject is not None)
    faults = [] if fine else [f"{said}: they do not add up" if told else "rows do not add up"]
    found = erased_since.judged(judged("counts", faults), since, missing)
    faults = list(found.faults)
    if by_partitions and not aside and told and found.outcome != "not checked":
        faults += _by_partition(table, read_)
    if table.mode in ("full", None) and not ages:
        faults += _by_metadata(table, source - aside, erased or 0, table.last.run.get("counts") or {})
    return _of_the_time(judged("counts", faults, said) if faults or found.outcome == "holds" else found, raw)


def _waiting(table: Standing, may_lack: bool) -> int:
    """Rows in quarantine that count. may_lack: whether there is a list of the erased, whose rows are taken out."""
    stands, entry = quarantined.of(table.state.history), table.entry
    if not may_lack or entry is None or entry.quarantine is None:
        return sum(stands.runs.values())
    return quarantine_table.standing(table.spark, Address.of(entry.quarantine), stands.table or entry.name, stands.runs)


def _by_partition(table: Standing, source: DataFrame) -> Iterator[str]:
    """Of each partition as many rows have to be there as the source has of it."""
    fields = as_read.partition_fields(table)
    signed = [
        rows.select(*as_read.partition_columns(fields), F.lit(sign).alias(SIGN))
        for rows, sign in ((source, 1), (table.rows, -1))
    ]
    each = signed[0].unionAll(signed[1]).groupBy(*(column(field.name) for field in fields)).agg(F.sum(SIGN).alias(SIGN))
    wrong, all_ = each.agg(F.count_if(F.col(SIGN) != 0), F.count("*")).collect()[0]
    if wrong:
        yield f"rows do not add up in {wrong} of {all_} partitions"


def _are_kept_out(missing: int, said: int | str | None, of_people: bool) -> bool:
    """Whether so many rows may be missing as a run said that it kept out. of_people: who may have more rows each."""
    if missing < 0 or said is None:
        return missing == 0
    if isinstance(said, int):
        return missing == said
    return of_people or missing < SMALL


def _by_metadata(table: Standing, rows: int, erased: int, counts: Mapping[str, list[int]]) -> Iterator[str]:
    """Of each column that is no part of another as many values were counted as there were rows. erased: rows of the
    source that are of those on the list by now; some of them the run may have had yet."""
    for path, numbers in counts.items():
        plain = all(isinstance(step, Field) for step in ColumnPath.parse(path).steps)
        if plain and not rows <= sum(numbers) <= rows + erased:
            hides = table.entry is not None and table.entry.suppress is not None
            yield f"{shown(path)}: the run counted {'others' if hides else f'{sum(numbers)} values of {rows} rows'}"
