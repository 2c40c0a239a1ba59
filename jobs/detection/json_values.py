"""What stands in columns of JSON text: the values of documents are looked at as those of columns are, and the names of
their members as names of columns.

Findings are of documents: ``json``, a whole object or array; ``json:looked``, one that was taken apart; and of these
``json:email`` and the like, one in which such a value, or a member of such a name, stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.configuration.column_path import ColumnPath, Field
from jobs.detection import hints, recognizers
from jobs.detection.kind import CLASS_OF
from jobs.detection.recognizers.text import Findings, matches

SHAPE = r"(?s)^\s*(?:\{.*\}|\[.*\])\s*$"
MOST_DOCUMENTS, LONGEST = 200, 20_000
"""Documents that are taken apart, spread evenly over those there are; longer ones are not."""
LONGEST_VALUE, MOST_TEXTS = 500, 3000
DIRECT = "direct_identifier"
BY_VALUE = ("email", "phone", "iban", "payment_card", "mac", "person_name", "street", "device_id", "free_text_person",
            "reference:person", "url_user_data", "national_id", "user_name:named", "user_name:at")  # fmt: skip


def recognize(values: pa.StringArray, regions: tuple[str, ...]) -> Findings:
    """Of distinct values. Raises `UnexpectedFailure`."""
    shaped = matches(values, SHAPE)
    if not shaped.any():
        return {}
    places = np.flatnonzero(shaped)
    places = places[np.linspace(0, len(places) - 1, min(MOST_DOCUMENTS, len(places))).astype(np.int64)]
    documents = {
        int(at): _parts(text) for at, text in zip(places, values.take(pa.array(places)).to_pylist(), strict=True)
    }
    looked = {at: parts for at, parts in documents.items() if parts is not None}
    if not looked:
        return {}
    found = {"json": shaped, "json:looked": _mask(values, looked)}
    texts = _spread(sorted({text for parts in looked.values() for _, text in parts}))
    shown = recognizers.recognize(pa.array(texts, pa.string()), regions=regions) if texts else {}
    by_text = {text: {name for name, mask in shown.items() if mask[at]} for at, text in enumerate(texts)}
    called = _spread(sorted({name for parts in looked.values() for name, _ in parts}))
    names = {name: _direct_by_name(name) for name in called}
    for kind in BY_VALUE:
        holding = (
            at for at, parts in looked.items() if any(_shows(by_text.get(text, set()), kind) for _, text in parts)
        )
        found[f"json:{kind}"] = _mask(values, holding)
    for hint in {hint for hinted in names.values() for hint in hinted}:
        holding = (at for at, parts in looked.items() if any(hint in names.get(name, ()) for name, _ in parts))
        found[f"json:named:{hint}"] = _mask(values, holding)
    return {name: mask for name, mask in found.items() if mask.any()}


def _spread(texts: list[str]) -> list[str]:
    """As many as are looked at, spread evenly over those there are."""
    return [texts[int(at)] for at in np.linspace(0, len(texts) - 1, min(MOST_TEXTS, len(texts)))]


def _mask(values: pa.StringArray, at: Any) -> Any:
    found = np.zeros(len(values), np.bool_)
    found[list(at)] = True
    return found


def _shows(findings: set[str], kind: str) -> bool:
    return kind in findings or (kind == "national_id" and any(each.startswith("national_id:") for each in findings))


def _direct_by_name(name: str) -> set[str]:
    """The kinds of direct identifiers that a member's name says it holds."""
    hinted = hints.of(ColumnPath((Field(name),))) if name else ()
    return {each for each in hinted if CLASS_OF.get(each) == DIRECT}


def _parts(text: str) -> list[tuple[str, str]] | None:
    """Texts and numbers of a document, each with the name of the member it stands in; None where it is none."""
    if len(text) > LONGEST:
        return None
    try:
        return list(_scalars("", json.loads(text)))
    except (ValueError, RecursionError):
        return None


def _scalars(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for member, each in value.items():
            yield from _scalars(member, each)
    elif isinstance(value, list):
        for each in value:
            yield from _scalars(name, each)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
        text = str(value).strip()[:LONGEST_VALUE]
        yield name[:LONGEST_VALUE], text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate is no text
