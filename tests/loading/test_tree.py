"""Finding a repository's files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tetrad.errors import SpecError
from tetrad.loading.files import Tree
from tetrad.loading.repository import load_repository


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
        "prompts/loop.yaml:1:1: error[SCH107]: prompts/loop.yaml is a symbolic link that leads to"
        " no file\n"
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
    tree = Tree(tmp_path)

    assert tree.glob("**/a/" * 12 + "b") == []
    assert tree.glob("**/a/" * 12 + "**/c") == ["/".join([*["a"] * 40, "c"])]
