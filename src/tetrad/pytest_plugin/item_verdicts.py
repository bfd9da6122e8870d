"""What items say of results: which fail, which were expected to, and why, in a few lines. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tetrad.policy import worst
from tetrad.pytest_plugin.outcomes import GateVerdict, Key, TrialOutcome, Verdict
from tetrad.report import contracts, yardstick_text
from tetrad.results.gate_report import AcceptanceOffer, BaseDecision, CaseReport, SuiteReport
from tetrad.results.outcome import CaseOutcome, SuiteRun
from tetrad.text import for_log, inert, one_line, pluralize, shorten

# Characters of what is wrong with an answer that is expected to fail.
REASON = 100
# Reasons why the base gave no results.
LOST = 3


def of_part(run: SuiteRun) -> TrialOutcome:
    """Cases that were only run: each passes or fails by itself."""
    return TrialOutcome(
        suite=run.suite,
        stack=run.stack,
        verdicts=_told_once({outcome.id: _verdict(outcome) for outcome in run.cases}),
    )


def _told_once(verdicts: Mapping[str, Verdict]) -> Mapping[str, Verdict]:
    """Where cases have no result for one reason (a variable that none gives, an endpoint that is
    down), the first tells it and the others point there.
    """
    first: dict[str, str] = {}
    return {
        case_id: verdict
        if verdict.outcome != "missing" or first.setdefault(verdict.reason, case_id) == case_id
        else Verdict("missing", f"no result, for the same reason as {first[verdict.reason]}")
        for case_id, verdict in verdicts.items()
    }


def _verdict(outcome: CaseOutcome) -> Verdict:
    if outcome.missing:
        return Verdict("missing", _told(outcome))
    return Verdict("passed") if outcome.passed else Verdict("failed", _told(outcome))


def of_whole(
    key: Key, report: SuiteReport, by_base: Sequence[BaseDecision], *, strict: bool
) -> TrialOutcome:
    """A suite that was judged, by the base's yardstick too where the change moved it: its cases, and
    its gate.
    """
    decision = worst([report.decision, *(verdict.decision for verdict in by_base)])
    return TrialOutcome(
        suite=key[0],
        stack=key[1],
        verdicts=_told_once(
            {case.id: _judged(case, report, strict=strict) for case in report.cases}
        ),
        gate=GateVerdict(decision, _reasons(report, by_base)),
    )


def _judged(case: CaseReport, report: SuiteReport, *, strict: bool) -> Verdict:
    """A case that fails without breaking its suite's policy is expected to, unless `strict`."""
    if case.candidate.missing or case.candidate.passed:
        return _verdict(case.candidate)
    told = _told(case.candidate, case.base)
    why = _why_expected(case, report)
    if why is None:
        return Verdict("failed", told)
    if strict:
        return Verdict("failed", f"{told}\n{why}")
    # One line: pytest's summary and JUnit show an expected failure by its reason alone.
    first, _, _ = told.partition("\n")
    return Verdict("expected", f"{why}: {shorten(first, REASON)}")


def _why_expected(case: CaseReport, report: SuiteReport) -> str | None:
    if case.waived is not None:
        return f"accepted by a waiver: {for_log(one_line(case.waived))}"
    if case.flip == "already_broken":
        return "already broken on the base"
    if report.decision != "FAILED":
        return "fails within what the suite's policy allows"
    return None


def _reasons(report: SuiteReport, by_base: Sequence[BaseDecision]) -> str:
    """A line a requirement. The first line stands in pytest's summary: it is one that decided."""
    own = _lines(report) or [report.decision]
    second = [line for verdict in by_base for line in _of_base(verdict)]
    is_decided = report.decision in {"FAILED", "INCONCLUSIVE"}
    lines = [*own, *second] if is_decided else [*second, *own]
    broken = [found] if (found := contracts.breaches(report)) else []
    return for_log("\n".join([*lines, *broken, *_lost_on_base(report)]))


def _lines(report: SuiteReport | BaseDecision) -> list[str]:
    deciding_first = sorted(report.requirements, key=lambda r: r.decision != report.decision)
    return [f"{r.decision.replace('_', ' ')}: {inert(r.reason)}" for r in deciding_first]


def _of_base(verdict: BaseDecision) -> list[str]:
    """Why the base's yardstick refuses, and what would accept that; nothing where it does not."""
    if verdict.decision not in {"FAILED", "INCONCLUSIVE"}:
        return []
    told = [f"by the base's yardstick, {line}" for line in _lines(verdict)]
    told += [f"by the base's yardstick: {inert(verdict.note)}"] if verdict.note else []
    return [*told, *map(_accepted_by, verdict.offers)]


def _accepted_by(offer: AcceptanceOffer) -> str:
    return f"to accept it, add to waivers.yaml: {inert(yardstick_text.offer(offer))}"


def _lost_on_base(report: SuiteReport) -> Sequence[str]:
    """Why the base gave no results, which no case tells: cases speak of the head."""
    bases = [case.base for case in report.cases if case.base is not None]
    errors = Counter(e for base in bases for e in {s.error for s in base.samples if s.error})
    return [
        f"no result on the base for {pluralize(n, 'case')}: {inert(error)}"
        for error, n in errors.most_common(LOST)
    ]


def _told(outcome: CaseOutcome, base: CaseOutcome | None = None) -> str:
    """What is wrong with the answers, and the answers; inert in a terminal and in a CI log."""
    lines: list[str] = []
    for sample in outcome.samples:
        if sample.error is not None:
            lines.append(f"no result: {inert(sample.error)}")
            continue
        lines += [
            f"{inert(result.type)}: {inert(result.reason)}"
            for result in sample.assertions
            if not result.passed
        ]
        lines += [f"{inert(breach.rule)}: {inert(breach.detail)}" for breach in sample.breaches]
        lines.append(f"answer: {inert(sample.output)}")
    if base is not None:
        lines += [f"base's answer: {inert(sample.output)}" for sample in base.samples]
    return for_log("\n".join(lines))
