"""Configurations that name a key for monitoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from privacy_udfs.keys import create_file


def with_key(folder: Path, name: str = "watch", **monitoring: Any) -> Path:
    """The same folder, whose policy names a key, made beside the others where it is not there."""
    keys, policy = (
        yaml.safe_load((folder / file).read_text(encoding="utf-8")) for file in ("keys.yaml", "policy.yaml")
    )
    place = folder.parent / "keys" / f"{name}.json"
    if not place.exists():
        create_file(place)
    keys[name] = {"keyset": f"file:{place}"}
    policy["monitoring"] = {"key": name, **monitoring}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    return folder
