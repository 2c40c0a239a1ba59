"""From what a column is to what could be done with it: the first of a kind's treatments that the column's type, its
place and the policy allow.

What to propose for a kind is a choice, and no fact about techniques: here they are meant by name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import MapKey
from jobs.configuration.entry import UNDECIDED
from jobs.detection import hints, kinds, things
from jobs.detection.kinds import Kind
from jobs.detection.recognizers import reference
from jobs.detection.scan import Found
from privacy_udfs.errors import LakenymError
from privacy_udfs.technique import plain_type
from privacy_udfs.techniques import facts_of, parse

JOINS = ("email", "phone", "iban", "payment_card", "national_id", "device_id", "person_key", "ip", "mac",
         "licence_plate", "passport", "user_name")  # fmt: skip
"""Kinds by which tables are joined: they take the domain of their name, if there is one."""
KEYED = ("device_id", "person_key", "mac")
"""Kinds that are worth nothing without a pseudonym: hashed under a key where no domain is at hand."""
GENERALIZED: Mapping[str, dict[str, Any]] = {
    "birth_date": {"technique": "generalize_date", "unit": "year"},
    "moment": {"technique": "generalize_date", "unit": "month"},
    "postal_code": {"technique": "truncate", "keep": 2},
    "ip": {"technique": "truncate_ip"},
    "coordinates": {"technique": "coarsen_location", "decimals": 1},
    "latitude": {"technique": "coarsen_location", "decimals": 1},
    "longitude": {"technique": "coarsen_location", "decimals": 1},
    "age": {"technique": "generalize_number", "width": 10},
}
KEPT = ("constant",)
"""Kinds that are known to be about nobody: the only ones of which ``keep`` is proposed."""
OPEN = ("unknown", "gender", "quasi")
"""Kinds for which nothing is proposed: it is not known what they are, or how coarse they have to be."""
SHIFTED = "date_shift would show by them how far a subject's dates are moved: state them as placeholders of date_shift"


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What the configuration offers. allowed: class -> techniques; a class that is missing is not limited."""

    domains: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    allowed: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    techniques: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """domain -> its technique"""
    prefixes: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """domain -> what it strips before ids"""


@dataclasses.dataclass(frozen=True)
class Proposal:
    """What is proposed for a leaf column: for a person to accept, never applied by itself. treatment: `UNDECIDED`
    where nothing is proposed. notes: what else a person should know, of other columns."""

    found: Found
    kind: Kind
    treatment: Any
    notes: tuple[str, ...] = ()
    may_be: tuple[tuple[str, str], ...] = ()
    """Tables and columns whose keys its values may be, which is a question."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before deciding. Of the values it names those only that stand for no date."""
        shares = self.found.evidence.placeholders
        if not shares:
            return self.notes
        listed = ", ".join(f"{day} ({kinds.percent(share)})" for day, share in shares.items())
        return (f"dates that stand for none: {listed}. {SHIFTED}", *self.notes)


def propose(found: Found, around: Surroundings, table: str = "") -> Proposal:
    """table: its name, which may say whose ids it holds."""
    return of_kind(found, kinds.decide(found.evidence, hints.of(found.path, table)), around, table)


def of_kind(found: Found, kind: Kind, around: Surroundings, table: str = "") -> Proposal:
    """What is proposed for a column that is known to be of a kind."""
    treatment = next(_fitting(found, kind, around, table))
    domain = treatment.get("domain") if isinstance(treatment, dict) and "technique" not in treatment else None
    told = (_before_key(found), whose(found, table) if found.evidence.share("reference:person") else None)
    thin = domain is not None and is_of_persons(found, kind, table) and domain not in told
    return Proposal(found, kind, treatment, (BY_NAME_ALONE.format(domain=domain),) if thin else ())


BY_NAME_ALONE = (
    "domain {domain} is proposed by the name alone, and nobody compared the values: see whether these are the same ids"
)


