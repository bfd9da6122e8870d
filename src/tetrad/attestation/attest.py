"""What is signed about the stacks of one or more reports on one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self

from tetrad import __version__
from tetrad.attestation.as_written import check_as_written
from tetrad.attestation.by_base import check_by_base
from tetrad.attestation.disagreement import Disagreement
from tetrad.attestation.regrading import RecordedSuite, regrade
from tetrad.attestation.repeated import (
    check_cases,
    check_changed,
    check_coverage,
    check_removed,
    check_suites,
)
from tetrad.attestation.retaking import Trees, check_overall, keeps_every_trace, retake
from tetrad.attestation.summaries import environments, suites_in, summary_for
from tetrad.canonical import Digest, Json, canonical_json, digest_bytes, merkle_root
from tetrad.errors import UsageError
from tetrad.evidence import Sealing, sign
from tetrad.evidence.expected import parts_of, required_suites
from tetrad.evidence.signers import SKEW
from tetrad.evidence.standard import CiJob, standard_payloads
from tetrad.evidence.statements import (
    Commit,
    Evaluation,
    Harness,
    LedgerHead,
    Regraded,
    SuiteEvaluation,
    Verdict,
    YardstickEvaluation,
)
from tetrad.identity import RUNTIME, identity_of, short
from tetrad.identity.suite_digest import GRADING, suite_digest
from tetrad.model import Case, Model, Repository, ScriptedEngine, Stack, Suite
from tetrad.plan import partners_of, priced_as, waived, yardstick_changes
from tetrad.policy import SuiteDecision
from tetrad.report import load_report
from tetrad.results.gate_report import BaseDecision, Report, StackReport, SuiteReport
from tetrad.results.outcome import CaseOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedCommit:
    """The commit that reports are about, and the base that they compare with."""

    head: Repository
    commit: Commit
    base: Repository | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedReport:
    """A report, and the bytes that it was read from."""

    report: Report
    data: bytes

    @classmethod
    def read(cls, data: bytes, *, origin: str) -> Self:
        """Read what `tetrad gate` wrote; UsageError with the place in it for anything else."""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"{origin} is not a report: it is not UTF-8") from error
        return cls(report=load_report(text, origin=origin), data=data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attested:
    """The envelopes about one identity; `incomplete` says what the summaries of environments lack."""

    stack: str
    identity: Digest
    verdict: Verdict
    envelopes: tuple[bytes, ...]
    incomplete: Mapping[str, tuple[str, ...]]  # environment -> suites without evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Signing:
    """With what, when, and beside what is signed."""

    sealing: Sealing
    now: datetime
    earlier: Mapping[Digest, Sequence[bytes]]  # envelopes that there are, by identity
    ledger: LedgerHead | None = None
    job: CiJob | None = None  # that evaluated


def attest(
    reports: Sequence[SignedReport], change: ReportedCommit, signing: Signing
) -> tuple[Attested, ...]:
    """Check every report against its commit, and sign what it says of each identity it evaluated.

    Raises Disagreement where a report cannot be signed: nothing of any report is signed then.
    """
    found: dict[str, list[Evaluation]] = {}
    for signed in reports:
        trees = _trees(signed.report, change, signing.now)
        for stack in signed.report.stacks:
            if stack.suites:
                found.setdefault(stack.stack, []).append(
                    _evaluation(stack, signed, change, trees, signing)
                )
        check_as_written(signed.report, signed.data)
    return tuple(
        _attested(change.head.stacks[ref], evaluations, change, signing)
        for ref, evaluations in found.items()
    )


# -- a report against its commit


def _trees(report: Report, change: ReportedCommit, now: datetime) -> Trees:
    if report.dirty or report.head is None:
        raise Disagreement(
            "the report is about uncommitted files\n  help: commit, then run `tetrad gate`"
        )
    if report.head != change.commit.head:
        raise Disagreement(
            f"the report is about commit {report.head[:12]}, not {change.commit.head[:12]}"
        )
    if report.base != change.commit.base:
        raise Disagreement(f"the report compares with {report.base}, not {change.commit.base}")
    if report.harness != __version__:
        raise Disagreement(
            f"the report was written by tetrad {report.harness}, and this is {__version__}"
            "\n  help: gate and attest with the same release"
        )
    created = _moment(report.created)
    if created - now > SKEW:
        raise Disagreement(f"the report was made in the future, on {report.created}")
    check_overall(report.decision, report.stacks)
    partners = partners_of(change.head, change.base) if change.base is not None else None
    trees = Trees(
        head=change.head,
        base=change.base,
        partners=partners,
        waived=waived(change.head, change.base, partners),
        today=created.date(),
        is_whole={stack.stack for stack in report.stacks} == change.head.stacks.keys(),
    )
    check_coverage(report, trees)
    return trees


def _moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise Disagreement(f"the report's time {written!r} has no time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Disagreement(f"the report's time {written!r} is not a time") from None


def _evaluation(
    report: StackReport,
    signed: SignedReport,
    change: ReportedCommit,
    trees: Trees,
    signing: Signing,
) -> Evaluation:
    stack = _stack_of(report, change.head, trees)
    check_changed(report, stack, trees)
    check_by_base(report, stack, trees)
    traced = keeps_every_trace(signed.report, trees)
    suites, graded = [], []
    for suite_report in report.suites:
        suite = _suite_of(suite_report, stack, change.head)
        graded.append(asyncio.run(_regraded(suite, suite_report, stack, trees, traced=traced)))
        decided = retake(suite_report, suite, stack, trees)
        where = f"{stack.ref}: {suite.ref}"
        check_cases(suite_report, suite, decided, where)
        check_removed(suite_report, trees, where)
        suites.append(_suite_evaluation(suite_report, suite, decided))
    check_suites(report, stack, trees)
    return Evaluation(
        stack=stack.ref,
        commit=change.commit,
        decision=_verdict(report),
        evaluated_on=_moment(signed.report.created),
        attested_on=signing.now,
        harness=Harness(version=__version__, runtime=RUNTIME, grading=GRADING),
        model=report.model,
        engine=report.engine,
        build=report.build,
        helpers=report.helpers,
        report=digest_bytes(signed.data),
        suites=tuple(suites),
        yardsticks=tuple(_yardsticks(report.by_base, change)),
        loosened=yardstick_changes(trees.head, trees.base, trees.partners),
        unpinned=tuple(_unpinned(stack, [change.head.suites[s.suite] for s in suites])),
        regraded=Regraded(
            assertions=sum(g.assertions for g in graded), of=sum(g.of for g in graded)
        ),
        ledger=signing.ledger,
    )


def _stack_of(report: StackReport, head: Repository, trees: Trees) -> Stack:
    """The commit's stack, which answered itself as the identity that the report names."""
    stack = head.stacks.get(report.stack)
    if stack is None:
        raise Disagreement(f"the commit has no stack {report.stack}")
    if report.preview or isinstance(stack.model.engine, ScriptedEngine):
        raise Disagreement(
            f"{stack.ref}: another engine or a script answered; a preview cannot be attested"
        )
    if report.identity != identity_of(stack):
        raise Disagreement(
            f"{stack.ref}: the report's identity is {short(report.identity)}, the commit's"
            f" {short(identity_of(stack))}"
        )
    if report.suites and report.model != stack.model.name:
        raise Disagreement(f"{stack.ref}: the report's model is {report.model}")
    for text in (report.engine, report.build, *(f"{h.name}{h.build}" for h in report.helpers)):
        if not text.isprintable():
            raise Disagreement(f"{stack.ref}: {text!a} cannot be signed: it is not printable")
    old = trees.base_stack(stack)
    if report.base_identity != (None if old is None else identity_of(old)):
        raise Disagreement(f"{stack.ref}: the base's identity differs")
    return stack


