"""The values at places within JSON text, as a source has them, to be looked for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from jobs.configuration import column_path
from jobs.configuration.column_path import ColumnPath
from privacy_udfs.json_text.branches import JsonPath

MOST_DIGITS = 1000
Decided = Mapping[JsonPath, int | None]
"""Place within a text -> the number of what is looked for there; None for what is not. A place below another one that
is decided otherwise is that one's no longer."""


def decided(paths: Sequence[str], wanted: Sequence[str]) -> dict[str, Decided]:
    """Of each column of JSON text its places. paths: of all decisions."""
    numbers = {path: at for at, path in enumerate(wanted)}
    found: dict[str, dict[JsonPath, int | None]] = defaultdict(dict)
    for path in map(ColumnPath.parse, paths):
        if path.is_in_json:
            found[str(path.column)][column_path.json_path(path)] = numbers.get(str(path))
    return {column: places for column, places in found.items() if any(at is not None for at in places.values())}


class _Members(list[tuple[str, Any]]):
    """Of an object, those that are there twice too."""


def of_texts(texts: pa.StringArray, places: Decided) -> Iterator[tuple[int, pa.StringArray]]:
    """The different texts and whole numbers at each place. What is no JSON has none: a run refuses it."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for text in texts.to_pylist():
        try:
            document = json.loads(text, object_pairs_hook=_Members, parse_int=_number)
        except (ValueError, RecursionError):
            continue
        _walk(document, (), None, places, found)
    for number, values in found.items():
        yield number, pa.array(list(values), pa.string())


def _number(digits: str) -> int | str:
    """Python reads no number of some thousands of digits; a run does."""
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _walk(value: Any, at: JsonPath, number: int | None, places: Decided, found: dict[int, dict[str, None]]) -> None:
    number = places.get(at, number)
    if isinstance(value, _Members):
        for name, member in value:
            _walk(member, (*at, name), number, places, found)
    elif isinstance(value, list):
        for element in value:
            _walk(element, (*at, None), number, places, found)
    elif number is not None and isinstance(value, str | int) and not isinstance(value, bool):
        found[number][_whole(value)] = None


def _whole(value: str | int) -> str:
    """Half a surrogate pair, which no column can hold, is another sign."""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
