"""Rows with values that their techniques refuse: a task takes them out of a batch, sealed, and treats the others."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.columnar.work import Tree
from privacy_udfs.errors import ValueRefused
from privacy_udfs.refusals import Refusal, refusals
from privacy_udfs.sealed_rows import Seal

MOST_ROWS, MOST_BYTES = 100_000, 1 << 26
"""Of one run at most, whatever share of its rows the entry lets be set aside: they travel by way of the driver."""
AT_ONCE = 256
"""Rows that are sealed before anybody looks how large they have become."""
TOO_MANY = f"more than {MOST_ROWS} rows, or {MOST_BYTES >> 20} MiB of them, are refused, which is too much to set aside"


@dataclasses.dataclass
class SetAside:
    """The rows that one attempt of a task sets aside. told: as JSON data, for the driver."""

    seal: Seal
    told: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    size: int = 0

    def rest(
        self, trees: Iterable[Tree], rows: pa.RecordBatch, subject: pa.Array | None, uri: str, first: int | None
    ) -> pa.RecordBatch:
        """Of the rows of a file, as they were read, those that no technique refuses; the others are kept, sealed.

        first: the number of the first of them in the file, None where nobody counted. Raises `ValueRefused` where they
        are too many.
        """
        found = self._refused(trees, rows, subject)
        at = sorted(found)
        for begin in range(0, len(at), AT_ONCE):
            some = at[begin : begin + AT_ONCE]
            for row, sealed in zip(some, self.seal.sealed(rows.take(pa.array(some, pa.int64()))), strict=True):
                _, label, rule = found[row]
                place = {"file": uri, "row_in_file": None if first is None else first + row}
                self.told.append({**place, "label": label, "rule": rule, "sealed": base64.b64encode(sealed).decode()})
                self.size += len(sealed)
            if self.size > MOST_BYTES:
                raise ValueRefused(TOO_MANY)
        left = np.ones(rows.num_rows, bool)
        left[at] = False
        return rows.filter(pa.array(left))

    def _refused(self, trees: Iterable[Tree], rows: pa.RecordBatch, subject: pa.Array | None) -> Mapping[int, Refusal]:
        """Each refused row once, with the first column that has it."""
        found: dict[int, Refusal] = {}
        most = MOST_ROWS - len(self.told)
        columns = dict(zip(rows.schema.names, rows.columns, strict=True))
        for tree in trees:
            if tree.node is not None:
                for each in refusals(tree.node, tree.of(columns), subject, most):
                    found.setdefault(each.row, each)
        if len(found) > most:
            raise ValueRefused(TOO_MANY)
        return found
