"""Names of persons: by common names of many languages, by how family names end, by titles, in many scripts.

No list is complete, and here none needs to be: a column of names shows by the share that is known and the shape of the
rest. Names that are also words or towns count for less.
"""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import re

import pyarrow as pa

from jobs.detection.recognizers.name_lists import (
    AMBIGUOUS,
    FAMILY,
    GIVEN,
    HAN_FAMILY,
    HAN_GIVEN,
    JAPANESE,
    JAPANESE_GIVEN_ENDS,
    KOREAN_FAMILY,
)
from jobs.detection.recognizers.text import Findings, between, matches, where

_WORD = r"(?:\p{Lu}[\p{L}\p{M}'’`]*\.?(?:-\p{L}[\p{L}\p{M}]*)*|\p{Lo}[\p{L}\p{M}\x{200c}]*)"
_PARTICLE = (
    r"(?:van|von|de|der|den|het|del|della|di|da|do|dos|das|du|la|le|el|al|bin|ibn|bint|ten|ter|zu|y|e|af|av|i|op|in|'t)"
)
SHAPE = rf"^\s*(?:{_WORD}|{_PARTICLE})(?:,?\s+(?:{_WORD}|{_PARTICLE}))*\s*$"
SIX_WORDS = r"^\s*\S+(?:\s+\S+){0,5}\s*$"
LETTERS = r"^[\p{L}\p{M}\s.,'’\"\-]+$"
NO_NAME = r"\p{Nd}|^\p{Lu}+$|^\s*\p{Lu}\.?\s*$"
TITLE = (
    r"(?i)^(?:mrs?|ms|miss|mx|dr|prof|sir|herr|frau|fr|hr|dipl|ing|mag|univ|m|mme|mlle|sr|sra|srta|d|dña|don|"
    r"doña|dott|dott\.ssa|sig|sig\.ra|sig\.na|pan|pani|bc|mgr|mudr|judr|phdr|rndr|dhr|mevr|mw|drs|bay|bayan|sn|"
    r"av|op|doç|г-н|г-жа|тов|пан|пані|κ|κα|κος|السيد|السيدة|الآنسة|المهندس|المهندسة|الأستاذ|الأستاذة|الدكتور|"
    r"الدكتورة|آقای|خانم|جناب|سرکار|"
    r"מר|גב|ד\"?ר|श्री|श्रीमती|นาย|นาง|นางสาว|น\.ส|ว่าที่)(?:\.| )\s*\p{L}|(?:さん|様|先生|氏|군|양|씨)$"
)
FAMILY_ENDS = re.compile(
    r".{3,}(?:son|sson|sen|ssen|ström|gren|qvist|quist|blom|mann|meier|meyer|bauer|berger|ski|ska|sky|cki|cka|"
    r"dzki|dzka|wicz|ewicz|owicz|czak|czyk|iak|iuk|ová|ák|ček|ský|ská|ovič|ević|ović|ić|ič|ov|ova|ev|eva|enko|"
    r"chuk|shvili|adze|yan|ian|escu|eanu|oglu|oğlu|poulos|opoulou|idis|akis|akos|ez|inho|etti|elli|ini|otti|acci|"
    r"ucci|ella|aldi|nen|lainen|maa|stra|sma|huis|veld|ов|ова|ев|ева|ёв|ёва|ин|ина|ын|ына|ский|ская|ской|цкий|"
    r"цкая|енко|чук|щук|юк|ук|як|ич|вич|вна|ич|ська|ський|цька|цький|ишин|аш|ко|ки|ски|ска|όπουλος|οπούλου|ίδης|"
    r"ίδου|άδης|άδου|άκης|άκη|άκος|έας|ιάδης|ίδης|ούσης|ιώτης|όγλου|ούλας|ούλου|ίου|έλλης|"
    r"زاده|نژاد|پور|فر|ی|یان|وند|لو)",
    re.IGNORECASE,
)
GIVEN_ENDS = re.compile(
    r".{2,}(?:ette|elle|ienne|ine|ina|ita|ella|etta|ette|iane|anne|linde|traud|traut|hild|gard|gund|munde?|bert|"
    r"brecht|fried|hard|hart|helm|mar|wig|olf|ulf|rich|ward|win|wine|mir|sław|slav|sława|oslav|omir|iusz|usz|"
    r"fina|berto|berta|fredo|aldo|ardo|enzo|isio|acio|olfo|trud|burga|lore|rose|mira|ija|iya|eta|isa|issa|inha|"
    r"inho|cio|zio|ello|ino|iel|ael|uel|iah|lyn|lynn|ley|leigh|den|sson|ika|ia|ius|ias|eas|ndra|stin|stian|αλία|"
    r"ούλα|ίνα|ική|ηλία|άνθη|ίων|έας|όδωρος|ία|ώ|слав|мир|слава|мила|ья|ия|ина|ена|ита|рад|фей|тий|рий|ний|лий|"
    r"дий|сий|han|bay|can|gül|nur|kan|tekin|alp|soy|bey|ettin|uddin|ullah|iye|ime|gün|tay|mert|taş|"
    r"الله|الدين|الرحمن|اء|ية|ين)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[\s,.\-'’]+")
