"""Waiting until what the new identities need is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from live import Live
from readiness import Awaited, NotReady, problems, ready_pods, wanted_pods

_LOOKS_S = (0.5, 5.0)  # between two looks: the first, and the longest
_NOTE_S = 30.0


def wait(live: Live, everything: Sequence[Awaited], say: Callable[[str], None]) -> None:
    """Return when all are ready; NotReady with what Kubernetes says of one that will not be."""
    began, noted = time.monotonic(), 0.0
    since: dict[tuple[str, str], float] = {}  # when a problem was first seen
    pause, told = _LOOKS_S[0], ""
    while True:
        now = time.monotonic()
        behind = [line for one in everything if (line := _look(live, one, now, began, since))]
        if not behind:
            return
        text = "; ".join(behind)
        if text != told or now - noted >= _NOTE_S:
            say(f"waiting for {text}")
            told, noted = text, now
        time.sleep(pause)
        pause = min(pause * 1.3, _LOOKS_S[1])


def _look(
    live: Live, one: Awaited, now: float, began: float, since: dict[tuple[str, str], float]
) -> str:
    """What is still to come of a workload; nothing of one that is ready."""
    obj = live.named(one.api_version, one.kind, one.name)
    if obj is None:
        raise NotReady(_said(one, "somebody deleted it"))
    ready, wanted = ready_pods(one, obj), wanted_pods(one, obj)
    if ready >= wanted:
        return ""
    found = list(problems(one, obj, live.pods(one.selector)))
    for problem in found:
        first = since.setdefault((one.name, problem.text), now)
        if now - first >= problem.patience_s:
            raise NotReady(_said(one, problem.text))
    if now - began >= one.within_s:
        told = "; ".join(problem.text for problem in found) or "Kubernetes names no reason"
        raise NotReady(_said(one, f"not ready after {one.within_s:.0f} s: {told}"))
    why = f" ({found[0].text})" if found else ""
    return f"{one.name} ({one.what}), {ready} of {wanted} ready{why}"


def _said(one: Awaited, why: str) -> str:
    return (
        f"{one.name} ({one.what}) does not become ready:\n  {why}"
        "\n  help: no traffic moved; deploy again when that is repaired"
    )
