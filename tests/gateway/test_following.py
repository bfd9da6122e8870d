"""A gateway follows its environment's pointer, and says which identity answered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
from fakes import OpenAIServer
from gateways import FILES, STACK, Followed, Served, alone, ask, gateway, rolling, withdrawn


def test_what_is_deployed_answers_and_says_which_identity_it_is(
    address: str, served: Served, followed: Followed
) -> None:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)

    answer = ask(address)

    assert answer.status_code == 200
    assert answer.json()["answer"] == "one: hello"
    assert answer.json()["identity"] == served.names["one"]
    assert answer.headers["x-tetrad-identity"] == served.names["one"]
    assert answer.headers["x-tetrad-deployment"] == "local/1"


def test_nothing_is_answered_before_anything_is_deployed(address: str) -> None:
    ready, answer = httpx2.get(f"{address}/readyz"), ask(address)

    assert ready.status_code == 503
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_ready"
    assert httpx2.get(f"{address}/healthz").status_code == 200


def test_a_request_after_the_acknowledgement_is_answered_by_the_new_identity(
    address: str, served: Served, followed: Followed
) -> None:
    one, two = served.take("one"), served.take("two")
    followed.move(echo=alone(one, two))
    followed.wait_for(1)

    for live, version in [(two, "two"), (one, "one"), (two, "two")]:
        pointer = followed.move(echo=alone(live, one, two))
        followed.wait_for(pointer.number)

        assert ask(address).json()["answer"] == f"{version}: hello"


def test_no_answer_is_labelled_as_anothers_while_the_pointer_flips_under_load(
    address: str, served: Served, followed: Followed
) -> None:
    one, two = served.take("one"), served.take("two")
    followed.move(echo=alone(one, two))
    followed.wait_for(1)
    ended = time.monotonic() + 4

    def load() -> list[tuple[int, str, str]]:
        seen = []
        with httpx2.Client() as client:
            while time.monotonic() < ended:
                answer = client.post(
                    f"{address}/v1/stacks/echo/answer", json={"variables": {"message": "hello"}}
                )
                seen.append(
                    (
                        answer.status_code,
                        answer.json()["answer"],
                        answer.headers["x-tetrad-identity"],
                    )
                )
        return seen

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load) for _ in range(4)]
        flips = 0
        while time.monotonic() < ended:
            live, other = (two, one) if flips % 2 == 0 else (one, two)
            pointer = followed.move(
                echo=rolling(other, live, 50) if flips % 3 == 2 else alone(live, other)
            )
            followed.wait_for(pointer.number)
            flips += 1
        seen = [answer for done in loads for answer in done.result()]

    right = {f"{version}: hello": name for version, name in served.names.items()}
    assert flips > 5
    assert len(seen) > 50
    assert [one for one in seen if one[0] != 200 or right[one[1]] != one[2]] == []


def test_a_user_stays_with_an_identity_while_it_is_rolled_out(
    address: str, served: Served, followed: Followed
) -> None:
    one, two = served.take("one"), served.take("two")
    followed.move(echo=rolling(one, two, 50))
    followed.wait_for(1)

    seen = {
        user: {ask(address, user=user).json()["identity"] for _ in range(3)} for user in "abcdefgh"
    }
    by_header = httpx2.post(
        f"{address}/v1/stacks/echo/answer",
        json={"variables": {"message": "hello"}},
        headers={"x-tetrad-user": "a"},
    )

    assert all(len(identities) == 1 for identities in seen.values())
    assert len(set.union(*seen.values())) == 2
    assert {by_header.json()["identity"]} == seen["a"]


def test_files_that_make_another_identity_are_not_served(
    address: str, served: Served, followed: Followed
) -> None:
    one, two = served.take("one"), served.take("two")
    followed.move(echo=alone(one))
    followed.wait_for(1)
    served.snapshots[two.snapshot] = served.snapshots[one.snapshot]

    followed.move(echo=alone(two))
    until = time.monotonic() + 20
    while not (problem := httpx2.get(f"{address}/readyz").json()["problem"]).count("another"):
        assert time.monotonic() < until, problem
        time.sleep(0.05)

    assert served.names["two"] in problem
    assert ask(address).json()["identity"] == served.names["one"]
    assert followed.states[-1].number == 1


def test_a_gateway_that_cannot_leave_a_withdrawn_identity_turns_unready(
    address: str, served: Served, followed: Followed
) -> None:
    one, two = served.take("one"), served.take("two")
    followed.move(echo=alone(two))
    followed.wait_for(1)
    served.snapshots[one.snapshot] = served.snapshots[two.snapshot]

    followed.move(echo=withdrawn(one, two))
    until = time.monotonic() + 20
    while httpx2.get(f"{address}/readyz").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.05)

    assert served.names["one"] in httpx2.get(f"{address}/readyz").json()["problem"]


def test_what_lies_changed_in_the_cache_is_laid_out_anew(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> None:
    one = served.take("one")
    followed.move(echo=alone(one))
    with gateway(followed, served.snapshots, tmp_path / "cache") as address:
        followed.wait_for(1)
        ask(address)
    prompt = tmp_path / "cache/snapshots" / one.snapshot.hex / "prompts/echo.yaml"
    prompt.write_text(FILES["prompts/echo.yaml"].replace("VERSION", "forged"))

    followed.states.clear()
    with gateway(followed, served.snapshots, tmp_path / "cache") as address:
        followed.wait_for(1)

        assert ask(address).json()["answer"] == "one: hello"


def test_a_gateway_without_its_registry_answers_and_turns_unready(
    address: str, served: Served, followed: Followed
) -> None:
    followed.move(echo=alone(served.take("one")))
    followed.wait_for(1)
    assert httpx2.get(f"{address}/readyz").status_code == 200

    followed.lost = True
    until = time.monotonic() + 30
    while httpx2.get(f"{address}/readyz").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    unready = ask(address)
    followed.lost = False
    while httpx2.get(f"{address}/readyz").status_code == 503:
        assert time.monotonic() < until
        time.sleep(0.2)

    assert unready.status_code == 200


def test_a_gateway_says_which_identities_it_keeps(
    address: str, served: Served, followed: Followed
) -> None:
    one, two, three = (served.take(version) for version in ("one", "two", "three"))
    followed.move(echo=replace(rolling(one, two, 25), warm=(three,)))
    followed.wait_for(1)

    told = httpx2.get(f"{address}/identity").json()["stacks"][STACK]

    assert [(one["identity"], one["percent"]) for one in told["answering"]] == [
        (served.names["one"], 75.0),
        (served.names["two"], 25.0),
    ]
    assert [one["identity"] for one in told["warm"]] == [served.names["three"]]


def test_a_gateway_that_ends_says_so(
    upstream: OpenAIServer, served: Served, followed: Followed, tmp_path: Path
) -> None:
    with gateway(followed, served.snapshots, tmp_path / "cache"):
        until = time.monotonic() + 20
        while not followed.states:
            assert time.monotonic() < until
            time.sleep(0.01)

    assert followed.left == [followed.states[0].gateway]
