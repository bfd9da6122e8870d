"""Vectors of verification: `python tests/evidence_vectors.py` writes tests/evidence/vectors/ again.

Each verdict is written by hand, not by the verifier. tests/evidence/vectors/README.md has the format.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import signing as s

from tetrad.canonical import canonical_json, digest_bytes
from tetrad.ed25519 import public_pem
from tetrad.evidence import Expected, open_envelope, seal
from tetrad.evidence.expected import ListedWaiver
from tetrad.evidence.statements import YardstickEvaluation
from tetrad.model import ApprovalRule, Environment, EvidenceRule, Signer
from tetrad.results.gate_report import WaiverUse

FOLDER = Path(__file__).parent / "evidence" / "vectors"
OTHER = digest_bytes(b"other")
ORDER = 2**252 + 27742317777372353535851937790883648493
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Vector:
    """`aside` is the clause by the envelope's place; a no needs something `unmet`."""

    note: str
    envelopes: Sequence[bytes]
    aside: Mapping[int, str] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()
    is_yes: bool | None = None  # None: yes where nothing is unmet
    environment: Environment = field(default_factory=s.environment)
    expected: Expected = field(default_factory=s.expected)
    now: datetime = s.NOW
    authors: tuple[str, ...] = ()
    withdrawn: str = ""

    @property
    def says_yes(self) -> bool:
        return not self.unmet if self.is_yes is None else self.is_yes


# -- envelopes that pass but for one thing


def with_run(run: bytes) -> tuple[bytes, ...]:
    """A run, the summary that names it, and an approval."""
    return run, s.signed(s.summary(run), "ci"), s.signed(s.approval(), "ada")


def evaluated(**changes: Any) -> tuple[bytes, ...]:
    return with_run(s.signed(s.evaluation(**changes), "ci"))


def in_suite(**changes: Any) -> tuple[bytes, ...]:
    return evaluated(suites=(s.suite_evaluation(**changes),))


def summed(**changes: Any) -> tuple[bytes, ...]:
    run, _, approval = s.passing()
    return run, s.signed(s.summary(run, **changes), "ci"), approval


def approved(*names: str, **changes: Any) -> tuple[bytes, ...]:
    run, summary, _ = s.passing()
    return run, summary, s.signed(s.approval(**changes), *names)


def admitted(*envelopes: bytes, by: str = "deploy", **changes: Any) -> bytes:
    evidence = tuple(map(digest_bytes, envelopes))
    return s.signed(s.admission(evidence=evidence, **changes), by)


def envelope_with(**changes: Any) -> bytes:
    document = json.loads(s.passing()[0])
    return canonical_json({**document, **changes})


def signature_with(**changes: Any) -> bytes:
    document = json.loads(s.passing()[0])
    return canonical_json({**document, "signatures": [{**document["signatures"][0], **changes}]})


def without(name: str) -> bytes:
    document = json.loads(s.passing()[0])
    del document[name]
    return canonical_json(document)


def payload() -> bytes:
    return open_envelope(s.passing()[0]).payload


def rewritten(change: Callable[[str], str]) -> bytes:
    """The run, its payload changed as text before it was signed."""
    text = payload().decode()
    changed = change(text)
    if changed == text:
        raise ValueError("the payload is as it was")
    return seal(changed.encode("utf-8", "surrogatepass"), [s.key("ci")])


def subject_with(written: str) -> bytes:
    """The run, about other subjects."""
    own = f'[{{"digest":{{"sha256":"{s.IDENTITY.hex}"}},"name":"triage"}}]'
    return rewritten(lambda text: text.replace(own, written))


def sealed_as(payload_type: str) -> bytes:
    return seal(payload(), [s.key("ci")], payload_type)


def signed_over(data: bytes) -> bytes:
    """The run, with a signature over other bytes than DSSE's."""
    return signature_with(sig=base64.b64encode(s.key("ci").sign(data)).decode())


def second_number() -> bytes:
    """The run, with the signature's second half larger by the order of the group."""
    made = base64.b64decode(json.loads(s.passing()[0])["signatures"][0]["sig"])
    half = (int.from_bytes(made[32:], "little") + ORDER).to_bytes(32, "little")
    return signature_with(sig=base64.b64encode(made[:32] + half).decode())


def with_signer(name: str, role: str = "approver", **changes: Any) -> Environment:
    made = s.environment()
    return replace(made, signers={**made.signers, name: s.signer(name, role, **changes)})


def changed(name: str, **changes: Any) -> Environment:
    """Production, with something else about a signer."""
    made = s.environment()
    return replace(made, signers={**made.signers, name: replace(made.signers[name], **changes)})


