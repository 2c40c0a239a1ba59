"""Values under a key of their own subject: what the authenticated encryptions have in common with ``key_per``.

The keys of subjects stand in a table, which only a run has. So a technique gives by itself what a run finds them by
(`Carried`), and makes tokens of that once the table's rows are beside it (`BySubject.redeemed`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, Field, InstanceOf, model_validator

from privacy_udfs import subject_keys
from privacy_udfs.errors import TypeRefused
from privacy_udfs.kernels.aes import Index
from privacy_udfs.kernels.arrays import Bytes, binary, cut, joined, rows_of, shorter_than, spread, to_bytes, without
from privacy_udfs.kernels.text import canonical
from privacy_udfs.normalization import Normalize
from privacy_udfs.parameters import Later
from privacy_udfs.strength import NO_DIFFERENCE, SET_IS_STRONGER
from privacy_udfs.subject_keys import HANDLE, LOOKUP, WRAPPED, Keyed, SubjectKeys, slices
from privacy_udfs.technique import Key, Technique, TextTechnique, Treated

VERSION = b"\x02"
"""The first byte of a token: of Tink's it is 0 or 1."""
HEAD = len(VERSION) + HANDLE
LEAST = HEAD + 16
"""Bytes of the shortest token."""
TABLE = r"^[0-9a-f]{32}$"
MASTER = "key_per: subject needs a master key, of which the table's key is derived (keys.py create, HkdfPrfKey)"
BY_TABLE = (
    "{} with key_per: subject: keys of subjects stand in a table, which a run has; with known ones call 'sealed' or "
    "'opened' of the technique (docs/crypto_shredding.md)"
)


