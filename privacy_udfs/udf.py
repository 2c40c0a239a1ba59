"""Techniques as Spark functions: the only module here that imports pyspark.

Two evaluations of the same kernels: *Arrow* UDFs, which hand Spark's Arrow arrays to the technique as they are (the job
uses these), and *pandas* UDFs, for notebooks and SQL. pandas turns a nullable bigint into floats, so that ``11`` would
become ``11.0`` in some batches and digits past 2^53 be lost: here every value crosses pandas as exact text instead.

What Spark ships and prints of a function is the technique and a *reference* to its key. Pass `Key` objects in tests
only: their bytes would travel with the query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.accumulators import Accumulator, AccumulatorParam
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf, pandas_udf
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type

from privacy_udfs import nested, wording
from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.kept_out import Erased
from privacy_udfs.keys import KeyReference, KeyReferences, refer
from privacy_udfs.nested import Counts, Leaf, Node
from privacy_udfs.refusals import refusals as _refusals
from privacy_udfs.scope_labels import PERSON, RECORD
from privacy_udfs.sealed_rows import Seal
from privacy_udfs.technique import SubjectTechnique, Technique
from privacy_udfs.techniques import parse

REFUSAL = T.StructType([T.StructField("label", T.StringType()), T.StructField("rule", T.StringType())])
ROWS = ""
"""By what the rows of batches are counted, where no leaf is meant."""


class CountsParam(AccumulatorParam[Counts]):
    """Adds up the counts of batches, exactly once for each finished task of the write.

    ``listener`` is called on the driver with the new totals whenever a task ends, before Spark counts that task as
    finished: so all of them are in before the write's commit starts. It stays on the driver.
    """

    def __init__(self, listener: Callable[[Counts], None] | None = None) -> None:
        self.listener = listener

    def __reduce__(self) -> tuple[type[CountsParam], tuple[()]]:
        return CountsParam, ()

    def zero(self, value: Counts) -> Counts:
        return {}

    def addInPlace(self, value1: Counts, value2: Counts) -> Counts:  # noqa: N802 - Spark's name
        for label, more in value2.items():
            sums = zip(value1.get(label, (0, 0, 0)), more, strict=True)
            treated, null, refused = (a + b for a, b in sums)
            value1[label] = (treated, null, refused)
        if self.listener is not None:
            self.listener(value1)
        return value1


class PartCountsParam(CountsParam):
    """The same where a shuffle comes after what is counted: when its files are lost, Spark runs tasks again that are
    done, and adds what they count again. So of each part of the rows the attempt that came last counts, alone."""

    TASK = "\ntask"
    """In what a task tells, its part of the rows, and which attempt it is."""

    def __init__(self, listener: Callable[[Counts], None] | None = None) -> None:
        super().__init__(listener)
        self._of_parts: dict[tuple[str, int], tuple[int, tuple[int, int, int]]] = {}

    def __reduce__(self) -> tuple[type[CountsParam], tuple[()]]:
        return PartCountsParam, ()

    def addInPlace(self, value1: Counts, value2: Counts) -> Counts:  # noqa: N802 - Spark's name
        task = TaskContext.get()
        if task is not None:
            value1[self.TASK] = (task.partitionId(), task.taskAttemptId(), 0)
            return super().addInPlace(value1, {label: more for label, more in value2.items() if label != self.TASK})
        part, attempt, _ = value2.get(self.TASK, (0, 0, 0))
        changes = {label: self._changed((label, part), attempt, value2[label]) for label in value2.keys() - {self.TASK}}
        return super().addInPlace(value1, changes)

    def _changed(self, of: tuple[str, int], attempt: int, more: tuple[int, int, int]) -> tuple[int, int, int]:
        """By what a total changes."""
        last, known = self._of_parts.get(of, (attempt, (0, 0, 0)))
        stays = known if last == attempt else (0, 0, 0)
        now = (stays[0] + more[0], stays[1] + more[1], stays[2] + more[2])
        self._of_parts[of] = (attempt, now)
        return now[0] - known[0], now[1] - known[1], now[2] - known[2]


def _of_column(
    evaluate: Callable[[pa.Array, pa.Array | None], pa.Array], name: str, with_subject: bool
) -> Callable[..., pa.Array]:
    """The function with the one or the two arguments that Spark is to call it with. name: as plans show it."""

    def of_column(values: pa.Array) -> pa.Array:
        return evaluate(values, None)

    def of_column_and_subject(values: pa.Array, subject: pa.Array) -> pa.Array:
        return evaluate(values, subject)

    function = of_column_and_subject if with_subject else of_column
    function.__name__ = f"{name}_of_subject" if with_subject else name
    return function


def tree_udf(
    node: Node,
    output: T.DataType,
    counts: Accumulator[Counts] | None = None,
    with_subject: bool = False,
    mark: str | None = None,
) -> Callable[..., Column]:
    """An Arrow UDF that treats one column as a tree of treatments says; with two arguments if it needs a subject.

    output: Spark's type of the result, whose nested fields may carry metadata. counts: gets every batch's counts.
    mark: of the run, which its errors then carry (`privacy_udfs.wording`).
    """

    def evaluate(values: pa.Array, subject: pa.Array | None) -> pa.Array:
        batch: Counts = {}
        with wording.marked_errors(mark):
            result = nested.treat(node, values, subject, batch)
        if counts is not None:
            counts.add(batch)
        return result

    treat = _of_column(evaluate, "treat_column", with_subject)
    function = arrow_udf(treat, returnType=output)  # type: ignore[call-overload]
    if all(leaf.technique.deterministic for leaf in nested.leaves(node)):
        return function  # type: ignore[no-any-return]
    return function.asNondeterministic()  # type: ignore[no-any-return]


def refusing_udf(node: Node, most: int, with_subject: bool = False) -> Callable[..., Column]:
    """An Arrow UDF that is true for the first rows of each batch, ``most`` of them, that the tree cannot treat. To look
    for them after a run has failed: it treats parts of a batch again and again."""

    def refusing(values: pa.Array, subject: pa.Array | None) -> pa.Array:
        return nested.first_refused(node, values, subject, most)

    find = _of_column(refusing, "find_in_column", with_subject)
    return arrow_udf(find, returnType=T.BooleanType())  # type: ignore[call-overload,no-any-return]


def refusal_udf(
    node: Node,
    most: int,
    counts: Accumulator[Counts] | None = None,
    with_subject: bool = False,
    mark: str | None = None,
) -> Callable[..., Column]:
    """An Arrow UDF that gives the leaf and the rule (`REFUSAL`) of each row that the tree refuses, and null of others.

    most: how many rows of a batch may be refused; with more the query fails. counts: gets the number of rows, as
    `ROWS`; then Spark evaluates it once for each row. mark: of the run, which its errors then carry.
    """

    def evaluate(values: pa.Array, subject: pa.Array | None) -> pa.Array:
        with wording.marked_errors(mark):
            found = {each.row: each for each in _refusals(node, values, subject, most)}
        if counts is not None:
            counts.add({ROWS: (len(values), 0, 0)})
        rows = [found.get(at) for at in range(len(values))] if found else [None] * len(values)
        told = [None if each is None else {"label": each.label, "rule": each.rule} for each in rows]
        return pa.array(told, to_arrow_type(REFUSAL))

    find = _of_column(evaluate, "find_in_column", with_subject)
    function = arrow_udf(find, returnType=REFUSAL)  # type: ignore[call-overload]
    return function if counts is None else function.asNondeterministic()  # type: ignore[no-any-return]


def sealing_udf(seal: Seal, mark: str | None = None) -> Callable[[Column], Column]:
    """An Arrow UDF that encrypts whole rows, each given as a struct."""

    def sealed(rows: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            return pa.array(seal.sealed(pa.RecordBatch.from_struct_array(rows)), pa.binary())

    return arrow_udf(sealed, returnType=T.BinaryType()).asNondeterministic()  # type: ignore[call-overload,no-any-return]


def erased_udf(erased: Erased, mark: str | None = None) -> Callable[[Column], Column]:
    """An Arrow UDF that is true for the values of those who were erased, and false for all others, nulls too."""

    def is_erased(values: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            return erased.among(values)

    return arrow_udf(is_erased, returnType=T.BooleanType())  # type: ignore[call-overload,no-any-return]


def arrow(
    treatment: Technique | Mapping[str, Any],
    key: KeyReference | KeyReferences | None = None,
    input_type: T.DataType | str = "string",
) -> Callable[..., Column]:
    """An Arrow UDF for one technique: call it on columns, or give it to ``spark.udf.register`` for SQL.

    input_type: the Spark type of the columns it will meet (a DDL name or `DataType`); it decides the result's type.
    Nulls stay null; a value the technique cannot treat fails the query, or becomes null under ``on_refused: null``.
    """
    technique = parse(treatment)
    given = _spark_type(input_type)
    leaf = Leaf(technique.technique, technique, key)
    return tree_udf(
        leaf, _output_type(technique, given), with_subject=technique.needs_subject or bool(technique.beside())
    )


def pandas(
    treatment: Technique | Mapping[str, Any],
    key: KeyReference | KeyReferences | None = None,
    input_type: T.DataType | str = "string",
) -> Callable[..., Column]:
    """A pandas UDF for one technique, with the same results as `arrow`; for SQL, and for Spark without Arrow UDFs.

    It takes *text*: in SQL write ``pseudonym(CAST(id AS STRING))``; `on` does that for you. input_type says what the
    text stands for. Any other pandas type is refused, whatever the batch holds, since pandas changes numbers (above).
    """
    technique = parse(treatment)
    given = _spark_type(input_type)
    if technique.needs_subject or technique.beside():
        raise TypeRefused(f"{technique.technique} needs a subject: use privacy_udfs.udf.arrow")
    leaf = Leaf(technique.technique, technique, key)
    arrow_input = to_arrow_type(given, timezone="UTC")

    def treat_series(values: pd.Series) -> pd.Series:
        result = nested.treat(leaf, from_text(values, arrow_input), None, {})
        return result.to_pandas(integer_object_nulls=True, date_as_object=True)

    function = pandas_udf(treat_series, returnType=_output_type(technique, given))  # type: ignore[call-overload]
    return function if technique.deterministic else function.asNondeterministic()  # type: ignore[no-any-return]


def on(
    column: Column | str,
    treatment: Technique | Mapping[str, Any],
    key: KeyReference | KeyReferences | None = None,
    input_type: T.DataType | str = "string",
    subject: Column | str | None = None,
    evaluation: str = "arrow",
) -> Column:
    """``column`` treated, for interactive use: ``df.select(on("email", {"technique": "mask"}))``.

    evaluation: ``arrow`` or ``pandas``; the results are equal. subject: the column that says whose row it is, or
    a struct of the other columns that a technique looks at, by the names that it gives them.
    """
    values = F.col(column) if isinstance(column, str) else column
    if evaluation == "pandas":
        return pandas(treatment, key, input_type)(to_text(values, _spark_type(input_type)))
    if evaluation != "arrow":
        raise ValueError(f"evaluation: expected 'arrow' or 'pandas', got {evaluation!r}")
    arguments = [values] if subject is None else [values, subject]
    return arrow(treatment, key, input_type)(*arguments)


class Conf(Protocol):
    """What `jobs.configuration.config.load` gives: domains and keys by their names."""

    @property
    def domains(self) -> Mapping[str, Any]: ...
    @property
    def keys(self) -> Mapping[str, Any]: ...


def domain(
    conf: Conf, name: str, input_type: T.DataType | str = "string", subject: str | None = None
) -> Callable[..., Column]:
    """An Arrow UDF that gives what the job gives columns of a domain: ``domain(conf, "customer")("customer_id")``.

    conf: what ``jobs.configuration.config.load("conf")`` gives. input_type: as of `arrow`. subject: where
    results depend on whose row it is, the domain of the subject's column, which a run spells subjects by (``""``: it is
    of none); then call it with that column too: ``domain(conf, "dates", "date", "customer")("born", "customer_id")``.
    The key is looked at once, for its version in force; what Spark ships is the reference to it, as in a run. Raises
    `KeyProblem`; and `TypeRefused` for domains of which only a run has all that is needed: tokens of a vault, keys of
    subjects, scopes.
    """
    treatment = _treatment_of(conf, name)
    technique = _of_subject(conf, name, treatment.technique, subject)
    if treatment.key is None:
        return arrow(technique, None, input_type)
    entry = conf.keys[treatment.key]
    if entry.deliver == "driver" and not _is_local():
        raise TypeRefused(f"key {treatment.key}: keys.yaml has the driver deliver it, which only a run does")
    return arrow(technique, refer(treatment.key, entry.keyset, entry.kek, technique, name), input_type)


def _of_subject(conf: Conf, name: str, technique: Technique, subject: str | None) -> Technique:
    """The technique with the rule of the subject's domain, as a configuration fills it in."""
    if not isinstance(technique, SubjectTechnique):
        if subject is not None:
            raise TypeRefused(f"domain {name}: its results do not depend on whose row it is: name no subject")
        return technique
    if subject is None:
        raise TypeRefused(f"domain {name}: name the domain of the subject's column as subject ('' if it has none)")
    own = _treatment_of(conf, subject).technique if subject else None
    empty = "null" if getattr(own, "empty", None) == "null" else technique.empty_subject
    steps = getattr(own, "normalize", ()) or technique.normalize
    return technique.model_copy(update={"normalize": steps, "empty_subject": empty})


