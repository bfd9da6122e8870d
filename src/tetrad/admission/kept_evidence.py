"""Where envelopes are kept: a shared ledger, or the branch of the repository and its own ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tetrad import git
from tetrad.canonical import Digest
from tetrad.errors import GitError
from tetrad.evidence import Refused, open_envelope
from tetrad.evidence.statements import Evaluation, LedgerHead, read_statement
from tetrad.registry import Kind, NewEntry, open_ledger, registry_place
from tetrad.snapshots import Snapshot
from tetrad.snapshots.kept import keep as keep_snapshot

_KINDS: Sequence[Kind] = ("evidence", "approval", "admission")


class KeptEvidence:
    """The envelopes of a repository, wherever they are kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._place = registry_place(root)

    @property
    def _is_shared(self) -> bool:
        return not isinstance(self._place, Path)

    def about(self, identity: Digest) -> tuple[bytes, ...]:
        """Every envelope about an identity, each once."""
        found = [*self._of_branch(identity), *self._of_ledger(identity, _KINDS)]
        return tuple(dict.fromkeys(found))

    def content(self, digest: Digest) -> bytes | None:
        """The bytes with a digest: an envelope, a snapshot's manifest or file, or whatever else the
        ledger has; None where they are not here.
        """
        try:
            data = self._branch().envelope(digest)
        except GitError:  # outside of Git there is no branch
            data = None
        if data is None and self._has_ledger():
            with open_ledger(self._place) as ledger:
                data = ledger.content(digest)
        return data

    def admissions(self) -> tuple[bytes, ...]:
        """Every envelope that may be an admission, whatever the identity."""
        found = [*self._of_branch(None), *self._of_ledger(None, ("admission",))]
        return tuple(dict.fromkeys(found))

    def head(self) -> LedgerHead | None:
        """The last entry of the ledger; None where there is none yet."""
        if not self._has_ledger():
            return None
        with open_ledger(self._place) as ledger:
            last, first = ledger.head(), next(ledger.entries(), None)
        if last is None or first is None:
            return None
        return LedgerHead(first=first.digest, number=last.number, digest=last.digest)

    def signed_heads(self) -> tuple[LedgerHead, ...]:
        """The heads that are signed with evidence, of whatever ledger; its keys are not looked at: a
        head that nobody signed can only find a fault too many.
        """
        found: dict[LedgerHead, None] = {}
        for data in [*self._of_branch(None), *self._of_ledger(None, ("evidence",))]:
            try:
                predicate = read_statement(open_envelope(data).payload).predicate
            except Refused:
                continue
            if isinstance(predicate, Evaluation) and predicate.ledger is not None:
                found[predicate.ledger] = None
        return tuple(found)

    def keep(
        self,
        kind: Kind,
        stack: str,
        identity: Digest,
        envelopes: Sequence[bytes],
        *,
        environment: str | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Append envelopes to the ledger, with the snapshot that they are about, and to the branch
        where the ledger is this machine's alone.
        """
        branch = None if self._is_shared else self._branch()  # nothing is half kept outside of Git
        with open_ledger(self._place) as ledger:
            if snapshot is not None:
                keep_snapshot(ledger, snapshot)
            ledger.extend(
                [
                    NewEntry(
                        kind=kind,
                        stack=stack,
                        identity=identity,
                        environment=environment,
                        content=data,
                    )
                    for data in envelopes
                ]
            )
        if branch is not None:
            branch.add({identity: envelopes}, f"{kind} for {stack}")

    def push(self, remote: str, envelopes: Mapping[Digest, Sequence[bytes]]) -> None:
        """Add envelopes to the remote's branch."""
        self._branch().push(remote, envelopes, "Add evidence")

    def _branch(self) -> git.EvidenceBranch:
        return git.EvidenceBranch(self._root)

    def _of_branch(self, identity: Digest | None) -> tuple[bytes, ...]:
        """All that the branch has about an identity, or about any."""
        try:
            branch = self._branch()
        except GitError:
            return ()  # outside of Git there is no branch
        return branch.all_envelopes() if identity is None else branch.envelopes(identity)

    def _of_ledger(self, identity: Digest | None, kinds: Sequence[Kind]) -> Iterator[bytes]:
        if not self._has_ledger():
            return
        with open_ledger(self._place) as ledger:
            for kind in kinds:
                for entry in ledger.entries(kind=kind, identity=identity):
                    data = ledger.content(entry.content)
                    if data is not None:
                        yield data

    def _has_ledger(self) -> bool:
        return not isinstance(self._place, Path) or self._place.is_file()
