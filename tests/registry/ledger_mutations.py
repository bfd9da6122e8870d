"""A short registry with everything that one can hold, and what somebody can do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import signing as s
from evidence.mutations import changed_bytes
from registry.ledger_states import CONTENT, DIGEST, KIND, NUMBER, State, chained_anew, sha256

from tetrad.canonical import Digest, canonical_json, digest_bytes
from tetrad.evidence.statements import LedgerHead
from tetrad.registry import NewEntry
from tetrad.registry.ledger import Ledger

DOCUMENT = canonical_json({"kind": "identity"})
IDENTITY = digest_bytes(DOCUMENT)
FILES = (b"kind: stack\n", b"kind: prompt\n")
_VALUES: Sequence[Any] = (
    None, 0, -1, 1, 2**53, 1.5, "", "x", b"\xff", "run", "erasure", "snapshot", "evidence",
    "sha256:" + "0" * 64, "tetrad:" + "0" * 64, "SHA256:" + "0" * 64,
)  # fmt: skip
_NUMBERS: Sequence[Any] = (None, 0, -1, 1, 2, 7, 99, 2**62, 3.5, "x", b"4", "0")


def manifest(*files: bytes) -> bytes:
    named = [{"digest": sha256(data)} for data in files]
    return canonical_json({"identity": f"tetrad:{IDENTITY.hex}", "files": named})


def evidence(ledger: Ledger) -> bytes:
    """An envelope signed beside the ledger as it is."""
    first, head = next(ledger.entries()), ledger.head()
    assert head is not None
    return evidence_with(LedgerHead(first=first.digest, number=head.number, digest=head.digest))


def evidence_with(head: LedgerHead) -> bytes:
    return s.signed(s.evaluation(ledger=head), "ci")


def fill(ledger: Ledger) -> None:
    """A short history with everything that a registry can hold."""
    ledger.append("identity", stack="stacks/a", identity=IDENTITY, content=DOCUMENT)
    ledger.append("results", stack="stacks/a", identity=IDENTITY, content=b'{"id":"a"}\n')
    ledger.append("run", stack="stacks/a", identity=IDENTITY, content=b"{}")
    ledger.append("decision", stack="stacks/a", content=b'{"decision":"PASSED"}')
    ledger.extend([NewEntry(kind="snapshot", content=manifest(*FILES), beside=(DOCUMENT, *FILES))])
    ledger.append("evidence", stack="stacks/a", identity=IDENTITY, content=evidence(ledger))
    ledger.append("approval", environment="production", content=b"approved")
    erased = ledger.append("results", content=b'{"id":"b"}\n')
    ledger.erase([erased.content], reason="asked for")
    ledger.append("results", content=b'{"id":"b"}\n')  # happens again
    ledger.append("evidence", stack="stacks/a", identity=IDENTITY, content=evidence(ledger))
    ledger.append("admission", environment="production", content=b"admitted")
    ledger.append("deployment", environment="production", content=b"deployed")


# -- what somebody can do to a registry

Mutate = Callable[[State, Random], None]


def changed_row(state: State, random: Random) -> None:
    row = random.choice(state.rows)
    place = random.randrange(1, 9)
    row[place] = _changed(row[place], random)


def _changed(value: Any, random: Random) -> Any:
    if isinstance(value, str) and value and random.random() < 0.5:
        place = random.randrange(len(value))
        return value[:place] + random.choice("0aA ") + value[place + 1 :]
    return random.choice(_VALUES)


def renumbered_row(state: State, random: Random) -> None:
    random.choice(state.rows)[NUMBER] = random.choice(_NUMBERS)


def rewritten_row(state: State, random: Random) -> None:
    """A row, and the whole chain from there on, so that only a signed head can tell."""
    index = random.randrange(len(state.rows))
    row = state.rows[index]
    place = random.randrange(1, 7)
    row[place] = _changed(row[place], random)
    chained_anew(state.rows, index)


def swapped_rows(state: State, random: Random) -> None:
    one, other = random.sample(state.rows, 2)
    if random.random() < 0.5:
        one[NUMBER], other[NUMBER] = other[NUMBER], one[NUMBER]
    else:
        first = random.randrange(1, 9)
        last = random.randrange(first, 9) + 1
        one[first:last], other[first:last] = other[first:last], one[first:last]


def removed_rows(state: State, random: Random) -> None:
    start = random.randrange(len(state.rows))
    del state.rows[start : start + random.choice((1, 1, 2, 5))]
    _chain_or_leave(state, start, random)


def truncated(state: State, random: Random) -> None:
    del state.rows[random.randrange(len(state.rows)) :]


def inserted_row(state: State, random: Random) -> None:
    """Something that never happened, or what happened once more."""
    start = random.randrange(len(state.rows) + 1)
    row = list(random.choice(state.rows))
    if random.random() < 0.5:
        row[random.randrange(1, 7)] = random.choice(_VALUES)
        row[DIGEST] = sha256(str(row).encode())
    state.rows.insert(start, row)
    _chain_or_leave(state, start, random)


def _chain_or_leave(state: State, start: int, random: Random) -> None:
    match random.randrange(3):
        case 0:
            chained_anew(state.rows, start)
        case 1:
            for index in range(start, len(state.rows)):
                state.rows[index][NUMBER] = index + 1
        case _:
            pass


def _texts(state: State) -> Iterator[tuple[str, bytes]]:
    """What is there, and was not made something else than bytes by an earlier mutation."""
    for digest, data in state.contents.items():
        if isinstance(data, bytes) and data:
            yield digest, data


def changed_content(state: State, random: Random) -> None:
    digest, data = random.choice(list(_texts(state)))
    changes: Sequence[Any] = (None, b"", "text", 7, changed_bytes(data, random))
    state.contents[digest] = random.choice(changes)


def swapped_contents(state: State, random: Random) -> None:
    one, other = random.sample(sorted(state.contents), 2)
    state.contents[one], state.contents[other] = state.contents[other], state.contents[one]


def removed_content(state: State, random: Random) -> None:
    digest = random.choice(sorted(state.contents))
    data = state.contents.pop(digest)
    if random.random() < 0.5:
        state.contents[sha256(str(random.random()).encode())] = data


def other_content(state: State, random: Random) -> None:
    """Another text with a digest of its own in the place of an entry's."""
    data = changed_bytes(random.choice(list(_texts(state)))[1], random)
    state.contents[sha256(data)] = data
    index = random.randrange(len(state.rows))
    state.rows[index][CONTENT] = sha256(data)
    if random.random() < 0.5:
        chained_anew(state.rows, index)


