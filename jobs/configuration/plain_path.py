"""Whether a name that comes out of stored content may be the path of a file below a folder."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NEVER = re.compile(r"[\x00-\x1f\x7f\\\ufffd]|\$\{|^[A-Za-z]:")
"""Control characters, what Windows takes for a separator or a drive, what is not Unicode, and what is yet to expand."""


def is_plain(name: str) -> bool:
    """Whether it names a file inside the folder that it is put into, on every system: relative, no ``..``."""
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or not path.parts or _NEVER.search(name))


def is_name(name: str) -> bool:
    """Whether it is plain and names a file in the folder itself."""
    return is_plain(name) and "/" not in name
