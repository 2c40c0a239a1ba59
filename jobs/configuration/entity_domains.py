"""What stands in place of what a `treat_entities` finds, by the name of a domain or as ``redact``.

In the configuration ``entities: {email: crm.email}`` names a domain of domains.yaml for a kind, and ``known: {name:
crm.person}`` one for the values of another column; the technique gets what that domain fixes. ``known_elsewhere:
{crm.person: [crm.customers.name]}`` names a domain and columns of the catalog (see `known_elsewhere`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration.documents import Document, Fault, Loc, did_you_mean
from jobs.configuration.models import Treatment
from privacy_udfs.scope_labels import PERSON
from privacy_udfs.technique import Technique
from privacy_udfs.techniques._replacements import REDACT, keyless, misfit
from privacy_udfs.techniques.treat_entities import TreatEntities

NAMING = ("entities", "known", "presidio")
"""The parameters that name domains."""
ELSEWHERE, ALL = "known_elsewhere", "all"
"""The parameter that names domains and columns, and what stands for all columns of the domain."""
OF_TEXTS = str(TreatEntities.model_fields["technique"].default)

Domains = Mapping[str, Treatment | None]


def put_into(parameters: dict[str, Any], document: Document, loc: Loc, domains: Domains | None) -> list[Fault]:
    """Replace the names of domains in ``parameters`` by what they fix; what is wrong with them. domains: as the
    `Resolver` knows them, None where their file cannot be read: then nothing is said, and nothing can be replaced."""
    written = {each: parameters[each] for each in NAMING if isinstance(parameters.get(each), dict)}
    named = [((*loc, each, kind), name) for each, names in written.items() for kind, name in names.items()]
    faults = [fault for here, name in named for fault in _faults(document, here, name, domains)]
    elsewhere = parameters.get(ELSEWHERE)
    if isinstance(elsewhere, dict):
        here = (*loc, ELSEWHERE)
        faults += [fault for name in elsewhere for fault in _elsewhere_faults(document, (*here, name), name, domains)]
        faults += [fault for name, said in elsewhere.items() for fault in _column_faults(document, (*here, name), said)]
    if not faults:
        for each, names in written.items():
            parameters[each] = {kind: _meant(name, domains or {}) for kind, name in names.items()}
        if isinstance(elsewhere, dict):
            columns = {name: () if said == ALL else said for name, said in elsewhere.items()}
            parameters[ELSEWHERE] = {
                name: {**_meant(name, domains or {}), "columns": said}
                for name, said in columns.items()
                if (domains or {}).get(name) is not None
            }
    return faults


def named(value: Mapping[str, Any]) -> list[Any]:
    """The domains that a treatment of texts names."""
    names = [name for each in NAMING if isinstance(value.get(each), dict) for name in value[each].values()]
    names += value[ELSEWHERE] if isinstance(value.get(ELSEWHERE), dict) else ()
    return [name for name in names if name != REDACT]


def _meant(name: str, domains: Domains) -> Any:
    treatment = None if name == REDACT else domains.get(name)
    return REDACT if treatment is None else {"domain": name, "treatment": treatment.technique}


def _faults(document: Document, loc: Loc, name: Any, domains: Domains | None) -> Iterator[Fault]:
    expected = f"expected the name of a domain or '{REDACT}', got {document.show(loc)}"
    if not isinstance(name, str):
        yield document.fault(loc, expected)
    elif name == REDACT or domains is None:
        return
    elif name not in domains:
        yield document.fault(loc, f"{expected}, which domains.yaml has not{did_you_mean(document.at(loc), domains)}")
    elif (treatment := domains[name]) is not None and (reason := _misfit(treatment)) is not None:
        yield document.fault(loc, f"the values of this domain have no pseudonyms for texts: {reason}")


def _misfit(treatment: Treatment) -> str | None:
    if treatment.scope != PERSON:
        return f"it is of scope: {treatment.scope}, and within texts only pseudonyms of scope: {PERSON} are put"
    return misfit(treatment.technique)


def _elsewhere_faults(document: Document, loc: Loc, name: Any, domains: Domains | None) -> Iterator[Fault]:
    if domains is None:
        return
    treatment = domains.get(name)
    if name not in domains:
        expected = f"expected the name of a domain, got {document.show_key(loc)}"
        yield document.fault(loc, f"{expected}, which domains.yaml has not{did_you_mean(loc[-1], domains)}")
    elif treatment is not None and (reason := _misfit(treatment)) is not None:
        yield document.fault(loc, f"the values of this domain have no pseudonyms for texts: {reason}")
    elif treatment is not None and treatment.technique.key_size() is None:
        yield document.fault(loc, keyless(treatment.technique))


def _column_faults(document: Document, loc: Loc, said: Any) -> Iterator[Fault]:
    expected = f"expected a list of columns such as 'crm.customers.name', or '{ALL}' for all of the domain"
    if said != ALL and not (isinstance(said, list) and said):
        yield document.fault(loc, f"{expected}, got {document.show(loc)}")
    for at, each in enumerate(said if isinstance(said, list) else ()):
        if not isinstance(each, str):
            yield document.fault((*loc, at), f"{expected}, got {document.show((*loc, at))}")


def parts(technique: Technique, domains: Domains | None) -> tuple[Treatment, ...]:
    """The treatments of the domains whose pseudonyms a technique gives within texts; of other techniques none."""
    if not isinstance(technique, TreatEntities):
        return ()
    known = ((domains or {}).get(name) for name in technique.domains())
    return tuple(treatment for treatment in known if treatment is not None)
