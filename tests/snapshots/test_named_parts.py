"""Snapshots in parts: what an object of a cluster holds is read again, and refused where it was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.canonical import canonical_json, digest_bytes
from tetrad.errors import ArtifactError, UsageError
from tetrad.snapshots.named_parts import (
    MANIFEST,
    is_folder_of_parts,
    parts_in,
    snapshot_of_parts,
    snapshot_parts,
)
from tetrad.snapshots.snapshot import Snapshot

SNAPSHOT = Snapshot(
    stack="stacks/a",
    document={"kind": "identity", "version": 1, "runtime": 2, "prompt": "sha256:00"},
    release="0.1.0",
    files={
        "prompts/a.yaml": b"kind: prompt\n",
        "b/c.bin": b"\0\xff" * 70,
        "b/d.bin": b"\0\xff" * 70,
    },
)
PROMPT = digest_bytes(SNAPSHOT.files["prompts/a.yaml"]).hex

Parts = dict[str, bytes]


def test_the_manifest_goes_by_its_name_and_every_content_once_by_its_digest() -> None:
    contents = {canonical_json(SNAPSHOT.document), *SNAPSHOT.files.values()}

    assert snapshot_parts(SNAPSHOT) == {
        MANIFEST: SNAPSHOT.manifest,
        **{digest_bytes(content).hex: content for content in contents},
    }


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?\.txt", fullmatch=True), st.binary())
)
def test_whatever_is_in_parts_is_read_again(files: dict[str, bytes]) -> None:
    snapshot = Snapshot(stack="stacks/a", document=SNAPSHOT.document, release="1", files=files)

    assert snapshot_of_parts(snapshot_parts(snapshot), "it") == snapshot


REFUSED: dict[str, tuple[Callable[[Parts], object], str]] = {
    "no manifest": (lambda parts: parts.pop(MANIFEST), "it holds no snapshot: manifest.json is missing"),
    "a manifest of another kind": (
        lambda parts: parts.update({MANIFEST: b"[]"}),
        "it cannot be read: not a snapshot manifest",
    ),
    "no identity document": (
        lambda parts: parts.pop(SNAPSHOT.identity.hex),
        "it is incomplete: the identity document is missing",
    ),
    "no file": (lambda parts: parts.pop(PROMPT), "it is incomplete: prompts/a.yaml is missing"),
    "another file": (
        lambda parts: parts.update({PROMPT: b"kind: prompt\n\n"}),
        "it does not hold what its manifest names",
    ),
    "another identity": (
        lambda parts: parts.update({SNAPSHOT.identity.hex: b'{"runtime": 2}'}),
        "it does not hold what its manifest names",
    ),
    "a part with another name": (
        lambda parts: parts.update(evil=b""),
        "it: 'evil' is no part of a snapshot",
    ),
    "a content that nothing names": (
        lambda parts: parts.update({"0" * 64: b""}),
        f"it: no manifest names '{'0' * 64}'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_parts_with_something_wrong_are_refused_in_one_message(case: str) -> None:
    change, message = REFUSED[case]
    parts = snapshot_parts(SNAPSHOT)
    change(parts)

    with pytest.raises(ArtifactError) as refused:
        snapshot_of_parts(parts, "it")
    assert str(refused.value) == message


@settings(max_examples=300)
@given(st.data())
def test_no_changed_byte_gives_another_snapshot(data: st.DataObject) -> None:
    parts = snapshot_parts(SNAPSHOT)
    name = data.draw(st.sampled_from(sorted(parts)))
    at = data.draw(st.integers(0, len(parts[name]) - 1))
    value = data.draw(st.integers(0, 255))
    parts[name] = parts[name][:at] + bytes([value]) + parts[name][at + 1 :]
    try:
        found = snapshot_of_parts(parts, "it")
    except ArtifactError:
        return
    assert found.files == SNAPSHOT.files or found.digest != SNAPSHOT.digest


def test_a_mounted_object_is_a_folder_with_links_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    for name, data in snapshot_parts(SNAPSHOT).items():
        (tmp_path / "..data" / name).write_bytes(data)
        (tmp_path / name).symlink_to(f"..data/{name}")

    assert is_folder_of_parts(tmp_path)
    assert snapshot_of_parts(parts_in(tmp_path), "it") == SNAPSHOT


def test_a_folder_without_a_manifest_is_none_of_parts(tmp_path: Path) -> None:
    assert not is_folder_of_parts(tmp_path)
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        parts_in(tmp_path / "gone")
