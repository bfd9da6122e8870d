"""Allow stale-lock: a stack whose lock is missing or out of date.

## What it does
Composes every stack and its suites, and compares the result with the lock beside the stack's file.

## Why is this bad?
The lock shows a reviewer that the identity changed, and makes two changes of the same stack conflict.
A stale lock does neither.

## Example
A prompt was edited, and `stacks/triage.lock` still records its digest from before.

## Use instead
Run `tetrad lock`, and commit the lock with the change. `tetrad lint --fix` does the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tetrad.errors import SpecError
from tetrad.identity.lock import Lock, dump_lock, load_lock, lock_of, path_of
from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Stack
from tetrad.model.references import reference_of
from tetrad.schemas.kinds import KINDS

# What a lock records, and the key of the stack's file at which its change is shown.
_PARTS = (
    ("prompt", "prompt"),
    ("model", "model"),
    ("corpus", "corpus"),
    ("tools", "tools"),
    ("settings", "kind"),
    ("goldens", "kind"),
)


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    unclear = _judged_by_unclear(tree)
    are_known = _are_suites_known(tree)
    for stack in tree.repository.stacks.values():
        if stack.location.file not in asked or stack.ref in unclear:
            continue
        path = path_of(stack)
        text = tree.texts.get(path)
        lock = lock_of(stack, tree.repository.suites_by_stack.get(stack.ref, ()))
        if text == dump_lock(lock):
            continue
        written = _read(text, path)
        if written is not None and not are_known:
            lock = replace(lock, goldens=written.goldens)
        if written == lock:
            continue
        message, key = f"{path} is missing", "kind"
        if text is not None:
            message, key = _changed(written, lock, path)
        edit = Edit(file=path, start=0, end=len(text or ""), text=dump_lock(lock))
        fix: Fix | None = Fix(title=f"write {path}", edits=(edit,), safe=True)
        if written is None and not are_known:
            fix = None  # it would record no golden set of a suite that is not known
        yield RULE.at(_place(tree, stack, key), message, hint="run `tetrad lock`", fix=fix)


def _judged_by_unclear(tree: LintTree) -> set[str]:
    """The stacks of suites that cannot be read whole: what their lock should hold is not known."""
    wrong = {issue.location.file for issue in tree.issues}
    suites = tree.repository.suites
    ill = [suite for suite in suites.values() if wrong & {suite.golden.path, *suite.golden.files}]
    unbuilt = [part for part in _written_suites(tree) if reference_of(part.file) not in suites]
    named = {
        ref.text
        for part in unbuilt
        if (stacks := part.get("stacks")) is not None
        for ref in stacks.parts()
        if ref.text is not None
    }
    return named | {stack.ref for suite in ill for stack in suite.stacks}


def _are_suites_known(tree: LintTree) -> bool:
    """Whether all that may be a suite says which stacks it judges."""
    unread = {issue.location.file for issue in tree.issues} - tree.documents.keys()
    if any(file.endswith(".yaml") for file in unread):
        return False
    return all(
        reference_of(part.file) in tree.repository.suites or _names_stacks(part, tree)
        for part in _written_suites(tree)
    )


def _written_suites(tree: LintTree) -> Iterator[Part]:
    """The documents that are suites, also where their kind is misspelt or missing."""
    yield from tree.components("suite")
    for document in tree.documents.values():
        value = document.value
        is_ill = isinstance(value, dict) and value.get("kind") not in KINDS
        if is_ill and "golden" in value:
            yield Part(document, (), value)


def _names_stacks(suite: Part, tree: LintTree) -> bool:
    refs = [ref.text for ref in stacks.parts()] if (stacks := suite.get("stacks")) else []
    return bool(refs) and all(ref in tree.repository.stacks for ref in refs)


def _read(text: str | None, path: str) -> Lock | None:
    """A lock as it is written; None where there is none that can be read."""
    if text is None:
        return None
    try:
        return load_lock(text, path)
    except SpecError:
        return None


def _changed(written: Lock | None, lock: Lock, path: str) -> tuple[str, str]:
    """What a lock does not record as it is now, and the key where that is said."""
    if written is None:
        return f"{path} cannot be read", "kind"
    moved = [part for part in _PARTS if getattr(written, part[0]) != getattr(lock, part[0])]
    if not moved:
        return f"{path} records another identity", "kind"
    names = ", ".join("golden set" if name == "goldens" else name for name, _ in moved)
    return f"{path} is stale: {names} changed", moved[0][1]


def _place(tree: LintTree, stack: Stack, key: str) -> Place:
    document = tree.documents[stack.location.file]
    root = Part(document, (), document.value)
    return tree.key(root.get(key) or root)


RULE = Rule(
    code="COR952",
    name="stale-lock",
    summary="a stack whose lock is missing or out of date",
    sealed=True,
    fixable="safe",
    scope="repository",
    check=check,
)
