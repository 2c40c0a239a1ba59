"""``--table`` names tables of the catalog or of Spark; it does not choose among those below ``--path``, and says so."""

from __future__ import annotations

import pytest

from jobs.console.exit_codes import BadUsage
from jobs.drafting import lake_tables
from jobs.lake.address import Address


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/lake/raw/", r"to read\. Of the tables below --path it chooses none: .* --path /lake/raw/orders$"),
        (None, "to read$"),
    ],
)
def test_a_table_below_a_path(path: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Address, "exists", lambda self, spark: False)
    with pytest.raises(BadUsage, match=said):
        lake_tables.chosen(None, ["orders"], path, None, {})  # type: ignore[arg-type]
