"""As what reversed rows are written: the names alone, so that a help can list them."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["delta", "csv", "json"]
FORMATS: tuple[str, ...] = get_args(Format)
