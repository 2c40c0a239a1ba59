"""Those who are asked for, taken out of one Delta table: what would be done, the commit, what is left afterwards."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.uris import without_user
from jobs.console.exit_codes import Refused
from jobs.console.shown import shown
from jobs.erasure import outcome, remaining, sought, stale
from jobs.erasure.looked_before import Looked
from jobs.erasure.outcome import TableErased
from jobs.erasure.sought import Sought
from jobs.erasure.stale import Found, Unread
from jobs.lake import (
    delta_commit,
    file_places,
    history,
    log_commits,
    log_left,
    row_deletion,
    shapes,
    table_files,
    within_rows,
)
from jobs.lake.address import Address
from jobs.lake.delta_commit import Transaction, take_out
from jobs.lake.log_left import Left
from jobs.lake.problems import CommitConflict
from jobs.lake.remains import Remains
from jobs.lake.session_settings import held
from jobs.record.record_reader import Columns, columns_of
from jobs.risk_measures.report import count as few
from jobs.spark_app import session
from jobs.table_run import file_settings
from jobs.treatment import predicates

ATTEMPTS, PAUSE = 10, 0.3
FEED, ONLY_APPENDS, ROW_IDS = "delta.enableChangeDataFeed", "delta.appendOnly", "delta.enableRowTracking"
CONSTRAINTS = "delta.constraints."


@dataclasses.dataclass(frozen=True)
class Place:
    """A table, and how they are called in it. name: as the outcome has it. of_periods: whether they may be called
    otherwise in rows that older versions alone hold. of_tokens: whether a vault, whose rows go, told how they are
    called: what was written before the table's newest erasure is found by no later run. columns: of the record by which
    it was found how they are called; None where that is by none. keys: columns by which runs that follow changes tell
    its rows apart. mixed: whether rows of others go with theirs, whole. closed: why nobody can look into a value.
    asked: of a source, predicates of its tables (`places.asked_of`), by the name of the table. looked: which tables an
    earlier erasure of the same subjects looked at; None where nobody can say."""

    name: str
    address: Address
    sought: tuple[Sought, ...]
    of_periods: bool = False
    of_tokens: bool = False
    columns: Columns | None = None
    keys: tuple[str, ...] = ()
    mixed: bool = False
    closed: str = remaining.CLOSED
    looked: Looked | None = None
    asked: tuple[tuple[str, str], ...] = ()

    @property
    def why_closed(self) -> str:
        texts = {str(each.path.column): None for each in self.sought if each.path.is_in_json}
        return self.closed.format(", ".join(map(shown, texts))) if texts else self.closed


@dataclasses.dataclass(frozen=True)
class Stands:
    """What of them is in a version. counts: place of a file -> rows that go, elements of others that go. found: what
    is in other files. unread: values in which nobody can look, of rows that stay. ids: numbers of those who were found;
    None where nobody can say."""

    begun: Transaction
    counts: Mapping[str, tuple[int, int]]
    found: Found
    unread: int = 0
    ids: frozenset[int] | None = frozenset()

    @property
    def all_ids(self) -> frozenset[int] | None:
        """In older versions too."""
        return outcome.both(self.ids, self.found.ids)

    @property
    def rewritten(self) -> frozenset[str]:
        return frozenset(self.counts) | self.found.hiding

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.counts.values())

    @property
    def elements(self) -> int:
        return sum(elements for _, elements in self.counts.values())


def refusals(spark: SparkSession, place: Place) -> list[str]:
    """Why they cannot be taken out of a table; empty where they can."""
    begun = _begun(spark, place)
    if begun is None or begun.version < 0:
        return [f"{place.name}: it is no Delta table within reach of Delta's own transaction"]
    properties, found = delta_commit.comment_and_properties(begun)[1], list[str]()
    for name, why in ((ONLY_APPENDS, "its rows must stay"), (ROW_IDS, "its rows would get other ids")):
        if str(properties.get(name, "")).lower() == "true":
            found.append(f"{place.name}: {name} is true, so {why}: set it to false first")
    folders = set(delta_commit.partition_columns(begun))
    schema = T.StructType.fromJson(dict(delta_commit.schema(begun)))
    rules = [str(rule) for name, rule in properties.items() if name.startswith(CONSTRAINTS)]
    checked = _checked(spark, schema, rules) if rules else frozenset()
    for each in place.sought:
        if each.path.root in folders:
            told = "names of folders and the whole log hold its values"
            found.append(f"{place.name}: it is partitioned by {each.path}, so {told}: write it anew without, first")
        if (
            each.is_of_others
            and not each.has_list
            and (within_rows.is_required(schema, each.path) or each.path.root.lower() in checked)
        ):
            told = "rows of others stay and may name them there, and it may not be null: allow that, first"
            found.append(f"{place.name}: {each.path}: {told}")
        if each.is_nested and each.path.root in place.keys:
            told = "rows of others stay and may name them there, and a target's key tells rows apart by it"
            found.append(f"{place.name}: {each.path}: {told}: take it out of 'key', and run the table once in full")
    return [*found, *_asked(spark, place, schema)]


def _asked(spark: SparkSession, place: Place, schema: T.StructType) -> Iterator[str]:
    """Values whose row stays, and that predicates of tables ask, or other columns are treated by: without them the next
    run would take the row for another one, and leave it out, or treat it otherwise."""
    parts = [each for each in place.sought if each.is_nested]
    for table, rule in place.asked if parts else ():
        names = _checked(spark, schema, [rule])
        for each in parts:
            if each.path.root.lower() in names:
                told = (
                    f"rows of others stay and may name them there, and a predicate of {table} asks it, or another "
                    "column is treated by it (known, period_of)"
                )
                yield (
                    f"{place.name}: {each.path}: {told}, so that these rows would be treated otherwise once they are "
                    "out: let it go by another column first, or leave the source as it is (without --sources)"
                )


def _checked(spark: SparkSession, schema: T.StructType, rules: Sequence[str]) -> frozenset[str]:
    """The columns that constraints name, in small letters: null would keep none. All, where one is no plain
    expression."""
    rows, found = shapes.without_rows(spark, schema), set[str]()
    for rule in rules:
        try:
            understood = predicates.condition(rows, rule)
        except PySparkException:
            understood = None
        found.update(schema.names if understood is None else predicates.named(understood))
    return frozenset(map(str.lower, found))


def plan(spark: SparkSession, place: Place, forced: bool) -> TableErased:
    """What `erase` would do, and what would be left. Nothing is written."""
    own = session.for_run(spark)
    begun = _there(own, place)
    until, kept = _otherwise_until(own, begun, place), delta_commit.kept(begun)
    stands = _looked(own, begun, place, until)
    left = log_left.left(own, begun.location, begun.version + 1 if stands.rewritten else None)
    if not stands.rewritten and _wants_mark(own, begun, place, stands.found, left):
        left = log_left.left(own, begun.location, begun.version + 1)
    feeds = bool(stands.counts) and _has_feed(begun)
    told = remaining.foreseen(stands.found, left, kept, len(stands.rewritten), feeds, forced)
    told = (*told, *remaining.unread(stands.unread, place.why_closed))
    version, files = begun.version, len(stands.rewritten)
    counts = stands.rows, stands.elements, files
    return TableErased(place.name, begun.location, version, version, *counts, told, stands.all_ids)


def erase(
    spark: SparkSession, place: Place, run_id: str, forced: bool, at_last: Callable[[], None] | None = None
) -> TableErased:
    """Take them out, and purge what may go by now. forced: whatever the table's retention says. Raises
    `CommitConflict` where others are faster again and again."""
    own = session.for_run(spark)
    begun = _there(own, place)
    first, rows, elements, files = begun.version, 0, 0, 0
    who: frozenset[int] | None = frozenset()
    for attempt in range(ATTEMPTS):
        until = _otherwise_until(own, begun, place)
        stands = _looked(own, begun, place, until)
        who = outcome.both(who, stands.all_ids)
        if not stands.rewritten:
            break
        made = _committed(own, dataclasses.replace(begun, at_last=at_last), place, stands, run_id)
        looked_at, begun = begun.version, _there(own, place)
        if made is None:
            time.sleep(PAUSE * (attempt + 1) * (1 + uuid.uuid4().int % 100 / 100))
            continue
        rows, elements, files = rows + stands.rows, elements + stands.elements, files + len(stands.rewritten)
        if begun.version == made.version == looked_at + 1:  # nobody came in between: all that is there was looked at
            stands = Stands(begun, {}, _in_files(own, begun, place, until), stands.unread)
            break
    else:
        raise CommitConflict(
            f"others changed {place.name} each of {ATTEMPTS} times that this job tried to: run it again when they rest"
        )
    after, told = _purged(own, place, stands, run_id, forced)
    is_changed = files > 0 or after != stands.begun.version
    after = after if is_changed else first
    return TableErased(place.name, begun.location, first, after, rows, elements, files, told, who)


def passed_over(spark: SparkSession, place: Place) -> list[ColumnPath]:
    """The columns that are to be looked into and that the table has not."""
    begun = _begun(spark, place)
    if begun is None or begun.version < 0:
        return []
    schema = T.StructType.fromJson(dict(delta_commit.schema(begun)))
    return [each.path for each in place.sought if within_rows.kind_of(schema, each.path) is None]


def version(spark: SparkSession, place: Place) -> int:
    """That the table has now; -1 where it is not there any more."""
    begun = _begun(session.for_run(spark), place)
    return -1 if begun is None else begun.version


# -- looking ----------------------------------------------------------------------------------------------------------


def _begun(spark: SparkSession, place: Place) -> Transaction | None:
    return delta_commit.begin(spark, place.address.path, place.address.sql)


def _there(spark: SparkSession, place: Place) -> Transaction:
    begun = _begun(spark, place)
    if begun is None or begun.version < 0:
        raise Refused(f"{place.name} is not there any more, or out of reach of Delta's own transaction")
    if place.columns is not None and columns_of(delta_commit.comment_and_properties(begun)[1]) != place.columns:
        raise CommitConflict(f"the record of {place.name} changed since this job looked at it: run it again")
    return begun


def _looked(spark: SparkSession, begun: Transaction, place: Place, until: Unread) -> Stands:
    rows = Address(path=begun.location).read(spark, {"versionAsOf": str(begun.version)})
    wanted = _of_version(rows.schema, place.sought)
    told = sought.counted(rows, wanted).collect() if wanted else []
    counts = {file_places.of_row(row[sought.PLACE]): (int(row[sought.ROWS]), int(row[sought.ELEMENTS])) for row in told}
    holding = {file: numbers for file, numbers in counts.items() if any(numbers)}
    unread = sum(int(row[sought.UNREAD]) for row in told)
    elsewhere = stale.found(begun, wanted, delta_commit.kept(begun), until)
    return Stands(begun, holding, elsewhere, unread, sought.numbers_of(wanted, told))


def _in_files(spark: SparkSession, begun: Transaction, place: Place, until: Unread) -> Found:
    schema = Address(path=begun.location).read(spark, {"versionAsOf": str(begun.version)}).schema
    return stale.found(begun, _of_version(schema, place.sought), delta_commit.kept(begun), until)


def _of_version(schema: T.StructType, wanted: Sequence[Sought]) -> list[Sought]:
    return [each for each in wanted if within_rows.kind_of(schema, each.path) is not None]


def _otherwise_until(spark: SparkSession, begun: Transaction, place: Place) -> Unread:
    """When the record of the table became the one that it has, and its columns those: under others they were called
    otherwise, or elsewhere. Of what was before the log begins nobody can say. By tokens nobody is found who has no row
    in the vault any more: into what was part of the table after its newest erasure that one looked, while they had."""
    if place.of_periods:
        return Unread(table_files.now())
    address, record, changed, erased = Address(path=begun.location), None, -1, -1
    for commit in history.of(spark, address, begun.location, begun.version).commits:
        if commit.record is not None:
            changed = commit.version if record is not None and commit.record != record else changed
            record = commit.record
        if commit.run.get("mode") == log_commits.ERASURE and commit.operation == "DELETE":
            erased = commit.version
    if place.of_tokens and erased < 0:
        return Unread(table_files.now())
    return stale.unread(spark, begun.location, changed, erased if place.of_tokens else -1)


def _has_feed(begun: Transaction) -> bool:
    return str(delta_commit.comment_and_properties(begun)[1].get(FEED, "")).lower() == "true"


# -- the commit -------------------------------------------------------------------------------------------------------


def _committed(
    spark: SparkSession, begun: Transaction, place: Place, stands: Stands, run_id: str
) -> take_out.Taken | None:
    """None where others were faster."""
    told = {file_places.of_log(begun.location, str(each["path"])): each for each in take_out.files_of(begun)}
    removed = [told[each] for each in sorted(stands.rewritten)]
    rows = delta_commit.rows_of_files(spark, begun.log, begun.txn.snapshot(), removed)
    stays = sought.without(rows, _of_version(rows.schema, place.sought), _has_feed(begun))
    try:
        with held(spark, _settings(begun)):
            return take_out.take_out(begun, removed, stays, _said(run_id, stands.elements), stands.rows)
    except (delta_commit.Changed, PySparkException, Py4JError) as error:
        if not row_deletion.is_conflict(error):
            raise
        return None


def _said(run_id: str, elements: int = 0) -> str:
    """Rows and files Delta's history counts; elements are told here, by which a run that was killed is told of."""
    told = {"elements": few(elements)} if elements else {}
    return json.dumps({"run_id": f"{run_id}/{uuid.uuid4()}", "mode": log_commits.ERASURE, **told})


