"""The part of a comment that is ours: ``The buyer [privacy: direct_identifier, keyed_hash, domain customer]``.

It says class and treatment for a person to read; no parameter, no key, no value. What people wrote around it stays as
it is. Of a column with fields or elements it lists the leaves: ``[privacy: zip: quasi_identifier, truncate; ...]``.
A mark that a person wrote is read the same way: ``[privacy: sensitive]`` proposes a class.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from jobs.configuration.column_path import ColumnPath, Document, Field
from jobs.configuration.documents import NAME_PATTERN
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import CLASSES
from jobs.record.record_reader import columns_of

MOST_NAMED = 25
"""Leaves, or dropped columns, that one mark names; the others are counted."""
_MARK = re.compile(r"(?<!\s)\s*\[privacy:(?P<said>(?:`[^`]*`|\[\]|[^\[\]`])*)\]")
"""Brackets within are those of ``a[]`` or of a name in backticks, so the end is where it seems to be."""
_PARTS = re.compile(r"(?:`[^`]*`|[^;`])+")
_PART = re.compile(rf"(?:(?P<rest>.+):\s+)?(?P<class_>{'|'.join(CLASSES)})(?:\s*,.*)?", re.DOTALL)
_DOMAIN = re.compile(rf",\s*domain (?P<domain>{NAME_PATTERN.strip('^$')})\s*(?:,|$)")
OWN_DOMAIN = "domain of its own"


@dataclasses.dataclass(frozen=True)
class Said:
    """What a mark says. rest: the way from the commented column to a leaf, empty for the column itself."""

    rest: str
    class_: str
    domain: str | None = None


def marked(comment: str | None, mark: str) -> str:
    """The comment with our part replaced, or added at the end. Doing it again changes nothing."""
    theirs = without(comment)
    return f"{theirs} {mark}" if theirs else mark


def without(comment: str | None) -> str:
    """What people wrote."""
    return _MARK.sub("", comment or "").rstrip()


def of_column(columns: Sequence[ColumnPrivacy]) -> str:
    """The mark of a column, from what the table says of its leaves: of one, if it is a leaf itself."""
    parts = [_leaf(ColumnPath.parse(column.path), in_words(column)) for column in columns[:MOST_NAMED]]
    return _mark("; ".join([*parts, *_and_more(columns)]))


def in_words(column: ColumnPrivacy) -> str:
    """``direct_identifier, keyed_hash, domain customer``; of a column that is treated by cases, all its techniques."""
    if not column.is_decided:
        return "undecided"
    techniques = " or ".join(dict.fromkeys(record.technique for record in column.records))
    domains = dict.fromkeys(words for record in column.records if (words := domain_in_words(record.domain)))
    return ", ".join([str(column.class_), techniques, *domains])


def domain_in_words(domain: str | None) -> str | None:
    """A column that shares its pseudonyms with no other has a domain that is named after it."""
    if domain is None:
        return None
    return OWN_DOMAIN if "/" in domain else f"domain {domain}"


def _leaf(path: ColumnPath, words: str) -> str:
    steps = path.steps[1:]
    return f"{_rest(steps)}: {words}" if steps else words


def _rest(steps: tuple[object, ...]) -> str:
    """As a path is written, and also names with a character that has a meaning in a mark stand in backticks. So does
    the way into JSON text, which holds no backtick, and before which stands no dot."""
    parts: list[str] = []
    for at, step in enumerate(steps):
        if isinstance(step, Document):
            return _begun("".join([*parts, f"`{''.join(map(str, steps[at:]))}`"]))
        if isinstance(step, Field):
            plain = str(step)
            parts.append(f".`{plain}`" if re.search("[;:,]", plain) and not plain.startswith("`") else f".{plain}")
        else:
            parts.append(str(step))
    return _begun("".join(parts))


def _begun(text: str) -> str:
    """Without the dot at its start, but before a name that would be taken for the way into JSON text."""
    return text if text.startswith(f".`{Document()}") else text.removeprefix(".")


def of_table(properties: Mapping[str, str], columns: Iterable[ColumnPrivacy]) -> str:
    """The mark of a table, from its properties and its columns: how many of each class, and what was left out."""
    shown = {column.path: column for column in columns}
    counts = Counter(str(column.class_ or "undecided") for column in shown.values())
    policy = re.sub(r"[\[\]`]", "'", properties.get("privacy.policy.version", "not known"))
    classes = ", ".join(f"{counts[name]} {name}" for name in (*CLASSES, "undecided") if counts[name])
    dropped = [path for path, entry in columns_of(properties).items() if entry.facts.drops_column]
    parts = [f"treated, policy {policy}", classes or "no columns"]
    if dropped:
        dropped = [_rest(path.steps) if path.is_in_json else str(path) for path in map(ColumnPath.parse, dropped)]
        parts.append(f"dropped: {', '.join([*dropped[:MOST_NAMED], *_and_more(dropped)])}")
    return _mark("; ".join(parts))


def _and_more(named: Sequence[object]) -> list[str]:
    return [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []


def _mark(text: str) -> str:
    return f"[privacy: {text}]"


def read(comment: str | None) -> Iterator[Said]:
    """What the marks of a comment say of classes; what cannot be made out says nothing."""
    for mark in _MARK.finditer(comment or ""):
        for part in _PARTS.findall(mark["said"]):
            found = _PART.fullmatch(part.strip())
            if found is not None:
                domain = _DOMAIN.search(part)
                yield Said(found["rest"] or "", found["class_"], domain["domain"] if domain else None)
