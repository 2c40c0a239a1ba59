"""What is made of events, to the byte: log collectors read these lines, and people these."""

from __future__ import annotations

import re
import typing

import pytest

from jobs.run_events import events
from jobs.run_events.events import Begun, Checked, Committed, Event, Failed, Treated, Unchanged, Warned

COLUMNS = (
    Treated("id", "direct_identifier", "keyed_hash", 1234, 1, 0),
    Treated("note", "non_personal", "keep", None, None, None),
)
CHANGED = {"inserted": 1, "updated": 1000, "deleted": 0, "stale": 0}
TOLD: tuple[tuple[Event, str, str], ...] = (
    (
        Begun("t", "r-1", 2, "parquet:/lake/t"),
        '"event": "planned", "table": "t", "run_id": "r-1", "columns": 2, "source": "parquet:/lake/t"',
        "t: treating 2 leaf columns of parquet:/lake/t\n",
    ),
    (
        Checked("t", 2),
        '"event": "checked", "table": "t", "columns": 2',
        "t: all 2 leaf columns decided, all checks passed\n",
    ),
    (
        Committed("t", "r-1", 3, 1235, 2.5, 494, COLUMNS, "columnar"),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 3, "rows": 1235, "seconds": 2.5, '
        '"rows_per_second": 494, "columns": [{"column": "id", "class": "direct_identifier", "technique": "keyed_hash", '
        '"treated": 1234, "null": 1, "refused": 0}, {"column": "note", "class": "non_personal", "technique": "keep", '
        '"treated": null, "null": null, "refused": null}], "execution": "columnar", "not_columnar": null, '
        '"mode": "full", "changed": null, "quarantined": 0',
        "t: version 3, 1,235 rows in 2.5 s, 494 rows/s, columnar path\n"
        "  column  class              technique   treated  null  refused\n"
        "  ------  -----------------  ----------  -------  ----  -------\n"
        "  id      direct_identifier  keyed_hash    1,234     1        0\n"
        "  note    non_personal       keep        -        -     -\n",
    ),
    (
        Committed("t", "r-1", 0, 0, 0.0, None, (), "spark", "it is a view"),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 0, "rows": 0, "seconds": 0.0, '
        '"rows_per_second": null, "columns": [], "execution": "spark", '
        '"not_columnar": "it is a view", "mode": "full", "changed": null, "quarantined": 0',
        "t: version 0, 0 rows in 0.0 s, Spark's path: it is a view\n"
        "  column  class  technique  treated  null  refused\n"
        "  ------  -----  ---------  -------  ----  -------\n",
    ),
    (
        Committed("t", "r-1", 4, 12, 0.0, None, (), "columnar", None, "incremental", None, 1234),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 4, "rows": 12, "seconds": 0.0, '
        '"rows_per_second": null, "columns": [], "execution": "columnar", "not_columnar": null, '
        '"mode": "incremental", "changed": null, "quarantined": 1234',
        "t: version 4, 12 new rows (1,234 more in quarantine) in 0.0 s, columnar path\n"
        "  column  class  technique  treated  null  refused\n"
        "  ------  -----  ---------  -------  ----  -------\n",
    ),
    (
        Committed("t", "r-1", 5, 12, 0.0, None, (), "spark", None, "requeue"),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 5, "rows": 12, "seconds": 0.0, '
        '"rows_per_second": null, "columns": [], "execution": "spark", "not_columnar": null, '
        '"mode": "requeue", "changed": null, "quarantined": 0',
        "t: version 5, 12 rows out of quarantine in 0.0 s, Spark's path\n"
        "  column  class  technique  treated  null  refused\n"
        "  ------  -----  ---------  -------  ----  -------\n",
    ),
    (
        Committed("t", "r-1", 5, 1200, 0.0, None, (), "spark", None, "changes", CHANGED, 3),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 5, "rows": 1200, "seconds": 0.0, '
        '"rows_per_second": null, "columns": [], "execution": "spark", "not_columnar": null, '
        '"mode": "changes", "changed": {"inserted": 1, "updated": 1000, "deleted": 0, "stale": 0}, "quarantined": 3',
        "t: version 5, 1 inserted, 1,000 updated, 0 deleted (3 more in quarantine) in 0.0 s, Spark's path\n"
        "  column  class  technique  treated  null  refused\n"
        "  ------  -----  ---------  -------  ----  -------\n",
    ),
    (
        Committed("t", "r-1", 5, 0, 0.0, None, (), "columnar", None, "partitions"),
        '"event": "committed", "table": "t", "run_id": "r-1", "version": 5, "rows": 0, "seconds": 0.0, '
        '"rows_per_second": null, "columns": [], "execution": "columnar", "not_columnar": null, '
        '"mode": "partitions", "changed": null, "quarantined": 0',
        "t: version 5, 0 rows in the place of chosen partitions, which are empty now, in 0.0 s, columnar path\n"
        "  column  class  technique  treated  null  refused\n"
        "  ------  -----  ---------  -------  ----  -------\n",
    ),
    (
        Unchanged("t", 4),
        '"event": "unchanged", "table": "t", "version": 4',
        "t: nothing new in its source; it stays at version 4\n",
    ),
    (Warned("t", "look"), '"event": "warning", "table": "t", "message": "look"', "t: look\n"),
    (
        Failed("t", 1, "t: no\nt: never"),
        '"event": "failed", "table": "t", "exit_code": 1, "message": "t: no\\nt: never"',
        "t: no\n  t: never\n",
    ),
    (Failed("", 2, "usage"), '"event": "failed", "table": "", "exit_code": 2, "message": "usage"', "usage\n"),
)


@pytest.mark.parametrize(("event", "fields", "text"), TOLD)
def test_lines(event: Event, fields: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    events.silent(event)
    events.json_lines(event)
    line = capsys.readouterr().out
    stamp = re.match(r'\{"time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", ', line)
    assert stamp is not None
    assert line[stamp.end() :] == f"{fields}}}\n"
    events.terminal(event)
    out, err = capsys.readouterr()
    assert (err, out) == ((text, "") if isinstance(event, Warned | Failed) else ("", text))


def test_every_kind_is_here() -> None:
    assert {type(event) for event, _, _ in TOLD} == set(typing.get_args(Event))
