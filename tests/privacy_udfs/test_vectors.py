"""One vectors file per technique, run through two doors: the pure function, and one Spark action."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, from_arrow_type

import privacy_udfs
from privacy_udfs.nested import Leaf
from privacy_udfs.technique import Key
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.udf import tree_udf
from tests.helpers.vectors import VECTORS, Vector, load_vectors

ALL = {name: load_vectors(name) for name in BY_NAME}
IN_SPARK = [name for name, technique in BY_NAME.items() if technique.deterministic and not technique.drops_column]
"""A dropped column is left out of the select, and two runs of a randomized technique differ by design."""


def test_every_vectors_file_belongs_to_a_technique() -> None:
    assert {path.stem for path in VECTORS.glob("*.yaml")} == set(BY_NAME)


@pytest.mark.parametrize("vector", [v for vectors in ALL.values() for v in vectors], ids=lambda v: v.id)
def test_pure_function(vector: Vector) -> None:
    technique = privacy_udfs.parse(vector.treatment)
    if technique.deterministic:
        got = privacy_udfs.apply(technique, vector.values, vector.key, vector.subject)
        assert got.type == vector.expect.type
        assert got.to_pylist() == vector.expect.to_pylist()
    else:  # what a randomized technique promises is that its results open
        assert privacy_udfs.revert(technique, vector.expect, vector.key).to_pylist() == vector.values.to_pylist()


@pytest.mark.parametrize("vector", [v for vectors in ALL.values() for v in vectors], ids=lambda v: v.id)
def test_reversible_techniques_give_the_values_back(vector: Vector) -> None:
    technique = privacy_udfs.parse(vector.treatment)
    if not technique.reversible:
        with pytest.raises(privacy_udfs.LakenymError):
            privacy_udfs.revert(technique, vector.expect, vector.key)
        return
    treated = privacy_udfs.apply(technique, vector.values, vector.key)
    if vector.expect.null_count == vector.values.null_count:  # nothing was refused to null
        again = privacy_udfs.apply(technique, privacy_udfs.revert(technique, treated, vector.key), vector.key)
        assert not technique.deterministic or again.equals(treated)


@pytest.mark.parametrize("name", IN_SPARK)
def test_spark(spark: SparkSession, name: str) -> None:
    """All vectors of a technique side by side as columns of one table, nulls filling up the shorter ones."""
    vectors = ALL[name]
    length = max(len(vector.values) for vector in vectors)
    columns = {f"v{at}": _filled(vector.values, length) for at, vector in enumerate(vectors)}
    columns |= {f"s{at}": _filled(v.subject, length) for at, v in enumerate(vectors) if v.subject is not None}
    table = pa.table({"n": pa.array(range(length)), **columns})
    frame = spark.createDataFrame(table, from_arrow_schema(table.schema, prefer_timestamp_ntz=True))
    selected = [_treated(vector, at).alias(f"r{at}") for at, vector in enumerate(vectors)]
    rows = frame.select("n", *selected).orderBy("n").toArrow()
    for at, vector in enumerate(vectors):
        got = rows.column(f"r{at}").combine_chunks().slice(0, len(vector.values))
        assert got.to_pylist() == vector.expect.cast(got.type).to_pylist(), vector.id


def _filled(values: pa.Array, length: int) -> pa.Array:
    return pa.concat_arrays([values, pa.nulls(length - len(values), values.type)])


def _treated(vector: Vector, at: int) -> F.Column:
    technique = privacy_udfs.parse(vector.treatment)
    key = None if vector.key is None else Key(vector.key)
    function = tree_udf(
        Leaf(vector.id, technique, key),
        from_arrow_type(vector.expect.type, prefer_timestamp_ntz=True),
        with_subject=vector.subject is not None,
    )
    arguments = [F.col(f"v{at}")] + ([F.col(f"s{at}")] if vector.subject is not None else [])
    return function(*arguments)
