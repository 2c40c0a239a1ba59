"""Hierarchies for `generalize_hierarchy`: a CSV beside the configuration, ``value;level 1;level 2;...``, no header."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from jobs.configuration.documents import Document, Fault, Loc
from jobs.console import file_errors

LEVELS_FILE = "levels_file"
Rows = tuple[tuple[str, ...], ...]
MOST_FAULTS = 20


class Hierarchies:
    """The hierarchies of one folder of configuration, each file read once."""

    def __init__(self, conf_dir: Path, faults: list[Fault]) -> None:
        self._folder = conf_dir.resolve()
        self._faults = faults
        self._read: dict[Path, Rows | None] = {}

    def put_into(self, parameters: dict[str, Any], document: Document, loc: Loc) -> bool:
        """Replace ``levels_file`` in ``parameters`` by its rows as ``levels``; whether they can be used."""
        here = (*loc, LEVELS_FILE)
        if isinstance(parameters.get("levels"), str):
            message = f"expected rows, got text; a file is named by '{LEVELS_FILE}'"
            self._faults.append(document.fault((*loc, "levels"), message))
            return False
        if LEVELS_FILE not in parameters:
            return True
        path = self._inside(parameters.pop(LEVELS_FILE))
        if path is None or "levels" in parameters:
            wanted = "a CSV file in the folder of the configuration" if path is None else f"'{LEVELS_FILE}' or 'levels'"
            self._faults.append(
                document.fault(here, f"expected {wanted}, got {document.show(here) if path is None else 'both'}")
            )
            return False
        parameters["levels"] = self._rows(path)
        return parameters["levels"] is not None

    def of_file(self, name: str, missing: Fault) -> Rows | None:
        """The rows of a file; None where they cannot be used. missing: what to tell where there is no such file."""
        path = self._inside(name)
        if path is None:
            self._faults.append(missing)
        return None if path is None else self._rows(path)

    def _rows(self, path: Path) -> Rows | None:
        if path not in self._read:
            self._read[path] = read(path, path.relative_to(self._folder).as_posix(), self._faults)
        return self._read[path]

    def _inside(self, name: object) -> Path | None:
        """The file that ``name`` means; None where there is none, or it lies outside the folder."""
        try:
            path = (self._folder / str(name)).resolve()
            return path if path.is_relative_to(self._folder) and path.is_file() else None
        except (OSError, ValueError, RuntimeError):  # a null character, a name too long, a loop of links
            return None


def read(path: Path, file: str, faults: list[Fault]) -> Rows | None:
    """The rows of a hierarchy. None if they cannot be used; what is wrong goes to ``faults``, without values."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        faults.append(Fault(file, 0, "", f"cannot be read: {file_errors.why(error)}"))
        return None
    except UnicodeDecodeError:
        faults.append(Fault(file, 0, "", "expected UTF-8, got bytes that are not; save the file as UTF-8"))
        return None
    rows, found = _rows(text, file)
    faults += found[:MOST_FAULTS]
    if len(found) > MOST_FAULTS:
        faults.append(
            Fault(file, found[-1].line, "", f"{len(found) - MOST_FAULTS} more lines are wrong up to this one")
        )
    return None if found else rows


def _rows(text: str, file: str) -> tuple[Rows, list[Fault]]:
    rows: dict[str, tuple[int, tuple[str, ...]]] = {}
    found: list[Fault] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    width = 0
    try:
        for cells in reader:
            if not cells:
                continue
            width = width or len(cells)
            problem = _problem(cells, width)
            first, _ = rows.setdefault(cells[0], (reader.line_num, tuple(cells)))
            if first != reader.line_num:
                problem = f"the value of line {first} again"
            if problem:
                found.append(Fault(file, reader.line_num, "", problem))
    except csv.Error:
        found.append(Fault(file, reader.line_num, "", "not CSV: a quote is out of place"))
    if not rows and not found:
        found.append(Fault(file, 0, "", "the file is empty"))
    return tuple(row for _, row in rows.values()), found


def _problem(cells: list[str], width: int) -> str | None:
    if len(cells) != width:
        return f"expected {width} columns as in the first line, got {len(cells)}"
    if width < 2:
        return "expected a value and at least one level, parted by semicolons"
    return "a level is empty" if "" in cells[1:] else None
