"""What single entries cannot tell: columns against each other, tables against policy, tables against tables."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from jobs.configuration import json_columns, locations, reader_options, same_names, subject_steps
from jobs.configuration.column_path import ColumnPath, ColumnPathError, Field, When
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean
from jobs.configuration.locations import Location
from jobs.configuration.models import ColumnDecision, ColumnEntry, ColumnRule, Policy, TableEntry, Treatment
from jobs.configuration.treatments import DraftCase
from privacy_udfs.techniques._replacements import REDACT


class DraftColumn(NamedTuple):
    """One column of a catalog file, or one case of it. loc: where it stands. rule: None where it is at fault."""

    path: ColumnPath
    loc: Loc
    rule: ColumnRule | None


def draft_columns(
    document: Document, path: ColumnPath, loc: Loc, entry: ColumnEntry | None, decided: Sequence[DraftCase]
) -> Iterator[DraftColumn]:
    """A column with its rule, or each of its cases with its own; where they are at fault, without."""
    for at, (rows, here, treatment) in enumerate(decided, 1):
        place = path if rows is None else path.child(When(at))
        rule = None
        if entry is not None and treatment is not None:
            line = document.line(here)
            stated = (entry.review_by, entry.retention, rows, entry.kind, entry.statistics, entry.evidence_overruled)
            rule = ColumnRule(entry.class_, treatment, entry.why, line, *stated)
        yield DraftColumn(place, here, rule)


@dataclasses.dataclass(frozen=True)
class Draft:
    """A catalog file read as far as its faults let it.

    entry: None where something beside the columns is at fault. columns: by their paths' normal form. subject: None
    too where it cannot be read.
    """

    document: Document
    entry: TableEntry | None
    subject: ColumnPath | None
    columns: Mapping[str, DraftColumn]

    def rules(self) -> Iterator[tuple[DraftColumn, ColumnRule]]:
        """The columns that are sound."""
        return ((column, column.rule) for column in self.columns.values() if column.rule is not None)

    def decisions(self) -> dict[str, ColumnDecision]:
        """What is decided about each column, as far as it is sound."""
        found: dict[ColumnPath, list[ColumnRule]] = {}
        for column, rule in self.rules():
            found.setdefault(column.path.leaf, []).append(rule)
        return {str(path): ColumnDecision(path, tuple(rules)) for path, rules in found.items()}

    def leaves(self) -> dict[str, DraftColumn]:
        """By the path of the column; of one that is treated by cases its first."""
        return {str(column.path.leaf): column for column in reversed(list(self.columns.values()))}


def check(drafts: Sequence[Draft], policy: Policy | None) -> Iterator[Fault]:
    """Every fault of readable tables, one by one and among each other. policy: None if it could not be read."""
    for draft in drafts:
        for check_table in _OF_ONE_TABLE:
            yield from check_table(draft)
        if policy is not None:
            yield from _policy(draft, policy)
    yield from _targets(drafts)
    yield from _labels(drafts)


def _table_name(draft: Draft) -> Iterator[Fault]:
    name = draft.document.data.get("table")
    stem = draft.document.file.rpartition("/")[2].removesuffix(".yaml")
    if isinstance(name, str) and name != stem:
        got = draft.document.show(("table",))
        yield draft.document.fault(("table",), f"expected {stem!r} as the file is called, got {got}")


def _nested(draft: Draft) -> Iterator[Fault]:
    for column in draft.columns.values():
        above = column.path
        while len(above.steps) > 1:
            above = above.parent
            if above.is_in_json:
                continue  # there a shorter path holds for what longer ones leave
            by_cases = None if above == column.path.leaf else draft.columns.get(str(above.child(When(1))))
            outer = draft.columns.get(str(above)) or by_cases
            if outer is not None:
                line = draft.document.line(outer.loc)
                yield draft.document.fault(
                    column.loc, f"{above} is decided as a whole on line {line}: decide one of the two"
                )
                break


def _case(draft: Draft) -> Iterator[Fault]:
    spelt: dict[str, str] = {}
    for text, column in draft.columns.items():
        part = column.path.column  # names in JSON text differ in case too
        while part.steps:
            this = text if part is column.path else str(part)
            first = next((spelt[form] for form in same_names.forms(this) if form in spelt), this)
            spelt.update(dict.fromkeys(same_names.forms(this), first))
            if first != this:
                message = f"{this} and {first} differ in case only, which Spark does not tell apart"
                yield draft.document.fault(column.loc, message)
                break
            part = part.parent


def _json_columns(draft: Draft) -> Iterator[Fault]:
    found = {column.path: column for column in draft.columns.values()}
    for path, message in json_columns.faults({column.path: rule for column, rule in draft.rules()}):
        yield draft.document.fault(found[path].loc, message)


def _subject(draft: Draft) -> Iterator[Fault]:
    subject, here, leaves = draft.subject, ("subject",), draft.leaves()
    if subject is not None and str(subject) not in leaves:
        hint = did_you_mean(subject, leaves)
        yield draft.document.fault(here, f"expected one of the columns, got {draft.document.show(here)}{hint}")
    if subject is not None and not all(isinstance(step, Field) for step in subject.steps):
        into = "JSON text" if subject.is_in_json else "an array or map"
        yield draft.document.fault(here, f"expected one value per row, got a path into {into}")
    if draft.document.data.get("subject") is None:
        for column, rule in draft.rules():
            technique = rule.treatment.technique
            if technique.needs_subject:
                message = f"{technique.technique} needs the table to name a 'subject'"
                yield draft.document.fault((*column.loc, "treatment"), message)


def _known(draft: Draft) -> Iterator[Fault]:
    """Columns whose values are looked for in texts have one value for each row, and one pseudonym everywhere."""
    leaves, cases = draft.leaves(), list(draft.rules())
    for column, rule in cases:
        for name in rule.treatment.technique.beside():
            if name == getattr(rule.treatment.technique, "period_of", None):
                continue  # told by scope_checks
            loc = (*column.loc, "treatment", "known", name)
            if name not in leaves:
                yield draft.document.fault(
                    loc, f"expected one of the columns as it stands here{did_you_mean(name, leaves)}"
                )
            elif not all(isinstance(step, Field) for step in leaves[name].path.leaf.steps):
                yield draft.document.fault(
                    loc, "expected one value per row, got a path into an array, a map or JSON text"
                )
            elif name == str(column.path.leaf):
                yield draft.document.fault(loc, "is the text itself")
            else:
                own = {other.treatment.domain for each, other in cases if str(each.path.leaf) == name}
                yield from _other_domain(draft, loc, own - {None})


def _other_domain(draft: Draft, loc: Loc, own: set[str | None]) -> Iterator[Fault]:
    named = draft.document.at(loc)
    if named != REDACT and own - {named}:
        listed = ", ".join(sorted(map(str, own)))
        yield draft.document.fault(loc, f"the column itself is of the domain {listed}: name the same, or '{REDACT}'")


def _subject_steps(draft: Draft) -> Iterator[Fault]:
    if draft.subject is None:
        return
    rules = [(column.path, rule) for column, rule in draft.rules()]
    for path, message in subject_steps.contradictions(draft.subject, rules).items():
        loc = ("subject",) if path == draft.subject else (*draft.columns[str(path)].loc, "treatment")
        yield draft.document.fault(loc, message)


def _layout(draft: Draft) -> Iterator[Fault]:
    if draft.entry is None:
        return
    leaves = draft.leaves()
    for key in ("partition_by", "cluster_by"):
        for at, name in enumerate(getattr(draft.entry.target, key)):
            loc = ("target", key, at)
            got = draft.document.show(loc)
            path = _named(name, leaves, nested=key == "cluster_by")
            rule = leaves[path].rule if path is not None else None
            if path is None:
                hint = did_you_mean(name, leaves)
                yield draft.document.fault(loc, f"expected one of the columns, got {got}{hint}")
            elif rule is not None and rule.treatment.technique.drops_column:
                yield draft.document.fault(loc, f"{got} is dropped on line {rule.line}")


def _key(draft: Draft) -> Iterator[Fault]:
    """What tells rows apart must still do so when it is treated."""
    if draft.entry is None:
        return
    cases: dict[str, list[ColumnRule]] = {}
    for column, rule in draft.rules():
        cases.setdefault(str(column.path.leaf), []).append(rule)
    leaves = draft.leaves()
    for at, name in enumerate(draft.entry.target.key):
        loc, path = ("target", "key", at), _named(name, leaves, nested=False)
        if path is None:
            got, hint = draft.document.show(loc), did_you_mean(name, leaves)
            yield draft.document.fault(loc, f"expected one of the columns, got {got}{hint}")
        elif path in cases and (fault := _key_fault(cases[path])) is not None:
            yield draft.document.fault(loc, f"{draft.document.show(loc)} {fault}: {_KEYS}")


_KEYS = "a key is kept, or gets a pseudonym that is the same for equal values and another for others (keyed_hash, say)"


def _key_fault(cases: Sequence[ColumnRule]) -> str | None:
    """Why a column cannot tell treated rows apart; None where it can."""
    technique = cases[0].treatment.technique
    if len(cases) > 1:
        return "is treated by cases"
    if not (technique.injective and technique.deterministic) or technique.needs_subject:
        return f"is treated by {technique.technique} on line {cases[0].line}, after which rows cannot be told apart"
    if technique.beside():
        return f"depends by its treatment on line {cases[0].line} on another column, which may change"
    if technique.nulls_values():
        return f"may become null by its treatment on line {cases[0].line} (on_refused or empty)"
    return None


def _named(name: str, decided: Iterable[str], nested: bool) -> str | None:
    """The path that a column's name, or a path where it may be one, stands for."""
    candidates = [str(Field(name))]
    if nested:
        with contextlib.suppress(ColumnPathError):
            candidates.append(str(ColumnPath.parse(name)))
    return next((path for path in candidates if path in decided), None)


