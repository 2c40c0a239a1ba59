"""The scopes of domains: how far their pseudonyms join (docs/scopes.md).

``person``: in all tables. ``relationship``: in the tables made for one recipient or purpose. ``period``: within one
period of a date of the row. ``record``: nowhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean, one_of
from jobs.configuration.made_for import MadeFor
from jobs.configuration.models import Treatment
from privacy_udfs.periods import UNITS, PeriodTechnique
from privacy_udfs.scope_labels import PERIOD, PERSON, RECORD, RELATIONSHIP, SCOPES, label
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME

STATED = ("scope", "why")
"""What an entry of domains.yaml says beside its technique and key."""
OF_PERIODS = ("period", "period_zone")
PERIOD_OF = "period_of"


def by_periods() -> list[str]:
    """The techniques whose pseudonyms may be of one period only."""
    return [name for name, cls in BY_NAME.items() if issubclass(cls, PeriodTechnique)]


def unequal() -> list[str]:
    """The techniques of a domain in which nothing joins: with a key, and with chance in each result."""
    return [
        name for name, cls in BY_NAME.items() if cls.takes_key() and not cls.deterministic and not cls.treats_within
    ]


def early_faults(document: Document, loc: Loc, value: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with the scope of an entry of domains.yaml before its technique is read."""
    scope, name = value.get("scope", PERSON), value.get("technique")
    if scope not in SCOPES:
        here = (*loc, "scope")
        shown, hint = document.show(here), did_you_mean(document.at(here), SCOPES)
        yield document.fault(here, f"expected {one_of(SCOPES)}, got {shown}{hint}")
    why = value.get("why", "said")
    if not isinstance(why, str) or not why.strip():
        yield document.fault((*loc, "why"), f"expected text that is not blank, got {document.show((*loc, 'why'))}")
    if PERIOD_OF in value:
        yield document.fault((*loc, PERIOD_OF), f"a column says it: {{domain: {loc[-1]}, {PERIOD_OF}: COLUMN}}")
    if scope == PERIOD and isinstance(name, str) and name in BY_NAME and name not in by_periods():
        message = f"{name} has no pseudonyms of periods: take {one_of(by_periods())}, or another scope"
        yield document.fault((*loc, "technique"), message)
    for each in OF_PERIODS if scope != PERIOD else ():
        if each in value:
            yield document.fault((*loc, each), "is for a domain of scope: period")
    if scope == PERIOD and "period" not in value:
        yield document.fault((*loc, "period"), f"required, and missing: one of {', '.join(UNITS)}")


def misfit(scope: str, technique: Technique) -> str | None:
    """Why a technique cannot be one of a domain of this scope; None where it can."""
    name = technique.technique
    if scope == RECORD and name not in unequal():
        what = "gives equal values equal results" if technique.deterministic else "has no key and no domain"
        return f"{name} {what}: a domain of scope: record takes {one_of(unequal())}, or redact the column"
    if scope != RECORD and not technique.deterministic:
        hint = ", as a domain of scope: record says" if name in unequal() else ""
        return f"{name} gives equal values unequal results: nothing would join{hint}"
    if scope == RELATIONSHIP and technique.key_size() is None:
        return f"{name} has no key: its results would be the same for every recipient"
    return None


def of_domain(name: str, technique: Technique, key: str | None, scope: str) -> Treatment:
    """What a domain fixes. Of a relationship the label waits for a table that says whom it is made for."""
    own = label(name, PERIOD, str(getattr(technique, "period", ""))) if scope == PERIOD else name
    return Treatment(technique, key, own, scope=scope)


def placed(treatment: Treatment, document: Document, loc: Loc, value: dict[str, Any]) -> Treatment | Fault:
    """The treatment of a column of a domain, for whom its table is made and by which date its rows have periods."""
    if treatment.scope == RELATIONSHIP:
        return _of_relationship(treatment, document, loc)
    return _of_period(treatment, document, loc, value) if treatment.scope == PERIOD else treatment


def _of_relationship(treatment: Treatment, document: Document, loc: Loc) -> Treatment | Fault:
    stated = document.data.get("made_for")
    if stated is None:
        message = f"{treatment.domain} is of scope: relationship: the table must say 'made_for', a recipient or purpose"
        return document.fault((*loc, "domain"), message)
    try:
        made_for = MadeFor.model_validate(stated)
    except ValueError:  # told where it stands
        return treatment
    return dataclasses.replace(treatment, domain=label(str(treatment.domain), made_for.kind, made_for.name))


def _of_period(treatment: Treatment, document: Document, loc: Loc, value: dict[str, Any]) -> Treatment | Fault:
    here = (*loc, PERIOD_OF)
    if PERIOD_OF not in value:
        message = "required, and missing: the domain is of scope: period, and a date or timestamp of the row says which"
        return document.fault(here, message)
    try:
        path = ColumnPath.parse(value[PERIOD_OF]) if isinstance(value[PERIOD_OF], str) else None
    except ColumnPathError:
        path = None
    if path is None:
        return document.fault(here, f"expected the path of a column, got {document.show(here)}")
    technique = treatment.technique.model_copy(update={PERIOD_OF: str(path)})
    return dataclasses.replace(treatment, technique=technique)
