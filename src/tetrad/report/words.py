"""What all renderers say alike: counts and names of a report, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from tetrad.identity import short
from tetrad.model.references import last_part
from tetrad.report import figures
from tetrad.results.gate_report import (
    BaseDecision,
    CaseReport,
    CoverageChange,
    Decision,
    Report,
    RequirementResult,
    StackReport,
    SuiteReport,
    WaiverUse,
)
from tetrad.results.outcome import CaseOutcome, Sample
from tetrad.text import one_line, pluralize

MARKS: dict[Decision, str] = {
    "PASSED": "✓",
    "FAILED": "✗",
    "INCONCLUSIVE": "?",
    "NOT_APPLICABLE": "–",
}
DECISIONS: dict[Decision, str] = {
    "PASSED": "PASSED",
    "FAILED": "FAILED",
    "INCONCLUSIVE": "INCONCLUSIVE",
    "NOT_APPLICABLE": "NOT APPLICABLE",
}
_WORST_FIRST: tuple[Decision, ...] = ("FAILED", "INCONCLUSIVE", "PASSED", "NOT_APPLICABLE")
# What can be said of a case, what a reviewer wants to see first coming first.
KINDS: dict[str, str] = {
    "missing": "no result",
    "broken": "broken",
    "failing": "failed",
    "fixed": "fixed",
    "flaky": "flaky",
    "already_broken": "already broken",
    "passing": "passed",
    "none": "unchanged",
}
AS_IT_SHOULD_BE = frozenset({"passing", "none"})


def headline(report: Report) -> str:
    """The verdict in a sentence."""
    suites = [suite for stack in report.stacks for suite in stack.suites]
    by_base = [by for stack in report.stacks for by in stack.by_base if by.binding]
    if report.decision in {"FAILED", "INCONCLUSIVE"}:
        return f"{_unmet(report.decision, suites, by_base)}{_loosened(report)}"
    unjudged = ", ".join(last_part(stack.stack) for stack in report.stacks if _is_unjudged(stack))
    less = f"{_less(report)}{_loosened(report)}"
    if not suites and by_base:
        return f"no suite names {unjudged} now; what judged it on the base holds{less}"
    if not suites and unjudged:
        return f"nothing was judged: no suite names {unjudged}{less}"
    if not suites:
        return f"nothing that shapes an answer changed, so nothing ran{less}"
    alone = "" if report.base else "; no base to compare with"
    aside = f"; no suite names {unjudged}" if unjudged else ""
    return f"{_judged(suites)}{alone}{aside}{less}"


def _less(report: Report) -> str:
    """What the change has judged no more; empty where it is nothing."""
    suites = [suite for stack in report.stacks for suite in stack.suites]
    lost = [change.ref for change in report.coverage if is_loss(change)]
    lost += [f"{pluralize(len(s.removed), 'case')} of {s.suite}" for s in suites if s.removed]
    gone = ", ".join(dict.fromkeys(lost))
    return f"; this change reduces coverage: {gone}" if gone else ""


def _loosened(report: Report) -> str:
    refs = dict.fromkeys(last_part(c.ref) for c in report.yardstick if c.kind == "requirement")
    return f"; this change loosens what {' and '.join(refs)} requires" if refs else ""


def _unmet(
    decision: Decision, suites: Sequence[SuiteReport], by_base: Sequence[BaseDecision]
) -> str:
    """What decided, by the change's own yardstick, else by the base's."""
    told = _refusal if decision == "FAILED" else _undecided
    own = [told(suite) for suite in suites if suite.decision == decision]
    second = [f"by the base's yardstick, {told(by)}" for by in by_base if by.decision == decision]
    return "; ".join(dict.fromkeys(own or second))


def _judged(suites: Sequence[SuiteReport]) -> str:
    """What holds, and which suites judged nothing; the cases that fail where none did."""
    idle = [s for s in suites if all(r.decision == "NOT_APPLICABLE" for r in s.requirements)]
    lax = ", ".join(dict.fromkeys(last_part(s.suite) for s in idle if not s.requirements))
    aside = f"; {lax} has no requirement" if lax else ""
    if len(idle) == len(suites):
        cases = [case for suite in suites for case in suite.cases]
        failed = sum(not case.candidate.passed for case in cases)
        told = f"; {failed:,} of {pluralize(len(cases), 'case')} failed" if failed else ""
        return f"no requirement was judged{told}{aside}"
    if uncompared := ", ".join(dict.fromkeys(last_part(s.suite) for s in idle if s.requirements)):
        aside = f"; no requirement of {uncompared} was judged{aside}"
    return f"every requirement holds{aside}"


def _refusal(suite: SuiteReport | BaseDecision) -> str:
    """What a suite's policy refuses, each requirement in a few words."""
    broken = (_shortfall(r) for r in suite.requirements if r.decision == "FAILED")
    return f"{last_part(suite.suite)} does not hold: {', '.join(broken)}"


