"""`tetrad lint`: findings in the files of a repository, and their fixes."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.options import add_format
from tetrad.cli.output import in_colour, say, write_out
from tetrad.errors import ExitCode, SpecError, UsageError
from tetrad.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tetrad.lint import Finding, Selection, Tree
    from tetrad.model import Model, Settings


_ROUNDS = 10  # of fixes: a fix can make room for another
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
    add_format(parser, "text", "json", "sarif", "github")


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later

    collect_nothing_at_exit()
    with collecting_later():
        return _run(args)


def _run(args: Namespace) -> ExitCode:
    from tetrad.cli.root import root_of
    from tetrad.lint.sources import asked_files

    if args.unsafe_fixes and not (args.fix or args.diff):
        raise UsageError("--unsafe-fixes does nothing by itself\n  help: add --fix or --diff")
    root = root_of(args)
    _say_what_is_absent(root)
    asked = asked_files(root, args.paths)
    if asked is None and not (args.fix or args.diff):
        tree, findings = _known(root, args)
        _print(findings, tree, args.format)
        return _code(findings)
    tree = _read(root, asked)
    selection = _selection(args, tree.repository.settings)
    findings = _findings(tree, selection)
    if args.diff:
        write_out(_diff(findings, tree, unsafe=args.unsafe_fixes))
        return _code(findings)
    if args.fix:
        tree, findings = _fixed(root, asked, selection, unsafe=args.unsafe_fixes)
    _print(findings, tree, args.format)
    return _code(findings)


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


def _read(root: Path, asked: Sequence[str] | None) -> Tree:
    from dataclasses import replace
    from datetime import UTC, datetime

    from tetrad.lint import read_tree

    tree = read_tree(root, asked=asked, today=datetime.now(tz=UTC).date(), count=_count)
    return replace(tree, merged=partial(_merged, root))


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
    check_selectors([*select, *ignore, *settings.lint_select, *settings.lint_ignore], RULES)
    return Selection(
        select=select,
        ignore=ignore,
        settings_select=settings.lint_select,
        settings_ignore=settings.lint_ignore,
    )


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())


def _findings(tree: Tree, selection: Selection) -> tuple[Finding, ...]:
    from tetrad.lint import lint_tree

    return lint_tree(tree, selection)


def _code(findings: Sequence[Finding]) -> ExitCode:
    failed = any(finding.severity == "error" for finding in findings)
    return ExitCode.REFUSED if failed else ExitCode.PASSED


def _print(findings: Sequence[Finding], tree: Tree, form: str) -> None:
    from tetrad.lint.output import render, text

    if form == "text":
        write_out(text.render(findings, tree, colour=in_colour()))
        return
    write_out(render(form, findings, tree))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and summary:
        with Path(summary).open("a", encoding="utf-8") as stream:
            stream.write(_fenced(text.render(findings, tree, folds=False)))


def _fenced(text: str) -> str:
    """Text as a code block that nothing in it can end."""
    import re

    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = text.encode()[:_MAX_SUMMARY].decode(errors="ignore")
    return f"{fence}text\n{shown}\n{fence}\n"


def _diff(findings: Sequence[Finding], tree: Tree, *, unsafe: bool) -> str:
    from difflib import unified_diff

    from tetrad.lint.fixes import fixed_texts
    from tetrad.text import for_log, inert, lines_of

    lines = [
        inert(line)
        for file, new in sorted(fixed_texts(findings, tree.texts, unsafe=unsafe).items())
        for line in unified_diff(
            lines_of(tree.texts.get(file, ""), ends=True),
            lines_of(new, ends=True),
            f"a/{file}",
            f"b/{file}",
        )
    ]
    return for_log("".join(lines))


def _fixed(
    root: Path, asked: Sequence[str] | None, selection: Selection, *, unsafe: bool
) -> tuple[Tree, tuple[Finding, ...]]:
    """Write fixes until none is left, and lint what then is there."""
    from tetrad.lint.fixes import fixed_texts

    for _ in range(_ROUNDS):
        tree = _read(root, asked)
        findings = _findings(tree, selection)
        new = fixed_texts(findings, tree.texts, unsafe=unsafe)
        if not _write(root, new, tree.texts):
            break
    return tree, findings


def _write(root: Path, new: Mapping[str, str], old: Mapping[str, str]) -> bool:
    """Whether any file was changed; one that would not parse any more is left as it is."""
    changed = False
    for file, text in new.items():
        if text == old.get(file) or not _still_parses(file, text):
            continue
        path = root / file
        mark = "\ufeff" if path.is_file() and path.read_bytes().startswith(b"\xef\xbb\xbf") else ""
        replace_file(path, (mark + text).encode())
        say(f"fixed {file}\n")
        changed = True
    return changed


def _still_parses(file: str, text: str) -> bool:
    from tetrad.yamldoc.parse import GOLDEN_SET, parse

    if not file.endswith((".yaml", ".yml")):
        return True
    try:
        parse(text.encode(), file, limits=GOLDEN_SET, anchors=True)
    except SpecError:
        say(f"{file} is left as it is: fixed, it would not parse\n")
        return False
    return True
