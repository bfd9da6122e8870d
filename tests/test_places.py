"""Which folder is the top of a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.places import below_checkout, checkout_above


def made(folder: Path, *entries: str) -> None:
    for entry in entries:
        path = folder / entry
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text("gitdir: elsewhere")


@pytest.mark.parametrize(
    ("entries", "top"),
    [
        ((".git/HEAD", "a/b/"), ""),
        ((".git", "a/b/"), ""),
        ((".git/HEAD", "a/b/.git"), "a/b"),
        ((".git/HEAD", "a/b/.git/"), ""),  # Git passes over an empty folder
        ((".git/HEAD", "a/b/HEAD", "a/b/objects/", "a/b/refs/"), ""),
        ((".git/HEAD", "a/HEAD", "a/b/objects/", "a/b/refs/"), ""),
    ],
)
def test_a_checkout_begins_where_git_lies(
    tmp_path: Path, entries: tuple[str, ...], top: str
) -> None:
    made(tmp_path, *entries)
    place = tmp_path / "a" / "b"

    assert checkout_above(place) == tmp_path / top
    assert below_checkout(place) == ("" if top else "a/b/")


def test_a_folder_that_is_still_to_be_made_lies_in_a_checkout(tmp_path: Path) -> None:
    made(tmp_path, ".git/HEAD")

    assert below_checkout(tmp_path / "new" / "system") == "new/system/"


def test_a_link_into_a_checkout_leads_to_it(tmp_path: Path) -> None:
    made(tmp_path / "repository", ".git/HEAD", "a/")
    (tmp_path / "link").symlink_to(tmp_path / "repository" / "a")

    assert checkout_above(tmp_path / "link") == tmp_path / "repository"


def test_a_ceiling_is_not_climbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, ".git/HEAD", "a/b/c/")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", f":relative:{tmp_path / 'a'}")

    assert checkout_above(tmp_path / "a" / "b") is None
    assert checkout_above(tmp_path / "a") == tmp_path  # the ceiling that one stands on is none
