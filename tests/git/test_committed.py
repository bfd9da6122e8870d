"""A commit's files, read from Git's objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from checkouts import commit, made, run

from tetrad import git
from tetrad.canonical import blob_id
from tetrad.errors import GitError
from tetrad.git import CommitTree
from tetrad.trees import FileTree, WorkingTree

LINKS = {
    "near": "system/prompts/a.yaml",
    "system/up": "../README.md",
    "folder": "system",
    "system/loop": "loop",
    "round": "around",
    "around": "round",
    "dead": "system/nothing",
    "out": "../outside.md",
    "whole": "/",
    "disk": "/etc/passwd",
    "deep": "folder/prompts/../up",
    "git": ".git/config",
}
NAMES = [
    "README.md", "system", "system/prompts", "system/prompts/a.yaml", "./README.md", ".", "nothing",
    "README.md/below", "system/../README.md", "folder/prompts/a.yaml", "folder/up", "whole/etc",
    "whole/etc/passwd", "folder/loop", "git/more", "system/nothing", *LINKS,
]  # fmt: skip


@contextmanager
def committed(root: Path, ref: str, into: Path) -> Iterator[CommitTree]:
    with closing(CommitTree(root, git.resolve(root, ref), into)) as tree:
        yield tree


@pytest.fixture
def linked(repository: Path) -> Path:
    for name, target in LINKS.items():
        (repository / name).symlink_to(target)
    commit(repository, {})
    return repository


@pytest.mark.parametrize("name", NAMES)
def test_names_lead_where_they_lead_in_a_checkout(linked: Path, tmp_path: Path, name: str) -> None:
    git.export(linked, "main", made(tmp_path))
    (tmp_path / "empty").mkdir()
    with committed(linked, "main", tmp_path / "empty") as tree:
        assert said_of(tree, name) == said_of(WorkingTree(tmp_path / "out"), name)


def said_of(tree: FileTree, name: str) -> list[object]:
    inside = tree.is_inside(name) and tree.has(name)  # of what leads nowhere it does not matter
    try:
        listing: object = tree.listing(name) is not None
    except OSError as error:
        listing = error.strerror
    found = [tree.has(name), tree.has_folder(name), tree.is_link(name), listing, inside]
    return [*found, tree.read(name) if inside else None]


def test_a_folder_tells_links_to_folders_from_files(linked: Path, tmp_path: Path) -> None:
    with committed(linked, "main", made(tmp_path)) as tree:
        found = tree.listing(".")
        assert found
        assert list(found.folders) == ["system"]
        assert list(found.links) == ["folder", "whole"]
        assert "README.md" in found.files
        assert "dead" in found.files


def test_a_link_that_leads_out_of_the_repository_leads_nowhere(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "system" / "beyond").symlink_to("../../../etc")
    commit(repository, {})
    for root in (repository, repository / "system"):
        with committed(root, "main", tmp_path) as tree:
            name = "system/beyond" if root == repository else "beyond"
            assert tree.is_link(name)
            assert not tree.is_inside(f"{name}/passwd")
            assert not tree.has(f"{name}/passwd")


def test_nothing_is_laid_out_but_for_what_runs_in_the_tree(
    repository: Path, tmp_path: Path
) -> None:
    with committed(repository, "main", made(tmp_path)) as tree:
        assert tree.read("system/prompts/a.yaml") == b"kind: prompt"
        assert list((tmp_path / "out").iterdir()) == []
        assert (tree.folder() / "README.md").read_text() == "one"
        assert tree.folder() == tmp_path / "out"


@pytest.mark.parametrize(
    ("setting", "attributes", "text", "read"),
    [
        ("", "", "a\n", b"a\n"),
        ("core.autocrlf=true", "", "a\n", b"a\r\n"),
        ("core.autocrlf=input", "", "a\n", b"a\n"),
        ("core.eol=crlf", "*.md text", "a\n", b"a\r\n"),
        ("", "*.md eol=crlf", "a\n", b"a\r\n"),
        ("", "*.md working-tree-encoding=ISO-8859-1", "\u00e9\n", b"\xe9\n"),
        ("", "*.md filter=mine", "a\n", b"a\n"),
    ],
)
def test_a_file_is_read_as_it_would_be_checked_out(
    repository: Path, tmp_path: Path, setting: str, attributes: str, text: str, read: bytes
) -> None:
    commit(repository, {"notes/a.md": text})
    run(repository, "config", "filter.mine.smudge", "tr a b")
    (repository / ".gitattributes").write_text(f"{attributes}\n")
    run(repository, "add", ".gitattributes")
    run(repository, "commit", "--quiet", "--message", "Attributes")
    if setting:
        run(repository, "config", *setting.split("="))
    with committed(repository, "main", made(tmp_path)) as tree:
        assert tree.read("notes/a.md") == read


def test_a_content_that_is_not_here_is_told(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"a.md": "gone"})
    name = blob_id(b"gone", "sha1")
    (repository / ".git" / "objects" / name[:2] / name[2:]).unlink()
    with (
        committed(repository, "main", made(tmp_path)) as tree,
        pytest.raises(GitError, match=f"git cat-file failed: there is no content {name}"),
    ):
        tree.read("a.md")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_files_are_known_by_the_ids_that_git_gives_them(tmp_path: Path, algorithm: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    run(root, "init", "--quiet", f"--object-format={algorithm}")
    (root / "link").symlink_to("a.md")
    found = commit(root, {"a.md": "a\n", "empty": ""})
    assert git.id_algorithm(found) == algorithm
    with committed(root, found, made(tmp_path)) as tree:
        assert tree.blob_id("a.md") == blob_id(b"a\n", algorithm)
        assert tree.blob_id("empty") == blob_id(b"", algorithm)
        assert tree.blob_id("link") is None
        assert tree.blob_id("nothing") is None
