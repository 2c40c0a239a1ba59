"""Values under a key of their own subject: what the authenticated encryptions have in common with ``key_per``.

The keys of subjects are leaves of a tree whose nodes stand in a table: who has these gives them along with the key
(`privacy_udfs.subject_keys.TreeKey`). A value whose subject's leaf was destroyed is refused, for good.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs import subject_keys
from privacy_udfs.errors import TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.kernels.aes import Index
from privacy_udfs.kernels.arrays import (
    Bytes,
    cut,
    distinct_if_few,
    joined,
    rows_of,
    shorter_than,
    spread,
    to_bytes,
    without,
)
from privacy_udfs.kernels.text import canonical
from privacy_udfs.parameters import Later, Normalize
from privacy_udfs.strength import NO_DIFFERENCE, SET_IS_STRONGER
from privacy_udfs.subject_keys import INDEX, Keyed, SubjectKeys, TreeKey, slices
from privacy_udfs.technique import Key, Outcome, TextTechnique, Treated, narrow, plain

VERSION = b"\x03"
"""The first byte of a token: of Tink's it is 0 or 1; of the first form of keys of subjects it was 2."""
HEAD = len(VERSION) + INDEX
LEAST = HEAD + 16
"""Bytes of the shortest token."""
FORM = "tree-"
"""What the ids of tables begin with that hold a tree: those of the first form, with a row for each subject, do not."""
TABLE = r"^(tree-)?[0-9a-f]{32}$"
FIRST_FORM = (
    "treated under the first form of subjects' keys, a row for each, of which nothing is read any more: make a table "
    "of keys with jobs/shred.py create, state its id in keys.yaml, and treat the table anew with mode: full"
)
MASTER = "key_per: subject needs a master key, of which the table's key is derived (keys.py create, HkdfPrfKey)"
BY_TABLE = (
    "{} with key_per: subject: keys of subjects are leaves of a tree, whose nodes stand in a table that a run has; "
    "with nodes at hand give a privacy_udfs.subject_keys.TreeKey (docs/crypto_shredding.md)"
)
GONE = "the key of a value's subject was destroyed; nothing is shown"
NOBODY = "{} of nobody (the subject is null or empty)"
DESTROYED = (
    "{} of subjects whose keys were destroyed, and who never get one again: keep their rows out of the source, or out "
    "of runs by the list of the erased (docs/erasure.md), or say on_refused: null"
)


class Whose(NamedTuple):
    """Whose each row is. indexes: of leaves. at: of each row which of these; -1: nobody's."""

    indexes: Bytes
    at: Index


