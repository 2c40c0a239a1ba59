"""How values may be spelt in a table that should not hold them: other case, other form, encoded, hashed without a key.

All texts are brought into one form, on both sides; encodings are undone where they are met, so that a value is found at
any place within what was encoded. Unkeyed hashes alone are made of the values that are looked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.verification.rolling import Octets

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
HASH = 16
"""Bytes that what is taken for a hash has at least, so that it is found cut to that length too."""
COMPARED = 8
"""Bytes of a hash that are compared: as many as a 64-bit number holds."""
JSON, URL, HEX, BASE64 = "JSON escapes", "URL", "hex", "base64"
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = "%[0-9A-Fa-f]{2}"
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{7,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{10,}")
_HASHED = re.compile(r"[0-9a-fA-F]{32,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TO_STANDARD = str.maketrans("-_", "+/")
MOST_OF_TOKEN = 1 << 20
SHORT, LONG = 3, 9
"""Characters from which on what was decoded is looked at, if it is text throughout, and if it is not."""


class Decoded(NamedTuple):
    """Texts that were encoded within others. rows: of which text each is. sure: whether it is text throughout; what is
    not was perhaps never encoded, and holds by chance whatever is short."""

    encoding: str
    rows: list[int]
    texts: list[str]
    sure: list[bool]


class Hashes(NamedTuple):
    """What may be hashes within texts: the first `COMPARED` bytes of each. rows: of which text each is."""

    rows: list[int]
    starts: list[bytes]

    def matrix(self) -> Octets:
        """A row for each."""
        return np.frombuffer(b"".join(self.starts), np.uint8).reshape(-1, COMPARED)


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
    spelt = (value.encode("utf-8", "surrogatepass"), value.strip().lower().encode("utf-8", "surrogatepass"))
    return [hashlib.new(name, each, usedforsecurity=False).digest() for each in spelt for name in ALGORITHMS]


def decoded(texts: list[str | None], whole: bool = False) -> Iterator[Decoded]:
    """What is encoded within texts. whole: only whole texts are taken for encoded, as where all of them are tokens."""
    for encoding, undo in ((JSON, _without_escapes), (URL, _without_percent)):
        found = [(row, each) for row, text in enumerate(texts) if text for each in undo(text)]
        if found:
            yield Decoded(encoding, [row for row, _ in found], [each for _, each in found], [True] * len(found))
    tokens = [(row, token) for row, text in enumerate(texts) if text for token in _tokens(text, whole)]
    for encoding, read in ((HEX, _from_hex), (BASE64, _from_base64)):
        read_ = [(row, *_as_text(octets)) for row, token in tokens for octets in read(token, whole)]
        kept = [(row, text, sure) for row, text, sure in read_ if len(text) >= (SHORT if sure else LONG)]
        if kept:
            yield Decoded(encoding, *(list(each) for each in zip(*kept, strict=True)))


def _as_text(octets: bytes) -> tuple[str, bool]:
    """What was encoded, and whether all of it is text."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return octets.decode("utf-8", "ignore"), False
    return text, all(each.isprintable() or each.isspace() for each in text)


def _tokens(text: str, whole: bool) -> list[str]:
    found = [text] if whole and _TOKEN.fullmatch(text) else [] if whole else _TOKEN.findall(text)
    return [each[:MOST_OF_TOKEN] for each in found]


def _without_escapes(text: str) -> list[str]:
    if "\\" not in text:
        return []
    once = _unescaped(text)
    return [once, _unescaped(once)] if "\\" in once else [once]  # statistics are JSON in JSON


def _unescaped(text: str) -> str:
    plain = _ESCAPE.sub(lambda at: chr(int(at[1], 16)) if at[1] else _LETTERS.get(at[2], at[2]), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_percent(text: str) -> list[str]:
    if not re.search(_PERCENT, text):
        return []
    return list(dict.fromkeys([unquote(text, errors="replace"), unquote_plus(text, errors="replace")]))


def _from_hex(token: str, whole: bool) -> Iterator[bytes]:
    for run in _HEX.findall(token):
        for start in (0,) if whole else (0, 1):  # a letter before it may have been taken for the first digit
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2])


def _from_base64(token: str, whole: bool) -> Iterator[bytes]:
    """By each of the four places at which what was encoded may begin, for something may stand before it."""
    letters = token.rstrip("=").translate(_TO_STANDARD)
    for start in range(1 if whole else 4):
        yield _octets(letters[start:])


def _octets(letters: str) -> bytes:
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return b""


def hashes_within(texts: list[str | None]) -> Hashes:
    """What may be hashes in hex, as a UUID and in base64."""
    rows: list[int] = []
    starts: list[bytes] = []
    for row, text in enumerate(texts):
        for start in () if text is None or len(text) < 22 else _starts(text):
            rows.append(row)
            starts.append(start)
    return Hashes(rows, starts)


def _starts(text: str) -> Iterator[bytes]:
    for run in _HASHED.findall(text):
        yield bytes.fromhex(run.replace("-", "")[: 2 * COMPARED])
    for token in _TOKEN.findall(text):
        if len(token) >= 22:
            octets = _octets(token[:24].rstrip("=").translate(_TO_STANDARD))
            if len(octets) >= HASH:
                yield octets[:COMPARED]
