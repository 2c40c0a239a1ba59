"""The plan: what happens to every leaf column of one table, decided before any row is read.

`build` is a pure function of configuration, source schema and the key ids in force; it needs no JVM and reads no data.
It either decides every leaf or raises `PlanError` with all that is wrong at once.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import ClassVar

from pyspark.errors import PySparkException
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type

from jobs.configuration import same_names
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.documents import nearest
from jobs.configuration.json_columns import by_column as paths_into_json
from jobs.configuration.models import ColumnRule, TableConfig, Treatment
from jobs.console.numbers import many
from jobs.lake.bare_types import innermost
from jobs.treatment import cures, json_columns, layout
from privacy_udfs.errors import REFUSED, LakenymError, TypeRefused
from privacy_udfs.technique import plain_type
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques._replacements import Replacement, known_misfit

NOT_STORED = (T.NullType, T.DayTimeIntervalType, T.YearMonthIntervalType, T.CalendarIntervalType)

Shown = Callable[[ColumnPath], str]
"""How a path is told."""


class PlanError(LakenymError):
    """The catalog and the table do not fit: every misfit at once. Nothing was read or written."""

    exit_code: ClassVar[int] = REFUSED

    def __init__(self, table: str, faults: list[str]) -> None:
        self.table = table
        self.faults = tuple(faults)
        needed = f"{many(len(faults), 'column')} {'needs' if len(faults) == 1 else 'need'} a decision"
        super().__init__("\n".join([f"{table}: {needed}", *(f"  {fault}" for fault in faults)]))


@dataclasses.dataclass(frozen=True)
class Case:
    """What is done to a column: in all rows, or in those of one case of its ``when``.

    path: what it is called in records and messages: the column itself, or ``a{when 2}``.
    domain: the label that separates sub-keys: the domain's name, or the column's own.
    parts: of texts, the domains whose pseudonyms stand within, each as if it were done to a column.
    """

    path: ColumnPath
    rule: ColumnRule
    domain: str | None
    key_id: int | None
    parts: tuple[Case, ...] = ()

    @property
    def each(self) -> tuple[Case, ...]:
        """Itself and its parts: all that may have a key."""
        return (self, *self.parts)

    @property
    def treatment(self) -> Treatment:
        return self.rule.treatment

    @property
    def name(self) -> str:
        return self.treatment.technique.technique

    @property
    def gives_null(self) -> bool:
        return self.treatment.technique.gives_null()


@dataclasses.dataclass(frozen=True)
class Decision:
    """One leaf column: from which type to which type, and by which cases; one, if all its rows are treated alike.

    output: None where it is dropped. All cases give the same.
    """

    path: ColumnPath
    input: T.DataType
    output: T.DataType | None
    cases: tuple[Case, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What happens to all leaf columns of a table, in the order of its schema."""

    config: TableConfig
    schema: T.StructType
    leaves: tuple[Decision, ...]

    @property
    def table(self) -> str:
        return self.config.name

    @property
    def cases(self) -> tuple[Case, ...]:
        """Those of all leaf columns."""
        return tuple(case for leaf in self.leaves for case in leaf.cases)

    @property
    def keyed(self) -> tuple[Case, ...]:
        """All that may have a key: the cases, and of texts the domains within."""
        return tuple(each for case in self.cases for each in case.each)

    @property
    def folders(self) -> tuple[Decision, ...]:
        """The columns by whose values the folders of the target are called."""
        outputs = {str(leaf.path): leaf.output for leaf in self.leaves}
        named = {layout.path_of(name, outputs) for name in self.config.target.partition_by}
        return tuple(leaf for leaf in self.leaves if str(leaf.path) in named)

    @functools.cached_property
    def by_path(self) -> Mapping[ColumnPath, Decision]:
        return {leaf.path: leaf for leaf in self.leaves}


