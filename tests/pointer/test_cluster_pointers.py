"""The pointer of an environment as one object of a real API server, with the registry's record of it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from control_plane import ControlPlane, started
from pointing import DEPLOYERS, STACK, gateway, identity, pointer, sealed

from tetrad.cluster_api import ClusterApi
from tetrad.errors import ClusterError, DatabaseError, PointerMoved
from tetrad.evidence import Refused
from tetrad.pointer import Figures, Pointer, Withdrawal
from tetrad.pointer.cluster_pointers import NAME, ClusterPointers
from tetrad.pointer.pointer_store import PointerStore
from tetrad.pointer.registry_record import Recording
from tetrad.registry import open_ledger

pytestmark = pytest.mark.campaign  # a real API server, for a minute

pytest.importorskip("urllib3", reason="needs the extra infra")

_NAMESPACES = itertools.count()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with started(tmp_path_factory.mktemp("plane")) as running:
        yield running


def out_of_order() -> PointerStore:
    raise DatabaseError("the registry does not answer")


@dataclass(frozen=True)
class Environment:
    """A namespace, a registry, and the stores that are opened upon both."""

    plane: ControlPlane
    namespace: str
    registry: Path
    opened: ExitStack

    def store(
        self, registry: Callable[[], PointerStore] | None = None, context: str = "plane"
    ) -> ClusterPointers:
        recording = Recording(registry or self.recorded)
        api = ClusterApi(context, self.namespace)
        return self.opened.enter_context(ClusterPointers(api, DEPLOYERS, recording))

    def recorded(self) -> PointerStore:
        return PointerStore(self.registry, DEPLOYERS)

    def numbers(self) -> list[int]:
        """Of the versions that the registry has, the newest first."""
        with self.recorded() as store:
            return [made.number for made in store.history()]

    def kubectl(self, *arguments: str, given: object = None) -> str:
        where = ("--namespace", self.namespace)
        done = self.plane.kubectl(*arguments, *where, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def held(self) -> dict[str, str]:
        data: dict[str, str] = json.loads(self.kubectl("get", "configmap", NAME, "-o", "json"))[
            "data"
        ]
        return data

    def edit(self, data: dict[str, str | None]) -> None:
        """Change the object by hand."""
        patch = json.dumps({"data": data})
        self.kubectl("patch", "configmap", NAME, "--type=merge", f"--patch={patch}")


@pytest.fixture
def environment(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Environment]:
    name = f"llm-{next(_NAMESPACES)}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert plane.apply([made]).returncode == 0
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig("plane")))
    with ExitStack() as opened:
        yield Environment(plane, name, tmp_path / "registry.db", opened)


def append(store: ClusterPointers, *numbers: int) -> list[Pointer]:
    found = []
    for number in numbers:
        current = store.current()
        follows = current.entry if current else 0
        found.append(store.append(sealed(pointer(number, follows=follows))))
    return found


def test_before_the_first_deployment_there_is_no_pointer(environment: Environment) -> None:
    store = environment.store()

    assert (store.current(), list(store.history()), store.gateways()) == (None, [], ())
    assert not store.ignores_last()


def test_what_is_appended_is_current_and_recorded(environment: Environment) -> None:
    with environment.store() as store:
        append(store, 1, 2, 3)
        current = store.current()

    assert current is not None
    assert current.number == 3
    assert environment.numbers() == [3, 2, 1]
    assert sorted(environment.held()) == ["1", "2", "3"]


def test_versions_beyond_those_that_are_kept_are_in_the_history(environment: Environment) -> None:
    with environment.store() as store:
        append(store, *range(1, 21))
    store = environment.store()

    assert [made.number for made in store.history()] == list(range(20, 0, -1))
    assert len(environment.held()) == 16


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_pointer_that_does_not_follow_the_current_one_is_refused(
    environment: Environment, number: int
) -> None:
    store = environment.store()
    append(store, 1, 2)

    with pytest.raises(PointerMoved, match=r"production: change 2 \(deploy by deploy\) came"):
        store.append(sealed(pointer(number)))

    assert sorted(environment.held()) == ["1", "2"]


def test_of_several_writers_at_once_one_wins(environment: Environment) -> None:
    barrier, won, lost = threading.Barrier(6), Queue[str](), Queue[str]()

    def deploy(live: str) -> None:
        with environment.store() as own:
            barrier.wait()
            try:
                own.append(sealed(pointer(1, live)))
            except PointerMoved as error:
                lost.put(str(error))
            else:
                won.put(live)

    threads = [threading.Thread(target=deploy, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (winner,) = [won.get() for _ in range(won.qsize())]
    current = environment.store().current()
    assert current is not None
    assert current.stacks[STACK].live.identity == identity(winner)
    assert lost.qsize() == 5
    assert "change 1 (deploy by deploy) came first" in lost.get()
    assert environment.numbers() == [1]


def test_a_pointer_that_no_deployer_signed_is_not_appended(environment: Environment) -> None:
    store = environment.store()

    with pytest.raises(Refused, match="no deployer of the environment signed it"):
        store.append(sealed(pointer(1), "someone"))

    assert store.current() is None


@pytest.mark.parametrize("registry", ["reached", "away"])
def test_what_is_edited_by_hand_counts_for_nothing(environment: Environment, registry: str) -> None:
    with environment.store() as store:
        append(store, 1, 2)
    store = environment.store(out_of_order if registry == "away" else None)
    environment.edit(
        {"2": "{}", "3": sealed(pointer(3, "z"), "someone").decode(), "notes": "by hand"}
    )

    current = store.current()

    assert current is not None
    assert current.number == (1 if registry == "away" else 2)
    assert store.ignores_last()


def test_an_old_version_that_is_brought_back_is_told_from_the_newest(
    environment: Environment,
) -> None:
    with environment.store() as store:
        append(store, 1, 2, 3)
    held = environment.held()

    environment.edit({"1": held["1"], "2": None, "3": None, "4": held["1"]})

    store = environment.store()
    current = store.current()
    assert current is not None
    assert current.number == 3
    assert next(store.watch()).number == 3
    assert store.ignores_last()
    append(store, 4)
    assert [made.number for made in store.history()] == [4, 3, 2, 1]
    assert not store.ignores_last()


def test_an_object_that_was_deleted_is_made_again_by_the_next_change(
    environment: Environment,
) -> None:
    with environment.store() as store:
        append(store, 1, 2)
    environment.kubectl("delete", "configmap", NAME)

    with environment.store() as store:
        append(store, 3)

    assert sorted(environment.held()) == ["3"]
    assert environment.numbers() == [3, 2, 1]


def test_a_change_without_the_registry_is_recorded_by_the_next_command(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    with environment.store() as store:
        append(store, 1)
    with environment.store(out_of_order) as store:
        append(store, 2, 3)
        assert [made.number for made in store.history()] == [3, 2, 1]
    assert "the registry lacks the last change" in caplog.text
    assert environment.numbers() == [1]

    with environment.store() as store:
        assert store.current() is not None

    assert environment.numbers() == [3, 2, 1]


def test_a_registry_that_does_not_answer_does_not_hold_a_change_up(
    environment: Environment,
) -> None:
    answers = threading.Event()

    def slow() -> PointerStore:
        answers.wait()
        return environment.recorded()

    with environment.store(slow) as store:
        assert append(store, 1)[0].number == 1
        assert environment.store(out_of_order).current() is not None
        answers.set()

    assert environment.numbers() == [1]


def test_a_registry_that_is_away_is_not_asked_again_and_again(environment: Environment) -> None:
    asked = []

    def away() -> PointerStore:
        asked.append(1)
        return out_of_order()

    with environment.store(away) as store:
        append(store, 1)
        before = len(asked)
        for _ in range(20):
            store.current()

    assert len(asked) <= before + 2


def test_a_withdrawal_is_an_entry_of_its_identity(environment: Environment) -> None:
    withdrawal = Withdrawal(
        identity=identity("b"), at=pointer().at, by="deploy", reason="rude", commit="b" * 40
    )
    stack = replace(pointer().stacks[STACK], withdrawn=(withdrawal,))
    with environment.store() as store:
        append(store, 1)
        store.append(sealed(pointer(2, stacks={STACK: stack})))

    with open_ledger(environment.registry) as ledger:
        (entry,) = ledger.entries(kind="withdrawal", identity=identity("b"))
    assert (entry.environment, entry.stack) == ("production", STACK)


def test_who_applies_other_objects_leaves_the_pointer_alone(environment: Environment) -> None:
    with environment.store() as store:
        append(store, 1)
    before = environment.held()
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "snapshot-1"}}

    environment.kubectl("apply", "--server-side", "-f", "-", given=other)

    found = json.loads(environment.kubectl("get", "configmap", NAME, "-o", "json"))
    assert found["data"] == before
    assert "app.kubernetes.io/managed-by" not in found["metadata"]["labels"]


def test_a_watch_gives_each_newer_pointer_and_ends_when_closed(environment: Environment) -> None:
    store, watched = environment.store(), environment.store()
    seen = Queue[int]()
    append(store, 1)

    def watch() -> None:
        for found in watched.watch():
            seen.put(found.number)
        seen.put(-1)

    thread = threading.Thread(target=watch)
    thread.start()
    numbers = [seen.get(timeout=30)]
    for number in (2, 3):
        append(store, number)
        numbers.append(seen.get(timeout=30))
    environment.edit({"9": "{}"})
    watched.close()
    thread.join(30)

    assert numbers == [1, 2, 3]
    assert seen.get(timeout=1) == -1
    assert not thread.is_alive()


def test_a_watch_ends_with_one_sentence_where_the_server_goes_away(
    environment: Environment,
) -> None:
    store = environment.store()
    append(store, 1)
    watched = store.watch()
    assert next(watched).number == 1
    environment.plane.stop()
    try:
        with pytest.raises(ClusterError, match="the API server does not answer") as failed:
            next(watched)
        with pytest.raises(ClusterError):
            store.gateways()
    finally:
        environment.plane.start()

    assert "\n" not in str(failed.value)
    append(store, 2)
    assert next(store.watch(1)).number == 2


def test_a_context_that_is_not_there_is_named(environment: Environment) -> None:
    with pytest.raises(ClusterError, match="no context 'elsewhere'"):
        environment.store(context="elsewhere").current()


def test_who_may_not_read_the_pointer_is_told_so(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = environment.plane.kubeconfig("plane", user="nobody")
    monkeypatch.setenv("KUBECONFIG", str(config))

    with pytest.raises(ClusterError, match="Unauthorized"):
        environment.store().current()


def test_a_gateway_is_there_as_it_said_last(environment: Environment) -> None:
    store = environment.store()
    figures = {"tetrad:" + "a" * 64: Figures(requests=3, latency_ms={"20": 3})}
    for number in (1, 2):
        store.report(gateway("g1", number, figures=figures))
    store.report(gateway("g2", 1, ready=False, problem="loading"))

    found = store.gateways()

    assert [(g.gateway, g.number, g.ready, g.problem) for g in found] == [
        ("g1", 2, True, ""),
        ("g2", 1, False, "loading"),
    ]
    assert found[0].figures == figures
    assert abs((found[0].seen - store.now()).total_seconds()) < 30
    assert store.lost_gateways() == ()
    store.leave("g1")
    assert [g.gateway for g in store.gateways()] == ["g2"]


def test_a_lease_that_cannot_be_read_is_named(environment: Environment) -> None:
    store = environment.store()
    store.report(gateway("g1", 1))
    environment.kubectl("annotate", "lease", "gateway-g1", "--overwrite", "tetrad.dev/state=e30=")

    with pytest.raises(ClusterError, match="the Lease gateway-g1 is not a gateway's"):
        store.gateways()


def test_the_lease_of_a_gateway_that_ended_without_a_word_is_lost_and_forgotten(
    environment: Environment,
) -> None:
    store = environment.store()
    for name in ("recent", "old"):
        store.report(gateway(name, 1))
    for name, days in (("recent", 0.5), ("old", 2)):
        _restore(environment, name, days)

    assert store.gateways() == ()
    assert {g.gateway for g in store.lost_gateways()} == {"recent", "old"}
    environment.store().report(gateway("new", 1))
    assert {g.gateway for g in store.lost_gateways()} == {"recent"}


def _restore(environment: Environment, name: str, days: float) -> None:
    """Let the Lease be one of some days ago, as a backup has it: without what the server notes."""
    written = environment.kubectl("get", "lease", f"gateway-{name}", "-o", "json")
    lease: Any = json.loads(written)
    lease["metadata"]["managedFields"] = [{}]
    then = environment.store().now() - timedelta(days=days)
    lease["spec"]["renewTime"] = f"{then:%Y-%m-%dT%H:%M:%S.%fZ}"
    environment.kubectl("replace", "-f", "-", given=lease)
