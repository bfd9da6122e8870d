"""A commit's contents beside those of the working tree: what is the same is not read again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from checkouts import commit, made

from tetrad import git
from tetrad.git import CommitTree
from tetrad.loading.checked import Content
from tetrad.loading.files import Tree
from tetrad.trees import WorkingTree

FILES = {
    "prompts/same.md": "same",
    "prompts/edited.md": "before",
    "prompts/gone.md": "gone",
    "prompts/linked.md": "same.md",
    "prompts/lines.md": "a\nb\n",
    "docs/a.md": "a",
}
NAMES = [*FILES, "prompts/new.md", "prompts/nothing.md", "prompts/", "docs/", "nothing/"]


class Reading(CommitTree):
    """Writes down what is read."""

    read_names: list[str]

    def unlinked(self, name: str) -> bytes | None:
        self.read_names.append(name)
        return super().unlinked(name)


@pytest.fixture
def changed(repository: Path) -> Path:
    commit(repository, FILES)
    (repository / "prompts/edited.md").write_text("after")
    (repository / "prompts/gone.md").unlink()
    (repository / "prompts/linked.md").unlink()
    (repository / "prompts/linked.md").symlink_to("same.md")
    (repository / "prompts/lines.md").write_bytes(b"a\r\nb\r\n")
    (repository / "prompts/new.md").write_text("new")
    return repository


def test_contents_are_those_that_a_checkout_would_have(changed: Path, tmp_path: Path) -> None:
    base = git.head(changed)
    git.export(changed, base, made(tmp_path))
    (tmp_path / "empty").mkdir()
    with closing(Reading(changed, base, tmp_path / "empty")) as files:
        files.read_names = []
        head = Content(Tree(WorkingTree(changed)), ids=git.id_algorithm(base))
        beside = Content(Tree(files), beside=head)
        laid_out = Content(Tree(WorkingTree(tmp_path / "out")))

        assert {n: beside.of(n) for n in NAMES} == {n: laid_out.of(n) for n in NAMES}
        differing = {name for name in NAMES if beside.of(name) != head.of(name)}

    own = {"edited", "gone", "linked", "lines", "new"}
    assert differing == {"prompts/", *(f"prompts/{name}.md" for name in own)}
    there = {f"prompts/{name}.md" for name in own} - {"prompts/new.md"}
    assert {*files.read_names} == {*there, "prompts/new.md", "prompts/nothing.md"}
