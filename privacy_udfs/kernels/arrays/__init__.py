"""Arrow arrays as numpy sees them: the ground that the other families stand on.

**Why by hand.** Arrow's compute functions have no "block i of every message", no "values of one length as the rows of a
matrix", no tables looked up by bytes. Its buffers are plain memory, so numpy does that on views of them, mostly without
a copy, in a handful of calls for a batch. A loop over ``to_pylist`` costs more than most kernels here before it has
done anything.

**Source.** The Arrow columnar format: offsets, data and validity buffers; arrays that are slices of others; nulls,
below which bytes are arbitrary.

**What it does not protect against.** Clear values are copied in memory like any other data, and nothing is wiped. What
is done depends on lengths, nulls, repeats and on whether text is ASCII and well-formed, so times tell that.
"""

from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.kernels.arrays.by_length import Places, by_length, each_length, opened_by_length
from privacy_udfs.kernels.arrays.byte_arrays import (
    binary,
    by_size,
    cut,
    from_list,
    in_slices,
    joined,
    prefixed,
    rows_of,
    shorter_than,
    spread,
    to_list,
    without,
)
from privacy_udfs.kernels.arrays.ragged import ROWS, Chunk, as_cells, chunks, end_marks, left_masks, steps, windows
from privacy_udfs.kernels.arrays.repeats import about_distinct, distinct_if_few
from privacy_udfs.kernels.arrays.utf8 import (
    MAX_TEXT_BYTES,
    Array,
    Bytes,
    Units,
    from_bytes,
    from_code_points,
    running_total,
    to_bytes,
    to_code_points,
    validity,
    well_formed,
)

__all__ = [
    "MAX_TEXT_BYTES",
    "ROWS",
    "Array",
    "Bytes",
    "Chunk",
    "Places",
    "Units",
    "about_distinct",
    "as_cells",
    "binary",
    "by_length",
    "by_size",
    "chunks",
    "cut",
    "distinct_if_few",
    "each_length",
    "end_marks",
    "from_bytes",
    "from_code_points",
    "from_list",
    "in_slices",
    "joined",
    "left_masks",
    "opened_by_length",
    "prefixed",
    "rows_of",
    "running_total",
    "shorter_than",
    "spread",
    "steps",
    "to_bytes",
    "to_code_points",
    "to_list",
    "utf8",
    "validity",
    "well_formed",
    "windows",
    "without",
]
