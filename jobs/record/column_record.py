"""What is recorded of one column, or of one case of it: class and treatment, and what fixes its pseudonyms.

A `ColumnRecord` is written into a table's properties and into the metadata of its fields, read back from either, and
compared: the record of a table with that of another, or with what the configuration says now. Read is with caution, for
anyone who writes tables can write it: what has not the right form is told in our own words, with no more of the text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from jobs.configuration.entry import Class
from jobs.configuration.models import ColumnRule
from jobs.record.recorded_parameters import are_sound, within
from privacy_udfs.errors import LakenymError
from privacy_udfs.facts import Facts
from privacy_udfs.normalization import of_record
from privacy_udfs.scope_labels import SCOPES, context_of, scope_of
from privacy_udfs.techniques import BY_NAME, facts_of, parse

CLASSES: tuple[str, ...] = get_args(Class)
NEVER_MATTERS = "on_refused"
"""The parameter that changes no result."""
OF_OWN_TABLE = (NEVER_MATTERS, "period_of")
"""Parameters that may differ between columns that join: what else changes no result of the same value and period."""
R = TypeVar("R", bound="ColumnRecord")


class Unsound(LakenymError, ValueError):
    """What stands for an entry of a record cannot be believed; says why."""


@dataclasses.dataclass(frozen=True)
class ColumnRecord:
    """The treatment of one leaf column, or of one case of it.

    parameters: as JSON data; those that came after the technique's first release are left out while at their defaults,
    so that a treatment equals the same one in an older record. A long list stands by its count and hash.
    domain: the label that separates sub-keys, None for a technique without. key_id: the version of the key, None where
    only a configuration speaks. rows: of a case, the predicate that says which rows fall under it; None: all rows.
    keys: of texts with pseudonyms of domains within: key, key_id and key_check of each domain that has a key.
    """

    class_: str
    technique: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    domain: str | None = None
    key: str | None = None
    key_id: int | None = None
    key_check: str | None = None
    rows: str | None = None
    keys: Mapping[str, Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", _without_later(self.technique, self.parameters))

    @classmethod
    def of_rule(cls: type[R], rule: ColumnRule, domain: str | None) -> R:
        """What a configuration decides, with all parameters and no version of a key."""
        parameters = rule.treatment.technique.record()
        technique = parameters.pop("technique")
        keys = {str(part.domain): {"key": part.key} for part in rule.treatment.parts if part.key is not None} or None
        return cls(rule.class_, technique, parameters, domain, rule.treatment.key, rows=rule.rows, keys=keys)

    @classmethod
    def from_json(cls, entry: Any) -> ColumnRecord:
        """The inverse of `as_json`; what it does not know is passed over. Raises `Unsound`."""
        fault = _fault(entry)
        if fault is not None:
            raise Unsound(fault)
        return cls(entry["class"], **{name: entry[name] for name in _NAMES if name in entry})

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands in a record: what there is of it, in the order of the fields."""
        fields = {"class": self.class_, **{name: getattr(self, name) for name in _NAMES}}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def layers(self) -> tuple[int, ...]:
        """The versions of the key that values passed through, oldest first; empty: through one only."""
        return self.facts.layers_in(self.parameters)

    @property
    def key_ids(self) -> tuple[int, ...]:
        """All versions of the key that results were made with, oldest first."""
        return self.layers or (() if self.key_id is None else (self.key_id,))

    @property
    def is_raw(self) -> bool:
        """Whether the values are those of the source, or may be: of a technique that does not say what it shows."""
        return self.facts.keeps_values or self.facts.shows is None

    @property
    def leaves_values(self) -> bool:
        """Whether values of the source may be left, as a whole or within others."""
        return self.is_raw or self.facts.treats_within

    @property
    def facts(self) -> type[Facts]:
        """What is so of the technique."""
        return facts_of(self.technique)

    @property
    def gives_null(self) -> bool:
        """Whether every value became null; not where that cannot be told, of a long list recorded by its hash."""
        try:
            return parse({**self.parameters, "technique": self.technique}).gives_null()
        except LakenymError:
            return False

    @property
    def parts(self) -> tuple[ColumnRecord, ...]:
        """Of texts, for each domain whose pseudonyms stand within, what would be recorded of a column of it."""
        found = within(self.technique, self.parameters)
        return tuple(self._part(domain, *treatment) for domain, treatment in found.items())

    def _part(self, domain: str, technique: str, parameters: Mapping[str, Any]) -> ColumnRecord:
        key = (self.keys or {}).get(domain, {})
        known = {name: key.get(name) for name in ("key", "key_id", "key_check")}
        return ColumnRecord(self.class_, technique, parameters, domain, **known)

    @property
    def each(self) -> tuple[ColumnRecord, ...]:
        """Itself and its parts: all that may name a key or a domain."""
        return (self, *self.parts)

    @property
    def scope(self) -> str:
        """How far its pseudonyms join, as docs/scopes.md has it; ``person`` of what has no domain too."""
        return scope_of(self.domain, self.facts.deterministic or self.domain is None)

    @property
    def context(self) -> tuple[str, str] | None:
        """What its scope is of: ``("recipient", "research-lab")``, ``("purpose", ...)`` or ``("period", "month")``."""
        return context_of(self.domain)

    def joins_farther_than(self, other: ColumnRecord) -> bool:
        """Whether its scope is the wider one, of two that have a domain and a key."""
        both = None not in (self.domain, self.key, other.domain, other.key)
        return both and SCOPES.index(self.scope) > SCOPES.index(other.scope)

    # -- compared -----------------------------------------------------------------------------------------------------

    def differing(self, other: ColumnRecord) -> list[str]:
        """The names of the fields in which two records differ, in the order of the fields."""
        names = [field.name for field in dataclasses.fields(self)]
        return [name for name in names if getattr(self, name, None) != getattr(other, name, None)]

    def contradicting(self, other: ColumnRecord) -> list[str]:
        """As `differing`, without the fields of which one of the two says nothing."""
        differing = self.differing(other)
        return [name for name in differing if None not in (getattr(self, name, None), getattr(other, name, None))]

    def differing_parameters(self, other: ColumnRecord) -> list[str]:
        """The names of the parameters in which two records of one technique differ, but for `OF_OWN_TABLE`."""
        one, two = self.parameters, other.parameters
        names = [name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]
        return [name for name in names if name not in OF_OWN_TABLE]

    def continues(self, before: ColumnRecord) -> bool:
        """Whether this is what ``before`` becomes under further layers of its key, whose first ones are those that
        results were made with already."""
        known, told = before.key_ids, (str(before.key_check), str(self.key_check))
        further = before.key_check is not None and told[1].startswith(f"{told[0]}.")
        fields = {*before.differing(self)} <= {"parameters", "key_id", "key_check"}
        same = {*before.differing_parameters(self)} <= {"layers"}
        return fields and same and further and bool(known) and self.layers[: len(known)] == known != self.layers

    def why_other_results(self, other: ColumnRecord) -> str | None:
        """Why equal values of two columns have unequal results, of techniques that give equal values equal ones."""
        differing = self.differing(other)
        if self.layers != other.layers and not {"technique", "domain", "key"} & {*differing}:
            one, two = (" then ".join(map(str, each.key_ids)) for each in (self, other))
            return f"key {self.key} in layers, {one} and {two}, gives different pseudonyms: move the one with fewer"
        reason = next((words for name, words in _OTHER_RESULTS.items() if name in differing), None)
        if reason is not None:
            return reason.format(one=self, other=other)
        named = self.differing_parameters(other)
        if named == ["normalize"]:
            one, two = (", ".join(of_record(each.parameters.get("normalize", ()))) for each in (self, other))
            return f"normalize is [{one}] and [{two}]: treat the older table anew"
        return f"other parameters ({', '.join(named)}) give different results" if named else None


