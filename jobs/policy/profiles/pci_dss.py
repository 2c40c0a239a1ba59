"""Stored account data under PCI DSS v4.0.1 (June 2024), requirement 3: what may be stored of a payment card, and how.

Masking stores no more digits than it shows, so a masked number counts as truncated, by the formats of PCI SSC's FAQ
1091: the first six and the last four digits are what every brand takes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from jobs.configuration.models import ColumnRule
from jobs.policy.profiles.rule import (
    About,
    Open,
    Profile,
    Rule,
    Seen,
    all_of,
    kept_encrypted,
    keyed_code,
    named_otherwise,
    not_known,
    nothing_known,
    of_kinds,
    removed,
)
from privacy_udfs.key_providers import CLEAR_AT_REST, scheme_of

FIRST, LAST, LONGEST_BIN = 6, 4, 8
STRENGTH = 128
AUTHENTICATION = {
    "card_track": ("track", "3.3.1.1", "the contents of a card's track must not be stored after authorization"),
    "card_security_code": (
        "security_code",
        "3.3.1.2",
        "the card verification code must not be stored after authorization",
    ),
    "card_pin": ("pin", "3.3.1.3", "PINs and PIN blocks must not be stored after authorization"),
}
PAN = of_kinds("payment_card")


# -- sensitive authentication data ------------------------------------------------------------------------------------


def _gone(seen: Seen) -> bool:
    return (seen.technique.drops_column or seen.technique.gives_null()) and not _set_aside(seen)


def _set_aside(seen: Seen) -> bool:
    """Whether a row that is refused may be stored with it, encrypted: predicates may ask for dropped columns too."""
    table = seen.table
    asked = table.rows is not None or any(rule.rows is not None for rule in table.columns.values())
    return table.quarantine is not None and table.on_refused == "quarantine" and asked


def _authentication() -> Iterator[Rule]:
    for kind, (name, number, demands) in AUTHENTICATION.items():
        yield Rule(
            name,
            f"PCI DSS v4.0.1, 3.3.1 and {number}",
            f"{demands}, not even encrypted",
            of_kinds(kind),
            "Drop the column, or redact it to null",
            (_gone,),
            (
                Open(
                    lambda seen: _set_aside(seen) and removed(seen),
                    "whether refused rows hold it, for they are set aside encrypted with what predicates ask for",
                ),
            ),
        )


# -- the number of the card -------------------------------------------------------------------------------------------


def truncated(seen: Seen) -> bool:
    return seen.technique.kept_characters() is not None


def _to_six_and_four(seen: Seen) -> bool:
    first, last = seen.technique.kept_characters() or (0, 0)
    return first <= FIRST and last <= LAST


def _long_bin(seen: Seen) -> bool:
    first, last = seen.technique.kept_characters() or (0, 0)
    return first <= LONGEST_BIN and last <= LAST


def _digits_found(seen: Seen) -> str:
    first, last = seen.technique.kept_characters() or (0, 0)
    return f"The first {first} and the last {last} digits stay"


def _hashed(seen: Seen) -> bool:
    return seen.technique.hash_bits() is not None


def _hashed_strongly(seen: Seen) -> bool:
    return seen.technique.key_size() is not None and (seen.technique.hash_bits() or 0) >= STRENGTH


def _versions(seen: Seen) -> list[str]:
    """Where else the configuration leaves a card's number hashed, or truncated to other digits."""
    own = seen.technique.kept_characters()
    return [place for place, rule in seen.config.of_kind.get("payment_card", ()) if _is_other(rule, own)]


def _is_other(rule: ColumnRule, own: tuple[int, int] | None) -> bool:
    technique = rule.treatment.technique
    kept = technique.kept_characters()
    return technique.hash_bits() is not None or (kept is not None and kept != own)


# -- keys -------------------------------------------------------------------------------------------------------------


def _kek_apart(seen: Seen) -> bool:
    entry = seen.key_entry
    return entry.kek is None or _store(entry.keyset) != _store(entry.kek) or scheme_of(entry.kek) not in CLEAR_AT_REST


def _store(uri: str) -> str:
    """Where a key lies that is in no store of keys: the folder of a file, or the environment."""
    scheme, _, path = uri.partition(":")
    return posixpath.dirname(posixpath.normpath(f"/{path.lstrip('/')}")) if scheme == "file" else scheme


