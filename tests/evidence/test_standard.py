"""An evaluation in the predicates of others, read by their own definitions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import signing as s
from google.protobuf.json_format import MessageToDict, ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.resource_descriptor_pb2 import (
    ResourceDescriptor as DescriptorMessage,
)
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from proofbundle.intoto import classify_eval_result_v02_predicate

from tetrad.canonical import digest_bytes
from tetrad.evidence.standard import EVAL_RESULT, PROVENANCE, TEST_RESULT, CiJob, standard_payloads
from tetrad.evidence.statements import Evaluation, YardstickEvaluation
from tetrad.results.gate_report import Helper, WaiverUse

CI = CiJob(
    builder="https://github.com/actions/runner/github-hosted",
    source="git+https://github.com/acme/support",
    run="https://github.com/acme/support/actions/runs/17",
)
REQUIREMENTS = (
    s.requirement(),
    s.requirement(requirement="min", threshold=0.85),
    s.requirement(requirement="no_worse_than_base", threshold=-0.05, value=0.01),
    s.requirement(requirement="must_pass", metric=None, threshold=0.0, value=0.0),
    s.requirement(requirement="max_flips", metric=None, threshold=2.0, value=1.0),
    s.requirement(
        requirement="cost_usd_per_case", metric=None, statistic="mean", threshold=2e-7, value=1e-7
    ),
    s.requirement(requirement="no_worse_than_base", metric="tone", decision="NOT_APPLICABLE"),
)
SAFETY = s.suite_evaluation(
    suite="evals/safety",
    requirements=(s.requirement(decision="FAILED", value=0.5),),
    decision="FAILED",
    waived=(WaiverUse(case="late", reason="r", owner="@o", until="2026-12-31"),),
)
OLD = digest_bytes(b"old")
RUN = s.evaluation(
    decision="FAILED",
    suites=(s.suite_evaluation(requirements=REQUIREMENTS), SAFETY),
    yardsticks=(YardstickEvaluation(suite=s.SUITE, digest=OLD, decision="PASSED"),),
    helpers=(Helper(role="judge", name="default", build="torch 2.13.0, cuda"),),
)


def documents(evaluation: Evaluation = RUN, ci: CiJob | None = CI) -> list[dict[str, Any]]:
    return [json.loads(p) for p in standard_payloads(evaluation, s.IDENTITY, "triage", ci)]


def predicate(kind: str, evaluation: Evaluation = RUN) -> dict[str, Any]:
    return next(d["predicate"] for d in documents(evaluation) if d["predicateType"] == kind)


def test_a_ci_job_gives_a_test_result_an_eval_result_for_each_suite_and_provenance() -> None:
    kinds = [document["predicateType"] for document in documents()]
    assert kinds == [TEST_RESULT, EVAL_RESULT, EVAL_RESULT, PROVENANCE]


def test_what_is_not_known_is_not_claimed() -> None:
    (alone,) = documents(ci=None)
    assert alone["predicateType"] == TEST_RESULT
    assert "url" not in alone["predicate"]


def test_they_are_statements_about_the_identity() -> None:
    for document in documents():
        message = ParseDict(document, StatementMessage())
        InTotoStatement.copy_from_pb(message).validate()
        assert [(d.name, dict(d.digest)) for d in message.subject] == [
            ("triage", {"sha256": s.IDENTITY.hex})
        ]


def is_descriptor(value: Mapping[str, Any]) -> bool:
    message = ParseDict(dict(value), DescriptorMessage())
    ResourceDescriptor.copy_from_pb(message).validate()
    return bool(MessageToDict(message) == dict(value))


def test_a_test_result_is_one_of_in_toto() -> None:
    found = predicate(TEST_RESULT)
    message = ParseDict(found, test_result_pb2.TestResult())
    assert MessageToDict(message) == {k: v for k, v in found.items() if v}
    assert all(map(is_descriptor, found["configuration"]))


def test_requirements_are_tests_and_waived_cases_are_warnings() -> None:
    found = predicate(TEST_RESULT)
    assert found["result"] == "FAILED"
    assert found["url"] == CI.run
    assert found["passedTests"] == [
        "evals/triage#min:answer",
        "evals/triage#min:answer:2",
        "evals/triage#no_worse_than_base:answer",
        "evals/triage#must_pass",
        "evals/triage#max_flips",
        "evals/triage#cost_usd_per_case:mean",
    ]
    assert found["warnedTests"] == ["evals/safety#late"]
    assert found["failedTests"] == ["evals/safety#min:answer"]


@pytest.mark.parametrize(
    ("waived", "result"), [((), "PASSED"), (SAFETY.waived, "WARNED")], ids=["none", "waived"]
)
def test_a_verdict_that_rests_on_a_waiver_is_a_warning(waived: Any, result: str) -> None:
    evaluation = s.evaluation(suites=(s.suite_evaluation(waived=waived),))
    assert predicate(TEST_RESULT, evaluation)["result"] == result


def test_an_inconclusive_requirement_has_not_passed() -> None:
    suite = s.suite_evaluation(requirements=(s.requirement(decision="INCONCLUSIVE"),))
    evaluation = s.evaluation(suites=(suite,), decision="FAILED")
    assert predicate(TEST_RESULT, evaluation)["failedTests"] == ["evals/triage#min:answer"]
    assert EVAL_RESULT not in {d["predicateType"] for d in documents(evaluation)}


def test_the_configuration_names_all_that_judged() -> None:
    named = {d["name"]: d for d in predicate(TEST_RESULT)["configuration"]}
    for part, field in [("", "digest"), ("#golden", "golden"), ("#policy", "policy")]:
        digest = getattr(s.suite_evaluation(), field)
        assert named[f"evals/triage{part}"]["digest"] == {"sha256": digest.hex}
    assert named["evals/triage#judges"]["digest"] == {"sha256": s.suite_evaluation().judges.hex}
    assert named["evals/triage#base"]["digest"] == {"sha256": OLD.hex}
    assert named["harness"]["uri"] == "pkg:pypi/tetrad@0.1.0"
    assert named["harness"]["annotations"] == {"runtime": 2, "grading": 1}
    assert named["engine"]["mediaType"] == "text/plain"
    assert base64.b64decode(named["engine"]["content"]) == b"torch\ntorch 2.13.0, cpu"
    assert base64.b64decode(named["judge default"]["content"]) == b"torch 2.13.0, cuda"
    assert named["commit"]["digest"] == {"gitCommit": "1" * 40}
    assert named["base"]["digest"] == {"gitCommit": "3" * 40}
    assert "base" not in {
        d["name"]
        for d in predicate(TEST_RESULT, replace(RUN, commit=replace(RUN.commit, base=None)))[
            "configuration"
        ]
    }


def test_proofbundle_takes_our_eval_results() -> None:
    """The reference implementation of the proposal, whose draft it calls 0.2 of a type of its own.

    It judges what stands below the type; the type's address differs (docs/standard-predicates.md).
    """
    for document in documents():
        if document["predicateType"] == EVAL_RESULT:
            assert classify_eval_result_v02_predicate(document) == (True, "")
            del document["predicate"]["evaluator"]
            assert not classify_eval_result_v02_predicate(document)[0]


def test_requirements_on_a_number_are_claims() -> None:
    found = predicate(EVAL_RESULT)
    claims = [(c["metric"], c["comparator"], c["threshold"], c["passed"]) for c in found["claims"]]
    assert claims == [
        ("answer", ">=", "0.8", True),
        ("answer", ">=", "0.85", True),
        ("no_worse_than_base:answer", ">=", "-0.05", True),
        ("must_pass", "<=", "0", True),
        ("max_flips", "<=", "2", True),
        ("cost_usd_per_case:mean", "<=", "0.0000002", True),
    ]


def test_an_eval_result_says_what_was_evaluated_by_what_and_when() -> None:
    found = predicate(EVAL_RESULT)
    del found["claims"]
    golden = s.suite_evaluation().golden.hex
    report = {"sha256": RUN.report.hex}
    assert found == {
        "evaluator": {"id": CI.builder},
        "evaluatedAt": "2026-06-13T12:00:00Z",
        "suite": {"name": "evals/triage", "version": str(s.suite_evaluation().digest)},
        "sampleSize": 60,
        "model": {"name": "stacks/triage", "digest": {"sha256": s.IDENTITY.hex}},
        "dataset": {"name": "evals/triage#golden", "digest": {"sha256": golden}},
        "assuranceLevel": "self_attested",
        "subjectProfile": "release-gate",
        "preRegistration": {"alg": "sha256", "value": OLD.hex},
        "evidence": [{"name": "report", "mediaType": "application/json", "digest": report}],
        "harness": {"name": "tetrad", "version": "0.1.0"},
    }


def test_what_the_base_did_not_judge_was_not_registered_before() -> None:
    results = [d["predicate"] for d in documents() if d["predicateType"] == EVAL_RESULT]
    assert ["preRegistration" in result for result in results] == [True, False]
    assert results[1]["claims"][0]["passed"] is False


def test_provenance_is_that_of_slsa() -> None:
    found = predicate(PROVENANCE)
    assert MessageToDict(ParseDict(found, Provenance())) == found
    definition = found["buildDefinition"]
    assert definition["externalParameters"] == {
        "stack": "stacks/triage",
        "suites": ["evals/triage", "evals/safety"],
        "base": "3" * 40,
    }
    assert definition["resolvedDependencies"] == [
        {"uri": CI.source, "digest": {"gitCommit": "1" * 40}}
    ]
    assert all(map(is_descriptor, definition["resolvedDependencies"]))
    assert found["runDetails"]["builder"] == {"id": CI.builder}
    assert found["runDetails"]["metadata"] == {"invocationId": CI.run}
    assert all(map(is_descriptor, found["runDetails"]["byproducts"]))


def test_provenance_without_a_base_names_none() -> None:
    first = replace(RUN, commit=replace(RUN.commit, base=None))
    assert "base" not in predicate(PROVENANCE, first)["buildDefinition"]["externalParameters"]