def platform(**changes: Any) -> ApprovalRule:
    return replace(ApprovalRule(count=1, teams=("platform",), not_author=True), **changes)


REVOKED = date(2026, 6, 1)
BOB = with_signer("bob", teams=("platform",), authors=("bob@example.com",))
ADA_TWICE = with_signer("ada-2027", teams=("platform",), authors=("Ada@Example.com",))
SAFETY = s.suite_evaluation(suite="evals/safety")
BOTH = s.expected(suites={s.SUITE: s.parts(), "evals/safety": s.parts()})
WAIVED = WaiverUse(case="late", reason="r", owner="@o", until="2026-12-31")
LISTED = ListedWaiver(f"{s.SUITE}#late", "r", "@o", "2026-12-31")
MODEL = "stacks/models/smollm2-135m"
OLD = s.NOW - 31 * DAY


def good() -> Iterator[tuple[str, Vector]]:
    run, summary, approval = s.passing()
    pretty = json.dumps(json.loads(run), indent=2).encode()
    plain = s.environment(approvals=None)
    admission = admitted(run, summary, approval)
    cpu, gpu = run, s.signed(s.evaluation(suites=(SAFETY,)), "ci")
    document = json.loads(run)
    url = document["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    no_keyid = canonical_json({**document, "signatures": [{"sig": url}]})
    yes: dict[str, Vector] = {
        "passing": Vector(note="a run, its summary and an approval", envelopes=s.passing()),
        "nothing-required": Vector(
            note="an environment that asks for nothing",
            envelopes=(),
            environment=s.environment(evidence=None, approvals=None, signers={}),
        ),
        "approval-alone": Vector(
            note="an environment that asks for approvals alone",
            envelopes=(approval,),
            environment=s.environment(evidence=None),
        ),
        "evidence-alone": Vector(
            note="an environment that asks for evidence alone",
            envelopes=(run, summary),
            environment=plain,
        ),
        "base64-for-urls": Vector(
            note="a signature in the alphabet for URLs, without a key id",
            envelopes=with_run(no_keyid),
        ),
        "another-key-id": Vector(
            note="a key id is a hint that decides nothing",
            envelopes=with_run(signature_with(keyid="0" * 64)),
        ),
        "indented-envelope": Vector(
            note="how the envelope is laid out decides nothing", envelopes=with_run(pretty)
        ),
        "signed-twice": Vector(
            note="by a key that counts, and by one that nobody knows",
            envelopes=with_run(s.signed(s.evaluation(), "mallory", "ci")),
        ),
        "signed-with-a-revoked-key-too": Vector(
            note="one signature that counts is enough",
            envelopes=with_run(s.signed(s.evaluation(), "nightly", "ci")),
            environment=changed("nightly", revoked=REVOKED),
        ),
        "reversed": Vector(note="in any order", envelopes=s.passing()[::-1]),
        "repeated": Vector(note="each twice", envelopes=s.passing() * 2),
        "junk-beside": Vector(
            note="what is no envelope takes nothing away",
            envelopes=(*s.passing(), b"{"),
            aside={3: "envelope"},
        ),
        "a-failure-beside": Vector(
            note="a run that failed takes nothing away: the gate has looked at it",
            envelopes=(*s.passing(), s.signed(s.evaluation(decision="FAILED"), "ci")),
            aside={3: "decision"},
        ),
        "two-runs": Vector(
            note="two runs cover the suites together",
            envelopes=(cpu, gpu, s.signed(s.summary(cpu, gpu), "ci"), approval),
            expected=BOTH,
        ),
        "more-suites-than-required": Vector(
            note="a suite that is not required may be another one",
            envelopes=evaluated(suites=(s.suite_evaluation(), replace(SAFETY, golden=OTHER))),
        ),
        "an-unknown-input": Vector(
            note="a summary may rest on more than is at hand",
            envelopes=(run, s.signed(s.summary(run, b"gone"), "ci"), approval),
        ),
        "nothing-to-compare-with": Vector(
            note="a requirement that does not apply",
            envelopes=in_suite(requirements=(s.requirement(decision="NOT_APPLICABLE"),)),
        ),
        "a-yardstick-that-does-not-bind": Vector(
            note="the base's suite failed where the identity did not move",
            envelopes=evaluated(
                yardsticks=(
                    YardstickEvaluation(
                        suite=s.SUITE, digest=OTHER, decision="FAILED", binding=False
                    ),
                )
            ),
        ),
        "a-waiver-on-its-last-day": Vector(
            note="a case was waived by a line of the merged files",
            envelopes=in_suite(waived=(replace(WAIVED, until="2026-06-15"),)),
            expected=s.expected(waivers=frozenset({LISTED._replace(until="2026-06-15")})),
        ),
        "an-unpinned-model-that-is-named": Vector(
            note="the environment takes the model without a pin",
            envelopes=evaluated(unpinned=(MODEL,)),
            expected=s.expected(unpinned=frozenset({MODEL})),
            environment=s.environment(unpinned=frozenset({MODEL})),
        ),
        "as-old-as-may-be": Vector(
            note="30 days to the second", envelopes=evaluated(evaluated_on=s.NOW - 30 * DAY)
        ),
        "of-any-age": Vector(
            note="no age is named",
            envelopes=s.passing(),
            now=s.NOW + 1000 * DAY,
            environment=s.environment(evidence=EvidenceRule(signers=("ci",))),
        ),
        "evaluated-by-a-clock-ahead": Vector(
            note="five minutes after the signature, by its own clock",
            envelopes=evaluated(evaluated_on=s.NOW - 2 * DAY + 5 * MINUTE),
        ),
        "clock-ahead": Vector(
            note="by five minutes", envelopes=evaluated(attested_on=s.NOW + 5 * MINUTE)
        ),
        "five-minutes-before-the-key": Vector(
            note="clocks may differ at the first day, too",
            envelopes=with_run(run),
            environment=changed("ci", valid=(date(2026, 6, 13), date(2026, 12, 31))),
            now=s.NOW,
        ),
        "the-last-day-of-the-key": Vector(
            note="the day counts to its end",
            envelopes=s.passing(),
            environment=changed("ci", valid=(date(2026, 1, 1), date(2026, 6, 13))),
        ),
        "a-key-without-days": Vector(
            note="it is valid until it is revoked",
            envelopes=s.passing(),
            environment=changed("ci", valid=None),
        ),
        "a-key-for-all-days": Vector(
            note="to the end of the calendar",
            envelopes=s.passing(),
            environment=changed("ci", valid=(date.min, date.max)),
        ),
        "two-people": Vector(
            note="two approvals of two people",
            envelopes=(run, summary, approval, s.signed(s.approval(), "bob")),
            environment=replace(BOB, approvals=platform(count=2)),
        ),
        "two-people-in-one-envelope": Vector(
            note="signed by both",
            envelopes=(run, summary, s.signed(s.approval(), "ada", "bob")),
            environment=replace(BOB, approvals=platform(count=2)),
        ),
        "one-approval-more": Vector(
            note="of somebody who is in none of the teams",
            envelopes=(*s.passing(), s.signed(s.approval(), "eve")),
            environment=with_signer("eve", authors=("eve@example.com",)),
            aside={3: "approvals"},
        ),
        "of-any-team": Vector(
            note="no team is named",
            envelopes=s.passing(),
            environment=s.environment(approvals=ApprovalRule(count=1)),
        ),
        "an-author-who-may": Vector(
            note="authors may approve their own",
            envelopes=s.passing(),
            authors=("ada@example.com",),
            environment=s.environment(approvals=platform(not_author=False)),
        ),
        "admitted-before": Vector(
            note="the environment took it; nothing is asked again but whose keys count",
            envelopes=(run, summary, approval, admission),
            now=s.NOW + 100 * DAY,
            aside={0: "age"},
            unmet=("complete",),
            is_yes=True,
        ),
        "admitted-by-an-older-golden-set": Vector(
            note="what was merged since does not matter to a rollback",
            envelopes=(run, summary, approval, admission),
            expected=s.expected(suites={s.SUITE: s.parts(golden=OTHER)}),
            aside={0: "golden"},
            unmet=("complete",),
            is_yes=True,
        ),
        "admitted-by-another-signer": Vector(
            note="the environment now names another evaluator, and the key was not revoked",
            envelopes=(run, summary, approval, admission),
            environment=s.environment(evidence=EvidenceRule(signers=("nightly",))),
            aside={0: "role", 1: "role"},
            unmet=("evidence",),
            is_yes=True,
        ),
    }
    yield from yes.items()


def unread() -> Iterator[tuple[str, Vector]]:
    """What is no envelope, not signed, or no statement."""
    text = s.passing()[0].decode()
    own = json.loads(text)["payload"]
    signature = json.loads(text)["signatures"][0]
    envelopes = {
        "empty": b"",
        "no-json": b"{",
        "no-object": b"[]",
        "no-utf-8": s.passing()[0].replace(b"keyid", b"key\xff"),
        "a-byte-order-mark": b"\xef\xbb\xbf" + s.passing()[0],
        "deeply-nested": b"[" * 10_000,
        "unknown-field": envelope_with(more=1),
        "repeated-field": text.replace('{"payload"', '{"payload":"e30=","payload"', 1).encode(),
        "no-payload": without("payload"),
        "no-payload-type": without("payloadType"),
        "no-signatures": envelope_with(signatures=[]),
        "signatures-of-another-kind": envelope_with(signatures=signature),
        "seventeen-signatures": envelope_with(signatures=[signature] * 17),
        "half-a-surrogate-pair": s.passing()[0].replace(b"vnd.in-toto", b"\\ud800"),
        "a-signature-of-another-kind": envelope_with(signatures=["x"]),
        "unknown-field-of-a-signature": signature_with(cert=""),
        "a-key-id-of-another-kind": signature_with(keyid=None),
        "a-payload-of-another-kind": envelope_with(payload=1),
        "no-base64": envelope_with(payload="*"),
        "base64-without-padding": envelope_with(payload=own.rstrip("=")),
        "base64-with-a-line-end": envelope_with(payload=own[:76] + "\n" + own[76:]),
        "base64-of-both-alphabets": signature_with(sig="+-" + signature["sig"][2:]),
        "base64-with-other-bits": envelope_with(payload="e31="),
    }
    for name, data in envelopes.items():
        yield f"envelope-{name}", alone(data, "envelope", f"no envelope: {name}")
    types = {
        "payload-type-text": "text/plain",
        "payload-type-in-capitals": "Application/vnd.in-toto+json",
    }
    for name, kind in types.items():
        yield name, alone(sealed_as(kind), "payload-type", f"signed as {kind}")
    made = base64.b64decode(signature["sig"])
    signatures = {
        "unknown-key": s.signed(s.evaluation(), "mallory"),
        "another-payload": envelope_with(payload="e30="),
        "empty": signature_with(sig=""),
        "cut": signature_with(sig=base64.b64encode(made[:-1]).decode()),
        "zeros": signature_with(sig=base64.b64encode(bytes(64)).decode()),
        "second-number": second_number(),
        "over-the-payload-alone": signed_over(payload()),
        "over-another-type": signed_over(
            b"DSSEv1 10 text/plain %d %b" % (len(payload()), payload())
        ),
        "of-another-envelope": signature_with(
            sig=json.loads(s.passing()[1])["signatures"][0]["sig"]
        ),
        "type-changed-after": canonical_json(
            {**json.loads(sealed_as("text/plain")), "payloadType": "application/vnd.in-toto+json"}
        ),
    }
    for name, data in signatures.items():
        yield f"signature-{name}", alone(data, "signature", f"no signature: {name}")
    yield from misstated()


def alone(run: bytes, clause: str, note: str) -> Vector:
    """A no, because the run is set aside."""
    return Vector(note=note, envelopes=with_run(run), aside={0: clause}, unmet=("complete",))


def misstated() -> Iterator[tuple[str, Vector]]:
    kind = '"predicateType":"https://github.com/tetrad-dev/tetrad/evaluation/v1"'
    changes: dict[str, Callable[[str], str]] = {
        "no-json": lambda _: "{",
        "no-object": lambda _: "[]",
        "older-type": lambda t: t.replace("Statement/v1", "Statement/v0.1"),
        "no-predicate-type": lambda t: t.replace(kind + ",", ""),
        "an-empty-predicate-type": lambda t: t.replace(kind, '"predicateType":""'),
        "no-predicate": lambda t: t[: t.index('"predicate":')] + '"predicate":null,' + t[t.index(kind) :],
        "unknown-field": lambda t: t.replace('"_type"', '"_also":1,"_type"'),
        "unknown-field-of-the-predicate": lambda t: t.replace('"build":', '"also":1,"build":'),
        "unknown-field-deep-inside": lambda t: t.replace('"base":', '"also":1,"base":'),
        "repeated-field": lambda t: t.replace('"build":', '"build":"x","build":'),
        "missing-field": lambda t: t.replace('"build":"torch 2.13.0, cpu",', ""),
        "a-field-at-its-default": lambda t: t.replace('"model":', '"loosened":[],"model":'),
        "spaces": lambda t: t.replace('":', '": '),
        "a-line-end-behind": lambda t: t + "\n",
        "another-order": lambda t: json.dumps(dict(reversed(json.loads(t).items())), separators=(",", ":"), ensure_ascii=False),
        "escaped-letters": lambda t: t.replace("≥", "\\u2265"),
        "half-a-surrogate-pair": lambda t: t.replace("cpu", "\\ud800"),
        "a-whole-number-with-a-fraction": lambda t: t.replace('"cases":60', '"cases":60.0'),
        "a-number-as-text": lambda t: t.replace('"cases":60', '"cases":"60"'),
        "true-for-1": lambda t: t.replace('"grading":1', '"grading":true'),
        "no-number": lambda t: t.replace('"value":0.9', '"value":NaN'),
        "an-endless-number": lambda t: t.replace('"value":0.9', '"value":1e999'),
        "an-unknown-verdict": lambda t: t.replace('"decision":"PASSED"', '"decision":"passed"'),
        "a-time-with-an-offset": lambda t: t.replace("12:00:00Z", "12:00:00+00:00"),
        "a-day-that-is-not": lambda t: t.replace("2026-06-13", "2026-06-31"),
        "a-digest-in-capitals": lambda t: t.replace(f'"report":"{s.evaluation().report}"', f'"report":"sha256:{s.evaluation().report.hex.upper()}"'),
    }  # fmt: skip
    for name, change in changes.items():
        yield f"statement-{name}", alone(rewritten(change), "statement", f"no statement: {name}")
    for name, uri in {
        "unknown": "https://example.com/evaluation/v1",
        "next-version": "https://github.com/tetrad-dev/tetrad/evaluation/v2",
        "of-in-toto": "https://in-toto.io/attestation/test-result/v0.1",
    }.items():
        data = rewritten(lambda t, uri=uri: t.replace(kind, f'"predicateType":"{uri}"'))  # type: ignore[misc]
        yield f"predicate-type-{name}", alone(data, "predicate-type", f"of the type {uri}")
    yield from misdirected()


def misdirected() -> Iterator[tuple[str, Vector]]:
    own, other = s.IDENTITY.hex, OTHER.hex
    subjects = {
        "none": "[]",
        "no-list": f'{{"digest":{{"sha256":"{own}"}},"name":"triage"}}',
        "two": f'[{{"digest":{{"sha256":"{own}"}},"name":"triage"}},{{"digest":{{"sha256":"{other}"}},"name":"x"}}]',
        "two-digests": f'[{{"digest":{{"sha1":"{"0" * 40}","sha256":"{own}"}},"name":"triage"}}]',
        "another-algorithm": f'[{{"digest":{{"sha512":"{own * 2}"}},"name":"triage"}}]',
        "capitals": f'[{{"digest":{{"sha256":"{own.upper()}"}},"name":"triage"}}]',
        "no-name": f'[{{"digest":{{"sha256":"{own}"}}}}]',
        "another-identity": f'[{{"digest":{{"sha256":"{other}"}},"name":"triage"}}]',
    }
    for name, written in subjects.items():
        yield f"subject-{name}", alone(subject_with(written), "subject", f"the subject: {name}")


def unfit() -> Iterator[tuple[str, Vector]]:
    """Runs and summaries by keys that count, which the environment does not take."""
    runs: dict[str, tuple[str, tuple[bytes, ...]]] = {
        "decision-of-the-run": ("decision", evaluated(decision="FAILED")),
        "decision-of-a-suite": ("decision", in_suite(decision="FAILED")),
        "decision-of-a-requirement": ("decision", in_suite(requirements=(s.requirement(decision="FAILED"),))),
        "decision-inconclusive": ("decision", in_suite(requirements=(s.requirement(decision="INCONCLUSIVE"),))),
        "decision-by-the-base": ("decision", evaluated(yardsticks=(YardstickEvaluation(suite=s.SUITE, digest=OTHER, decision="FAILED"),))),
        "decision-of-a-suite-that-is-not-required": ("decision", evaluated(suites=(s.suite_evaluation(), replace(SAFETY, decision="FAILED")))),
        "stack-of-a-run": ("stack", evaluated(stack="stacks/other")),
        "golden": ("golden", in_suite(golden=OTHER)),
        "policy": ("policy", in_suite(policy=OTHER)),
        "judges": ("judges", in_suite(judges=OTHER)),
        "suite": ("suite", in_suite(digest=OTHER)),
        "golden-of-one-of-two-entries": ("golden", evaluated(suites=(s.suite_evaluation(), s.suite_evaluation(golden=OTHER)))),
        "waivers-not-listed": ("waivers", in_suite(waived=(WAIVED,))),
        "unpinned-judge": ("unpinned", evaluated(unpinned=("stacks/models/judge",))),
        "age": ("age", evaluated(evaluated_on=s.NOW - 30 * DAY - SECOND)),
        "age-of-a-month-and-more": ("age", evaluated(evaluated_on=OLD, attested_on=OLD)),
        "age-evaluated-after-the-signature": ("age", evaluated(evaluated_on=s.NOW)),
        "validity-in-the-future": ("validity", evaluated(attested_on=s.NOW + 5 * MINUTE + SECOND)),
        "validity-at-the-end-of-the-calendar": ("validity", evaluated(attested_on=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))),
        "role-an-approver-evaluates": ("role", with_run(s.signed(s.evaluation(), "ada"))),
        "role-a-deployer-evaluates": ("role", with_run(s.signed(s.evaluation(), "deploy"))),
        "role-an-evaluator-that-is-not-named": ("role", with_run(s.signed(s.evaluation(), "nightly"))),
    }  # fmt: skip
    for name, (clause, envelopes) in runs.items():
        yield (
            name,
            Vector(
                note=name.replace("-", " "),
                envelopes=envelopes,
                aside={0: clause},
                unmet=("complete",),
            ),
        )
    summaries: dict[str, tuple[str, tuple[bytes, ...]]] = {
        "environment-of-a-summary": ("environment", summed(resource_uri="tetrad://staging/stacks/triage")),
        "environment-of-a-summary-of-another-stack": ("environment", summed(resource_uri="tetrad://production/stacks/other")),
        "environment-of-the-same-name-elsewhere": ("environment", summed(policy=replace(s.summary().policy, uri="infra/environments/eu/production"))),
        "verifier": ("verifier", summed(verifier=replace(s.summary().verifier, id="https://example.com"))),
        "decision-of-a-summary": ("decision", summed(verification_result="FAILED")),
        "validity-of-a-summary": ("validity", summed(time_verified=s.NOW + DAY)),
        "subject-of-a-summary": ("subject", (s.passing()[0], s.signed(s.summary(s.passing()[0]), "ci", identity=OTHER), s.passing()[2])),
        "role-of-a-summary": ("role", (s.passing()[0], s.signed(s.summary(s.passing()[0]), "nightly"), s.passing()[2])),
    }  # fmt: skip
    for name, (clause, envelopes) in summaries.items():
        yield (
            name,
            Vector(
                note=name.replace("-", " "),
                envelopes=envelopes,
                aside={1: clause},
                unmet=("evidence",),
            ),
        )
    yield from unfit_there()


