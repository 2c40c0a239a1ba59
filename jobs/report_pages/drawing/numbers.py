"""Numbers as pages show them. What is drawn is drawn of what these say, so that no length tells more than its text."""

from __future__ import annotations

from jobs.report_pages.facts.plain import Number


def count(number: Number) -> str:
    return number if isinstance(number, str) else f"{number:,}"


def share(found: float | str) -> str:
    """A chance, to three digits."""
    return found if isinstance(found, str) else f"{found:.3g}"


def bound(found: float | str) -> float:
    """How long a share is drawn: what its text says, of a hidden one its bound."""
    return float(share(found).lstrip("<> "))


def percent(part: float) -> str:
    """A share in per cent, to a tenth."""
    return f"{part:.1%}".replace(".0%", "%")


def plural(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
