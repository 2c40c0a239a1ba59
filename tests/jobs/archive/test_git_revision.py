"""A folder as it was at a git revision: byte by byte as git stores it, and nothing that leads elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.archive import git_revision
from jobs.console.exit_codes import BadUsage
from tests.helpers.generated_catalog import write
from tests.helpers.repositories import AUTHOR, commit, git, repository_of, tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A configuration in a folder of a git repository with one commit, tagged ``v1``; returns the folder."""
    return repository_of(write(tmp_path / "repository" / "lake conf", tables=2))


def test_a_folder_as_it_was(repository: Path) -> None:
    written = {path.relative_to(repository): path.read_bytes() for path in repository.rglob("*.yaml")}
    (repository / "catalog" / "made.t0000.yaml").unlink()
    (repository / "new.yaml").write_text("x: 1\n", encoding="utf-8")
    commit(repository.parent)
    with git_revision.folder_at(repository, "v1") as folder:
        assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")} == written
    assert not folder.exists()
    with git_revision.folder_at(repository.parent, "HEAD") as folder:
        assert (folder / "lake conf" / "new.yaml").is_file()


def test_attributes_and_settings_of_the_repository_change_nothing(repository: Path) -> None:
    """`git archive` would leave files out, put words in and change the ends of lines, and so would a checkout."""
    (repository / ".gitattributes").write_text("policy.yaml export-ignore\n*.txt export-subst eol=crlf ident\n")
    stored = b"$Format:%H$ $Id$ as it is\n"
    (repository / "a.txt").write_bytes(stored)
    commit(repository.parent)
    git(repository.parent, "config", "core.autocrlf", "true")
    with git_revision.folder_at(repository, "HEAD") as folder:
        assert (folder / "policy.yaml").read_bytes() == (repository / "policy.yaml").read_bytes()
        assert (folder / "a.txt").read_bytes() == stored


def test_what_git_cannot_give_is_told(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (repository / "other").mkdir()
    for folder, revision, said in (
        (repository, "v2", r"git knows no revision 'v2'"),
        (repository, "--help", r"git knows no revision '--help'"),
        (repository / "other", "v1", r"revision v1 has no files in .*other"),
        (tmp_path / "empty", "v1", "is in no git repository"),
        (tmp_path / "nowhere", "v1", "is no folder"),
    ):
        with pytest.raises(BadUsage, match=said), git_revision.folder_at(folder, revision):
            pass


def test_a_link_is_refused(repository: Path) -> None:
    (repository / "catalog" / "linked.yaml").symlink_to("made.t0000.yaml")
    commit(repository.parent)
    with pytest.raises(BadUsage, match="is a link at that revision"), git_revision.folder_at(repository, "HEAD"):
        pass


@pytest.mark.parametrize("name", ["..", "a\\b"])
def test_a_path_that_leads_out_is_refused(repository: Path, name: str) -> None:
    """Git itself makes no such tree; another program may."""
    top = repository.parent
    inner = tree(top, "100644", "blob", git(top, "hash-object", "-w", "--stdin", given=b"x"), "out.yaml")
    outer = tree(top, "040000", "tree", inner, name)
    root = tree(top, "040000", "tree", outer, repository.name)
    made = git(top, *AUTHOR, "commit-tree", "-m", "x", root)
    with (
        pytest.raises(BadUsage, match="no plain path inside the folder"),
        git_revision.folder_at(repository, made),
    ):
        pass
