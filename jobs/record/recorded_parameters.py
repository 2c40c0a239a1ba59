"""Whether what a record says of a technique's parameters can be believed, where a long list stands by its hash.

Each parameter is held against the technique's own model. Only one that takes a list may stand as
``{"count": 30, "sha256": "..."}``; how such a list goes together with the others cannot be told, and is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME

NAMING = ("entities", "known", "known_elsewhere", "presidio")
"""The parameters of techniques of texts: what is found in them, and the pseudonyms that it gets."""


def are_sound(name: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a technique of ours could have been recorded with these parameters."""
    cls = BY_NAME[name]
    lists = parameters.keys() & lists_of(cls)
    if "technique" in parameters or any(isinstance(parameters[each], str) for each in lists):
        return False  # as text a hierarchy is the path of a file, which nobody's record may have opened
    hashed = {each for each in lists if _is_hashed(parameters[each])}
    stated = {each: value for each, value in parameters.items() if each not in hashed}
    return _faults(cls, {**stated, "technique": name}) <= _unknown_without(hashed)


def lists_of(cls: type[Technique]) -> set[str]:
    """The parameters of a technique that take a list."""
    return {name for name, field in cls.model_fields.items() if _takes_list(field.annotation)}


def within(name: str, parameters: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Of texts, by domain the technique and the parameters of the pseudonyms that stand within, as recorded."""
    known = BY_NAME.get(name)
    found = [parameters.get(each) for each in NAMING if known is not None and each in known.model_fields]
    replacements = [each for named in found if isinstance(named, Mapping) for each in named.values()]
    parts = [each for each in replacements if isinstance(each, Mapping)]
    return {each["domain"]: _split(each["treatment"]) for each in parts}


def _split(treatment: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(treatment["technique"]), {name: value for name, value in treatment.items() if name != "technique"}


def _takes_list(annotation: Any) -> bool:
    """Whether a tuple stands in it, alone or beside ``None``, with or without marks."""
    return get_origin(annotation) is tuple or any(_takes_list(part) for part in get_args(annotation))


def _is_hashed(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"count", "sha256"}:
        return False
    return type(value["count"]) is int and isinstance(value["sha256"], str)  # true is an int too


def _unknown_without(hashed: set[str]) -> set[tuple[int | str, ...]]:
    """Where faults say nothing, a list being left out: at the list itself, and of how parameters go together."""
    return {(), *((name,) for name in hashed)} if hashed else set()


def _faults(cls: type[Technique], treatment: dict[str, Any]) -> set[tuple[int | str, ...]]:
    """Where the model finds faults; empty: nowhere. Faults of the whole are looked for where no parameter has one."""
    try:
        cls.model_validate(treatment)
    except ValidationError as error:
        return {fault["loc"] for fault in error.errors(include_url=False, include_input=False)}
    except RecursionError:
        return {("technique",)}
    return set()
