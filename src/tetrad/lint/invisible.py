"""Characters that nobody sees, found in files as they are written and in what their escapes say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from tetrad.lint.characters import Kind, Run, runs_of
from tetrad.lint.finding import Edit, Finding, Fix, Place
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part

_MEANT = "remove it, or accept it by a waiver of this case: file: GOLDEN-SET#CASE in waivers.yaml"
HINT = "remove it; `tetrad lint --fix --unsafe-fixes` does"


def findings_of_characters(
    rule: Rule, tree: LintTree, kind: Kind, message: Callable[[Run], str]
) -> Iterator[Finding]:
    """Runs of a kind in every file asked for."""
    for file in tree.names:
        text = tree.texts.get(file, "")
        for run in runs_of(kind, text):
            place = tree.place(file, run.start, run.end)
            fix = Fix(
                title=f"remove {run.names}",
                edits=(Edit(file=file, start=run.start, end=run.end, text=""),),
                safe=False,
            )
            yield rule.at(place, message(run), hint=HINT, fix=fix)
        if "\\" in text:
            hint = _MEANT if _is_golden(tree, file) else "remove it"
            for place, run in _escaped(tree, file, text, kind):
                yield rule.at(place, f"{message(run)}, written as an escape", hint=hint)


def _is_golden(tree: LintTree, file: str) -> bool:
    suites = tree.repository.suites.values()
    return any(file == suite.golden.path or file in suite.golden.files for suite in suites)


def _escaped(tree: LintTree, file: str, text: str, kind: Kind) -> Iterator[tuple[Place, Run]]:
    document = tree.documents.get(file)
    if document is not None:
        for part in Part(document, (), document.value).walk():
            if part.text is None or part.text.isascii():
                continue
            span = document.span(part.path)
            if "\\" in (written := text[span.start : span.end]):
                yield from ((tree.value(part), run) for run in _not_in(written, part.text, kind))
    elif file.endswith((".jsonl", ".json")):
        yield from _escaped_in_json_lines(tree, file, text, kind)


def _escaped_in_json_lines(
    tree: LintTree, file: str, text: str, kind: Kind
) -> Iterator[tuple[Place, Run]]:
    start = 0
    for line in text.split("\n"):  # as JSON Lines are read
        if "\\u" in line:
            try:
                value = json.dumps(json.loads(line), ensure_ascii=False)
            except ValueError:
                value = ""  # the loader reports it
            place = tree.place(file, start, start + len(line.rstrip()))
            yield from ((place, run) for run in _not_in(line, value, kind))
        start += len(line) + 1


def _not_in(written: str, value: str, kind: Kind) -> Iterator[Run]:
    """Runs of a value that do not stand in it as it is written."""
    for run in runs_of(kind, value):
        if run.text not in written:
            yield run