def _settings(begun: Transaction) -> Mapping[str, str]:
    schema = T.StructType.fromJson(dict(delta_commit.schema(begun)))
    return file_settings.by_record(schema, delta_commit.comment_and_properties(begun)[1])


# -- what is left -----------------------------------------------------------------------------------------------------


def _purged(
    spark: SparkSession, place: Place, stands: Stands, run_id: str, forced: bool
) -> tuple[int, tuple[Remains, ...]]:
    """The version by then, and what is left."""
    begun = stands.begun
    left = log_left.left(spark, begun.location)
    if _wants_mark(spark, begun, place, stands.found, left):
        begun = _marked(spark, place, run_id)
        left = log_left.left(spark, begun.location)
    kept = delta_commit.kept(begun)
    still = stale.purged(spark, stands.found, forced)
    if left.erased is not None and left.files:
        if not stands.found.folders:  # else one of later, which says less, does better
            take_out.checkpointed(spark, begun.location, left.erased)
        if log_left.purged(spark, begun.location, left, kept, forced):
            left = log_left.left(spark, begun.location)
            again, known = _after_the_log(spark, place, forced), {each.place for each in still.files}
            files = (each for each in again.files if each.is_read or each.place in known)
            still = dataclasses.replace(again, files=tuple(files))  # the others were looked into, and hold nobody
    return begun.version, (*remaining.of(still, left, kept), *remaining.unread(stands.unread, place.why_closed))


