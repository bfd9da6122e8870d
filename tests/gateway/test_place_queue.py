"""Places: never more than the limits, nobody left waiting for a free one, no queue too long."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tetrad.gateway.limiting.place_queue import (
    PlaceQueue,
    PlaceRequest,
    Places,
    QueueFull,
    WaitedTooLong,
)
from tetrad.model.serving import Queue

LIMITS = {"environment": 4, "stack a": 2, "stack b": 3, "client x": 2, "client y": None}
SIZE = 3


class Crowd(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.places = Places()
        self.inside: list[PlaceRequest] = []
        self.outside: list[PlaceRequest] = []

    @rule(stack=st.sampled_from("ab"), client=st.sampled_from("xy"))
    def come(self, stack: str, client: str) -> None:
        names = ("environment", f"stack {stack}", f"client {client}")
        ticket = PlaceRequest(limits={name: LIMITS[name] for name in names}, queue=stack, size=SIZE)
        waiting = sum(other.queue == stack for other in self.outside)
        match self.places.ask(ticket):
            case "in":
                self.inside.append(ticket)
            case "waits":
                self.outside.append(ticket)
            case "full":
                assert waiting == SIZE
                assert not self.has_room(ticket)

    @rule(which=st.integers(0, 10))
    def go(self, which: int) -> None:
        if self.inside:
            for admitted in self.places.leave(self.inside.pop(which % len(self.inside))):
                self.outside.remove(admitted)
                self.inside.append(admitted)

    @rule(which=st.integers(0, 10))
    def give_up(self, which: int) -> None:
        if self.outside:
            self.places.give_up(self.outside.pop(which % len(self.outside)))

    def has_room(self, ticket: PlaceRequest) -> bool:
        taken = Counter(name for inside in self.inside for name in inside.limits)
        return all(limit is None or taken[name] < limit for name, limit in ticket.limits.items())

    @invariant()
    def nobody_is_inside_beyond_a_limit(self) -> None:
        taken = Counter(name for ticket in self.inside for name in ticket.limits)
        assert all(limit is None or taken[name] <= limit for name, limit in LIMITS.items())
        assert all(self.places.taken(name) == taken[name] for name in LIMITS)

    @invariant()
    def nobody_waits_where_there_is_room(self) -> None:
        assert not any(map(self.has_room, self.outside))
        assert self.places.waiting("a") + self.places.waiting("b") == len(self.outside)


TestCrowd = Crowd.TestCase
TestCrowd.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_who_waits_is_let_in_in_order_refused_or_gone() -> None:
    async def live() -> list[str]:
        queue, told = PlaceQueue(), list[str]()
        free = asyncio.Event()

        async def ask(name: str, deadline_s: float, until: asyncio.Event | None = None) -> None:
            try:
                async with queue.place("a", Queue(size=3, deadline_s=deadline_s), {"stack a": 1}):
                    told.append(name)
                    if until is not None:
                        await until.wait()
            except QueueFull:
                told.append(f"{name} full")
            except WaitedTooLong:
                told.append(f"{name} late")

        async with asyncio.TaskGroup() as group:
            group.create_task(ask("first", 60, free))
            await asyncio.sleep(0)
            hasty = group.create_task(ask("hasty", 0.01))
            leaving = group.create_task(ask("leaving", 60))
            group.create_task(ask("second", 60))
            await asyncio.sleep(0)
            await ask("surplus", 60)
            leaving.cancel()
            await hasty
            free.set()
        assert queue.places.taken("stack a") == 0
        return told

    assert asyncio.run(live()) == ["first", "surplus full", "hasty late", "second"]


@pytest.mark.parametrize("size", [0, 1])
def test_a_place_that_fails_is_free_again(size: int) -> None:
    async def live() -> int:
        queue = PlaceQueue()
        with pytest.raises(RuntimeError):
            async with queue.place("a", Queue(size=size), {"stack a": 1}):
                raise RuntimeError
        async with queue.place("a", Queue(size=size), {"stack a": 1}):
            return queue.places.taken("stack a")

    assert asyncio.run(live()) == 1
