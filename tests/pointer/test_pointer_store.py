"""The pointers of an environment on SQLite and on PostgreSQL: one follows the other, for everybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from queue import Queue

import psycopg
import pytest
from pointing import DEPLOYERS, NOW, STACK, gateway, identity, pointer, sealed
from postgres import schema

from tetrad.errors import DatabaseError, ExitCode, PointerMoved
from tetrad.evidence import Refused
from tetrad.pointer import Deployers, Figures, Pointer, Withdrawal, seal_pointer
from tetrad.pointer.kept_pointers import THERE
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import NewEntry, Place, PostgresAddress, open_ledger
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.ledger_tables import GATEWAYS


@pytest.fixture
def store(place: Place) -> Iterator[PointerStore]:
    with PointerStore(place, DEPLOYERS) as opened:
        yield opened


def append(store: PointerStore, *numbers: int) -> list[Pointer]:
    return [store.append(sealed(pointer(number))) for number in numbers]


def test_before_the_first_deployment_there_is_no_pointer(store: PointerStore) -> None:
    assert (store.current(), list(store.history()), store.gateways()) == (None, [], ())


def test_the_pointer_that_was_appended_last_is_current(store: PointerStore) -> None:
    appended = append(store, 1, 2, 3)

    assert store.current() == appended[-1] == pointer(3)
    assert list(store.history()) == appended[::-1]


@pytest.mark.campaign
def test_more_pointers_than_a_page_are_all_in_the_history(store: PointerStore) -> None:
    append(store, *range(1, 121))

    assert [made.number for made in store.history()] == list(range(120, 0, -1))


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_pointer_that_does_not_follow_the_current_one_is_refused(
    store: PointerStore, number: int
) -> None:
    append(store, 1, 2)

    with pytest.raises(PointerMoved, match=r"production: change 2 \(deploy by deploy\) came"):
        append(store, number)

    assert store.current() == pointer(2)
    assert PointerMoved.exit_code == ExitCode.INCONCLUSIVE


def test_of_two_deployers_at_once_one_wins(place: Place, store: PointerStore) -> None:
    barrier, won, lost = threading.Barrier(8), Queue[str](), Queue[str]()

    def deploy(live: str) -> None:
        with PointerStore(place, DEPLOYERS) as own:
            barrier.wait()
            try:
                own.append(sealed(pointer(1, live)))
            except PointerMoved:
                lost.put(live)
            else:
                won.put(live)

    threads = [threading.Thread(target=deploy, args=(live,)) for live in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (won.qsize(), lost.qsize()) == (1, 7)
    assert store.current() == pointer(1, won.get())
    assert len(list(store.history())) == 1


def test_a_pointer_that_no_deployer_signed_is_not_appended(store: PointerStore) -> None:
    with pytest.raises(Refused):
        store.append(sealed(pointer(), "mallory"))

    assert store.current() is None


def test_an_entry_that_does_not_count_is_passed_over(place: Place, store: PointerStore) -> None:
    append(store, 1)
    forged = sealed(pointer(2, "forged"), "mallory")
    with open_ledger(place) as ledger:
        for content in (forged, b"nothing", seal_pointer(pointer(2, "unsigned"))):
            ledger.append("deployment", environment="production", content=content)

    assert store.current() == pointer(1)
    assert append(store, 2) == [store.current()]
    assert [made.number for made in store.history()] == [2, 1]


def follow_up(store: PointerStore, live: str) -> Pointer:
    """Append what follows the current pointer, as commands do."""
    last = store.current()
    number, entry = (last.number + 1, last.entry) if last else (1, 0)
    return store.append(sealed(pointer(number, live, follows=entry)))


def replay(place: Place, *numbers: int) -> None:
    """Append earlier envelopes again, whose signatures are good."""
    with open_ledger(place) as ledger:
        entries = list(ledger.entries(kind="deployment"))
        for number in numbers:
            content = ledger.content(entries[number - 1].content)
            assert content is not None
            ledger.append("deployment", environment="production", content=content)


@pytest.mark.parametrize("again", [(1,), (3,), (5,), (2, 3), (1, 2, 3, 4, 5), (4, 2)], ids=str)
def test_an_old_pointer_that_is_appended_again_changes_nothing(
    place: Place, store: PointerStore, again: tuple[int, ...]
) -> None:
    appended = [follow_up(store, live) for live in "abcde"]
    replay(place, *again)

    assert store.current() == appended[-1]
    assert list(store.history()) == appended[::-1]
    following = follow_up(store, "f")
    replay(place, *again)
    assert (following.number, store.current()) == (6, following)
    assert [made.number for made in store.history()] == [6, 5, 4, 3, 2, 1]


def test_versions_that_were_numbered_elsewhere_are_recorded_once(store: PointerStore) -> None:
    append(store, 1)
    forged = sealed(pointer(9), "someone")
    for _ in range(2):
        store.record([sealed(pointer(number)) for number in (1, 3, 2)] + [forged])

    assert [made.number for made in store.history()] == [3, 2, 1]


def test_versions_that_were_never_recorded_are_a_gap_in_the_history(store: PointerStore) -> None:
    first = store.append(sealed(pointer(1)))
    store.record([sealed(pointer(number, follows=first.entry)) for number in (4, 5)])

    assert [made.number for made in store.history()] == [5, 4, 1]
    assert store.append(sealed(pointer(6))).number == 6


def test_environments_do_not_meet(place: Place, store: PointerStore) -> None:
    append(store, 1, 2)
    staging = Deployers(environment="staging", signers=DEPLOYERS.signers)

    with PointerStore(place, staging) as other:
        other.append(sealed(pointer(1, environment="staging")))
        assert [made.number for made in other.history()] == [1]
    assert store.current() == pointer(2)


def test_a_withdrawal_is_an_entry_of_its_identity_once(place: Place, store: PointerStore) -> None:
    withdrawn = Withdrawal(
        identity=identity("b"), at=NOW, by="deploy", reason="rude", commit="b" * 40
    )
    append(store, 1)
    for number in (2, 3):
        stack = replace(pointer().stacks[STACK], withdrawn=(withdrawn,))
        store.append(sealed(pointer(number, stacks={STACK: stack})))

    with open_ledger(place) as ledger:
        entries = list(ledger.entries(kind="withdrawal"))
        assert [(e.identity, e.stack, e.environment) for e in entries] == [
            (identity("b"), STACK, "production")
        ]
        assert [e.kind for e in ledger.entries()] == [
            "deployment", "deployment", "withdrawal", "deployment",
        ]  # fmt: skip
        assert ledger.verify() == []


def test_a_gateway_is_there_as_it_said_last(store: PointerStore) -> None:
    before = store.now()
    figures = {f"tetrad:{identity('a').hex}": Figures(requests=3, latency_ms={"50": 2, "inf": 1})}
    for number in (1, 2):
        store.report(gateway("one", number, figures=figures))
    store.report(gateway("two", ready=False, problem="loading"))

    one, two = store.gateways()
    assert replace(one, seen=NOW) == gateway("one", 2, figures=figures)
    assert (two.gateway, two.ready, two.problem) == ("two", False, "loading")
    assert before <= one.seen <= two.seen <= store.now()


def test_a_gateway_that_left_is_not_there(store: PointerStore) -> None:
    store.report(gateway("one"))
    store.report(gateway("two"))
    store.leave("one")

    assert [state.gateway for state in store.gateways()] == ["two"]
    assert store.lost_gateways() == ()


def test_a_gateway_that_was_not_heard_of_is_lost_and_forgotten_after_a_day(
    place: Place, store: PointerStore
) -> None:
    """One that was heard of later than now ended before the clock was set back."""
    for name, ago in (
        ("lost", THERE + timedelta(seconds=1)),
        ("forgotten", timedelta(days=2)),
        ("before the jump", -timedelta(hours=1)),
    ):
        store.report(gateway(name))
        then = (store.now() - ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with closing(LedgerDatabase(place)) as database, database.changing() as connection:
            connection.execute(
                GATEWAYS.update().where(GATEWAYS.c.gateway == name).values(seen=then)
            )
    store.report(gateway("there"))

    assert [state.gateway for state in store.gateways()] == ["there"]
    assert [state.gateway for state in store.lost_gateways()] == ["before the jump", "lost"]


def watched(store: PointerStore, after: int = 0) -> tuple[Queue[Pointer | None], threading.Thread]:
    """What a watch in a thread gives; None when it ends."""
    seen = Queue[Pointer | None]()

    def watch() -> None:
        for found in store.watch(after):
            seen.put(found)
        seen.put(None)

    thread = threading.Thread(target=watch)
    thread.start()
    return seen, thread


def test_a_watch_gives_each_newer_pointer_and_ends_when_closed(
    place: Place, store: PointerStore
) -> None:
    append(store, 1, 2)
    with PointerStore(place, DEPLOYERS) as other:
        seen, thread = watched(other, after=1)
        assert seen.get(timeout=30) == pointer(2)
        append(store, 3)
        assert seen.get(timeout=30) == pointer(3)
    assert seen.get(timeout=30) is None
    thread.join()


def test_a_watch_gives_no_pointer_that_is_followed_already(
    place: Place, store: PointerStore
) -> None:
    append(store, 1)
    with PointerStore(place, DEPLOYERS) as other:
        seen, thread = watched(other, after=1)
        append(store, 2)
        assert seen.get(timeout=30) == pointer(2)
    assert seen.get(timeout=30) is None
    thread.join()


def test_a_watch_ends_with_one_sentence_where_the_server_goes_away(postgres: str) -> None:
    with schema(postgres) as url, PointerStore(PostgresAddress(url), DEPLOYERS) as store:
        append(store, 1)
        watch = store.watch()
        assert next(watch) == pointer(1)
        with psycopg.connect(postgres, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tetrad' AND query LIKE 'LISTEN%'"
            )

        with pytest.raises(DatabaseError, match="check the server"):
            next(watch)

        assert store.current() == pointer(1)


def test_many_entries_of_others_do_not_hide_a_pointer(place: Place, store: PointerStore) -> None:
    append(store, 1)
    with open_ledger(place) as ledger:
        ledger.extend(
            [NewEntry(kind="run", environment="production", content=b"%d" % n) for n in range(200)]
        )

    assert store.current() == pointer(1)
