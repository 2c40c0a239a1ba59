"""Where the file of a row is, as rows say it and as Delta's log does."""

from __future__ import annotations

import re
from urllib.parse import unquote

from jobs.lake import source_files

FILE = "_metadata.file_path"
"""Of each row of a table the place of its file, as Spark writes it."""
LOCAL = re.compile("^file:/+")


def of_row(place: str) -> str:
    """Of what `FILE` has, nothing encoded."""
    return LOCAL.sub("file:/", unquote(place))


def of_log(location: str, path: str) -> str:
    """The same of a path in the log of the table at a location."""
    return LOCAL.sub("file:/", source_files.absolute(location.rstrip("/"), path))
