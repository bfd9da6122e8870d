"""A pointer is one canonical JSON document, and its envelope counts where a deployer signed it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pointing import DEPLOYERS, NOW, STACK, identity, pointer, sealed, served
from signing import YEAR, key, signer

from tetrad.canonical import canonical_json
from tetrad.evidence import Refused, seal
from tetrad.model.serving import (
    AbortLimits,
    Access,
    Client,
    FixedAnswer,
    OtherStack,
    Retain,
    RolloutPlan,
    Serving,
    UseLimits,
)
from tetrad.pointer import (
    Deployers,
    Pointer,
    Rollout,
    StackPointer,
    Withdrawal,
    bytes_to_sign,
    envelope_of,
    seal_pointer,
)
from tetrad.pointer.deployers import PAYLOAD_TYPE
from tetrad.pointer.pointer_json import read_pointer, write_pointer

FULL = pointer(
    stacks={
        STACK: StackPointer(
            stack=STACK,
            live=served("a"),
            serving=Serving(environments=("production",), fallback="previous"),
            rollout=Rollout(
                to=served("b"),
                serving=Serving(
                    rollout=RolloutPlan(
                        steps=(5.0, 25.0, 100.0),
                        pause_s=0.5,
                        min_requests=20,
                        abort_if=AbortLimits(error_rate=0.02, p95_ms=1500.0),
                    ),
                    fallback=OtherStack(ref="stacks/other"),
                    limits=UseLimits(usd_per_day=50.0),
                ),
                step=1,
                began=NOW,
                step_began=NOW,
            ),
            warm=(served("c"),),
            withdrawn=(
                Withdrawal(
                    identity=identity("d"), at=NOW, by="deploy", reason="rude", commit="d" * 40
                ),
            ),
        ),
        "stacks/other": StackPointer(
            stack="stacks/other",
            live=served("o"),
            serving=Serving(fallback=FixedAnswer(answer="Later, please."), cache_s=60.0),
        ),
    },
    access=Access(clients={"ours": Client(tenant="ours", keys=(identity("key"),))}),
    retain=Retain(identities=2),
)


@pytest.mark.parametrize("made", [pointer(), FULL], ids=["small", "full"])
def test_a_pointer_survives_a_round_trip(made: Pointer) -> None:
    assert read_pointer(write_pointer(made)) == made


def test_identities_are_written_as_everywhere() -> None:
    document = json.loads(write_pointer(FULL))

    live = document["stacks"][STACK]["live"]
    assert document["kind"] == "pointer"
    assert document["version"] == 1
    assert live["identity"] == f"tetrad:{identity('a').hex}"
    assert live["snapshot"].startswith("sha256:")
    assert live["since"] == "2026-06-15T12:00:00.000000Z"


@pytest.mark.parametrize(
    "edit",
    [
        {"version": 2},
        {"kind": "statement"},
        {"unknown": 1},
        {"number": "1"},
        {"at": "2026-06-15"},
        {"access": {}},  # a default, which is left out
        {"stacks": {STACK: {}}},
    ],
    ids=str,
)
def test_anything_else_is_no_pointer(edit: dict[str, Any]) -> None:
    document = {**json.loads(write_pointer(pointer())), **edit}

    with pytest.raises(Refused):
        read_pointer(canonical_json(document))


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"\xff", b"[]", b"null", write_pointer(pointer()) + b" "]
)
def test_other_bytes_are_no_pointer(payload: bytes) -> None:
    with pytest.raises(Refused):
        read_pointer(payload)


def test_who_signed_is_who_changed_it() -> None:
    claimed = replace(pointer().change, by="somebody else")

    assert DEPLOYERS.read(sealed(pointer(change=claimed))).change.by == "deploy"


def deployers(**changes: Any) -> Deployers:
    return Deployers(environment="production", signers=(signer("deploy", "deployer", **changes),))


@pytest.mark.parametrize(
    ("envelope", "by", "clause"),
    [
        (sealed(pointer(), "mallory"), DEPLOYERS, "signature"),
        (seal_pointer(pointer()), DEPLOYERS, "envelope"),
        (seal(write_pointer(pointer()), [key("deploy")]), DEPLOYERS, "payload-type"),
        (seal(b"{}", [key("deploy")], PAYLOAD_TYPE), DEPLOYERS, "statement"),
        (sealed(pointer(environment="staging")), DEPLOYERS, "environment"),
        (sealed(pointer()), deployers(revoked=date(2026, 7, 1)), "revoked"),
        (sealed(pointer()), deployers(valid=(YEAR[0], date(2026, 6, 1))), "validity"),
        (sealed(pointer(), "ci"), deployers(), "signature"),
        (b"not an envelope", DEPLOYERS, "envelope"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_envelope_that_no_deployer_signed_does_not_count(
    envelope: bytes, by: Deployers, clause: str
) -> None:
    with pytest.raises(Refused) as refused:
        by.read(envelope)

    assert refused.value.clause == clause


def test_an_environment_without_deployers_takes_what_nobody_signed() -> None:
    nobody = Deployers(environment="production")

    assert nobody.read(seal_pointer(pointer())) == pointer()
    assert nobody.read(sealed(pointer())) == pointer()


def test_a_signature_made_elsewhere_counts() -> None:
    payload = write_pointer(pointer())
    signature = key("deploy").sign(bytes_to_sign(payload))

    assert DEPLOYERS.read(envelope_of(payload, [signature])) == pointer()
