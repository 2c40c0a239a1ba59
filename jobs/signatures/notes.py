"""Signed notes (C2SP ``signed-note``): a text, an empty line, and a line for each signature.

::

    example.org/log
    12
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.org/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=

What is signed is the text with its last line feed. In the line is base64 of the key's hash and the signature.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Sequence

from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

DASH = "\u2014"
LINE = re.compile(rf"{DASH} ([^\s+]+) ([A-Za-z0-9+/]+={{0,2}})")
LONGEST = 1 << 20
MOST = 100
"""Lines of signatures that are looked at; more say nothing that these do not."""


@dataclasses.dataclass(frozen=True)
class Note:
    """text: what was signed. signed_by: the trusted keys that signed it, one at least."""

    text: str
    signed_by: tuple[PublicKey, ...]


def sign(text: str, key: SigningKey) -> str:
    """The note. Raises `NotSigned` for a text that is none: it ends with a line feed, and shows all of itself."""
    _check(text)
    signature = base64.b64encode(key.public.hash + key.sign(text.encode())).decode()
    return f"{text}\n{DASH} {key.name} {signature}\n"


def opened(note: str, trusted: Sequence[PublicKey]) -> Note:
    """What a note says. Raises `NotSigned` where no trusted key signed it, or one is named and did not."""
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n") or len(note) > LONGEST:
        raise NotSigned("no signed note: expected a text, an empty line and signatures")
    text = f"{text}\n"
    _check(text)
    found = [LINE.fullmatch(line) for line in lines[:-1].split("\n")[:MOST]]
    told = [(each[1], _content(each[2])) for each in found if each is not None]
    if len(told) != len(found):
        raise NotSigned("no signed note: a line of its signatures is none")
    signers = tuple(key for key in trusted if _is_signed(text, key, told))
    if not signers:
        raise NotSigned("no key that is trusted signed it")
    return Note(text, signers)


def _is_signed(text: str, key: PublicKey, told: Sequence[tuple[str, bytes]]) -> bool:
    mine = [content[4:] for name, content in told if name == key.name and content[:4] == key.hash]
    if mine and not all(key.has_signed(text.encode(), signature) for signature in mine):
        raise NotSigned(f"the signature of {key.name} is not of this text")
    return bool(mine)


def _content(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotSigned("no signed note: a line of its signatures is none") from None


def _check(text: str) -> None:
    if not text.endswith("\n") or any(each < " " and each != "\n" for each in text):
        raise NotSigned("no text of a note: it ends with a line feed, and holds no other control character")
