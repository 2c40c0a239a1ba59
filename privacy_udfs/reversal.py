"""The way back of a reversible technique, as something that stands in a technique's place in a tree of treatments.

So the one walk of `privacy_udfs.nested` turns back what lies in structs, arrays and maps too, and whole arrays at a
time. It is no technique of a catalog: no configuration and no record can name it.
"""

from __future__ import annotations

import abc
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import InstanceOf

from privacy_udfs.errors import TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.kernels.text import restored
from privacy_udfs.on_results import OnResults, all_treated
from privacy_udfs.technique import Key, Outcome, narrow, plain
from privacy_udfs.techniques._by_subject import BySubject
from privacy_udfs.techniques._sealed import text_or_binary
from privacy_udfs.techniques.mask import Mask
from privacy_udfs.techniques.tokenize import Tokenize

MASK = Mask(keep_end=4, preserve="")
"""What becomes of a value that is shown masked: all but its last four characters, and all of one that has no more."""


class Reversal(OnResults):
    """Turn back what ``of`` treated. restores: the Arrow type of the values that were treated. masked: whether they are
    masked before anyone sees them, by `MASK`; of text only.

    Nulls stay null. Raises `TokenRefused` for a whole array of which any value is no result of the treatment and key,
    or is none of the type that is to be restored.
    """

    technique: Literal["reversal"] = "reversal"
    restores: InstanceOf[pa.DataType]
    masked: bool = False

    def accepts_key(self, size: int) -> bool:
        return self.of.accepts_key(size)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if self.masked and self.restores != pa.string():
            raise TypeRefused(f"only text is masked, and the column held {self.restores}")
        return self.restores

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values, own = narrow(plain(values)), self._checked_key(key)
        return all_treated(self._each_once(values, lambda each: self._restored(each, own)), values.null_count)

    def _restored(self, values: pa.Array, key: Key | None) -> pa.Array:
        kind = self.output_type(values.type)
        if values.null_count == len(values):
            return pa.nulls(len(values), kind)
        found = restored(self.of.untreat(values, key), kind)
        if found is None or found.null_count != values.null_count:
            raise TokenRefused
        return MASK.apply(found).values if self.masked else found


class StillThere(OnResults):
    """Give results as they are, and turn none back. Raises `ValueRefused` where the key of any one's subject was
    destroyed."""

    technique: Literal["still_there"] = "still_there"

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return values

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values = plain(values)
        if isinstance(self.of, BySubject) and self.of.by_subject_keys():
            assert isinstance(key, Key), "such a key comes with its tree"
            self.of.check_alive(values, key)
        return all_treated(values, values.null_count)


class ReversalBeside(Reversal):
    """The same of a technique whose results open only with what a table of keys or tokens has for each. held: the path
    of the column of the row that holds that. Raises `ValueRefused` where the table has nothing."""

    held: str

    missing: ClassVar[str]

    def beside(self) -> tuple[str, ...]:
        return (self.held,)

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values, own = narrow(plain(values)), self._checked_key(key)
        assert own is not None
        assert subject is not None, "what the table holds comes beside"
        held = narrow(plain(subject.field(self.held)))
        if pc.any(pc.and_(values.is_valid(), held.is_null())).as_py():
            raise ValueRefused(self.missing)
        kind, null = self.output_type(values.type), values.null_count
        if null == len(values):
            return all_treated(pa.nulls(null, kind), null)
        bare = self._opened(values, held, own)
        found = None if bare is None else restored(text_or_binary(bare), kind)
        if found is None or found.null_count != null:
            raise TokenRefused
        return all_treated(MASK.apply(found).values if self.masked else found, null)

    @abc.abstractmethod
    def _opened(self, values: pa.Array, held: pa.Array, key: Key) -> pa.Array | None:
        """The bytes of the values; None where any does not open."""


class ReversalByVault(ReversalBeside):
    """Of a technique whose results stand in a vault: a token expires, or is none of it."""

    missing = "the vault holds no value for a token: it has expired, or was none of this vault; nothing is shown"

    def _opened(self, values: pa.Array, held: pa.Array, key: Key) -> pa.Array | None:
        assert isinstance(self.of, Tokenize), "no other technique has a vault"
        return self.of.values(values, held, key)
