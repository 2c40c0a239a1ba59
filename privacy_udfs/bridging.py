"""Rows of a sealed bridge, and pseudonyms of one key made those of another by them: where nobody has the values any
more but the bridge, in which each stands sealed beside what its pseudonym is found by.

All keys come from one, a sub-key of a key of the bridge's own: ``HKDF-Expand-SHA-256(key, "lakenym/bridge/1/" + role +
"/" + bridge)``, RFC 5869. Of a value v (its canonical bytes) and its pseudonym p (its canonical bytes)::

    row_key      = HMAC-SHA-256(k.row, p)                    16 bytes of it
    sealed_value = AES-256-GCM(k.value, row_key || padded v)  a random nonce each (`privacy_udfs.kernels.aes.GCM`)

Values are padded with 0x80 and zeros to a multiple of 32 bytes (ISO/IEC 7816-4). One key seals at most 2^32 values (SP
800-38D, 8.3).

What it does not protect against: whoever has the bridge *and* its key has every value. It is a way back in all but
name; see docs/rotation.md.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from privacy_udfs.errors import KeyProblem, TokenRefused, ValueRefused
from privacy_udfs.kernels.aes import GCM
from privacy_udfs.kernels.arrays import binary, cut, rows_of, shorter_than, spread, to_bytes, without
from privacy_udfs.kernels.hmac import hmac_sha256
from privacy_udfs.kernels.text import canonical
from privacy_udfs.on_results import OnResults, all_treated
from privacy_udfs.reencryption import AFTER, BEFORE
from privacy_udfs.technique import Key, Keys, Outcome, Technique, narrow, plain
from privacy_udfs.vault_rows import padded, unpadded

SEAL = "bridge"
"""By which the key of the bridge is told from the two others."""
ROW_KEY = 16
INFO = "lakenym/bridge/1/{role}/{bridge}"
MISSING = (
    "the bridge has no row for a pseudonym: it was built without its value, or under another version of its own key; "
    "nothing was committed"
)


class BridgeKey(Technique):
    """What a bridge's own key is derived for; it treats nothing."""

    technique: Literal["bridge"] = "bridge"

    def key_size(self) -> int:
        return 32

    def output_type(self, values: pa.DataType) -> pa.DataType:
        raise KeyProblem("a bridge's key treats nothing")


class BridgeRows:
    """The rows of one bridge under its key. Arrays hold no nulls."""

    def __init__(self, key: bytes, bridge: str) -> None:
        self._row, value = (
            HKDFExpand(hashes.SHA256(), 32, INFO.format(role=role, bridge=bridge).encode()).derive(key)
            for role in ("row", "value")
        )
        self._value = GCM(value, b"")

    def row_keys(self, pseudonyms: pa.Array) -> pa.BinaryArray:
        """By which rows are found for pseudonyms, text or numbers."""
        return binary(rows_of(hmac_sha256(self._row, canonical(pseudonyms))[:, :ROW_KEY]))

    def sealed(self, row_keys: pa.BinaryArray, values: pa.BinaryArray) -> pa.BinaryArray:
        """What stands in rows for values."""
        whole = binary(padded(to_bytes(values)))
        return self._value.seal(pc.binary_join_element_wise(row_keys, whole, b""))

    def opened(self, row_keys: pa.BinaryArray, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The values; None where any row is none of this bridge, or of another pseudonym."""
        found = self._value.open(sealed)
        if found is None or not len(found) or shorter_than(found, ROW_KEY):
            return None
        if (cut(found, 0, ROW_KEY) != cut(row_keys, 0, ROW_KEY)).any():
            return None
        return unpadded(to_bytes(binary(to_bytes(without(found, ROW_KEY)))))


def of_canonical(technique: Technique) -> Technique:
    """The technique as it treats what was made canonical bytes before."""
    return technique.model_copy(update={"normalize": ()})


class Bridged(OnResults):
    """Open what the bridge has for pseudonyms that ``of`` made under the key `BEFORE`, and treat that under the key
    `AFTER`, in one call. bridge: its id. sealed: the path of the column of the row that holds what the bridge has.

    Nulls stay null. Raises `ValueRefused` for a whole array of which any pseudonym has no row, and `TokenRefused` where
    any row is none of the bridge, or gives under the first key another pseudonym than the one that stands there.
    """

    technique: Literal["bridged"] = "bridged"
    bridge: str
    sealed: str

    deterministic = False  # so that Spark never does it twice

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return values

    def beside(self) -> tuple[str, ...]:
        return (self.sealed,)

    def apply(
        self,
        values: pa.Array | pa.ChunkedArray,
        key: Key | bytes | None = None,
        subject: pa.Array | pa.ChunkedArray | None = None,
    ) -> Outcome:
        values = narrow(plain(values))
        if not isinstance(key, Keys) or key.by_domain.keys() != {BEFORE, AFTER, SEAL}:
            raise KeyProblem("a bridge needs three keys: its own, the one before and the one after")
        assert subject is not None, "what the bridge holds comes beside"
        sealed, there, null = narrow(plain(subject.field(self.sealed))), values.is_valid(), values.null_count
        if pc.any(pc.and_(there, sealed.is_null())).as_py():
            raise ValueRefused(MISSING)
        if null == len(values):
            return all_treated(values, null)
        made = self._made(values.drop_null(), sealed.filter(there), key)
        return all_treated(spread(made, values), null)

    def _made(self, pseudonyms: pa.Array, sealed: pa.BinaryArray, key: Keys) -> pa.Array:
        rows, bare = BridgeRows(key.by_domain[SEAL].material, self.bridge), of_canonical(self.of)
        before, after = (self.of._checked_key(key.by_domain[name]) for name in (BEFORE, AFTER))
        values = rows.opened(rows.row_keys(pseudonyms), sealed)
        if values is None or not bare.treat(values, before, None).values.equals(pseudonyms):
            raise TokenRefused
        return bare.treat(values, after, None).values
