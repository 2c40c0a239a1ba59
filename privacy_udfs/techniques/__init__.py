"""The explicit list of techniques. Adding one: its file here, its name below, its vectors in ``tests/vectors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from privacy_udfs import faults
from privacy_udfs.errors import ParameterError
from privacy_udfs.facts import Facts
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.add_noise import AddNoise
from privacy_udfs.techniques.coarsen_location import CoarsenLocation
from privacy_udfs.techniques.date_shift import DateShift
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.drop import Drop
from privacy_udfs.techniques.format_preserving_encryption import FormatPreservingEncryption
from privacy_udfs.techniques.generalize_date import GeneralizeDate
from privacy_udfs.techniques.generalize_hierarchy import GeneralizeHierarchy
from privacy_udfs.techniques.generalize_number import GeneralizeNumber
from privacy_udfs.techniques.keep import Keep
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.mask import Mask
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption
from privacy_udfs.techniques.redact import Redact
from privacy_udfs.techniques.substitute import Substitute
from privacy_udfs.techniques.tokenize import Tokenize
from privacy_udfs.techniques.treat_entities import TreatEntities
from privacy_udfs.techniques.truncate import Truncate
from privacy_udfs.techniques.truncate_ip import TruncateIp

TECHNIQUES: tuple[type[Technique], ...] = (
    Keep,
    Drop,
    Redact,
    Mask,
    Truncate,
    KeyedHash,
    DeterministicEncryption,
    RandomizedEncryption,
    FormatPreservingEncryption,
    DateShift,
    GeneralizeDate,
    GeneralizeNumber,
    GeneralizeHierarchy,
    TruncateIp,
    CoarsenLocation,
    AddNoise,
    Substitute,
    Tokenize,
    TreatEntities,
)

BY_NAME: dict[str, type[Technique]] = {cls.model_fields["technique"].default: cls for cls in TECHNIQUES}
"""All that needs the list asks this mapping when it needs it, so that nothing keeps a list of its own."""
if len(BY_NAME) != len(TECHNIQUES):
    raise RuntimeError("two techniques have one name")


def facts_of(name: object) -> type[Facts]:
    """The facts of the technique of that name; of one that is not known here the careful ones."""
    return BY_NAME.get(name, Facts) if isinstance(name, str) else Facts


def algorithms() -> tuple[str, ...]:
    """The cryptographic algorithms of all techniques, each once."""
    return tuple(dict.fromkeys(algorithm for cls in BY_NAME.values() for algorithm in cls.algorithms))


def parse(treatment: Technique | Mapping[str, Any]) -> Technique:
    """The technique that a mapping names: ``{"technique": "mask", "keep_end": 4}``.

    A technique object is returned as it is. Raises `ParameterError` with every fault at once; no value of a
    parameter is repeated in its message.
    """
    if isinstance(treatment, Technique):
        return treatment
    name = treatment.get("technique")
    cls = BY_NAME.get(name) if isinstance(name, str) else None
    if cls is None:
        near = faults.did_you_mean(name, BY_NAME) if isinstance(name, str) else ""
        raise ParameterError("treatment", [f"technique: expected one of {', '.join(BY_NAME)}{near}"])
    try:
        return cls.model_validate(dict(treatment))
    except ValidationError as error:
        raise ParameterError(cls.model_fields["technique"].default, list(faults.of(error, cls))) from None
