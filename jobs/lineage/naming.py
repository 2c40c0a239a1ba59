"""The names of tables as OpenLineage's naming conventions have them, so that events of ours meet those of others.

https://openlineage.io/docs/spec/naming; of stores of objects as its client for Spark writes them: the scheme that is
canonical, the key without a slash at either end. A file system's path keeps its first slash.

A path without a scheme, or a host, is first made whole as Hadoop's ``Path.makeQualified`` does, so that one table has
one name however it is written.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from jobs.configuration.uris import user_and_rest

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<host>[^/]*))?(?P<path>.*)", re.DOTALL)
_STORES = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "abfs": "abfss", "abfss": "abfss"}
_STORES |= {"wasb": "wasbs", "wasbs": "wasbs"}
_IN_CONTAINERS = ("abfss", "wasbs")
"""Stores whose host stands behind the name of a container."""
Home = Callable[[], str]
"""The folder in which relative paths begin, as a URI: of the file system that paths without a scheme are of."""
METASTORE, WAREHOUSE = "spark.hadoop.hive.metastore.uris", "spark.sql.warehouse.dir"

Setting = Callable[[str], str | None]
"""A setting of Spark by its name; None: not set."""


class Named(NamedTuple):
    """uri: None where the place is none."""

    namespace: str
    name: str
    uri: str | None


def here() -> str:
    """Where nobody says which file system it is: this folder."""
    return f"file:{os.getcwd()}"


def whole(path: str, home: Home) -> str:
    """A path with scheme and host, as Hadoop makes it so: what it lacks is that of home."""
    found = _SCHEME.fullmatch(path)
    if found is not None and (found["host"] or found["scheme"].lower() == "file"):
        return path
    start = _SCHEME.fullmatch(home())
    if start is None or (found is not None and found["scheme"].lower() != start["scheme"].lower()):
        return path  # of a scheme of its own, whose file system needs no host
    host = "" if start["host"] is None else f"//{start['host']}"
    way = posixpath.join(start["path"] or "/", path if found is None else found["path"])
    return f"{start['scheme']}:{host}/{way.lstrip('/')}"


def of_path(path: str, home: Home = here) -> Named:
    """The names of what lies at a path or URI. What may be a user and a password in it is left out."""
    path = whole(path, home)
    found = _SCHEME.fullmatch(path)
    if found is None or found["scheme"].lower() == "file":
        host = "" if found is None else found["host"] or ""
        name = posixpath.normpath(posixpath.join("/", path if found is None else found["path"]))
        name = f"/{name.lstrip('/')}"
        namespace = f"file://{host}" if host else "file"
        return Named(namespace, name, f"file://{host}{quote(name)}")
    scheme = found["scheme"].lower()
    store, known = _STORES.get(scheme, scheme), user_and_rest(path)
    if known is not None and (store not in _IN_CONTAINERS or ":" in known[0]):
        found = _SCHEME.fullmatch(known[1]) or found
    namespace = f"{store}://{found['host'] or ''}"
    way = posixpath.normpath(f"/{found['path']}")
    way = f"/{way.lstrip('/')}"
    name = way.lstrip("/") or "/" if scheme in _STORES else way
    return Named(namespace, name, f"{namespace}{quote(way)}")


def of_table(name: str, setting: Setting, home: Home = here) -> Named:
    """The names of a table of Spark's catalog: at Hive's metastore, else below the warehouse's folder."""
    parts = [
        part.replace("``", "`") for part in re.findall(r"`((?:[^`]|``)*)`|([^`.]+)", name) for part in part if part
    ]
    known = parts[1:] if len(parts) > 2 and parts[0].lower() == "spark_catalog" else parts
    spelt = ".".join(known if len(known) > 1 else ["default", *known]).lower()
    metastore = urlsplit((setting(METASTORE) or "").split(",")[0].strip())
    if metastore.hostname:
        namespace = f"hive://{metastore.hostname}:{metastore.port or 9083}"
        return Named(namespace, spelt, f"{namespace}/{quote(spelt)}")
    warehouse = of_path(setting(WAREHOUSE) or "spark-warehouse", home)
    return Named((warehouse.uri or "file").replace("file:///", "file:/"), spelt, warehouse.uri)
