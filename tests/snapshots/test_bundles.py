"""Bundles: the same bytes each time, read by others, and refused where anything in them is wrong."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tetrad.canonical import Digest, canonical_json, digest_bytes
from tetrad.errors import ArtifactError
from tetrad.identity import identity_document
from tetrad.loading.repositories import load_repository
from tetrad.snapshots.bundle import Bundle, bundle_of, snapshot_of
from tetrad.snapshots.layout import read_layout, write_layout
from tetrad.snapshots.snapshot import Snapshot, refuse_paths
from tetrad.snapshots.tars import read_tar, write_tar

# Fixed by hand: the bytes that a release writes are read by all later ones.
FILES = {
    "prompts/été.yaml": b"kind: prompt\n",
    "stacks/a.yaml": b"kind: stack\n",
    f"stacks/{'long/' * 40}b.md": b"\0\xff" * 700,
}
SNAPSHOT = Snapshot(
    stack="stacks/a",
    document={"kind": "identity", "version": 1, "runtime": 2, "prompt": "sha256:00"},
    release="0.1.0",
    files=FILES,
)
BUNDLE = bundle_of(SNAPSHOT)
WRITTEN = write_layout(BUNDLE)


def read(data: bytes) -> Snapshot:
    return snapshot_of(read_layout(data, "x.tar"), "x.tar")


def test_the_bytes_of_a_bundle_are_fixed() -> None:
    assert str(SNAPSHOT.digest) == (
        "sha256:47ca160e3d67023a4c786820569ab79edb5dd6076411160f562b53ac9ed1386e"
    )
    assert str(BUNDLE.digest) == (
        "sha256:7296dd63fd4356a43288963744a2d1931a47af07a406f4156101e8a8ddd74fcb"
    )
    assert str(digest_bytes(WRITTEN)) == (
        "sha256:e75f93e3ea09037f17168d7ff284267e64db251b3f137c75c1b59ca19041d2ed"
    )


def test_what_was_written_is_read() -> None:
    assert read(WRITTEN) == SNAPSHOT


def test_the_digest_of_the_configuration_is_the_identity() -> None:
    assert json.loads(BUNDLE.manifest)["config"]["digest"] == f"sha256:{SNAPSHOT.identity.hex}"


def test_standard_tar_reads_the_files() -> None:
    with tarfile.open(fileobj=io.BytesIO(write_tar(FILES))) as archive:
        members = archive.getmembers()
        found = {m.name: archive.extractfile(m) for m in members}

        assert {name: file.read() for name, file in found.items() if file} == FILES
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (0, 0, 0, "", "", 0o644)
    }


skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")


@skopeo
def test_skopeo_reads_a_bundle_and_what_it_copies_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(WRITTEN)
    place, copy = f"oci-archive:{tmp_path}/a.tar", f"oci-archive:{tmp_path}/b.tar"
    shown = subprocess.run(
        ["skopeo", "inspect", "--raw", place], check=True, capture_output=True
    ).stdout
    policy = ["--insecure-policy", "--tmpdir", str(tmp_path)]
    subprocess.run(["skopeo", *policy, "copy", place, copy], check=True, capture_output=True)

    assert shown == BUNDLE.manifest
    assert read((tmp_path / "b.tar").read_bytes()) == SNAPSHOT


# -- what is refused

Files = dict[str, bytes]


def relaid(change: Callable[[Files], object]) -> bytes:
    """The layout with its files changed, and written anew."""
    files = read_tar(WRITTEN, "x.tar")
    change(files)
    return write_tar(files)


def remade(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The layout with another manifest, under its right digest."""
    manifest = json.loads(BUNDLE.manifest)
    change(manifest)
    return write_layout(Bundle(manifest=canonical_json(manifest), blobs=BUNDLE.blobs))