def _own_source(draft: Draft) -> Iterator[Fault]:
    if draft.entry is not None and locations.overlap(
        locations.of(draft.entry.source), locations.of(draft.entry.target)
    ):
        yield draft.document.fault(("target",), "is the table's own source, or one lies in the other: write elsewhere")


def _reader_options(draft: Draft) -> Iterator[Fault]:
    source = draft.document.data.get("source")
    options = source.get("options") if isinstance(source, dict) else None
    if not isinstance(source, dict) or not isinstance(options, dict):
        return
    kind = source.get("format", reader_options.TABLE)
    if kind in reader_options.TAKEN and ("table" in source) == (kind == reader_options.TABLE):
        texts = {name: value for name, value in options.items() if isinstance(value, str)}
        for name, message in reader_options.faults(kind, texts):
            yield draft.document.fault(("source", "options", name), message)


_OF_ONE_TABLE: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    _table_name,
    _nested,
    _case,
    _json_columns,
    _subject,
    _subject_steps,
    _known,
    _layout,
    _key,
    _own_source,
    _reader_options,
)


def _policy(draft: Draft, policy: Policy) -> Iterator[Fault]:
    for column, rule in draft.rules():
        name, allowed = rule.treatment.technique.technique, policy.allows(rule.class_)
        if name not in allowed:
            listed = f"it allows {', '.join(allowed) or 'nothing'}"
            message = f"policy.yaml does not allow {name} for class {rule.class_}; {listed}"
            yield draft.document.fault((*column.loc, "treatment"), message)


