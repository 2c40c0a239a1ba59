"""`tokenize`: a random token for each value, which a vault remembers."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs.errors import TypeRefused
from privacy_udfs.kernels.arrays import Bytes, binary, cut, rows_of, shorter_than, spread
from privacy_udfs.kernels.text import TAKES, accepts, encode, rfc4648, spelled
from privacy_udfs.normalization import Normalize
from privacy_udfs.result_patterns import CHARACTER, UUID
from privacy_udfs.strength import FALSE_IS_STRONGER, MORE_IS_STRONGER, NO_DIFFERENCE, Shows
from privacy_udfs.technique import Key, TextTechnique, Treated
from privacy_udfs.vault_rows import VaultRows

MOST_BYTES = 4096
VAULT = r"^[0-9a-f]{32}$"
_LAST = {0: "", 2: "[AQgw]", 4: "[AEIMQUYcgkosw048]"}
"""By bits beyond whole characters of base64url, the last character: its other bits are zeros."""


class Tokenize(TextTechnique):
    """Replace each value by a random token, which is the same for equal values because a vault remembers it.

    A token is drawn from the operating system's generator when a value is first met, and nothing of it comes from the
    value or the key. The vault is a Delta table that only a domain names (docs/tokenize.md); vault: its id, of 32 hex
    digits. exportable: whether the vault keeps values under the key alone too; the domain's vault says it.

    bits: of the token, a multiple of 8 from 128 to 256. encoding: ``base64url`` (no padding), ``hex``, ``uuid`` (takes
    128 bits; not of a version). prefix: text before each token. normalize: steps on text, see
    `privacy_udfs.kernels.text.normalize`. empty: see `TextTechnique`.

    What the vault knows values by are their canonical bytes, see `privacy_udfs.kernels.text.canonical`: 42 as a number
    and as a text has one token. Takes what `keyed_hash` takes; nulls stay null. Refused values: text that is not
    well-formed UTF-8, and what has more than 4,096 canonical bytes. Key: a master key, of which 32 bytes are derived.

    `apply` alone gives no tokens, for it has no vault, but binary *tickets*: what a run finds the tokens by
    (`privacy_udfs.vault_rows`). They never stand in a table.

    Does not protect: equal values stay recognizable as equal, and with them frequencies and links between rows. The way
    back takes the token, the vault and the key, all three. Whoever has vault and key can test guesses of values; of few
    possible values (telephone numbers, dates) that means all of them.
    """

    technique: Literal["tokenize"] = "tokenize"
    bits: Annotated[int, Field(ge=128, le=256, multiple_of=8), MORE_IS_STRONGER] = 128
    encoding: Annotated[Literal["base64url", "hex", "uuid"], NO_DIFFERENCE] = "base64url"
    prefix: Annotated[str, NO_DIFFERENCE] = ""
    normalize: Normalize = ()
    vault: Annotated[str, Field(pattern=VAULT), NO_DIFFERENCE]
    exportable: Annotated[bool, FALSE_IS_STRONGER] = False

    comes_out = "a random token, kept in a vault that only a domain has: the way back takes token, vault and key"
    standard = "tokens of the system's generator; the vault by HMAC-SHA-256, HMAC-SHA-512 (FIPS 198-1), SP 800-108"
    by_vault = True
    authenticates = True
    injective = True
    shows = Shows.EQUALITY_AND_A_WAY_BACK
    covers = True
    unrecognizable = True
    scatters = True
    costly = True
    algorithms = ("HMAC-SHA-512",)

    @model_validator(mode="after")
    def _parameters_fit(self) -> Tokenize:
        if self.encoding == "uuid" and self.bits != 128:
            raise ValueError("bits: a uuid takes 128")
        return self

    def key_size(self) -> int:
        return 32

    def empty_after(self) -> tuple[str, ...]:
        return self.normalize

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if not accepts(values):
            self.refuse_type(values, TAKES)
        return pa.binary()

    def result_type(self, values: pa.DataType) -> pa.DataType:
        self.output_type(values)
        return pa.string()

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        if not pa.types.is_string(results.type):
            self.refuse_type(results.type, "text, as its results are")
        return pc.match_substring_regex(results, self.token_pattern())

    def token_pattern(self) -> str:
        """The RE2 pattern of every token."""
        prefix = re.escape(self.prefix)
        if self.encoding == "uuid":
            return f"^{prefix}{UUID}$"
        if self.encoding == "hex":
            return f"^{prefix}{CHARACTER['hex']}{{{self.bits // 4}}}$"
        return f"^{prefix}{CHARACTER['base64url']}{{{self.bits // 6}}}{_LAST[self.bits % 6]}$"

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        found, refused = self._known(values)
        return Treated(spread(self._rows(key).tickets(found.drop_null()), found), refused)

    def _known(self, values: pa.Array) -> tuple[pa.BinaryArray, pa.BooleanArray | None]:
        """The canonical bytes; null, and told, of what is refused."""
        found, refused = spelled(values, self.normalize)
        long = pc.fill_null(pc.greater(pc.binary_length(found), MOST_BYTES), False)
        if not pc.any(long).as_py():
            return found, refused
        return pc.if_else(long, None, found), long if refused is None else pc.or_(long, pc.fill_null(refused, False))

    def _rows(self, key: Key | None) -> VaultRows:
        assert key is not None
        return VaultRows(key.material, self.vault)

    # -- for whoever keeps the vault ----------------------------------------------------------------------------------

    def carried(self, values: pa.Array, key: Key, run: str) -> tuple[pa.BinaryArray, pa.BinaryArray]:
        """Of a plain array tickets, and the values under the key alone; nothing of nulls and of what is refused.
        run: its salt."""
        found = self._known(self.prepared(values))[0].drop_null()
        rows = self._rows(key)
        return rows.tickets(found), rows.carried(found, run)

    def redeemed(self, tickets: pa.BinaryArray, sealed: pa.BinaryArray, key: Key) -> pa.StringArray | None:
        """The tokens of tickets, by what the vault holds for each; None where that is nothing, or none of its own."""
        if pc.any(pc.and_(tickets.is_valid(), sealed.is_null())).as_py():
            return None
        if tickets.null_count == len(tickets):
            return pa.nulls(len(tickets), pa.string())
        held = sealed.filter(tickets.is_valid())
        found = self._rows(key).tokens(tickets.drop_null(), held)
        if found is None or found.shape[1] != self.bits // 8:
            return None
        return self._written(found, tickets)

    def _written(self, tokens: Bytes, like: pa.Array) -> pa.StringArray:
        return spread(encode(tokens, binary(rows_of(tokens)), self.encoding, self.prefix), like)

    def row_keys(self, tokens: pa.StringArray, key: Key) -> pa.BinaryArray:
        """By which rows of the vault are found for tokens as text; null of nulls and of what is no token."""
        sound = pc.fill_null(self.shaped(tokens), False)
        real = pc.if_else(sound, tokens, None)
        if real.null_count == len(real):
            return pa.nulls(len(real), pa.binary())
        return spread(self._rows(key).row_keys(self._bytes(real.drop_null())), real)

    def values(self, tokens: pa.StringArray, sealed: pa.BinaryArray, key: Key) -> pa.BinaryArray | None:
        """The canonical bytes of the values, by what the vault holds for each token; None where that is nothing, or
        none of its own. Nulls stay null."""
        sound = pc.fill_null(self.shaped(tokens), True)
        if not pc.all(sound).as_py() or pc.any(pc.and_(tokens.is_valid(), sealed.is_null())).as_py():
            return None
        if tokens.null_count == len(tokens):
            return pa.nulls(len(tokens), pa.binary())
        found = self._rows(key).values(self._bytes(tokens.drop_null()), sealed.filter(tokens.is_valid()))
        return None if found is None else spread(found, tokens)

    def _bytes(self, tokens: pa.StringArray) -> Bytes:
        """Of texts that look as tokens."""
        bare = pc.utf8_slice_codeunits(tokens, len(self.prefix))
        if self.encoding == "uuid":
            bare = pc.replace_substring(bare, "-", "")
        decode = rfc4648.decode_base64url if self.encoding == "base64url" else rfc4648.decode_hex
        found = decode(bare)
        if found is None or shorter_than(found, self.bits // 8):
            raise TypeRefused(f"{self.technique}: a text that looks as a token cannot be read as one")
        return cut(found, 0, self.bits // 8)
