"""Clients of key services are extras: imported when first used, with a word on what to install."""

from __future__ import annotations

import importlib
from typing import Any

from privacy_udfs.errors import KeyProblem


def load(module: str, extra: str) -> Any:
    """The module, untyped since these clients publish no types. Raises `KeyProblem` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        pass
    raise KeyProblem(f"{module} is not installed: pip install 'lakenym[{extra}]'")
