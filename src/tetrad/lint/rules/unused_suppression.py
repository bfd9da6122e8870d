"""Allow unused-suppression: a suppression that suppresses nothing.

## What it does
Reports comments `# tetrad: allow NAME -- reason` and lines of waivers.yaml whose rule finds nothing
there, unknown rule names, waivers of cases that do not exist, and lines that accept a change of the
yardstick after that change is merged.

## Why is this bad?
The finding that it was written for is gone, and it would hide the next one.

## Example
```yaml
content: |  # tetrad: allow untrusted-undelimited -- the text is a number
  <message>{{ message }}</message>
```

## Use instead
```yaml
content: |
  <message>{{ message }}</message>
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tetrad.lint.acceptances import merged_acceptances
from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.other_tools import is_of_other_tool
from tetrad.lint.rule import Rule
from tetrad.lint.suppressions import Suppression
from tetrad.lint.tree import LintTree, Part
from tetrad.lint.waiver_places import file_and_case, waiver_parts
from tetrad.model.references import reference_of
from tetrad.schemas.nearest import did_you_mean, nearest


def check(tree: LintTree) -> Iterator[Finding]:
    for comment in tree.suppressions:
        for name in comment.names:
            code = tree.ledger.codes.get(name)
            if code is None:
                yield _unknown(tree, comment, name)
            elif name in tree.ledger.sealed:
                continue  # that a comment names it is another rule's finding
            elif code in tree.ledger.ran and (comment, name) not in tree.ledger.used:
                yield RULE.at(
                    tree.place(comment.file, comment.start, comment.end),
                    f"{name} finds nothing here",
                    hint="remove the comment" if len(comment.names) == 1 else f"remove {name}",
                    fix=_removal(tree, comment, name),
                )
    if tree.whole:  # a part does not show that a waiver has nothing to do
        yield from _waivers(tree)
    for part, fix in merged_acceptances(tree):
        yield RULE.at(
            tree.value(part),
            "the change that brought this line is merged, and it counts in no other",
            hint="remove it",
            fix=fix,
        )


def _unknown(tree: LintTree, comment: Suppression, name: str) -> Finding:
    codes = tree.ledger.codes
    by_code = next((known for known, code in codes.items() if code == name.upper()), None)
    close = by_code or nearest(name, codes)
    return RULE.at(
        tree.place(comment.file, comment.start, comment.end),
        f"unknown rule {name!r}",
        hint=f"did you mean {close}?" if close else "`tetrad explain` lists the rules",
    )


def _waivers(tree: LintTree) -> Iterator[Finding]:
    for waiver, part in waiver_parts(tree):
        if waiver.is_expired(today=tree.today):
            continue
        if waiver.case is not None:
            yield from _case_waiver(tree, waiver.case, part)
        elif waiver.rule in tree.ledger.ran and waiver not in tree.ledger.used_waivers:
            message, hint = f"{waiver.rule} finds nothing in {waiver.file}", "remove the waiver"
            file, _ = file_and_case(waiver, tree)
            if is_of_other_tool(PurePosixPath(file)):
                continue  # such files are linted by themselves
            if file not in tree.texts:
                message = f"there is no file {file}"
                hint = did_you_mean(file, tree.texts, hint)
            yield RULE.at(tree.value(part), message, hint=hint)


def _case_waiver(tree: LintTree, written: str, part: Part) -> Iterator[Finding]:
    """A waiver of a case that no suite has; of suites that cannot be read nothing is said."""
    ref, _, case = written.partition("#")
    suite = tree.repository.suites.get(ref)
    if suite is None:
        if not any(reference_of(file) == ref for file in tree.documents):
            hint = did_you_mean(ref, tree.repository.suites, "remove the waiver")
            yield RULE.at(_case_place(tree, part), f"there is no suite {ref}", hint=hint)
        return
    ids = [known.id for known in suite.golden.cases]
    files = {suite.golden.path, *suite.golden.files}
    is_whole = all(issue.location.file not in files for issue in tree.issues)
    if case not in ids and is_whole:
        hint = did_you_mean(case, ids, "remove the waiver")
        yield RULE.at(_case_place(tree, part), f"{ref} has no case {case!r}", hint=hint)


def _case_place(tree: LintTree, part: Part) -> Place:
    return tree.value(part.get("case") or part)


def _removal(tree: LintTree, comment: Suppression, name: str) -> Fix:
    """The comment with what stands before it on the line's end, or the name alone."""
    text = tree.lines(comment.file).text
    if len(comment.names) > 1:
        written = text[comment.start : comment.end]
        head, mark, reason = written.partition("--")
        kept = ", ".join(other for other in comment.names if other != name)
        before = head[: head.index("allow") + len("allow")]
        new = f"{before} {kept}" + (f" {mark}{reason}" if mark else "")
        edit = Edit(file=comment.file, start=comment.start, end=comment.end, text=new)
    else:
        start = comment.start
        while start and text[start - 1] in " \t":
            start -= 1
        alone = start == 0 or text[start - 1] == "\n"
        end = comment.end + (1 if alone and text[comment.end : comment.end + 1] == "\n" else 0)
        edit = Edit(file=comment.file, start=start, end=end, text="")
    return Fix(title=f"remove the suppression of {name}", edits=(edit,), safe=True)


RULE = Rule(
    code="NOQ001",
    name="unused-suppression",
    summary="a suppression that suppresses nothing",
    severity="warning",
    fixable="safe",
    check=check,
)
