"""Why a file cannot be read or written, in words, and none of the error's own."""

from __future__ import annotations

from collections.abc import Mapping

WHY: Mapping[type[Exception], str] = {
    FileNotFoundError: "nothing is there",
    FileExistsError: "something is there already",
    IsADirectoryError: "a folder is there",
    NotADirectoryError: "a part of its path is no folder",
    PermissionError: "whoever runs this has no right to",
    UnicodeError: "it is not UTF-8",
}


def why(error: Exception) -> str:
    """In a few words; the class of an error that nobody has words for."""
    return next((told for kind, told in WHY.items() if isinstance(error, kind)), type(error).__name__)
