"""More evidence never turns a yes into a no, and less never a no into a yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import signing as s
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.canonical import digest_bytes
from tetrad.evidence import Verification, verify
from tetrad.model import ApprovalRule, Environment, EvidenceRule

OTHER = digest_bytes(b"other")
SAFETY = s.suite_evaluation(suite="evals/safety")
RUN = s.signed(s.evaluation(), "ci")
NIGHTLY = s.signed(s.evaluation(engine="vllm"), "nightly")
GPU = s.signed(s.evaluation(suites=(SAFETY,)), "ci", "nightly")
APPROVALS = tuple(
    s.signed(s.approval(approved_on=s.NOW - timedelta(days=day)), *names)
    for day, names in enumerate(
        [("ada",), ("ada-2027",), ("bob",), ("ada", "bob"), ("eve",), ("ci",)]
    )
)
SUMMARIES = tuple(
    s.signed(s.summary(*runs), "ci") for runs in [(RUN,), (GPU,), (RUN, GPU), (NIGHTLY, GPU)]
)
ENVELOPES: Sequence[bytes] = (
    RUN, NIGHTLY, GPU, *SUMMARIES, *APPROVALS,
    s.signed(s.evaluation(decision="FAILED"), "ci"),
    s.signed(s.evaluation(suites=(s.suite_evaluation(golden=OTHER),)), "ci"),
    s.signed(s.summary(RUN, verification_result="FAILED"), "ci"),
    s.signed(s.approval(environment="staging"), "ada"),
    s.signed(s.evaluation(), "ci", identity=OTHER),
    s.signed(s.admission(), "deploy"),
    s.signed(s.admission(evidence=(digest_bytes(RUN),)), "deploy"),
    s.signed(s.admission(evidence=tuple(map(digest_bytes, APPROVALS[:3]))), "deploy"),
    s.signed(s.admission(), "ci"),
    b"{", b"", RUN + b" ",
)  # fmt: skip
SIGNERS = {
    **s.environment().signers,
    "ada-2027": s.signer("ada-2027", "approver", teams=("platform",), authors=("ada@example.com",)),
    "bob": s.signer("bob", "approver", teams=("legal",), authors=("bob@example.com",)),
}
environments = st.builds(
    s.environment,
    signers=st.just(SIGNERS),
    evidence=st.sampled_from(
        [
            None,
            EvidenceRule(signers=("ci",), max_age_days=30),
            EvidenceRule(signers=("nightly", "ci")),
        ]
    ),
    approvals=st.sampled_from(
        [
            None,
            ApprovalRule(count=1, teams=("platform",), not_author=True),
            ApprovalRule(count=2),
            ApprovalRule(count=3),
        ]
    ),
)
some = st.lists(st.sampled_from(ENVELOPES), max_size=10)
expectations = st.sampled_from(
    [s.expected(), s.expected(suites={s.SUITE: s.parts(), "evals/safety": s.parts()})]
)
authors = st.sampled_from([frozenset[str](), frozenset({"ada@example.com"})])


def ask(
    expected: Any, environment: Environment, envelopes: Sequence[bytes], wrote: frozenset[str]
) -> Verification:
    return verify(expected, environment, envelopes, now=s.NOW, authors=wrote)


@settings(deadline=None)
@given(expectations, environments, some, some, authors)
def test_more_envelopes_never_turn_a_yes_into_a_no(
    expected: Any,
    environment: Environment,
    few: list[bytes],
    more: list[bytes],
    wrote: frozenset[str],
) -> None:
    before = ask(expected, environment, few, wrote)
    after = ask(expected, environment, [*more, *few], wrote)
    assert before.is_yes <= after.is_yes
    assert before.proven <= after.proven
    assert before.admitted <= after.admitted
    assert {unmet.clause for unmet in after.unmet} - {"complete"} <= {
        u.clause for u in before.unmet
    }


@settings(deadline=None)
@given(expectations, environments, some, authors, st.data())
def test_order_and_repetition_change_nothing(
    expected: Any,
    environment: Environment,
    envelopes: list[bytes],
    wrote: frozenset[str],
    data: st.DataObject,
) -> None:
    again = [
        *data.draw(st.permutations(envelopes)),
        *data.draw(st.lists(st.sampled_from(envelopes or [b""]))) * bool(envelopes),
    ]
    assert ask(expected, environment, again, wrote) == ask(expected, environment, envelopes, wrote)


@settings(deadline=None)
@given(expectations, environments, some, authors, st.sets(st.sampled_from(sorted(SIGNERS))))
def test_revoking_keys_never_turns_a_no_into_a_yes(
    expected: Any,
    environment: Environment,
    envelopes: list[bytes],
    wrote: frozenset[str],
    names: set[str],
) -> None:
    signers = {
        name: replace(signer, revoked=date(2026, 6, 1)) if name in names else signer
        for name, signer in environment.signers.items()
    }
    after = ask(expected, replace(environment, signers=signers), envelopes, wrote)
    assert after.is_yes <= ask(expected, environment, envelopes, wrote).is_yes


@settings(deadline=None)
@given(st.sets(st.sampled_from(APPROVALS)), st.integers(1, 3))
def test_people_are_counted_once(envelopes: set[bytes], count: int) -> None:
    """Whatever they sign, and with whichever of their keys."""
    people = set()
    for envelope, signed in zip(
        APPROVALS, [{"ada"}, {"ada"}, {"bob"}, {"ada", "bob"}, set[str](), set[str]()], strict=True
    ):
        people |= signed if envelope in envelopes else set()
    asked = s.environment(signers=SIGNERS, evidence=None, approvals=ApprovalRule(count=count))
    assert ask(s.expected(), asked, sorted(envelopes), frozenset()).is_yes is (len(people) >= count)


@settings(deadline=None)
@given(expectations, environments, some, authors)
def test_an_envelope_is_either_accepted_or_set_aside(
    expected: Any, environment: Environment, envelopes: list[bytes], wrote: frozenset[str]
) -> None:
    found = ask(expected, environment, envelopes, wrote)
    aside = [entry.envelope for entry in found.set_aside]
    assert len(set(aside)) == len(aside)
    assert not set(found.accepted) & set(aside)
    assert {*found.accepted, *aside} <= set(map(digest_bytes, envelopes))
    assert found.proven is (not found.unmet)
