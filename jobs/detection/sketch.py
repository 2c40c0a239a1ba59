"""A few of a column's values as hashes under a secret of the run, to see whether they are values of another column too.

The hashes are kept while the run lasts and shown nowhere. Texts are hashed as a domain would see them: without what
stands before an id in a reference (``Patient/17``). Beside whole numbers go the numbers after them: where a key counts
up, these are its values too, so that it holds any small number and shows nothing by that.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.detection import distinct

Hashes = npt.NDArray[np.uint64]
NONE: Hashes = np.zeros(0, np.uint64)
FEW = 512
"""Hashes that are kept of a column whose values repeat: the least ones, so that parts agree on which."""
MOST = 65_536
"""Of one that may be a key."""
OFTEN = 0.9
BEFORE_ID = (
    r"^(?:https?://\S+/)?(?:[A-Z][A-Za-z]{2,40}/|urn:uuid:)([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]+)?$"
)
WHOLE = r"^\d{1,17}$"


@dataclasses.dataclass(frozen=True, eq=False)
class Sketch:
    """values: hashes of different values, sorted. after: of the numbers after them, where they are numbers."""

    values: Hashes = dataclasses.field(default_factory=lambda: NONE, repr=False)
    after: Hashes = dataclasses.field(default_factory=lambda: NONE, repr=False)

    def __add__(self, other: Sketch) -> Sketch:
        return Sketch(np.union1d(self.values, other.values)[:MOST], np.union1d(self.after, other.after)[:FEW])


def of(different: pa.StringArray, occurrences: int, salt: bytes) -> Sketch:
    """Of the different values of an array, without nulls. occurrences: how many values they are with repeats."""
    if not len(different):
        return Sketch()
    ids = joined_by(different)
    may_be_key = len(different) >= OFTEN * occurrences
    hashes = np.unique(distinct.hashes(ids, salt))
    numbers = ids.filter(pc.match_substring_regex(ids, WHOLE))
    after = NONE
    if len(numbers) >= OFTEN * len(ids):
        after = np.unique(distinct.hashes(_after(numbers), salt))[:FEW]
    return Sketch(hashes[: MOST if may_be_key else FEW], after)


def joined_by(values: pa.StringArray) -> pa.StringArray:
    """The values as others have them: ids alone where most are references, themselves where not."""
    ids = pc.struct_field(pc.extract_regex(values, BEFORE_ID.replace("([A-Za-z0-9", "(?P<id>[A-Za-z0-9")), "id")
    if ids.null_count > len(values) / 2:
        return values
    return pc.coalesce(ids, values)


def _after(numbers: pa.StringArray) -> pa.StringArray:
    """The next number, as wide: ``0017`` becomes ``0018``."""
    widths = pc.utf8_length(numbers).to_pylist()
    following = pc.add(numbers.cast(pa.int64()), 1).to_pylist()
    return pa.array([f"{number:0{width}}" for number, width in zip(following, widths, strict=True)], pa.string())
