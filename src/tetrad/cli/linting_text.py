"""`tetrad lint -`: a text that an editor holds, read from standard input."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.fixing import ROUNDS, diff, still_parses
from tetrad.cli.folding import columns, folded
from tetrad.cli.linting import any_root, lint, request_of_text
from tetrad.cli.output import print_status, write_out
from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.cli.linting import Found

INPUT = Path("-")
_UNNAMED = "prompts/stdin.yaml"  # a component of whatever kind
_MARK = "\ufeff"


def lint_input(args: Namespace) -> tuple[Found, bool]:
    """What is found, and whether standard output is free to show it: a text may stand there."""
    if [*args.paths, *args.prompty] != [INPUT]:
        raise UsageError("- is standard input, and no other file is linted with it")
    root = any_root(args)
    name = _name(root, args.stdin_filename)
    data = sys.stdin.buffer.read()
    if args.fix:
        found, data = _fixed(root, name, data, args)
        _write(data)
        return found, False
    found = _lint(root, name, data, args)
    if args.diff:
        write_out(diff(found[1], found[0], unsafe=args.unsafe_fixes))
    return found, not args.diff


def _lint(root: Path, name: str, data: bytes, args: Namespace) -> Found:
    """What is found, with the fixes that change nothing but the text."""
    from dataclasses import replace

    tree, findings = lint(request_of_text(root, name, {name: data}, args), args)
    return tree, tuple(
        replace(finding, fix=None)
        if finding.fix and any(edit.file != name for edit in finding.fix.edits)
        else finding
        for finding in findings
    )


def _fixed(root: Path, name: str, data: bytes, args: Namespace) -> tuple[Found, bytes]:
    from tetrad.lint.fixes import fixed_texts

    mark = _MARK.encode() if data.startswith(_MARK.encode()) else b""
    for _ in range(ROUNDS):
        found = _lint(root, name, data, args)
        tree, findings = found
        text = fixed_texts(findings, tree.texts, unsafe=args.unsafe_fixes).get(name)
        if text is None or text == tree.texts[name] or not still_parses(name, text):
            break
        data = mark + text.encode()
    return found, data


def show(found: Found) -> None:
    """What is left, beside the text on standard output."""
    from tetrad.lint.output import findings_text

    tree, findings = found
    print_status(folded(findings_text.render(findings, tree, width=columns())))


def _write(data: bytes) -> None:
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        write_out(data.decode(errors="replace"))
    else:
        stream.write(data)
        stream.flush()


def _name(root: Path, path: Path | None) -> str:
    """Where the text would be saved, from the root."""
    if path is None:
        return _UNNAMED
    inside = path.parent.resolve() / path.name
    if not inside.is_relative_to(root):
        raise UsageError(
            f"{path} is not in the repository {root}\n  help: run from there, or name it by -C"
        )
    return inside.relative_to(root).as_posix()
