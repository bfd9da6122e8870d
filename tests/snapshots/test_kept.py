"""Snapshots in a ledger: kept once, loaded as they were, and refused where anything is not theirs."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from trees import Tree, scripted_tree

from tetrad.canonical import Digest, canonical_json, digest_bytes
from tetrad.errors import ArtifactError, DatabaseUnusable
from tetrad.registry import NewEntry, Place
from tetrad.registry.ledger import Ledger
from tetrad.snapshots import Snapshot, kept, take_snapshot
from tetrad.snapshots.keeping import keep, keep_each
from tetrad.trees import WorkingTree

PROMPT = "prompts/feedback.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger.open(place) as opened:
        yield opened


def taken(tree: Tree) -> Snapshot:
    return take_snapshot(WorkingTree(tree.root), "feedback")


def file_digest(snapshot: Snapshot, path: str = PROMPT) -> Digest:
    return digest_bytes(snapshot.files[path])


def another(tree: Tree) -> Snapshot:
    """The snapshot of the stack with another prompt, the rest of whose files stay."""
    tree.edit(PROMPT, "Sort each", "Sort every")
    return taken(tree)


def test_of_many_snapshots_those_are_appended_that_are_not_whole(
    ledger: Ledger, tree: Tree
) -> None:
    first = taken(tree)
    second = another(tree)
    keep(ledger, first)
    keep_each(ledger, [second, first, second])
    assert len(list(ledger.entries(kind="snapshot"))) == 2

    ledger.erase([file_digest(second)])
    keep_each(ledger, [first, second])

    assert len(list(ledger.entries(kind="snapshot"))) == 3
    assert kept.load_exact(ledger, second.digest) == second


def test_a_kept_snapshot_is_loaded_by_its_identity_and_by_its_digest(
    ledger: Ledger, tree: Tree
) -> None:
    snapshot = taken(tree)

    assert keep(ledger, snapshot) == snapshot.digest
    assert kept.load(ledger, snapshot.identity) == snapshot
    assert kept.load_exact(ledger, snapshot.digest) == snapshot
    assert ledger.verify() == []


def test_the_entry_names_the_snapshot_and_its_files_are_contents(
    ledger: Ledger, tree: Tree
) -> None:
    snapshot = taken(tree)
    keep(ledger, snapshot)

    (entry,) = ledger.entries()
    assert (entry.kind, entry.stack) == ("snapshot", "stacks/feedback")
    assert (entry.identity, entry.content) == (snapshot.identity, snapshot.digest)
    assert ledger.content(file_digest(snapshot)) == snapshot.files[PROMPT]
    assert ledger.content(snapshot.identity) == canonical_json(snapshot.document)


def test_a_snapshot_is_kept_once(ledger: Ledger, tree: Tree) -> None:
    first, second = taken(tree), another(tree)
    for snapshot in (first, second, first, second):
        keep(ledger, snapshot)

    assert [entry.identity for entry in ledger.entries()] == [first.identity, second.identity]
    assert kept.load(ledger, first.identity) == first


def test_the_newest_whole_snapshot_of_an_identity_is_loaded(ledger: Ledger, tree: Tree) -> None:
    first = taken(tree)
    tree.append(PROMPT, "# a comment changes no identity\n")
    second = taken(tree)
    for snapshot in (first, second):
        keep(ledger, snapshot)

    assert first.identity == second.identity
    assert kept.load(ledger, first.identity) == second
    ledger.erase([file_digest(second)])
    assert kept.load(ledger, first.identity) == first


def test_what_is_not_there_is_told(ledger: Ledger, tree: Tree) -> None:
    snapshot = taken(tree)

    with pytest.raises(ArtifactError, match=f"no snapshot of tetrad:{snapshot.identity.hex}"):
        kept.load(ledger, snapshot.identity)
    with pytest.raises(ArtifactError, match="is missing, or was erased"):
        kept.load_exact(ledger, snapshot.digest)


def test_a_file_that_was_erased_is_told_and_kept_again_when_it_happens_again(
    ledger: Ledger, tree: Tree
) -> None:
    snapshot = taken(tree)
    keep(ledger, snapshot)
    ledger.erase([file_digest(snapshot)], reason="a customer asked for it")

    with pytest.raises(ArtifactError, match=f"is incomplete: {PROMPT} was erased"):
        kept.load(ledger, snapshot.identity)
    assert ledger.verify() == []
    keep(ledger, snapshot)
    assert kept.load(ledger, snapshot.identity) == snapshot


def test_the_files_of_an_erased_snapshot_go_with_it_but_for_what_another_needs(
    ledger: Ledger, tree: Tree
) -> None:
    first, second = taken(tree), another(tree)
    for snapshot in (first, second):
        keep(ledger, snapshot)

    assert ledger.erase([first.digest]) == (first.digest, file_digest(first))
    assert kept.load(ledger, second.identity) == second
    assert file_digest(first) not in ledger.contents(map(digest_bytes, first.files.values()))
    assert ledger.verify() == []
    assert set(ledger.erase([second.digest])) == {
        second.digest, *map(digest_bytes, second.files.values()),
    }  # fmt: skip


def test_a_file_that_is_lost_or_changed_is_found_and_never_given_out(
    tree: Tree, tmp_path: Path
) -> None:
    snapshot, file = taken(tree), tmp_path / "registry.db"
    with Ledger.open(file) as ledger:
        keep(ledger, snapshot)
        paths = sorted(snapshot.files)[:2]
        lost, changed = (str(file_digest(snapshot, path)) for path in paths)
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("UPDATE ledger_contents SET bytes = NULL WHERE digest = ?", [lost])
            connection.execute(
                "UPDATE ledger_contents SET bytes = x'00' WHERE digest = ?", [changed]
            )

        assert [fault.message for fault in ledger.verify()] == [
            "a file of the snapshot in entry 1 is not what was appended: its digest differs",
            "a file of the snapshot in entry 1 is missing, and no later entry says that it was erased",
        ]
        with pytest.raises(DatabaseUnusable, match=f"content {changed} is not what was appended"):
            ledger.contents([file_digest(snapshot, paths[1])])


def made(change: Callable[[dict[str, object]], object], snapshot: Snapshot) -> NewEntry:
    """An entry for the identity of a snapshot, whose manifest somebody wrote by hand."""
    manifest = json.loads(snapshot.manifest)
    change(manifest)
    return NewEntry(
        kind="snapshot",
        identity=snapshot.identity,
        content=canonical_json(manifest),
        beside=(canonical_json(snapshot.document), *snapshot.files.values(), b"[]"),
    )


REFUSED: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "no files": (lambda m: m.pop("files"), "not a snapshot manifest"),
    "a file less": (lambda m: m["files"].pop(), "its stack does not load|make another identity"),  # type: ignore[attr-defined]
    "a file more": (
        lambda m: m["files"].append(  # type: ignore[attr-defined]
            {"path": "x", "digest": str(digest_bytes(b"[]")), "size": 2}
        ),
        "the identity does not come from x",
    ),
    "a path out of the folder": (
        lambda m: m["files"][0].update(path="../x"), "leads out of the folder"  # type: ignore[index]
    ),
    "a file twice": (
        lambda m: m["files"].append(m["files"][0]), "does not hold what its manifest names"  # type: ignore[attr-defined, index]
    ),
    "another size": (
        lambda m: m["files"][0].update(size=1), "does not hold what its manifest names"  # type: ignore[index]
    ),
    "something else as identity": (
        lambda m: m.update(identity=f"tetrad:{digest_bytes(b'[]').hex}"), "not a snapshot manifest"
    ),
    "no identity": (lambda m: m.update(identity=7), "not a snapshot manifest"),
    "another stack": (lambda m: m.update(stack="feedback"), "is not the reference of"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_snapshot_that_does_not_make_its_identity_is_refused(
    what: str, tree: Tree, tmp_path: Path
) -> None:
    change, said = REFUSED[what]
    snapshot = taken(tree)
    with Ledger.open(tmp_path / "registry.db") as ledger:
        ledger.extend([made(change, snapshot)])

        with pytest.raises(ArtifactError, match=said):
            kept.load(ledger, snapshot.identity)


def test_the_snapshot_of_another_identity_is_refused(tree: Tree, tmp_path: Path) -> None:
    first, second = taken(tree), another(tree)
    with Ledger.open(tmp_path / "registry.db") as ledger:
        ledger.extend([replace(made(lambda _: None, first), identity=second.identity)])

        with pytest.raises(ArtifactError, match=f"not of tetrad:{second.identity.hex}"):
            kept.load(ledger, second.identity)


def test_identities_are_found_by_their_first_digits(ledger: Ledger, tree: Tree) -> None:
    first, second = taken(tree), another(tree)
    for snapshot in (first, second):
        keep(ledger, snapshot)
    both = tuple(sorted((first.identity, second.identity), key=str))

    assert ledger.identities("snapshot", first.identity.hex[:9]) == (first.identity,)
    assert ledger.identities("snapshot", second.identity.hex) == (second.identity,)
    assert ledger.identities("snapshot", "") == both
    assert ledger.identities("evidence", "") == ()


def test_a_gateway_can_load_one_without_what_only_a_checkout_needs() -> None:
    loaded = "import sys, tetrad.snapshots.kept, tetrad.registry.ledger; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    ).stdout.split()

    unwanted = ("git", "plan", "evals", "lint", "policy", "evidence")
    assert [m for m in modules if m.startswith(tuple(f"tetrad.{name}" for name in unwanted))] == []
