"""`tetrad lint`: findings in the files of a repository, and their fixes."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.folding import columns, folded
from tetrad.cli.options import add_format
from tetrad.cli.output import in_colour, print_status, write_file, write_out
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tetrad.lint import Finding, LintTree

_MAX_SUMMARY = 900_000  # bytes; GitHub refuses a step's summary over 1 MiB


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files or folders whose findings are shown, or - for standard input "
        "(default: the whole repository)",
    )
    parser.add_argument(
        "--prompty",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="treat these files as Prompty, whatever their extension",
    )
    parser.add_argument(
        "--stdin-filename",
        type=Path,
        metavar="PATH",
        help="the path of the text on standard input (PATH -)",
    )
    _add_selection(parser)
    _add_fixes(parser)
    parser.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 even with findings")
    add_format(parser, "text", "json", "sarif", "github")
    parser.add_argument(
        "--output-file",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output",
    )


def _add_selection(parser: ArgumentParser) -> None:
    rules = "codes, prefixes of codes (SCH, INJ3) or names, separated by commas"
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="RULES",
        help=f"run only these rules: {rules}",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULES", help=f"skip these rules: {rules}"
    )


def _add_fixes(parser: ArgumentParser) -> None:
    parser.add_argument("--fix", action="store_true", help="apply safe fixes")
    parser.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: also apply fixes that may change the meaning",
    )
    parser.add_argument("--diff", action="store_true", help="show what --fix would change")
    parser.add_argument(
        "--add-noqa",
        action="store_true",
        help="add a suppression comment for each finding, with a reason to fill in",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later

    collect_nothing_at_exit()
    with collecting_later():
        return _run(args)


def _run(args: Namespace) -> ExitCode:
    from tetrad.cli.linting import lint, request_of

    _check_options(args)
    if Path("-") in [*args.paths, *args.prompty]:
        return _lint_input(args)
    request = request_of(args)
    _say_what_is_absent(request.root)
    writing = args.fix or args.diff or args.add_noqa
    tree, findings = lint(request, args, by_known=not writing)
    if args.diff:
        from tetrad.cli.fixing import diff

        write_out(diff(findings, tree, unsafe=args.unsafe_fixes))
    elif args.add_noqa:
        from tetrad.cli.fixing import suppress

        findings = suppress(request.root, tree, findings)
    else:
        if args.fix:
            from tetrad.cli.fixing import fix

            again = partial(lint, request, args)
            tree, findings = fix(request.root, again, unsafe=args.unsafe_fixes)
        _print(findings, tree, args)
    return ExitCode.PASSED if args.exit_zero else _code(findings)


def _lint_input(args: Namespace) -> ExitCode:
    from tetrad.cli.linting_text import lint_input, show

    found, is_free = lint_input(args)
    tree, findings = found
    if is_free:
        _print(findings, tree, args)
    elif args.fix:
        show(found)
    return ExitCode.PASSED if args.exit_zero else _code(findings)


def _check_options(args: Namespace) -> None:
    """UsageError for options that do nothing together."""
    if args.unsafe_fixes and not (args.fix or args.diff):
        raise UsageError("--unsafe-fixes has no effect on its own\n  help: add --fix or --diff")
    writing = [name for name in ("fix", "diff", "add_noqa") if getattr(args, name)]
    if args.add_noqa and len(writing) > 1:
        raise UsageError("--add-noqa excludes --fix and --diff\n  help: fix first, then suppress")
    reads_input = Path("-") in [*args.paths, *args.prompty]
    if args.add_noqa and reads_input:
        raise UsageError(
            "--add-noqa writes to files, and - is standard input\n  help: name the file"
        )
    if args.stdin_filename is not None and not reads_input:
        raise UsageError("--stdin-filename has no effect without -\n  help: name - as the file")
    if args.statistics and args.format not in {"text", "json"}:
        raise UsageError(
            f"--statistics cannot be written as {args.format}\n  help: --format text or json"
        )


def _say_what_is_absent(root: Path) -> None:
    """What a sparse checkout leaves out looks as if it were missing."""
    from tetrad.places import may_be_sparse

    if not may_be_sparse(root):
        return
    from tetrad.git import not_checked_out, of_a_system, sparse_message

    missing = of_a_system(not_checked_out(root))
    if missing:
        print_status(f"{sparse_message(missing)}\n")


def _code(findings: Sequence[Finding]) -> ExitCode:
    failed = any(finding.severity == "error" for finding in findings)
    return ExitCode.REFUSED if failed else ExitCode.PASSED


def _print(findings: Sequence[Finding], tree: LintTree, args: Namespace) -> None:
    from tetrad.lint.output import findings_text

    rendered = _rendered(findings, tree, args)
    if args.output_file is None:
        write_out(rendered)
    else:
        write_file(args.output_file, rendered)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if args.format == "github" and summary:
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(_fenced(findings_text.render(findings, tree, folds=False)))


def _rendered(findings: Sequence[Finding], tree: LintTree, args: Namespace) -> str:
    from tetrad.lint.output import findings_text, render, rule_counts

    if args.statistics and args.format == "json":
        return rule_counts.render_json(findings)
    if args.statistics:
        return f"{rule_counts.render_text(findings)}{findings_text.totals(findings, tree)}\n"
    if args.format == "text" and args.output_file is None:
        return folded(findings_text.render(findings, tree, colour=in_colour(), width=columns()))
    return render(args.format, findings, tree)


def _fenced(text: str) -> str:
    """Text as a code block that nothing in it can end."""
    import re

    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = text.encode()[:_MAX_SUMMARY].decode(errors="ignore")
    return f"{fence}text\n{shown}\n{fence}\n"
