"""Files for people, written whole or not at all: half a configuration could pass for one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def create(path: Path, text: str) -> None:
    """Write a new file, in UTF-8 and byte for byte. Raises `OSError`, `FileExistsError` among them; then nothing of it
    is there."""
    with path.open("x", encoding="utf-8", newline="") as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def replace(path: Path, text: str) -> None:
    """Write a file in the place of what may stand there, in one step. Raises `OSError`; then that stands."""
    written = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        create(written, text)
        os.replace(written, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            written.unlink()
