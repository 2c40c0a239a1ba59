"""The kinds of catalog there are, and how each names a table.

A kind is a module with ``PARTS``, ``FORM``, ``statements``, ``queries`` and ``told``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from jobs.console.exit_codes import BadUsage
from jobs.metastore import spark_catalog, unity_catalog
from jobs.metastore.platforms import PLATFORMS

CATALOGS: Mapping[str, ModuleType] = dict(zip(PLATFORMS, (spark_catalog, unity_catalog), strict=True))


def checked_name(name: str, platform: str) -> str:
    """The name of a table, if the platform may have one of that form; else raises `BadUsage`."""
    parts, catalog = name.split("."), CATALOGS[platform]
    if len(parts) not in catalog.PARTS or not all(parts):
        raise BadUsage(f"{name} is no table's name there: expected {catalog.FORM}")
    return name