_NAMES = tuple(field.name for field in dataclasses.fields(ColumnRecord) if field.name != "class_")
_OTHER_RESULTS = {
    "technique": "{one.technique} and {other.technique} give different results",
    "domain": "domains {one.domain} and {other.domain} cannot be linked, by intention",
    "key": "keys {one.key} and {other.key} give different pseudonyms",
    "key_id": "versions {one.key_id} and {other.key_id} of key {one.key}: treat the older table anew",
    "keys": "the entities within have other keys, or other versions of them",
    "key_check": "two keys are called {one.key} and have the id {one.key_id}: one table was treated with the wrong one",
}
"""What fixes results beside the parameters, the coarsest first."""


def _without_later(technique: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    later = BY_NAME[technique].later() if technique in BY_NAME else {}
    return {name: value for name, value in parameters.items() if name not in later or value != later[name]}


# -- what cannot be believed ------------------------------------------------------------------------------------------


def _fault(entry: Any) -> str | None:
    """Why an entry says nothing that can be believed; None where it does."""
    if not isinstance(entry, dict):
        return "its entry is no object"
    if entry.get("class") not in CLASSES:
        return "its class is none of ours"
    if not isinstance(entry.get("technique"), str) or entry["technique"] not in BY_NAME:
        return "its technique is none of ours"
    if not isinstance(entry.get("parameters"), dict):
        return f"its parameters of {entry['technique']} are no object"
    wrong = _no_text(entry, "domain", "key", "key_check", "rows") or _unkeyed(entry) or _wrong_parameters(entry)
    return wrong or _wrong_layers(entry) or _wrong_keys(entry)


def _no_text(entry: Mapping[str, Any], *names: str) -> str | None:
    wrong = [name for name in names if not isinstance(entry.get(name), (str, type(None)))]
    return f"its {wrong[0]} is no text" if wrong else None


def _unkeyed(entry: Mapping[str, Any]) -> str | None:
    """What names a key names its version too. A technique without a key may not pass for one with a key."""
    key, key_id = entry.get("key"), entry.get("key_id")
    if key is not None and (not isinstance(key_id, int) or isinstance(key_id, bool)):
        return "its key has no version"
    return "it names a version of no key" if key is None and key_id is not None else None


def _wrong_parameters(entry: Mapping[str, Any]) -> str | None:
    name, needs = entry["technique"], BY_NAME[entry["technique"]].takes_key()
    if not are_sound(name, entry["parameters"]):
        return f"{name} has no such parameters"
    wanted = "with a key" if needs else "without a key"
    return None if needs == (entry.get("key") is not None) else f"{name} is a technique {wanted}"


def _wrong_layers(entry: Mapping[str, Any]) -> str | None:
    """The version that an entry names is the last that its values passed through."""
    stated = entry["parameters"].get("layers")
    if isinstance(stated, Mapping):
        return "its layers are not told"
    layers = BY_NAME[entry["technique"]].layers_in(entry["parameters"])
    return None if not layers or layers[-1] == entry.get("key_id") else "its version of the key is not its last layer"


def _wrong_keys(entry: Mapping[str, Any]) -> str | None:
    """Each domain within that has a key names it, with its version; no other does."""
    keys = entry.get("keys") or {}
    found = within(entry["technique"], entry["parameters"])
    keyed = {domain for domain, (name, _) in found.items() if BY_NAME[name].takes_key()}
    if not isinstance(keys, dict) or keys.keys() != keyed:
        return "its keys are not those of its domains" if keys or keyed else None
    return next(filter(None, map(_wrong_key, keys.values())), None)


def _wrong_key(key: Any) -> str | None:
    if not isinstance(key, dict) or not isinstance(key.get("key"), str) or key.keys() - {"key", "key_id", "key_check"}:
        return "a key of one of its domains is none"
    return _no_text(key, "key_check") or _unkeyed(key)
