"""A treatment as a person types it: ``keep``, ``domain customer``, ``truncate keep=2``, or YAML in braces."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from jobs.configuration import treatments, yaml_reader
from jobs.configuration.documents import Fault, canonical_json
from jobs.console.exit_codes import BadUsage

RESERVED = "%@`&*!|>"
EXAMPLES = "keep, redact, domain customer, truncate keep=2, or YAML in braces"


def read(text: str, domains: Container[str] = ()) -> Any:
    """What is meant, as the catalog has it; the loader says whether there is such a one. A domain may stand by its name
    alone. Raises `BadUsage`."""
    if text.strip().startswith("{"):
        return _from_yaml(text.strip())
    first, *rest = text.split() or [""]
    if first == "domain" and len(rest) == 1:
        return {"domain": rest[0]}
    if not rest and first in domains and first not in treatments.words():
        return {"domain": first}
    if not first or not all(_is_parameter(each) for each in rest):
        raise BadUsage(f"not a treatment: expected such as {EXAMPLES}")
    if not rest:
        return first if first in treatments.words() else {"technique": first}
    return _from_yaml("{" + ", ".join([f"technique: {first}", *map(_in_yaml, rest)]) + "}")


def _in_yaml(word: str) -> str:
    """``input_format=%d.%m.%Y`` too: YAML wants quotes around what begins with such a sign."""
    name, _, value = word.partition("=")
    return f"{name}: {canonical_json(value) if value[0] in RESERVED else value}"


def _is_parameter(word: str) -> bool:
    name, sign, value = word.partition("=")
    return bool(name and sign and value)


def _from_yaml(text: str) -> Any:
    faults: list[Fault] = []
    document = yaml_reader.parse(f"treatment: {text}", "", faults)
    if document is None or faults:
        raise BadUsage(f"not a treatment: {faults[0].message}; expected such as {EXAMPLES}")
    return document.written["treatment"]


def shown(treatment: Any) -> str:
    """The same way back."""
    if not isinstance(treatment, dict):
        return str(treatment)
    if set(treatment) == {"domain"}:
        return f"domain {treatment['domain']}"
    rest = (f"{name}={_word(value)}" for name, value in treatment.items() if name != "technique")
    return " ".join([str(treatment.get("technique", "")), *rest]).strip()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
