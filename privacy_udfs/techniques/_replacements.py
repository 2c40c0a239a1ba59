"""What can stand in the place of a value that is found within a text: the pseudonym of a domain, or a fixed word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator

from privacy_udfs.errors import TypeRefused
from privacy_udfs.strength import Sign
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.format_preserving_encryption import FormatPreservingEncryption
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.mask import Mask
from privacy_udfs.techniques.redact import Redact
from privacy_udfs.techniques.substitute import Substitute
from privacy_udfs.techniques.truncate import Truncate
from privacy_udfs.techniques.truncate_ip import TruncateIp

OfWords: TypeAlias = (
    KeyedHash
    | DeterministicEncryption
    | FormatPreservingEncryption
    | Mask
    | Truncate
    | TruncateIp
    | Substitute
    | Redact
)
"""The techniques of domains whose values can stand in a text."""
REDACT = "redact"


def misfit(technique: Technique, values: pa.DataType | None = None) -> str | None:
    """Why results of a technique cannot stand in a text; None where they can. values: of what type; None: text."""
    if not isinstance(technique, get_args(OfWords)):
        names = (str(cls.model_fields["technique"].default) for cls in get_args(OfWords))
        return f"{technique.technique} is not taken within a text; one of {', '.join(names)} is"
    if technique.by_subject_keys():
        return f"{technique.technique} with key_per: subject is not taken within a text"
    try:
        given = technique.output_type(pa.string() if values is None else values)
    except TypeRefused as error:
        return str(error)
    words = pa.types.is_string(given) or pa.types.is_integer(given)
    return None if words else f"{technique.technique} gives {given}, which cannot stand in a text"


class Pseudonym(BaseModel):
    """The pseudonym of a domain: what a column of this domain would hold for the same value.

    domain: the label that separates sub-keys. treatment: the technique that the domain fixes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    domain: Annotated[str, Field(min_length=1)]
    treatment: Annotated[
        OfWords, Field(discriminator="technique"), PlainSerializer(lambda it: it.record(), when_used="json")
    ]

    @field_validator("treatment")
    @classmethod
    def _gives_words(cls, treatment: Technique) -> Technique:
        fault = misfit(treatment)
        if fault is not None:
            raise ValueError(fault)
        return treatment


Replacement: TypeAlias = Literal["redact"] | Pseudonym


class Elsewhere(Pseudonym):
    """The pseudonym of a domain, for values that stand in columns of other rows and tables. columns: their names, which
    say where the values come from; nothing is read by them here."""

    columns: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)] = ()

    @field_validator("treatment")
    @classmethod
    def _has_a_key(cls, treatment: Technique) -> Technique:
        if treatment.key_size() is None:
            raise ValueError(keyless(treatment))
        return treatment


def keyless(technique: Technique) -> str:
    """What to say of a technique by whose key no values can be known again."""
    return f"values of other tables are known again by digests under the domain's key; {technique.technique} has none"


def known_misfit(replacement: Replacement, values: pa.DataType) -> str | None:
    """Why the values of a column of a type cannot be looked for, or replaced, in texts; None where they can."""
    if not (pa.types.is_string(values) or pa.types.is_integer(values)):
        return f"values are looked for of text and of whole numbers, not of {values}"
    return misfit(replacement.treatment, values) if isinstance(replacement, Pseudonym) else None


def order_of_replacements(before: Any, after: Any) -> Sign:
    """What is looked for besides is stronger; a fixed word is stronger than a pseudonym; of two pseudonyms of one
    technique neither is, and of two techniques nobody can say. None: a record of before there was the parameter."""
    before, after = before or {}, after or {}
    signs = {_replaced(before.get(kind), after.get(kind)) for kind in {*before, *after}}
    if None in signs or {1, -1} <= signs:
        return None
    return 1 if 1 in signs else -1 if -1 in signs else 0


def order_of_elsewhere(before: Any, after: Any) -> Sign:
    """Values of more domains, or of more columns, are stronger; where some came and some went nobody can say."""
    before, after = before or {}, after or {}
    signs = {_sought(before.get(domain), after.get(domain)) for domain in {*before, *after}}
    if None in signs or {1, -1} <= signs:
        return None
    return 1 if 1 in signs else -1 if -1 in signs else 0


def _sought(before: Any, after: Any) -> Sign:
    if before is None or after is None or _parameters(before) != _parameters(after):
        return _replaced(before, after)
    was, now = set(_columns(before)), set(_columns(after))
    return 0 if was == now else 1 if was < now else -1 if now < was else None


def _columns(pseudonym: Any) -> Any:
    return pseudonym["columns"] if isinstance(pseudonym, Mapping) else pseudonym.columns


def _replaced(before: Any, after: Any) -> Sign:
    if before == after:
        return 0
    if before is None or after is None:
        return 1 if before is None else -1
    if REDACT in (before, after):
        return 1 if after == REDACT else -1
    return 0 if _parameters(before) == _parameters(after) else None


def _parameters(pseudonym: Any) -> Any:
    return pseudonym["treatment"] if isinstance(pseudonym, Mapping) else pseudonym
