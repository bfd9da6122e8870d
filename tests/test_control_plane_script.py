"""`.ci/controlplane` lays out every program that tests of clusters start, and none that was tampered with."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci/controlplane"
FILES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
ARCHIVES = {
    "etcd-v3.6.8-linux-amd64.tar.gz": ("etcd-v3.6.8-linux-amd64/etcd", "SHA256SUMS"),
    "pulumi-v3.259.0-linux-x64.tar.gz": ("pulumi/pulumi", "pulumi-3.259.0-checksums.txt"),
}
# Instead of a network: the files of a folder, and a program for each module that is to be built.
CURL = """\
#!/bin/sh
while [ $# -gt 2 ]; do [ "$1" = --output ] && to=$2; shift; done
case $2 in https://*) exec cp "$RELEASES/${2##*/}" "$to" ;; esac
"""
GO = """\
#!/bin/sh
[ "$1" = install ] && echo built > "$GOBIN/$(basename "${2%@*}")" && chmod +x "$GOBIN"/*
"""


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """What the projects publish, by the names of the files."""
    folder = tmp_path / "releases"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(f"{name}\n")
        (folder / f"{name}.sha256").write_text(digest(folder / name))
    for name, (member, digests) in ARCHIVES.items():
        program = tmp_path / "program"
        program.write_text(f"{member}\n")
        program.chmod(0o755)
        with tarfile.open(folder / name, "w:gz") as archive:
            archive.add(program, member)
        (folder / digests).write_text(f"{'0' * 64}  other\n{digest(folder / name)}  {name}\n")
    return folder


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lay_out(releases: Path) -> tuple[int, list[str]]:
    """The exit code, and the programs that are there."""
    programs, there = releases.parent / "bin", releases.parent / "there"
    programs.mkdir()
    for name, text in {"curl": CURL, "go": GO}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [SCRIPT, there],
        env={**os.environ, "RELEASES": str(releases), "PATH": f"{programs}:{os.environ['PATH']}"},
        check=False,
    )
    return done.returncode, sorted(
        file.name for file in there.iterdir() if os.access(file, os.X_OK)
    )


def test_everything_is_there(releases: Path) -> None:
    assert lay_out(releases) == (0, sorted([*FILES, "etcd", "kwok", "pulumi"]))


@pytest.mark.parametrize("name", [*FILES, *ARCHIVES])
def test_what_has_another_digest_is_not_laid_out(name: str, releases: Path) -> None:
    with (releases / name).open("ab") as file:
        file.write(b"more")

    code, there = lay_out(releases)

    assert code != 0
    assert name not in there
    assert "kwok" not in there


def test_an_archive_that_no_digest_is_published_of_is_not_laid_out(releases: Path) -> None:
    digests = releases / "SHA256SUMS"
    digests.write_text(digests.read_text().replace("etcd-v", "etcd-w"))

    code, there = lay_out(releases)

    assert code != 0
    assert "etcd" not in there
