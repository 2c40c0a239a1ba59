"""Which list of the erased a table's last run had, as its commit says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.configuration.erasure_entry import Erasure
from jobs.lake.history import History

LISTED = "erased_list"
"""What the commit of a run says of the list that it had."""
COMES_BACK = (
    "its last run had another list of the erased, with subjects on it (version {} of it): whoever stands on that alone "
    "comes back by the next run"
)


def last(history: History) -> Mapping[str, Any]:
    """What the table's last run says of the list; nothing where it had none."""
    said = (commit.run.get(LISTED) for commit in reversed(history.commits) if commit.version in history.ours)
    return next((each for each in said if isinstance(each, dict)), {})


def lost(history: History, stated: Erasure | None) -> str | None:
    """What a list that was made anew, or is named no more, means for a table; None where the policy names the one that
    its last run had, or nobody stood on that."""
    had = last(history)
    now = None if stated is None or stated.list is None else stated.list.id
    if had.get("id") in (None, now) or had.get("version") == 0:
        return None
    return COMES_BACK.format(had.get("version"))
