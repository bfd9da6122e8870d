"""`tetrad deploy` runs this: apply an environment, and wait until what its new identities need is ready."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import tetrad
from capacity import shortages
from controllers import Owned, OwnedByController, owned, said_of_owners
from desired import Desired
from drifted import added, changed_snapshots, drifted
from gathered import gather
from live import Live
from nodes import look
from objects.everything import objects_by_name
from objects.kubernetes import Object, Place
from policy_pack.checking import refuse_violations
from previews import compared_changes, counted, preview_lines
from readiness import awaited, is_ready
from scripts import ended
from waiting import wait

_FROM = "--stacks-from"
_LEASE = "tetrad-apply"
_WAITS_S = 300.0  # for another apply
_TRIES = 10  # to change an object that others change


class NotApplied(tetrad.TetradError):
    """Objects that somebody else applies are not there, or not as they should be."""

    exit_code = tetrad.ExitCode.REFUSED


def main(root: str, environment: str, how: str, *stacks: str) -> None:
    """`how` is up, preview, compare: a preview by the cluster alone, or check: whether somebody else has
    applied everything.

    In place of stacks, `--stacks-from FD` reads a JSON list of them, once everything is loaded that takes
    a while. Nothing is done where there is none.
    """
    given: Sequence[str] | None = stacks
    if stacks[:1] == (_FROM,):
        if how in ("up", "preview") and _has_pulumi():
            _engine()
        with os.fdopen(int(stacks[1]), encoding="utf-8") as told:
            given = json.loads(told.read() or "null")
    if given is not None:
        _provide(Path(root), environment, how, given)


def _provide(root: Path, environment: str, how: str, stacks: Sequence[str]) -> None:
    desired = gather(root, environment, stacks)
    live, wanted = Live(desired.cluster), objects_by_name(desired)
    refuse_violations(list(wanted.values()))
    there: Mapping[str, Object] = live.objects(wanted.values())
    controlled = owned(wanted, there)
    if how == "compare" or (how == "preview" and controlled):
        _compare(desired, wanted, there, controlled)
        return
    if how == "preview":
        _preview(desired, wanted, there)
        return
    if how == "check":
        _refuse_missing(desired, wanted, there)
    elif controlled:
        raise OwnedByController(controlled, environment)
    else:
        with _alone(desired, there) as lease:
            there = _up(desired, live, wanted, there, lease)
            _take_away(live, wanted, there)
    wait(live, [one for one in awaited(desired) if not is_ready(one, there)], _say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _say_step(step: object) -> None:
    _say(f"  {step}")


def _warn(message: str) -> None:
    _say(f"warning: {message}")


def _refuse_missing(
    desired: Desired, wanted: Mapping[str, Object], there: Mapping[str, Object]
) -> None:
    """With --no-apply: what is wanted is to be there by now."""
    place = Place.of(desired.environment, desired.cluster)
    lacking = [one for one in drifted(wanted, there, place) if one.drift != "extra"]
    if lacking:
        lines = [f"  {one.object}: {one.drift}" for one in lacking]
        name = desired.environment.name
        raise NotApplied(
            f"{name}: not everything that is merged is applied\n"
            + "\n".join(lines)
            + f"\n  help: let your controller apply what `tetrad render {name}` writes;"
            f" `tetrad drift {name}` shows each field"
        )


def _engine() -> ModuleType:
    """Pulumi is asked for only where something is applied."""
    if not _has_pulumi():
        raise tetrad.UsageError(
            "Pulumi's Python package is not installed\n  help: pip install 'tetrad[infra]'"
        )
    return import_module("engine")


def _has_pulumi() -> bool:
    return find_spec("pulumi") is not None


def _alone(desired: Desired, there: Mapping[str, Object]) -> tetrad.HeldLease:
    """Who applies from wherever it is: the next one takes the place of a machine that is gone."""
    cluster = desired.cluster
    is_new = f"Namespace/{cluster.namespace}" not in there
    return tetrad.HeldLease(
        cluster.context, cluster.namespace, _LEASE, is_new=is_new, waits_s=_WAITS_S, say=_warn
    )


def _up(
    desired: Desired,
    live: Live,
    wanted: Mapping[str, Object],
    there: Mapping[str, Object],
    lease: tetrad.HeldLease,
) -> Mapping[str, Object]:
    """Apply; what is there after that. Where nothing but snapshots comes and goes, the engine compares
    only these at first. It looks at every object only where one is not as it is wanted after that:
    edits by hand are rare, and looking takes longer than a change.
    """
    engine, began = _engine(), time.monotonic()
    steps: list[Any] = []
    place = Place.of(desired.environment, desired.cluster)
    only = changed_snapshots(wanted, there, place)
    is_placed = only and _all_run(desired, there)
    capacity = None if is_placed else look(desired.cluster, _warn)
    ways: list[dict[str, Any]] = [{"refresh": False}, {"refresh": True}]
    for way in [{"only": only}, *ways] if only else ways:
        try:
            steps += engine.up(desired, capacity, _say_step, _warn, is_gone=lease.is_gone, **way)
        except engine.ApplyFailed:
            if way == ways[-1]:
                raise
            continue
        there = live.objects(wanted.values())
        is_left = "only" in way and changed_snapshots(wanted, there, place)
        if not is_left and not _is_edited(wanted, there, place):
            break
    told = counted(Counter(step.change for step in steps), "created", "updated", "deleted")
    _say(f"{desired.environment.name}: {told} in {time.monotonic() - began:.1f} s")
    return there


def _all_run(desired: Desired, there: Mapping[str, Object]) -> bool:
    """Whether all model servers have their pods already: then none looks for a place."""
    deployments = [there.get(f"Deployment/{model.name}", {}) for model in desired.models]
    return all(
        one.get("status", {}).get("availableReplicas", 0) >= model.hosting.replicas.min
        for model, one in zip(desired.models, deployments, strict=True)
    )


def _is_edited(wanted: Mapping[str, Object], there: Mapping[str, Object], place: Place) -> bool:
    """Whether an object lacks, or a field that is wanted is otherwise."""
    found = drifted(wanted, there, place)
    return any(
        one.drift == "missing" or any(field.before is not None for field in one.fields)
        for one in found
    )


def _take_away(live: Live, wanted: Mapping[str, Object], there: Mapping[str, Object]) -> None:
    """What somebody added to objects by hand: the engine puts right only what it knows of."""
    for name, obj in wanted.items():
        if pointers := _added_last_first(obj, there[name]):
            _remove(live, obj, there[name], pointers)
            _say(f"  ~ {name}: without {', '.join(pointers)}, which somebody added")


def _remove(live: Live, obj: Object, found: Object, pointers: Sequence[str]) -> None:
    """Controllers write the status of an object at any moment: it is read again then."""
    left = _TRIES
    while pointers:
        try:
            live.remove(found, pointers)
        except tetrad.ClusterConflict:
            left -= 1
            if not left:
                raise
        else:
            return
        now = live.named(found["apiVersion"], found["kind"], found["metadata"]["name"])
        if now is None:
            return
        found, pointers = now, _added_last_first(obj, now)


def _added_last_first(obj: Object, found: Object) -> list[str]:
    """The last of a list first, so that the places of the others stay."""
    return sorted({one.pointer for one in added(obj, found)}, key=_places, reverse=True)


def _places(pointer: str) -> list[tuple[bool, int, str]]:
    return [
        (part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in pointer.split("/")
    ]


def _preview(desired: Desired, wanted: Mapping[str, Object], there: Mapping[str, Object]) -> None:
    steps = _engine().preview(desired, look(desired.cluster, _warn), _warn)
    changes = [(step.change, step.object) for step in steps]
    _show(preview_lines(desired, changes, wanted, there))


def _compare(
    desired: Desired,
    wanted: Mapping[str, Object],
    there: Mapping[str, Object],
    controlled: Sequence[Owned],
) -> None:
    """A preview that asks the cluster alone, not Pulumi: whoever applies it, reading is enough."""
    capacity = look(desired.cluster, _warn)
    for shortage in () if capacity is None else shortages(desired.models, capacity):
        _warn(str(shortage))
    changes = compared_changes(wanted, there, Place.of(desired.environment, desired.cluster))
    lines = [*preview_lines(desired, changes, wanted, there)]
    _show([*lines, *said_of_owners(controlled, desired.environment.name)])


def _show(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(ended(main))
