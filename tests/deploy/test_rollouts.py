"""Rollouts as commands drive them, with gateways that follow and count, on both kinds of registry."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread

import pytest
from deployments import (
    REF,
    Follower,
    deployable_tree,
    improve,
    key_of,
    place_of,
    pointer_of,
    serve,
    store_of,
)
from pointing import gateway
from trees import Tree

from tetrad.deploy import acknowledging
from tetrad.deploy.acknowledging import acknowledged
from tetrad.errors import NotAcknowledged
from tetrad.identity import short, written_identity
from tetrad.loading.environments import environment_named
from tetrad.pointer import Deployers, Figures, Pointer
from tetrad.registry import Place, PostgresAddress

SLOWLY = {"steps": [5, 50, 100], "min_requests": 20, "abort_if": {"error_rate": 0.02}}


@pytest.fixture
def tree(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """What serves already, and another identity that is merged and not yet deployed."""
    named = place.url if isinstance(place, PostgresAddress) else str(place)
    monkeypatch.setenv("TETRAD_REGISTRY", named)
    made = deployable_tree(tmp_path)
    assert deploy(made) == 0
    serve(made, rollout=SLOWLY)
    improve(made)
    return made


def deploy(tree: Tree, *options: str) -> int:
    return tree.tetrad("deploy", "production", *options, *key_of(tree))


def go_on(tree: Tree) -> int:
    return tree.tetrad("rollout", "continue", "production", "feedback", *key_of(tree))


@contextmanager
def started(tree: Tree, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own; ended at the end."""
    command = [sys.executable, "-m", "tetrad", "--root", str(tree.root), *arguments, *key_of(tree)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()


class Counting:
    """What a gateway counts of the identity that is being rolled out: more each time it is asked."""

    def __init__(self, *, errors: int = 0) -> None:
        self._errors = errors
        self._asked = count(1)

    def __call__(self, pointer: Pointer) -> Mapping[str, Figures]:
        rollout = pointer.stacks[REF].rollout
        if rollout is None:
            return {}
        asked = next(self._asked)
        figures = Figures(
            requests=10 * asked, errors=self._errors * asked, latency_ms={"50": 10 * asked}
        )
        return {written_identity(rollout.to.identity): figures}


@contextmanager
def following(tree: Tree, *counting: Counting) -> Iterator[None]:
    """A gateway for each, which counts so."""
    deployers = Deployers.of(environment_named(tree.root, "production"))
    if not counting:
        yield
        return
    first, *others = counting
    with (
        Follower(place_of(tree), deployers, f"g{len(others)}", first),
        following(tree, *others),
    ):
        yield


def kinds(tree: Tree) -> Sequence[str]:
    with store_of(tree) as store:
        return [pointer.change.kind for pointer in store.history()][::-1]


def wait_for(tree: Tree, number: int) -> Pointer:
    while True:
        pointer = pointer_of(tree)
        if pointer.number >= number:
            return pointer
        time.sleep(0.02)


def test_a_rollout_goes_step_by_step_to_its_end(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    with following(tree, Counting(), Counting()):
        assert deploy(tree) == 0

    stack = pointer_of(tree).stacks[REF]
    name = f"{REF} ({short(stack.live.identity)})"
    out, err = capsys.readouterr()
    assert kinds(tree) == ["deploy", "deploy", "step", "finish"]
    assert out.endswith(f"{name}: finished\n")
    assert re.search(rf"{re.escape(name)} at 5 %: [0-9]+ requests, 0 errors, p95 [0-9]+ ms\n", err)
    assert f"{name} at 50 %\n" in err
    assert "2 gateways followed within" in err


def test_a_limit_that_is_exceeded_gives_all_traffic_back(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pointer_of(tree).stacks[REF].live
    with following(tree, Counting(), Counting(errors=3)):
        assert deploy(tree) == 1

    stack = pointer_of(tree).stacks[REF]
    assert kinds(tree) == ["deploy", "deploy", "abort"]
    assert (stack.live, stack.rollout) == (before, None)
    told = r"aborted: withdrawn on .* by deploy: error_rate is 0\.\d+, the limit 0\.02 \(\d+ requests\)"
    assert re.search(told, capsys.readouterr().out)
    assert deploy(tree) == 1
    assert tree.tetrad("release", "production", "feedback", *key_of(tree)) == 0
    with following(tree, Counting()):
        assert deploy(tree) == 0


def test_a_killed_deploy_is_taken_on_by_the_next_one(tree: Tree) -> None:
    with started(tree, "deploy", "production") as process:
        pointer = wait_for(tree, 2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert pointer.stacks[REF].rollout is not None

    with following(tree, Counting()):
        assert deploy(tree) == 0
    assert kinds(tree) == ["deploy", "deploy", "step", "finish"]


def test_a_rollout_that_was_left_at_its_first_step_is_continued(tree: Tree) -> None:
    assert deploy(tree, "--no-wait") == 0
    assert kinds(tree) == ["deploy", "deploy"]

    with following(tree, Counting()):
        assert go_on(tree) == 0
    assert kinds(tree) == ["deploy", "deploy", "step", "finish"]
    assert go_on(tree) == 2


def test_two_who_drive_one_rollout_take_each_step_once(tree: Tree) -> None:
    deploy(tree, "--no-wait")
    codes: list[int] = []
    with following(tree, Counting()):
        drivers = [Thread(target=lambda: codes.append(go_on(tree))) for _ in range(2)]
        for driver in drivers:
            driver.start()
        for driver in drivers:
            driver.join()

    assert codes == [0, 0]
    assert kinds(tree) == ["deploy", "deploy", "step", "finish"]


def test_a_rollback_in_the_middle_ends_the_rollout_for_who_drives_it(tree: Tree) -> None:
    with started(tree, "deploy", "production") as process:
        wait_for(tree, 2)
        assert tree.tetrad("rollback", "production", "--reason", "rude", *key_of(tree)) == 0
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert re.search(r"aborted: withdrawn on .* by deploy: rude\n", out)
    assert kinds(tree) == ["deploy", "deploy", "rollback"]


def test_of_two_who_deploy_at_once_one_writes(tree: Tree) -> None:
    with (
        started(tree, "deploy", "production", "--no-wait") as one,
        started(tree, "deploy", "production", "--no-wait") as two,
    ):
        outs = [process.communicate(timeout=120)[0] for process in (one, two)]

    codes = sorted(process.returncode for process in (one, two))
    assert codes in ([0, 0], [0, 3]), outs
    assert kinds(tree) == ["deploy", "deploy"]
    if codes == [0, 3]:
        assert any("change 2 (deploy by deploy) came first\n  help: " in out for out in outs)


def test_without_a_sample_a_rollout_stays_at_its_step(tree: Tree) -> None:
    with started(tree, "deploy", "production") as process:
        wait_for(tree, 2)
        with following(tree):
            time.sleep(1)
        assert process.poll() is None

    assert kinds(tree) == ["deploy", "deploy"]


# -- gateways that do not follow


def test_a_gateway_that_does_not_follow_is_named(tree: Tree) -> None:
    with store_of(tree) as store:
        store.report(gateway("stuck", 0, problem="loading", address="http://10.0.0.1:80"))
        store.report(gateway("there", 5))

        with pytest.raises(NotAcknowledged) as raised:
            acknowledged(store, 1, within_s=0.1)
        assert str(raised.value) == (
            "change 1 is written, but not every gateway follows it:\n"
            "  http://10.0.0.1:80 (stuck) follows 0: loading\n"
            "  help: `tetrad status` shows when they do"
        )
        store.leave("stuck")
        assert [one.gateway for one in acknowledged(store, 1, within_s=0.1).gateways] == ["there"]


def test_a_rollback_that_a_gateway_does_not_acknowledge_exits_3_and_is_written(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledging, "WARM_S", 0.1)
    with following(tree, Counting()):
        deploy(tree)
    with store_of(tree) as store:
        store.report(gateway("stuck", 3))
    capsys.readouterr()

    assert tree.tetrad("rollback", "production", *key_of(tree)) == 3
    assert "http://127.0.0.1:8000 (stuck) follows 3\n" in capsys.readouterr().err
    assert pointer_of(tree).change.kind == "rollback"


def test_a_rollback_overtakes_who_changes_the_pointer_at_the_same_time(tree: Tree) -> None:
    """A driver that steps as fast as it can, and rollbacks that are each asked for once."""
    serve(tree, rollout={"steps": [1, 2, 3, 4, 5, 6, 7, 8, 9, 100]})
    tree.commit()
    with started(tree, "deploy", "production") as process:
        wait_for(tree, 3)
        assert tree.tetrad("rollback", "production", "feedback", *key_of(tree)) == 0
        process.communicate(timeout=60)

    stack = pointer_of(tree).stacks[REF]
    assert stack.rollout is None
    assert len(stack.withdrawn) == 1
    assert kinds(tree)[-1] == "rollback"