def unfit_there() -> Iterator[tuple[str, Vector]]:
    """What passes, held against another environment or other files."""
    run, summary, approval = s.passing()
    yield "waivers-ended", Vector(
        note="the day before", envelopes=in_suite(waived=(replace(WAIVED, until="2026-06-14"),)),
        expected=s.expected(waivers=frozenset({LISTED._replace(until="2026-06-14")})),
        aside={0: "waivers"}, unmet=("complete",),
    )  # fmt: skip
    yield "waivers-with-another-reason", Vector(
        note="not the words that were accepted", envelopes=in_suite(waived=(replace(WAIVED, reason="x"),)),
        expected=s.expected(waivers=frozenset({LISTED})), aside={0: "waivers"}, unmet=("complete",),
    )  # fmt: skip
    yield "unpinned", Vector(
        note="a model of the stack has no pinned weights", envelopes=s.passing(),
        expected=s.expected(unpinned=frozenset({MODEL})), unmet=("unpinned",),
    )  # fmt: skip
    yield "unpinned-where-nothing-is-required", Vector(
        note="an environment says which models it takes without a pin, whatever else it asks for",
        envelopes=(), environment=s.environment(evidence=None, approvals=None),
        expected=s.expected(unpinned=frozenset({MODEL})), unmet=("unpinned",),
    )  # fmt: skip
    for name, days in {
        "before": (date(2026, 6, 14), date(2026, 12, 31)),
        "after": (date(2026, 1, 1), date(2026, 6, 12)),
    }.items():
        yield f"validity-{name}-the-key", Vector(
            note=f"signed {name} the days of the key", envelopes=s.passing(),
            environment=changed("ci", valid=days), aside={0: "validity", 1: "validity"}, unmet=("evidence",),
        )  # fmt: skip
    yield "revoked", Vector(
        note="the evaluator's key", envelopes=s.passing(), environment=changed("ci", revoked=REVOKED),
        aside={0: "revoked", 1: "revoked"}, unmet=("evidence",),
    )  # fmt: skip
    yield "revoked-later", Vector(
        note="a day to come counts from now on", envelopes=s.passing(),
        environment=changed("ada", revoked=date(2027, 1, 1)), aside={2: "revoked"}, unmet=("approvals",),
    )  # fmt: skip
    yield (
        "complete-a-suite-is-missing",
        Vector(note="of two", envelopes=s.passing(), expected=BOTH, unmet=("complete",)),
    )
    gpu = s.signed(s.evaluation(suites=(SAFETY,)), "ci")
    yield (
        "complete-by-a-run-that-the-summary-does-not-name",
        Vector(
            note="it is there, and not summed up",
            envelopes=(run, gpu, summary, approval),
            expected=BOTH,
            unmet=("complete",),
        ),
    )
    yield "complete-by-two-summaries", Vector(
        note="each names one of two runs", envelopes=(run, gpu, summary, s.signed(s.summary(gpu), "ci"), approval),
        expected=BOTH, unmet=("complete",),
    )  # fmt: skip
    yield (
        "complete-no-suite-judges-the-stack",
        Vector(
            note="nothing was asked of it",
            envelopes=s.passing(),
            expected=s.expected(suites={}),
            unmet=("complete",),
        ),
    )
    yield (
        "complete-a-summary-of-nothing",
        Vector(
            note="the run is not there",
            envelopes=(summary, approval),
            expected=BOTH,
            unmet=("complete",),
        ),
    )
    yield (
        "evidence-no-summary",
        Vector(note="a run alone", envelopes=(run, approval), unmet=("evidence",)),
    )
    yield "nothing", Vector(note="no envelope", envelopes=(), unmet=("evidence", "approvals"))