def _shortfall(found: RequirementResult) -> str:
    if found.value is None or found.threshold is None:
        return figures.requirement(found)
    number, limit = figures.value(found), figures.asked(found)
    match found.requirement:
        case "min":
            return f"{found.metric} is {number} (required {limit})"
        case "no_worse_than_base":
            return f"{found.metric} moved by {number} (required {limit})"
        case "must_pass":
            return f"{_cases(found, 'required ')} failed"
        case "max_flips":
            return f"{_cases(found)} regressed (limit {found.threshold:,.0f})"
    return f"{figures.requirement(found)} is {number} (required {limit})"


def _cases(found: RequirementResult, kind: str = "") -> str:
    return f"{found.value:,.0f} {kind}case{'' if found.value == 1 else 's'}"


def _undecided(suite: SuiteReport | BaseDecision) -> str:
    found = (r for r in suite.requirements if r.decision == "INCONCLUSIVE")
    which = ", ".join(dict.fromkeys(map(figures.requirement, found)))
    about = f" on {which}" if which else ": results are missing"
    return f"{last_part(suite.suite)} cannot be judged{about}"


def _is_unjudged(stack: StackReport) -> bool:
    """Whether a stack that moved (not by a lost suite alone), or has no base, has no suite."""
    return not stack.suites and (bool({*stack.changed} - {"suite"}) or stack.base_identity is None)


def compared(report: Report) -> str:
    """What was judged against what."""
    tree = short_commit(report.head) if report.head else "the working tree"
    candidate = f"{tree} with uncommitted changes" if report.dirty and report.head else tree
    return f"{candidate} against {short_commit(report.base)}" if report.base else candidate


def calls(report: Report) -> str:
    made, cached, skipped = report.calls.made, report.calls.cached, report.calls.skipped
    calls = pluralize(made, "call")
    parts = [f"{calls} made", f"{cached:,} cached"]
    return ", ".join(parts + ([f"{skipped:,} not needed"] if skipped else []))


def what_changed(stack: StackReport) -> str:
    if stack.changed:
        return f"{' and '.join(stack.changed)} changed"
    return "nothing changed" if stack.base_identity else "judged alone"


def identities(stack: StackReport) -> str:
    if stack.base_identity is None or stack.base_identity == stack.identity:
        return short(stack.identity)
    return f"{short(stack.base_identity)} → {short(stack.identity)}"


def answered_by(stack: StackReport) -> list[tuple[str, str]]:
    """Who answered, each with what stands before it: one line where both sides had the same."""
    now = _answerer(stack.model, stack.engine)
    before = _answerer(stack.base_model, stack.base_engine)
    if not before:
        return [("answered by", now)] if now else []
    if now == before:
        return [("both sides answered by", now)]
    return [("answered by", now), ("the base by", before)]


def _answerer(model: str, engine: str) -> str:
    return ", ".join(dict.fromkeys(part for part in (model, engine) if part))


def builds(stack: StackReport) -> list[tuple[str, str]]:
    """What computed the answers, each with what stands before it, once where both sides agree; then
    what computed for judges and embedders.
    """
    builds = [("build", stack.build)] if stack.build else []
    if stack.base_build not in {"", stack.build}:
        builds.append(("the base's build", stack.base_build))
    return builds + [(f"build of the {h.role} {h.name}", h.build) for h in stack.helpers]


