"""Results of one key put under further layers of it, as something that stands in a technique's place in a tree of
treatments: what becomes of a column whose values nobody has any more (`privacy_udfs.facts.Facts.layer_ids`).

It is no technique of a catalog: no configuration can name it.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import KeyProblem, ValueRefused
from privacy_udfs.on_results import OnResults, all_treated
from privacy_udfs.technique import Key, LayeredKey, Outcome, narrow, plain


class FurtherLayers(OnResults):
    """Put what is under the first layers of ``of``, ``done`` of them, under the others too: what ``of`` gives of the
    values that they stand for.

    Nulls stay null. Raises `ValueRefused` for a whole array of which any value has not the form of such a result: it
    was never treated so, and would come to look as if it had been. Of numbers none can be told.
    """

    technique: Literal["further_layers"] = "further_layers"
    done: int

    deterministic = False  # so that Spark never does it twice

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return self.of.output_type(values)

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values, key = narrow(plain(values)), self.of._checked_key(key)
        if not isinstance(key, LayeredKey) or not 0 < self.done < len(key.layers):
            raise KeyProblem("further layers need the keys of all layers, and one at least that is not done")
        null, whole = values.null_count, key
        if null == len(values):
            return all_treated(values, null)
        return all_treated(self._each_once(values, lambda each: self._made(each, whole)), null)

    def _made(self, results: pa.Array, key: LayeredKey) -> pa.Array:
        made = self.of.further(results, key, self.done)
        refused = 0 if made.refused is None else pc.sum(made.refused).as_py() or 0
        if refused:
            raise ValueRefused(
                f"{refused} of {len(results)} values in this batch are no results of {self.of.technique} as the record "
                "has it (equal ones are counted once, where they are few): they get no further layer"
            )
        return made.values
