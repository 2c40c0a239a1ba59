"""What a person must have said yes to before a source is read for a run: its paths, and a second treatment."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.column_path import Field
from jobs.configuration.models import TableConfig
from jobs.lake.read import SourceRows

NON_PERSONAL = "non_personal"


def refusals(table: TableConfig, source: SourceRows) -> list[str]:
    """Why the table's source must not be read as it is, with the key of ``source`` that gives consent."""
    return [*_treated(table, source), *_paths(table, source)]


def _treated(table: TableConfig, source: SourceRows) -> Iterator[str]:
    if source.is_treated and table.source.treated_again is None:
        yield (
            f"the source {table.source.describe()} is itself a treated table, or is read from one: its pseudonyms "
            "would be treated again, and join with nothing. Read the raw table; or, if this is meant, say "
            "'treated_again: accepted' under source"
        )


def _paths(table: TableConfig, source: SourceRows) -> Iterator[str]:
    """A partition column's values stand in paths, which Spark writes into logs and shows on pages."""
    if table.source.personal_paths is not None:
        return
    for name in source.partitions:
        class_ = _class_of(table, name)
        if class_ not in (None, NON_PERSONAL):
            yield (
                f"the source {table.source.describe()} is partitioned by {name}, which is {class_}: its values stand "
                "in paths, which Spark writes into its logs and shows. Write the source with other partitions; or, "
                "if whoever reads logs may see them, say 'personal_paths: accepted' under source"
            )


def _class_of(table: TableConfig, name: str) -> str | None:
    """The class of a column, however its name is spelt, and the first that is personal of one that is decided by paths
    into its JSON text; None where nobody decided."""
    classes = []
    for decision in table.decisions.values():
        steps = decision.path.column.steps
        if len(steps) == 1 and isinstance(steps[0], Field) and steps[0].name.lower() == name.lower():
            classes.append(decision.cases[0].class_)
    return next((each for each in classes if each != NON_PERSONAL), NON_PERSONAL if classes else None)
