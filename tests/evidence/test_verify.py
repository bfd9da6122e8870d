"""What an environment admits, and which clause refuses the rest."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import signing as s

from tetrad.canonical import digest_bytes
from tetrad.evidence import Refused, open_envelope, seal, verify
from tetrad.evidence.expected import ListedWaiver
from tetrad.evidence.verifying import admitted as admissions_of
from tetrad.model import ApprovalRule, Environment, EvidenceRule, Signer
from tetrad.results.gate_report import WaiverUse


def clauses(envelopes: Any, environment: Environment | None = None, **given: Any) -> set[str]:
    """Every clause that is not met, of an envelope or of the whole; none is a yes."""
    expected = given.pop("expected", s.expected())
    now = given.pop("now", s.NOW)
    found = verify(expected, environment or s.environment(), envelopes, now=now, **given)
    assert found.is_yes == (not found.unmet or (found.admitted and not found.withdrawn))
    return {unmet.clause for unmet in found.unmet} | {aside.clause for aside in found.set_aside}


def test_an_identity_with_evidence_and_approval_is_admitted() -> None:
    found = verify(s.expected(), s.environment(), s.passing(), now=s.NOW)
    assert found.is_yes
    assert found.proven
    assert found.identity == s.IDENTITY
    assert set(found.accepted) == set(map(digest_bytes, s.passing()))


def evaluated(**changes: Any) -> tuple[bytes, ...]:
    run = s.signed(s.evaluation(**changes), "ci")
    return run, s.signed(s.summary(run), "ci"), s.signed(s.approval(), "ada")


def in_suite(**changes: Any) -> tuple[bytes, ...]:
    return evaluated(suites=(s.suite_evaluation(**changes),))


def summed(**changes: Any) -> tuple[bytes, ...]:
    run = s.signed(s.evaluation(), "ci")
    return run, s.signed(s.summary(run, **changes), "ci"), s.signed(s.approval(), "ada")


OTHER = digest_bytes(b"other")
WAIVED = WaiverUse(case="late", reason="r", owner="@o", until="2026-12-31")
EVALUATIONS: dict[str, tuple[Callable[[], tuple[bytes, ...]], str]] = {
    "a failed verdict": (lambda: evaluated(decision="FAILED"), "decision"),
    "a failed suite": (lambda: in_suite(decision="FAILED"), "decision"),
    "a requirement that is not met": (
        lambda: in_suite(requirements=(s.requirement(decision="FAILED"),)),
        "decision",
    ),
    "another golden set": (lambda: in_suite(golden=OTHER), "golden"),
    "another policy": (lambda: in_suite(policy=OTHER), "policy"),
    "another judge": (lambda: in_suite(judges=OTHER), "judges"),
    "tools that were live": (lambda: in_suite(digest=OTHER), "suite"),
    "a waiver that is not listed": (lambda: in_suite(waived=(WAIVED,)), "waivers"),
    "another stack": (lambda: evaluated(stack="stacks/other"), "stack"),
    "a judge without a pin": (lambda: evaluated(unpinned=("stacks/models/j",)), "unpinned"),
    "an old run": (lambda: evaluated(evaluated_on=s.NOW - timedelta(days=31)), "age"),
    "a run after its signature": (lambda: evaluated(evaluated_on=s.NOW), "age"),
    "signed in the future": (lambda: evaluated(attested_on=s.NOW + timedelta(hours=1)), "validity"),
    "signed before the key": (
        lambda: evaluated(
            attested_on=s.NOW - timedelta(days=200), evaluated_on=s.NOW - timedelta(days=200)
        ),
        "validity",
    ),
    "another environment": (
        lambda: summed(resource_uri="tetrad://staging/stacks/triage"),
        "environment",
    ),
    "an environment of the same name elsewhere": (
        lambda: summed(policy=replace(s.summary().policy, uri="infra/environments/eu/production")),
        "environment",
    ),
    "another verifier": (
        lambda: summed(verifier=replace(s.summary().verifier, id="x:y")),
        "verifier",
    ),
    "a summary that failed": (lambda: summed(verification_result="FAILED"), "decision"),
}


@pytest.mark.parametrize("name", EVALUATIONS)
def test_an_envelope_that_fails_a_clause_is_set_aside_with_it(name: str) -> None:
    envelopes, clause = EVALUATIONS[name]
    found = verify(s.expected(), s.environment(), envelopes(), now=s.NOW)
    assert not found.is_yes
    assert [entry.clause for entry in found.set_aside] == [clause]
    assert {u.clause for u in found.unmet} <= {"complete", "evidence"}


@pytest.mark.parametrize(("until", "is_yes"), [("2026-06-15", True), ("2026-06-14", False)])
def test_a_waiver_of_the_merged_files_may_be_used_until_its_last_day(
    until: str, is_yes: bool
) -> None:
    listed = s.expected(waivers=frozenset({ListedWaiver(f"{s.SUITE}#late", "r", "@o", until)}))
    used = in_suite(waived=(replace(WAIVED, until=until),))
    assert clauses(used, expected=listed) == (set() if is_yes else {"waivers", "complete"})


def test_days_are_those_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the verifier stands it may be tomorrow already."""
    listed = ListedWaiver(f"{s.SUITE}#late", "r", "@o", "2026-06-15")
    used = in_suite(waived=(replace(WAIVED, until="2026-06-15"),))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        for zone in (UTC, timezone(timedelta(hours=14))):
            now = s.NOW.astimezone(zone)
            assert not clauses(used, expected=s.expected(waivers=frozenset({listed})), now=now)
    finally:
        monkeypatch.undo()
        time.tzset()


