"""The contract that every technique keeps.

A technique is a frozen, validated set of parameters with an operation on Arrow arrays. The configuration entry *is* the
object: ``parse({"technique": "mask", "keep_end": 4})``; ``parse(t.record()) == t`` always holds, and what a record
holds are declared parameters only, never a key.

Subclasses state what they are (see `privacy_udfs.facts`), beside each parameter how it bears on strength (see
`privacy_udfs.strength`), which types they take and give (`output_type`), and what they do (`treat`, `untreat`). What
all share lives here once: array layouts, nulls, repeats, counting, refusal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, field_validator
from pydantic_core import to_jsonable_python

from privacy_udfs.entities.elsewhere import Lists
from privacy_udfs.errors import KeyProblem, TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.facts import Facts
from privacy_udfs.kernels.arrays import distinct_if_few
from privacy_udfs.kernels.text import without_empty
from privacy_udfs.parameters import Later, Normalize
from privacy_udfs.strength import NO_DIFFERENCE

MAX_BATCH_BYTES = 1 << 30  # a batch is cut here, so that 32-bit Arrow offsets always suffice


@dataclasses.dataclass(frozen=True)
class Key:
    """Raw key bytes of an algorithm, with the key id that Tink's wire format puts before a ciphertext.

    material: the algorithm's own key bytes. id: unsigned 32-bit, 0 when unknown. prefix: what Tink puts before a
    ciphertext of this key; None: ``0x01 || id``. The `repr` shows the id only.
    """

    material: bytes = dataclasses.field(repr=False)
    id: int = 0
    prefix: bytes | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Keys(Key):
    """The keys of a technique that uses several, by the names of their domains. It has no bytes of its own.

    listed: values of domains that are looked for in texts, by digests under these keys.
    """

    material: bytes = dataclasses.field(default=b"", repr=False)
    by_domain: Mapping[str, Key] = dataclasses.field(default_factory=dict, repr=False)
    listed: Lists = dataclasses.field(default_factory=dict, repr=False)


@dataclasses.dataclass(frozen=True)
class LayeredKey(Key):
    """The keys of a technique in layers, oldest first. Its id is the last one's, its bytes are those of all."""

    layers: tuple[Key, ...] = dataclasses.field(default=(), repr=False)

    @classmethod
    def of(cls, layers: tuple[Key, ...]) -> LayeredKey:
        """Of at least two keys."""
        return cls(b"".join(each.material for each in layers), layers[-1].id, None, layers)


class Treated(NamedTuple):
    """What `treat` gives: values of the output type, null where refused; and which were refused (None: none was).
    within: how many values, found in texts, were treated each for itself."""

    values: pa.Array
    refused: pa.BooleanArray | None = None
    within: int = 0


class _Counted(NamedTuple):
    values: pa.Array
    treated: int
    null: int
    refused: int


class Outcome(_Counted):
    """A treated batch with its counts: ``treated + null + refused == len(values)``. within: as of `Treated`; it is no
    part of the tuple."""

    within = 0

    def holding(self, within: int) -> Outcome:
        self.within = within
        return self


