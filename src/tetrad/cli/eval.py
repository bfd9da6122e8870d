"""`tetrad eval`: run cases and show their outcomes, judging nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tetrad.cli.options import add_engine, add_format
from tetrad.cli.output import write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.evals import Recorded, SelectedCases, Session
    from tetrad.model import Case, Repository, Stack, Suite
    from tetrad.results.outcome import CaseOutcome, SuiteRun


_NAMED = 5  # further cases with the same error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="SUITE", help="suites or stacks (default: all)")
    parser.add_argument(
        "-k", dest="pattern", metavar="TEXT", default="", help="only cases whose id contains TEXT"
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        help="only cases with this tag; repeat it for several",
    )
    add_engine(parser)
    add_format(parser, "text", "json")


def run(args: argparse.Namespace) -> ExitCode:
    from tetrad.cli.progress_display import progress_bars
    from tetrad.evals import interrupts, open_session
    from tetrad.loading.repositories import load_named
    from tetrad.text import for_log, pluralize

    root = root_of(args)
    repository = load_named(root, args.names, ("stack", "suite"))
    with open_session(
        root, offline=args.offline, engine=args.engine, progress=progress_bars()
    ) as session:
        judged = list(_named(repository, args.names))
        selections = [
            session.select(suite, stack, files=repository.files, cases=cases)
            for suite, stack in judged
            if (cases := [case for case in suite.golden.cases if _is_wanted(case, args)])
        ]
        if not selections:
            raise UsageError(_why_no_cases((suite for suite, _ in judged), args))
        runs = interrupts.run(_executed(session, selections))
        calls = session.calls
    if args.format == "json":
        write_out(_json(runs, [selection.engine for selection in selections]))
    else:
        write_out(for_log("".join(_text(run) for run in runs)))
        sys.stderr.write(f"{pluralize(calls.made, 'call')} made, {calls.cached:,} cached\n")
    missing = any(case.missing for run in runs for case in run.cases)
    return ExitCode.INCONCLUSIVE if missing else ExitCode.PASSED


def _why_no_cases(judged: Iterable[Suite], args: argparse.Namespace) -> str:
    golden = sorted({suite.golden.path for suite in judged})
    if not golden:
        return "there is no suite\n  help: write evals/NAME/suite.yaml; `tetrad init` shows one"
    if args.pattern or args.tag:
        return "no cases match\n  help: `tetrad eval` without -k and --tag runs all"
    return f"no cases in {', '.join(golden)}\n  help: write the first one"


async def _executed(session: Session, selections: Sequence[SelectedCases]) -> tuple[SuiteRun, ...]:
    from tetrad.evals import execute

    try:
        return await execute(selections, log=session.runs, progress=session.progress)
    finally:
        await session.aclose()


def _named(repository: Repository, names: Sequence[str]) -> list[tuple[Suite, Stack]]:
    """The suites of the given names on all their stacks, and the given stacks under all their suites."""
    from tetrad.loading.repositories import find

    pairs = [(suite, stack) for suite in repository.suites.values() for stack in suite.stacks]
    wanted = {find(repository, name) for name in names}
    for ref in sorted(wanted - repository.suites.keys() - repository.stacks.keys()):
        known = ", ".join([*repository.suites, *repository.stacks])
        raise UsageError(f"{ref} is neither a suite nor a stack\n  help: there are {known}")
    return [(u, a) for u, a in pairs if not wanted or wanted & {u.ref, a.ref}]


def _is_wanted(case: Case, args: argparse.Namespace) -> bool:
    return args.pattern in case.id and (not args.tag or not set(args.tag).isdisjoint(case.tags))


def _text(run: SuiteRun) -> str:
    """One line a case, what was answered and why it did not pass; then the means."""
    from tetrad.identity import short
    from tetrad.report import contracts
    from tetrad.text import one_line

    lines = [f"{one_line(run.suite)} on {one_line(run.stack)} ({short(run.identity)})"]
    failing = _by_error(run.cases)
    for case in run.cases:
        lines += _case_lines(case, failing)
    passed = sum(case.passed for case in run.cases)
    means = ", ".join(f"{one_line(name)} {mean:.2f}" for name, mean in _means(run).items())
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
            lines.append(f"          the same of {named}{more}")
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


def _means(run: SuiteRun) -> dict[str, float]:
    names = {name: None for case in run.cases for name in case.metrics}
    scores = {n: [c.metrics[n] for c in run.cases if n in c.metrics] for n in names}
    return {name: sum(values) / len(values) for name, values in scores.items()}


def _json(runs: Sequence[SuiteRun], engines: Sequence[Recorded]) -> str:
    from tetrad.text import json_escaped

    documents = [_document(run, engine) for run, engine in zip(runs, engines, strict=True)]
    return json_escaped(json.dumps(documents, indent=2, ensure_ascii=False)) + "\n"


def _document(run: SuiteRun, engine: Recorded) -> dict[str, object]:
    from tetrad.identity import written_identity

    return {
        "suite": run.suite,
        "stack": run.stack,
        "identity": written_identity(run.identity),
        "golden": str(run.golden),
        "engine": engine.name,
        "build": engine.build,
        "metrics": _means(run),
        "cases": [
            {
                "id": case.id,
                "passed": case.passed,
                "metrics": dict(case.metrics),
                "outputs": [sample.output for sample in case.samples],
                "errors": [sample.error for sample in case.samples if sample.error],
                "breaches": [breach.detail for s in case.samples for breach in s.breaches],
            }
            for case in run.cases
        ],
    }
