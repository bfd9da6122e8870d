"""What an evaluation is in predicates that others defined, for readers who know only those.

Tetrad writes them beside its own statement and reads none of them: they carry less. What is not known
is not claimed: without a CI job nobody can be named who evaluated, so test-result stands alone.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tetrad.canonical import Digest, Json
from tetrad.evidence.statements import (
    PROJECT,
    Evaluation,
    SuiteEvaluation,
    payload_of,
    written_time,
)
from tetrad.results.gate_report import RequirementResult

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
EVAL_RESULT = "https://in-toto.io/attestation/eval-result/v0.1"  # proposed: in-toto/attestation#575
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = f"{PROJECT}/gate/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class CiJob:
    """The job that evaluated, by its environment."""

    builder: str  # URI of what runs the jobs, for example https://github.com/actions/runner
    source: str  # URI of the repository, for example git+https://github.com/acme/support
    run: str  # URL of the run


def standard_payloads(
    evaluation: Evaluation, identity: Digest, name: str, ci: CiJob | None
) -> tuple[bytes, ...]:
    """A test result; of a CI job also one eval result for each suite with numbers, and provenance."""
    predicates = [(TEST_RESULT, test_result(evaluation, ci))]
    if ci is not None:
        predicates += [
            (EVAL_RESULT, eval_result(evaluation, suite, identity, ci))
            for suite in evaluation.suites
            if any(map(_is_claim, suite.requirements))
        ]
        predicates.append((PROVENANCE, provenance(evaluation, ci)))
    return tuple(payload_of(identity, name, kind, predicate) for kind, predicate in predicates)


# -- in-toto test-result v0.1


def test_result(evaluation: Evaluation, ci: CiJob | None) -> Json:
    """A requirement is a test, and so is each waived case, which passed with a warning."""
    names = _numbered(
        (f"{suite.suite}#{_label(result)}", result.decision)
        for suite in evaluation.suites
        for result in suite.requirements
    )
    warned = [f"{suite.suite}#{used.case}" for suite in evaluation.suites for used in suite.waived]
    has_passed = evaluation.decision == "PASSED"
    url: dict[str, Json] = {} if ci is None else {"url": ci.run}
    return {
        "result": ("WARNED" if warned else "PASSED") if has_passed else "FAILED",
        "configuration": list(_configuration(evaluation)),
        **url,
        "passedTests": [name for name, decision in names if decision == "PASSED"],
        "warnedTests": warned,
        "failedTests": [n for n, decision in names if decision in {"FAILED", "INCONCLUSIVE"}],
    }


def _numbered(tests: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Each name once: a suite may ask two things of one metric."""
    seen: Counter[str] = Counter()
    found = []
    for name, decision in tests:
        seen[name] += 1
        found.append((name if seen[name] == 1 else f"{name}:{seen[name]}", decision))
    return found


def _label(result: RequirementResult) -> str:
    of = result.metric or result.statistic
    return f"{result.requirement}:{of}" if of else result.requirement


def _configuration(evaluation: Evaluation) -> Iterator[Json]:
    for suite in evaluation.suites:
        yield _by_digest(suite.suite, suite.digest)
        yield _by_digest(f"{suite.suite}#golden", suite.golden)
        yield _by_digest(f"{suite.suite}#policy", suite.policy)
        yield _by_digest(f"{suite.suite}#judges", suite.judges)
    for yardstick in evaluation.yardsticks:
        yield _by_digest(f"{yardstick.suite}#base", yardstick.digest)
    harness = evaluation.harness
    yield {
        "name": "harness",
        "uri": f"pkg:pypi/tetrad@{harness.version}",
        "annotations": {"runtime": harness.runtime, "grading": harness.grading},
    }
    yield _text("engine", f"{evaluation.engine}\n{evaluation.build}")
    for helper in evaluation.helpers:
        yield _text(f"{helper.role} {helper.name}", helper.build)
    yield {"name": "commit", "digest": {"gitCommit": evaluation.commit.head}}
    if evaluation.commit.base is not None:
        yield {"name": "base", "digest": {"gitCommit": evaluation.commit.base}}


# -- in-toto eval-result v0.1, as proposed


def eval_result(
    evaluation: Evaluation, suite: SuiteEvaluation, identity: Digest, ci: CiJob
) -> Json:
    """One suite, whose requirements on a number are claims.

    The model is the whole identity, for that is what was evaluated.
    """
    by_base = [y.digest for y in evaluation.yardsticks if y.suite == suite.suite]
    registered: dict[str, Json] = {}
    if by_base:
        registered["preRegistration"] = {"alg": "sha256", "value": by_base[0].hex}
    return {
        "evaluator": {"id": ci.builder},
        "evaluatedAt": written_time(evaluation.evaluated_on),
        "suite": {"name": suite.suite, "version": str(suite.digest)},
        "claims": [_claim(result) for result in suite.requirements if _is_claim(result)],
        "sampleSize": suite.cases,
        "model": _by_digest(evaluation.stack, identity),
        "dataset": _by_digest(f"{suite.suite}#golden", suite.golden),
        "assuranceLevel": "self_attested",
        "subjectProfile": "release-gate",
        **registered,
        "evidence": [_report(evaluation)],
        "harness": {"name": "tetrad", "version": evaluation.harness.version},
    }


def _is_claim(result: RequirementResult) -> bool:
    """Whether a number was held against a threshold, and it was told which is more."""
    return result.threshold is not None and result.decision in {"PASSED", "FAILED"}


def _claim(result: RequirementResult) -> Json:
    return {
        "metric": _measured(result),
        "comparator": ">=" if result.is_floor else "<=",
        "threshold": _decimal(result.threshold or 0),
        "passed": result.decision == "PASSED",
    }


def _measured(result: RequirementResult) -> str:
    """What the threshold is about: a metric, its change, or what the requirement is named after."""
    if result.requirement == "min" and result.metric is not None:
        return result.metric
    return _label(result)


def _decimal(value: float) -> str:
    """The shortest digits that read as the number, without an exponent."""
    whole = int(value) if value == int(value) else value
    return f"{Decimal(repr(whole)):f}"


# -- SLSA provenance v1


def provenance(evaluation: Evaluation, ci: CiJob) -> Json:
    parameters: dict[str, Json] = {
        "stack": evaluation.stack,
        "suites": [suite.suite for suite in evaluation.suites],
    }
    if evaluation.commit.base is not None:
        parameters["base"] = evaluation.commit.base
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": parameters,
            "resolvedDependencies": [
                {"uri": ci.source, "digest": {"gitCommit": evaluation.commit.head}}
            ],
        },
        "runDetails": {
            "builder": {"id": ci.builder},
            "metadata": {"invocationId": ci.run},
            "byproducts": [_report(evaluation)],
        },
    }


# -- resource descriptors


def _by_digest(name: str, digest: Digest) -> Json:
    return {"name": name, "digest": {digest.algorithm: digest.hex}}


def _text(name: str, text: str) -> Json:
    content = base64.b64encode(text.encode()).decode()
    return {"name": name, "mediaType": "text/plain", "content": content}


def _report(evaluation: Evaluation) -> Json:
    """The report by the digest of its bytes."""
    found = {"sha256": evaluation.report.hex}
    return {"name": "report", "mediaType": "application/json", "digest": found}