def _treatment_of(conf: Any, name: str) -> Any:
    if not hasattr(conf, "domains"):
        raise TypeRefused("expected a loaded configuration: jobs.configuration.config.load(folder) gives one")
    if name not in conf.domains:
        near = [f"; did you mean {each!r}?" for each in get_close_matches(str(name), conf.domains, 1)]
        raise TypeRefused(f"domains.yaml has no domain {name!r}{''.join(near)}")
    treatment = conf.domains[name].treatment
    technique = treatment.technique
    why = None
    if technique.by_vault:
        why = "its tokens stand in a vault"
    elif technique.by_subject_keys():
        why = "each subject has a key of their own"
    elif treatment.scope not in (PERSON, RECORD):
        why = f"it is of scope {treatment.scope}, which a table decides"
    if why is not None:
        raise TypeRefused(f"domain {name}: {why}: only a run gives its pseudonyms")
    return treatment


def _is_local() -> bool:
    spark = SparkSession.getActiveSession()
    master = "" if spark is None else str(spark.sparkContext.master)
    return master == "local" or master.startswith("local[")


def to_text(values: Column, given: T.DataType) -> Column:
    """``values`` as exact text for the way through pandas: dates and times as counts, since their text is ambiguous."""
    if isinstance(given, T.BinaryType):
        return values
    if isinstance(given, T.DateType):
        values = F.unix_date(values)
    elif isinstance(given, T.TimestampType):
        values = F.unix_micros(values)
    elif isinstance(given, T.TimestampNTZType):
        values = F.unix_micros(F.to_timestamp_ltz(F.concat(values.cast("string"), F.lit(" UTC"))))
    return values.cast("string")


