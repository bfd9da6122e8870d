"""The store: what is in it is what was pinned, whatever happens to the files."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tetrad.artifacts.store import Store, store_from_environment
from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import ArtifactError, UsageError

DATA = b"GGUF" + bytes(range(256)) * 8
DIGEST = digest_bytes(DATA)


def kept(store: Store, data: bytes = DATA) -> tuple[Path, Digest]:
    digest = digest_bytes(data)
    with store.staging_dir() as folder:
        (folder / "file").write_bytes(data)
        return store.adopt(folder / "file", digest, "model.gguf"), digest


def settle(path: Path) -> None:
    """Wait until a file's last change is old enough to be trusted; nothing can set it back."""
    while path.stat().st_ctime_ns > time.time_ns() - 2_000_000_000:
        time.sleep(0.1)


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def test_a_file_is_kept_by_its_digest_and_read_only(tmp_path: Path) -> None:
    path, digest = kept(Store(tmp_path))

    assert path == tmp_path / "store" / "sha256" / digest.hex[:2] / digest.hex
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o222 == 0


def test_what_was_never_fetched_is_none(tmp_path: Path) -> None:
    assert Store(tmp_path).load(DIGEST) is None


def test_a_file_with_another_digest_is_refused_with_both_and_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.staging_dir() as folder:
        (folder / "file").write_bytes(b"something else")
        with pytest.raises(ArtifactError) as caught:
            store.adopt(folder / "file", DIGEST, "model.gguf of hf://org/name@rev")

    assert str(caught.value).splitlines()[:3] == [
        "model.gguf of hf://org/name@rev is not the file that is pinned",
        f"  expected {DIGEST}",
        f"  found    {digest_bytes(b'something else')}",
    ]
    assert store.load(DIGEST) is None


def test_every_flipped_bit_is_found_at_load(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    chance = random.Random(7)
    for _ in range(200):
        flipped = bytearray(DATA)
        flipped[chance.randrange(len(DATA))] ^= 1 << chance.randrange(8)
        rewrite(path, bytes(flipped))
        with pytest.raises(ArtifactError, match="was changed after it was fetched"):
            store.load(digest)
    rewrite(path, DATA)

    assert store.load(digest) == path


def test_a_bit_flipped_after_the_file_was_noted_as_verified_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    settle(path)
    store.load(digest)
    noted = path.with_name(f"{path.name}.verified")
    assert noted.exists()
    before = path.stat()
    rewrite(path, DATA[:-1] + b"\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a careful forger would

    with pytest.raises(ArtifactError, match=str(digest)):
        store.load(digest)


def test_a_file_that_changed_within_a_clock_tick_is_not_noted_as_verified(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    store.load(digest)

    assert not path.with_name(f"{path.name}.verified").exists()


def test_a_truncated_file_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    rewrite(path, DATA[:-1])

    with pytest.raises(ArtifactError):
        store.load(digest)


def test_a_symlink_in_the_store_is_not_followed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ArtifactError, match="not a regular file"):
        store.load(digest)


def test_a_discarded_file_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _, digest = kept(store)
    store.discard(digest)
    store.discard(digest)

    assert store.load(digest) is None


def test_the_environment_says_where_the_store_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))

    assert store_from_environment().root == tmp_path / "cache"


def test_without_a_word_the_store_is_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TETRAD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert store_from_environment().root.is_relative_to(tmp_path)


def test_a_cache_folder_that_cannot_be_made_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(UsageError, match="set TETRAD_CACHE to a folder that you can write"):
        store_from_environment()


def test_what_a_killed_process_left_is_swept_after_a_day(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, young = tmp_path / "partial" / "staging-old", tmp_path / "partial" / "staging-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    kept(store)

    assert not old.exists()
    assert young.exists()


def test_a_store_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path, digest = kept(store)
    settle(path)
    path.with_name(f"{path.name}.verified").mkdir()  # no note can be written there

    assert store.load(digest) == path


def test_a_cache_folder_of_nobody_is_told_with_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TETRAD_CACHE", "~nobody-of-this-name/cache")

    with pytest.raises(UsageError, match=r"cannot be made: Could not .*\n.* set TETRAD_CACHE"):
        store_from_environment()
