"""JSON text read and written again with every number as it stood: ``1.50`` is no ``1.5``, and no digit is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Number(str):
    """A number of JSON text, as it is written there."""

    __slots__ = ()


def loaded(text: str) -> Any:
    """Raises `ValueError`, `RecursionError` of what is no JSON."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)


def written(value: Any) -> str:
    """The text of what `loaded` gave."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{written(name)}: {written(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False)
