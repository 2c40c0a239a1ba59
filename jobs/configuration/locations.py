"""Whether two places of tables are one, or one lies in the other, however they are written."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from collections.abc import Iterator

from jobs.configuration.audit_entry import AuditTable
from jobs.configuration.models import Quarantine, Source, Target

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(//(?P<host>[^/]*))?(?P<path>.*)", re.DOTALL)
_SAME_STORE = {"s3a": "s3", "s3n": "s3", "abfss": "abfs", "wasbs": "wasb"}

Location = tuple[str, ...]
"""First the store, or that it is a name in the catalog; then the parts of the path."""


def of(place: Source | Target | Quarantine | AuditTable) -> Location:
    """The normal form of where a table is: one form for all spellings of one place."""
    return of_path(place.path) if place.path is not None else _of_name(str(place.table))


def _of_name(name: str) -> Location:
    return ("catalog", name.replace("`", "").lower().removeprefix("spark_catalog."))


def of_path(path: str) -> Location:
    """The normal form of a path or URI."""
    found = _SCHEME.fullmatch(path)
    store, rest = "file", path
    if found is not None:
        scheme = found["scheme"].lower()
        host = (found["host"] or "").rpartition("@")[2] if scheme.startswith("s3") else found["host"] or ""
        store, rest = f"{_SAME_STORE.get(scheme, scheme)}:{host.lower()}".removesuffix(":"), found["path"]
    if store == "file" and not rest.startswith("/"):
        rest = posixpath.join(os.getcwd(), rest)
    return (store, *filter(None, posixpath.normpath(f"/{rest}").split("/")))


def ancestors(location: Location) -> Iterator[Location]:
    """The places that hold ``location``, itself first."""
    for length in range(len(location), 0, -1):
        yield location[:length]


def overlap(source: Location, target: Location) -> bool:
    """Whether one is the other, or lies in it. The source may hold the wildcards of Hadoop's globs."""
    return all(_fits(name, pattern) for pattern, name in zip(source, target, strict=False))


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or "{" in pattern or fnmatch.fnmatchcase(name, pattern)
