"""Submodules, and what Git LFS keeps, on the base's side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from checkouts import commit, files, laid_out, made, run

from tetrad import git
from tetrad.errors import GitError
from tetrad.git.submodules import SubmoduleSource, source_of


@pytest.fixture
def whole(repository: Path, tmp_path: Path) -> Path:
    """A repository with `repository` as the submodule `evals` of its folder `desk`."""
    whole = tmp_path / "whole"
    whole.mkdir()
    run(whole, "init", "--quiet", "--initial-branch=main")
    run(whole, "submodule", "--quiet", "add", str(repository), "desk/evals")
    commit(whole, {"desk/prompts/b.yaml": "kind: prompt"})
    return whole


def test_a_submodule_is_laid_out_at_the_commit_that_the_base_names(
    whole: Path, repository: Path, tmp_path: Path
) -> None:
    base = git.head(whole)
    commit(repository, {"README.md": "two"})
    run(whole / "desk" / "evals", "pull", "--quiet")
    commit(whole, {})
    laid_out(whole / "desk", base, made(tmp_path))

    found = files(tmp_path / "out")
    assert found["evals/README.md"] == "one"
    assert found["prompts/b.yaml"] == "kind: prompt"


def test_a_submodule_that_the_change_removes_is_laid_out(whole: Path, tmp_path: Path) -> None:
    base = git.head(whole)
    run(whole, "rm", "--quiet", "desk/evals")
    commit(whole, {})
    laid_out(whole / "desk", base, made(tmp_path))

    assert "evals/README.md" in files(tmp_path / "out")


def test_a_submodule_that_the_change_removes_and_nobody_fetched_is_refused(
    whole: Path, tmp_path: Path
) -> None:
    base = git.head(whole)
    run(whole, "rm", "--quiet", "desk/evals")
    commit(whole, {})
    run(tmp_path, "clone", "--quiet", str(whole), "clone")

    with pytest.raises(GitError, match="has a submodule at desk/evals, whose commits are not here"):
        laid_out(tmp_path / "clone" / "desk", base, made(tmp_path))


def test_a_submodule_that_is_checked_out_on_neither_side_is_left_out(
    whole: Path, tmp_path: Path
) -> None:
    run(tmp_path, "clone", "--quiet", str(whole), "clone")
    laid_out(tmp_path / "clone" / "desk", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/b.yaml": "kind: prompt"}


def test_a_submodules_commit_that_was_not_fetched_is_told(
    whole: Path, repository: Path, tmp_path: Path
) -> None:
    base = git.head(whole)
    submodule = whole / "desk" / "evals"
    run(repository, "commit", "--quiet", "--amend", "--message", "another")
    run(submodule, "fetch", "--quiet")
    run(submodule, "checkout", "--quiet", "origin/main")
    commit(whole, {})
    run(submodule, "branch", "--quiet", "--delete", "--force", "main")
    run(submodule, "reflog", "expire", "--expire=now", "--all")
    run(submodule, "gc", "--quiet", "--prune=now")

    with pytest.raises(GitError, match=r"commit of the submodule desk/evals is not here\n.*fetch"):
        laid_out(whole / "desk", base, made(tmp_path))


def test_a_change_that_makes_the_system_a_submodule_brings_no_base_of_its_own(
    repository: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    run(whole, "init", "--quiet", "--initial-branch=main")
    commit(whole, {"desk/prompts/a.yaml": "kind: prompt"})
    run(whole, "switch", "--quiet", "--create", "change")
    run(whole, "rm", "--quiet", "-r", "desk")
    run(whole, "submodule", "--quiet", "add", str(repository), "desk")
    commit(whole, {})

    with (
        pytest.raises(GitError, match="desk is a submodule that was none at the base"),
        git.base_tree(whole / "desk", "main"),
    ):
        pytest.fail("it has a base")


def moves_to_another_commit(whole: Path, repository: Path, _: Path) -> None:
    commit(repository, {"README.md": "two"})
    run(whole / "desk" / "evals", "pull", "--quiet")


def moves_to_another_address(whole: Path, _: Path, elsewhere: Path) -> None:
    """Whose main has the change already, so that nothing would differ from it."""
    run(elsewhere.parent, "clone", "--quiet", str(whole / "desk" / "evals"), elsewhere.name)
    commit(elsewhere, {"README.md": "two"})
    run(whole, "config", "--file", ".gitmodules", "submodule.desk/evals.url", str(elsewhere))
    run(whole, "submodule", "--quiet", "sync")
    run(whole, "submodule", "--quiet", "update", "--remote")
    run(whole / "desk" / "evals", "checkout", "--quiet", "-B", "main", "origin/main")


def moves_to_another_history(whole: Path, _: Path, elsewhere: Path) -> None:
    elsewhere.mkdir()
    run(elsewhere, "init", "--quiet", "--initial-branch=main")
    commit(elsewhere, {"README.md": "two"})
    run(whole, "config", "--file", ".gitmodules", "submodule.desk/evals.url", str(elsewhere))
    run(whole, "submodule", "--quiet", "sync")
    run(whole, "submodule", "--quiet", "update", "--remote")
    run(whole / "desk" / "evals", "checkout", "--quiet", "-B", "main", "origin/main")


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(
    "move", [moves_to_another_commit, moves_to_another_address, moves_to_another_history]
)
def test_a_system_whose_submodule_the_change_moves_is_compared_with_what_it_was(
    move: Callable[[Path, Path, Path], None],
    is_committed: bool,
    whole: Path,
    repository: Path,
    tmp_path: Path,
) -> None:
    system, before = whole / "desk" / "evals", git.head(whole / "desk" / "evals")
    run(whole, "switch", "--quiet", "--create", "change")
    move(whole, repository, tmp_path / "elsewhere")
    run(whole, "add", "--all")
    if is_committed:
        commit(whole, {})
    assert git.merge_base(system, "main") == git.head(system) != before

    with git.base_tree(system, "main") as base:
        assert base
        assert (base[0], base[1].files.read("README.md")) == (before, b"one")


def test_a_moved_submodules_commit_at_the_base_has_to_be_here(
    whole: Path, repository: Path, tmp_path: Path
) -> None:
    run(whole, "switch", "--quiet", "--create", "change")
    moves_to_another_history(whole, repository, tmp_path / "elsewhere")
    commit(whole, {})
    run(tmp_path, "clone", "--quiet", "--branch", "change", str(whole), "clone")
    run(tmp_path / "clone", "branch", "--quiet", "main", "origin/main")
    run(tmp_path / "clone", "submodule", "--quiet", "update", "--init")
    run(tmp_path / "clone/desk/evals", "checkout", "--quiet", "-B", "main")

    with (
        pytest.raises(GitError, match=rf"base's commit of it is not here\n.*fetch {repository} "),
        git.base_tree(tmp_path / "clone/desk/evals", "main"),
    ):
        pytest.fail("it has a base")


def test_a_submodule_that_moves_within_one_that_moves_is_compared_with_what_it_was(
    whole: Path, repository: Path, tmp_path: Path
) -> None:
    around = tmp_path / "around"
    around.mkdir()
    run(around, "init", "--quiet", "--initial-branch=main")
    run(around, "submodule", "--quiet", "add", str(whole), "whole")
    run(around, "submodule", "--quiet", "update", "--init", "--recursive")
    commit(around, {})
    run(around, "switch", "--quiet", "--create", "change")
    system = around / "whole" / "desk" / "evals"
    run(system, "checkout", "--quiet", "-B", "main")
    commit(system, {"README.md": "two"})
    run(around / "whole", "checkout", "--quiet", "-B", "main")
    commit(around / "whole", {})
    commit(around, {})

    with git.base_tree(system, "main") as base:
        assert base
        assert base[1].files.read("README.md") == b"one"


def test_a_system_that_was_a_submodule_has_a_base_of_its_own(whole: Path) -> None:
    with git.base_tree(whole / "desk" / "evals", "main") as base:
        assert base
        assert base[1].files.has("README.md")


def test_a_base_in_which_the_folder_was_a_link_is_refused(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.md").touch()
    (repository / "desk").symlink_to(tmp_path / "elsewhere")
    base = commit(repository, {})
    (repository / "desk").unlink()
    (repository / "desk").mkdir()

    with pytest.raises(GitError, match="was a symbolic link"):
        laid_out(repository / "desk", base, made(tmp_path))
    assert (tmp_path / "elsewhere" / "kept.md").exists()


@pytest.mark.parametrize("place", ["here", "storage", "linked"])
def test_what_git_lfs_keeps_is_laid_out_and_the_rest_stays_a_pointer(
    repository: Path, tmp_path: Path, place: str
) -> None:
    content = b"yes\n" * 1000
    oid = hashlib.sha256(content).hexdigest()
    store = tmp_path / "lfs" if place == "storage" else repository / ".git" / "lfs"
    if place == "storage":
        run(repository, "config", "lfs.storage", str(store))
    kept = store / "objects" / oid[:2] / oid[2:4] / oid
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    (repository / ".gitattributes").write_text("*.txt filter=lfs diff=lfs merge=lfs -text\n")
    commit(repository, {"system/a.txt": pointer(oid), "system/b.txt": pointer("0" * 64)})
    if place == "linked":
        run(repository, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
        repository = tmp_path / "linked"
    laid_out(repository / "system", "HEAD", made(tmp_path))

    found = files(tmp_path / "out")
    assert found["a.txt"] == content.decode()
    assert found["b.txt"] == pointer("0" * 64)


def test_what_git_lfs_keeps_damaged_is_not_laid_out(repository: Path, tmp_path: Path) -> None:
    kept = repository / ".git" / "lfs" / "objects" / "00" / "00" / ("0" * 64)
    kept.parent.mkdir(parents=True)
    kept.write_text("another content")
    commit(repository, {"a.txt": pointer("0" * 64)})
    laid_out(repository, "HEAD", made(tmp_path))

    assert files(tmp_path / "out")["a.txt"] == pointer("0" * 64)


def pointer(oid: str) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 4000\n"


def test_the_source_of_a_submodule_is_asked_for_its_newest_commit(
    whole: Path, repository: Path
) -> None:
    pinned = git.head(whole / "desk/evals")
    assert source_of(whole, "desk/evals/deep") == SubmoduleSource(
        path="desk/evals", pinned=pinned, newest=pinned
    )
    assert source_of(whole / "desk", "evals") == source_of(whole, "desk/evals")

    newest = commit(repository, {"README.md": "two"})

    assert source_of(whole, "desk/evals") == SubmoduleSource(
        path="desk/evals", pinned=pinned, newest=newest
    )
    assert source_of(whole, "desk/prompts") is None


def test_the_branch_of_a_submodule_is_the_one_that_its_repository_names(
    whole: Path, repository: Path
) -> None:
    pinned = git.head(whole / "desk/evals")
    run(repository, "branch", "stable")
    commit(repository, {"README.md": "two"})
    run(whole, "config", "--file", ".gitmodules", "submodule.desk/evals.branch", "stable")

    found = source_of(whole, "desk/evals")

    assert found is not None
    assert found.newest == pinned


def test_a_source_that_is_gone_has_no_newest_commit(whole: Path, repository: Path) -> None:
    repository.rename(repository.with_name("elsewhere"))

    found = source_of(whole, "desk/evals")

    assert found is not None
    assert found.newest is None