def unapproved() -> Iterator[tuple[str, Vector]]:
    run, summary, approval = s.passing()
    again = s.signed(s.approval(approved_on=s.NOW), "ada")
    cases: dict[str, Vector] = {
        "none": Vector(note="nobody", envelopes=(run, summary)),
        "one-of-two": Vector(note="too few", envelopes=s.passing(), environment=replace(BOB, approvals=platform(count=2))),
        "one-of-two-of-any-team": Vector(note="too few", envelopes=s.passing(), environment=replace(BOB, approvals=ApprovalRule(count=2))),
        "one-person-twice": Vector(note="by one key", envelopes=(run, summary, approval, again), environment=replace(BOB, approvals=platform(count=2))),
        "one-person-by-two-keys": Vector(note="which name one e-mail address", envelopes=(run, summary, approval, s.signed(s.approval(), "ada-2027")), environment=replace(ADA_TWICE, approvals=platform(count=2))),
        "of-another-team": Vector(note="legal is asked", envelopes=s.passing(), aside={2: "approvals"}, environment=s.environment(approvals=platform(teams=("legal", "security")))),
        "of-no-team": Vector(note="ada is in none", envelopes=s.passing(), aside={2: "approvals"}, environment=changed("ada", teams=())),
        "by-the-author": Vector(note="ada wrote it", envelopes=s.passing(), aside={2: "approvals"}, authors=("ada@example.com",)),
        "by-the-author-in-capitals": Vector(note="addresses differ in case alone", envelopes=s.passing(), aside={2: "approvals"}, authors=("ADA@EXAMPLE.COM", "x@y.z")),
        "by-the-author-with-another-key": Vector(note="the key's person has another address, too", envelopes=s.passing(), aside={2: "approvals"}, authors=("ada@home.example",), environment=with_signer("ada-2027", teams=("platform",), authors=("ada@example.com", "ada@home.example"))),
        "by-who-may-be-the-author": Vector(note="no address is listed", envelopes=s.passing(), aside={2: "approvals"}, environment=changed("ada", authors=())),
    }  # fmt: skip
    for name, vector in cases.items():
        yield f"approvals-{name}", replace(vector, unmet=("approvals",))
    aside: dict[str, tuple[str, tuple[bytes, ...]]] = {
        "environment-of-an-approval": ("environment", approved("ada", environment="staging")),
        "stack-of-an-approval": ("stack", approved("ada", stack="stacks/other")),
        "role-an-evaluator-approves": ("role", approved("ci")),
        "validity-of-an-approval": ("validity", approved("ada", approved_on=s.NOW + DAY)),
        "signature-of-an-approval": ("signature", approved("eve")),
    }
    for name, (clause, envelopes) in aside.items():
        yield (
            name,
            Vector(
                note=name.replace("-", " "),
                envelopes=envelopes,
                aside={2: clause},
                unmet=("approvals",),
            ),
        )
    other = (run, summary, s.signed(s.approval(), "ada", identity=OTHER))
    yield (
        "subject-of-an-approval",
        Vector(
            note="of another identity", envelopes=other, aside={2: "subject"}, unmet=("approvals",)
        ),
    )


