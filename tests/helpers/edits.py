"""Changes to files of a configuration, as a person makes them."""

from __future__ import annotations

from pathlib import Path


def replace(path: Path, old: str, new: str) -> None:
    """Other text in a file, which must hold the old one."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
