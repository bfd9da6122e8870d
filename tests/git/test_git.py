"""Git's answers from real repositories."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tetrad import git
from tetrad.errors import GitError


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def run(root: Path, *arguments: str) -> str:
    who = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "-c",
        "protocol.file.allow=always",
    ]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, files: dict[str, str], message: str = "Change") -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    run(root, "add", "--all")
    run(root, "commit", "--quiet", "--message", message)
    return run(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`main` with two files, one of them in a folder `system/`."""
    root = tmp_path / "repository"
    root.mkdir()
    run(root, "init", "--quiet", "--initial-branch=main")
    commit(root, {"README.md": "one", "system/prompts/a.yaml": "kind: prompt"})
    return root


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# -- revisions


def test_branches_tags_and_abbreviations_are_resolved_to_commits(repository: Path) -> None:
    head = git.head(repository)
    run(repository, "tag", "--annotate", "v1", "--message", "v1")

    assert len(head) == 40
    assert {git.resolve(repository, ref) for ref in ("main", "v1", "HEAD", head[:8])} == {head}


def test_a_misspelt_revision_gets_a_suggestion(repository: Path) -> None:
    with pytest.raises(GitError, match=r"unknown revision 'mian'\n  help: did you mean main\?"):
        git.resolve(repository, "mian")


def test_a_branch_that_only_the_remote_has_is_suggested(repository: Path, tmp_path: Path) -> None:
    run(tmp_path, "clone", "--quiet", str(repository), "clone")
    run(tmp_path / "clone", "switch", "--quiet", "--create", "change")
    run(tmp_path / "clone", "branch", "--delete", "--force", "main")

    with pytest.raises(GitError, match="did you mean origin/main"):
        git.resolve(tmp_path / "clone", "main")


@pytest.mark.parametrize("ref", ["", "-h", "--output=/tmp/x", "--all", "a\nb", "a\0b"])
def test_what_git_could_take_for_an_option_or_not_at_all_never_reaches_it(
    repository: Path, ref: str
) -> None:
    with pytest.raises(GitError, match="is no revision"):
        git.resolve(repository, ref)


def test_a_file_of_a_revision_is_no_commit(repository: Path) -> None:
    with pytest.raises(GitError, match="unknown revision"):
        git.resolve(repository, "main:README.md")


def test_a_repository_without_a_commit_is_told_so(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "--initial-branch=main")

    with pytest.raises(GitError, match="no commit yet"):
        git.head(tmp_path)


def test_a_branch_of_a_repository_without_a_commit_is_not_called_unknown(tmp_path: Path) -> None:
    run(tmp_path, "init", "--quiet", "--initial-branch=main")

    with pytest.raises(GitError, match="no commit yet"):
        git.merge_base(tmp_path, "main")


def test_a_folder_outside_of_git_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="where no base is named, none is needed"):
        git.head(tmp_path)


def test_git_that_is_not_installed_is_told_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    with pytest.raises(GitError, match="git is not installed"):
        git.head(repository)