def not_admitted() -> Iterator[tuple[str, Vector]]:
    """A record of an admission, where evidence and approvals alone do not suffice."""
    run, summary, approval = s.passing()
    lacking = ("evidence", "approvals")
    record = admitted(run, summary, approval)
    cases: dict[str, Vector] = {
        "environment-of-an-admission": Vector(note="for staging", envelopes=(admitted(environment="staging"),), aside={0: "environment"}),
        "stack-of-an-admission": Vector(note="of another stack", envelopes=(admitted(stack="stacks/other"),), aside={0: "stack"}),
        "subject-of-an-admission": Vector(note="of another identity", envelopes=(s.signed(s.admission(), "deploy", identity=OTHER),), aside={0: "subject"}),
        "role-of-an-admission": Vector(note="by an evaluator", envelopes=(admitted(by="ci"),), aside={0: "role"}),
        "revoked-deployer": Vector(note="by a key that was revoked", envelopes=(admitted(),), aside={0: "revoked"}, environment=changed("deploy", revoked=REVOKED)),
        "evidence-of-an-admission-is-gone": Vector(note="nobody can tell whose keys it rests on", envelopes=(record,), aside={0: "evidence"}),
    }  # fmt: skip
    for name, vector in cases.items():
        yield name, replace(vector, unmet=lacking)
    yield "revoked-evaluator-of-an-admission", Vector(
        note="what it rests on was signed by a stolen key", envelopes=(run, summary, approval, record),
        environment=changed("ci", revoked=REVOKED),
        aside={0: "revoked", 1: "revoked", 3: "evidence"}, unmet=("evidence",),
    )  # fmt: skip
    yield "revoked-approver-of-an-admission", Vector(
        note="the approval that it rests on", envelopes=(run, summary, approval, record),
        environment=changed("ada", revoked=REVOKED),
        aside={2: "revoked", 3: "evidence"}, unmet=("approvals",),
    )  # fmt: skip
    yield (
        "withdrawn",
        Vector(
            note="proven, and withdrawn",
            envelopes=s.passing(),
            withdrawn="rolled back",
            unmet=("withdrawn",),
        ),
    )
    yield "withdrawn-after-an-admission", Vector(
        note="admitted, and withdrawn", envelopes=(run, summary, approval, record),
        withdrawn="rolled back", unmet=("withdrawn",),
    )  # fmt: skip


