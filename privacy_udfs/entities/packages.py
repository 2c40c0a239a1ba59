"""The packages of the extra ``inventory``, imported when first used, on executors too: a word on what to install."""

from __future__ import annotations

import importlib
from typing import Any

from privacy_udfs.errors import UnexpectedFailure


def load(module: str) -> Any:
    """The module, untyped since these packages publish no types. Raises `UnexpectedFailure` where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        pass
    name = module.partition(".")[0]
    raise UnexpectedFailure(f"{name} is not installed: pip install 'lakenym[inventory]', on the executors too")
