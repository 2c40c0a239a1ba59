"""Files with keys and configuration are written whole or not at all, and a failure leaves nothing beside them."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.console import whole_files
from privacy_udfs import key_providers
from privacy_udfs.keys import Keyset
from tests.helpers.key_servers import SECRET, problem

ROOM = 100
TOO_LONG = "x" * (ROOM + 1)


@contextlib.contextmanager
def a_full_disk() -> Iterator[None]:
    """No file of this process may grow beyond `ROOM` bytes: a write fails half way, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_key_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    uri, secret = f"file:{tmp_path}/crm.json", Keyset.generate().to_json().encode()
    with a_full_disk():
        message = problem(lambda: key_providers.create(uri, secret))
    assert "cannot be written: File too large" in message
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    uri, path = f"file:{tmp_path}/crm.json", tmp_path / "crm.json"
    key_providers.create(uri, SECRET.encode())
    with a_full_disk():
        problem(lambda: key_providers.replace(uri, TOO_LONG.encode(), SECRET.encode()))
    assert path.read_bytes() == SECRET.encode()
    assert list(tmp_path.iterdir()) == [path]
    key_providers.replace(uri, TOO_LONG.encode(), SECRET.encode())
    assert path.read_bytes() == TOO_LONG.encode()
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_configuration_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with a_full_disk(), pytest.raises(OSError, match="too large"):
        whole_files.create(tmp_path / "new.yaml", TOO_LONG)
    assert list(tmp_path.iterdir()) == []
    whole_files.create(tmp_path / "new.yaml", "ä: 1\r\n")
    assert (tmp_path / "new.yaml").read_bytes() == "ä: 1\r\n".encode()
    with pytest.raises(FileExistsError):
        whole_files.create(tmp_path / "new.yaml", "b")
    with a_full_disk(), pytest.raises(OSError, match="too large"):
        whole_files.replace(tmp_path / "new.yaml", TOO_LONG)
    assert (tmp_path / "new.yaml").read_bytes() == "ä: 1\r\n".encode()
    whole_files.replace(tmp_path / "new.yaml", TOO_LONG)
    assert (tmp_path / "new.yaml").read_text() == TOO_LONG
    assert [path.name for path in tmp_path.iterdir()] == ["new.yaml"]
