"""How many values of a source results that look like values are by chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from jobs.configuration.models import TableConfig
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.format_preserving_encryption import FormatPreservingEncryption

Lengths = dict[int, Counter[int]]
"""Of each column of the source, by its number, how many values have how many letters and digits."""
DIGITS = 10
DEVIATIONS = 5


def looking_real(entry: TableConfig) -> dict[str, int]:
    """The columns whose pseudonyms look like values, and of how many characters these are made."""
    found = {}
    for path, cases in entry.decisions.items():
        made = [rule.treatment.technique for rule in cases.named.values()]
        sizes = [_radix(each) for each in made if each.scatters and not each.unrecognizable]
        if sizes:
            found[path] = min(sizes)
    return found


def _radix(technique: Technique) -> int:
    return len(technique.letters) if isinstance(technique, FormatPreservingEncryption) else DIGITS


def note(lengths: Lengths, part: pa.Table) -> None:
    """Count values of the source."""
    column, letters = part["column"].to_numpy(), part["letters"].to_numpy()
    for number in np.unique(column):
        each, many = np.unique(letters[column == number], return_counts=True)
        lengths.setdefault(int(number), Counter()).update(dict(zip(each.tolist(), many.tolist(), strict=True)))


def most(values: Mapping[int, int], results: Mapping[int, int], radix: int) -> int:
    """How many different values may be results too, of those that have their length; 0 where chance gives none.
    values, results: how many there are of each length."""
    expected = sum(_one(many, results.get(length, 0), radix, length) for length, many in values.items())
    return int(expected + DEVIATIONS * math.sqrt(expected) + 1) if expected > 0.001 else 0


def _one(values: int, results: int, radix: int, length: int) -> float:
    return values * min(1.0, results / float(radix) ** min(length, 100))
