"""Sentences, and those that mention persons: an e-mail address, a telephone number, a title or greeting with a name, a
given name before another capitalized word."""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import itertools
import re

import pyarrow as pa

from jobs.detection.recognizers.name_lists import AMBIGUOUS, FAMILY, GIVEN
from jobs.detection.recognizers.text import Findings, matches, where
from privacy_udfs.entities.email import ADDRESS

PHONE = r"(?:\+|\b00)[1-9]\d{0,2}[\s().\-/]*\d(?:[\s().\-/]?\d){6,11}\b|\(\d{2,5}\)\s?\d{3,4}[\s\-]?\d{3,4}"
TITLED = (
    r"\b(?:Mrs?|Ms|Miss|Dr|Prof|Herrn?|Frau|Mme|Mlle|Monsieur|Madame|Sra?|Srta|Señora?|Senhora?|Dott|Sig|"
    r"Signora?|Pan|Pani|Panem|Paní|Dhr|Mevr|Mevrouw|Meneer|Fru|Hr|Bay|Bayan|Kyrios|Dear|Liebe[r]?|Cher|Chère|"
    r"Caro|Cara|Querid[oa]|Estimad[oa]|"
    r"Beste|Kära|Hei|Drogi|Droga|Szanowny|Szanowna)\.? \p{Lu}\p{Ll}+"
    r"|(?:господин|госпожа|г-н|г-жа|гражданин|пан|пані|κύριος|κυρία|κ\.|السيد|السيدة|الأستاذ|آقای|خانم|מר|גברת|גב'|"
    r"श्री|श्रीमती|คุณ|นาย|นางสาว)"
    r"\.? \p{L}{2,}|\p{Han}(?:先生|女士|小姐|经理|老師|老师)|[\p{Han}\p{Katakana}](?:さん|様|氏)|"
    r"\p{Hangul}{2,4}\s?(?:씨|님|고객)"
)
SENTENCE = r"^\s*\S+(?:\s+\S+){4,}|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]{12,}|\p{Hangul}+(?:\s+\S+){2,}"
_LISTED = re.compile(r"[^\W\d_][\w'’\-]+")


def recognize(values: pa.StringArray) -> Findings:
    """``free_text``: five words or more, or a dozen letters without spaces. ``free_text_person``: it mentions one."""
    text = matches(values, SENTENCE) & matches(values, r"\p{Ll}\p{Ll}\s|\p{Lo}{2}")
    contact = matches(values, rf"(?:{ADDRESS})|{PHONE}") | matches(values, TITLED)
    return {"free_text": text, "free_text_person": text & (contact | where(values, text & ~contact, mentions))}


def mentions(text: str) -> bool:
    """Whether a given name that is no word stands before a family name, or capitalized within a sentence."""
    words = _LISTED.findall(text)
    for first, second in itertools.pairwise(words):
        low, following = first.lower(), second.lower()
        if low in GIVEN and first[0] != low[0] and second[0] != following[0]:
            if following in FAMILY or low not in AMBIGUOUS:
                return True
        elif low in GIVEN and low not in AMBIGUOUS and first[0] == low[0] and not low.isascii() and following in FAMILY:
            return True  # scripts without capitals
    return any(_capital_name(word) for word in words[1:])


def _capital_name(word: str) -> bool:
    low = word.lower()
    return word[0] != low[0] and low in GIVEN and low not in AMBIGUOUS and len(low) > 3
