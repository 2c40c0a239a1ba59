"""Facts for pages, made up: every section filled, names that attack the page, a hundred columns."""

from __future__ import annotations

import dataclasses
from typing import Any

from jobs.report_pages.facts.evidence_facts import (
    AuditHead,
    Check,
    Drift,
    Drifts,
    KeyVersion,
    Run,
    Runs,
    Verification,
)
from jobs.report_pages.facts.lake_facts import Joins, LakeFacts, Linked
from jobs.report_pages.facts.plain import Missing, Notice
from jobs.report_pages.facts.table_facts import (
    Band,
    Column,
    Head,
    Join,
    Lineage,
    Measured,
    TableFacts,
    Treatment,
    Use,
    Way,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "\" onload=\"alert(1)' x='",
    "</style></title><img src=x onerror=alert(1)>",
    "a\u202egnp.exe",
    "\u05d0\u05d1\u05d2 \u0645\u0631\u062d\u0628\u0627",
    "&lt;b&gt;&amp;#x3c;",
    "n" * 200,
    "line\nbreak\x00\x07",
)
"""Texts that a page must show, and must not obey."""
NEVER = Missing(
    "the table was never treated: nothing is at its target", "python jobs/pseudonymize.py --conf CONF --table t"
)
CLASSES = ("direct_identifier", "quasi_identifier", "sensitive", "non_personal")


def treatment(**more: Any) -> Treatment:
    given = {
        "technique": "generalize_date",
        "parameters": {"unit": "year"},
        "domain": None,
        "key": None,
        "key_id": None,
        "case": None,
        "why": "age analysis",
        "learns": "a part of the value, or a coarser one",
        "way_back": None,
        "is_deterministic": True,
        "protects": True,
    }
    return Treatment(**{**given, **more})


def columns(many: int = 100) -> tuple[Column, ...]:
    """The first ones with hostile names and reasons; of every class, every ninth dropped, one undecided."""
    names = [*HOSTILE, *(f"address.part_{at}" for at in range(many - len(HOSTILE)))]
    found = [
        Column(
            name,
            CLASSES[at % 4],
            None if at % 9 == 8 else "string",
            (treatment(why=HOSTILE[at % 8], key="crm", key_id=7),),
        )
        for at, name in enumerate(names)
    ]
    cases = tuple(treatment(case=f"when {at}", is_deterministic=False, way_back="none") for at in (1, 2))
    return (
        *found,
        Column("undecided", None, "int", ()),
        Column("cases", "sensitive", "int", cases, ("kept for 90 days",)),
    )


def measured(**more: Any) -> Measured:
    chances: dict[tuple[str, str], float | str] = {
        (who, what): share
        for who in ("prosecutor", "journalist")
        for what, share in (("highest", 0.5), ("average", 0.043), ("at_risk", "< 0.0001"))
    }
    bands = (Band("2 to 4", 31, "below"), Band("5 to 9", 1_200, "above"), Band("10 to 19", 88_000, "above"))
    given = {
        "counted": "people",
        "by": HOSTILE[:3],
        "many": 89_231,
        "classes": 8_810,
        "k": 2,
        "uniques": 0,
        "threshold": 0.2,
        "chances": {**chances, ("marketer", "average"): 0.043},
        "bands": bands,
        "wanted_k": 5,
        "sensitive": {"income": {"distinct_l": 1, "t": 0.42, "alpha": 1.0}},
        "missed": ("k is 2, the policy wants 5",),
        "notes": ("Not measured, since a row has several values there: items[].sku.",),
    }
    return Measured(**{**given, **more})


def lineage(of: tuple[Column, ...]) -> Lineage:
    own = [
        Way(each.path, None if each.type_ is None else each.path, "treated", "generalize_date", each.path.endswith("1"))
        for each in of
    ]
    beside = [
        Way(of[0].path, of[4].path, "decides", "the subject"),
        Way("address.part_40", "address.part_41", "decides", "looked for in the text"),
        Way("cases", None, "decides", "decides which rows are read"),
    ]
    return Lineage(
        "parquet:/lake/raw/t", "delta:/lake/treated/t", (*own, *beside), {c.path: c.class_ or "" for c in of}
    )


