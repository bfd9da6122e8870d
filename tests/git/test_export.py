"""The base's tree as files."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from checkouts import commit, files, laid_out, made, run

from tetrad import git
from tetrad.errors import GitError


def test_a_tree_is_laid_out_as_it_was(repository: Path, tmp_path: Path) -> None:
    (repository / "README.md").write_text("edited and not committed")
    laid_out(repository, "main", made(tmp_path))

    assert files(tmp_path / "out") == {"README.md": "one", "system/prompts/a.yaml": "kind: prompt"}


def test_a_folder_of_a_repository_is_laid_out_alone(repository: Path, tmp_path: Path) -> None:
    laid_out(repository / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_a_folder_younger_than_the_commit_is_empty_there(repository: Path, tmp_path: Path) -> None:
    (repository / "younger").mkdir()
    laid_out(repository / "younger", "main", made(tmp_path))

    assert list((tmp_path / "out").iterdir()) == []


def test_the_repository_is_left_as_it_was(repository: Path, tmp_path: Path) -> None:
    (repository / "staged.md").write_text("staged")
    run(repository, "add", "staged.md")
    before = run(repository, "status", "--porcelain"), git.head(repository)
    laid_out(repository, "main", made(tmp_path))

    assert (run(repository, "status", "--porcelain"), git.head(repository)) == before


def test_what_releases_leave_out_or_rewrite_is_laid_out_all_the_same(
    repository: Path, tmp_path: Path
) -> None:
    commit(
        repository,
        {
            ".gitattributes": "evals export-ignore\nnote.md export-subst\n",
            "evals/golden.yaml": "[]",
            "note.md": "$Format:%H$",
        },
    )
    laid_out(repository, "HEAD", made(tmp_path))

    assert files(tmp_path / "out")["evals/golden.yaml"] == "[]"
    assert files(tmp_path / "out")["note.md"] == "$Format:%H$"


@pytest.mark.parametrize("there", ["uncommitted", "committed"])
def test_attributes_that_a_change_brings_rewrite_nothing_of_its_base(
    repository: Path, tmp_path: Path, there: str
) -> None:
    base = commit(repository, {"leave.md": "25 days\n$Id$\n"})
    (repository / ".gitattributes").write_text("*.md text eol=crlf ident\n")
    if there == "committed":
        commit(repository, {})
    laid_out(repository, base, made(tmp_path))

    assert (tmp_path / "out" / "leave.md").read_bytes() == b"25 days\n$Id$\n"


def test_a_base_is_laid_out_by_its_own_attributes(repository: Path, tmp_path: Path) -> None:
    base = commit(repository, {".gitattributes": "*.md text eol=crlf\n", "leave.md": "25 days\n"})
    commit(repository, {".gitattributes": ""})
    laid_out(repository, base, made(tmp_path))

    assert (tmp_path / "out" / "leave.md").read_bytes() == b"25 days\r\n"


def test_the_base_of_a_linked_working_tree_is_laid_out(repository: Path, tmp_path: Path) -> None:
    run(repository, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
    laid_out(tmp_path / "linked" / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_symlinks_stay_symlinks_that_nothing_was_written_through(
    repository: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (repository / "link").symlink_to(target)
    commit(repository, {})
    laid_out(repository, "HEAD", made(tmp_path))

    assert (tmp_path / "out" / "link").is_symlink()
    assert list(target.iterdir()) == []


def test_a_tree_that_would_write_through_its_own_symlink_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    """Git does not make such a tree; its plumbing does: `a` as a link, and `a/b` below it."""
    target = tmp_path / "target"
    target.mkdir()
    blob = _written(repository, "blob", b"hostile")
    link = _written(repository, "blob", str(target).encode())
    below = _written(repository, "tree", b"100644 b\0" + bytes.fromhex(blob))
    entries = b"120000 a\0" + bytes.fromhex(link) + b"40000 a\0" + bytes.fromhex(below)
    tree = _written(repository, "tree", entries)
    hostile = run(repository, "commit-tree", tree, "-m", "hostile")
    with contextlib.suppress(GitError):
        laid_out(repository, hostile, made(tmp_path))

    assert list(target.iterdir()) == []


def _written(root: Path, kind: str, data: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"],
        cwd=root, input=data, check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout.decode().strip()
