"""A state that a killed engine had begun to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from state_file import mend


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        ("{}", '{"a": 1}', "{}"),
        ("", '{"a": 1}', '{"a": 1}'),
        ('{"b":', '{"a": 1}', '{"a": 1}'),
        ('{"b":', None, None),
        ('{"b":', '{"a"', None),
        (None, '{"a": 1}', None),
    ],
)
def test_the_state_before_takes_the_place_of_a_half(
    state: str | None, before: str | None, after: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / ".pulumi/stacks/tetrad"
    folder.mkdir(parents=True)
    for name, text in (("production.json", state), ("production.json.bak", before)):
        if text is not None:
            (folder / name).write_text(text)

    mend(f"file://{tmp_path}", "tetrad", "production")

    file = folder / "production.json"
    assert (file.read_text() if file.exists() else None) == after


def test_a_half_of_a_note_beside_a_file_goes(tmp_path: Path) -> None:
    """The engine reads it before the file, and ends with "EOF"."""
    names = (
        "stacks/tetrad/production.json.attrs",
        "locks/organization/tetrad/production/a.json.attrs",
    )
    for name in (*names, "stacks/tetrad/production.json.bak.attrs"):
        note = tmp_path / ".pulumi" / name
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("" if name in names else "{}")
    (tmp_path / ".pulumi/stacks/tetrad/production.json").write_text("{}")

    mend(f"file://{tmp_path}", "tetrad", "production")

    left = {
        str(file.relative_to(tmp_path / ".pulumi"))
        for file in tmp_path.rglob("*.*")
        if file.is_file()
    }
    assert left == {"stacks/tetrad/production.json", "stacks/tetrad/production.json.bak.attrs"}


def test_other_backends_are_left_alone() -> None:
    mend("s3://bucket", "tetrad", "production")
