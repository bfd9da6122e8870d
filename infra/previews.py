"""What a preview says: what would become of each object, and what the model servers cost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controllers import owned
from costs import costs, total
from desired import Desired
from drifted import drifted, is_applied_by_pulumi
from fields import field_changes, within
from objects.kubernetes import Object, Place

SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}
_SHOWN_FIELDS = 3


def compared_changes(
    wanted: Mapping[str, Object], there: Mapping[str, Object], place: Place
) -> Iterator[tuple[str, str]]:
    """What whoever applies the objects makes of them, each with its change, by the objects alone. Fields
    that others set stay, and so does what nobody applied.
    """
    for one in drifted(wanted, there, place):
        if one.drift == "missing":
            yield "create", one.object
        elif one.drift == "changed":
            if any(field.before is not None for field in one.fields):
                yield "update", one.object
        elif owned([one.object], there) or is_applied_by_pulumi(there[one.object]):
            yield "delete", one.object


def preview_lines(
    desired: Desired,
    changes: Iterable[tuple[str, str]],
    wanted: Mapping[str, Object],
    there: Mapping[str, Object],
) -> Iterator[str]:
    changes = list(changes)
    words = ("to create", "to update", "to delete")
    yield f"{desired.environment.name}: {counted(Counter(change for change, _ in changes), *words)}"
    for change, name in changes:
        yield f"  {SIGNS[change]} {name}"
        for line in _fields(wanted.get(name), there.get(name)):
            yield f"      {line}"
    priced = costs(desired.models, desired.cluster)
    monthly = total(priced)
    yield f"model servers: ${monthly.min:,.2f} per month, at most ${monthly.max:,.2f}"
    if unpriced := sorted({name for one in priced for name in one.unpriced}):
        yield f"  no price for {', '.join(unpriced)}: write kubernetes.usd_per_hour"


def counted(counts: Mapping[str, int], *words: str) -> str:
    names = ("create", "update", "delete")
    told: Sequence[str] = [
        f"{counts[name] + (counts.get('replace', 0) if name == 'update' else 0)} {word}"
        for name, word in zip(names, words, strict=True)
        if counts.get(name) or (name == "update" and counts.get("replace"))
    ]
    return ", ".join(told) or "no changes"


def _fields(wanted: Any, there: Any) -> Iterator[str]:
    """What of an object that is there would change."""
    if wanted is None or there is None:
        return
    changes = list(field_changes(within(there, wanted), wanted))
    for one in changes[:_SHOWN_FIELDS]:
        yield f"{one.path}: {_short(one.before)} → {_short(one.after)}"
    if len(changes) > _SHOWN_FIELDS:
        yield f"… and {len(changes) - _SHOWN_FIELDS} more"


def _short(value: str | None) -> str:
    if value is None:
        return "absent"
    text = " ".join(value.split())
    return text if len(text) <= 60 else f"{text[:59]}…"
