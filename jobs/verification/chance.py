"""How many values of a source results that look like values are by chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.format_preserving_encryption import FormatPreservingEncryption

Lengths = dict[int, Counter[int]]
"""Of each column of the source, by its number, how many values have how many letters and digits."""
DIGITS = 10
RARE = 1e-6
"""How rarely a column of pseudonyms may look like one with a leak."""
MANY, DEVIATIONS = 500, 5


def looking_real(entry: TableConfig) -> dict[str, int]:
    """The columns whose pseudonyms look like values, and of how many characters these are made."""
    found: dict[str, int] = {}
    for path, cases in entry.decisions.items():
        made = [rule.treatment.technique for rule in cases.named.values()]
        sizes = [_radix(each) for each in made if each.scatters and not each.unrecognizable]
        if sizes:
            column = str(ColumnPath.parse(path).column)  # within JSON text they stand in the text's column
            found[column] = min(sizes + ([found[column]] if column in found else []))
    return found


def _radix(technique: Technique) -> int:
    return len(technique.letters) if isinstance(technique, FormatPreservingEncryption) else DIGITS


def note(lengths: Lengths, part: pa.Table) -> None:
    """Count values of the source."""
    column, letters = part["column"].to_numpy(), part["letters"].to_numpy()
    for number in np.unique(column):
        each, many = np.unique(letters[column == number], return_counts=True)
        lengths.setdefault(int(number), Counter()).update(dict(zip(each.tolist(), many.tolist(), strict=True)))


def most(values: Mapping[int, int], results: Mapping[int, int], radix: int, within: bool = False) -> int:
    """How many different values may be results too, of those that have their length; 0 where chance gives none. values,
    results: how many there are of each length. within: whether they are parts of longer ones."""
    expected = sum(_one(many, _places(results, length, within), radix, length) for length, many in values.items())
    return _quantile(expected)


def _places(results: Mapping[int, int], length: int, within: bool) -> int:
    """In how many places a value of a length can stand; of parts of longer ones rather more than there are."""
    if not within:
        return results.get(length, 0)
    return sum(many * (size // length) for size, many in results.items() if length and size >= length)


def _one(values: int, results: int, radix: int, length: int) -> float:
    return values * min(1.0, results / float(radix) ** min(length, 100))


def _quantile(expected: float) -> int:
    """The number that is passed with a chance of at most `RARE`, where so many are expected (Poisson, whose tail is
    longer than that of what is drawn without being put back)."""
    if expected > MANY:
        return int(expected + DEVIATIONS * math.sqrt(expected) + 1)
    number, each = 0, math.exp(-expected)
    rest = -math.expm1(-expected)  # the chance of more than that; its own size counts, so nothing is taken from 1
    while rest > RARE:
        number += 1
        each *= expected / number
        rest = max(rest - each, 0.0)
    return number
