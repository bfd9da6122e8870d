"""The branch that keeps envelopes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trees import scripted_tree

from tetrad.canonical import digest_bytes
from tetrad.git import EvidenceBranch


def test_whoever_adds_at_the_same_time_loses_nothing(tmp_path: Path) -> None:
    tree = scripted_tree(tmp_path / "repository")
    envelopes = [f'{{"number": {number}}}'.encode() for number in range(8)]
    identity = digest_bytes(b"an identity")

    def add(data: bytes) -> None:
        EvidenceBranch(tree.root).add("evidence", {identity: [data]}, "Add evidence")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, envelopes))
    assert set(EvidenceBranch(tree.root).envelopes(identity)) == set(envelopes)


def test_no_remote_hides_what_another_one_has(tmp_path: Path) -> None:
    tree = scripted_tree(tmp_path / "repository")
    identity, branch = digest_bytes(b"an identity"), EvidenceBranch(tree.root)
    branch.add("evidence", {identity: [b"{}"]}, "Add evidence")
    tree.git("update-ref", "refs/remotes/origin/tetrad/evidence", "tetrad/evidence")
    tree.git("checkout", "--quiet", "tetrad/evidence")
    (path,) = tree.root.glob("evidence/*/*/*.json")
    path.write_text("[]")
    tree.commit("Change it")
    tree.git("update-ref", "refs/remotes/fork/tetrad/evidence", "HEAD")

    assert set(branch.envelopes(identity)) == {b"{}", b"[]"}
    assert branch.envelope(digest_bytes(b"{}")) == b"{}"
    assert set(branch.envelopes_of([identity])[identity]) == {b"{}", b"[]"}


def test_envelopes_are_found_by_identity_by_digest_and_by_kind(tmp_path: Path) -> None:
    branch = EvidenceBranch(scripted_tree(tmp_path / "repository").root)
    one, two, other = (digest_bytes(name) for name in (b"one", b"two", b"other"))
    branch.add("evidence", {one: [b"{}", b"[]"], two: [b"[1]"]}, "Add evidence")
    branch.add("admission", {one: [b"[2]"]}, "Admit")
    branch.add("admission", {one: [b"[2]"]}, "Admit again")

    assert set(branch.envelopes(one)) == {b"{}", b"[]", b"[2]"}
    assert branch.envelopes(other) == ()
    each = branch.envelopes_of([one, two, other])
    assert {k: set(v) for k, v in each.items()} == {
        one: {b"{}", b"[]", b"[2]"}, two: {b"[1]"}, other: set(),
    }  # fmt: skip
    assert branch.envelope(digest_bytes(b"[2]")) == b"[2]"
    assert branch.envelope(digest_bytes(b"nothing")) is None
    assert list(branch.envelopes_of_kind("admission")) == [b"[2]"]
    assert set(branch.envelopes_of_kind("evidence")) == {b"{}", b"[]", b"[1]"}
