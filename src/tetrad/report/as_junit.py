"""The report as JUnit XML: a test case for each case, and one for the gate of each suite.

As under pytest, a case that fails without breaking its suite's policy is an expected failure, which
JUnit calls skipped; results that are missing, and an inconclusive gate, are errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from tetrad.identity import written_identity
from tetrad.model.references import last_part
from tetrad.report import contracts, figures, means, words, yardstick_text
from tetrad.report.glimpse import glimpse
from tetrad.results.gate_report import (
    BaseDecision,
    CaseReport,
    CoverageChange,
    Report,
    StackReport,
    SuiteReport,
)
from tetrad.results.outcome import CaseOutcome
from tetrad.text import capped, for_log, one_line

_OUTPUT = 10_000  # characters of one answer


def render_junit(report: Report) -> str:
    root = ET.Element("testsuites", name="tetrad")
    if words.waivers(report):
        root.append(_waivers(report))
    told = [
        *(
            (used.suite, yardstick_text.acceptance(used))
            for used in yardstick_text.accepted(report)
        ),
        *((change, change) for change in yardstick_text.changes(report)),
    ]
    if told:
        root.append(_told(told))
    if lost := [change for change in report.coverage if words.is_loss(change)]:
        root.append(_lost(lost))
    for stack in report.stacks:
        for suite in stack.suites:
            root.append(_suite(report, stack, suite))
        for verdict in yardstick_text.shown(stack):
            root.append(_by_base(stack, verdict))
    _count(root)
    ET.indent(root)
    written = ET.tostring(root, encoding="unicode")
    # A CI log's commands are parted by a reference to the same character.
    inactive = for_log(written.replace("##[", "#&#35;["))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{inactive}\n'


def _waivers(report: Report) -> ET.Element:
    """A suite of its own, since readers of JUnit show nothing else before the results."""
    element = ET.Element("testsuite", name="waivers")
    for suite, used in words.waivers(report):
        case = ET.SubElement(
            element,
            "testcase",
            classname="waivers",
            name=one_line(f"{suite.suite}#{used.case}"),
            file="waivers.yaml",
            time="0.000",
        )
        brought = f"{words.BROUGHT}: " if used.is_new else ""
        _add(case, "skipped", f"{brought}{one_line(words.waiver(suite, used))}", "")
    _count(element)
    return element


def _told(changes: Sequence[tuple[str, str]]) -> ET.Element:
    """What of the yardstick the change moves, each by a name and a sentence."""
    element = ET.Element("testsuite", name=yardstick_text.TITLE)
    for name, sentence in changes:
        case = ET.SubElement(
            element, "testcase", classname="yardstick", name=one_line(name), time="0.000"
        )
        _add(case, "skipped", one_line(sentence), "")
    listed = "\n".join(one_line(sentence) for _, sentence in changes)
    ET.SubElement(element, "system-out").text = f"{yardstick_text.TITLE}:\n{listed}\n"
    _count(element)
    return element


def _by_base(stack: StackReport, verdict: BaseDecision) -> ET.Element:
    """The second result, as one case: what it says of single cases is in its text."""
    name = f"{one_line(last_part(stack.stack))} {one_line(verdict.suite)} by the base's yardstick"
    element = ET.Element("testsuite", name=name)
    case = ET.SubElement(
        element,
        "testcase",
        classname=one_line(verdict.suite).replace("/", "."),
        name="gate by the base's yardstick",
        time="0.000",
    )
    lines = [f"{r.decision}: {figures.requirement(r)}: {r.reason}" for r in verdict.requirements]
    lines += [verdict.note] if verdict.note else []
    lines += (
        [f"{yardstick_text.OFFER}:", *map(yardstick_text.offer, verdict.offers)]
        if verdict.offers
        else []
    )
    if verdict.decision == "FAILED":
        _add(case, "failure", "the gate refuses", "\n".join(lines))
    elif verdict.decision == "INCONCLUSIVE":
        _add(case, "error", "the gate cannot tell", "\n".join(lines))
    ET.SubElement(case, "system-out").text = _shown("\n".join(lines))
    _count(element)
    return element


def _lost(changes: Sequence[CoverageChange]) -> ET.Element:
    element = ET.Element("testsuite", name="removed from evaluation")
    for change in changes:
        case = ET.SubElement(
            element, "testcase", classname="removed", name=one_line(change.ref), time="0.000"
        )
        _add(case, "skipped", one_line(words.coverage_change(change)), "")
    _count(element)
    return element


def _suite(report: Report, stack: StackReport, suite: SuiteReport) -> ET.Element:
    name = f"{one_line(last_part(stack.stack))} {one_line(suite.suite)}"
    element = ET.Element("testsuite", name=name)
    if report.created:
        # the schema of JUnit's files has no place for a zone
        written = one_line(report.created).removesuffix("Z").removesuffix("+00:00")
        element.set("timestamp", written)
    properties = ET.SubElement(element, "properties")
    for key, text in (
        ("identity", written_identity(stack.identity)),
        ("suite", str(suite.digest)),
        ("golden", str(suite.golden)),
        ("model", stack.model),
        ("engine", stack.engine),
        ("build", stack.build),
        ("base_model", stack.base_model),
        ("base_engine", stack.base_engine),
        ("base_build", stack.base_build),
    ):
        ET.SubElement(properties, "property", name=key, value=one_line(text))
    held = _held_against(suite)
    for case in suite.cases:
        element.append(_case(suite, case, is_held=case.id in held))
    element.append(_gate(suite))
    _count(element)
    return element


def _held_against(suite: SuiteReport) -> frozenset[str]:
    """The failing cases that break the policy.

    Where the suite failed: those that a failed requirement names, those that are broken and, with
    nothing to compare with, those that failed.
    """
    if suite.decision != "FAILED":
        return frozenset()
    broken = {
        case.id
        for case in suite.cases
        if case.waived is None and words.kind(case) in {"broken", "failing"}
    }
    return words.refused(suite) | broken


def _case(suite: SuiteReport, case: CaseReport, *, is_held: bool) -> ET.Element:
    element = ET.Element(
        "testcase",
        classname=one_line(suite.suite).replace("/", "."),
        name=one_line(case.id),
        file=one_line(suite.file),
        line=str(case.candidate.line),
        time=f"{_seconds(case.candidate):.3f}",
    )
    outcome = case.candidate
    if outcome.missing:
        _add(element, "error", "no result", words.output_of(outcome) or "the case never ran")
    elif not outcome.passed and is_held:
        _add(element, "failure", words.kind_of(case), words.why_failed(outcome))
    elif not outcome.passed:
        _add(element, "skipped", _excuse(case), words.why_failed(outcome))
    ET.SubElement(element, "system-out").text = _answers(case)
    return element


def _excuse(case: CaseReport) -> str:
    if case.waived:
        return f"waived: {one_line(case.waived)}"
    reasons = {
        "already_broken": "fails, as it did on the base",
        "flaky": "passes in some repeats only",
        "broken": "broken, within what the policy allows",
    }
    return reasons.get(words.kind(case), "fails, within what the policy allows")


def _gate(suite: SuiteReport) -> ET.Element:
    element = ET.Element(
        "testcase",
        classname=one_line(suite.suite).replace("/", "."),
        name="gate",
        file=one_line(suite.file),
        line="1",
        time="0.000",
    )
    reasons = [f"{r.decision}: {figures.requirement(r)}: {r.reason}" for r in suite.requirements]
    if suite.decision == "FAILED":
        _add(element, "failure", "the gate refuses", "\n".join(reasons))
    elif suite.decision == "INCONCLUSIVE":
        _add(element, "error", "the gate cannot tell", "\n".join(reasons))
    gone = [words.removed(suite)] if suite.removed else []
    broken = [found] if (found := contracts.breaches(suite)) else []
    measured = [
        f"mean: {means.named(m)}: {means.value(m)} (n = {m.n:,})" for m in means.means(suite)
    ]
    ET.SubElement(element, "system-out").text = _shown(
        "\n".join((*gone, *reasons, *broken, *measured))
    )
    return element


def _add(parent: ET.Element, tag: str, message: str, text: str) -> None:
    ET.SubElement(parent, tag, message=message, type=tag).text = _shown(text)


def _answers(case: CaseReport) -> str:
    now = f"answer:\n{_shown(words.output_of(case.candidate))}"
    if case.base is None:
        return now
    seen = glimpse(case, room=200)
    changed = "" if isinstance(seen, str) else f"changed: {seen}\n\n"
    return f"{changed}{now}\n\nbefore:\n{_shown(words.output_of(case.base))}"


def _shown(text: str) -> str:
    return capped(text, _OUTPUT)


def _seconds(outcome: CaseOutcome) -> float:
    return sum(sample.latency_s or 0.0 for sample in outcome.samples)


def _count(element: ET.Element) -> None:
    for name, path in (
        ("tests", ".//testcase"),
        ("failures", ".//failure"),
        ("errors", ".//error"),
        ("skipped", ".//skipped"),
    ):
        element.set(name, str(len(element.findall(path))))
    total = sum(float(case.get("time", "0")) for case in element.findall(".//testcase"))
    element.set("time", f"{total:.3f}")
