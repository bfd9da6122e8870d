"""What `tetrad lint` writes into files: fixes and suppressions, and the difference they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.output import print_status, write_out
from tetrad.errors import SpecError
from tetrad.writing import replace_file

if TYPE_CHECKING:
    from tetrad.lint import Finding, LintTree

ROUNDS = 10  # of fixes: a fix can make room for another


def diff(findings: Sequence[Finding], tree: LintTree, *, unsafe: bool) -> str:
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


def fix(
    root: Path, lint: Callable[[], tuple[LintTree, tuple[Finding, ...]]], *, unsafe: bool
) -> tuple[LintTree, tuple[Finding, ...]]:
    """Write fixes until none is left, and lint what then is there."""
    from tetrad.lint.fixes import fixed_texts

    for _ in range(ROUNDS):
        tree, findings = lint()
        new = fixed_texts(findings, tree.texts, unsafe=unsafe)
        if not _write(root, new, tree.texts):
            break
    return tree, findings


def suppress(root: Path, tree: LintTree, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Write suppressions; the findings that are left."""
    from tetrad.lint.rules import SUPPRESSION_RULES
    from tetrad.lint.suppressing import REASON, waiver_lines, with_suppressions

    about_suppressions = {rule.code for rule in SUPPRESSION_RULES}
    done = with_suppressions(tree, [f for f in findings if f.code not in about_suppressions])
    for file, text in done.texts.items():
        _replace(root / file, text)
    if done.number:
        files = f"{len(done.texts):,} file{'' if len(done.texts) == 1 else 's'}"
        many = "" if done.number == 1 else "s"
        print_status(
            f"suppressed {done.number:,} finding{many} in {files}; replace each {REASON!r}\n"
        )
    if done.left:
        print_status(
            "comments cannot suppress these; a code owner can, with these lines in waivers.yaml:\n"
        )
        write_out("".join(f"{line}\n" for line in waiver_lines(done.left)))
    return done.left


def _write(root: Path, new: Mapping[str, str], old: Mapping[str, str]) -> bool:
    """Whether any file was changed; one that would not parse any more is left as it is."""
    changed = False
    for file, text in new.items():
        if text == old.get(file) or not still_parses(file, text):
            continue
        _replace(root / file, text)
        print_status(f"fixed {file}\n")
        changed = True
    return changed


def _replace(path: Path, text: str) -> None:
    """Write a text; a byte order mark before the old one stays."""
    mark = "\ufeff" if path.is_file() and path.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    replace_file(path, (mark + text).encode())


def still_parses(file: str, text: str) -> bool:
    from tetrad.yamldoc.parse import GOLDEN_SET, parse

    if not file.endswith((".yaml", ".yml")):
        return True
    try:
        parse(text.encode(), file, limits=GOLDEN_SET, anchors=True)
    except SpecError:
        print_status(f"{file} not fixed: the result would not parse\n")
        return False
    return True