class Technique(Facts):
    """Base of all techniques: see the module's text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False)

    technique: str
    on_refused: Literal["stop", "null"] = "stop"

    @field_validator("on_refused", mode="before")
    @classmethod
    def _null_is_a_word(cls, value: object) -> object:
        return "null" if value is None else value  # in YAML an unquoted null is not text

    # -- what a subclass states -------------------------------------------------------------------------------------

    def key_size(self) -> int | None:
        """Bytes of key to derive for this technique; None for a technique without a key."""
        return None

    @classmethod
    def takes_key(cls) -> bool:
        """Whether the technique is one with a key, whatever its parameters."""
        return cls.key_size is not Technique.key_size

    def accepts_key(self, size: int) -> bool:
        """Whether a raw key of ``size`` bytes fits; by default just the size that is derived."""
        return size == self.key_size()

    def output_type(self, values: pa.DataType) -> pa.DataType:
        """The Arrow type given for a column of type ``values``. Raises `TypeRefused`; see `refuse_type`."""
        raise NotImplementedError

    def result_type(self, values: pa.DataType) -> pa.DataType:
        """The type of what stands in a table for a column of type ``values``: `output_type`, but for techniques
        ``by_vault``."""
        return self.output_type(values)

    def key_label(self, domain: str) -> tuple[str, str]:
        """The two names by which its key is told from others when it is derived from a master: technique and domain."""
        return self.technique, domain

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        """Treat one plain array (no dictionary, no view, 32-bit offsets, never of type null; it may be a slice, hold
        nulls, or be empty). Nulls stay null. ``key`` has been checked against `accepts_key`; it is None for techniques
        without one. ``subject`` is a plain array of the same length for techniques that need one, else None."""
        raise NotImplementedError

    def untreat(self, values: pa.Array, key: Key | None) -> pa.Array:
        """The inverse of `treat` for reversible techniques; the caller says the type it wants by casting.
        Raises `TokenRefused` where any value cannot be reverted."""
        raise TypeRefused(f"{self.technique} is not reversible")

    def rekeyed(self, results: pa.Array, before: Key | None, after: Key | None) -> pa.Array:
        """Results of a reversible technique as another key gives them: what treating the values anew would give. Raises
        `TokenRefused` where any is none of the first key. No step that spells values is done twice."""
        treated = self.treat(self.untreat(results, before), after, None)
        if treated.values.null_count > results.null_count:
            raise TokenRefused
        return treated.values

    def further(self, results: pa.Array, key: LayeredKey, done: int) -> Treated:
        """Of a technique in layers (`Facts.layer_ids`): results of the first ones, ``done`` of them, under the others
        too, which is what `treat` gives of the values that they stand for. Refused is what has not their form. Nulls
        stay null."""
        raise TypeRefused(f"{self.technique} has no layers")

    def prepared(self, values: pa.Array) -> pa.Array:
        """The values as they are counted and treated; what becomes null here counts as null."""
        return values

    def nulls_values(self) -> bool:
        """Whether a value that is not null may become null, other than by being redacted."""
        return self.on_refused == "null"

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """Which results look as this treatment makes them: by length, alphabet, bin, unit, list; None where they have
        no shape of their own. What is said of nulls does not count. Raises where no result has the array's type.

        results: a plain array. key_id: the version of the key that made them, if it is known. `result_shapes.misshapen`
        asks. A value that was never treated may have the shape too: that is for other checks to find.
        """
        pattern = self.result_pattern()
        if pattern is None:
            return None
        if not pa.types.is_string(results.type):
            self.refuse_type(results.type, "text, as its results are")
        return pc.match_substring_regex(results, pattern)

    # -- what all share ---------------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """Every parameter as plain JSON data, for the treatment record.

        Defaults are included, but for parameters that came after the technique was first released (marked `Later`):
        so the record of a table written before them equals the one of the same treatment now.
        """
        unset = {name for name in self.later() if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=unset)

    @classmethod
    def later(cls) -> dict[str, Any]:
        """The parameters that came after the technique was first released, and their defaults as plain JSON data."""
        marked = {name: field for name, field in cls.model_fields.items() if Later() in field.metadata}
        return {name: to_jsonable_python(field.default) for name, field in marked.items()}

    def refuse_type(self, values: pa.DataType, takes: str) -> NoReturn:
        """Raise `TypeRefused` naming the type and what the technique takes instead."""
        raise TypeRefused(f"{self.technique} does not take {values}; it takes {takes}")

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        """Treat any Arrow array, however it is laid out, and count.

        Null in, null out; the result has the same length and the type `output_type` says. Raises `ValueRefused` with a
        count when values are refused and ``on_refused`` is ``stop``; `KeyProblem` when the key does not fit.
        """
        values = self.prepared(plain(values))
        key = self._checked_key(key)
        subject = self._checked_subject(subject, len(values))
        output = self.output_type(plain_type(values.type))
        if len(values) == values.null_count:
            return Outcome(pa.nulls(len(values), output), 0, len(values), 0)
        outcome = self._in_parts(values, key, subject)
        if outcome.refused and self.on_refused == "stop":
            raise ValueRefused(f"{self.technique} cannot treat {outcome.refused} of {len(values)} values in this batch")
        return outcome

    def _in_parts(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Outcome:
        if values.nbytes > MAX_BATCH_BYTES and len(values) > 1:
            half = len(values) // 2
            parts = [
                self._in_parts(values.slice(at, size), key, None if subject is None else subject.slice(at, size))
                for at, size in ((0, half), (half, len(values) - half))
            ]
            joined = pa.concat_arrays([part.values for part in parts])
            sums = (sum(counts) for counts in zip(*(part[1:] for part in parts), strict=True))
            return Outcome(joined, *sums).holding(sum(part.within for part in parts))
        treated = self._treat_distinct(narrow(values), key, subject)
        null = values.null_count
        refused = 0 if treated.refused is None else (pc.sum(treated.refused).as_py() or 0)
        return Outcome(treated.values, len(values) - null - refused, null, refused).holding(treated.within)

    def _treat_distinct(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if not (self.costly and self.deterministic and subject is None):
            return self.treat(values, key, subject)
        encoded = distinct_if_few(values)
        if encoded is None:
            return self.treat(values, key, subject)
        treated = self.treat(encoded.dictionary, key, None)
        refused = None if treated.refused is None else pc.fill_null(treated.refused.take(encoded.indices), False)
        return Treated(treated.values.take(encoded.indices), refused, treated.within)

    def revert(self, values: pa.Array | pa.ChunkedArray, key: Key | bytes | None = None) -> pa.Array:
        """The original values of a reversible technique. Nulls stay null. Raises `TokenRefused` or `KeyProblem`."""
        return self.untreat(narrow(plain(values)), self._checked_key(key))

    def _checked_key(self, key: Key | bytes | None) -> Key | None:
        if self.key_size() is None:
            if key is not None:
                raise KeyProblem(f"{self.technique} takes no key")
            return None
        if key is None:
            raise KeyProblem(f"{self.technique} needs a key")
        key = key if isinstance(key, Key) else Key(bytes(key))
        keys, due = key.layers if isinstance(key, LayeredKey) else (key,), len(self.layer_ids()) or 1
        if len(keys) != due:
            raise KeyProblem(f"{self.technique} needs a key for each of its {due} layers, got {len(keys)}")
        for each in keys:
            if not self.accepts_key(len(each.material)):
                raise KeyProblem(f"{self.technique} needs a key of {self.key_size()} bytes, got {len(each.material)}")
        return key

    def _checked_subject(self, subject: pa.Array | pa.ChunkedArray | None, length: int) -> pa.Array | None:
        if not self.needs_subject:
            return None
        if subject is None:
            raise TypeRefused(f"{self.technique} needs a subject: the array that says whose row each value is")
        subject = narrow(plain(subject))
        if len(subject) != length:
            raise TypeRefused(f"{self.technique}: {length} values but {len(subject)} subjects")
        return subject


class TextTechnique(Technique):
    """What techniques that take text have in common.

    empty: what becomes of an empty text. ``treat`` (the default): it is a value like any other, so that all of them
    share one result, which looks like a person of its own. ``null``: it counts as null. Empty is what has no character
    left after the steps of ``normalize``, where the technique has such.
    """

    empty: Annotated[Literal["treat", "null"], Later(), NO_DIFFERENCE] = "treat"

    @field_validator("empty", mode="before")
    @classmethod
    def _empty_null_is_a_word(cls, value: object) -> object:
        return "null" if value is None else value

    def empty_after(self) -> tuple[str, ...]:
        """Steps after which a text may be found empty."""
        return ()

    def prepared(self, values: pa.Array) -> pa.Array:
        return without_empty(values, self.empty_after()) if self.empty == "null" else values

    def nulls_values(self) -> bool:
        return self.empty == "null" or super().nulls_values()


class SubjectTechnique(Technique):
    """What techniques have in common whose results depend on whose row it is.

    normalize: steps before a subject of text becomes canonical bytes. empty_subject: ``null``: an empty subject counts
    as null, so that its values are refused; ``treat`` (the default): all rows without one share one. A configuration
    fills both from the treatment of the subject's own column: what has one pseudonym has one draw.
    """

    normalize: Normalize = ()
    empty_subject: Annotated[Literal["treat", "null"], Later(), NO_DIFFERENCE] = "treat"

    needs_subject = True

    @field_validator("empty_subject", mode="before")
    @classmethod
    def _empty_subject_null_is_a_word(cls, value: object) -> object:
        return "null" if value is None else value

    def _checked_subject(self, subject: pa.Array | pa.ChunkedArray | None, length: int) -> pa.Array | None:
        checked = super()._checked_subject(subject, length)
        if checked is None or self.empty_subject == "treat":
            return checked
        return without_empty(checked, self.normalize)


_NARROW = {
    pa.large_string(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}


def plain(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One plain array: chunks joined, dictionaries and run-ends decoded, views laid out, all-null as text."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_run_end_encoded(values.type):
        values = pc.run_end_decode(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), pa.string())
    view = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}.get(values.type)
    return values if view is None else values.cast(view)


def plain_type(values: pa.DataType) -> pa.DataType:
    """The type under which a technique sees a column: dictionaries decoded, views and large offsets narrowed."""
    if pa.types.is_dictionary(values):
        values = values.value_type
    if pa.types.is_null(values):
        return pa.string()
    return _NARROW.get(values, values)


def narrow(values: pa.Array) -> pa.Array:
    """The same array with 32-bit offsets."""
    target = _NARROW.get(values.type)
    return values if target is None else values.cast(target)
