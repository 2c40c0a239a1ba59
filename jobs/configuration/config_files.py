"""The files of ``conf/``: found, read, their variables expanded."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from jobs.configuration import alike_faults, variables, yaml_reader
from jobs.configuration.documents import NAME_PATTERN, Document, Fault, Loc, did_you_mean
from jobs.configuration.entry import PATTERNS

POLICY, DOMAINS, KEYS, CATALOG = "policy.yaml", "domains.yaml", "keys.yaml", "catalog"
LINEAGE, CONTROLLER, AUDIT, GRANTS = "lineage.yaml", "controller.yaml", "audit.yaml", "grants.yaml"
ALL = (POLICY, DOMAINS, KEYS, LINEAGE, CONTROLLER, AUDIT, GRANTS)
"""Those beside the catalog."""
SECRET_IN_TABLES: tuple[Loc, ...] = (
    ("source", "options"),
    ("source", "path"),
    ("target", "path"),
    ("target", "properties"),
)
"""Where in a catalog file someone may have pasted a secret."""


class ConfigFiles:
    """The files of one folder. What is wrong goes to ``faults``. written: each file's content, variables unexpanded.
    lines: the line of each key, for files that have no models of their own to keep them."""

    def __init__(self, folder: Path, environ: Mapping[str, str], faults: list[Fault]) -> None:
        self.folder = folder
        self.written: dict[str, Any] = {}
        self.lines: dict[str, Mapping[Loc, int]] = {}
        self._environ = environ
        self._faults = faults
        self._unreadable: set[Fault] = set()

    def read(self, file: str, secret: tuple[Loc, ...] = ()) -> Document | None:
        """One file; None if it cannot be read. secret: see `Document`."""
        known = len(self._faults)
        document = yaml_reader.read(self.folder / file, file, self._faults, secret)
        if document is not None:
            self.written[file] = document.written
            self.lines[file] = document.lines
            document = variables.expand(document, self._environ, self._faults)
        self._unreadable.update(self._faults[known:])
        return document

    def read_names(self, file: str, secret: tuple[Loc, ...] = ()) -> Document | None:
        """A file of named entries. It may be left out."""
        if not (self.folder / file).exists():
            self.written[file] = {}
            return Document(file, {}, {}, {})
        document = self.read(file, secret)
        for name in document.data if document else ():
            if document and not re.fullmatch(NAME_PATTERN, name):
                self._faults.append(document.fault((name,), f"expected as key {PATTERNS[NAME_PATTERN]}"))
        return document

    def catalog_files(self) -> list[str]:
        """The files of the catalog, by name, drafts included."""
        names = sorted(path.name for path in (self.folder / CATALOG).glob("*.yaml") if not path.name.startswith("."))
        return [f"{CATALOG}/{name}" for name in names]

    def catalog(self, without: Container[str] = ()) -> list[Document]:
        """The readable files of the catalog, by name. without: files that are passed over."""
        files = (file for file in self.catalog_files() if file not in without)
        documents = (self.read(file, SECRET_IN_TABLES) for file in files)
        return [document for document in documents if document is not None]

    def look_for_misplaced(self) -> None:
        """Files and folders that someone may think are read."""
        catalog = self.folder / CATALOG
        if catalog.exists() and not catalog.is_dir():
            self._faults.append(Fault(CATALOG, 0, "", "expected a folder with a file for each table, got a file"))
        for path in sorted(self.folder.iterdir()) if not catalog.exists() else ():
            if path.is_dir() and (hint := did_you_mean(path.name.lower(), (CATALOG,))):
                self._faults.append(Fault(path.name, 0, "", f"is not read{hint}"))
        for path in sorted((self.folder / CATALOG).rglob("*.y*ml")):
            place = path.relative_to(self.folder / CATALOG)
            if not path.name.startswith(".") and (len(place.parts) > 1 or path.suffix != ".yaml"):
                file = f"{CATALOG}/{place.as_posix()}"
                self._faults.append(Fault(file, 0, "", f"is not read: expected {CATALOG}/<table>.yaml"))
        for path in sorted(self.folder.glob("*.y*ml")):
            hint = did_you_mean(path.name, ALL)
            if path.name not in ALL and hint:
                self._faults.append(Fault(path.name, 0, "", f"is not read{hint}"))

    def report(self) -> list[Fault]:
        """Each fault once, by file and line; many alike are one. Of what cannot be read, nothing else is said."""
        places = {(fault.file, fault.key) for fault in self._unreadable}
        told = {self._placed(fault) for fault in self._faults if (fault.file, fault.key) not in places}
        return sorted(alike_faults.together(told | self._unreadable))

    def _placed(self, fault: Fault) -> Fault:
        """With the line of its key, or of what holds it, where whoever found it knew the key alone."""
        if fault.line or not fault.key or fault.file not in self.lines:
            return fault
        named = Document(fault.file, {}, {}, {})
        lines = {named.key(loc): line for loc, line in self.lines[fault.file].items()}
        key = fault.key
        while key and key not in lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return dataclasses.replace(fault, line=lines[key]) if key else fault
