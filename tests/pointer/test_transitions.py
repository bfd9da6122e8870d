"""How one pointer follows another: what each change means, and what holds whatever is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointing import NOW, STACK, identity, served

from tetrad.canonical import digest_bytes
from tetrad.errors import UsageError
from tetrad.model.serving import Access, Retain, RolloutPlan, Serving, UseLimits
from tetrad.pointer import Pointer, StackPointer
from tetrad.pointer.pointer_json import read_pointer, write_pointer
from tetrad.pointer.transitions import (
    Act,
    Merged,
    Wanted,
    aborted,
    advanced,
    deployed,
    moved_last,
    released,
    rolled_back,
)

OTHER = "stacks/other"
SLOWLY = (5.0, 25.0, 100.0)


def act(minute: int = 0, reason: str = "") -> Act:
    return Act(at=NOW + timedelta(minutes=minute), by="deploy", reason=reason)


def wanted(name: str, *steps: float) -> Wanted:
    plan = RolloutPlan(steps=steps or (100.0,))
    return Wanted(
        identity=identity(name),
        snapshot=digest_bytes(f"snapshot of {name}".encode()),
        commit=name[0] * 40,
        serving=Serving(environments=("production",), rollout=plan),
    )


def merged(name: str, *steps: float, **changes: Any) -> Merged:
    said = {
        "environment": "production",
        "commit": name[0] * 40,
        "stacks": {STACK: wanted(name, *steps)},
        "retain": Retain(identities=2),
    }
    return Merged(**{**said, **changes})


def after(*names: str) -> Pointer:
    """What serves after identities were deployed at once, one after the other."""
    current: Pointer | None = None
    for number, name in enumerate(names):
        current = deployed(current, merged(name), act(number))
    assert current is not None
    return current


def changed(found: Pointer | None) -> Pointer:
    assert found is not None
    return found


def of(found: Pointer | None) -> tuple[str, str, str, str]:
    """Live, rolling out, warm and withdrawn, by their names."""
    assert found is not None
    stack = found.stacks[STACK]
    names = {identity(name): name for name in "abcdefgh"}
    return (
        names[stack.live.identity],
        names[stack.rollout.to.identity] if stack.rollout else "",
        "".join(names[s.identity] for s in stack.warm),
        "".join(names[w.identity] for w in stack.withdrawn),
    )


def test_the_first_identity_is_live_at_once_whatever_its_plan() -> None:
    first = changed(deployed(None, merged("a", *SLOWLY), act()))

    assert of(first) == ("a", "", "", "")
    assert (first.number, first.change.kind, first.change.stacks) == (1, "deploy", (STACK,))
    assert first.stacks[STACK].live == served("a")


def test_one_step_to_all_is_live_at_once_and_the_earlier_one_warm() -> None:
    assert of(after("a", "b", "c")) == ("c", "", "ba", "")
    assert of(after("a", "b", "c", "d")) == ("d", "", "cb", "")
    assert of(after("a", "b", "a")) == ("a", "", "b", "")


def test_a_rollout_goes_by_the_steps_of_the_new_identitys_plan() -> None:
    begun = changed(deployed(after("a"), merged("b", *SLOWLY), act(1)))
    second = advanced(begun, STACK, act(2))
    finished = advanced(second, STACK, act(3))

    assert of(begun) == of(second) == ("a", "b", "", "")
    shares = [p.stacks[STACK].rollout.percent for p in (begun, second)]  # type: ignore[union-attr]
    assert shares == [5.0, 25.0]
    assert of(finished) == ("b", "", "a", "")
    assert finished.stacks[STACK].serving.rollout.steps == SLOWLY
    kinds = [p.change.kind for p in (begun, second, finished)]
    assert kinds == ["deploy", "step", "finish"]


def test_what_serves_already_changes_nothing() -> None:
    assert deployed(after("a"), merged("a", commit="f" * 40), act(1)) is None
    begun = deployed(after("a"), merged("b", *SLOWLY), act(1))
    assert deployed(begun, merged("b", *SLOWLY), act(2)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"access": Access(limits=UseLimits(usd_per_day=5.0))},
        {"retain": Retain(identities=1)},
        {"stacks": {STACK: replace(wanted("b"), serving=Serving(cache_s=60.0))}},
        {"stacks": {STACK: replace(wanted("b"), snapshot=identity("again"))}},
    ],
    ids=["access", "retain", "serving", "snapshot"],
)
def test_what_leaves_the_identities_only_configures(changes: dict[str, Any]) -> None:
    configured = changed(deployed(after("a", "b"), merged("b", **changes), act(5)))

    assert (configured.change.kind, configured.change.stacks) == ("configure", ())
    assert of(configured) == ("b", "", "a", "")
    assert configured.stacks[STACK].live.since == NOW + timedelta(minutes=1)


def test_another_identity_in_the_middle_of_a_rollout_begins_its_own() -> None:
    second = advanced(changed(deployed(after("a"), merged("b", *SLOWLY), act(1))), STACK, act(2))
    third = changed(deployed(second, merged("c", *SLOWLY), act(3)))

    assert of(third) == ("a", "c", "", "")
    assert third.stacks[STACK].rollout.percent == 5.0  # type: ignore[union-attr]


def test_a_merged_state_that_names_the_live_identity_again_ends_a_rollout() -> None:
    begun = deployed(after("a"), merged("b", *SLOWLY), act(1))

    assert of(deployed(begun, merged("a"), act(2))) == ("a", "", "", "")


@pytest.mark.parametrize(
    ("steps", "share"),
    [((10.0, 20.0, 50.0, 100.0), 20.0), ((30.0, 100.0), 30.0), ((25.0, 100.0), 25.0)],
)
def test_another_plan_goes_on_at_no_higher_a_share_where_it_can(
    steps: Sequence[float], share: float
) -> None:
    second = advanced(changed(deployed(after("a"), merged("b", *SLOWLY), act(1))), STACK, act(2))
    replanned = changed(deployed(second, merged("b", *steps), act(3)))

    assert replanned.change.kind == "configure"
    assert replanned.stacks[STACK].rollout.percent == share  # type: ignore[union-attr]


def test_a_plan_without_steps_finishes_a_rollout() -> None:
    begun = deployed(after("a"), merged("b", *SLOWLY), act(1))

    assert of(deployed(begun, merged("b"), act(2))) == ("b", "", "a", "")


def test_an_aborted_rollout_gives_all_traffic_back_and_withdraws_the_new_identity() -> None:
    begun = changed(deployed(after("a"), merged("b", *SLOWLY), act(1)))
    over = aborted(begun, STACK, act(2, "error_rate 0.10, limit 0.02"))

    assert of(over) == ("a", "", "", "b")
    (withdrawal,) = over.stacks[STACK].withdrawn
    assert (withdrawal.reason, withdrawal.by) == ("error_rate 0.10, limit 0.02", "deploy")
    assert withdrawal.commit == "b" * 40
    assert over.change.kind == "abort"


@pytest.mark.parametrize(
    ("before", "to", "expected"),
    [
        (after("a", "b", "c"), None, ("b", "", "a", "c")),
        (after("a", "b", "c"), "a", ("a", "", "b", "c")),
        (after("a", "b", "c", "d"), "a", ("a", "", "cb", "d")),  # no longer warm
        (deployed(after("a"), merged("b", *SLOWLY), act(1)), None, ("a", "", "", "b")),
        (deployed(after("a"), merged("b", *SLOWLY), act(1)), "a", ("a", "", "", "b")),
        (deployed(after("a", "b"), merged("c", *SLOWLY), act(2)), "a", ("a", "", "", "cb")),
    ],
    ids=["previous", "named", "cold", "rollout", "rollout to live", "rollout to warm"],
)
def test_a_rollback_withdraws_what_it_leaves(
    before: Pointer, to: str | None, expected: tuple[str, ...]
) -> None:
    back = rolled_back(before, {STACK: served(to) if to else None}, act(9, "rude"))

    assert sorted(of(back)[3]) == sorted(expected[3])
    assert of(back)[:3] == expected[:3]
    assert back.change.kind == "rollback"


def test_a_rollback_goes_back_further_where_more_is_warm_and_then_no_further() -> None:
    first = rolled_back(after("a", "b", "c"), {STACK: None}, act(7))
    second = rolled_back(first, {STACK: None}, act(8))

    assert of(second) == ("a", "", "", "bc")
    with pytest.raises(UsageError, match="no earlier identity that is warm"):
        rolled_back(second, {STACK: None}, act(9))


@pytest.mark.parametrize(
    ("to", "message"),
    [("c", "is withdrawn from production: withdrawn on .*: rude"), ("b", "answers .* already")],
)
def test_a_rollback_to_where_it_cannot_go_is_refused(to: str, message: str) -> None:
    back = rolled_back(after("a", "b", "c"), {STACK: None}, act(8, "rude"))

    with pytest.raises(UsageError, match=message):
        rolled_back(back, {STACK: served(to)}, act(9))


def test_a_rollback_to_what_is_being_rolled_out_is_refused() -> None:
    begun = changed(deployed(after("a"), merged("b", *SLOWLY), act(1)))

    with pytest.raises(UsageError, match="is being rolled out"):
        rolled_back(begun, {STACK: served("b")}, act(2))


def test_no_later_deploy_brings_a_withdrawn_identity_back() -> None:
    back = rolled_back(after("a", "b"), {STACK: None}, act(5))

    assert deployed(back, merged("b", commit="f" * 40), act(6)) is None
    assert of(back) == ("a", "", "", "b")


@pytest.mark.parametrize("name", ["a", "c"])
def test_a_withdrawal_ends_where_the_merged_state_names_another_identity(name: str) -> None:
    back = rolled_back(after("a", "b"), {STACK: None}, act(5))
    reverted = changed(deployed(back, merged(name), act(6)))
    again = deployed(reverted, merged("b"), act(7))

    assert reverted.stacks[STACK].withdrawn == ()
    assert reverted.change.stacks == (STACK,)
    assert of(again)[0] == "b"


def test_a_release_ends_a_withdrawal() -> None:
    back = rolled_back(after("a", "b"), {STACK: None}, act(5))
    free = released(back, STACK, act(6))

    assert of(free) == ("a", "", "", "")
    assert of(deployed(free, merged("b"), act(7)))[0] == "b"
    with pytest.raises(UsageError, match="no identity of stacks/triage is withdrawn"):
        released(free, STACK, act(8))


def test_what_the_merged_state_has_no_longer_serves_no_longer() -> None:
    both = changed(
        deployed(None, merged("a", stacks={STACK: wanted("a"), OTHER: wanted("b")}), act())
    )
    one = changed(deployed(both, merged("a"), act(1)))

    assert one.stacks.keys() == {STACK}
    assert one.change.stacks == (OTHER,)


def test_of_several_stacks_only_those_named_move() -> None:
    both = deployed(None, merged("a", stacks={STACK: wanted("a"), OTHER: wanted("b")}), act())
    state = merged("c", stacks={STACK: wanted("c")})
    moved = changed(deployed(both, state, act(1), only=[STACK]))

    assert moved.stacks[OTHER] == changed(both).stacks[OTHER]
    assert of(moved)[0] == "c"
    assert moved.change.stacks == (STACK,)


def test_the_stacks_that_moved_last_are_those_that_still_have_what_was_brought() -> None:
    def both(one: str, two: str) -> Merged:
        return merged(one, stacks={STACK: wanted(one), OTHER: wanted(two)})

    history = [changed(deployed(None, both("a", "b"), act()))]
    for state in (both("a", "c"), both("d", "e"), both("d", "e")):
        following = deployed(history[0], state, act(1))
        history = [following, *history] if following else history

    assert set(moved_last(history)) == {STACK, OTHER}
    assert moved_last(history[1:]) == (OTHER,)
    back = rolled_back(history[0], {OTHER: None}, act(2))
    assert moved_last([back, *history]) == (STACK,)
    assert moved_last([rolled_back(back, {STACK: None}, act(3)), back, *history]) == ()


@pytest.mark.parametrize("change", [advanced, aborted])
def test_without_a_rollout_there_is_nothing_to_continue_or_abort(change: Any) -> None:
    with pytest.raises(UsageError, match="stacks/triage has no rollout in production"):
        change(after("a"), STACK, act(1))
    with pytest.raises(UsageError, match="stacks/other does not serve production"):
        change(after("a"), OTHER, act(1))


def test_time_does_not_go_back_where_a_clock_does() -> None:
    back = rolled_back(after("a", "b"), {STACK: None}, act(-60))

    assert back.at == NOW + timedelta(minutes=1)


# -- whatever is done

NAMES = "abcde"
STEPS = st.sampled_from([(100.0,), (50.0, 100.0), SLOWLY])
MOVES = st.one_of(
    st.tuples(st.just("deploy"), st.sampled_from(NAMES), STEPS, st.integers(0, 3)),
    st.sampled_from([("advance",), ("abort",), ("rollback",), ("release",)]),
    st.tuples(st.just("rollback"), st.sampled_from(NAMES)),
)


def moved(before: Pointer | None, move: tuple[Any, ...]) -> Pointer | None:
    """The next pointer; the same where the move is refused."""
    now = act((before.number if before else 0) + 1)
    if move[0] == "deploy":
        _, name, steps, retained = move
        state = merged(name, *steps, retain=Retain(identities=retained))
        return deployed(before, state, now) or before
    if before is None:
        return None
    named = {STACK: served(move[1]) if len(move) > 1 else None}
    changes: dict[str, Callable[[], Pointer]] = {
        "advance": lambda: advanced(before, STACK, now),
        "abort": lambda: aborted(before, STACK, now),
        "release": lambda: released(before, STACK, now),
        "rollback": lambda: rolled_back(before, named, now),
    }
    try:
        return changes[move[0]]()
    except UsageError:
        return before


def check(before: StackPointer | None, now: StackPointer, retain: Retain) -> None:
    answering = [s.identity for s in now.answering]
    warm = [s.identity for s in now.warm]
    withdrawn = [w.identity for w in now.withdrawn]
    together = [*answering, *warm, *withdrawn]
    assert len(set(together)) == len(together), "an identity is one thing at a time"
    assert len(warm) <= retain.identities
    if now.rollout is not None:
        assert 0 < now.rollout.percent < 100
        assert now.live.identity != now.rollout.to.identity
    if before is not None:
        ended = {w.identity for w in before.withdrawn} - set(withdrawn)
        assert not ended & set(warm)


@given(st.lists(MOVES, max_size=12))
def test_whatever_is_done_a_withdrawn_identity_does_not_answer(
    moves: Sequence[tuple[Any, ...]],
) -> None:
    current: Pointer | None = None
    for move in moves:
        before, current = current, moved(current, move)
        if current is None or current == before:
            continue
        assert current.number == (before.number + 1 if before else 1)
        assert before is None or current.at >= before.at
        was = before.stacks[STACK] if before else None
        check(was, current.stacks[STACK], current.retain)
        assert read_pointer(write_pointer(current)) == current


@given(st.text(min_size=1), st.floats(0, 100), st.floats(0, 100), st.sampled_from([(1.0,), (7.0,)]))
def test_a_user_moves_to_the_new_identity_once_and_stays(
    key: str, one: float, two: float, first: tuple[float, ...]
) -> None:
    low, high = sorted((one, two))

    def chosen(share: float) -> str:
        plan = (*first, 99.0, 100.0)
        begun = changed(deployed(after("a"), merged("b", *plan), act(1)))
        stack = begun.stacks[STACK]
        assert stack.rollout is not None
        at_share = replace(
            stack.rollout, serving=Serving(rollout=RolloutPlan(steps=(share, 100.0)))
        )
        return str(replace(stack, rollout=at_share).chosen(key).identity)

    if chosen(low) == str(identity("b")):
        assert chosen(high) == str(identity("b"))


@pytest.mark.parametrize("share", [1.0, 25.0, 50.0, 99.0])
def test_users_are_shared_out_as_the_rollout_says(share: float) -> None:
    begun = changed(deployed(after("a"), merged("b", share, 100.0), act(1)))
    stack = begun.stacks[STACK]
    count = 4_000
    new = sum(stack.chosen(f"user {n}").identity == identity("b") for n in range(count))

    assert abs(new / count * 100 - share) < 3
