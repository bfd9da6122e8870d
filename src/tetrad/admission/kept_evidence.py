"""Where envelopes are kept: a shared ledger, or the branch of the repository and its own ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad import git
from tetrad.canonical import Digest
from tetrad.database import Closing
from tetrad.errors import GitError
from tetrad.evidence import Refused, open_envelope
from tetrad.evidence.statements import Evaluation, LedgerHead, read_statement
from tetrad.registry import Entry, Kind, NewEntry, open_ledger, registry_place
from tetrad.snapshots.keeping import keep as keep_snapshot

if TYPE_CHECKING:
    from tetrad.registry.erasures import Erasure
    from tetrad.registry.ledger import Ledger
    from tetrad.snapshots import Snapshot

_KINDS: Sequence[Kind] = ("evidence", "approval", "admission")
_AT_ONCE = 100  # envelopes in memory


class KeptEvidence(Closing):
    """The envelopes of a repository, wherever they are kept. The ledger is opened once, when it is
    first asked.
    """

    def __init__(self, root: Path) -> None:
        self._place = registry_place(root)
        self._opened: Ledger | None = None
        self._root = root

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def about(self, identity: Digest) -> tuple[bytes, ...]:
        """Every envelope about an identity, each once."""
        branch = self._branch()
        of_branch = branch.envelopes(identity) if branch else ()
        return tuple(dict.fromkeys([*of_branch, *self._of_ledger(_KINDS, identity)]))

    def about_each(self, identities: Iterable[Digest]) -> Mapping[Digest, tuple[bytes, ...]]:
        """Every envelope about each of many identities."""
        wanted, branch = tuple(identities), self._branch()
        of_branch = branch.envelopes_of(wanted) if branch else {}
        ledger = self._ledger()
        entries = ledger.entries_about(wanted, _KINDS) if ledger else {}
        return {
            identity: tuple(
                dict.fromkeys(
                    [*of_branch.get(identity, ()), *self._contents(entries.get(identity, ()))]
                )
            )
            for identity in wanted
        }

    def content(self, digest: Digest) -> bytes | None:
        """The bytes with a digest: an envelope, a snapshot's manifest or file, or whatever else the
        ledger has; None where they are not here.
        """
        branch, ledger = self._branch(), self._ledger()
        data = branch.envelope(digest) if branch else None
        return ledger.content(digest) if data is None and ledger else data

    def erasure_of(self, digest: Digest) -> Erasure | None:
        """When the ledger's bytes with a digest were erased; None where they never were."""
        ledger = self._ledger()
        return ledger.erasure_of(digest) if ledger else None

    def admissions(self) -> tuple[bytes, ...]:
        """Every envelope that may be an admission, whatever the identity."""
        branch = self._branch()
        of_branch = branch.envelopes_of_kind("admission") if branch else ()
        return tuple(dict.fromkeys([*of_branch, *self._of_ledger(("admission",))]))

    def head(self) -> LedgerHead | None:
        """The last entry of the ledger; None where there is none yet."""
        ledger = self._ledger()
        if ledger is None:
            return None
        last, first = ledger.head(), next(ledger.entries(), None)
        if last is None or first is None:
            return None
        return LedgerHead(first=first.digest, number=last.number, digest=last.digest)

    def signed_heads(self) -> tuple[LedgerHead, ...]:
        """The heads that are signed with evidence, of whatever ledger; its keys are not looked at: a
        head that nobody signed can only find a fault too many. What the ledger no longer holds as it
        was appended is passed over.
        """
        branch, ledger = self._branch(), self._ledger()
        of_branch = branch.envelopes_of_kind("evidence") if branch else ()
        of_ledger = ledger.sound_contents("evidence") if ledger else ()
        found: dict[LedgerHead, None] = {}
        for data in chain(of_branch, of_ledger):
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
        is_shared = not isinstance(self._place, Path)
        branch = None if is_shared else git.EvidenceBranch(self._root)  # nothing is half kept
        ledger = self._made_ledger()
        if snapshot is not None:
            keep_snapshot(ledger, snapshot)
        new = [
            NewEntry(
                kind=kind, stack=stack, identity=identity, environment=environment, content=data
            )
            for data in envelopes
        ]
        ledger.extend(new)
        if branch is not None:
            branch.add(kind, {identity: envelopes}, f"{kind} for {stack}")

    def push(self, remote: str, kind: Kind, envelopes: Mapping[Digest, Sequence[bytes]]) -> None:
        """Add envelopes to the remote's branch."""
        git.EvidenceBranch(self._root).push(remote, kind, envelopes, f"Add {kind}")

    def _branch(self) -> git.EvidenceBranch | None:
        try:
            return git.EvidenceBranch(self._root)
        except GitError:
            return None  # outside of Git there is no branch

    def _ledger(self) -> Ledger | None:
        """The ledger; None where there is none yet."""
        is_there = not isinstance(self._place, Path) or self._place.is_file()
        return self._made_ledger() if is_there else None

    def _made_ledger(self) -> Ledger:
        if self._opened is None:
            self._opened = open_ledger(self._place)
        return self._opened

    def _of_ledger(self, kinds: Sequence[Kind], identity: Digest | None = None) -> Iterator[bytes]:
        ledger = self._ledger()
        if ledger is not None:
            for kind in kinds:
                yield from self._contents(list(ledger.entries(kind=kind, identity=identity)))

    def _contents(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        ledger = self._ledger()
        if ledger is not None:
            for start in range(0, len(entries), _AT_ONCE):
                some = [entry.content for entry in entries[start : start + _AT_ONCE]]
                yield from ledger.contents(some).values()
