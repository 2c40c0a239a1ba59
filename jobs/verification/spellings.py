"""How values may be spelt in a table that should not hold them: other case, other form, encoded, hashed without a key.

All texts are brought into one form, on both sides; encodings are undone where they are met, so that a value is found at
any place within what was encoded. Unkeyed hashes alone are made of the values that are looked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
JSON, URL = "JSON escapes", "URL"
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = r"%[0-9A-Fa-f]{2}|[^\s+]\+[^\s+]"


class Undone(NamedTuple):
    """Texts with escapes undone. rows: of which text each is."""

    encoding: str
    rows: list[int]
    texts: list[str]


def one_form(texts: pa.StringArray) -> pa.StringArray:
    """Texts in the form in which they are compared: NFKC, lower case, some letters as their capitals have them."""
    if _is_ascii(texts):
        return pc.ascii_lower(texts)
    lower = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    return pc.replace_substring(pc.replace_substring(lower, "ß", "ss"), "\u03c2", "\u03c3")


def _is_ascii(texts: pa.StringArray) -> bool:
    return pc.all(pc.string_is_ascii(texts)).as_py() is not False


def hashes_of(value: str) -> list[bytes]:
    """The unkeyed hashes of a value, as it is and in lower case without blanks around."""
    spelt = dict.fromkeys((value, value.strip().lower()))
    made = [
        hashlib.new(name, each.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        for each in spelt
        for name in ALGORITHMS
    ]
    return made * (2 // len(spelt))


def undone(texts: pa.StringArray) -> Iterator[Undone]:
    """Texts that have escapes of JSON or of URLs, without them."""
    for encoding, has_some, undo in ((JSON, r"\\", _without_escapes), (URL, _PERCENT, _without_percent)):
        rows = np.flatnonzero(pc.match_substring_regex(texts, has_some).to_numpy(zero_copy_only=False))
        each = [
            (row, plain) for row, text in zip(rows, texts.take(rows).to_pylist(), strict=True) for plain in undo(text)
        ]
        if each:
            yield Undone(encoding, [int(row) for row, _ in each], [plain for _, plain in each])


def _without_escapes(text: str) -> list[str]:
    once = _unescaped(text)
    return [once, _unescaped(once)] if "\\" in once else [once]  # statistics are JSON in JSON


def _unescaped(text: str) -> str:
    plain = _ESCAPE.sub(lambda at: chr(int(at[1], 16)) if at[1] else _LETTERS.get(at[2], at[2]), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_percent(text: str) -> list[str]:
    return list(dict.fromkeys([unquote(text, errors="replace"), unquote_plus(text, errors="replace")]))
