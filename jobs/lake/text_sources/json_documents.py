"""Files of one JSON value, which Spark does not cut into rows exactly. No Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from privacy_udfs import wording
from privacy_udfs.errors import SourceRefused

WHITE = " \t\r\n"


def read(batches: Iterator[pa.RecordBatch], mark: str | None = None) -> Iterator[pa.RecordBatch]:
    """What a task runs. Columns: the text as bytes, its file, the folders. One row for each JSON text that is a row.
    mark: the run's (`privacy_udfs.wording`)."""
    with wording.marked_errors(mark):
        yield from _read_all(batches)


def _read_all(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        texts = [_decoded(*pair) for pair in zip(batch.column(0), batch.column(1), strict=True)]
        for at, text in enumerate(texts):
            found = list(elements(text, batch.column(1)[at].as_py()))
            rest = [pa.repeat(column[at], len(found)) for column in batch.columns[1:]]
            yield pa.record_batch([pa.array(found, pa.string()), *rest], batch.schema.names)


def _decoded(value: pa.Scalar, file: pa.Scalar) -> str:
    try:
        return str(value.as_py(), "utf-8", "strict").removeprefix("\ufeff")
    except UnicodeError:
        why = "holds bytes that are no UTF-8, which JSON is written in: convert it"
    raise SourceRefused(f"JSON file {wording.file_shown(file.as_py())} {why}")


def elements(text: str, file: str) -> Iterator[str]:
    """The objects of a file, as they are written: it is one object, or one array of objects."""
    text = text.strip(WHITE)
    if not text:
        return
    decoder = json.JSONDecoder(object_pairs_hook=_nothing, parse_int=_nothing, parse_float=_nothing)
    try:
        if text[0] != "[":
            at = decoder.raw_decode(text)[1]
            found = [text]
        else:
            found, at = _of_array(text, decoder)
    except (ValueError, RecursionError):  # its words quote the file
        found, at = [], -1
    if at != len(text):
        why = "is not one JSON value: write one object on each line, and leave 'multiLine: true' out"
        raise SourceRefused(f"JSON file {wording.file_shown(file)} {why}")
    yield from found


def _of_array(text: str, decoder: json.JSONDecoder) -> tuple[list[str], int]:
    """The elements of an array, and where it ends."""
    found: list[str] = []
    at = _next(text, 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        end = decoder.raw_decode(text, at)[1]
        found.append(text[at:end])
        at = _next(text, end)
        if text[at : at + 1] == "]":
            return found, at + 1
        if text[at : at + 1] != ",":
            raise ValueError
        at = _next(text, at + 1)


def _next(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in WHITE:
        at += 1
    return at


def _nothing(_: object) -> None:
    """Values are not needed here, only where they end."""