def build(config: TableConfig, schema: T.StructType, key_ids: Mapping[str, int], names_from_data: bool = False) -> Plan:
    """Decide every leaf of ``schema``. key_ids: key name -> id of its primary version.

    names_from_data: the names may be values, so that of those that the catalog does not name the place is told.
    """
    shown = _places(config, schema) if names_from_data else str
    faults = list(_names(ColumnPath(()), schema, shown))
    found = dict(_leaves(ColumnPath(()), schema, config.columns))
    leaves = dict(json_columns.expanded(found, paths_into_json(map(ColumnPath.parse, config.decisions))))
    decided = {path: config.decisions[str(path)].named if str(path) in config.decisions else {} for path in leaves}
    faults += [_undecided(path, leaves[path], config, shown) for path in leaves if not decided[path]]
    paths = {str(path): None for leaf, rules in decided.items() for path in (leaf, *rules)}
    known = [] if names_from_data else list(paths)
    faults += [_not_there(path, known, config) for path in config.columns if path not in paths]
    made = [_decision(config, leaf, leaves[leaf], rules, key_ids, faults) for leaf, rules in decided.items() if rules]
    decisions = tuple(decision for decision in made if decision is not None)
    faults += _subject_faults(config, schema)
    faults += _known_faults(decisions)
    faults += _period_faults(decisions)
    if decisions and not faults and all(decision.output is None for decision in decisions):
        faults.append("every column is dropped, and a table needs one: keep or treat one of them")
    faults += layout.faults(config.target, {str(decision.path): decision.output for decision in decisions})
    if faults:
        raise PlanError(config.name, faults)
    return Plan(config, schema, decisions)


def _leaves(
    path: ColumnPath, given: T.DataType, rules: Mapping[str, ColumnRule]
) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """The leaf columns under ``path``; a whole subtree that is dropped or nulled counts as one."""
    rule = rules.get(str(path)) if path.steps else None
    nested = isinstance(given, (T.StructType, T.ArrayType, T.MapType)) and given != T.StructType([])
    if not nested or (rule is not None and rule.treatment.technique.whole_subtree):
        yield path, given
    else:
        for part, of_part in _parts(path, given):
            yield from _leaves(part, of_part, rules)


def _parts(path: ColumnPath, given: T.DataType) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """The fields of a struct, the elements of an array, the keys and values of a map; nothing of any other type."""
    if isinstance(given, T.StructType):
        yield from ((path.child(Field(field.name)), field.dataType) for field in given.fields)
    elif isinstance(given, T.ArrayType):
        yield path.child(Element()), given.elementType
    elif isinstance(given, T.MapType):
        yield path.child(MapKey()), given.keyType
        yield path.child(MapValue()), given.valueType


def _decision(
    config: TableConfig,
    leaf: ColumnPath,
    given: T.DataType,
    rules: Mapping[ColumnPath, ColumnRule],
    key_ids: Mapping[str, int],
    faults: list[str],
) -> Decision | None:
    """The decision about a leaf; None, and something added to ``faults``, where it does not fit the leaf."""
    cases: list[tuple[Case, T.DataType | None]] = []
    for path, rule in rules.items():
        try:
            _check_place(leaf, rule.treatment)
            output = (json_columns.output if leaf.is_in_json else _output)(rule.treatment, given)
            cases.append((_case(config, leaf, path, rule, key_ids), output))
        except (TypeRefused, PySparkException) as error:
            why = _first_line(error)
            faults.append(f"{path}: {cures.told(config, rule.treatment.technique, given, why)}")
    try:
        return Decision(leaf, given, _one_type(cases), tuple(case for case, _ in cases)) if cases else None
    except TypeRefused as error:
        faults.append(f"{leaf}: {error}")
        return None


