"""Which commits may name somebody by what their writer said of them."""

from __future__ import annotations

import json

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.lake import log_values

RULE = {"predicate": "[\"(id = 'x')\"]"}
RUN = {"run_id": "7"}
COMMITS = (
    # who said what, the parameters of the operation, whether it may name somebody
    (None, {"mode": "Append"}, False),
    (None, {"predicate": "[]"}, False),
    (None, {"predicate": '["true"]'}, False),
    (None, RULE, True),
    ("for Mrs X", {"mode": "Append"}, True),
    ('{"who": "x"}', {}, True),
    (json.dumps({**RUN, "mode": "erasure"}), RULE, False),
    (json.dumps(RUN), {"mode": "Append"}, False),
    (json.dumps({**RUN, "erasure": "8"}), {}, False),
    (json.dumps(RUN), RULE, True),  # a scheduler's own number of a run is no reason to believe its rule
    (json.dumps({**RUN, "note": "x"}), {}, True),
    (json.dumps([RUN]), {}, True),
)


def test_commits_that_may_name_somebody(spark: SparkSession) -> None:
    lines = [(json.dumps({"commitInfo": {"operationParameters": parameters, "userMetadata": said}}),)
             for said, parameters, _ in COMMITS]  # fmt: skip
    rows = spark.createDataFrame(lines, "value string").select(log_values.of_text(F.col("value")).alias("says"))
    assert [bool(row["says"]) for row in rows.collect()] == [says for _, _, says in COMMITS]