def audit() -> AuditHead:
    note = (
        "lakenym.example.org/test\n21\ncbMtXScqrwqlI47RqJ6GxC30+I353f3OHru+80vZNwc=\n\n\u2014 lakenym.example.org/test "
        + "A" * 90
    )
    kinds = {"run_committed": 6, "key_use": 9}
    return AuditHead("lakenym.example.org/test", 21, "cbMtXScq" * 5, kinds, 1, note, 19, "no key at hand has signed it")


def full(name: str = "crm.customers", **more: Any) -> TableFacts:
    """A table of which everything is known."""
    own = columns()
    drifts = (
        Drift("income", 0.33, 0.1, "alert", ("its values are spread otherwise: population stability index 0.33",)),
        Drift(HOSTILE[0], 0.02, 0.0),
        Drift("id", None, 0.0),
    )
    checks = (Check("record", "holds", 0), Check("survivors", "fails", 3), Check("rows anew", "not checked", 0))
    facts = TableFacts(
        name,
        "privacy@example.org",
        "2026-11-28",
        Head(41, "2026-11-27 03:12 UTC", "5e1f-run", "ab" * 32, "cd" * 32, False, "2026-11", "lakenym 0.1", "", 5),
        own,
        Use(
            (("Use as they stand:", HOSTILE[:4]),),
            (("Take this table for anonymous.", ()), ("Look for who somebody is:", tuple(c.path for c in own[:60]))),
            (Join("customer", "customer_id", (("crm.orders", "customer_id"),)),),
            (("Owner", "privacy@example.org"), ("Purposes", HOSTILE[0]), ("To be reviewed by", "2027-01-31")),
        ),
        measured(k=1, uniques=61_000, notes=()),
        measured(),
        Drifts("2026-11-27T04:00:00+00:00", 41, drifts, (("warn", "120 rows stand in quarantine"),)),
        Verification(40, "FAILS", False, checks, ("email", HOSTILE[1]), (("born", "dates are not looked for"),)),
        (
            KeyVersion("crm", 7, "enabled", True, "2026-01-02", 330, 4),
            KeyVersion("old", 3, "unknown", None, "", None, 0),
        ),
        audit(),
        lineage(own),
        Runs(
            (Run(41, "2026-11-27 03:12 UTC", "a run", "full", 89_231, "k 2"), Run(40, "", "others", "WRITE", None)), 3
        ),
        (
            Notice("alert", "others", f"{HOSTILE[0]}: version 40 (WRITE) is of no run"),
            Notice("warn", "review", "is due"),
        ),
    )
    return dataclasses.replace(facts, **more)


def bare(name: str = "web.never") -> TableFacts:
    """A table of which nothing is known but what is decided."""
    use = Use((), (("Take this table for anonymous.", ()),), (), (("To be reviewed by", "not stated"),))
    return TableFacts(
        *(name, "privacy@example.org", "2026-11-28", NEVER, columns(12), use),
        *(NEVER, NEVER, NEVER, NEVER, (), NEVER, NEVER, NEVER, ()),
    )


def lake() -> LakeFacts:
    """Of both, whose domains span many tables."""
    links = tuple(
        Linked(
            f"domain_{at}",
            "format_preserving_encryption",
            "crm",
            ((f"crm.t{at}", "id"), (f"crm.t{at + 1}", HOSTILE[at])),
        )
        for at in range(4)
    )
    joins = Joins(links, ("web.never",), ("customer: a id and b id: versions differ",), (("crm.gone", "is not there"),))
    house = (Notice("alert", "key_age", "key crm is 400 days old"),)
    keys = (KeyVersion("crm", 7, "enabled", True, "2026-01-02", 330, 4),)
    return LakeFacts("2026-11-28", "2026-11", ("hipaa@1",), (full(), bare()), joins, keys, house, audit())