def _verdict(report: StackReport) -> Verdict:
    """INCONCLUSIVE is no evidence of anything; NOT_APPLICABLE refuses nothing."""
    if "INCONCLUSIVE" in report.decisions:
        raise Disagreement(
            f"{report.stack}: INCONCLUSIVE cannot be attested\n  help: `tetrad report` says why"
        )
    return "FAILED" if "FAILED" in report.decisions else "PASSED"


def _suite_of(report: SuiteReport, stack: Stack, head: Repository) -> Suite:
    """The commit's suite, whose every case is in the report with every repeat."""
    suite = head.suites.get(report.suite)
    where = f"{stack.ref}: {report.suite}"
    if suite is None:
        raise Disagreement(f"{where}: the commit has no such suite")
    if (report.digest, report.golden) != (suite_digest(suite), suite.golden.digest):
        raise Disagreement(f"{where}: the commit's suite differs")
    if [case.id for case in report.cases] != [case.id for case in suite.golden.cases]:
        raise Disagreement(f"{where}: the cases are not those of the golden set")
    for case, said in zip(suite.golden.cases, report.cases, strict=True):
        for outcome, on in ((said.candidate, ""), (said.base, " on the base")):
            if outcome is None:
                continue
            if (number := len(outcome.samples)) != case.repeats:
                raise Disagreement(f"{where}#{case.id}: {number} of {case.repeats} repeats{on}")
            if (outcome.group, outcome.tags) != (case.group, case.tags):
                raise Disagreement(f"{where}#{case.id}: its group or its tags differ")
    return suite


