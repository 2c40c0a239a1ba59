"""From the text of a treatment to the `Treatment` it means.

A column has a ``treatment``, or under ``when`` cases that each have one. A treatment is written ``keep``, ``drop`` or
``redact``; or ``{domain: NAME}``, all else being fixed in domains.yaml; or a technique with its parameters, and for
keyed ones a ``key`` and, unless the column's own is meant, a ``domain``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from jobs.configuration import entity_domains, scope_entry, subject_keys_entry, vault_entry
from jobs.configuration.documents import NAME_PATTERN, Document, Fault, Loc, describe, did_you_mean, one_of
from jobs.configuration.entry import ASK, PATTERNS, UNDECIDED, no_technique
from jobs.configuration.explain import explain, unknown_key
from jobs.configuration.hierarchy_file import LEVELS_FILE, Hierarchies
from jobs.configuration.models import Treatment
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.configuration.variables import marks_variable
from jobs.configuration.vault_entry import VaultEntry
from privacy_udfs.scope_labels import PERIOD, PERSON
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME

NO_VAULT = "0" * 32
"""The id of one that is at fault itself, so that no more is said of it."""
LONGEST_KEY_SHOWN = 24
"""Longer names of keys that do not exist are not shown: they may be key material that someone pasted."""

ONLY_OF_DOMAINS = "layers are those of a domain, for all its columns: state them in domains.yaml, and name the domain"


def words() -> dict[str, str]:
    """The treatments that are written as one word, and what each says."""
    return {name: cls.word for name, cls in BY_NAME.items() if cls.word is not None}


class DraftCase(NamedTuple):
    """rows: which rows it is for, None for all. loc: where it stands. treatment: None where it is at fault."""

    rows: str | None
    loc: Loc
    treatment: Treatment | None


@dataclasses.dataclass
class Resolver:
    """Resolves treatments and collects what is wrong with them.

    keys: the names in keys.yaml. domains: those in domains.yaml, None for one that is itself at fault. Either is None
    when its file cannot be read: then nothing is said of names. subject_keys: of keys that are not at fault, their
    tables of keys of subjects.
    """

    faults: list[Fault]
    hierarchies: Hierarchies
    keys: Collection[str] | None
    domains: dict[str, Treatment | None] | None = None
    subject_keys: Mapping[str, SubjectKeysEntry | None] = dataclasses.field(default_factory=dict)

    def decisions(self, document: Document, loc: Loc, value: Any) -> list[DraftCase]:
        """What the entry of a column at ``loc`` decides: one treatment for all rows, or one for each of its cases."""
        if not isinstance(value, dict):
            return [DraftCase(None, loc, None)]
        cases = value.get("when")
        if cases is not None and "treatment" in value:
            self._fault(document, (*loc, "when"), "expected either 'treatment' or 'when', got both")
        if cases is not None:
            return self._cases(document, (*loc, "when"), cases) if isinstance(cases, list) else []
        if "treatment" not in value:
            self._fault(document, (*loc, "treatment"), "required, and missing")
            return [DraftCase(None, loc, None)]
        return [DraftCase(None, loc, self.column(document, (*loc, "treatment"), value["treatment"]))]

    def _cases(self, document: Document, loc: Loc, cases: list[Any]) -> list[DraftCase]:
        if len(cases) < 2:
            self._fault(document, loc, f"expected at least two cases, got {len(cases)}")
        self.faults += _same_predicates(document, loc, cases)
        return [self._case(document, (*loc, at), case) for at, case in enumerate(cases)]

    def _case(self, document: Document, loc: Loc, case: Any) -> DraftCase:
        if not isinstance(case, dict):
            return DraftCase("", loc, None)
        self.faults += predicate_faults(document, (*loc, "rows"))
        here = (*loc, "treatment")
        treatment = self.column(document, here, case["treatment"]) if "treatment" in case else None
        if treatment is not None and treatment.technique.by_vault:
            name = treatment.technique.technique
            self._fault(document, here, f"{name} is for all rows of a column: no case of 'when' can have it")
        if treatment is not None and treatment.technique.drops_column:
            self._fault(document, here, "a column is there for all rows or for none: 'redact' makes it null in some")
        return DraftCase(str(case.get("rows")), loc, treatment)

    def column(self, document: Document, loc: Loc, value: Any) -> Treatment | None:
        """The treatment written at ``loc`` of a catalog file. ``value``: the same, variables expanded."""
        if isinstance(value, str):
            return self._word(document, loc, value)
        if not isinstance(value, dict):
            self._fault(document, loc, f"expected a treatment, got {document.show(loc)}")
        elif "technique" in value:
            return self._with_technique(document, loc, value)
        elif "domain" in value:
            return self._of_domain(document, loc, value)
        else:
            self._neither(document, loc, value, ("technique", "domain"))
        return None

    def domain(self, document: Document, name: str, value: Any) -> Treatment | None:
        """The treatment that an entry of domains.yaml fixes."""
        loc = (name,)
        if not isinstance(value, dict):
            self._fault(document, loc, f"expected 'technique' with its parameters, got {document.show(loc)}")
            return None
        before = len(self.faults)
        if value.get("technique") == entity_domains.OF_TEXTS:
            self._fault(document, (*loc, "technique"), "a domain is of values, and this is of texts that hold such")
            return None
        self.faults += scope_entry.early_faults(document, loc, value)
        if len(self.faults) > before:
            return None
        value, vault = self._with_vault(document, loc, value, of_domain=True)
        technique = self._technique(document, loc, value, ("key", *scope_entry.STATED))
        key, scope = self._key(document, loc, value, technique), value.get("scope", PERSON)
        misfit = None if technique is None else scope_entry.misfit(scope, technique)
        if misfit is not None:
            self._fault(document, loc, misfit)
        if vault is not None and scope != PERSON:
            self._fault(document, (*loc, "scope"), "tokens join wherever their vault serves: they are of scope person")
        if technique is None or len(self.faults) > before:
            return None
        return dataclasses.replace(scope_entry.of_domain(name, technique, key, scope), vault=vault)

    def _with_vault(
        self, document: Document, loc: Loc, value: dict[str, Any], of_domain: bool
    ) -> tuple[dict[str, Any], VaultEntry | None]:
        """The parameters of a technique with a vault, with the vault's id, and the vault; of others as they are."""
        if not vault_entry.has_vault(value.get("technique")):
            return value, None
        parameters = dict(value)
        vault = vault_entry.read(parameters, document, loc, self.faults, of_domain)
        return ({**parameters, vault_entry.KEY: NO_VAULT} if vault is None else parameters), vault

    def _word(self, document: Document, loc: Loc, word: str) -> Treatment | None:
        if word == UNDECIDED:
            self._fault(document, loc, f"{ASK}, and 'keep' is a decision too")
            return None
        known = words()
        if word in known:
            return Treatment(BY_NAME[word].model_validate({}))
        form = "technique" if word in BY_NAME else "domain" if word in (self.domains or ()) else None
        hint = f"; did you mean {{{form}: {document.at(loc)}}}?" if form else did_you_mean(document.at(loc), known)
        expected = f"expected {', '.join(map(repr, known))}, {{domain: ...}} or {{technique: ...}}"
        self._fault(document, loc, f"{expected}, got {document.show(loc)}{hint}")
        return None

    def _of_domain(self, document: Document, loc: Loc, value: dict[str, Any]) -> Treatment | None:
        name = self._name(document, (*loc, "domain"), value["domain"])
        found = None if name is None else (self.domains or {}).get(name)
        by_period = found is None or found.scope == PERIOD  # of a domain that is at fault itself no more is said
        for other in value.keys() - {"domain", *([scope_entry.PERIOD_OF] if by_period else [])}:
            self._fault(document, (*loc, other), "a domain fixes everything in domains.yaml: name it alone")
        if name is None or self.domains is None:
            return None
        if name not in self.domains:
            hint = did_you_mean(document.at((*loc, "domain")), self.domains)
            self._fault(document, (*loc, "domain"), f"domains.yaml has no {document.show((*loc, 'domain'))}{hint}")
        made = None if found is None else scope_entry.placed(found, document, loc, value)
        if isinstance(made, Fault):
            self.faults.append(made)
            return None
        return made

    def _with_technique(self, document: Document, loc: Loc, value: dict[str, Any]) -> Treatment | None:
        if by_period := value.keys() & {*scope_entry.OF_PERIODS, scope_entry.PERIOD_OF}:
            message = "periods are of a domain of scope: period in domains.yaml, which a column names"
            self._fault(document, (*loc, min(by_period)), message)
            return None
        value, _ = self._with_vault(document, loc, value, of_domain=False)
        technique = self._technique(document, loc, value, ("key", "domain"))
        key = self._key(document, loc, value, technique)
        domain = self._name(document, (*loc, "domain"), value["domain"]) if "domain" in value else None
        if technique is None:
            return None
        if technique.layer_ids():
            self._fault(document, (*loc, "layers"), ONLY_OF_DOMAINS)
            return None
        treatment = Treatment(technique, key, domain, entity_domains.parts(technique, self.domains))
        declared = (self.domains or {}).get(domain or "")
        if declared is not None and declared != treatment:
            message = "domains.yaml fixes another treatment for this domain: write {domain: ...} alone, or another name"
            self._fault(document, (*loc, "domain"), message)
            return None
        return treatment

    def _technique(
        self, document: Document, loc: Loc, value: dict[str, Any], also: tuple[str, ...]
    ) -> Technique | None:
        name = value.get("technique")
        cls = BY_NAME.get(name) if isinstance(name, str) else None
        if cls is None:
            self._no_technique(document, loc, value)
            return None
        parameters = {key: item for key, item in value.items() if key not in also}
        if entity_domains.NAMING[0] in cls.model_fields:
            faults = entity_domains.put_into(parameters, document, loc, self.domains)
            self.faults += faults
            if faults or self.domains is None or None in map(self.domains.get, entity_domains.named(value)):
                return None  # of a domain that is at fault itself no more is said
        if "levels" in cls.model_fields:
            also = (*also, LEVELS_FILE)
            if not self.hierarchies.put_into(parameters, document, loc):
                return None
        faults = list(subject_keys_entry.put_into(parameters, value.get("key"), document, loc, self.subject_keys))
        self.faults += faults
        try:
            return cls.model_validate(parameters, by_alias=True, by_name=False)
        except ValidationError as error:
            self.faults += explain(error, document, loc, cls, also)
            return None

    def _no_technique(self, document: Document, loc: Loc, value: dict[str, Any]) -> None:
        here = (*loc, "technique")
        if "technique" not in value:
            self._neither(document, loc, value, ("technique",))
        elif isinstance(document.at(here), str):
            self._fault(document, here, no_technique(document.at(here)))
        else:
            self._fault(document, here, f"expected the name of a technique, got {document.show(here)}")

    def _neither(self, document: Document, loc: Loc, value: dict[str, Any], wanted: tuple[str, ...]) -> None:
        misspelt = [key for key in value if did_you_mean(key, wanted)]
        for key in misspelt:
            self._fault(document, (*loc, key), unknown_key(key, wanted))
        if not misspelt:
            self._fault(document, loc, f"expected {one_of(wanted)}, and it is missing")

    def _key(self, document: Document, loc: Loc, value: dict[str, Any], technique: Technique | None) -> str | None:
        here = (*loc, "key")
        keyed = _is_keyed(value.get("technique"), technique)
        if "key" not in value:
            if keyed:
                self._fault(document, here, f"required, and missing: {value['technique']} needs the name of a key")
            return None
        if keyed is False:
            self._fault(document, here, f"{value['technique']} takes no key")
            return None
        name = self._name(document, here, value["key"], secret=True)
        if name is not None and self.keys is not None and name not in self.keys:
            hint = did_you_mean(document.at(here), self.keys)
            shown = "key of that name" if len(name) > LONGEST_KEY_SHOWN else document.show(here)
            self._fault(document, here, f"keys.yaml has no {shown}{hint}")
        return name

    def _name(self, document: Document, loc: Loc, name: Any, secret: bool = False) -> str | None:
        if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name):
            return name
        shown = describe(document.at(loc), secret)
        self._fault(document, loc, f"expected {PATTERNS[NAME_PATTERN]}, got {shown}")
        return None

    def _fault(self, document: Document, loc: Loc, message: str) -> None:
        self.faults.append(document.fault(loc, message))


def _is_keyed(name: Any, technique: Technique | None) -> bool | None:
    """Whether a technique takes a key; by its class alone where its parameters are at fault; None if there is none."""
    if technique is not None:
        return technique.key_size() is not None
    cls = BY_NAME.get(name) if isinstance(name, str) else None
    return None if cls is None else cls.takes_key()


def predicate_faults(document: Document, loc: Loc) -> Iterator[Fault]:
    """A predicate stands in the record as it is written, and nothing of the environment does."""
    if loc in document.lines and marks_variable(document.at(loc)):
        yield document.fault(loc, "a predicate is recorded as it stands: expected one without variables ('${')")


def _same_predicates(document: Document, loc: Loc, cases: list[Any]) -> Iterator[Fault]:
    """Rows of one case are rows of the other: none would ever fall under exactly one."""
    first: dict[str, int] = {}
    for at, case in enumerate(cases):
        rows = case.get("rows") if isinstance(case, dict) else None
        if isinstance(rows, str) and first.setdefault(rows.strip(), at) != at:
            yield document.fault((*loc, at, "rows"), "is the predicate of another case too")
