"""A reader that gives the rows of another one for which a condition is true."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pyarrow as pa

from jobs.columnar import conditions
from jobs.columnar.conditions import Condition
from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Stretch
from jobs.columnar.reading import Reader


@dataclasses.dataclass(frozen=True)
class ChosenReader:
    """out_of: gives the ``columns``, those of the condition among them but for those of folders."""

    out_of: Reader
    columns: pa.Schema
    rows: Condition

    def batches(self, stretch: Stretch, access: Access, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        """See `jobs.columnar.reading.Reader`."""
        for batch, holds in self._held(stretch, access):
            kept = batch.select(wanted.names)
            if holds.null_count or holds.true_count < batch.num_rows:
                kept = kept.filter(holds)
            if kept.num_rows:
                yield kept

    def count(self, stretch: Stretch, access: Access) -> int:
        """How many rows of a stretch it is true for. Raises as `batches`."""
        return sum(holds.true_count for _, holds in self._held(stretch, access))

    def _held(self, stretch: Stretch, access: Access) -> Iterator[tuple[pa.RecordBatch, pa.BooleanArray]]:
        for batch in self.out_of.batches(stretch, access, self.columns):
            known = dict(zip(batch.schema.names, batch.columns, strict=True))
            known |= {name: pa.repeat(value, batch.num_rows) for name, value in stretch.file.folders.items()}
            yield batch, conditions.holds(self.rows, known, batch.num_rows)