async def _regraded(
    suite: Suite, report: SuiteReport, stack: Stack, trees: Trees, *, traced: bool
) -> Regraded:
    """Both sides: a base that is made out worse than it was would let a worse candidate pass."""
    where, old = f"{stack.ref}: {suite.ref}", trees.base_stack(stack)
    recorded = RecordedSuite(
        stack=stack, asked=_by_id(suite), prices=stack.model.prices, traced=traced
    )
    now = await regrade(suite, [case.candidate for case in report.cases], recorded, where)
    before = [case.base for case in report.cases if case.base is not None]
    if old is not None:
        recorded = RecordedSuite(
            stack=old,
            asked=_by_id(trees.on_base(suite, stack, old)),
            prices=priced_as(old, stack).model.prices,
            traced=traced,
        )
    then = await regrade(suite, before, recorded, f"{where} on the base")
    return Regraded(assertions=now.assertions + then.assertions, of=now.of + then.of)


def _by_id(suite: Suite) -> Mapping[str, Case]:
    return {case.id: case for case in suite.golden.cases}


# -- what is said of it


def _suite_evaluation(report: SuiteReport, suite: Suite, decided: SuiteDecision) -> SuiteEvaluation:
    if report.decision not in {"PASSED", "FAILED", "NOT_APPLICABLE"}:
        raise Disagreement(f"{suite.ref}: {report.decision} cannot be attested")
    return SuiteEvaluation(
        suite=suite.ref,
        **parts_of(suite)._asdict(),
        decision="FAILED" if report.decision == "FAILED" else "PASSED",
        cases=len(report.cases),
        results=merkle_root(_leaf(case.candidate) for case in report.cases),
        requirements=decided.requirements,
        waived=decided.waivers,
    )


def _leaf(outcome: CaseOutcome) -> bytes:
    """What is bound of a case: its outputs by digest, and how they were scored."""
    samples: list[Json] = [
        {
            "output": str(digest_bytes(sample.output.encode("utf-8", "surrogatepass"))),
            "passed": sample.passed,
            "metrics": dict(sample.metrics),
        }
        for sample in outcome.samples
    ]
    return canonical_json({"case": outcome.id, "samples": samples})


def _yardsticks(
    by_base: Sequence[BaseDecision], change: ReportedCommit
) -> Iterator[YardstickEvaluation]:
    """What the base's suites decided, but for those without a verdict, which are not binding."""
    for said in by_base:
        suite = change.base.suites.get(said.suite) if change.base is not None else None
        if suite is None:
            raise Disagreement(f"the base has no suite {said.suite}")
        if said.decision == "INCONCLUSIVE":
            continue
        yield YardstickEvaluation(
            suite=said.suite,
            digest=suite_digest(suite),
            decision="FAILED" if said.decision == "FAILED" else "PASSED",
            binding=said.binding,
            accepted=said.accepted,
        )


def _unpinned(stack: Stack, suites: Sequence[Suite]) -> Iterator[str]:
    judges = (judge.model for suite in suites for judge in suite.judges.values())
    models: list[Model] = [*stack.models, *judges]
    yield from sorted({model.ref for model in models if not model.is_pinned})


# -- signing


def _attested(
    stack: Stack, evaluations: Sequence[Evaluation], change: ReportedCommit, signing: Signing
) -> Attested:
    identity = identity_of(stack)
    sign_it = partial(sign, identity=identity, name=stack.name, sealing=signing.sealing)
    signed = [sign_it(evaluation) for evaluation in evaluations]
    known = {
        digest_bytes(data): suites
        for data in signing.earlier.get(identity, ())
        if (suites := suites_in(data, change.head))
    }
    known |= {
        digest_bytes(data): frozenset(s.suite for s in e.suites)
        for data, e in zip(signed, evaluations, strict=True)
    }
    verdict: Verdict = "FAILED" if any(e.decision == "FAILED" for e in evaluations) else "PASSED"
    incomplete = {}
    summaries = []
    for environment in environments(stack, change.head):
        required = {s.ref for s in required_suites(change.head, stack, environment)}
        missing = required.difference(*known.values())
        if missing:
            incomplete[environment.name] = tuple(sorted(missing))
        else:
            summary = summary_for(stack, environment, tuple(known), verdict, signing.now)
            summaries.append(sign_it(summary))
    standard = [
        signing.sealing(payload)
        for evaluation in evaluations
        for payload in standard_payloads(evaluation, identity, stack.name, signing.job)
    ]
    return Attested(
        stack=stack.ref,
        identity=identity,
        verdict=verdict,
        envelopes=(*signed, *standard, *summaries),
        incomplete=incomplete,
    )
