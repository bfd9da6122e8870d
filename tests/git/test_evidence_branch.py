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
        EvidenceBranch(tree.root).add({identity: [data]}, "Add evidence")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, envelopes))
    assert set(EvidenceBranch(tree.root).envelopes(identity)) == set(envelopes)
