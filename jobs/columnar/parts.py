"""What one task reads: stretches of files, as many as make up about what Spark's own readers give to a task."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from jobs.lake.source_files import File


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Bytes of a file, from ``start`` on. What begins in them is read: a row group by its middle."""

    file: File
    start: int
    length: int


Part = tuple[Stretch, ...]


def parts(files: Sequence[File], largest: int, opening: int, tasks: int, whole: bool) -> list[Part]:
    """The parts of a source, largest stretches first. Every byte of every file is in exactly one stretch.

    largest: bytes of a part at most. opening: what opening a file counts for, in bytes. tasks: how many run at once, so
    that a small source is spread over all of them. whole: files are not cut.
    """
    total = sum(file.size + opening for file in files)
    aim = max(1, min(largest, max(opening, total // max(tasks, 1))))
    cut = [stretch for file in files for stretch in _cut(file, aim, whole)]
    return list(_packed(sorted(cut, key=lambda stretch: -stretch.length), aim, opening))


def _cut(file: File, aim: int, whole: bool) -> Iterator[Stretch]:
    step = max(file.size, 1) if whole else aim
    for start in range(0, max(file.size, 1), step):
        yield Stretch(file, start, min(step, file.size - start))


def _packed(cut: Sequence[Stretch], aim: int, opening: int) -> Iterator[Part]:
    part: list[Stretch] = []
    size = 0
    for stretch in cut:
        if part and size + stretch.length > aim:
            yield tuple(part)
            part, size = [], 0
        part.append(stretch)
        size += stretch.length + opening
    if part:
        yield tuple(part)