def reblobbed(number: int, data: bytes) -> bytes:
    """The layout with another blob in the place of one, under its right digest."""
    manifest = json.loads(BUNDLE.manifest)
    descriptor = [manifest["config"], *manifest["layers"]][number]
    descriptor |= {"digest": str(digest_bytes(data)), "size": len(data)}
    blobs = [data if n == number else blob for n, blob in enumerate(BUNDLE.blobs.values())]
    described = {digest_bytes(blob): blob for blob in blobs}
    return write_layout(Bundle(manifest=canonical_json(manifest), blobs=described))


def contents(change: Callable[[dict[str, Any]], object]) -> bytes:
    found = json.loads(SNAPSHOT.manifest)
    change(found)
    return reblobbed(1, canonical_json(found))


def blob_path(number: int) -> str:
    return f"blobs/sha256/{list(BUNDLE.blobs)[number].hex}"


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> bytes:
    """The layer of files with one more entry at its end, as tarfile writes it."""
    written = io.BytesIO(write_tar(FILES))
    with tarfile.open(fileobj=written, mode="a", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(data)
        archive.addfile(info, io.BytesIO(data))
    return written.getvalue()


def resummed(data: bytes, at: int, field: bytes) -> bytes:
    """The archive with a field of its first header changed, and the header's sum made right."""
    header = bytearray(data[:512])
    header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


def pax(records: bytes) -> bytes:
    """The archive with extended headers before its first file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    header = resummed(written.getvalue(), 124, b"%011o\0" % len(records))[:512]
    header = resummed(header, 156, b"x")
    return header + records.ljust(512, b"\0") + WRITTEN


def gnu() -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a" * 300))
    return written.getvalue()


def blob_twice() -> bytes:
    manifest = json.loads(BUNDLE.manifest)
    kind = manifest["layers"][1]["mediaType"]
    manifest["layers"][1] = manifest["layers"][0] | {"mediaType": kind}
    blobs = dict(list(BUNDLE.blobs.items())[:2])
    return write_layout(Bundle(manifest=canonical_json(manifest), blobs=blobs))


REFUSED: dict[str, tuple[bytes, str]] = {
    "no tar": (b"PK\x03\x04" * 500, "is not a tar archive"),
    "empty": (b"", "does not end as a tar does"),
    "cut in a file": (WRITTEN[:2000], "ends in the middle of 'blobs/"),
    "cut in a header": (WRITTEN[:700], "ends in the middle|is not a tar archive"),
    "no end": (WRITTEN.rstrip(b"\0"), "ends in the middle|does not end|is not a tar archive"),
    "something after the end": (WRITTEN + b"x", "does not end as a tar does"),
    "a header that does not add up": (
        WRITTEN.replace(b"0000644", b"0000755", 1), "a header does not add up",
    ),
    "a size in binary": (resummed(WRITTEN, 124, b"\x80" + b"\0" * 10 + b"\1"), "has no size"),
    "a path that is not UTF-8": (resummed(WRITTEN, 0, b"\xff"), "a path that is not UTF-8"),
    "a folder with a size": (resummed(WRITTEN, 156, b"5"), "has no size"),
    "a pax header of another size": (pax(b"12 path=a\n"), "a header cannot be read"),
    "a pax header that means a link": (pax(b"14 linkpath=a\n"), "header 'linkpath', which is not"),
    "a pax header that means a size": (pax(b"9 size=9\n"), "a header 'size', which is not read"),
    "gnu headers": (gnu(), "is not a tar archive"),
    "no layout": (relaid(lambda f: f.pop("oci-layout")), "not an OCI image layout: oci-layout"),
    "no index": (relaid(lambda f: f.pop("index.json")), "not an OCI image layout: index.json"),
    "another layout": (
        relaid(lambda f: f.update({"oci-layout": b'{"imageLayoutVersion":"2.0.0"}'})),
        "unknown version of its layout",
    ),
    "index is no JSON": (relaid(lambda f: f.update({"index.json": b"{"})), "is not JSON"),
    "index is a list": (relaid(lambda f: f.update({"index.json": b"[]"})), "is not an object"),
    "index with a key twice": (
        relaid(lambda f: f.update({"index.json": b'{"a":1,"a":2}'})), "a key occurs twice",
    ),
    "index with NaN": (relaid(lambda f: f.update({"index.json": b'{"a":NaN}'})), "NaN is not JSON"),
    "deep index": (
        relaid(lambda f: f.update({"index.json": b'{"a":' + b"[" * 100_000})), "is not JSON",
    ),
    "two manifests": (
        relaid(
            lambda f: f.update(
                {
                    "index.json": f["index.json"].replace(
                        b'"manifests":[', b'"manifests":[{"digest":"sha256:00"},'
                    )
                }
            )
        ),
        "names no single snapshot",
    ),
    "a file more": (relaid(lambda f: f.update({"blobs/sha256/00": b"x"})), "no manifest names"),
    "a blob less": (relaid(lambda f: f.pop(blob_path(2))), "is missing"),
    "a blob changed": (
        relaid(lambda f: f.update({blob_path(2): b"x"})), "is not the one that its manifest names",
    ),
    "the manifest changed": (
        relaid(lambda f: f.update({f"blobs/sha256/{BUNDLE.digest.hex}": b"{}"})),
        "its manifest is not sha256:",
    ),
    "another artifact": (
        remade(lambda m: m.update(artifactType="application/vnd.other")),
        "is not a snapshot: it has the type 'application/vnd.other'",
    ),
    "an image": (remade(lambda m: m.pop("artifactType")), "is not a snapshot: it has the type None"),
    "one layer": (remade(lambda m: m.update(layers=[])), "a snapshot has two layers"),
    "another media type": (
        remade(lambda m: m["layers"][1].update(mediaType="application/zip")),
        "unknown media type 'application/zip', expected application/vnd.tetrad.snapshot.v1.tar",
    ),
    "a wrong size": (
        remade(lambda m: m["layers"][1].update(size=3)),
        "is not the one that its manifest names",
    ),
    "a size that is none": (
        remade(lambda m: m["layers"][1].update(size=True)), "has the size True",
    ),
    "a digest that is none": (
        remade(lambda m: m["config"].update(digest="sha512:00")), "'sha512:00' is not sha256:",
    ),
    "a descriptor that is none": (remade(lambda m: m.update(config=1)), "a descriptor is not an object"),
    "a blob twice": (blob_twice(), "names a blob twice"),
    "another identity": (
        reblobbed(0, canonical_json({**SNAPSHOT.document, "prompt": "sha256:01"})),
        "identity document is that of another identity",
    ),
    "an identity that is not canonical": (
        reblobbed(0, json.dumps(SNAPSHOT.document).encode()), "is not canonical JSON",
    ),
    "contents that are not canonical": (
        reblobbed(1, SNAPSHOT.manifest + b"\n"), "is not canonical JSON",
    ),
    "contents with NaN": (reblobbed(1, b'{"a":NaN}'), "NaN is not JSON"),
    "contents of nothing": (reblobbed(1, b"{}"), "not a snapshot manifest"),
    "an identity that is none": (contents(lambda c: c.update(identity=1)), "not a snapshot manifest"),
    "a key more": (contents(lambda c: c.update(more=1)), "are not those that its manifest names"),
    "a later version": (contents(lambda c: c.update(version=2)), "are not those that its manifest"),
    "another release": (
        contents(lambda c: c["files"].pop()), "are not those that its manifest names",
    ),
    "a symbolic link": (
        reblobbed(2, member("evil", tarfile.SYMTYPE, "/etc/passwd")), "'evil' is a symbolic link",
    ),
    "a hard link": (
        reblobbed(2, member("evil", tarfile.LNKTYPE, "stacks/a.yaml")), "'evil' is a hard link",
    ),
    "a device": (reblobbed(2, member("evil", tarfile.CHRTYPE)), "'evil' is a device"),
    "a pipe": (reblobbed(2, member("evil", tarfile.FIFOTYPE)), "'evil' is a pipe"),
    "a sparse file": (reblobbed(2, member("evil", b"S")), "an entry of the unknown kind 'S'"),
    "the way up": (reblobbed(2, member("../evil")), r"the path '\.\./evil' leads out"),
    "the way up inside": (reblobbed(2, member("a/../../evil")), "leads out of the folder"),
    "an absolute path": (reblobbed(2, member("/etc/evil")), "leads out of the folder"),
    "a backslash": (reblobbed(2, member("..\\evil")), "is not a plain path"),
    "a double slash": (reblobbed(2, member("a//b")), "is not a plain path"),
    "a line break": (reblobbed(2, member("a\nb")), "is not a plain path"),
    "Git's own": (reblobbed(2, member(".git/config")), "is Git's own"),
    "Git's own in capitals": (reblobbed(2, member("a/.GIT/hooks/pre-commit")), "is Git's own"),
    "a long name": (reblobbed(2, member("a" * 300)), "is too long"),
    "a long path": (reblobbed(2, member("a/" * 600 + "b")), "is too long"),
    "a file twice": (reblobbed(2, member("stacks/a.yaml")), "'stacks/a.yaml' occurs twice"),
    "a file in a file": (reblobbed(2, member("stacks/a.yaml/b")), "is a file and a folder"),
    "a file that is not named": (
        reblobbed(2, member("conftest.py", data=b"x")), "are not those that its manifest names",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bundle_with_something_wrong_is_refused_in_one_message(case: str) -> None:
    data, said = REFUSED[case]

    with pytest.raises(ArtifactError, match=said) as caught:
        read(data)
    assert str(caught.value).startswith("x.tar")


def mutated(chosen: random.Random) -> bytes:
    """The bundle with a few bytes changed, moved, repeated or cut off."""
    data = bytearray(WRITTEN)
    for _ in range(chosen.choice((1, 1, 2, 8))):
        at = chosen.randrange(len(data))
        data[at] = chosen.choice((chosen.randrange(256), data[at] ^ 1 << chosen.randrange(8)))
    way = chosen.random()
    if way < 0.1:
        del data[chosen.randrange(len(data)) :]
    elif way < 0.3:
        first, second, to = (chosen.randrange(len(data) // 512) * 512 for _ in range(3))
        data[to:to] = data[min(first, second) : max(first, second) + 512]
    return bytes(data)


def assert_no_mutant_is_another_snapshot(seed: int, count: int) -> None:
    chosen = random.Random(seed)
    for _ in range(count):
        try:
            found = read(mutated(chosen))
        except ArtifactError:
            continue
        assert found == SNAPSHOT  # what pads a block says nothing


def test_no_change_of_a_byte_gives_another_snapshot() -> None:
    assert_no_mutant_is_another_snapshot(7, 3_000)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
def test_no_mutant_of_100_000_is_another_snapshot(seed: int) -> None:
    assert_no_mutant_is_another_snapshot(seed, 10_000)


_NAMES = st.text(
    st.characters(exclude_characters="/\\\x7f", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=40,
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_PATHS, st.binary(max_size=2_000), max_size=8))
def test_whatever_is_written_is_read_again(files: dict[str, bytes]) -> None:
    snapshot = replace(SNAPSHOT, files=files)
    try:
        refuse_paths(files, "x.tar")
    except ArtifactError:
        with pytest.raises(ArtifactError):
            read(write_layout(bundle_of(snapshot)))
    else:
        assert read(write_layout(bundle_of(snapshot))) == snapshot


def test_an_archive_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tetrad.snapshots.tars.MAX_FILES", 3)

    with pytest.raises(ArtifactError, match=r"holds more than 1,000 MB or 3 files"):
        read(WRITTEN)


def test_the_identity_document_is_the_one_that_show_prints() -> None:
    root = Path(__file__).parents[2]
    stack = load_repository(root, ["stacks/triage.yaml"]).stacks["stacks/triage"]
    document = identity_document(stack)
    bundle = bundle_of(Snapshot(stack=stack.ref, document=document, release="0", files={}))

    assert Digest("sha256", digest_bytes(canonical_json(document)).value) in bundle.blobs
