"""Results of one key made those of another, as something that stands in a technique's place in a tree of treatments.

Both ways are gone in one call on a whole array, so that a clear value is in no column of a query, no plan and no file:
only in the memory of the process that does it. It is no technique of a catalog: no configuration can name it.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs.errors import KeyProblem
from privacy_udfs.on_results import OnResults, all_treated
from privacy_udfs.technique import Key, Keys, Outcome, narrow, plain

BEFORE, AFTER = "before", "after"
"""By which the two keys are told apart (`privacy_udfs.technique.Keys`)."""


class Reencryption(OnResults):
    """Turn back what ``of`` treated under the key `BEFORE`, and treat it under the key `AFTER`, as it was treated.

    Nulls stay null. Raises `TokenRefused` for a whole array of which any value is no result of the treatment under the
    first key, where the technique can tell (`Facts.authenticates`).
    """

    technique: Literal["reencryption"] = "reencryption"

    deterministic = False  # so that Spark never does it twice

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return values

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values = narrow(plain(values))
        if not isinstance(key, Keys) or key.by_domain.keys() != {BEFORE, AFTER}:
            raise KeyProblem("a reencryption needs two keys: the one before and the one after")
        before, after = (self.of._checked_key(key.by_domain[name]) for name in (BEFORE, AFTER))
        null = values.null_count
        if null == len(values):
            return all_treated(values, null)
        return all_treated(self._each_once(values, lambda each: self.of.rekeyed(each, before, after)), null)
