"""The tree of other tools' files, and what the rules find in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from tetrad.errors import Issue, Location, SpecError
from tetrad.lint.engine import lint_tree
from tetrad.lint.finding import Finding
from tetrad.lint.foreign.to_prompt import ENDINGS, Converted, convert
from tetrad.lint.scope import Texts
from tetrad.lint.selection import Selection
from tetrad.lint.tree import LintTree
from tetrad.loading.build_prompt import build_prompt
from tetrad.loading.context import NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.files import Tree as Folder
from tetrad.loading.loader import Loader
from tetrad.model import Prompt, Repository
from tetrad.places import below_checkout
from tetrad.schemas.check import check_value, issue_of
from tetrad.trees import FileTree
from tetrad.yamldoc.document import Document
from tetrad.yamldoc.parse import decode

# They ask for what these formats cannot say, or say what our own runtime refuses.
NOT_ASKED = frozenset({"INJ300", "TPL204", "BUD602", "BUD603"})
# Whose fixes are about characters; all others write keys of ours. The first two fix what is there,
# the others the prompt's own text alone.
_FIXED_ANYWHERE = ("NOQ", "UNI")
_FIXED_IN_TEXT = ("INJ", "STY")
# About messages that a program may add.
_OF_WHOLE = frozenset({"TPL211"})
_NOT_OURS = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "build", "dist"})


def foreign_files(files: FileTree, folder: str) -> list[str]:
    """The files of these formats under a folder, but those of installed packages and hidden ones."""
    found: list[str] = []
    folders = [folder.rstrip("/") or "."]
    while folders:
        place = folders.pop()
        listing = files.listing(place)
        if listing is None:
            continue
        prefix = "" if place == "." else f"{place}/"
        links = set(listing.links)
        folders += [
            f"{prefix}{name}"
            for name in listing.folders
            if not name.startswith(".") and name not in _NOT_OURS and name not in links
        ]
        found += [
            f"{prefix}{name}"
            for name in listing.files
            if name.endswith(tuple(ENDINGS)) and not name.startswith(".")
        ]
    return sorted(found)


def foreign_tree(
    repository: Repository,
    issues: Sequence[Issue],
    names: Sequence[str],
    *,
    root: Path,
    prompty: frozenset[str],
    today: date,
) -> tuple[LintTree, Mapping[str, Converted]]:
    """What rules see of the files, and what each of them became; `prompty` are read as Prompty.

    Settings and waivers are the repository's.
    """
    loader = Loader(Folder(repository.files))
    texts: dict[str, str] = {}
    converted: dict[str, Converted] = {}
    prompts: dict[str, Prompt] = {}
    for name in names:
        try:
            data = loader.tree.read(name, Location(name))
            texts[name] = data.decode("utf-8-sig", errors="replace")
            texts[name] = decode(data, name)
            converted[name] = convert(texts[name], name, as_prompty=name in prompty)
            prompt = _built(converted[name].document, name, loader)
        except SpecError as error:
            loader.report(*error.issues)
        else:
            prompts |= {} if prompt is None else {name: prompt}
    loader.report(*issues)
    ill = tuple(dict.fromkeys(issue.location.file for issue in issues))
    tree = LintTree(
        repository=replace(repository, prompts=prompts, stacks={}, suites={}),
        issues=loader.issues(),
        documents={name: one.document for name, one in converted.items()},
        texts=Texts(repository.files, texts, ill),
        names=(*names, *ill),
        suppressions=tuple(comment for one in converted.values() for comment in one.suppressions),
        today=today,
        whole=False,
        below=below_checkout(root),
    )
    return tree, converted


def _built(document: Document, name: str, loader: Loader) -> Prompt | None:
    problems = tuple(check_value(document.value, "prompt"))
    loader.report(*(issue_of(document, problem) for problem in problems))
    if problems:
        return None
    try:
        return build_prompt(Fields.of(document, name), loader)
    except NotBuilt:
        return None


def lint_foreign(
    tree: LintTree, converted: Mapping[str, Converted], selection: Selection
) -> tuple[Finding, ...]:
    """What is found, with the fixes that can be made in the files as they are."""
    findings = lint_tree(tree, selection, without=NOT_ASKED)
    return tuple(
        replace(
            _in_their_words(finding, converted),
            fix=finding.fix if _fits(finding, converted) else None,
        )
        for finding in findings
        if finding.code not in _OF_WHOLE or not _is_continued(finding, converted)
    )


def _is_continued(finding: Finding, converted: Mapping[str, Converted]) -> bool:
    one = converted.get(finding.place.file)
    return one is not None and one.continued


def _in_their_words(finding: Finding, converted: Mapping[str, Converted]) -> Finding:
    """The finding, naming no key that its file's format does not have."""
    one = converted.get(finding.place.file)
    message, hint = finding.message, finding.hint
    for ours, theirs in one.words.items() if one else ():
        message, hint = message.replace(ours, theirs), hint.replace(ours, theirs)
    return replace(finding, message=message, hint=hint)


def _fits(finding: Finding, converted: Mapping[str, Converted]) -> bool:
    if finding.fix is None or finding.code.startswith(_FIXED_ANYWHERE):
        return True
    return finding.code.startswith(_FIXED_IN_TEXT) and all(
        edit.file in converted and edit.start >= converted[edit.file].body
        for edit in finding.fix.edits
    )
