"""Towns: the 42,000 that libphonenumber's geography knows, and how towns of many languages end. Of names of persons,
the commonest look-alike: a column is weighed by which of the two it has more of.

The towns stand beside this file as sorted 32-bit hashes, for reading libphonenumber's own takes seconds and 170 MB:
``python -m jobs.detection.recognizers.city`` writes them anew.
"""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.detection.recognizers.text import Findings, Mask, between, matches
from privacy_udfs.word_lists import CITIES

SHAPE = r"^[\p{L}\p{M}][\p{L}\p{M}\s.'’`()/\-]*$"
FORMED = (
    r"(?i)^(?:new|old|north|south|east|west|port|lake|fort|saint|san|santa|são|sao|bad|sankt|st\.?|ste\.?|los|"
    r"las|el|la|le|les|villa|puerto|nueva?|nuevo|nova?|vila|velké|velká|nový|nová|nové|gorno|sesto|borgo|castel|"
    r"monte|quarto|settimo|"
    r"г\.?|город|с\.|п\.|пос\.|село|д\.|ст\.|клх|к\.|м\.|місто|гр\.) \p{L}"
    r"|\p{L}(?:ville|mouth|chester|town|borough|burgh|bury|shire|furt|haven|hafen|stadt|städt|burg|dorf|heim|"
    r"hausen|ingen|kirchen|bronn|brück|rode|leben|witz|nitz|sheim|ford|field|ham|stead|view|side|land|port|fort|"
    r"ton|wood|boeuf|bourg|nec|court|sur-\p{L}+|-les-\p{L}+|-la-\p{L}+|stad|köping|borg|sund|vik|havn|sted|strup|"
    r"slev|dam|dijk|recht|veen|broek|hout|hoven|gem|beek|kerke|grad|город|град|бург|ськ|ск|піль|поль|горск|ów|"
    r"owo|ice|yce|city|hegy|vár|falva|háza|polis|πολη|πολις|abad|pur|nagar|ganj|garh|پور|آباد|شهر|लैंड|पुर|नगर|"
    r"गढ़|"
    r"बाद)(?: \p{L}.*)?$"
    r"|\p{L}(?:-sur-|-les-|-am-|-an-der-|-lès-| an der | am | im | della | del | nell'| a | do | da | de los | i | u |"
    r" nad | pod )\p{L}"
    r"|^[\p{Han}\p{Hiragana}\p{Katakana}ヶ]{1,6}[市区町村郡县縣区]$|"
    r"^\p{Hangul}{1,6}[시군구읍면](?: \p{Hangul}{1,6}[구동읍면])?$"
)


TOWNS = "towns.u32"
"""Read as a resource, since executors may get this package as a zip file."""
Hashes = npt.NDArray[np.uint32]


def recognize(values: pa.StringArray) -> Findings:
    """``city``: a town that is known. ``city:formed``: a word made as names of towns are."""
    shaped = matches(values, SHAPE) & between(values, 1, 49)
    return {"city": _known(values, shaped), "city:formed": shaped & matches(values, FORMED)}


def _known(values: pa.StringArray, candidates: Mask) -> Mask:
    found = np.zeros(len(values), np.bool_)
    places = np.flatnonzero(candidates)
    found[places] = np.isin(hashes(values.take(pa.array(places)).to_pylist()), towns())
    return found


@functools.cache
def towns() -> Hashes:
    """The hashes of all known towns, sorted."""
    return np.frombuffer(resources.files(__package__).joinpath(TOWNS).read_bytes(), "<u4")


def hashes(names: Iterable[str]) -> Hashes:
    """BLAKE2b, 4 bytes, of each name without regard to case. One other word in 100,000 shares one of the towns'."""
    folded = (name.strip().casefold().encode(errors="surrogatepass") for name in names)
    return np.frombuffer(b"".join(hashlib.blake2b(name, digest_size=4).digest() for name in folded), "<u4")


def from_libphonenumber() -> Hashes:
    """What `TOWNS` holds, from the geography of the libphonenumber that is installed."""
    from phonenumbers.geodata import GEOCODE_DATA

    parts = {part for names in GEOCODE_DATA.values() for text in names.values() for part in re.split(r"[,/]", text)}
    named = {re.sub(r" - [A-Z]{2}$", "", part.strip()).strip() for part in parts} | set(CITIES)
    return np.unique(hashes(name for name in named if len(name) > 1))


if __name__ == "__main__":
    from_libphonenumber().tofile(Path(__file__).with_name(TOWNS))
