"""`tetrad eval`: run cases and show their outcomes, judging nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tetrad.cli.options import add_engine, add_format
from tetrad.cli.outcome_lines import means_of, text_of
from tetrad.cli.output import write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.evals import Recorded, SelectedCases, Session
    from tetrad.model import Case, Repository, Stack, Suite
    from tetrad.results.outcome import SuiteRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="SUITE", help="suites or stacks (default: all)")
    parser.add_argument(
        "-k", dest="pattern", metavar="TEXT", default="", help="only cases whose id contains TEXT"
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        help="only cases with this tag (repeatable)",
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
        write_out(for_log("".join(text_of(run) for run in runs)))
        sys.stderr.write(f"{pluralize(calls.made, 'call')} made, {calls.cached:,} cached\n")
    missing = any(case.missing for run in runs for case in run.cases)
    return ExitCode.INCONCLUSIVE if missing else ExitCode.PASSED


def _why_no_cases(judged: Iterable[Suite], args: argparse.Namespace) -> str:
    golden = sorted({suite.golden.path for suite in judged})
    if not golden:
        return "no suites\n  help: write evals/NAME/suite.yaml; `tetrad init` shows one"
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
        "metrics": dict(means_of(run)),
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
