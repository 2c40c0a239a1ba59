"""What may stand in a technique's place in a tree of treatments and takes that technique's results, not values.

No such thing is a technique of a catalog: no configuration and no record can name it.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pydantic import ConfigDict, InstanceOf

from privacy_udfs.kernels.arrays import distinct_if_few
from privacy_udfs.technique import Outcome, Technique


class OnResults(Technique):
    """of: the technique whose results are taken. Nulls stay null; what is no result of it stops a whole array."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    of: InstanceOf[Technique]

    def key_size(self) -> int | None:
        return self.of.key_size()

    def _each_once(self, results: pa.Array, step: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """``step(results)``, by way of the different ones where these are few and the technique is dear."""
        encoded = distinct_if_few(results) if self.of.costly and self.of.deterministic else None
        return step(results) if encoded is None else step(encoded.dictionary).take(encoded.indices)


def all_treated(results: pa.Array, null: int) -> Outcome:
    """Of arrays of which nothing was refused."""
    return Outcome(results, len(results) - null, null, 0)
