"""Pseudonymisation as Regulation (EU) 2016/679 means it: Art. 4(5) with recitals 26, 28 and 29, Art. 25 and 32.

"Guidelines 01/2025 on Pseudonymisation" of the European Data Protection Board, in the version for public consultation
of 16 January 2025, is what is gone by where the articles leave room. What is pseudonymised is personal data still.
"""

from __future__ import annotations

import posixpath

from jobs.configuration import asked_risk
from jobs.configuration.kinds import DIRECT, KINDS
from jobs.policy.profiles.rule import (
    MOST_CHARACTERS,
    UNDECIDED,
    About,
    Open,
    Profile,
    Rule,
    Seen,
    kept_encrypted,
    keyed_code,
    not_known,
    removed,
    shows_values,
    treated_within,
)

EDPB = "EDPB Guidelines 01/2025 (consultation version)"
DIRECTS = frozenset(kind for kind, each in KINDS.items() if each.class_ == DIRECT)


def direct(seen: Seen) -> bool:
    """Whether it identifies a person by itself, by its class or by its kind."""
    return seen.column.class_ == DIRECT or seen.kind in DIRECTS


def hidden(seen: Seen) -> bool:
    return removed(seen) or keyed_code(seen)


def personal(seen: Seen) -> bool:
    return seen.column.class_ != "non_personal" and not removed(seen)


def k_is_asked(seen: Seen) -> bool:
    """Whether each run measures how many rows, or people, are alike, and stops where one is alone."""
    return "k" in asked_risk.of(seen.config.policy, seen.table).bounds


def is_reviewed(seen: Seen) -> bool:
    """Whether a day is stated that has not passed: the column's own, if it has one."""
    day = seen.column.review_by or seen.table.review_by
    return day is not None and seen.today <= day


def with_the_data(seen: Seen) -> bool:
    """Whether the file of the keyset lies in the folder of the table that it treats."""
    scheme, _, path = seen.key_entry.keyset.partition(":")
    places = [each.path for each in (seen.table.source, seen.table.target) if each.path is not None]
    return scheme == "file" and any(_is_in(path, place) for place in places)


def _is_in(path: str, folder: str) -> bool:
    inner, outer = (posixpath.normpath(each.removeprefix("file:")).lstrip("/") for each in (path, folder))
    return inner == outer or inner.startswith(f"{outer}/")


KEYED = About(lambda seen: seen.key != "", "keys that treat a column of the table")
RULES = (
    Rule(
        "attribution",
        f"GDPR Art. 4(5), recital 26; {EDPB}",
        "personal data must no longer be attributed to a person without additional information, so what identifies a "
        "person by itself must be replaced by a pseudonym that takes a secret to make, or be removed",
        About(direct, "class `direct_identifier`, or a kind that is one"),
        "Hash or encrypt it under a key, or drop or redact the column",
        (hidden,),
        (Open(treated_within, "at the texts: what is not recognized in them stays"),),
    ),
    Rule(
        "kinds",
        "GDPR Art. 4(5), recital 26",
        "what identifies a person by itself must be replaced or removed, so it must be known which columns do",
        About(
            lambda seen: (
                seen.kind in (*UNDECIDED, "other", "constant")
                and not direct(seen)
                and not hidden(seen)
                and bool(DIRECTS & {*seen.named_like})
            ),
            "columns of another class, and of no kind, `unknown`, `other` or `constant`, that are named like a direct "
            "identifier",
        ),
        "State its 'kind' if it has none, treat it as a direct identifier, or state the exception",
        found=not_known,
    ),
    Rule(
        "singling_out",
        f"GDPR recital 26, Art. 25(1); {EDPB}",
        "all means count that are reasonably likely to be used to identify a person, singling out by what stays too",
        About(
            lambda seen: seen.column.class_ == "quasi_identifier" and shows_values(seen),
            "class `quasi_identifier` whose values stay, or nearly so: dates to the day, numbers to the unit, more "
            f"than {MOST_CHARACTERS} characters",
        ),
        "Generalize or drop it, or state 'risk: {k: ...}' in policy.yaml or the table's entry, so that runs measure it",
        (k_is_asked,),
        (Open(lambda seen: True, "whether its values single people out, alone or with others"),),
    ),
    kept_encrypted(
        "secret",
        "GDPR Art. 4(5) and 32(1)(a), recital 29",
        "the additional information, here the key, must be kept under technical and organisational measures",
        KEYED,
    ),
    Rule(
        "separate",
        "GDPR Art. 4(5), recital 29",
        "the additional information, here the key, must be kept separately from the data",
        KEYED,
        "Keep it elsewhere",
        (lambda seen: not with_the_data(seen),),
        found=lambda seen: f"The keyset of {seen.key} lies in the folder of a table that it treats",
        of_keys=True,
    ),
    Rule(
        "order",
        "GDPR Art. 4(5) and 25(1)",
        "nothing but the additional information may lead back to a person, and a row's place among the others does",
        About(lambda seen: direct(seen) and not seen.technique.keeps_values, "tables with direct identifiers"),
        "State 'row_order: shuffled'",
        (lambda seen: seen.table.is_shuffled,),
        found=lambda seen: (
            "Rows are written in the order of the source, in which whoever knows that one finds each person"
        ),
        of_table="target.row_order",
    ),
    Rule(
        "review",
        "GDPR Art. 25(1) and 32(1)(d)",
        "measures must be tested and evaluated regularly against the state of the art",
        About(personal, "columns that are not removed, of any class but `non_personal`"),
        "State a 'review_by' that has not passed for the table, or for each such column",
        (is_reviewed,),
        found=lambda seen: "No day is stated on which its treatment is looked at again, or it has passed",
        of_table="review_by",
    ),
)
PROFILE = Profile(
    "gdpr_pseudonymization", 1, "Regulation (EU) 2016/679 (GDPR), Art. 4(5), 25 and 32: pseudonymisation", RULES
)
