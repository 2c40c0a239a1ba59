"""Which lines of a table's log say values of its rows: by statistics, by partitions, by rules of whoever changed it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

BOUNDS = r'(minValues|maxValues|partitionValues)\\*":\{\\*"'
"""As statistics, and values of partitions, stand in JSON, within a text or not."""
INFO = "commitInfo struct<operationParameters: map<string, string>, userMetadata: string>"
RULES, NO_RULE = "(?i)predicate|where|expr|condition|filter", ("", "[]", "true", '["true"]')
"""What a commit's parameters are called that hold a rule, with the values that people gave; and what is none."""
OF_A_RUN = ("run_id", "erasure")
"""What a commit's ``userMetadata`` says that names runs, and nobody."""


def of_text(line: Column) -> Column:
    """Whether a line of a commit, or a checksum, says any."""
    return line.rlike(BOUNDS) | judged(F.from_json(line, INFO)["commitInfo"])


def bounds(checkpoint: DataFrame) -> Column:
    """Whether a row of a checkpoint says values of a file, or stands for one in a folder of a partition."""
    added = checkpoint.select("add.*").columns
    says = F.col("add.stats").rlike(BOUNDS) if "stats" in added else F.lit(False)
    if "stats_parsed" in added:  # as checkpoints may have them instead
        says = F.coalesce(says, F.lit(False)) | F.col("add.stats_parsed").isNotNull()
    if "partitionValues" in added:
        says = F.coalesce(says, F.lit(False)) | (F.size("add.partitionValues") > 0)
    if "remove" in checkpoint.columns:
        says = F.coalesce(says, F.lit(False)) | F.col("remove.path").contains("=")
    return says


def judged(info: Column) -> Column:
    """Whether a commit of others says a rule by which it chose rows (``DELETE ... WHERE id = ...``), or a text of
    theirs: it may name anybody, and nobody can tell. Commits of ours name nobody."""
    said = F.coalesce(info["userMetadata"], F.lit(""))
    run, mode = (F.get_json_object(said, f"$.{name}").isNotNull() for name in ("run_id", "mode"))
    more = F.array_except(F.json_object_keys(said), F.array(*map(F.lit, OF_A_RUN)))
    names_a_run = F.coalesce(run & (F.size(more) == 0), F.lit(False))  # as commits of vaults do, which have no rules
    rules = F.map_filter(info["operationParameters"], lambda name, _: name.rlike(RULES))
    has_rule = F.exists(F.map_values(rules), lambda rule: ~rule.isin(*NO_RULE))
    return ~F.coalesce(run & mode, F.lit(False)) & (((said != "") & ~names_a_run) | F.coalesce(has_rule, F.lit(False)))
