"""A folder as it was at a git revision, read from git's objects: no checkout, and the work tree stays as it is.

Not by `git archive`: it leaves out, rewrites and converts what the repository's attributes and settings say
(export-ignore, export-subst, filters, ends of lines), and git before 2.41 has no way to say no to the tree's own ones.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jobs.configuration import plain_path
from jobs.console.exit_codes import BadUsage

LINK = b"120000"


@contextlib.contextmanager
def folder_at(folder: Path, revision: str) -> Iterator[Path]:
    """A temporary copy of ``folder`` at ``revision``, gone at the end. Raises `BadUsage`."""
    commit, prefix = _commit(folder, revision), _git(folder, "rev-parse", "--show-prefix").decode().strip()
    with tempfile.TemporaryDirectory(prefix="lakenym-") as temporary:
        files = _files(folder, commit, prefix)
        if not files:
            raise BadUsage(f"revision {revision} has no files in {folder}")
        for name, content in zip(files, _contents(folder, list(files.values())), strict=True):
            path = Path(temporary) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(temporary)


def _commit(folder: Path, revision: str) -> str:
    if not folder.is_dir():
        raise BadUsage(f"{folder} is no folder")
    _git(folder, "rev-parse", "--show-toplevel", problem=f"{folder} is in no git repository")
    problem = f"git knows no revision {revision!r} (to compare with the table's own record: --diff record)"
    return (
        _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", problem=problem)
        .decode()
        .strip()
    )


def _files(folder: Path, commit: str, prefix: str) -> dict[str, str]:
    """Path below the folder -> id of its content."""
    found = {}
    listing = _git(folder, "ls-tree", "-r", "-z", "--full-tree", f"{commit}:{prefix}" if prefix else commit, problem="")
    for line in filter(None, listing.split(b"\0")):
        about, name = line.split(b"\t", 1)
        mode, kind, content = about.split()
        path = name.decode(errors="replace")
        if mode == LINK:
            raise BadUsage(f"{path!r} is a link at that revision, and links are not followed there")
        if not plain_path.is_plain(path):
            raise BadUsage(f"{path!r} is at that revision, which is no plain path inside the folder")
        if kind == b"blob":
            found[path] = content.decode()
    return found


def _contents(folder: Path, ids: list[str]) -> Iterator[bytes]:
    given = "".join(f"{content}\n" for content in ids).encode()
    output, at = _git(folder, "cat-file", "--batch", given=given), 0
    for _ in ids:  # "<id> blob <size>\n<content>\n"
        line = output.index(b"\n", at)
        size = int(output[at:line].rsplit(b" ", 1)[1])
        yield output[line + 1 : line + 1 + size]
        at = line + size + 2


def _git(folder: Path, *arguments: str, given: bytes | None = None, problem: str | None = None) -> bytes:
    """Git's output. problem: what to say where it fails; "": nothing is there, which is no failure."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)  # noqa: S603 - fixed verbs
    except OSError:
        raise BadUsage("git is not installed") from None
    if done.returncode == 0:
        return done.stdout
    if problem == "":
        return b""
    raise BadUsage(problem or f"git {arguments[0]} failed in {folder}")
