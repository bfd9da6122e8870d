"""Evidence on a branch of its own, so that it lasts as long as the repository and travels with it.

The branch has no history in common with the code. A file is an envelope, by identity, digest and, but
for evidence, kind; none is ever changed or removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.objects import Objects
from tetrad.git.ref_names import tip_of

BRANCH = "tetrad/evidence"
_EVIDENCE = "evidence"  # the kind that names do not say
_LOCAL = f"refs/heads/{BRANCH}"
_ATTEMPTS = 5  # of a push that others' pushes overtake
_ATTEMPTS_HERE = 20  # of an addition that others' additions overtake
_AUTHOR = {
    "GIT_AUTHOR_NAME": "tetrad",
    "GIT_AUTHOR_EMAIL": "tetrad@localhost",
    "GIT_COMMITTER_NAME": "tetrad",
    "GIT_COMMITTER_EMAIL": "tetrad@localhost",
}


class EvidenceBranch:
    """The branch in the repository of a checkout, and its copies of remotes."""

    def __init__(self, root: Path) -> None:
        self._checkout = Checkout.of(root)

    def envelopes(self, identity: Digest) -> tuple[bytes, ...]:
        """Every envelope about an identity, here or as it was last fetched."""
        return tuple(data for _, data in self._read(f"{_folder(identity)}/"))

    def envelopes_of(self, identities: Iterable[Digest]) -> Mapping[Digest, tuple[bytes, ...]]:
        """The same of many identities, listed at once."""
        folders = {_folder(identity): identity for identity in identities}
        found: dict[Digest, list[bytes]] = {identity: [] for identity in folders.values()}
        for path, data in self._read("", lambda path: path.rpartition("/")[0] in folders):
            found[folders[path.rpartition("/")[0]]].append(data)
        return {identity: tuple(each) for identity, each in found.items()}

    def envelope(self, digest: Digest) -> bytes | None:
        """The envelope with a digest, whatever it is about."""
        read = self._read("", lambda path: f"/{digest.hex}." in path)
        return next((data for _, data in read if digest_bytes(data) == digest), None)

    def envelopes_of_kind(self, kind: str) -> Iterator[bytes]:
        """Every envelope that was added as one of a kind."""
        return (data for _, data in self._read("", lambda path: _kind(path) == kind))

    def add(self, kind: str, envelopes: Mapping[Digest, Sequence[bytes]], message: str) -> None:
        """Commit envelopes by identity on top of the branch; what is there already stays."""
        files = dict(_files(kind, envelopes))
        complaint = ""
        for _ in range(_ATTEMPTS_HERE):
            local = tip_of(self._checkout, _LOCAL)
            base = local or next(self._remote_tips(), None)
            commit = self._committed(base, files, message)
            if commit is None:
                return
            moved = self._checkout.ask("update-ref", _LOCAL, commit, local or "")  # "": none yet
            if moved.code == 0:
                return
            complaint = moved.complaint.strip()
        raise GitError(f"cannot add to {BRANCH}: {complaint}")

    def push(
        self, remote: str, kind: str, envelopes: Mapping[Digest, Sequence[bytes]], message: str
    ) -> None:
        """Add envelopes to a remote's branch, on top of whatever others have pushed meanwhile."""
        files = dict(_files(kind, envelopes))
        theirs = f"refs/remotes/{remote}/{BRANCH}"
        said = ""
        for _ in range(_ATTEMPTS):
            self._fetch(remote, theirs)
            commit = self._committed(tip_of(self._checkout, theirs), files, message)
            if commit is None:
                return
            pushed = self._checkout.ask("push", "--quiet", remote, f"{commit}:{_LOCAL}")
            if pushed.code == 0:
                self._checkout.git("update-ref", theirs, commit)
                return
            said = pushed.complaint.strip()
            if "fetch first" not in said and "non-fast-forward" not in said:
                break
        raise GitError(
            f"cannot push {BRANCH} to {remote}: {said}"
            "\n  help: the job needs write access to the repository (permissions: contents: write)"
        )

    def _fetch(self, remote: str, into: str) -> None:
        asked = self._checkout.ask("fetch", "--quiet", remote, f"+{_LOCAL}:{into}")
        if asked.code != 0 and "couldn't find remote ref" not in asked.complaint:
            raise GitError(f"cannot fetch {BRANCH} of {remote}: {asked.complaint.strip()}")

    def _read(
        self, below: str, wanted: Callable[[str], bool] = lambda _: True
    ) -> Iterator[tuple[str, bytes]]:
        """The envelopes below a folder whose paths are wanted; what is in several branches once. A
        remote that has another content at the path of an envelope hides nothing.
        """
        seen: set[tuple[str, str]] = set()
        with closing(Objects(self._checkout)) as objects:
            local = tip_of(self._checkout, _LOCAL)
            for tip in dict.fromkeys(filter(None, [local, *self._remote_tips()])):
                for path, blob in self._listed(tip, below):
                    if (path, blob) not in seen and wanted(path):
                        seen.add((path, blob))
                        yield path, objects.blob(blob)

    def _listed(self, commit: str, below: str) -> Iterator[tuple[str, str]]:
        paths = [below] if below else []
        out = self._checkout.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        for line in filter(None, out.split("\0")):
            described, _, path = line.partition("\t")
            kind, blob = described.split()[1:3]
            if kind == "blob" and path.endswith(".json"):
                yield path, blob

    def _remote_tips(self) -> Iterator[str]:
        refs = self._checkout.git(
            "for-each-ref", "--format=%(objectname)", f"refs/remotes/*/{BRANCH}"
        )
        yield from refs.split()

    def _committed(self, base: str | None, files: Mapping[str, bytes], message: str) -> str | None:
        """A commit with the files on top of another; None where all are there already."""
        with TemporaryDirectory(prefix="tetrad-evidence-") as folder:
            own = {"GIT_INDEX_FILE": os.path.join(folder, "index"), **_AUTHOR}  # noqa: PTH118
            if base is not None:
                self._checkout.git("read-tree", base, extra=own)
            blobs = self._blobs(list(files.values()), Path(folder))
            entries = (f"100644 {blob}\t{path}\n" for path, blob in zip(files, blobs, strict=True))
            self._checkout.git("update-index", "--index-info", told="".join(entries), extra=own)
            tree = self._checkout.git("write-tree", extra=own).strip()
            if base is not None and tree == self._tree(base):
                return None
            parents = ["-p", base] if base is not None else []
            made = self._checkout.git("commit-tree", tree, *parents, "-m", message, extra=own)
            return made.strip()

    def _blobs(self, contents: Sequence[bytes], folder: Path) -> Sequence[str]:
        """The ids of contents that are written into the repository."""
        places = [folder / str(number) for number in range(len(contents))]
        for place, data in zip(places, contents, strict=True):
            place.write_bytes(data)
        told = "".join(f"{place}\n" for place in places)
        return self._checkout.git(
            "hash-object", "-w", "--no-filters", "--stdin-paths", told=told
        ).split()

    def _tree(self, commit: str) -> str:
        return self._checkout.git("rev-parse", f"{commit}^{{tree}}").strip()


def _files(kind: str, envelopes: Mapping[Digest, Sequence[bytes]]) -> Iterator[tuple[str, bytes]]:
    end = "json" if kind == _EVIDENCE else f"{kind}.json"
    for identity, each in envelopes.items():
        for data in each:
            yield f"{_folder(identity)}/{digest_bytes(data).hex}.{end}", data


def _kind(path: str) -> str:
    """The kind that a file's name says."""
    parts = path.rpartition("/")[2].split(".")
    return parts[1] if len(parts) > 2 else _EVIDENCE


def _folder(identity: Digest) -> str:
    return f"evidence/{identity.hex[:2]}/{identity.hex}"