def forged_tombstone(state: State, random: Random) -> None:
    """A content is gone, and an entry says that it was erased: appended, in the past or in place."""
    digest = random.choice(sorted(state.contents))
    data = canonical_json({"erased": [digest], "reason": ""})
    state.contents[digest] = None
    state.contents[sha256(data)] = data
    index = random.choice((len(state.rows), random.randrange(len(state.rows))))
    row = list(random.choice(state.rows))
    row[KIND], row[CONTENT] = random.choice(("erasure", "erasure", "run")), sha256(data)
    state.rows[index : index + random.randrange(2)] = [row]
    chained_anew(state.rows, min(index, len(state.rows) - 1))


def erased_again(state: State, random: Random) -> None:
    """By the tombstone of before, of what happened again since; and maybe by one for the tombstone."""
    erasure = next(row for row in state.rows if row[KIND] == "erasure")
    state.contents[sha256(b'{"id":"b"}\n')] = None
    if random.random() < 0.5:
        state.contents[erasure[CONTENT]] = None
        data = canonical_json({"erased": [erasure[CONTENT], sha256(b'{"id":"b"}\n')]})
        state.contents[sha256(data)] = data
        state.rows.append([0, "erasure", erasure[2], None, None, None, sha256(data), None, ""])
        chained_anew(state.rows, len(state.rows) - 1)


def hidden_loss(state: State, random: Random) -> None:
    """A file of the snapshot is gone, and a sound entry of another kind has the snapshot's content."""
    snapshot = next(row for row in state.rows if row[KIND] == "snapshot")
    state.contents[sha256(random.choice((*FILES, DOCUMENT)))] = None
    row = list(random.choice(state.rows))
    row[CONTENT] = snapshot[CONTENT]
    index = random.choice((len(state.rows), state.rows.index(snapshot)))
    state.rows.insert(index, row)
    chained_anew(state.rows, index)


def other_head(state: State, random: Random) -> None:
    """Evidence that was signed beside another ledger than this is."""
    digest = random.choice((random.choice(state.rows)[DIGEST], f"sha256:{'0' * 64}"))
    number = random.randint(1, len(state.rows) + 3)
    first = Digest.parse(state.rows[0][DIGEST])
    data = evidence_with(LedgerHead(first=first, number=number, digest=Digest.parse(digest)))
    state.contents[sha256(data)] = data
    row = list(state.rows[5])
    row[CONTENT] = sha256(data)
    state.rows.append(row)
    chained_anew(state.rows, len(state.rows) - 1)


def several(state: State, random: Random) -> None:
    for mutate in random.choices(list(SINGLE.values()), k=random.randint(2, 4)):
        with suppress(ValueError, IndexError, StopIteration):  # where nothing is left to change
            mutate(state, random)


SINGLE: Mapping[str, Mutate] = {
    "changed rows": changed_row,
    "other numbers": renumbered_row,
    "rewritten rows": rewritten_row,
    "swapped rows": swapped_rows,
    "removed rows": removed_rows,
    "truncated": truncated,
    "inserted rows": inserted_row,
    "changed contents": changed_content,
    "swapped contents": swapped_contents,
    "removed contents": removed_content,
    "other contents": other_content,
    "forged tombstones": forged_tombstone,
    "used tombstones": erased_again,
    "hidden losses": hidden_loss,
    "other heads": other_head,
}
MUTATIONS: Mapping[str, Mutate] = {**SINGLE, "several": several}
