"""Numbers as people write them: patterns of digits, the check digits of cards and accounts, moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Objects = npt.NDArray[np.object_]
NEWEST = 1_780_272_000  # 2026-06-01 in seconds since 1970; the lake covers the three years before it
SPAN = 3 * 365 * 86_400


def written(rng: np.random.Generator, pattern: str, count: int) -> Objects:
    """``count`` texts of the pattern, a random digit for each ``#``; the pattern is ASCII."""
    return texts(filled(pattern, rng.integers(0, 10, (count, pattern.count("#")))))


def filled(pattern: str, digits: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The pattern's bytes once a row, with the row's digits at its ``#``."""
    template = np.frombuffer(pattern.encode("ascii"), np.uint8)
    rows = np.tile(template, (len(digits), 1))
    rows[:, template == ord("#")] = digits + ord("0")
    return rows


def texts(rows: npt.NDArray[np.uint8]) -> Objects:
    """Rows of ASCII bytes as text objects."""
    return np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel().astype(str).astype(object)


def cards(rng: np.random.Generator, count: int) -> Objects:
    """Payment card numbers ``4###-####-####-####`` that pass the Luhn check (ISO/IEC 7812-1)."""
    digits = rng.integers(0, 10, (count, 16))
    digits[:, 0] = 4
    doubled = digits[:, 0:15:2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, 1:15:2].sum(axis=1)
    digits[:, 15] = -total % 10
    return texts(filled("####-####-####-####", digits))


BBAN = {
    "DE": "##################",
    "FR": "#######################",
    "GB": "NWBK##############",
    "ES": "####################",
    "PL": "########################",
    "IT": "X######################",
    "SE": "####################",
    "GR": "#######################",
}
"""The national part of an account number, by country. Elsewhere there is no IBAN."""


def ibans(rng: np.random.Generator, countries: list[str]) -> list[str | None]:
    """One number with valid check digits (ISO 13616) for each country code; None where there is no IBAN."""
    made: list[str | None] = [None] * len(countries)
    of = np.array(countries, object)
    for country, pattern in BBAN.items():
        rows = np.flatnonzero(of == country)
        for row, bban in zip(rows, written(rng, pattern, len(rows)), strict=True):
            made[row] = with_check_digits(country, bban)
    return made


def with_check_digits(country: str, bban: str) -> str:
    number = int("".join(str(int(char, 36)) for char in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02}{bban}"


def some_null(rng: np.random.Generator, values: Any, share: float) -> pa.Array:
    """The values as text, a share of them null."""
    return pa.array(values, pa.string(), mask=rng.random(len(values)) < share)


def moments(rng: np.random.Generator, count: int) -> pa.Array:
    """Whole seconds within the time that the lake covers, UTC."""
    seconds = NEWEST - rng.integers(0, SPAN, count)
    return pa.array(seconds * 1_000_000).cast(pa.timestamp("us", "UTC"))