def _after_the_log(spark: SparkSession, place: Place, forced: bool) -> Found:
    """What is left below the folder once the log begins later: files from before count as unread from now on, so those
    that may go by now do, else a later run would find them and begin anew."""
    begun = _there(spark, place)
    return stale.purged(spark, _in_files(spark, begun, place, _otherwise_until(spark, begun, place)), forced)


def _marked(spark: SparkSession, place: Place, run_id: str) -> Transaction:
    """The table with a commit that says that they are out of it, though it had to take none out."""
    row_deletion.tried(place.address, lambda: take_out.mark_only(_there(spark, place), _said(run_id)))
    return _there(spark, place)


def _wants_mark(spark: SparkSession, begun: Transaction, place: Place, found: Found, left: Left) -> bool:
    """Whether the log may say values of theirs from after the newest commit that says that they are out: of files that
    hold them, or are gone, so that nobody looked into them, or in the rules of others. Not of the latter where an
    erasure of the same subjects was there before: it marked them."""
    if _is_newer(found, left) or _tells_folders(begun, found, left):
        return True
    if left.erased is not None and (place.looked is None or left.erased >= begun.version):
        return False
    if place.looked is not None and (place.name, without_user(begun.location)) in place.looked:
        return False
    return log_left.says_more(spark, begun.location, -1 if left.erased is None else left.erased, found.there)


def _tells_folders(begun: Transaction, found: Found, left: Left) -> bool:
    """Whether a checkpoint that stays says names of folders that the table has out of mind by now."""
    return left.erased is not None and not found.folders and log_left.says_folders(begun, left.erased)


def _is_newer(found: Found, left: Left) -> bool:
    """Whether files that hold them, or may, were part of the table after the newest commit that says that they are
    out: then the log has what it has of them from after it, too."""
    times = [each.since for each in found.files if each.is_named]
    return bool(times) and (left.erased is None or max(times) > left.since)
