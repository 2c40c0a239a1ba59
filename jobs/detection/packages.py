"""The packages of the extra ``inventory``: imported when first used, here and on the executors, with a word on what to
install."""

from __future__ import annotations

import importlib
from typing import Any

from privacy_udfs.errors import UnexpectedFailure

NEEDED = ("phonenumbers", "stdnum")


def load(module: str) -> Any:
    """The module, untyped since these packages publish no types. Raises `UnexpectedFailure` where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        pass
    name = module.partition(".")[0]
    raise UnexpectedFailure(f"{name} is not installed: pip install 'lakenym[inventory]', on the executors too")


def check() -> None:
    """Raise before anything is started where a package is missing."""
    for module in NEEDED:
        load(module)


def countries() -> frozenset[str]:
    """The ISO 3166 codes whose telephone numbers are known."""
    return frozenset(load("phonenumbers").SUPPORTED_REGIONS)