def _fitting(found: Found, kind: Kind, around: Surroundings, table: str) -> Iterator[Any]:
    if isinstance(found.type, T.NullType):
        yield "drop"
    if kind.name in OPEN:
        yield UNDECIDED
    in_key = isinstance(found.path.steps[-1], MapKey)
    yield from (each for each in _candidates(found, kind, around, table) if fits(found, kind, each, around))
    yield {"technique": "keyed_hash", "key": "NAME_OF_A_KEY"} if in_key else "redact"


def fits(found: Found, kind: Kind, treatment: Any, around: Surroundings) -> bool:
    """Whether a treatment is one for a column: by its place, by the policy, by its type."""
    name, limits = _technique(treatment, around), around.allowed.get(kind.class_)
    in_key = isinstance(found.path.steps[-1], MapKey)
    allowed = (facts_of(name).injective or not in_key) and (limits is None or name in limits)
    return allowed and _takes(treatment, name, found.type)


def _candidates(found: Found, kind: Kind, around: Surroundings, table: str) -> Iterator[Any]:
    if kind.name in JOINS:
        yield from ({"domain": domain} for domain in _domains(found, kind, around.domains, table))
    if kind.name in GENERALIZED:
        yield GENERALIZED[kind.name]
    if kind.name in KEPT:
        yield "keep"
    if around.keys and (kind.name in KEYED or (isinstance(found.path.steps[-1], MapKey) and kind.name not in KEPT)):
        yield {"technique": "keyed_hash", "key": around.keys[0]}
    yield from ("redact", "drop")


def _domains(found: Found, kind: Kind, domains: Sequence[str], table: str) -> Iterator[str]:
    """The domains that are called as the kind is; for keys of persons, as the thing that it is a key of, be it in
    another language."""
    if is_of_persons(found, kind, table):
        thing, at_top = whose(found, table), len(found.path.steps) == 1
        names = [thing] if thing is not None else sorted(things.of_key(str(found.path), table) if at_top else ())
        yield from (each for each in domains if hints.words(each) in names)
        yield from (each for each in domains if any(things.mean_the_same(each, name) for name in names))
    if kind.name != "person_key":
        yield from (each for each in domains if hints.words(each) in (kind.name.replace("_", " "), kind.name))


def is_of_persons(found: Found, kind: Kind, table: str) -> bool:
    """Whether a column holds keys of persons: random ids do so where the name, or the table's, says it."""
    return kind.name == "person_key" or (kind.name == "device_id" and "person_key" in hints.of(found.path, table))


def whose(found: Found, table: str) -> str | None:
    """The thing that a column holds keys of: as its references say, or its name, or its table's where that is a thing
    that is listed."""
    named = (name for name in reference.PERSONS if found.evidence.share(f"prefix:{name}/") >= 0.5)
    said = next(named, None)
    if said is not None:
        return said.lower()
    own = things.words_of(str(found.path)) - things.GENERAL
    of_table = None if own or len(found.path.steps) > 1 else things.concept(hints.own_name(table))
    return things.thing(str(found.path)) or of_table


def _before_key(found: Found) -> str | None:
    """``customer`` of ``customer_id``."""
    return next(iter(hints.words(str(found.path)).split()[-2:-1]), None)


def _technique(treatment: Any, around: Surroundings) -> str:
    if isinstance(treatment, str):
        return treatment
    return str(treatment.get("technique") or around.techniques.get(treatment["domain"], ""))


def _takes(treatment: Any, name: str, given: T.DataType) -> bool:
    if facts_of(name).keeps_type or facts_of(name).drops_column:
        return True
    parameters = {key: value for key, value in treatment.items() if key not in ("key", "domain")}
    try:
        parse({"technique": name, **parameters}).output_type(plain_type(to_arrow_type(given, timezone="UTC")))
    except (LakenymError, PySparkException, TypeError, ValueError):
        return False
    return True
