"""Which repository Git is asked about, and what does not run then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from checkouts import commit, files, laid_out, made, run

from tetrad import git
from tetrad.errors import GitError


def test_a_repository_of_another_user_is_told_so(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    os.chown(repository, 4321, 4321)

    with pytest.raises(GitError, match="belongs to another user") as caught:
        git.merge_base(repository / "system", "main")

    assert f"git config --global --add safe.directory {repository}" in str(caught.value)


def test_a_folder_that_looks_like_a_bare_repository_is_a_folder(
    repository: Path, tmp_path: Path
) -> None:
    bare_in(repository / "system", "main")
    commit(repository, {"README.md": "two"})

    assert git.head(repository / "system") == run(repository, "rev-parse", "HEAD")
    laid_out(repository / "system", "main", made(tmp_path))
    assert (tmp_path / "out" / "prompts" / "a.yaml").is_file()


def test_a_folder_that_looks_like_a_bare_repository_is_none(tmp_path: Path) -> None:
    bare_in(tmp_path / "system", "main")

    with pytest.raises(GitError, match="is not in a Git repository"):
        git.head(tmp_path / "system")


def bare_in(folder: Path, branch: str) -> None:
    """What Git takes for a repository, as files that a commit can hold."""
    folder.mkdir(exist_ok=True)
    forge = folder.parent / "forge"
    forge.mkdir()
    run(forge, "init", "--quiet", f"--initial-branch={branch}")
    commit(forge, {"prompts/forged.yaml": "kind: prompt"})
    for name in ("HEAD", "config", "index", "objects", "refs"):
        (forge / ".git" / name).rename(folder / name)
    shutil.rmtree(forge)
    for empty in [place for place in folder.rglob("*") if place.is_dir()]:
        (empty / ".keep").touch()


@pytest.mark.parametrize("made_by", ["hook", "user"])
def test_the_index_of_a_hook_is_looked_at_where_it_is_this_repositorys(
    repository: Path, monkeypatch: pytest.MonkeyPatch, made_by: str
) -> None:
    """`git commit FILE` gives its hook an index that only the commit will hold."""
    (repository / "registry.db").touch()
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git" / "next-index-1.lock"))
    run(repository, "read-tree", "HEAD")
    run(repository, "add", "registry.db")
    if made_by == "hook":
        monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    else:
        monkeypatch.chdir(repository)

    with pytest.raises(GitError, match=r"registry\.db is committed"):
        git.refuse_committed(repository, repository / "registry.db")


def test_a_repository_that_the_user_names_is_asked_where_none_lies_above(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git.head(repository)
    (repository / ".git").rename(tmp_path / "kept-apart")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "kept-apart"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository))

    assert git.head(repository / "system") == head
    assert not git.is_dirty(repository / "system")


def test_a_ceiling_ends_the_search(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repository))

    assert git.head(repository)  # a ceiling is no obstacle to who stands on it
    with pytest.raises(GitError, match="is not in a Git repository"):
        git.head(repository / "system")


def test_a_system_that_is_a_submodule_is_asked_about_itself(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "above").mkdir()
    run(tmp_path / "above", "init", "--quiet")
    run(tmp_path / "above", "submodule", "--quiet", "add", str(repository), "desk")
    laid_out(tmp_path / "above" / "desk" / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_a_broken_git_folder_is_told_in_gits_words(repository: Path) -> None:
    (repository / ".git" / "config").write_text("[core")

    with pytest.raises(GitError, match=r"\.git cannot be used: .*bad config line"):
        git.head(repository / "system")


@pytest.mark.parametrize("key", ["clean", "smudge", "process"])
def test_no_filter_runs(repository: Path, tmp_path: Path, key: str) -> None:
    commit(repository, {".gitattributes": "*.md filter=x=y\n", "a.md": "one"})
    run(repository, "config", f"filter.x=y.{key}", f"touch {tmp_path}/ran; cat")
    run(repository, "config", "filter.x=y.required", "true")
    (repository / "a.md").write_text("two")

    assert git.is_dirty(repository)
    laid_out(repository, "HEAD", made(tmp_path))
    assert files(tmp_path / "out")["a.md"] == "one"
    assert not (tmp_path / "ran").exists()


def test_no_hook_runs(repository: Path, tmp_path: Path) -> None:
    for name in ("post-index-change", "post-checkout"):
        hook = repository / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    (repository / "README.md").touch()
    git.is_dirty(repository)
    laid_out(repository, "HEAD", made(tmp_path))

    assert not (tmp_path / "ran").exists()
