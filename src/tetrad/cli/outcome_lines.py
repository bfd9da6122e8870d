"""A run of cases for people: one line a case, and why those that did not pass did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.results.outcome import CaseOutcome, SuiteRun

_NAMED = 5  # further cases with the same error


def text_of(run: SuiteRun) -> str:
    """One line a case, what was answered and why it did not pass; then the means."""
    from tetrad.identity import short
    from tetrad.report import contracts
    from tetrad.text import one_line

    lines = [f"{one_line(run.suite)} on {one_line(run.stack)} ({short(run.identity)})"]
    failing = _by_error(run.cases)
    for case in run.cases:
        lines += _case_lines(case, failing)
    passed = sum(case.passed for case in run.cases)
    means = ", ".join(f"{one_line(name)} {mean:.2f}" for name, mean in means_of(run).items())
    tail = f"; {means}" if means else ""
    broken, answers = contracts.broken_in(run.cases)
    if broken:
        tail += f"; {contracts.counted(broken, answers)}"
    return "\n".join([*lines, f"  {passed:,} of {len(run.cases):,} passed{tail}", ""]) + "\n"


def _by_error(cases: Sequence[CaseOutcome]) -> dict[str, list[str]]:
    """The cases of each error, in order: an endpoint that is down is told once."""
    found: dict[str, list[str]] = {}
    for case in cases:
        for error in dict.fromkeys(s.error for s in case.samples if s.error is not None):
            found.setdefault(error, []).append(case.id)
    return found


def _case_lines(case: CaseOutcome, failing: Mapping[str, Sequence[str]]) -> list[str]:
    from tetrad.text import one_line, with_spaces_named

    lines = []
    errors = dict.fromkeys(s.error for s in case.samples if s.error is not None)
    for error in errors:
        first, *others = failing[error]
        if case.id != first:
            continue
        lines.append(f"  error   {one_line(case.id)}: {one_line(error)}")
        if others:
            named = ", ".join(one_line(other) for other in others[:_NAMED])
            more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
            lines.append(f"          same error: {named}{more}")
    for sample in case.samples:
        if sample.error is not None:
            continue
        verdict = "passed" if sample.passed else "failed"
        shown = sample.output if sample.passed else with_spaces_named(sample.output)
        lines.append(f"  {verdict}  {one_line(case.id)}: {one_line(shown)}")
        lines += [
            f"            {one_line(result.type)}: {one_line(result.reason)}"
            for result in sample.assertions
            if not result.passed
        ]
    return lines


def means_of(run: SuiteRun) -> dict[str, float]:
    names = {name: None for case in run.cases for name in case.metrics}
    scores = {n: [c.metrics[n] for c in run.cases if n in c.metrics] for n in names}
    return {name: sum(values) / len(values) for name, values in scores.items()}
