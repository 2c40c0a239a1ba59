"""What the way to a column says where its own name says little: ``name[].family``, ``subject.reference``, ``id``.

FHIR, and what is made like it, says by the parts above what a ``value`` or a ``text`` is. And a table called after
persons says whose ``id`` its own column is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

NAME = r"names?|nom|nombre|nome|namen|full name|person name"
FAMILY = (
    r"family|given|first|last|middle|text|prefix|suffix|surname|maiden|birth|famille|pila|familie|rufname|segundo|"
    r"primero?|apellidos?|prenoms?|vor|nach|second|full|official|usual|legal"
)
TELECOM = r"telecoms?|contact points?|kontakt|kontaktdaten|coordonnees|contacto|contacts?"
IDENTIFIER = r"identifiers?|identifikator|kennung|kennungen|identifiants?|identificador(?:es)?|ids"
ADDRESS = r"addresse?s?|adressen?|anschrift|anschriften|direccion(?:es)?|domicilio|domicile|wohnsitz"
LINE = r"lines?|text|zeilen?|lignes?|lineas?|street name|house number|formatted|full|calle|voie|numero"
PERSON = (
    r"customers?|clients?|persons?|people|patients?|users?|members?|employees?|subscribers?|students?|citizens?|"
    r"donors?|practitioners?|doctors?|physicians?|nurses?|passengers?|tenants?|applicants?|borrowers?|voters?|pupils?|"
    r"teachers?|residents?|buyers?|kunden?|kundinnen|personen|patienten|benutzer|nutzer|mitarbeiter|mitglied(?:er)?|"
    r"versicherten?|schuler|studierende|personnes?|salaries?|adherents?|abonnes?|eleves?|medecins?|usagers?|"
    r"utilisateurs?|personas?|pacientes?|empleados?|usuarios?|socios?|alumnos?|medicos?|trabajador(?:es)?|"
    r"related person|insured|individuals?"
)
ROLES = (
    rf"{PERSON}|subject|performer|participant|actor|author|recorder|asserter|requester|beneficiary|owner|provider|"
    r"general practitioner|policy holder|informant|sender|recipient|who|agent|interpreter|operator|attester|party|"
    r"enterer|receiver"
)
WORD = (
    r"customer|client|patient|user|employee|subscriber|student|citizen|passenger|member|practitioner|physician|"
    r"kunde|kundin|patientin|mitarbeiter|mitglied|benutzer|nutzer|cliente|paciente|empleado|usuario|salarie|"
    r"adherent|abonne|usager|utilisateur|buyer|donor|pupil|insured"
)
KEY = r"ids?|nr|no|num|number|key|uuid|guid|sk|pk|code|ref|nummer|numero|identifier|kennung|identifiant|identificador"
PART = r"first|last|middle"
"""Parts of a name where names of persons are in the column; else what is first or last in time."""
NO_PLACE = (
    r"(?:orders?|bestell(?:ung)?s?|auftrags?|commandes?|pedidos?|invoices?|rechnungs?|factures?|facturas?|products?|"
    r"produkts?|articles?|artikels?|contracts?|vertrags?|tickets?|vorgangs?|belegs?|liefer|delivery|shipments?) ?"
    rf"(?:{KEY})"
)
"""Numbers of things that are in no place."""
CODED = r"coding|codes?|display|text|value|value code|concept|kode|codigo"
TRAITS = ("gender", "sensitive", "quasi", "age", "birth_date")


def of(names: Sequence[str], table: str, traits_of: dict[str, list[str]]) -> list[str]:
    """Kinds by the words of a path, from the top down, and of the table. traits_of: kinds that each part hints at."""
    if not names:
        return []
    last, above = names[-1], names[-2::-1]
    found = of_way(names)
    if not above and _is(KEY, last) and _is(PERSON, table):
        found.append("person_key")
    if not above and _is(PART, last):
        found.append("person_name:part")
    if re.search(rf"(?:^| ){NO_PLACE}$", last):
        found.append("number:thing")
    if _is(WORD, last):
        found.append("person_word")
    if _is(CODED, last):
        found += [kind for name in above for kind in traits_of.get(name, ()) if kind in TRAITS]
    return found


def of_flat(ways: Sequence[Sequence[str]]) -> list[str]:
    """Of one name that is made of the parts of a way: a contact's or a person's first and last are names there."""
    found = [kind for way in ways for kind in of_way(way)]
    is_part = any(_is(PART, way[-1]) and _any(rf"{PERSON}|contacts?|kontakt", way[-2:-1]) for way in ways)
    return [*found, *(["person_name"] if is_part else [])]


def of_way(names: Sequence[str]) -> list[str]:
    """Kinds by the words of a path alone, from the top down."""
    last, above = names[-1], names[-2::-1]
    found = []
    if _is(FAMILY, last) and _any(NAME, above):
        found.append("person_name")
    if _is(r"value|nummer|numero|valeur|valor|wert", last) and _any(TELECOM, above):
        found.append("phone")
    if _is(r"value|wert|valeur|valor", last) and _any(IDENTIFIER, above):
        found.append("person_key")
    if _is(LINE, last) and _any(ADDRESS, above):
        found.append("street")
    if _is(r"reference|referenz|referencia|referencias|id|identifier", last) and _any(ROLES, above[:2]):
        found.append("person_key")
    if _is(r"display|name", last) and _any(ROLES, above[:2]):
        found.append("person_name")
    if _is(r"div|narrative", last):
        found.append("free_text_person")
    return found


def _is(words: str, name: str) -> bool:
    return re.fullmatch(words, name) is not None


def _any(words: str, names: Sequence[str]) -> bool:
    return any(_is(words, name) for name in names)
