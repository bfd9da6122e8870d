"""Files that are written whole, and through no link of a checkout."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from checkouts import mark_checkout

from tetrad.errors import UsageError
from tetrad.writing import make_folder, remove_file, replace_file


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    mark_checkout(tmp_path / "repository")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("as it was")
    return tmp_path / "repository"


@pytest.mark.parametrize("place", ["a/b/file", "../elsewhere/file", "a/../file"])
def test_a_file_is_written_whole_and_keeps_its_mode(checkout: Path, place: str) -> None:
    path = checkout / place
    (checkout / "a" / "b").mkdir(parents=True)
    replace_file(path, b"one")
    path.chmod(0o640)
    replace_file(path, b"two")

    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.glob(".tetrad-*")) == []


def test_a_new_file_has_the_mode_that_the_user_wants(checkout: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(checkout / "file", b"")
    finally:
        os.umask(before)

    assert stat.S_IMODE((checkout / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["../elsewhere", "inside", "nowhere"])
@pytest.mark.parametrize("act", [lambda p: replace_file(p, b"x"), remove_file, make_folder])
def test_a_link_in_a_checkout_is_gone_through_by_nothing(
    checkout: Path, target: str, act: object
) -> None:
    assert callable(act)
    (checkout / "inside").mkdir()
    (checkout / "inside" / "file").write_text("as it was")
    (checkout / "link").symlink_to(target)
    (checkout / "end").symlink_to("inside/file")

    for path in ("link/file", "link/new/file", "end"):
        with pytest.raises(UsageError, match="is a symbolic link in a checkout"):
            act(checkout / path)

    assert (checkout / "inside" / "file").read_text() == "as it was"
    assert (checkout.parent / "elsewhere" / "file").read_text() == "as it was"
    assert (checkout / "end").is_symlink()


def test_a_link_to_the_checkout_is_the_users(checkout: Path) -> None:
    (checkout.parent / "link").symlink_to("repository")
    make_folder(checkout.parent / "link" / "a" / "b")
    replace_file(checkout.parent / "link" / "a" / "b" / "file", b"new")

    assert (checkout / "a" / "b" / "file").read_bytes() == b"new"


def test_outside_of_checkouts_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    replace_file(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_device_is_written_as_it_is() -> None:
    replace_file(Path(os.devnull), b"x")

    assert Path(os.devnull).is_char_device()


def test_what_cannot_be_written_is_told_by_its_path(checkout: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        replace_file(checkout / "nowhere" / "file", b"")

    assert caught.value.filename == str(checkout / "nowhere" / "file")


def test_what_is_not_there_is_removed_already(checkout: Path) -> None:
    remove_file(checkout / "file")
    remove_file(checkout / "nowhere" / "file")