def _case(
    config: TableConfig, leaf: ColumnPath, path: ColumnPath, rule: ColumnRule, key_ids: Mapping[str, int]
) -> Case:
    treatment = rule.treatment
    keyed = treatment.technique.key_size() is not None
    label = (treatment.domain or f"{config.name}/{leaf}") if keyed else treatment.domain
    parts = tuple(
        _case(config, leaf, path, dataclasses.replace(rule, treatment=part), key_ids) for part in treatment.parts
    )
    return Case(path, rule, label, _key_id(treatment, key_ids), parts)


def _key_id(treatment: Treatment, key_ids: Mapping[str, int]) -> int | None:
    """The version of its key; of layers the last, whatever is in force: `jobs.gates` judges that."""
    layers = treatment.technique.layer_ids()
    return layers[-1] if layers else key_ids[treatment.key] if treatment.key is not None else None


def _output(treatment: Treatment, given: T.DataType) -> T.DataType | None:
    technique = treatment.technique
    if technique.drops_column:
        return None
    if isinstance(given, T.NullType):
        raise TypeRefused("the column has no type (void), which Delta cannot store: drop it")
    if technique.keeps_type and (found := _not_stored(given)) is not None:
        raise TypeRefused(f"Delta cannot store {found.simpleString()}: drop it, or write it as text or a number")
    if given == T.StructType([]):
        raise TypeRefused("the column is a struct without fields, which Delta cannot store: drop it")
    if technique.keeps_values or technique.gives_null():
        return given
    if isinstance(given, T.VariantType):
        raise TypeRefused(
            f"{technique.technique} does not take variant: keep, drop or redact it, or have the source hold it as text"
        )
    output = technique.result_type(plain_type(to_arrow_type(given, timezone="UTC")))
    return from_arrow_type(output, prefer_timestamp_ntz=True)


def _not_stored(given: T.DataType) -> T.DataType | None:
    """The first type in ``given`` that no column of a Delta table can have."""
    return next((kind for kind in innermost(given) if isinstance(kind, NOT_STORED)), None)


def _one_type(cases: Sequence[tuple[Case, T.DataType | None]]) -> T.DataType | None:
    """The type that all cases give. Nulls take the type of the others."""
    typed = [(case, output) for case, output in cases if not case.gives_null] or cases
    types = {str(case.path.steps[-1]): output for case, output in typed}
    if len(cases) < 2 or len(set(types.values())) == 1:
        return typed[0][1]
    listed = ", ".join(f"{case} {given.simpleString()}" for case, given in types.items() if given is not None)
    raise TypeRefused(f"its cases give different types ({listed}): choose treatments that give one")


def _check_place(leaf: ColumnPath, treatment: Treatment) -> None:
    technique, last = treatment.technique, leaf.steps[-1]
    if technique.drops_column and not (isinstance(last, Field) or leaf.is_in_json):
        raise TypeRefused(f"only a whole column or field can be dropped: drop {leaf.parent} instead")
    if technique.by_vault and not all(isinstance(step, Field) for step in leaf.steps):
        raise TypeRefused(
            f"{technique.technique} treats columns and fields of structs; what lies in arrays, maps and JSON text "
            "takes another technique"
        )
    if MapKey() not in leaf.steps:
        return
    if not technique.injective:  # a field within a key too: keys are equal where all that is left of them is
        others = ", ".join(sorted(name for name, cls in BY_NAME.items() if cls.injective))
        raise TypeRefused(f"{technique.technique} may make two keys of a map equal; take one of {others}")
    if technique.on_refused == "null":
        raise TypeRefused("on_refused: null would make keys of a map null, which none may be: take on_refused: stop")
    if getattr(technique, "empty", None) == "null":
        raise TypeRefused("empty: null would make keys of a map null, which none may be: take 'empty: treat'")


def _subject_faults(config: TableConfig, schema: T.StructType) -> Iterator[str]:
    if config.subject is None:
        return
    given: T.DataType = schema
    for step in config.subject.steps:
        if not isinstance(step, Field) or not isinstance(given, T.StructType) or step.name not in given.names:
            yield f"subject: {config.subject} is not a column or field of a struct in the table"
            return
        given = given[step.name].dataType


