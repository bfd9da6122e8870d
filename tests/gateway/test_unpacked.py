"""Gateways of one machine share the folder in which snapshots are laid out."""

from __future__ import annotations

import threading
from collections import UserDict
from collections.abc import ItemsView
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from trees import scripted_tree

from tetrad.gateway.unpacked import unpacked
from tetrad.snapshots import take_snapshot
from tetrad.trees import WorkingTree


class WrittenTogether(UserDict[str, bytes]):
    """Files that two threads begin to write at the same time."""

    def __init__(self, files: dict[str, bytes], cache: Path) -> None:
        super().__init__(files)
        self._cache = cache
        self._both = threading.Barrier(2, timeout=60)
        self._here = threading.local()

    def items(self) -> ItemsView[str, bytes]:
        is_writing = any(self._cache.glob("snapshots/.tetrad-*"))
        if is_writing and not getattr(self._here, "has_met", False):
            self._here.has_met = True
            self._both.wait()
        return super().items()


def test_two_gateways_lay_a_snapshot_out_at_once(tmp_path: Path) -> None:
    tree = scripted_tree(tmp_path / "repository")
    taken = take_snapshot(WorkingTree(tree.root), "feedback")
    cache = tmp_path / "cache"
    snapshot = replace(taken, files=WrittenTogether(dict(taken.files), cache))

    with ThreadPoolExecutor(2) as gateways:
        made = list(gateways.map(lambda _: unpacked(snapshot, snapshot.identity, cache), range(2)))

    assert [one.stack.ref for one in made] == ["stacks/feedback"] * 2
    assert [folder.name for folder in (cache / "snapshots").iterdir()] == [snapshot.digest.hex]
