"""Commits by name, merge bases and edits, from real repositories."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from checkouts import commit, run

from tetrad import git
from tetrad.errors import GitError


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
    with pytest.raises(GitError, match="is not a revision"):
        git.resolve(repository, ref)


@pytest.fixture
def forged(repository: Path, tmp_path: Path) -> Path:
    """A clone whose change can be called by any name that a test gives it."""
    run(tmp_path, "clone", "--quiet", str(repository), "clone")
    clone = tmp_path / "clone"
    run(clone, "switch", "--quiet", "--create", "change")
    commit(clone, {"README.md": "changed"})
    return clone


@pytest.mark.parametrize("suffix", ["", "~0", "^{commit}", "^0"])
@pytest.mark.parametrize(
    ("name", "made", "could_be", "meant"),
    [
        ("origin/main", "tag", "refs/tags/origin/main or refs/remotes/origin/main", "refs/remotes/origin/main"),
        ("origin/main", "branch", "refs/heads/origin/main or refs/remotes/origin/main", "refs/remotes/origin/main"),
        ("main", "tag", "refs/tags/main or refs/heads/main", "refs/heads/main"),
        ("origin/HEAD", "tag", "refs/tags/origin/HEAD or refs/remotes/origin/HEAD", "refs/remotes/origin/HEAD"),
        ("origin", "branch", "refs/heads/origin or refs/remotes/origin/HEAD", "refs/remotes/origin/HEAD"),
        ("heads/main", "tag", "refs/heads/main or refs/tags/heads/main", "refs/heads/main"),
    ],
)  # fmt: skip
def test_a_name_of_more_than_one_ref_is_refused_with_the_full_ones(
    forged: Path, name: str, made: str, could_be: str, meant: str, suffix: str
) -> None:
    run(forged, made, name, "HEAD")

    with pytest.raises(GitError) as told:
        git.merge_base(forged, name + suffix)

    assert str(told.value) == (
        f"'{name}{suffix}' is ambiguous: it could be {could_be}"
        f"\n  help: write the full name, for example {meant}{suffix}"
    )


@pytest.mark.parametrize("name", ["refs/remotes/origin/main", "refs/remotes/origin/HEAD", "HEAD~1"])
def test_a_full_name_is_that_ref_whatever_else_is_called_so(forged: Path, name: str) -> None:
    base = git.head(forged / "../repository")
    for made in ("origin/main", "origin/HEAD", "refs/remotes/origin/main", "heads/HEAD"):
        run(forged, "tag", made, "HEAD")

    assert git.merge_base(forged, name) == base


def test_a_full_name_of_no_ref_is_not_looked_for_among_the_tags(forged: Path) -> None:
    run(forged, "tag", "refs/remotes/origin/next", "HEAD")

    with pytest.raises(GitError, match="unknown revision 'refs/remotes/origin/next'"):
        git.resolve(forged, "refs/remotes/origin/next")


@pytest.mark.parametrize("made", ["tag", "branch"])
@pytest.mark.parametrize("before", ["", "v1-1-g"])
def test_a_branch_or_tag_called_like_an_abbreviated_id_is_refused(
    forged: Path, made: str, before: str
) -> None:
    base = git.resolve(forged, "origin/main")
    run(forged, made, before + base[:10], "HEAD")
    place = {"tag": "tags", "branch": "heads"}[made]

    with pytest.raises(GitError) as told:
        git.merge_base(forged, before + base[:10])

    assert f"could be refs/{place}/{before}{base[:10]} or the commit {base}\n" in str(told.value)


def test_a_whole_id_is_that_commit_whatever_is_called_so(forged: Path) -> None:
    base = git.resolve(forged, "origin/main")
    run(forged, "update-ref", f"refs/tags/{base}", "HEAD")
    run(forged, "update-ref", f"refs/heads/{base}", "HEAD")

    assert git.merge_base(forged, base) == base


def test_a_branch_whose_name_is_hexadecimal_is_itself(forged: Path) -> None:
    run(forged, "branch", "facade", "HEAD")

    assert git.resolve(forged, "facade") == git.head(forged)


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


def test_the_branch_that_changes_are_merged_into_is_no_tag(forged: Path) -> None:
    run(forged, "remote", "set-head", "origin", "--delete")
    run(forged, "tag", "refs/remotes/origin/HEAD", "HEAD")

    assert git.merged_text(forged, "README.md") == "one"