class BySubject(TextTechnique):
    """key_per: ``subject``: each value is encrypted under the key of its row's subject; unset (the default): all under
    one. subject_keys: the id of the table that keeps those keys, of 32 hex digits; subject_normalize: steps before a
    subject of text becomes canonical bytes. A configuration fills both: the first from the named key, the second from
    the treatment of the subject's own column."""

    key_per: Annotated[Literal["subject"] | None, Later(), SET_IS_STRONGER] = None
    subject_keys: Annotated[Annotated[str, Field(pattern=TABLE)] | None, Later(), NO_DIFFERENCE] = None
    subject_normalize: Annotated[Normalize, Later()] = ()

    @model_validator(mode="after")
    def _keys_of_subjects_fit(self) -> BySubject:
        if (self.key_per is None) != (self.subject_keys is None):
            raise ValueError("subject_keys: goes with key_per: subject, and the other way round")
        if self.key_per is None:
            return self
        if getattr(self, "output_prefix", "tink") != "tink":
            raise ValueError("output_prefix: tokens under keys of subjects have a form of their own; leave it out")
        if getattr(self, "period", None) is not None:
            raise ValueError("key_per: a value joins within its period or within its subject, not both")
        return self

    def by_subject_keys(self) -> bool:
        return self.key_per is not None

    @classmethod
    def subject_keys_in(cls, parameters: Any) -> str | None:
        found = parameters.get("subject_keys")
        return found if parameters.get("key_per") == "subject" and isinstance(found, str) else None

    @property
    def needs_subject(self) -> bool:  # type: ignore[override]  # a fact of a class elsewhere, here of the parameters
        return self.key_per is not None

    def key_label(self, domain: str) -> tuple[str, str]:
        """All columns under one named key share the table's key, whatever their domain: so one key of a subject serves
        them all."""
        if self.key_per is None:
            return super().key_label(domain)
        return subject_keys.KEY_LABEL, str(self.subject_keys)

    def step_before_join(self) -> Technique:
        return self if self.key_per is None else Carried(technique=self.technique, of=self, on_refused=self.on_refused)

    def check_key_is_there(self) -> None:
        """Raise `TypeRefused` where values are not under one key that anyone could name."""
        if self.key_per is not None:
            raise TypeRefused(BY_TABLE.format(self.technique))

    # -- what subclasses say -------------------------------------------------------------------------------------------

    @abstractmethod
    def canonical(self, values: pa.Array) -> pa.BinaryArray:
        """The bytes to encrypt; nulls stay null."""

    @abstractmethod
    def written(self, keys: SubjectKeys, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.Array:
        """Tokens of values, each under the key that ``index`` names. under: their label."""

    @abstractmethod
    def unsealed(self, known: Keyed, under: bytes, index: Index, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The values of what follows the heads of tokens; None where any is not authentic."""

    @abstractmethod
    def token_bytes(self, tokens: pa.Array) -> pa.BinaryArray:
        """Tokens as bytes; null of nulls and of what is none."""

    # -- with keys that are known -------------------------------------------------------------------------------------

    def sealed(
        self, values: pa.BinaryArray, keys: SubjectKeys, known: Keyed, domain: str, index: Index | None = None
    ) -> pa.Array:
        """Tokens of canonical bytes without nulls. index: which key is whose, one for each if left out. domain: of the
        treatment, or the column's own."""
        under = self._label(domain)
        each = np.arange(len(values), dtype=np.int32) if index is None else index
        parts = [pa.array([], pa.binary() if self._is_binary() else pa.string())]
        for rows in slices(len(values)):
            first, last = (int(each[rows].min()), int(each[rows].max()) + 1) if rows.start < rows.stop else (0, 0)
            few = Keyed(*(part[first:last] for part in known))
            parts.append(self.written(keys, few, under, each[rows] - first, values[rows.start : rows.stop]))
        return pa.concat_arrays(parts)

    def opened(self, tokens: pa.Array, keys: SubjectKeys, known: Keyed, domain: str) -> pa.BinaryArray | None:
        """The canonical bytes of tokens without nulls, a key for each; None where any is not under its key."""
        found = self.token_bytes(tokens)
        if found.null_count or shorter_than(found, LEAST):
            return None
        if not np.array_equal(cut(found, 0, HEAD), heads(keys, known, np.arange(len(found)), cut(found, HEAD, 16))):
            return None
        under, parts = self._label(domain), [pa.array([], pa.binary())]
        for rows in slices(len(found)):
            few, index = Keyed(*(part[rows] for part in known)), np.arange(rows.stop - rows.start, dtype=np.int32)
            plain = self.unsealed(few, under, index, without(found[rows.start : rows.stop], HEAD))
            if plain is None:
                return None
            parts.append(plain)
        return pa.concat_arrays(parts)

    def _label(self, domain: str) -> bytes:
        return subject_keys.label(self.technique, domain, str(getattr(self, "associated_data", "")))

    def _is_binary(self) -> bool:
        return bool(getattr(self, "encoding", "binary") == "binary")

    # -- for whoever keeps the table ----------------------------------------------------------------------------------

    def lookups(self, subjects: pa.Array, key: Key) -> pa.BinaryArray:
        """By which rows of the table are found for subjects, of a plain array; null of nulls and of empty ones."""
        found = _whom(subjects, self.subject_normalize)
        return spread(SubjectKeys(key.material).lookups(found.drop_null()), found)

    def redeemed(self, carried: pa.BinaryArray, held: pa.BinaryArray, key: Key, domain: str) -> pa.Array | None:
        """The tokens of what is carried, by what the table holds for each (handle and wrapped key); None where that is
        nothing, or not its own. Nulls stay null."""
        there = carried.is_valid()
        if pc.any(pc.and_(there, held.is_null())).as_py():
            return None
        given, rows = carried.drop_null(), held.filter(there)
        if not len(given):
            return pa.nulls(len(carried), pa.binary() if self._is_binary() else pa.string())
        if _sizes(rows) != (HANDLE + WRAPPED, HANDLE + WRAPPED) or shorter_than(given, LOOKUP):
            return None
        keys, found = SubjectKeys(key.material), cut(rows, 0, HANDLE + WRAPPED)
        lookups, index = cut(given, 0, LOOKUP), _runs(found)
        firsts = np.flatnonzero(np.diff(index, prepend=-1))
        known = _known(keys, lookups[firsts], found[firsts, :HANDLE], found[firsts, HANDLE:])
        if known is None or not np.array_equal(lookups, known.lookups[index]):
            return None
        values = keys.uncarried(without(given, LOOKUP))
        return None if values is None else spread(self.sealed(values, keys, known, domain, index), carried)

    def handles(self, tokens: pa.Array, key: Key) -> pa.BinaryArray:
        """By which rows of the table are found for tokens; null of nulls and of what is no token."""
        found = self.token_bytes(tokens)
        is_long = pc.greater_equal(pc.binary_length(found), LEAST)
        is_one = pc.and_(is_long, pc.equal(pc.binary_slice(found, 0, 1), pa.scalar(VERSION, pa.binary())))
        real = pc.if_else(is_one, found, None)
        some = real.drop_null()
        shown = cut(some, 1, HANDLE) ^ SubjectKeys(key.material).pads(cut(some, HEAD, 16))
        return spread(binary(rows_of(shown)), real) if len(some) else real

    def values(self, tokens: pa.Array, held: pa.BinaryArray, key: Key, domain: str) -> pa.BinaryArray | None:
        """The canonical bytes of values, by what the table holds for each token (lookup and wrapped key); None where
        that is nothing, or not its own. Nulls stay null."""
        there = tokens.is_valid()
        if pc.any(pc.and_(there, held.is_null())).as_py():
            return None
        given, rows = tokens.drop_null(), held.filter(there)
        if not len(given):
            return pa.nulls(len(tokens), pa.binary())
        handles = self.handles(given, key)
        if handles.null_count or _sizes(rows) != (LOOKUP + WRAPPED, LOOKUP + WRAPPED):
            return None
        found = cut(rows, 0, LOOKUP + WRAPPED)
        keys = SubjectKeys(key.material)
        known = _known(keys, found[:, :LOOKUP], cut(handles, 0, HANDLE), found[:, LOOKUP:])
        plain = None if known is None else self.opened(given, keys, known, domain)
        return None if plain is None else spread(plain, tokens)


class Carried(Technique):
    """What a value is until the key of its subject is beside it: ``lookup (16) || the value under the table's key``,
    binary. It never stands in a table. Null stays null; refused is a value whose subject is null, or
    empty text, and what `canonical` leaves out."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    of: InstanceOf[BySubject]

    needs_subject = True

    def key_size(self) -> int | None:
        return self.of.key_size()

    def accepts_key(self, size: int) -> bool:
        return self.of.accepts_key(size)

    def prepared(self, values: pa.Array) -> pa.Array:
        return self.of.prepared(values)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        self.of.output_type(values)
        return pa.binary()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        assert subject is not None
        lookups = self.of.lookups(subject, key)
        plain = self.of.canonical(values)
        there = pc.and_(plain.is_valid(), lookups.is_valid())
        sealed = SubjectKeys(key.material).carried(plain.filter(there))
        found = joined(to_bytes(lookups.filter(there)), to_bytes(sealed))
        whole = spread(found, pc.if_else(there, pa.scalar(True), None))
        refused = pc.and_not(values.is_valid(), there)
        return Treated(whole, refused if pc.any(refused).as_py() else None)


def _whom(subjects: pa.Array, steps: tuple[str, ...]) -> pa.BinaryArray:
    """The canonical bytes of subjects; null of those that are nobody: null, and what is empty."""
    encoded = subjects.dictionary_encode()
    found = canonical(encoded.dictionary, steps)
    some = pc.if_else(pc.equal(pc.binary_length(found), 0), None, found)
    return some.take(encoded.indices)


def _known(keys: SubjectKeys, lookups: Bytes, handles: Bytes, wrapped: Bytes) -> Keyed | None:
    secrets = keys.secrets(lookups, handles, wrapped)
    return None if secrets is None else Keyed(np.ascontiguousarray(handles), secrets, np.ascontiguousarray(lookups))


def _runs(found: Bytes) -> Index:
    """Rows that follow each other and are equal share a number."""
    items = np.ascontiguousarray(found).view("<u8")
    differs = (items[1:] != items[:-1]).any(axis=1)
    return np.concatenate([[0], np.cumsum(differs)]).astype(np.int32)


def _sizes(rows: pa.BinaryArray) -> tuple[int, int]:
    sizes = pc.min_max(pc.binary_length(rows)).as_py()
    return sizes["min"], sizes["max"]


def heads(keys: SubjectKeys, known: Keyed, index: npt.NDArray[Any], follows: Bytes) -> Bytes:
    """What tokens begin with. follows: the 16 bytes after that."""
    head = np.empty((len(index), HEAD), np.uint8)
    head[:, : len(VERSION)] = np.frombuffer(VERSION, np.uint8)
    head[:, len(VERSION) :] = known.handles[index] ^ keys.pads(follows)
    return head


def headed(keys: SubjectKeys, known: Keyed, index: Index, sealed: pa.BinaryArray) -> pa.BinaryArray:
    """Tokens as bytes."""
    if not len(sealed):
        return sealed
    return joined(rows_of(heads(keys, known, index, cut(sealed, 0, 16))), to_bytes(sealed))
