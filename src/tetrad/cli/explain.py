"""`tetrad explain`: the page of a lint rule, or the list of all."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from tetrad.cli.output import write_out
from tetrad.errors import ExitCode


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "rule",
        nargs="?",
        metavar="RULE",
        help="a code (INJ301) or a name (default: the list of all rules)",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.lint.pages import page_of
    from tetrad.lint.rules import RULES
    from tetrad.lint.selection import check_selectors

    if args.rule is None:
        width = max(len(rule.name) for rule in RULES)
        write_out("".join(f"{r.code}  {r.name:{width}}  {r.summary}\n" for r in RULES))
        return ExitCode.PASSED
    check_selectors([args.rule], RULES)
    found = [r for r in RULES if args.rule == r.name or r.code.startswith(args.rule.upper())]
    write_out("\n".join(page_of(rule) for rule in found))
    return ExitCode.PASSED
