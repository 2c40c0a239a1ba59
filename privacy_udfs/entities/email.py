"""E-mail addresses in a text, international ones included. Nobody is asked whether they exist.

Found from each ``@`` outwards, at most 64 characters to the left and 255 to the right (RFC 5321, 4.5.3.1), of which
none is an ``@``: so the work goes by the length of the text, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy_udfs.entities.spans import Span

MAYBE = r"@"
ADDRESS = r"[^\s@,;:<>()\[\]\"']{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+\p{L}{2,}"
"""An address as a pattern of RE2, for telling whether a text is or holds one."""
LONGEST_LOCAL, LONGEST_DOMAIN = 64, 255
_LOCAL = re.compile(r"(?:[^\s@,;:<>()\[\]{}\"'=/|\\*…]|(?<=\w)'(?=\w))+")
"""Read backwards. What is often written right before an address (``to=``, ``*``) is none of it, though it
could be; an apostrophe is where letters stand on both sides of it."""
_SIGNS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u0670\u0900-\u0963\u0970-\u0dff\u0e31-\u0e4e"
"""Signs that belong to a letter, as in text that is decomposed, and in Hebrew, Arabic, Hindi, Thai and their like."""
_DOMAIN = re.compile(rf"[^\W_](?:[\w.\-{_SIGNS}]*)")
_TOP = re.compile(rf"xn--[A-Za-z0-9\-]*[A-Za-z0-9]|(?:[^\W\d_][{_SIGNS}]*){{2,}}", re.IGNORECASE)
"""A label of letters, or what stands for one (RFC 5890)."""


def find(text: str) -> Iterator[Span]:
    """``email``, each from left to right."""
    at = text.find("@")
    while at >= 0:
        start = _local(text, at)
        if start < at and (end := _domain(text, at + 1)) > at + 1:
            yield Span(start, end, "email")
        at = text.find("@", at + 1)


def _local(text: str, at: int) -> int:
    """Where the part before the ``@`` begins; at the ``@`` where there is none."""
    window = text[max(0, at - LONGEST_LOCAL) : at]
    found = _LOCAL.match(window[::-1])
    local = "" if found is None else found[0][::-1].lstrip(".-!?&%#~^`$+")
    return at - len(local)


def _domain(text: str, start: int) -> int:
    """Where the domain that begins at ``start`` ends; at ``start`` where there is none: labels, the last of letters."""
    found = _DOMAIN.match(text[start : start + LONGEST_DOMAIN])
    labels = [] if found is None else found[0].split(".")
    end, place = start, start
    for number, label in enumerate(labels):
        letters = _TOP.match(label)
        if number and letters is not None:
            end = place + letters.end()
        if not _is_label(label):
            break
        place += len(label) + 1
    return end


def _is_label(label: str) -> bool:
    return bool(label) and "_" not in label and label[0] != "-" and label[-1] != "-"
