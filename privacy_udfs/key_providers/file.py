"""``file:PATH``: a keyset in a file that only its owner can read.

``file:/etc/keys/crm.json``, ``file:///etc/keys/crm.json`` and ``file:keys/crm.json`` (from the working directory);
the path is taken as it is written, without percent-escapes. Symbolic links are followed; what they lead to is checked.
It protects against other accounts of the machine, not against its administrator, backups or a lost disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from privacy_udfs.errors import KeyProblem

MAX_SIZE = 1 << 20
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def path_of(uri: str) -> str:
    """The path in a ``file:`` URI."""
    path = uri.removeprefix("file:")
    if path.startswith("//"):
        path = path.removeprefix("//")
        if not path.startswith("/"):
            raise KeyProblem(f"{uri}: a host has no place here; write file:PATH")
    if not path or "\0" in path:
        raise KeyProblem("file: needs a path, such as file:/etc/keys/crm.json")
    return path


def fetch(uri: str) -> bytes:
    """The content. Raises `KeyProblem` where the file is missing, not a plain file, too large, or open to others."""
    with _opened(uri) as file:
        return _read(uri, file)


@contextlib.contextmanager
def _opened(uri: str) -> Iterator[BinaryIO]:
    try:
        # NONBLOCK so that a pipe does not hang; the checks are on what was opened, so nobody can swap it in between
        descriptor = os.open(path_of(uri), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        hint = ": make it first (keys.py create makes a keyset), or mend its address" * (error.errno == errno.ENOENT)
        raise KeyProblem(f"{uri}: cannot be read: {error.strerror}{hint}") from None
    try:
        _check(uri, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _read(uri: str, file: BinaryIO) -> bytes:
    content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise KeyProblem(f"{uri}: larger than {MAX_SIZE} bytes: not a keyset")
    return content


def _check(uri: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyProblem(f"{uri}: not a plain file")
    if status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyProblem(f"{uri}: others than its owner can reach it (mode {mode:04o}): chmod 600 {path_of(uri)}")


def create(uri: str, content: bytes) -> None:
    """Write a new file of mode 0600, whole or not at all. Raises `KeyProblem` where the path exists."""
    path = path_of(uri)
    with _written_beside(uri, path, content) as temporary:
        try:
            os.link(temporary, path)  # unlike a rename, it fails where the path exists
        except FileExistsError:
            raise KeyProblem(f"{uri}: exists already, and a key is never overwritten") from None
    _sync_folder(path)


def replace(uri: str, content: bytes, expected: bytes) -> None:
    """Put ``content`` in the place of ``expected`` in one step, at mode 0600; a link stays, what it leads to changes.

    Raises `KeyProblem`, and writes nothing, where the file no longer holds ``expected``: of two writers one wins.
    """
    with _opened(uri) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # held until the rename is done; of a file once replaced it means nothing
        path = os.path.realpath(path_of(uri))
        if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)) or _read(uri, file) != expected:
            raise KeyProblem(f"{uri}: another writer changed it meanwhile; nothing was written: try again")
        with _written_beside(uri, path, content) as temporary:
            os.replace(temporary, path)
    _sync_folder(path)


@contextlib.contextmanager
def _written_beside(uri: str, path: str, content: bytes) -> Iterator[str]:
    """A finished temporary file of mode 0600 in the folder of ``path``, and no trace of it afterwards, whatever failed.

    It is the secret: one that stayed behind would be a copy that nobody destroys with the key.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            yield temporary
        finally:
            with contextlib.suppress(FileNotFoundError):  # it may have become the file itself
                os.unlink(temporary)
    except OSError as error:
        hint = ": make its folder first (mkdir -m 700)" * (error.errno == errno.ENOENT)
        raise KeyProblem(f"{uri}: cannot be written: {error.strerror}{hint}") from None


def _sync_folder(path: str) -> None:
    """Make the new name last through a power cut, where the folder can be opened."""
    with contextlib.suppress(PermissionError):
        _sync(os.path.dirname(path) or ".")


def _sync(name: str) -> None:
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
