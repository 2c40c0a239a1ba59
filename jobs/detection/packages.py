"""What the inventory needs of the packages of the extra ``inventory``, asked before it starts."""

from __future__ import annotations

from privacy_udfs.entities.packages import load

NEEDED = ("phonenumbers", "stdnum")


def check() -> None:
    """Raise before anything is started where a package is missing."""
    for module in NEEDED:
        load(module)


def countries() -> frozenset[str]:
    """The ISO 3166 codes whose telephone numbers are known."""
    return frozenset(load("phonenumbers").SUPPORTED_REGIONS)
