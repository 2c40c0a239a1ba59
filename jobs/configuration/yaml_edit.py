"""Values changed in a file that people wrote, where every other line and comment stays as it is.

What comes out is read again and held against what was meant: where these differ, nothing is to be written.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from jobs.configuration import yaml_reader
from jobs.configuration.documents import Fault, Loc

Changes = Mapping[Loc, tuple[Any, str]]
"""Place -> the value, and how it is written (on one line, as within braces)."""


class CannotEdit(ValueError):
    """The text is written in a way that cannot be changed here; a person has to."""


def with_values(text: str, changes: Changes, without: tuple[str, ...] = ()) -> str:
    """The text with other values at these places, which are added where they are missing; what holds them is there.
    without: keys of the whole file that go, each with its line. Raises `CannotEdit`."""
    meant = _meant(_data(text), changes, without)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = [_edit(text, root, loc, written) for loc, (_, written) in changes.items()]
    edits += [edit for name in without for edit in _line_of(text, root, name)]
    made = text
    for start, end, new in sorted(edits, reverse=True):
        made = made[:start] + new + made[end:]
    if _data(made) != meant:
        raise CannotEdit("it is not written so that one value can be changed: change it by hand")
    return made


def _data(text: str) -> dict[str, Any]:
    faults: list[Fault] = []
    document = yaml_reader.parse(text, "", faults)
    if document is None or faults:
        raise CannotEdit(f"line {faults[0].line}: {faults[0].message}")
    return document.data


def _meant(data: dict[str, Any], changes: Changes, without: tuple[str, ...]) -> dict[str, Any]:
    made = {name: copy.deepcopy(value) for name, value in data.items() if name not in without}
    for loc, (value, _) in changes.items():
        holder: Any = made
        for part in loc[:-1]:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            raise CannotEdit("nothing is there to change")
        holder[loc[-1]] = value
    return made


def _edit(text: str, root: Any, loc: Loc, written: str) -> tuple[int, int, str]:
    holder = root
    for part in loc[:-1]:
        holder = dict(_entries(holder))[str(part)]
    value = dict(_entries(holder)).get(str(loc[-1]))
    if value is None:
        return _added(text, holder, f"{loc[-1]}: {written}")
    start, end = value.start_mark.index, end_of(text, value)
    return (start, end, written) if start < end else (start, end, f" {written}")


def _entries(node: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise CannotEdit("nothing is there to change")
    return ((key.value, value) for key, value in node.value)


def _added(text: str, holder: Any, entry: str) -> tuple[int, int, str]:
    if holder.flow_style:
        at = holder.end_mark.index - 1
        return at, at, f", {entry}" if holder.value else entry
    last = end_of(text, holder)
    line = text.find("\n", last)
    at = len(text) if line < 0 else line
    return at, at, f"\n{' ' * holder.start_mark.column}{entry}"


def end_of(text: str, node: Any) -> int:
    """Where a node's own text ends: that of a block goes on, by its mark, to the next token."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(text, last[1] if isinstance(last, tuple) else last)
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _line_of(text: str, root: Any, name: str) -> Iterator[tuple[int, int, str]]:
    for key, value in root.value:
        if key.value == name:
            end = text.find("\n", end_of(text, value))
            yield key.start_mark.index, len(text) if end < 0 else end + 1, ""