def _known_faults(decisions: Collection[Decision]) -> Iterator[str]:
    """Columns whose values cannot be looked for in texts."""
    types = {str(decision.path): decision.input for decision in decisions}
    for case in (case for decision in decisions for case in decision.cases):
        known = getattr(case.treatment.technique, "known", {}) if case.treatment.technique.beside() else {}
        for name, replacement in known.items():
            fault = _known_fault(replacement, types[name]) if name in types else "there is no such column"
            if fault is not None:
                yield f"{case.path}: known: {name}: {fault}"


def _period_faults(decisions: Collection[Decision]) -> Iterator[str]:
    """Columns that do not say in which period a row is."""
    types = {str(decision.path): decision.input for decision in decisions}
    for case in (case for decision in decisions for case in decision.cases):
        name = getattr(case.treatment.technique, "period_of", None)
        if name is None:
            continue
        given = types.get(name)
        kinds = (T.DateType, T.TimestampType, T.TimestampNTZType)
        if not isinstance(given, kinds):
            what = "is not there" if given is None else f"is {given.simpleString()}"
            yield f"{case.path}: period_of: {name} {what}: a date or a timestamp says in which period a row is"


def _known_fault(replacement: Replacement, given: T.DataType) -> str | None:
    try:
        return known_misfit(replacement, plain_type(to_arrow_type(given, timezone="UTC")))
    except PySparkException as error:
        return _first_line(error)


def _places(config: TableConfig, schema: T.StructType) -> Shown:
    """How a path is told whose names may be values: as it is where the catalog names all of it, else by its place."""
    named = {
        step.name for path in map(ColumnPath.parse, config.columns) for step in path.steps if isinstance(step, Field)
    }
    top = [field.name for field in schema.fields]

    def shown(path: ColumnPath) -> str:
        steps = path.steps
        first = steps[0]
        assert isinstance(first, Field)
        if all(not isinstance(step, Field) or step.name in named for step in steps):
            return str(path)
        within = "a field of " if len(steps) > 1 else ""
        return f"{within}column {top.index(first.name) + 1}"

    return shown


def _names(path: ColumnPath, given: T.DataType, shown: Shown) -> Iterator[str]:
    """Names, at any depth, that Spark cannot tell apart, and those that are none."""
    if isinstance(given, T.StructType):
        for earlier, later in same_names.pairs(given.names):
            first, second = path.child(Field(earlier)), path.child(Field(later))
            how = "is there twice" if earlier == later else f"differs from {shown(second)} in case only"
            yield f"{shown(first)}: {how}; Spark cannot tell them apart: rename one in the source"
        if "" in given.names:
            where, number = shown(path) if path.steps else "the table", given.names.index("") + 1
            yield f"{where}: its column number {number} has no name: give it one in the source"
    for part, of_part in _parts(path, given):
        yield from _names(part, of_part, shown)


def _undecided(path: ColumnPath, given: T.DataType, config: TableConfig, shown: Shown) -> str:
    near = nearest(str(path), config.columns)
    hint = f" (did you mean this by {near!r}?)" if near is not None else ""
    draft = f"python jobs/inventory.py --conf CONF --table {config.name} drafts it"
    if shown(path) != str(path):
        told = f"{shown(path)}: no decision in {config.file}, and no name shown, since it may be a value"
        return (
            f"{told}{hint}; state the source's columns by 'schema', or header: 'false' for CSV files without a header"
        )
    missing = f"{path} ({given.simpleString()}): no decision in {config.file}{hint}"
    return f"{missing}; add it under columns, 'keep' included ({draft})"


def _not_there(path: str, paths: Collection[str], config: TableConfig) -> str:
    near = nearest(path, paths)
    hint = f"; did you mean {near!r}?" if near is not None else "; remove it, or mend the source"
    return f"{path}: {config.file}:{config.columns[path].line} decides a leaf column that the table does not have{hint}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
