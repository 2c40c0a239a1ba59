"""The things that keys are of, by what columns and tables are called, in several languages: ``customer`` of
``customer_id``, of ``Kunden-Nr`` and of ``customers.id``.

A name is no proof. Where a key counts up, so that its values are those of anything that is counted, it is what there is
to go by beside them.
"""

from __future__ import annotations

import functools
import re

from jobs.configuration.column_path import ColumnPath, Field
from jobs.detection import hints

GENERAL = frozenset({"id", "ids", "no", "nr", "num", "number", "key", "code", "ref", "uuid", "guid", "sk", "pk", "fk",
                     "value", "reference", "identifier", "item", "element", "list", "entry", "resource", "old", "new",
                     "nummer", "numero", "kennung", "identifiant", "identificador"})  # fmt: skip
"""What says of a column that it is a key, and not whose."""
ENDS = ("", "s", "es", "en", "n", "innen")
"""Of words for several of a kind."""
GLUED = re.compile(r"(?:nummern?|nr)$")
"""What is written in one with whose number it is: ``Kundennummer``."""
_SAME = """
    customer cust client kunde kundin klant kund cliente buyer acheteur comprador asiakas klient клиент 客户 顧客
    patient patientin paciente paziente pasient potilas pacjent пациент 患者
    employee emp mitarbeiter mitarbeiterin empleado salarie employe medewerker dipendente ansatt anstalld сотрудник
    user benutzer nutzer usuario utilisateur utente gebruiker bruker anvandare usager
    member mitglied adherent socio miembro lid membre
    student schuler schulerin eleve alumno etudiant studente estudiante
    person persona personne persoon individual
    citizen burger burgerin citoyen ciudadano cittadino
    insured versicherte versicherter assure asegurado policyholder
    subscriber abonnent abonne suscriptor abbonato
    supplier vendor lieferant fournisseur proveedor fornitore leverancier
    order bestellung auftrag commande pedido ordine zamowienie
    product produkt produit producto prodotto artikel article
    invoice rechnung facture factura fattura factuur
    account konto compte cuenta conto rekening
    contract vertrag contrat contrato contratto
    visit encounter besuch visite visita
    employer arbeitgeber employeur empleador
    shop store filiale laden magasin tienda negozio
"""
CONCEPTS = {word: words.split()[0] for words in _SAME.strip().splitlines() for word in words.split()}
"""A word, without accents -> the first of those that mean the same."""


def words_of(path: str) -> frozenset[str]:
    """What a column's name and the way to it speak of: each word, and what may be its singular."""
    names = [step.name for step in ColumnPath.parse(path).steps if isinstance(step, Field)]
    return frozenset(thing for name in names for word in hints.words(name).split() for thing in singulars(word))


@functools.lru_cache(4096)
def singulars(word: str) -> frozenset[str]:
    """A word, or words, and what may be the singular of each."""
    spoken = [part for each in hints.words(word).split() for part in {each, GLUED.sub("", each) or each}]
    return frozenset(one.removesuffix(end) for one in spoken for end in ENDS if len(one) > len(end) + 2 or not end)


def concept(word: str) -> str | None:
    """The one name of what a word means in any of the languages; None for a word that is not listed."""
    return next((CONCEPTS[each] for each in sorted(singulars(word)) if each in CONCEPTS), None)


def of_key(column: str, table: str) -> frozenset[str]:
    """What the name of a key speaks of, or its table's where its own says only that it is one."""
    own = words_of(column) - GENERAL
    return own or singulars(hints.own_name(table))


def concepts(words: frozenset[str]) -> frozenset[str]:
    return frozenset(CONCEPTS[word] for word in words if word in CONCEPTS)


def thing(path: str) -> str | None:
    """Whose key a column is by its own name: ``customer`` of ``customer_id``, and of ``customer`` alone, since that is
    a thing that is listed here; None where it does not say."""
    spoken = hints.words(path).split()
    if spoken and spoken[-1] not in GENERAL:
        return spoken[-1] if concept(spoken[-1]) else next(iter(spoken[-2:-1]), None)
    while spoken and spoken[-1] in GENERAL:
        spoken.pop()
    return spoken[-1] if spoken else None


def mean_the_same(one: str, other: str) -> bool:
    """Whether two names are of one thing, or of one in another language. A name of two things is of neither:
    ``customer_email`` is not of ``customer``."""
    of_one, of_other = ([word for word in hints.words(name).split() if word not in GENERAL] for name in (one, other))
    if len(of_one) != 1 or len(of_other) != 1:
        return hints.words(one) == hints.words(other)
    if singulars(of_one[0]) & singulars(of_other[0]):
        return True
    known = concept(of_one[0])
    return known is not None and known == concept(of_other[0])
