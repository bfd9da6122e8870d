"""`tetrad smoke URL`: does what was deployed answer as it was evaluated?"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tetrad.cli.options import add_offline
from tetrad.cli.outcome_lines import text_of
from tetrad.cli.output import write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.evals import Session
    from tetrad.evals.case_selection import CaseSelection
    from tetrad.model import Repository
    from tetrad.results.outcome import SuiteRun

TAG = "smoke"
KEY_VARIABLE = "TETRAD_API_KEY"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "gateway",
        metavar="URL",
        help=f"the address of a gateway; its API key is read from {KEY_VARIABLE}",
    )
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="stacks (default: all that should serve there)"
    )
    parser.add_argument(
        "--tag", default=TAG, metavar="TAG", help=f"run the cases with this tag (default: {TAG})"
    )
    add_offline(parser)


def run(args: Namespace) -> ExitCode:
    from tetrad.artifacts.download import is_address
    from tetrad.cli.progress_display import progress_bars
    from tetrad.evals import interrupts, open_session
    from tetrad.loading.repositories import find, load_named
    from tetrad.text import for_log

    if not is_address(args.gateway):
        raise UsageError(f"{args.gateway} is not an http or https URL")
    root = root_of(args)
    repository = load_named(root, args.stacks)
    wanted = [find(repository, name, repository.stacks) for name in args.stacks]
    with open_session(root, offline=args.offline, engine=None, progress=progress_bars()) as session:
        runs = interrupts.run(_asked(args, repository, wanted, session))
    write_out(for_log("".join(text_of(run) for run in runs)))
    cases = [case for run in runs for case in run.cases]
    if any(case.missing for case in cases):
        return ExitCode.INCONCLUSIVE
    return ExitCode.PASSED if all(case.passed for case in cases) else ExitCode.REFUSED


async def _asked(
    args: Namespace, repository: Repository, wanted: Sequence[str], session: Session
) -> Sequence[SuiteRun]:
    from tetrad.evals.live_gateway import LiveGateway

    gateway = LiveGateway(args.gateway, os.environ.get(KEY_VARIABLE, "").strip())
    try:
        environment = await gateway.environment()
        selected = list(_selected(repository, wanted, environment, args.tag, session))
        if not selected:
            raise UsageError(_why_none(environment, args.tag))
        return await gateway.run(selected)
    finally:
        await gateway.aclose()
        await session.aclose()


def _selected(
    repository: Repository, wanted: Sequence[str], environment: str, tag: str, session: Session
) -> Iterator[CaseSelection]:
    """The tagged cases of every suite that judges a stack of the environment."""
    from tetrad.evals.case_selection import CaseSelection
    from tetrad.identity import identity_of

    for suite in repository.suites.values():
        cases = tuple(case for case in suite.golden.cases if tag in case.tags)
        for stack in suite.stacks if cases else ():
            if environment not in stack.environments or (wanted and stack.ref not in wanted):
                continue
            yield CaseSelection(
                suite=suite,
                stack=stack,
                identity=identity_of(stack),
                cases=cases,
                services=session.services(suite, stack, repository.files),
            )


def _why_none(environment: str, tag: str) -> str:
    return (
        f"no case of a stack that serves {environment} has the tag {tag!r}"
        f"\n  help: give a few cases that always pass `tags: [{tag}]`"
    )
