"""Views of counts: how many people, or rows, are alike in some quasi-identifiers, where that is many enough.

A group of fewer than k is withheld. So are the smallest of the others, until those that are withheld are k or more
together: else the missing one could be told from a total that is known from elsewhere. No view has a total. Groups of
one size are withheld together or not at all, so that what is withheld does not depend on values.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.grants_checks import output, plain
from jobs.configuration.models import TableConfig
from jobs.grants_sql.sight import grants_of
from jobs.grants_sql.sql_text import ROW, column, quoted


def least(conf: Config, table: str) -> int:
    """The k that holds for the counts of a table: the greatest that anyone asks for."""
    stated = (conf.policy.thresholds.k, conf.policy.risk.k, conf.tables[table].risk.k)
    return max(2, *(each for each in stated if each is not None))


def groupings(conf: Config, table: str) -> dict[str, tuple[ColumnPath, ...]]:
    """What ends the name of each view of counts -> its columns."""
    stated = grants_of(conf).aggregates.get(table, ())
    paths = [tuple(map(ColumnPath.parse, grouping)) for grouping in stated]
    return {"by_" + "_".join(plain(output(path)) for path in each): each for each in paths}


def subject_fault(table: TableConfig) -> str | None:
    """Why people cannot be told apart in the target by the entry's subject, so that counts would be wrong."""
    if table.subject is None:
        return None
    decision = table.decisions.get(str(table.subject))
    if decision is None or len(decision.cases) != 1:
        return f"its subject {table.subject} is treated by cases"
    technique = decision.cases[0].treatment.technique
    if technique.drops_column or technique.gives_null():
        return f"its subject {table.subject} is not in the target"
    if not technique.deterministic or technique.one_result or technique.beside():
        return f"its subject {table.subject} has no one value for each person in the target"
    if not technique.injective:
        return f"several people may have one value in its subject {table.subject}, as the target has it"
    return None


def query(conf: Config, table: str, paths: Sequence[ColumnPath], of: str) -> str:
    """The rows of a view of counts. of: the target, as SQL writes it."""
    entry, k = conf.tables[table], least(conf, table)
    counted, word = ("count(*)", "rows") if entry.subject is None else (_people(entry.subject), "people")
    inner = [f"{column(path)} AS {quoted(f'c{at}')}" for at, path in enumerate(paths, 1)]
    grouped = ", ".join(map(column, paths))
    names = [f"{quoted(f'c{at}')} AS {quoted(output(path))}" for at, path in enumerate(paths, 1)]
    return "\n".join(
        [
            "WITH `groups` AS (",
            f"  SELECT {', '.join(inner)}, {counted} AS `n`",
            f"  FROM {of} AS {ROW} GROUP BY {grouped}",
            "), `ranked` AS (",
            "  SELECT *, min(`n`) OVER () AS `least`,",
            "    sum(`n`) OVER (ORDER BY `n` RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `smaller`",
            "  FROM `groups`",
            ")",
            f"SELECT {', '.join(names)}, `n` AS {quoted(word)}",
            f"FROM `ranked` WHERE `n` >= {k} AND (`least` >= {k} OR coalesce(`smaller`, 0) >= {k})",
        ]
    )


def _people(subject: ColumnPath) -> str:
    return f"count(DISTINCT {column(subject)})"
