"""User names, as people pick them or systems make them: ``jsmith42``, ``anna.schmidt``, ``night_owl7``, ``@handle``.

A word with a number behind it may be anything (``web01``, ``item7``). What tells user names is that each is of its own,
not one of a few words counted up, and that persons' names are in them.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa

from jobs.detection.recognizers.name_lists import FAMILY, GIVEN
from jobs.detection.recognizers.text import Findings, Mask, matches, where

HANDLE = r"^@?_{0,2}[A-Za-z][A-Za-z0-9]*(?:[._\-][A-Za-z0-9]+){0,3}_{0,2}$"
AT = r"^@[A-Za-z0-9_.]{2,30}$"
LOWER_OR_MARKED = r"^@?[a-z]|[0-9_]"
"""One capitalized word is a word."""
MARKED = r"^@?_*[a-z].*(?:[a-z_]\d{1,4}|_)$"
"""A few digits or an underscore behind; not in capitals, as codes are."""
NO_HANDLE = (
    r"(?i)\.(?:[a-z]{2,3}|info|shop|name|json|html?|jpe?g|docx?|xlsx?|pptx?|mp[34]|flac|webm|tiff)$|^[0-9a-f]{8,}$|"
    r"^\S{1,2}$|^\S{31,}$"
)
"""Names of files and hosts, hexadecimal numbers."""
_PARTS = re.compile(r"[a-z]+")
_SPOKEN = re.compile(r"(?!.*[^aeiouy]{5})(?=.*[aeiouy])")


def recognize(values: pa.StringArray) -> Findings:
    """``user_name``: shaped as one. ``user_name:at``: with the sign before it. ``user_name:named``: a known name is in
    it. ``user_name:own``: with digits or an underscore behind a word that no other of these values has."""
    shape = matches(values, HANDLE) & matches(values, LOWER_OR_MARKED) & ~matches(values, NO_HANDLE)
    return {
        "user_name": shape,
        "user_name:at": matches(values, AT),
        "user_name:named": where(values, shape, is_named),
        "user_name:own": _own(values, shape & matches(values, MARKED)),
    }


def is_named(text: str) -> bool:
    """Whether a part of it is a name that is known, with an initial before or behind it or without."""
    parts = [part for part in _PARTS.findall(text.lower()) if len(part) > 3]
    return any(word in GIVEN or word in FAMILY for part in parts for word in (part, part[1:], part[:-1]) if word[3:])


def _own(values: pa.StringArray, candidates: Mask) -> Mask:
    places = np.flatnonzero(candidates)
    stems = [_stem(text) for text in values.take(pa.array(places)).to_pylist()]
    often = Counter(stems)
    found = np.zeros(len(values), np.bool_)
    found[places] = [bool(stem) and often[stem] == 1 and _SPOKEN.match(stem) is not None for stem in stems]
    return found


def _stem(text: str) -> str:
    stem = "".join(_PARTS.findall(text.lower()))
    return stem if len(stem) > 3 else ""
