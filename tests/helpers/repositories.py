"""Git repositories made for a test: no setting of the machine or of the person at it has a say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

OWN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@example.org")


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """What git says, without the end of the line."""
    command, environ = ["git", "-C", str(folder), *arguments], {"PATH": os.environ["PATH"], **OWN}
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, env=environ).stdout.decode().strip()


def commit(folder: Path) -> None:
    """All that is there, in one commit."""
    git(folder, "add", "-A")
    git(folder, *AUTHOR, "commit", "-q", "-m", "x")


def repository_of(conf: Path) -> Path:
    """Makes the folder above a configuration a repository of one commit, tagged ``v1``; returns the configuration."""
    git(conf.parent, "init", "-q")
    commit(conf.parent)
    git(conf.parent, "tag", "v1")
    return conf


def tree(folder: Path, mode: str, kind: str, content: str, name: str) -> str:
    """The id of a new tree of one entry, of whatever name."""
    return git(folder, "mktree", given=f"{mode} {kind} {content}\t{name}\n".encode())