def from_text(values: pd.Series, target: pa.DataType) -> pa.Array:
    """The Arrow array of type ``target`` whose exact text (see `to_text`) a pandas series holds."""
    if values.dtype != object and not isinstance(values.dtype, pd.StringDtype):
        raise TypeRefused(f"a pandas UDF got {values.dtype}, where numbers are not exact: CAST the column AS STRING")
    try:
        return _parse_text(values, target)
    except pa.ArrowInvalid:  # its message quotes the value
        raise ValueRefused(f"a pandas UDF for {target} got text that is not the exact text of {target}") from None


def _parse_text(values: pd.Series, target: pa.DataType) -> pa.Array:
    if pa.types.is_binary(target):
        return pa.array(values, pa.binary(), from_pandas=True)
    text = pa.array(values, pa.string(), from_pandas=True)
    if pa.types.is_date(target):
        return text.cast(pa.int32()).view(pa.date32())
    if pa.types.is_timestamp(target):
        return text.cast(pa.int64()).view(target)
    if pa.types.is_boolean(target):
        return pc.equal(text, "true")
    return text.cast(target)


def _spark_type(given: T.DataType | str) -> T.DataType:
    return given if isinstance(given, T.DataType) else T.DataType.fromDDL(given)


def _output_type(technique: Technique, given: T.DataType) -> T.DataType:
    output = technique.output_type(to_arrow_type(given, timezone="UTC"))
    return from_arrow_type(output, prefer_timestamp_ntz=True)