_HAN, _KANA, _HANGUL = re.compile(r"[㐀-鿿々ヶノ]+"), re.compile(r"[ぁ-ヿー]+"), re.compile(r"[가-힣]+")
_THAI = re.compile(r"[ก-๛]+")
_THAI_NAME = re.compile(
    "พงษ์|พงศ์|วงศ์|ชัย|ศักดิ์|ศรี|รัตน์|กุล|ทอง|เดช|สิทธิ์|นันท์|ณัฐ|พันธ์|มณี|จันทร์|บุญ|วัฒน|สมบ|สมช|สุวรรณ|"
    "ประเส|กิตต|ธน|ภัท|"
    "พร$|^พร|^สุ|^วิ|^อร|^อนุ|^ชน|^ปิย|^ปร|^ศิริ|^กฤ|^จิร|^นิ|^รัช|^ธี|^พัช|^ฐ|^ณ|ภา$|ดา$|นา$|วดี$|นี$|พล$|^หมื่น|^แสง"
)
_PREFIXED = re.compile(
    r"(?:van|vander|vande|de|den|der|ter|ten|von|zu|d'|di|da|del|della|degli|dos|das|al|el|bin|ibn|ben|bar|st|le|la|o|"
    r"mc|mac)"
    r"[\s'’\-]\p{L}.*|(?:mc|mac|o'|al-|el-|fitz)\w{3,}".replace(r"\p{L}", r"[^\W\d_]"),
    re.IGNORECASE,
)
"""Family names behind a particle."""


def recognize(values: pa.StringArray) -> Findings:
    """``person_name``: a name or title that is known. ``person_name:shape``: one to six capitalized words, or a few
    letters of a script without capitals. ``person_name:like``: shaped so, and ending as names do."""
    shape = matches(values, SHAPE) & matches(values, SIX_WORDS) & ~matches(values, NO_NAME)
    titled = matches(values, TITLE) & matches(values, LETTERS) & between(values, 3, 60)
    return {
        "person_name": titled | where(values, shape, is_known),
        "person_name:shape": shape | titled,
        "person_name:like": titled | where(values, shape, is_like),
    }


def is_known(text: str) -> bool:
    """Whether a text of a name's shape holds a name that is known. Of several words one is enough."""
    asian = _asian(text)
    if asian is not None:
        return asian
    words = [word for word in _SPLIT.split(text.lower()) if word]
    known = [word for word in words if word in GIVEN or word in FAMILY]
    return len(known) > 1 or any(word not in AMBIGUOUS for word in known)


def is_like(text: str) -> bool:
    """Whether a text of a name's shape holds a name that is known or ends as one."""
    words = [word for word in _SPLIT.split(text) if word]
    return (
        is_known(text)
        or _PREFIXED.fullmatch(text.strip()) is not None
        or any(FAMILY_ENDS.fullmatch(word) or GIVEN_ENDS.fullmatch(word) for word in words)
    )


def _asian(text: str) -> bool | None:
    """As `is_known`, for scripts that write names without spaces; None for others."""
    parts = text.replace(",", " ").split()
    joined = "".join(parts)
    if _HAN.fullmatch(joined):
        return _chinese(joined) or _japanese(parts)
    if _HANGUL.fullmatch(joined):
        return 2 <= len(joined) <= 4 and joined[0] in KOREAN_FAMILY
    if _KANA.search(joined) and (_HAN.search(joined) or len(parts) == 2):
        return len(joined) <= 8 and (joined[:2] in JAPANESE or parts[0] in JAPANESE)
    if _THAI.fullmatch(joined):
        return len(joined) <= 28 and len(parts) <= 3 and _THAI_NAME.search(joined) is not None
    return None


def _chinese(text: str) -> bool:
    return text in HAN_FAMILY or (
        2 <= len(text) <= 3 and text[0] in HAN_FAMILY and (len(text) == 3 or text[1] in HAN_GIVEN)
    )


def _japanese(parts: list[str]) -> bool:
    joined = "".join(parts)
    family = any(part in JAPANESE for part in parts) or any(joined[:size] in JAPANESE for size in (2, 3))
    given = len(parts) == 1 and len(joined) <= 3 and joined[-1] in JAPANESE_GIVEN_ENDS
    pair = len(parts) == 2 and len(joined) <= 7 and any(part[-1] in JAPANESE_GIVEN_ENDS for part in parts)
    return (family and len(joined) <= 6) or given or pair
