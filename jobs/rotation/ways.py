"""By which way a table may be moved: the names alone, so that a help can list them."""

from __future__ import annotations

from typing import Literal, get_args

Way = Literal["auto", "table", "layer", "bridge", "source"]
WAYS: tuple[str, ...] = get_args(Way)