def _targets(drafts: Sequence[Draft]) -> Iterator[Fault]:
    taken: dict[Location, Draft] = {}
    sound = [draft for draft in drafts if draft.entry is not None]
    for draft in sound:
        first = taken.setdefault(_target(draft), draft)
        if first is not draft:
            yield draft.document.fault(("target",), f"is also the target of {_named_line(first)}")
    for draft in sound:
        for outer in list(locations.ancestors(_target(draft)))[1:]:
            if outer in taken:
                yield draft.document.fault(("target",), f"lies in the target of {_named_line(taken[outer])}")


def _target(draft: Draft) -> Location:
    assert draft.entry is not None
    return locations.of(draft.entry.target)


def _named_line(draft: Draft) -> str:
    return f"{draft.document.file}:{draft.document.line(('target',))}"


def _labels(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """A domain must be one treatment wherever it is named, or what should join would not."""
    first: dict[tuple[str, str], tuple[Draft, ColumnRule]] = {}
    for draft in drafts:
        for column, rule in draft.rules():
            domain, technique = rule.treatment.domain, rule.treatment.technique.technique
            if domain is None:
                continue
            other, other_rule = first.setdefault((domain, technique), (draft, rule))
            if other_rule is not rule and _joinable(other_rule.treatment) != _joinable(rule.treatment):
                where = f"{other.document.file}:{other_rule.line}"
                message = f"another {technique} than the one that {where} names so: nothing would join"
                yield draft.document.fault((*column.loc, "treatment", "domain"), message)


def _joinable(treatment: Treatment) -> Treatment:
    """What decides about equal pseudonyms: all but what a refused value gets."""
    decides_nothing = {"on_refused": "stop"}
    if getattr(treatment.technique, "period_of", None) is not None:
        decides_nothing["period_of"] = "the column of the same row"
    return dataclasses.replace(treatment, technique=treatment.technique.model_copy(update=decides_nothing))
