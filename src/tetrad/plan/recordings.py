"""Whether recorded calls of tools are those of another case under other names. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tetrad.canonical import Json, canonical_json
from tetrad.model import RecordedCall, Tool

Tools = Mapping[str, Tool]  # by the name that a model calls
_Pair = tuple[RecordedCall, RecordedCall]


def recorded_otherwise(
    before: Sequence[RecordedCall], after: Sequence[RecordedCall], old: Tools, new: Tools
) -> Iterator[str]:
    """The tools whose calls `after` records otherwise than `before`, with more than other names.

    The same calls come in the same order, each with the answer that it had and with the values of its
    arguments: under the names that the tool still takes, the others under new ones. A call may take more
    arguments, or fewer if the tool takes fewer. Where no tool came, those of one that went need none.
    """
    lost = lost_calls(before, after, old, new)
    taken = _without(after, before)
    if len(lost) != len(taken):
        yield from dict.fromkeys(call.tool for call in (taken if len(taken) > len(lost) else lost))
        return
    pairs = list(zip(lost, taken, strict=True))
    for name in dict.fromkeys(now.tool for _, now in pairs):
        named = {was.tool for was, now in pairs if now.tool == name}
        of_it = [(was, now) for was, now in pairs if was.tool in named or now.tool == name]
        if not _is_renamed(of_it, old, new) or not _has_its_answers(of_it, new.get(name)):
            yield name


def lost_calls(
    before: Sequence[RecordedCall], after: Sequence[RecordedCall], old: Tools, new: Tools
) -> list[RecordedCall]:
    """The calls that are not recorded any more, but for those of tools that are gone without another."""
    lost = _without(before, after)
    if new.keys() - old.keys():
        return lost
    return [call for call in lost if call.tool in new]


def _without(calls: Sequence[RecordedCall], others: Sequence[RecordedCall]) -> list[RecordedCall]:
    left_out = {(asked_of(call), _answer(call)) for call in others}
    return [call for call in calls if (asked_of(call), _answer(call)) not in left_out]


def asked_of(recorded: RecordedCall) -> tuple[str, bytes]:
    """What a recorded call answers: a tool, with its arguments in canonical JSON."""
    return recorded.tool, canonical_json(recorded.arguments)


def _is_renamed(pairs: Sequence[_Pair], old: Tools, new: Tools) -> bool:
    """Whether they are the calls of one tool, that kept its name or has one that is new."""
    names = {(was.tool, now.tool) for was, now in pairs}
    return len(names) == 1 and all(
        was == now or (was not in new and now not in old) for was, now in names
    )


def _has_its_answers(pairs: Sequence[_Pair], tool: Tool | None) -> bool:
    if any(_answer(was) != _answer(now) for was, now in pairs):
        return False
    if any((was.arguments is None) != (now.arguments is None) for was, now in pairs):
        return False
    before = _columns(was.arguments or {} for was, _ in pairs)
    after = _columns(now.arguments or {} for _, now in pairs)
    gone, came = before.keys() - after.keys(), after.keys() - before.keys()
    if any(before[name] != after[name] for name in before.keys() & after.keys()):
        return False
    if gone & _declared(tool):
        return False
    if not gone or not came:
        return True
    return Counter(before[name] for name in gone) == Counter(after[name] for name in came)


def _declared(tool: Tool | None) -> frozenset[str]:
    properties = tool.input_schema.get("properties") if tool else None
    return frozenset(properties if isinstance(properties, Mapping) else ())


def _columns(calls: Iterable[Mapping[str, Json]]) -> dict[str, tuple[bytes | None, ...]]:
    """The values of each argument, call by call; None where one leaves it out."""
    rows = list(calls)
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: tuple(canonical_json(row[name]) if name in row else None for row in rows)
        for name in names
    }


def _answer(recorded: RecordedCall) -> tuple[bytes, str | None]:
    return canonical_json(recorded.result), recorded.error
