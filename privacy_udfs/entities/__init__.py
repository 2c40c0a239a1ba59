"""What can be found within texts: one kind a file, pure functions from a text to the places where something stands.

`jobs.detection` tells of a whole column what it holds, by the share of its values; here each find counts for itself, so
only what carries a check of its own, or a form that little else has, is looked for. `find` looks for several kinds in a
column: whole-array tests leave most texts alone, and only the others are read by Python. Work goes by the length of the
texts, whatever stands in them: from each place a find may begin at, a bounded number of characters is looked at.

What a row's other columns hold is looked for in its own text too: see `known`.

A finder never raises for a text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.entities import email, iban, national_id, network, payment_card, phone
from privacy_udfs.entities.spans import Span, chosen

__all__ = ["KINDS", "Found", "Kind", "Places", "Span", "find", "find_in"]

Kind = Literal["email", "iban", "payment_card", "national_id", "phone", "ip", "mac"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Of two that are found at one place the first counts."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Countries (ISO 3166) of numbers that only their country tells from others: of telephone numbers without a country
    code, and of persons' numbers."""

    regions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


class _Finder(NamedTuple):
    """maybe: an RE2 pattern that every text matches in which ``find`` finds something."""

    maybe: str
    find: Callable[[str, Places], Iterator[Span]]


_FINDERS: dict[Kind, _Finder] = {
    "email": _Finder(email.MAYBE, lambda text, _: email.find(text)),
    "iban": _Finder(iban.MAYBE, lambda text, _: iban.find(text)),
    "payment_card": _Finder(payment_card.MAYBE, lambda text, _: payment_card.find(text)),
    "national_id": _Finder(national_id.MAYBE, lambda text, places: national_id.find(text, places.countries)),
    "phone": _Finder(phone.MAYBE, lambda text, places: phone.find(text, places.regions)),
    "ip": _Finder(network.MAYBE_IP, lambda text, _: network.find_ip(text)),
    "mac": _Finder(network.MAYBE_MAC, lambda text, _: network.find_mac(text)),
}


class Found(NamedTuple):
    """The texts in which something was found: their rows, themselves, and what stands where in each."""

    rows: list[int]
    texts: list[str]
    spans: list[list[Span]]


def find(
    values: pa.StringArray,
    kinds: Sequence[Kind],
    places: Places,
    also: Mapping[int, Sequence[Span]] | None = None,
    order: Sequence[str] = KINDS,
) -> Found:
    """What stands in well-formed texts; nothing in nulls. also: by row finds of other kinds. order: of two that are
    found at one place the first of these kinds counts."""
    maybe = {kind: _matches(values, _FINDERS[kind].maybe) for kind in kinds}
    either = np.zeros(len(values), np.bool_)
    either[np.fromiter(also or (), np.int64)] = True
    rows = np.flatnonzero(np.logical_or.reduce([either, *maybe.values()]))
    found = Found([], [], [])
    for row, text in zip(rows.tolist(), values.take(pa.array(rows)).to_pylist(), strict=True):
        others = also.get(row, ()) if also else ()
        spans = find_in(text, [kind for kind in kinds if maybe[kind][row]], places, others, order)
        if spans:
            found.rows.append(row)
            found.texts.append(text)
            found.spans.append(spans)
    return found


def find_in(
    text: str, kinds: Sequence[Kind], places: Places, also: Sequence[Span] = (), order: Sequence[str] = KINDS
) -> list[Span]:
    """What stands in one text, from left to right, none within or across another; see `spans.chosen`."""
    return chosen([*also, *(span for kind in kinds for span in _FINDERS[kind].find(text, places))], order)


def _matches(values: pa.StringArray, pattern: str) -> npt.NDArray[np.bool_]:
    found = pc.fill_null(pc.match_substring_regex(values, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