def short_commit(commit: str | None) -> str:
    return (commit or "")[:8]


def kind(case: CaseReport) -> str:
    """A case's flip; without one, whether its repeats agree, and whether it passed where there is
    nothing to compare with. No result outranks them all.
    """
    if case.candidate.missing:
        return "missing"
    if case.flip != "none":
        return case.flip
    if case.flaky:
        return "flaky"
    if not case.candidate.passed:
        return "failing"
    return "passing" if case.base is None or case.base.missing else "none"


def kind_of(case: CaseReport) -> str:
    """The kind in words; of a case that wavers, in how many repeats it passes."""
    name = KINDS[kind(case)]
    if not case.flaky or case.candidate.missing:
        return name
    sides = [outcome for outcome in (case.base, case.candidate) if outcome and not outcome.missing]
    passed = [f"{sum(s.passed for s in side.samples)} of {len(side.samples)}" for side in sides]
    return f"{name}, {' → '.join(dict.fromkeys(passed))}"


def told(case: CaseReport) -> str:
    """The kind in words, and whether somebody accepted it."""
    return f"{kind_of(case)}, waived" if case.waived else kind_of(case)


def refused(suite: SuiteReport | BaseDecision) -> frozenset[str]:
    """The cases that a failed requirement names."""
    return frozenset(c for r in suite.requirements if r.decision == "FAILED" for c in r.cases)


def rank(case: CaseReport, refused: Collection[str]) -> tuple[bool, int, bool]:
    """How early a reviewer wants to see the case: what made the gate refuse comes first, what is
    accepted after what is not.
    """
    return case.id not in refused, list(KINDS).index(kind(case)), case.waived is not None


def result(outcome: CaseOutcome) -> tuple[str, str]:
    """What came of a case on one side: its kind, and that in words."""
    if outcome.missing:
        return "missing", KINDS["missing"]
    if outcome.flaky:
        passed = sum(sample.passed for sample in outcome.samples)
        return "flaky", f"passed {passed} of {len(outcome.samples)}"
    return ("passing", "passed") if outcome.passed else ("failing", "failed")


def stacks(report: Report) -> list[StackReport]:
    """The stacks, worst first; those that nothing reached come last."""
    return sorted(report.stacks, key=_stack_rank)


def is_touched(stack: StackReport) -> bool:
    """Whether anything of the stack moved or ran."""
    return bool(stack.suites or stack.changed)


def _stack_rank(stack: StackReport) -> int:
    judged = [_WORST_FIRST.index(suite.decision) for suite in stack.suites]
    unjudged = len(_WORST_FIRST) + (not stack.changed)
    return min(judged, default=unjudged)


def tally(suite: SuiteReport) -> str:
    """`60 cases: 9 broken, 2 fixed`, without what is zero."""
    counts = Counter(kind(case) for case in suite.cases)
    told = ((name, counts[key]) for key, name in KINDS.items() if key not in AS_IT_SHOULD_BE)
    parts = ", ".join(f"{count:,} {name}" for name, count in told if count)
    waived = sum(case.waived is not None for case in suite.cases)
    accepted = f"; {waived:,} of them waived" if waived else ""
    cases = pluralize(len(suite.cases), "case")
    rest = "none flipped" if any(case.base for case in suite.cases) else "all passed"
    return f"{cases}: {parts}{accepted}" if parts else f"{cases}, {rest}"


def flipped(suite: SuiteReport | BaseDecision) -> list[CaseReport]:
    """The cases a reviewer wants to see, worst first: all but those that are as they were."""
    named = refused(suite)
    cases = (case for case in suite.cases if kind(case) not in AS_IT_SHOULD_BE)
    return sorted(cases, key=lambda case: rank(case, named))


def output_of(outcome: CaseOutcome | None) -> str:
    """The first answer, or what stood in its way."""
    if outcome is None or not outcome.samples:
        return ""
    sample = next((s for s in outcome.samples if s.error is not None), outcome.samples[0])
    return sample.output if sample.error is None else f"[{sample.error}]"