KEYS = About(lambda seen: PAN.test(seen) and seen.key != "", f"keys that treat columns of {PAN.words}")
RULES = (
    *_authentication(),
    Rule(
        "unreadable",
        "PCI DSS v4.0.1, 3.5.1",
        "a primary account number must be unreadable wherever it is stored: hashed whole under a key, truncated, or "
        "encrypted",
        all_of(PAN, lambda seen: not truncated(seen), "not truncated"),
        "Hash or encrypt it under a key, mask it, or drop or redact the column",
        (removed, keyed_code),
    ),
    Rule(
        "digits",
        "PCI DSS v4.0.1, 3.4.1 and 3.5.1",
        "of a primary account number no more than the bank identification number (BIN) and the last four digits may be "
        "seen, and truncated to the first six and the last four it is unreadable to all brands",
        all_of(PAN, truncated, "truncated"),
        "Keep at most six digits at the start and four at the end",
        (removed, _to_six_and_four),
        (Open(_long_bin, "whether all cards have a BIN of eight digits, and their brands take that format"),),
        _digits_found,
    ),
    Rule(
        "keyed_hash_of_all",
        "PCI DSS v4.0.1, 3.5.1.1",
        "hashes of primary account numbers must be keyed cryptographic hashes of all of it, of at least 128 bits",
        all_of(PAN, _hashed, "hashed"),
        "State 'bits: 128' or more, and no encoding that holds fewer",
        (_hashed_strongly,),
        found=lambda seen: f"Its hashes hold {seen.technique.hash_bits()} bits",
    ),
    Rule(
        "one_version",
        "PCI DSS v4.0.1, 3.5.1",
        "hashed and truncated versions of one primary account number, or two truncated ones, must not be correlated to "
        "reconstruct it",
        all_of(PAN, lambda seen: truncated(seen) and not removed(seen), "truncated"),
        "Encrypt instead of hashing or truncating, in one of them drop the column, or state the exception with the "
        "controls that keep them apart",
        (lambda seen: not _versions(seen),),
        found=lambda seen: f"Another version stays in {_versions(seen)[0]}",
    ),
    Rule(
        "retention",
        "PCI DSS v4.0.1, 3.2.1",
        "account data may be stored no longer than the law or the business needs, so a span must be stated",
        all_of(PAN, lambda seen: not removed(seen), "not removed"),
        "State 'retention' for the column or its table",
        (lambda seen: seen.column.retention is not None or seen.table.retention is not None,),
        found=lambda seen: "No span is stated",
    ),
    kept_encrypted(
        "stored_keys",
        "PCI DSS v4.0.1, 3.6.1.2",
        "keys that protect stored account data must be stored encrypted under a key-encrypting key, or within a secure "
        "device",
        KEYS,
    ),
    Rule(
        "kek_apart",
        "PCI DSS v4.0.1, 3.6.1",
        "key-encrypting keys must be stored separately from the keys that they encrypt",
        KEYS,
        "Keep the key-encrypting key elsewhere, best in a service",
        (_kek_apart,),
        found=lambda seen: f"Both of {seen.key} lie in one folder, or one environment",
        of_keys=True,
    ),
    Rule(
        "cryptoperiod",
        "PCI DSS v4.0.1, 3.7.4",
        "each key must be changed at the end of a defined cryptoperiod",
        KEYS,
        "State 'keys: {max_age_days: ...}' in policy.yaml",
        (lambda seen: seen.config.policy.keys is not None,),
        found=lambda seen: f"No period is stated for {seen.key}",
        of_keys=True,
    ),
    Rule(
        "texts",
        "PCI DSS v4.0.1, 3.5.1",
        "a primary account number must be unreadable wherever it is stored, in texts too",
        all_of(of_kinds("free_text_person"), lambda seen: not keyed_code(seen), "not replaced as a whole"),
        "Drop or redact the column",
        (removed,),
        (Open(lambda seen: True, "at the texts: what is not recognized in them stays"),),
    ),
    Rule(
        "kinds",
        "PCI DSS v4.0.1, 12.5.2",
        "all places where account data is stored must be known",
        About(nothing_known, "columns that are not removed, of no kind or `unknown`"),
        "State its 'kind', or drop or redact the column",
        found=not_known,
    ),
    Rule(
        "named",
        "PCI DSS v4.0.1, 12.5.2",
        "all places where account data is stored must be known",
        About(
            named_otherwise("payment_card", *AUTHENTICATION),
            "columns of any other kind that are named like account data",
        ),
        "State its 'kind', or drop or redact the column, or state the exception",
        found=not_known,
    ),
)
PROFILE = Profile("pci_dss", 1, "PCI DSS v4.0.1, requirement 3: stored account data", RULES)