KEYS: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "unknown": (lambda: s.signed(s.evaluation(), "mallory"), {}, "signature"),
    "of another role": (lambda: s.signed(s.evaluation(), "ada"), {}, "role"),
    "of no signer of the rule": (lambda: s.signed(s.evaluation(), "nightly"), {}, "role"),
    "revoked": (
        lambda: s.signed(s.evaluation(), "ci"),
        {"signers": {"ci": s.signer("ci", "evaluator", revoked=date(2026, 6, 1))}},
        "revoked",
    ),
    "out of its days": (
        lambda: s.signed(s.evaluation(), "ci"),
        {
            "signers": {
                "ci": s.signer("ci", "evaluator", valid=(date(2025, 1, 1), date(2025, 2, 1)))
            }
        },
        "validity",
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_only_keys_that_count_count(name: str) -> None:
    envelope, changes, clause = KEYS[name]
    found = verify(s.expected(), s.environment(**changes), [envelope()], now=s.NOW)
    assert [entry.clause for entry in found.set_aside] == [clause]


@pytest.mark.parametrize(
    ("moment", "is_yes"),
    [
        ("2026-06-09T23:54:59Z", False),
        ("2026-06-09T23:55:00Z", True),
        ("2026-06-14T00:04:59Z", True),
        ("2026-06-14T00:05:00Z", False),
    ],
)
def test_a_key_counts_from_its_first_day_to_the_end_of_its_last(moment: str, is_yes: bool) -> None:
    days = (date(2026, 6, 10), date(2026, 6, 13))
    signers = {**s.environment().signers, "ci": s.signer("ci", "evaluator", valid=days)}
    signed_on = datetime.fromisoformat(moment)
    envelopes = evaluated(attested_on=signed_on, evaluated_on=signed_on)
    assert (not clauses(envelopes, s.environment(signers=signers))) is is_yes


@pytest.mark.parametrize(("minutes", "is_yes"), [(4, True), (6, False)])
def test_clocks_may_differ_by_five_minutes(minutes: int, is_yes: bool) -> None:
    ahead = s.NOW + timedelta(minutes=minutes)
    assert (not clauses(evaluated(attested_on=ahead))) is is_yes


def envelope_with(**changes: Any) -> bytes:
    document = json.loads(s.signed(s.evaluation(), "ci"))
    return json.dumps({**document, **changes}).encode()


def payload_with(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """An evaluation whose payload was changed before it was signed."""
    document = json.loads(base64.b64decode(json.loads(s.signed(s.evaluation(), "ci"))["payload"]))
    changed = change(document)
    text = changed if isinstance(changed, str) else json.dumps(changed)
    return seal(text.encode(), [s.key("ci")])


ENVELOPES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no JSON": (lambda: b"{", "envelope"),
    "no object": (lambda: b"[]", "envelope"),
    "an unknown field": (lambda: envelope_with(more=1), "envelope"),
    "no signatures": (lambda: envelope_with(signatures=[]), "envelope"),
    "no base64": (lambda: envelope_with(payload="*"), "envelope"),
    "another payload": (lambda: envelope_with(payload="e30="), "signature"),
    "another payload type": (
        lambda: seal(b"{}", [s.key("ci")], "text/plain"),
        "payload-type",
    ),
    "no statement": (lambda: payload_with(lambda _: {}), "statement"),
    "a key given twice": (lambda: payload_with(lambda d: '{"_type": 1, "_type": 1}'), "statement"),
    "an unknown field of the predicate": (
        lambda: payload_with(lambda d: {**d, "predicate": {**d["predicate"], "more": 1}}),
        "statement",
    ),
    "another order": (lambda: payload_with(lambda d: d), "statement"),
    "an unknown predicate": (
        lambda: payload_with(lambda d: {**d, "predicateType": "x:y"}),
        "predicate-type",
    ),
    "two subjects": (
        lambda: payload_with(lambda d: {**d, "subject": d["subject"] * 2}),
        "subject",
    ),
    "another identity": (lambda: s.signed(s.evaluation(), "ci", identity=OTHER), "subject"),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_what_it_is_signed_as_and_nothing_else(name: str) -> None:
    make, clause = ENVELOPES[name]
    found = verify(s.expected(), s.environment(), [make()], now=s.NOW)
    assert [entry.clause for entry in found.set_aside] == [clause]


def test_the_alphabet_of_base64_and_the_key_id_decide_nothing() -> None:
    document = json.loads(s.signed(s.evaluation(), "ci"))
    signature = document["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    document["signatures"] = [{"sig": signature}]
    run = json.dumps(document).encode()
    assert open_envelope(run).signatures[0].keyid == ""
    assert not clauses([run, s.signed(s.summary(run), "ci"), s.passing()[2]])


def test_envelopes_have_a_largest_size() -> None:
    run = s.signed(s.evaluation(), "ci").ljust(16 << 20)
    assert open_envelope(run).payload
    with pytest.raises(Refused, match=r"^envelope: larger than 16,777,216 bytes$"):
        open_envelope(run + b" ")


def test_an_envelope_may_have_sixteen_signatures() -> None:
    run = s.signed(s.evaluation(), *["mallory"] * 15, "ci")
    assert not clauses([run, s.signed(s.summary(run), "ci"), s.passing()[2]])


def test_every_required_suite_has_to_be_covered() -> None:
    more = s.expected(suites={s.SUITE: s.parts(), "evals/safety": s.parts()})
    assert clauses(s.passing(), expected=more) == {"complete"}


def test_two_runs_may_cover_the_suites_together() -> None:
    more = s.expected(suites={s.SUITE: s.parts(), "evals/safety": s.parts()})
    cpu = s.signed(s.evaluation(), "ci")
    gpu = s.signed(s.evaluation(suites=(s.suite_evaluation(suite="evals/safety"),)), "ci")
    both = [cpu, gpu, s.signed(s.summary(cpu, gpu), "ci"), s.passing()[2]]
    assert not clauses(both, expected=more)
    assert clauses([cpu, gpu, s.signed(s.summary(cpu), "ci"), both[3]], expected=more) == {
        "complete"
    }


def test_an_evaluation_without_its_summary_is_not_enough() -> None:
    run, _, approval = s.passing()
    assert clauses([run, approval]) == {"evidence"}


def test_approvals_are_by_enough_people_of_the_teams() -> None:
    run, summary, approval = s.passing()
    assert clauses([run, summary]) == {"approvals"}
    two = s.environment(approvals=ApprovalRule(count=2, teams=("platform",)))
    again = s.signed(s.approval(approved_on=s.NOW), "ada")
    assert clauses([run, summary, approval, again], two) == {"approvals"}  # one person, twice
    others = s.environment(approvals=ApprovalRule(count=1, teams=("legal",)))
    assert clauses([run, summary, approval], others) == {"approvals"}


def with_signers(*signers: Signer, count: int = 1) -> Environment:
    """Production with more keys, and `count` approvals of the platform team."""
    made = s.environment(approvals=ApprovalRule(count=count, teams=("platform",), not_author=True))
    return replace(made, signers={**made.signers, **{signer.name: signer for signer in signers}})


def platform(name: str, *authors: str) -> Signer:
    return s.signer(name, "approver", teams=("platform",), authors=authors)


def test_two_keys_of_one_person_are_one_approval() -> None:
    """Keys that name an e-mail address in common are a person's old key and the new one."""
    keys = platform("ada-2027", "ADA@example.com", "ada@home.example"), platform("bob", "b@x.y")
    run, summary, approval = s.passing()
    again, bob = s.signed(s.approval(), "ada-2027"), s.signed(s.approval(), "bob")
    two = with_signers(*keys, count=2)
    assert clauses([run, summary, approval, again], two) == {"approvals"}
    assert not clauses([run, summary, approval, again, bob], two)
    assert clauses(s.passing(), two, authors=frozenset({"ada@home.example"})) == {"approvals"}


def test_an_approval_that_counts_by_one_of_its_keys_is_not_set_aside() -> None:
    run, summary, _ = s.passing()
    both = s.signed(s.approval(), "eve", "ada")
    keys = with_signers(platform("eve", "eve@example.com"))
    found = verify(
        s.expected(), keys, [run, summary, both], now=s.NOW, authors=frozenset({"eve@example.com"})
    )
    assert found.is_yes
    assert not found.set_aside


def test_order_and_repetition_decide_nothing() -> None:
    envelopes = [
        *s.passing(),
        *evaluated(decision="FAILED"),
        s.signed(s.approval(approved_on=s.NOW), "ada"),
        s.signed(s.admission(), "deploy"),
        b"{",
    ]
    found = verify(s.expected(), s.environment(), envelopes, now=s.NOW)
    again = verify(s.expected(), s.environment(), [*envelopes[::-1], *envelopes], now=s.NOW)
    assert again == found


def test_the_author_of_a_commit_does_not_approve_it() -> None:
    assert clauses(s.passing(), authors=frozenset({"Ada@example.com"})) == {"approvals"}


def admitted(*envelopes: bytes) -> bytes:
    """The record that production took the identity, by the envelopes."""
    return s.signed(s.admission(evidence=tuple(map(digest_bytes, envelopes))), "deploy")


def test_what_was_admitted_stays_admitted_until_it_is_withdrawn() -> None:
    envelopes = [admitted()]
    found = verify(s.expected(), s.environment(), envelopes, now=s.NOW)
    assert found.is_yes
    assert found.accepted == (digest_bytes(envelopes[0]),)
    assert not found.proven
    gone = verify(s.expected(), s.environment(), envelopes, now=s.NOW, withdrawn="rolled back")
    assert not gone.is_yes
    assert "withdrawn" in {unmet.clause for unmet in gone.unmet}


def test_admissions_of_a_stack_are_told_last_one_first() -> None:
    first = s.admission(admitted_on=s.NOW - timedelta(days=3), commit="5" * 40)
    envelopes = [
        b"{",
        s.signed(first, "deploy", identity=OTHER),
        s.signed(s.admission(), "deploy"),
        s.signed(s.admission(stack="stacks/other"), "deploy"),
        s.signed(s.admission(environment="staging"), "deploy"),
        s.signed(s.admission(commit="6" * 40), "ci"),
        s.signed(s.approval(), "ada"),
    ]
    found = admissions_of(s.STACK, s.environment(), envelopes, now=s.NOW)
    assert found == (s.admission(), first)


def test_age_counts_at_the_first_admission_alone() -> None:
    later = s.NOW + timedelta(days=100)
    envelopes = [*s.passing(), admitted(*s.passing())]
    found = verify(s.expected(), s.environment(), envelopes, now=later)
    assert found.is_yes
    assert not found.proven


def test_what_was_admitted_rests_on_evidence_whose_keys_still_count() -> None:
    run, summary, approval = s.passing()
    record = admitted(run, summary, approval)
    other = s.expected(suites={s.SUITE: s.parts(golden=OTHER)})
    renamed = s.environment(evidence=EvidenceRule(signers=("nightly",)))
    for environment in (s.environment(), renamed):  # today's rules are not asked again
        assert verify(other, environment, [record, run, summary, approval], now=s.NOW).admitted
    signers = s.environment().signers
    stolen = {**signers, "ci": s.signer("ci", "evaluator", revoked=date(2026, 6, 1))}
    revoked = s.environment(signers=stolen)
    found = verify(s.expected(), revoked, [record, run, summary, approval], now=s.NOW)
    assert not found.is_yes
    assert digest_bytes(record) in {a.envelope for a in found.set_aside if a.clause == "evidence"}
    # Without the evidence nobody can tell whose keys it was signed by.
    assert clauses([record], revoked) == {"evidence", "approvals"}


def test_an_environment_may_take_models_without_a_pin() -> None:
    unpinned = s.expected(unpinned=frozenset({"stacks/models/m"}))
    assert clauses(s.passing(), expected=unpinned) == {"unpinned"}
    bare = s.environment(evidence=None, approvals=None, signers={})
    assert clauses([], bare, expected=unpinned) == {"unpinned"}
    assert not clauses(
        s.passing(), s.environment(unpinned=frozenset({"stacks/models/m"})), expected=unpinned
    )


def test_an_environment_that_requires_nothing_admits_everything() -> None:
    bare = s.environment(evidence=None, approvals=None, signers={})
    assert verify(s.expected(), bare, [], now=s.NOW).is_yes


def test_a_stack_that_no_suite_judges_proves_nothing() -> None:
    assert clauses(s.passing(), expected=s.expected(suites={})) == {"complete"}


@pytest.mark.parametrize("days", [(date.min, date(2026, 12, 31)), (date(2026, 1, 1), date.max)])
def test_a_key_may_be_valid_for_all_days_there_are(days: tuple[date, date]) -> None:
    signers = {**s.environment().signers, "ci": s.signer("ci", "evaluator", valid=days)}
    assert not clauses(s.passing(), s.environment(signers=signers))


@pytest.mark.parametrize(
    "moment",
    [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)],
)
def test_a_time_at_the_end_of_the_calendar_is_refused_like_any_other(moment: datetime) -> None:
    assert clauses(evaluated(attested_on=moment, evaluated_on=moment)) & {"validity", "statement"}


def test_an_age_may_be_longer_than_the_calendar() -> None:
    rule = EvidenceRule(signers=("ci",), max_age_days=1e300)
    assert not clauses(s.passing(), s.environment(evidence=rule))


def test_evidence_of_any_age_counts_where_no_age_is_named() -> None:
    rule = EvidenceRule(signers=("ci",))
    later = s.NOW + timedelta(days=1000)
    assert not clauses(s.passing(), s.environment(evidence=rule), now=later)