class BySubject(TextTechnique):
    """key_per: ``subject``: each value is encrypted under the key of its row's subject; unset (the default): all under
    one. subject_keys: the id of the table that keeps those keys, ``tree-`` and 32 hex digits; subject_normalize: steps
    before a subject of text becomes canonical bytes. A configuration fills both: the first from the named key, the
    second from the treatment of the subject's own column."""

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

    # -- what subclasses say ------------------------------------------------------------------------------------------

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

    # -- with a tree --------------------------------------------------------------------------------------------------

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        """As of `Technique`; of what is refused it is told why."""
        try:
            return super().apply(values, key, subject)
        except ValueRefused as error:
            if not isinstance(key, TreeKey) or subject is None:
                raise
            said = str(error)
        there = self.prepared(plain(values)).is_valid()
        whose = self.indexes(narrow(plain(subject)).filter(there), key)
        nobody, gone = whose.at < 0, ~key.secrets(whose.indexes)[1]
        many = (int(nobody.sum()), int(gone[whose.at[~nobody]].sum()))
        told = [text.format(number) for number, text in zip(many, (NOBODY, DESTROYED), strict=True) if number]
        raise ValueRefused(f"{said}: {'; '.join(told)}")

    def treat_by_subject(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        """Of a plain array. Refused is a value whose subject is null, empty, or destroyed."""
        assert subject is not None
        tree, there = self._tree(key), values.is_valid().to_numpy(zero_copy_only=False)
        whose = self.indexes(subject, tree)
        secrets, alive = tree.secrets(whose.indexes)
        lives = np.append(alive, False)[whose.at]
        chosen, known = there & lives, Keyed(whose.indexes, secrets)
        if chosen.all():
            return Treated(self.sealed(self.canonical(values), tree.keys, known, tree.domain, whose.at))
        few = self.canonical(values.filter(pa.array(chosen)))
        found = self.sealed(few, tree.keys, known, tree.domain, whose.at[chosen])
        refused = there & ~lives
        whole = found.take(pa.array(np.cumsum(chosen) - 1, mask=~chosen))
        return Treated(whole, pa.array(refused) if refused.any() else None)

    def indexes(self, subjects: pa.Array, key: TreeKey) -> Whose:
        """Which leaf is whose, of a plain array."""
        encoded = distinct_if_few(subjects)
        found = canonical(subjects if encoded is None else encoded.dictionary, self.subject_normalize)
        some = pc.fill_null(pc.greater(pc.binary_length(found), 0), False).to_numpy(zero_copy_only=False)
        rows = key.keys.indexes(found if some.all() else found.filter(pa.array(some)))
        at = np.where(some, np.cumsum(some) - 1, -1).astype(np.int32)
        if encoded is not None:
            places = pc.fill_null(encoded.indices.cast(pa.int32()), len(at)).to_numpy(zero_copy_only=False)
            at = np.append(at, np.int32(-1))[places]
        return Whose(rows, at)

    def untreat_by_subject(self, tokens: pa.Array, key: Key | None) -> pa.BinaryArray:
        """The canonical bytes of a plain array's values. Nulls stay null. Raises `TokenRefused`; `ValueRefused` where
        the key of a token's subject was destroyed."""
        tree, given = self._tree(key), tokens.drop_null()
        found = self.named(given, tree)
        if found is None:
            raise TokenRefused
        secrets, alive = tree.secrets(found)
        if not alive.all():
            raise ValueRefused(GONE)
        bare = self.opened(given, Keyed(found, secrets), tree.domain)
        if bare is None:
            raise TokenRefused
        return spread(bare, tokens)

    def named(self, tokens: pa.Array, key: TreeKey) -> Bytes | None:
        """The indexes that tokens without nulls name; None where any is no token."""
        found = self.token_bytes(tokens)
        if found.null_count or shorter_than(found, LEAST):
            return None
        if (cut(found, 0, len(VERSION)) != np.frombuffer(VERSION, np.uint8)).any():
            return None
        return cut(found, len(VERSION), INDEX) ^ key.keys.pads(cut(found, HEAD, 16))

    def check_alive(self, tokens: pa.Array, key: Key) -> None:
        """Raise `ValueRefused` where the key of any token's subject was destroyed, as far as these are tokens."""
        tree = self._tree(key)
        found = self.named(narrow(plain(tokens)).drop_null(), tree)
        if found is not None and not tree.secrets(found)[1].all():
            raise ValueRefused(GONE)

    def check_form(self) -> None:
        """Raise `TypeRefused` where the record of a table is of the first form."""
        if self.subject_keys is not None and not self.subject_keys.startswith(FORM):
            raise TypeRefused(FIRST_FORM)

    def _tree(self, key: Key | None) -> TreeKey:
        """Raises `TypeRefused` where there are no nodes by which keys of subjects are found."""
        self.check_form()
        if not isinstance(key, TreeKey) or key.tree != self.subject_keys:
            raise TypeRefused(BY_TABLE.format(self.technique))
        return key

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
            first, last = int(each[rows].min()), int(each[rows].max()) + 1
            few = Keyed(*(part[first:last] for part in known))
            parts.append(self.written(keys, few, under, each[rows] - first, values[rows.start : rows.stop]))
        return pa.concat_arrays(parts)

    def opened(self, tokens: pa.Array, known: Keyed, domain: str) -> pa.BinaryArray | None:
        """The canonical bytes of tokens without nulls, a key for each; None where any is not under its key."""
        found = self.token_bytes(tokens)
        if found.null_count or shorter_than(found, LEAST):
            return None
        under, parts = self._label(domain), [pa.array([], pa.binary())]
        for rows in slices(len(found)):
            few, index = Keyed(*(part[rows] for part in known)), np.arange(rows.stop - rows.start, dtype=np.int32)
            bare = self.unsealed(few, under, index, without(found[rows.start : rows.stop], HEAD))
            if bare is None:
                return None
            parts.append(bare)
        return pa.concat_arrays(parts)

    def _label(self, domain: str) -> bytes:
        return subject_keys.label(self.technique, domain, str(getattr(self, "associated_data", "")))

    def _is_binary(self) -> bool:
        return bool(getattr(self, "encoding", "binary") == "binary")


def heads(keys: SubjectKeys, known: Keyed, index: npt.NDArray[Any], follows: Bytes) -> Bytes:
    """What tokens begin with. follows: the 16 bytes after that."""
    head = np.empty((len(index), HEAD), np.uint8)
    head[:, : len(VERSION)] = np.frombuffer(VERSION, np.uint8)
    head[:, len(VERSION) :] = known.indexes[index] ^ keys.pads(follows)
    return head


def headed(keys: SubjectKeys, known: Keyed, index: Index, sealed: pa.BinaryArray) -> pa.BinaryArray:
    """Tokens as bytes."""
    if not len(sealed):
        return sealed
    return joined(rows_of(heads(keys, known, index, cut(sealed, 0, 16))), to_bytes(sealed))