def vectors() -> dict[str, Vector]:
    made: dict[str, Vector] = {}
    for name, vector in (*good(), *unread(), *unfit(), *unapproved(), *not_admitted()):
        if name in made:
            raise ValueError(f"two vectors are called {name}")
        made[name] = vector
    return made


# -- as JSON


def document_of(vector: Vector) -> dict[str, Any]:
    return {
        "note": vector.note,
        "now": f"{vector.now:%Y-%m-%dT%H:%M:%SZ}",
        "authors": list(vector.authors),
        "withdrawn": vector.withdrawn,
        "environment": _environment(vector.environment),
        "expected": _expected(vector.expected),
        "envelopes": [_bytes(envelope) for envelope in vector.envelopes],
        "verdict": {
            "yes": vector.says_yes,
            "unmet": list(vector.unmet),
            "set_aside": {str(place): clause for place, clause in vector.aside.items()},
        },
    }


def _bytes(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _environment(environment: Environment) -> Any:
    evidence, approvals = environment.evidence, environment.approvals
    return {
        "ref": environment.ref,
        "name": environment.name,
        "signers": {name: _signer(signer) for name, signer in environment.signers.items()},
        "evidence": evidence
        and {"signers": list(evidence.signers), "max_age_days": evidence.max_age_days},
        "approvals": approvals
        and {
            "count": approvals.count,
            "teams": list(approvals.teams),
            "not_author": approvals.not_author,
        },
        "unpinned": sorted(environment.unpinned),
    }


def _signer(signer: Signer) -> Any:
    assert isinstance(signer.key, bytes)
    return {
        "key": public_pem(signer.key).decode(),
        "role": signer.role,
        "valid": signer.valid and [day.isoformat() for day in signer.valid],
        "revoked": signer.revoked and signer.revoked.isoformat(),
        "teams": list(signer.teams),
        "authors": list(signer.authors),
    }


def _expected(expected: Expected) -> Any:
    return {
        "stack": expected.stack,
        "identity": str(expected.identity),
        "suites": {
            ref: {name: str(digest) for name, digest in parts._asdict().items()}
            for ref, parts in expected.suites.items()
        },
        "unpinned": sorted(expected.unpinned),
        "waivers": [waiver._asdict() for waiver in sorted(expected.waivers)],
    }


def written(vector: Vector) -> str:
    return json.dumps(document_of(vector), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.json"):
        stale.unlink()
    for name, vector in vectors().items():
        (FOLDER / f"{name}.json").write_text(written(vector), encoding="utf-8")


if __name__ == "__main__":
    main()
