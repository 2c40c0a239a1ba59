"""Tables for the search for planted values (`tests.journeys.test_leaks`) that are measured, and held by gates."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers.lakes import column, table

GONE = "canary-lonely"
"""Of somebody who is alone: neither the gate nor ``suppress`` lets it into a table."""
SHOWN = ("canary-town", "424242424242", "canary-debt")
"""What the tables show, and nothing else does: quasi-identifiers, and something sensitive. (Values of a hierarchy are
of the configuration, and stand in the record.)"""
TABLES = ("risk_met", "risk_suppressed")
MISSED = "risk_missed"
ASKED = {"k": 5, "l": 2, "t": 0.5, "at_risk": 0.1}
LEVELS = "flu;ill;any\nwell;well;any\n"
DRIVER = """
import json
from jobs import risk
is_short = os.environ.get("SESSION") == "own"  # at DEBUG each step takes its time
runs = [(name, execution) for name in RISK_TABLES for execution in ("spark", "auto")]
for name, execution in runs[::3] if is_short else runs:
    result = pseudonymize.run(spark, conf, name, execution=execution)
    print("MEASURED", name, result.execution, result.suppressed, json.dumps(result.risk))
asked = ["--conf", sys.argv[1], "--table", "risk_met"]
outside = str(Path(sys.argv[1], "..", "treated", "risk_suppressed").resolve())
more = ["--population", outside, "--attack", outside, "--column-sets", "2", "--frequency", "--sampling-fraction", "0.1"]
steps = ["--ladder", "town=prefix:6", "--ladder", "code=width:10"]
least, most = (["--suggest", "--k", k, *steps] for k in ("2", "100"))
others = [["--json"], ["--by-rows", "--nulls", "any", "--json"], ["--estimate", "--json"], most]
for words in ([], least) if is_short else (more, least, *others):
    print("RISK", risk.main([*asked, *words]), *words[:1])
for words in ([],) if is_short else ([], ["--json"]):
    print("PLAN", plan.main([*asked, *words]))
"""
SHORT = ["RISK 0", "RISK 0 --suggest", "PLAN 0"]
MEASURED = [f"RISK 0 {word}" for word in ("--population", "--suggest", "--json", "--by-rows", "--estimate")]
CODES = {"DEBUG": SHORT, "INFO": [*MEASURED, "RISK 1 --suggest", "PLAN 0", "PLAN 0"]}
"""What each way of the driver ends with, by the level of its log."""


def raw(lake: Path) -> None:
    """Twelve people who are alike, of two illnesses; in the tables that say so, one more who is like nobody."""
    many = [
        (f"C-{at}", "canary-town", 424242424242, ("flu", "well")[at % 2], ("canary-debt", "none")[at % 2])
        for at in range(12)
    ]
    lonely = ("C-99", GONE, 7, "flu", "none")
    for name in (*TABLES, MISSED):
        rows = many if name == "risk_met" else [*many, lonely]
        columns = dict(zip(("id", "town", "code", "ill", "debt"), zip(*rows, strict=True), strict=True))
        (lake / "raw" / name).mkdir(parents=True)
        place = lake / "raw" / name / "a.parquet"
        pq.write_table(pa.table(columns), place, compression="none", use_dictionary=False)


def tables(lake: Path) -> list[dict[str, object]]:
    """Their entries. The hierarchy is `LEVELS`, in the folder of the configuration."""
    ill = {"technique": "generalize_hierarchy", "levels_file": "ill.csv", "level": 0}
    columns = {
        "id": column({"domain": "customer"}, "direct_identifier"),
        "town": column("keep"),
        "code": column("keep"),
        "ill": column(ill, "sensitive"),
        "debt": column("keep", "sensitive"),
    }
    suppress = {"suppress": {"k": 5, "at_most": 0.2}}
    return [
        table(name, lake, columns, subject="id", risk=ASKED, **(suppress if name == "risk_suppressed" else {}))
        for name in (*TABLES, MISSED)
    ]


def told(lake: Path, name: str) -> bytes:
    """Of the log of a table that shows what was planted, what says more than its values: all but its files."""
    log = sorted((lake / "treated" / name / "_delta_log").glob("*.json"))
    lines = [line for path in log for line in path.read_bytes().splitlines()]
    return b"\n".join(line for line in lines if not line.startswith((b'{"add"', b'{"remove"')))