def why_missing(suite: SuiteReport | BaseDecision) -> list[tuple[str, int]]:
    """What stood in the way of answers, with the number of cases that it did; most frequent first."""
    errors = (
        {s.error for o in (case.candidate, case.base) if o for s in o.samples if s.error}
        for case in suite.cases
    )
    return Counter(error for found in errors for error in sorted(found)).most_common()


def why_failed(outcome: CaseOutcome) -> str:
    """The reasons of the assertions that failed, once each."""
    failed = (a for s in outcome.samples for a in s.assertions if not a.passed)
    return "; ".join(dict.fromkeys(a.reason or f"{a.type} failed" for a in failed))


def seconds(sample: Sample) -> str:
    return "" if sample.latency_s is None else f"{sample.latency_s:.2f} s"


def has_base(suite: SuiteReport) -> bool:
    return any(case.base is not None for case in suite.cases)


def earlier(case: CaseReport) -> str:
    """How long the base's answer took, where that is another time."""
    sides = [outcome.samples for outcome in (case.candidate, case.base) if outcome]
    times = [seconds(samples[0]) if samples else "" for samples in sides]
    return times[-1] if times[-1] != times[0] else ""


BROUGHT = "brought by this change"


def waivers(report: Report) -> list[tuple[SuiteReport, WaiverUse]]:
    """The waivers that counted, those that the change itself brings first, each case once."""
    used = {
        (suite.suite, waiver.case): (suite, waiver)
        for stack in report.stacks
        for suite in stack.suites
        for waiver in suite.waived
    }
    return sorted(used.values(), key=lambda entry: not entry[1].is_new)


def waiver(suite: SuiteReport, used: WaiverUse) -> str:
    """Which case, until when, by whom and why, as a sentence."""
    case = f"{last_part(suite.suite)}#{used.case}"
    return f"{case} may be broken until {used.until}, says {used.owner}: {used.reason}"


def lost(report: Report) -> list[str]:
    """What judged the base and judges no more: stacks, suites and cases, a sentence each."""
    suites = {s.suite: s for stack in report.stacks for s in stack.suites if s.removed}
    return [
        *(coverage_change(change) for change in report.coverage if is_loss(change)),
        *(f"{suite.suite}: {removed(suite)}" for suite in suites.values()),
    ]


def gained(report: Report) -> list[str]:
    """What the change adds, a sentence each; of what it moves, the yardstick's changes tell."""
    news = (c for c in report.coverage if not is_loss(c) and c.change != "moved")
    return [coverage_change(change) for change in news]


def is_loss(change: CoverageChange) -> bool:
    return change.change in {"removed", "judges_less"}


def coverage_change(change: CoverageChange) -> str:
    """What comes or goes, and what that does to what is judged."""
    others = " and ".join(change.others)
    cases = f"its {pluralize(change.cases, 'case')}"
    judge = "judges" if change.cases == 1 else "judge"
    match change.kind, change.change:
        case "stack", "removed":
            said = f"is removed, and {others} judged it" if others else "is removed"
        case "stack", "replaced":
            said = f"is gone, and {others} is judged in its place"
        case "stack", "renamed":
            said = f"is renamed to {others}"
        case "stack", _:
            said = f"is new, judged by {others}" if others else "is new, and no suite judges it"
        case _, "removed":
            said = f"is removed: {cases} {judge} {others} no more"
        case _, "moved":
            return f"{change.ref}: {pluralize(change.cases, 'case')} moved to {others}"
        case _, "added":
            said = f"is new: {cases} {judge} {others}"
        case _, "judges_less":
            said = f"judges {others} no more"
        case _:
            said = f"judges {others} now, too"
    return f"{change.ref} {said}"


def removed(suite: SuiteReport) -> str:
    """Which of the base's cases are gone, as a sentence; a gate is not asked about them."""
    ids = ", ".join(one_line(id_) for id_ in suite.removed)
    count = "1 case is" if len(suite.removed) == 1 else f"{len(suite.removed)} cases are"
    return f"{count} gone from the golden set: {ids}"
