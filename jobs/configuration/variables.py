"""``${VARIABLE}`` in the values of a configuration file; ``$${`` writes a literal ``${``. Keys are never expanded."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration.documents import Document, Fault, Loc, did_you_mean

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(document: Document, environ: Mapping[str, str], faults: list[Fault]) -> Document:
    """The document with its variables replaced in ``data``. An unset or empty variable is a fault that names it."""
    if not any(marks_variable(value) for value in document.written.values()):
        return document
    return dataclasses.replace(document, data=_Expansion(document, environ, faults).of(document.written, ()))


def marks_variable(value: Any) -> bool:
    """Whether ``${`` occurs anywhere in a value."""
    if isinstance(value, str):
        return "${" in value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(marks_variable, inner))


@dataclasses.dataclass(frozen=True)
class _Expansion:
    document: Document
    environ: Mapping[str, str]
    faults: list[Fault]

    def of(self, value: Any, loc: Loc) -> Any:
        if isinstance(value, dict):
            return {key: self.of(item, (*loc, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, (*loc, at)) for at, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _REFERENCE.sub(lambda found: self._value(found, loc), value)
        return value

    def _value(self, found: re.Match[str], loc: Loc) -> str:
        name = found["name"]
        if name is None:
            return "${"
        if not _NAME.fullmatch(name) or not found[0].endswith("}"):
            self.faults.append(self.document.fault(loc, "expected ${NAME}; a literal '${' is written '$${'"))
        elif not self.environ.get(name):
            state = "is empty" if name in self.environ else "is not set" + did_you_mean(name, self.environ)
            self.faults.append(self.document.fault(loc, f"variable {name} {state}"))
        else:
            return self.environ[name]
        return found[0]


class StandIns(Mapping[str, str]):
    """The environment, where a variable that is not set has its own name as its value: ``${LAKE}/x`` is ``LAKE/x``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return self._environ.get(name) or name

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
