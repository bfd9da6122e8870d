"""Evidence on a branch of its own, so that it lasts as long as the repository and travels with it.

The branch has no history in common with the code. A file is an envelope, by identity and digest, and
none is ever changed or removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.git.objects import Objects

BRANCH = "tetrad/evidence"
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
        return tuple(self._read(f"{_folder(identity)}/").values())

    def envelope(self, digest: Digest) -> bytes | None:
        """The envelope with a digest, whatever it is about; nothing else is read."""
        wanted = f"/{digest.hex}.json"
        with closing(Objects(self._checkout)) as objects:
            for tip in self._tips():
                for path, blob in self._listed(tip, ""):
                    if path.endswith(wanted) and digest_bytes(data := objects.blob(blob)) == digest:
                        return data
        return None

    def all_envelopes(self) -> tuple[bytes, ...]:
        return tuple(self._read("").values())

    def add(self, envelopes: Mapping[Digest, Sequence[bytes]], message: str) -> None:
        """Commit envelopes by identity on top of the branch; what is there already stays."""
        complaint = ""
        for _ in range(_ATTEMPTS_HERE):
            local = self._tip(_LOCAL)
            base = local or next(self._remote_tips(), None)
            commit = self._committed(base, envelopes, message)
            if commit is None:
                return
            moved = self._checkout.ask("update-ref", _LOCAL, commit, local or "")  # "": none yet
            if moved.code == 0:
                return
            complaint = moved.complaint.strip()
        raise GitError(f"cannot add to {BRANCH}: {complaint}")

    def push(self, remote: str, envelopes: Mapping[Digest, Sequence[bytes]], message: str) -> None:
        """Add envelopes to a remote's branch, on top of whatever others have pushed meanwhile."""
        theirs = f"refs/remotes/{remote}/{BRANCH}"
        said = ""
        for _ in range(_ATTEMPTS):
            self._fetch(remote, theirs)
            commit = self._committed(self._tip(theirs), envelopes, message)
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

    def _read(self, below: str) -> Mapping[str, bytes]:
        """The envelopes below a folder, by path; the same one on several branches once."""
        found: dict[str, bytes] = {}
        with closing(Objects(self._checkout)) as objects:
            for tip in self._tips():
                for path, blob in self._listed(tip, below):
                    if path not in found:
                        found[path] = objects.blob(blob)
        return found

    def _listed(self, commit: str, below: str) -> Iterator[tuple[str, str]]:
        paths = [below] if below else []
        out = self._checkout.git("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        for line in filter(None, out.split("\0")):
            described, _, path = line.partition("\t")
            kind, blob = described.split()[1:3]
            if kind == "blob" and path.endswith(".json"):
                yield path, blob

    def _tip(self, ref: str) -> str | None:
        asked = self._checkout.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return asked.out.strip() if asked.code == 0 else None

    def _tips(self) -> Sequence[str]:
        """The commits of the branch here and of its copies, each once."""
        found = filter(None, [self._tip(_LOCAL), *self._remote_tips()])
        return list(dict.fromkeys(found))

    def _remote_tips(self) -> Iterator[str]:
        refs = self._checkout.git(
            "for-each-ref", "--format=%(objectname)", f"refs/remotes/*/{BRANCH}"
        )
        yield from refs.split()

    def _committed(
        self, base: str | None, envelopes: Mapping[Digest, Sequence[bytes]], message: str
    ) -> str | None:
        """A commit with the envelopes on top of another; None where all are there already."""
        with TemporaryDirectory(prefix="tetrad-evidence-") as folder:
            own = {"GIT_INDEX_FILE": os.path.join(folder, "index"), **_AUTHOR}  # noqa: PTH118
            if base is not None:
                self._checkout.git("read-tree", base, extra=own)
            for path, data in _files(envelopes):
                blob = self._checkout.git(
                    "hash-object", "-w", "--stdin", told=data.decode(), extra=own
                )
                entry = f"100644,{blob.strip()},{path}"
                self._checkout.git("update-index", "--add", "--cacheinfo", entry, extra=own)
            tree = self._checkout.git("write-tree", extra=own).strip()
            if base is not None and tree == self._tree(base):
                return None
            parents = ["-p", base] if base is not None else []
            made = self._checkout.git("commit-tree", tree, *parents, "-m", message, extra=own)
            return made.strip()

    def _tree(self, commit: str) -> str:
        return self._checkout.git("rev-parse", f"{commit}^{{tree}}").strip()


def _files(envelopes: Mapping[Digest, Sequence[bytes]]) -> Iterator[tuple[str, bytes]]:
    for identity, each in envelopes.items():
        for data in each:
            yield f"{_folder(identity)}/{digest_bytes(data).hex}.json", data


def _folder(identity: Digest) -> str:
    return f"evidence/{identity.hex[:2]}/{identity.hex}"
