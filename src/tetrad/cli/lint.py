"""`tetrad lint`: findings in the files of a repository, and their fixes."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_format
from tetrad.cli.output import in_colour, say, write_file, write_out
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tetrad.lint import Finding, Selection, Tree
    from tetrad.model import Model, Settings

_MAX_SUMMARY = 900_000  # bytes; GitHub refuses a step's summary over 1 MiB


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files or folders whose findings are shown (default: the whole repository)",
    )
    rules = "codes, beginnings of codes (SCH, INJ3) or names, separated by commas"
    parser.add_argument(
        "--select", action="append", default=[], metavar="RULES", help=f"run only these: {rules}"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULES", help=f"leave these out: {rules}"
    )
    parser.add_argument("--fix", action="store_true", help="apply safe fixes")
    parser.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: mend also what may change the meaning",
    )
    parser.add_argument("--diff", action="store_true", help="show what --fix would write")
    parser.add_argument(
        "--add-noqa",
        action="store_true",
        help="suppress what is found by comments, each with a reason to fill in",
    )
    parser.add_argument(
        "--statistics", action="store_true", help="show how often each rule found something"
    )
    parser.add_argument("--exit-zero", action="store_true", help="exit 0, whatever is found")
    add_format(parser, "text", "json", "sarif", "github")
    parser.add_argument(
        "--output-file", type=Path, metavar="FILE", help="write there, not to standard output"
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later

    collect_nothing_at_exit()
    with collecting_later():
        return _run(args)


def _run(args: Namespace) -> ExitCode:
    from tetrad.cli.root import root_of
    from tetrad.lint.sources import asked_files

    _check_options(args)
    root = root_of(args)
    _say_what_is_absent(root)
    asked = asked_files(root, args.paths)
    if asked is None and not (args.fix or args.diff or args.add_noqa):
        tree, findings = _known(root, args)
    else:
        tree, findings = _linted(root, asked, args)
    if args.diff:
        from tetrad.cli.fixing import diff

        write_out(diff(findings, tree, unsafe=args.unsafe_fixes))
    elif args.add_noqa:
        from tetrad.cli.fixing import suppress

        findings = suppress(root, tree, findings)
    else:
        if args.fix:
            from tetrad.cli.fixing import fix

            lint = partial(_linted, root, asked, args)
            tree, findings = fix(root, lint, unsafe=args.unsafe_fixes)
        _print(findings, tree, args)
    return ExitCode.PASSED if args.exit_zero else _code(findings)


def _check_options(args: Namespace) -> None:
    """UsageError for options that do nothing together."""
    if args.unsafe_fixes and not (args.fix or args.diff):
        raise UsageError("--unsafe-fixes does nothing by itself\n  help: add --fix or --diff")
    writing = [name for name in ("fix", "diff", "add_noqa") if getattr(args, name)]
    if args.add_noqa and len(writing) > 1:
        raise UsageError("--add-noqa excludes --fix and --diff\n  help: fix first, then suppress")
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
        say(f"{sparse_message(missing)}\n")


def _known(root: Path, args: Namespace) -> tuple[Tree, tuple[Finding, ...]]:
    """The whole repository, by way of what earlier runs found out."""
    from datetime import UTC, datetime

    from tetrad.cli.kept import kept
    from tetrad.lint.known import Known

    with kept(root, "lint") as checked:
        return Known(
            root,
            checked,
            asked=("select", *_names(args.select), "ignore", *_names(args.ignore)),
            selection=lambda settings: _selection(args, settings),
            today=datetime.now(tz=UTC).date(),
            count=_count,
            merged=partial(_merged, root),
        ).lint()


def _linted(
    root: Path, asked: Sequence[str] | None, args: Namespace
) -> tuple[Tree, tuple[Finding, ...]]:
    from dataclasses import replace
    from datetime import UTC, datetime

    from tetrad.lint import lint_tree, read_tree

    tree = read_tree(root, asked=asked, today=datetime.now(tz=UTC).date(), count=_count)
    tree = replace(tree, merged=partial(_merged, root))
    return tree, lint_tree(tree, _selection(args, tree.repository.settings))


def _merged(root: Path, file: str) -> str | None:
    from tetrad import git

    return git.merged_text(root, file)


def _count(model: Model, text: str) -> tuple[int, bool]:
    """Tokens by the pinned tokenizer where it is in the cache, by bytes where it is not."""
    from tetrad.artifacts.store import store_from_environment
    from tetrad.engines.count import count_tokens

    return count_tokens(model, text, store_from_environment())


def _selection(args: Namespace, settings: Settings) -> Selection:
    from tetrad.lint import Selection
    from tetrad.lint.rules import RULES
    from tetrad.lint.selection import check_selectors

    select, ignore = _names(args.select), _names(args.ignore)
    per_file = settings.lint_per_file_ignores
    in_files = [selector for selectors in per_file.values() for selector in selectors]
    in_settings = [*settings.lint_select, *settings.lint_ignore, *in_files]
    check_selectors([*select, *ignore, *in_settings], RULES)
    return Selection(
        select=select,
        ignore=ignore,
        settings_select=settings.lint_select,
        settings_ignore=settings.lint_ignore,
        per_file_ignores=per_file,
    )


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())


def _code(findings: Sequence[Finding]) -> ExitCode:
    failed = any(finding.severity == "error" for finding in findings)
    return ExitCode.REFUSED if failed else ExitCode.PASSED


def _print(findings: Sequence[Finding], tree: Tree, args: Namespace) -> None:
    from tetrad.lint.output import text

    rendered = _rendered(findings, tree, args)
    if args.output_file is None:
        write_out(rendered)
    else:
        write_file(args.output_file, rendered)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if args.format == "github" and summary:
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(_fenced(text.render(findings, tree, folds=False)))


def _rendered(findings: Sequence[Finding], tree: Tree, args: Namespace) -> str:
    from tetrad.lint.output import render, statistics, text

    if args.statistics and args.format == "json":
        return statistics.render_json(findings)
    if args.statistics:
        return f"{statistics.render_text(findings)}{text.totals(findings, tree)}\n"
    if args.format == "text":
        colour = in_colour() and args.output_file is None
        return text.render(findings, tree, colour=colour)
    return render(args.format, findings, tree)


def _fenced(text: str) -> str:
    """Text as a code block that nothing in it can end."""
    import re

    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = text.encode()[:_MAX_SUMMARY].decode(errors="ignore")
    return f"{fence}text\n{shown}\n{fence}\n"
