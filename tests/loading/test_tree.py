"""Finding a repository's files."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tetrad.cli import main
from tetrad.errors import Location, SpecError
from tetrad.loading.files import Tree
from tetrad.loading.repositories import load_repository
from tetrad.trees import WorkingTree


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "evals" / "feedback"
    closed.mkdir(parents=True)
    scandir = os.scandir

    def refusing(path: Any) -> Any:  # root may read every folder, so its mode would not do
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    assert str(caught.value) == (
        "evals/feedback:1:1: error[SCH100]: this folder cannot be read: Permission denied"
    )


def test_a_link_that_leads_nowhere_is_not_its_own_correction(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/loop.yaml").symlink_to("loop.yaml")

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    assert str(caught.value) == (
        "prompts/loop.yaml:1:1: error[SCH107]: prompts/loop.yaml is a dangling"
        " symbolic link\n"
        "  help: correct what it points to, or remove it"
    )


@pytest.mark.parametrize("link", [False, True])
def test_no_text_comes_from_what_is_gits_own(tmp_path: Path, link: bool) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("[http]\n  extraheader = AUTHORIZATION: basic secret\n")
    (tmp_path / "prompts/told.txt").symlink_to("../.git/config")
    (tmp_path / "prompts/ask.yaml").write_text(
        "kind: prompt\nmessages:\n- role: user\n"
        f"  content: file://{'told.txt' if link else '../.git/config'}\n"
    )

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path)

    assert ("a symbolic link out of" if link else "is Git's own") in str(caught.value)


def test_folders_in_folders_without_end_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "prompts"
    place.mkdir()
    here = os.open(place, os.O_RDONLY)
    for _ in range(150):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)

    with pytest.raises(SpecError, match="nested more than 100 deep"):
        load_repository(tmp_path)


def test_a_glob_of_many_stars_on_a_deep_path_is_answered(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a"] * 40)
    folder.mkdir(parents=True)
    (folder / "c").touch()
    tree = Tree(WorkingTree(tmp_path))

    assert tree.glob("**/a/" * 12 + "b") == []
    assert tree.glob("**/a/" * 12 + "**/c") == ["/".join([*["a"] * 40, "c"])]


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"


def scripted(root: Path) -> Path:
    main(["init", str(root), "--engine", "scripted"])
    return root


def refused(root: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_repository(root)
    return str(caught.value)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "file",
    [
        "prompts/feedback.yaml",
        "stacks/feedback.yaml",
        "evals/feedback/golden.yaml",
        "evals/feedback/suite.yaml",
        "stacks/models/scripted.answers.yaml",
    ],
)
def test_a_pointer_of_git_lfs_is_no_content(tmp_path: Path, file: str, ends: str) -> None:
    root = scripted(tmp_path)
    (root / file).write_bytes(POINTER.replace("\n", ends).encode())

    told = refused(root)
    assert f"{file}:1:1: error[SCH100]: " in told
    assert "this is a Git LFS pointer, not the file that it stands for" in told
    assert "  help: run `git lfs pull`; for another commit, `git lfs fetch origin COMMIT`" in told


def test_a_text_about_git_lfs_is_no_pointer(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"A pointer looks so:\n{POINTER}")

    assert Tree(WorkingTree(tmp_path)).read("a.txt", Location("a.txt"))


def test_a_document_that_is_a_pointer_of_git_lfs_is_refused(tmp_path: Path) -> None:
    corpus(tmp_path, "docs")
    (tmp_path / "docs" / "b.md").write_text(POINTER)

    assert "docs/b.md is a Git LFS pointer, not the document that it stands for" in refused(
        tmp_path
    )


def corpus(root: Path, folder: str) -> None:
    for file, text in {
        f"{folder}/a.md": "a",
        "stacks/models/m.yaml": "kind: model\nsource: file://weights\nfiles: {model.safetensors: "
        f'"sha256:{"0" * 64}"}}\nengine: {{torch: {{}}}}\ncontext_window: 256\n',
        "stacks/corpora/c.yaml": f"kind: corpus\ndocuments: {{path: {folder}}}\n"
        "embedding: stacks/models/m\n",
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)


@pytest.mark.parametrize("target", ["../shared/t", "../../elsewhere", "nowhere"])
def test_a_linked_folder_among_the_components_is_named(tmp_path: Path, target: str) -> None:
    root = scripted(tmp_path / "system")
    (tmp_path / "elsewhere").mkdir()
    (root / "shared" / "t").mkdir(parents=True)
    (root / "evals" / "t").symlink_to(target)
    (root / "prompts" / "more").mkdir()
    (root / "prompts" / "more" / "p").symlink_to(root / "shared" / "t")

    linked = "error[SCH100]: this folder is a symbolic link, which is not followed"
    assert f"prompts/more/p:1:1: {linked}" in refused(root)
    assert (f"evals/t:1:1: {linked}" in refused(root)) == (target != "nowhere")


def test_a_linked_folder_among_the_documents_is_named(tmp_path: Path) -> None:
    corpus(tmp_path, "docs")
    (tmp_path / "shared").mkdir()
    (tmp_path / "docs" / "linked").symlink_to("../shared")

    assert "docs/linked:1:1: error[SCH100]: this folder is a symbolic link" in refused(tmp_path)


@pytest.mark.parametrize(
    ("patterns", "refuses"),
    [
        (["*.md"], False),
        (["a/*.md"], False),
        (["**/*.md"], True),
        (["linked/*.md"], True),
        (["lin*/**"], True),
        (["linked"], False),
        (["a/**", "**"], True),
    ],
)
def test_only_a_linked_folder_that_a_pattern_reaches_is_refused(
    tmp_path: Path, patterns: list[str], refuses: bool
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "docs" / "linked").symlink_to("../shared")

    with pytest.raises(SpecError) if refuses else nullcontext():
        list(Tree(WorkingTree(tmp_path)).matching("docs", patterns))


def test_a_tree_that_remembers_shows_one_state_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    tree = WorkingTree(tmp_path, remembers=True)
    before = tree.unlinked("a.txt")
    file.write_text("another")

    assert (before, tree.unlinked("a.txt"), tree.size("a.txt")) == (b"one", b"one", 3)
    assert WorkingTree(tmp_path).unlinked("a.txt") == b"another"