def test_variables_that_a_hook_sets_do_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git.head(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    assert git.head(repository) == head
    assert not git.is_dirty(repository)


def test_a_settings_file_of_the_repository_runs_no_program(
    repository: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    run(repository, "config", "core.fsmonitor", str(program))
    git.is_dirty(repository)

    assert not (tmp_path / "ran").exists()


# -- the merge base


def test_the_merge_base_is_where_the_branches_parted(repository: Path) -> None:
    parted = git.head(repository)
    run(repository, "switch", "--quiet", "--create", "change")
    commit(repository, {"README.md": "two"})
    run(repository, "switch", "--quiet", "main")
    commit(repository, {"README.md": "three"})
    run(repository, "switch", "--quiet", "change")

    assert git.merge_base(repository, "main") == parted


def test_histories_without_a_common_commit_are_told_so(repository: Path) -> None:
    run(repository, "switch", "--quiet", "--orphan", "other")
    commit(repository, {"new.md": "new"})

    with pytest.raises(GitError, match="HEAD and main have no commit in common"):
        git.merge_base(repository, "main")


@pytest.mark.parametrize("ref", ["HEAD~1", "main~1"])
def test_a_shallow_clone_is_told_how_to_get_the_rest(
    repository: Path, tmp_path: Path, ref: str
) -> None:
    commit(repository, {"README.md": "two"})
    run(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "clone")

    with pytest.raises(GitError, match="fetch-depth: 0"):
        git.resolve(tmp_path / "clone", ref)


def test_a_branch_that_a_shallow_clone_left_out_can_be_had_as_the_message_says(
    repository: Path, tmp_path: Path
) -> None:
    run(repository, "branch", "feature")
    commit(repository, {"README.md": "two"})
    run(
        tmp_path, "clone", "-q", "--depth=1", "--branch=feature", f"file://{repository}", "clone"
    )  # fmt: skip
    clone = tmp_path / "clone"

    with pytest.raises(GitError, match=r"unknown revision 'origin/main'\n  help: did") as told:
        git.resolve(clone, "origin/main")

    advice = next(line for line in str(told.value).splitlines() if "git fetch" in line)
    command = shlex.split(advice.partition("help: ")[2])
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    assert git.resolve(clone, "origin/main") == git.head(repository)


def test_a_merge_base_beyond_a_shallow_clones_end_is_told_so(
    repository: Path, tmp_path: Path
) -> None:
    run(repository, "switch", "--quiet", "--create", "change")
    commit(repository, {"README.md": "two"})
    run(repository, "switch", "--quiet", "main")
    commit(repository, {"README.md": "three"})
    run(
        tmp_path,
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        f"file://{repository}",
        "clone",
    )

    with pytest.raises(GitError, match=r"(?s)shallow clone.*fetch-depth: 0"):
        git.merge_base(tmp_path / "clone", "origin/change")


# -- the working tree


@pytest.mark.parametrize(
    ("name", "dirty"), [("README.md", True), ("new.md", True), ("ignored.log", False)]
)
def test_edits_and_new_files_make_a_tree_dirty_and_ignored_ones_do_not(
    repository: Path, name: str, dirty: bool
) -> None:
    commit(repository, {".gitignore": "*.log\n"})
    (repository / name).write_text("edited")

    assert git.is_dirty(repository) == dirty


def test_a_clean_tree_is_not_dirty(repository: Path) -> None:
    assert not git.is_dirty(repository)


def test_an_edit_beside_a_folder_does_not_make_it_dirty(repository: Path) -> None:
    (repository / "README.md").write_text("edited")

    assert git.is_dirty(repository)
    assert not git.is_dirty(repository / "system")


# -- exports


def made(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_tree_is_laid_out_as_it_was(repository: Path, tmp_path: Path) -> None:
    (repository / "README.md").write_text("edited and not committed")
    git.export(repository, "main", made(tmp_path))

    assert files(tmp_path / "out") == {"README.md": "one", "system/prompts/a.yaml": "kind: prompt"}


def test_a_folder_of_a_repository_is_laid_out_alone(repository: Path, tmp_path: Path) -> None:
    git.export(repository / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_a_folder_younger_than_the_commit_is_empty_there(repository: Path, tmp_path: Path) -> None:
    (repository / "younger").mkdir()
    git.export(repository / "younger", "main", made(tmp_path))

    assert list((tmp_path / "out").iterdir()) == []


def test_the_repository_is_left_as_it_was(repository: Path, tmp_path: Path) -> None:
    (repository / "staged.md").write_text("staged")
    run(repository, "add", "staged.md")
    before = run(repository, "status", "--porcelain"), git.head(repository)
    git.export(repository, "main", made(tmp_path))

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
    git.export(repository, "HEAD", made(tmp_path))

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
    git.export(repository, base, made(tmp_path))

    assert (tmp_path / "out" / "leave.md").read_bytes() == b"25 days\n$Id$\n"


def test_a_base_is_laid_out_by_its_own_attributes(repository: Path, tmp_path: Path) -> None:
    base = commit(repository, {".gitattributes": "*.md text eol=crlf\n", "leave.md": "25 days\n"})
    commit(repository, {".gitattributes": ""})
    git.export(repository, base, made(tmp_path))

    assert (tmp_path / "out" / "leave.md").read_bytes() == b"25 days\r\n"


def test_the_base_of_a_linked_working_tree_is_laid_out(repository: Path, tmp_path: Path) -> None:
    run(repository, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "other")
    git.export(tmp_path / "linked" / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_symlinks_stay_symlinks_that_nothing_was_written_through(
    repository: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (repository / "link").symlink_to(target)
    commit(repository, {})
    git.export(repository, "HEAD", made(tmp_path))

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
        git.export(repository, hostile, made(tmp_path))

    assert list(target.iterdir()) == []


def _written(root: Path, kind: str, data: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"],
        cwd=root, input=data, check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


def test_a_repository_of_another_user_is_told_so(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    os.chown(repository, 4321, 4321)

    with pytest.raises(GitError, match="belongs to another user") as caught:
        git.merge_base(repository / "system", "main")

    assert f"git config --global --add safe.directory {repository}" in str(caught.value)


# -- which repository


def test_a_folder_that_looks_like_a_bare_repository_is_a_folder(
    repository: Path, tmp_path: Path
) -> None:
    bare_in(repository / "system", "main")
    commit(repository, {"README.md": "two"})

    assert git.head(repository / "system") == run(repository, "rev-parse", "HEAD")
    git.export(repository / "system", "main", made(tmp_path))
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
    git.export(tmp_path / "above" / "desk" / "system", "main", made(tmp_path))

    assert files(tmp_path / "out") == {"prompts/a.yaml": "kind: prompt"}


def test_a_broken_git_folder_is_told_in_gits_words(repository: Path) -> None:
    (repository / ".git" / "config").write_text("[core")

    with pytest.raises(GitError, match=r"\.git cannot be used: .*bad config line"):
        git.head(repository / "system")


# -- submodules and LFS on the base's side


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
    git.export(whole / "desk", base, made(tmp_path))

    found = files(tmp_path / "out")
    assert found["evals/README.md"] == "one"
    assert found["prompts/b.yaml"] == "kind: prompt"


def test_a_submodule_that_the_change_removes_is_laid_out(whole: Path, tmp_path: Path) -> None:
    base = git.head(whole)
    run(whole, "rm", "--quiet", "desk/evals")
    commit(whole, {})
    git.export(whole / "desk", base, made(tmp_path))

    assert "evals/README.md" in files(tmp_path / "out")


def test_a_submodule_that_the_change_removes_and_nobody_fetched_is_refused(
    whole: Path, tmp_path: Path
) -> None:
    base = git.head(whole)
    run(whole, "rm", "--quiet", "desk/evals")
    commit(whole, {})
    run(tmp_path, "clone", "--quiet", str(whole), "clone")

    with pytest.raises(GitError, match="has a submodule at desk/evals, whose commits are not here"):
        git.export(tmp_path / "clone" / "desk", base, made(tmp_path))


def test_a_submodule_that_is_checked_out_on_neither_side_is_left_out(
    whole: Path, tmp_path: Path
) -> None:
    run(tmp_path, "clone", "--quiet", str(whole), "clone")
    git.export(tmp_path / "clone" / "desk", "main", made(tmp_path))

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
        git.export(whole / "desk", base, made(tmp_path))


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


def test_a_system_that_was_a_submodule_has_a_base_of_its_own(whole: Path) -> None:
    with git.base_tree(whole / "desk" / "evals", "main") as base:
        assert base
        assert "README.md" in files(base[1])


def test_a_base_in_which_the_folder_was_a_link_is_refused(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.md").touch()
    (repository / "desk").symlink_to(tmp_path / "elsewhere")
    base = commit(repository, {})
    (repository / "desk").unlink()
    (repository / "desk").mkdir()

    with pytest.raises(GitError, match="was a symbolic link"):
        git.export(repository / "desk", base, made(tmp_path))
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
    git.export(repository / "system", "HEAD", made(tmp_path))

    found = files(tmp_path / "out")
    assert found["a.txt"] == content.decode()
    assert found["b.txt"] == pointer("0" * 64)


def test_what_git_lfs_keeps_damaged_is_not_laid_out(repository: Path, tmp_path: Path) -> None:
    kept = repository / ".git" / "lfs" / "objects" / "00" / "00" / ("0" * 64)
    kept.parent.mkdir(parents=True)
    kept.write_text("another content")
    commit(repository, {"a.txt": pointer("0" * 64)})
    git.export(repository, "HEAD", made(tmp_path))

    assert files(tmp_path / "out")["a.txt"] == pointer("0" * 64)


def pointer(oid: str) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 4000\n"


# -- programs that settings name


@pytest.mark.parametrize("key", ["clean", "smudge", "process"])
def test_no_filter_runs(repository: Path, tmp_path: Path, key: str) -> None:
    commit(repository, {".gitattributes": "*.md filter=x=y\n", "a.md": "one"})
    run(repository, "config", f"filter.x=y.{key}", f"touch {tmp_path}/ran; cat")
    run(repository, "config", "filter.x=y.required", "true")
    (repository / "a.md").write_text("two")

    assert git.is_dirty(repository)
    git.export(repository, "HEAD", made(tmp_path))
    assert files(tmp_path / "out")["a.md"] == "one"
    assert not (tmp_path / "ran").exists()


def test_no_hook_runs(repository: Path, tmp_path: Path) -> None:
    for name in ("post-index-change", "post-checkout"):
        hook = repository / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    (repository / "README.md").touch()
    git.is_dirty(repository)
    git.export(repository, "HEAD", made(tmp_path))

    assert not (tmp_path / "ran").exists()
