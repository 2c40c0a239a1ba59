"""The record of processing of a table, GDPR Art. 30(1), from its entry, the policy and ``controller.yaml``.

What nobody stated is told as `NOT_STATED`, and never guessed; an empty list was stated: there is none. What the
configuration does to the table is told as measures, in its own words.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from jobs.configuration import asked_risk
from jobs.configuration.config import Config
from jobs.configuration.kinds import KINDS
from jobs.configuration.models import TableConfig, Treatment
from jobs.configuration.processing_entry import Contact
from privacy_udfs.scope_labels import PERIOD, PERSON, RELATIONSHIP, domain_of

NOT_STATED = "not stated"
ASKED = (
    "controller", "joint_controllers", "representative", "data_protection_officer", "purposes", "legal_basis",
    "data_subjects", "data_categories", "recipients", "transfers", "erasure", "measures",
)  # fmt: skip
"""What a person states, in the order of the article; each may be `NOT_STATED`."""
ARTICLE = "Regulation (EU) 2016/679 (GDPR), Art. 30(1)"

Json = dict[str, Any]


def of_tables(conf: Config, tables: Iterable[str]) -> Json:
    """The records of some tables as plain data: equal for equal configurations."""
    records = [of_table(conf, conf.tables[name]) for name in tables]
    return {"article": ARTICLE, "software": f"lakenym {version('lakenym')}", "records": records}


def of_table(conf: Config, table: TableConfig) -> Json:
    """The record of one table."""
    given = table.processing
    transfers = given.transfers
    return {
        "table": table.name,
        "owner": table.owner,
        **_controller(conf),
        "purposes": _listed(of_made_for(table, "purpose", given.purposes)),
        "legal_basis": given.legal_basis or NOT_STATED,
        "data_subjects": _listed(given.data_subjects),
        "data_categories": _listed(given.data_categories),
        "classes": dict(Counter(rules[0].class_ for rules in (each.cases for each in table.decisions.values()))),
        "kinds": _kinds(table),
        "recipients": _listed(of_made_for(table, "recipient", given.recipients)),
        "transfers": NOT_STATED if transfers is None else [each.model_dump() for each in transfers],
        "erasure": _erasure(table),
        "measures": _listed(given.measures),
        "measures_of_treatment": list(_measures(conf, table)),
        "review_by": NOT_STATED if table.review_by is None else table.review_by.isoformat(),
        "source": table.source.describe(),
        "target": place_of(table),
        "policy": conf.policy.version,
        "profiles": [str(profile) for profile in conf.policy.profile],
    }


def of_made_for(table: TableConfig, kind: str, stated: Sequence[str] | None) -> Sequence[str] | None:
    """The recipients, or the purposes: as the processing states them, else the one that the table is made for."""
    made_for = table.made_for
    return (made_for.name,) if stated is None and made_for is not None and made_for.kind == kind else stated


def place_of(table: TableConfig) -> str:
    """Where the treated table is, without what a URI may hold before its host."""
    return table.target.table or f"delta:{re.sub('//[^/@]*@', '//', str(table.target.path))}"


def not_stated(record: Mapping[str, Any]) -> list[str]:
    """What of a record nobody stated."""
    return [name for name in ASKED if record[name] == NOT_STATED]


def _controller(conf: Config) -> Json:
    found = conf.controller
    if found is None:
        return dict.fromkeys(ASKED[:4], NOT_STATED)
    others = found.joint_controllers
    return {
        "controller": found.controller.model_dump(),
        "joint_controllers": NOT_STATED if others is None else [each.model_dump() for each in others],
        "representative": _contact(found.representative),
        "data_protection_officer": _contact(found.data_protection_officer),
    }


def _contact(given: Contact | None) -> Json | str:
    return NOT_STATED if given is None else given.model_dump()


def _listed(given: Sequence[str] | None) -> list[str] | str:
    return NOT_STATED if given is None else list(given)


def _kinds(table: TableConfig) -> Json:
    """Kinds that columns are stated to hold, each with its meaning."""
    stated = sorted({rule.kind for rule in table.columns.values() if rule.kind is not None})
    return {kind: KINDS[kind].means for kind in stated}


def _erasure(table: TableConfig) -> Json | str:
    """The time limits, of the table and of columns that have their own."""
    columns = {path: rule.retention for path, rule in table.columns.items() if rule.retention is not None}
    if table.retention is None and not columns:
        return NOT_STATED
    return {"table": table.retention or NOT_STATED, "columns": columns}


def _measures(conf: Config, table: TableConfig) -> Iterator[str]:
    """What the configuration does, Art. 32(1)."""
    yield from _treatments(table)
    yield from _scopes(table)
    yield from _keys(conf, table)
    for measure, bound in asked_risk.of(conf.policy, table).asked().items():
        yield f"runs are held to {measure} {bound:g} before their rows are visible"
    if table.mondrian is not None:
        yield f"quasi-identifiers are cut into boxes of {table.mondrian.k} or more, which have one value each"
    if table.suppress is not None:
        yield f"rows in classes of fewer than {table.suppress.k} are left out"
    if table.is_shuffled:
        yield "rows are written in a random order"
    if table.on_refused == "quarantine":
        yield "rows with values that cannot be treated are set aside, encrypted"
    else:
        yield "a run stops before it commits where a value cannot be treated"
    if table.rows is not None:
        yield "rows are selected by a predicate"


def _treatments(table: TableConfig) -> Iterator[str]:
    found: Counter[tuple[str, str, str]] = Counter()
    for rule in table.columns.values():
        technique = rule.treatment.technique
        found[technique.technique, technique.algorithm_in_use() or "", rule.class_] += 1
    for (name, algorithm, class_), number in sorted(found.items()):
        how = f"{name} ({algorithm})" if algorithm else name
        yield f"{how}: {number} {class_} column{'s' if number > 1 else ''}"


def _scopes(table: TableConfig) -> Iterator[str]:
    """How far pseudonyms join, where that is less far than they could."""
    if table.made_for is not None:
        yield f"the table is made for one {table.made_for.kind}: {table.made_for.name}"
    treatments = [rule.treatment for rule in table.columns.values() if rule.treatment.scope != PERSON]
    for scope, domain, unit in sorted({_scope(each) for each in treatments}):
        if scope == RELATIONSHIP:
            yield f"domain {domain}: other pseudonyms for every recipient and purpose"
        elif scope == PERIOD:
            yield f"domain {domain}: other pseudonyms in every {unit}"
        else:
            yield f"domain {domain}: another pseudonym for every value, so that no two rows join"


def _scope(treatment: Treatment) -> tuple[str, str, str]:
    return treatment.scope, domain_of(treatment.domain), str(getattr(treatment.technique, "period", ""))


def _keys(conf: Config, table: TableConfig) -> Iterator[str]:
    named = {each.key for rule in table.columns.values() for each in rule.treatment.each if each.key is not None}
    for name in sorted(named):
        entry = conf.keys[name]
        at_rest = "not encrypted by another key" if entry.kek is None else "encrypted by a key-encryption key"
        yield f"key {name}: a keyset that is {at_rest}"


# -- as a table ---------------------------------------------------------------------------------------------------


def as_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """A row for each table, a list in a cell by ``; ``. As RFC 4180 has it, with a line of names."""
    out = io.StringIO(newline="")
    names = list(records[0]) if records else []
    lines = csv.writer(out)
    lines.writerow(names)
    lines.writerows([_cell(record[name]) for name in names] for record in records)
    return out.getvalue()


def _cell(value: Any) -> str:
    """As text. What a spreadsheet would take for a formula is none behind an apostrophe."""
    text = _text(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_text, value)) or "none"
    return str(value)
