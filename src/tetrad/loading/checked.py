"""What earlier runs found out about files, so that those that did not change are not read again.

A fact is nothing but a digest: of what was found out, by which version, and of all the content that
it was found out from. A file that is damaged, or of another version, holds no fact that anybody asks
for. What a component depends on is what loading it looked at: `Tree` writes that down.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tetrad.canonical import blob_id, sha256_of
from tetrad.loading.files import Tree

_ABSENT, _OUTSIDE = b"absent", b"outside"


class Seen(NamedTuple):
    """A component as it was loaded: its kind, the names looked at, the files it has a part in."""

    kind: str
    names: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass
class Content:
    """The content of a tree's files, each looked at once: digests by name.

    Of a commit's files nothing is read that has the same blob id as what lies beside it: `ids` is the
    algorithm by which the other's are taken, while its files are read.
    """

    tree: Tree
    ids: str | None = None
    beside: Content | None = None
    _states: dict[str, bytes] = field(default_factory=dict)
    _blob_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree.told = self._note

    def of(self, name: str) -> bytes:
        """What stands for a file's content, or a folder's where the name ends with a slash."""
        state = self._states.get(name)
        if state is None:
            state = self._of_folder(name) if name.endswith("/") else self._of_file(name)
            self._states[name] = state
        return state

    @property
    def seen(self) -> Mapping[str, bytes]:
        """What was looked at so far."""
        return self._states

    def adopt(self, states: Mapping[str, bytes]) -> bool:
        """Take over what another process saw of the same tree; whether neither saw it otherwise."""
        agrees = all(self._states.get(name, state) == state for name, state in states.items())
        self._states |= states
        return agrees

    def _of_folder(self, name: str) -> bytes:
        links: list[str] = []
        files = list(self.tree.below(name.removesuffix("/"), links))
        said = [f"{file}\0{self.of(file).hex()}" for file in files]
        return _digest("\0".join([*said, *links]))

    def blob_id(self, name: str) -> str | None:
        """Git's id of a file that is no link."""
        self.of(name)
        return self._blob_ids.get(name)

    def _of_file(self, name: str) -> bytes:
        blob = None if self.beside is None else self.tree.files.blob_id(name)
        if self.beside is not None and blob is not None and blob == self.beside.blob_id(name):
            return self.beside.of(name)
        data = self.tree.files.unlinked(name)
        if data is not None:
            return self._note(name, data)
        # a link, or nothing that can be read
        if not self.tree.has(name):
            return _ABSENT
        if not self.tree.files.is_inside(name):
            return _OUTSIDE
        return sha256_of(self.tree.bytes(name))

    def _note(self, name: str, data: bytes) -> bytes:
        """The digest of a file that was read, here or by who loads the tree."""
        known = self._states.get(name)
        if known is None:
            known = self._states[name] = sha256_of(data)
            if self.ids is not None:
                self._blob_ids[name] = blob_id(data, self.ids)
        return known


class Checked:
    """The components of a tree with what they depend on, and the facts about them."""

    def __init__(self, content: Content, version: str, saved: bytes = b"") -> None:
        self.content = content
        self._version = version
        self.components: dict[str, Seen] = {}
        self.values: dict[str, str] = {}  # by component; each is worth what a fact says of it
        self._facts: set[str] = set()
        self._used: set[str] = set()  # those that are still true
        self._noted = False
        self._closures: dict[str, frozenset[str]] = {}
        self._digests: dict[str, str] = {}
        self._looking_at: defaultdict[str, list[str]] = defaultdict(list)
        self._read(saved)

    def forget(self, there: Iterable[str]) -> None:
        """Drop components that are not there any more."""
        kept = self.components.keys() & set(there)
        self.components = {file: seen for file, seen in self.components.items() if file in kept}
        self.values = {file: value for file, value in self.values.items() if file in kept}
        self._looking_at.clear()

    def learn(self, found: Mapping[str, Seen]) -> None:
        """What components were seen to depend on; anything that was derived is derived again."""
        if any(self.components.get(file) != seen for file, seen in found.items()):
            self.components |= found
            self._closures.clear()
            self._digests.clear()
            self._looking_at.clear()

    def closure(self, file: str) -> frozenset[str]:
        """All names that a component's value depends on."""
        known = self._closures.get(file)
        if known is None:
            names: set[str] = {file}
            fresh = [file]
            while fresh:
                seen = self.components.get(fresh.pop())
                added = () if seen is None else [name for name in seen.names if name not in names]
                names.update(added)
                fresh += [name for name in added if name in self.components]
            known = self._closures[file] = frozenset(names)
        return known

    def digest(self, file: str) -> str:
        """Stands for all the content that a component's value depends on."""
        known = self._digests.get(file)
        if known is None:
            names = sorted(self.closure(file))
            said = "\0".join([f"{name}\0{self.content.of(name).hex()}" for name in names])
            known = self._digests[file] = _digest(said).hex()
        return known

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found out yet."""
        return not self._facts and not self._used

    def holds(self, *said: str) -> bool:
        """Whether a fact was noted, by this version."""
        fact = self._fact(said)
        if fact not in self._facts and fact not in self._used:
            return False
        self._used.add(fact)
        return True

    def note(self, *said: str) -> None:
        self._noted = True
        self._used.add(self._fact(said))

    def _fact(self, said: Iterable[str]) -> str:
        return _digest("\0".join([self._version, *said])).hex()

    def looking_at(self, name: str) -> Sequence[str]:
        """The components that look at a file themselves, in order."""
        if not self._looking_at:
            for user in sorted(self.components):
                for looked_at in self.components[user].names:
                    self._looking_at[looked_at].append(user)
        return self._looking_at.get(name, ())

    def users(self, file: str) -> list[str]:
        """The components that refer to another."""
        return [user for user in self.looking_at(file) if user != file]

    @property
    def changed(self) -> bool:
        """Whether there is more to keep: a run that did not look at everything notes nothing."""
        return self._noted and self._used != self._facts

    def saved(self) -> bytes:
        """The bytes from which the same is read; of the facts those that were asked for."""
        written = {
            "version": self._version,
            "components": self.components,
            "values": self.values,
            "facts": sorted(self._used),
        }
        text = json.dumps(written, ensure_ascii=True, separators=(",", ":"))
        return f"{_digest(text).hex()}\n{text}".encode()

    def _read(self, saved: bytes) -> None:
        head, _, body = saved.partition(b"\n")
        if sha256_of(body).hex().encode() != head:
            return
        try:
            written = json.loads(body)
        except ValueError:
            return
        if written.get("version") == self._version:
            self.components = {file: _seen(*seen) for file, seen in written["components"].items()}
            self.values = written["values"]
            self._facts = set(written["facts"])


def _seen(kind: str, names: list[Any], parts: list[Any]) -> Seen:
    return Seen(kind, tuple(names), tuple(parts))


def _digest(text: str) -> bytes:
    return sha256_of(text.encode(errors="surrogateescape"))
