"""Writing suppressions for what was found, so that a team can begin with lint today.

A comment is written only where the file, parsed again, says the same as before and shows that the
comment speaks of the finding's line. What no comment can lift is given back, to be waived.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tetrad.errors import SpecError
from tetrad.lint.finding import Edit, Finding
from tetrad.lint.fixes import applied
from tetrad.lint.foreign.mapped import MappedDocument
from tetrad.lint.positions import Lines
from tetrad.lint.suppressions import suppressions_of
from tetrad.lint.tree import LintTree
from tetrad.yamldoc.parse import GOLDEN_SET, Document, Node, parse

REASON = "TODO: say why"
_MAX_LINE = 100  # a comment that would make its line longer stands above it
_PLAIN = re.compile(r"[\w./-]+")


class Suppressed(NamedTuple):
    """The new texts of files, how many findings they suppress, and the findings that are left."""

    texts: Mapping[str, str]
    number: int
    left: tuple[Finding, ...]


def with_suppressions(tree: LintTree, findings: Iterable[Finding]) -> Suppressed:
    """A comment for every error and warning that one can lift."""
    by_file: defaultdict[str, list[Finding]] = defaultdict(list)
    left: list[Finding] = []
    for finding in findings:
        if finding.severity == "info":
            continue
        file = finding.place.file
        lifted = not finding.sealed and _takes_comments(tree.documents.get(file))
        (by_file[file] if lifted else left).append(finding)
    texts: dict[str, str] = {}
    count = 0
    for file, found in by_file.items():
        document = tree.documents[file]
        is_mapped = isinstance(document, MappedDocument)
        text, without = (_headed if is_mapped else _commented)(document, found)
        count += len(found) - len(without)
        left += without
        if len(without) < len(found):
            texts[file] = text
    return Suppressed(texts, count, tuple(sorted(left, key=lambda finding: finding.order)))


def _takes_comments(document: Document | None) -> bool:
    if isinstance(document, MappedDocument):
        return document.comments_at is not None
    return document is not None and document.origin.endswith((".yaml", ".yml"))


def _headed(document: Document, findings: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """The text with a comment in its front matter, where one speaks of the whole file."""
    at = document.comments_at if isinstance(document, MappedDocument) else None
    names = ", ".join(dict.fromkeys(finding.name for finding in findings))
    newline = "\r\n" if "\r\n" in document.text else "\n"
    comment = f"# tetrad: allow {names} -- {REASON}{newline}"
    return document.text[:at] + comment + document.text[at:], []


def waiver_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """What to add to waivers.yaml, a line for each rule and file."""
    for code, file in dict.fromkeys((finding.code, finding.place.file) for finding in findings):
        named = file if _PLAIN.fullmatch(file) else json.dumps(file)
        yield f'- {{rule: {code}, file: {named}, reason: WHY, owner: "@TEAM", until: YYYY-MM-DD}}'


def _commented(document: Document, findings: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """The text with comments, and the findings for which there is no place."""
    places = _Places(document)
    names: defaultdict[int, dict[str, None]] = defaultdict(dict)
    line_of: dict[Finding, int] = {}
    for finding in findings:
        line = places.line_for(finding)
        if line is not None:
            names[line][finding.name] = None
            line_of[finding] = line
    wanted = {line: tuple(found) for line, found in names.items()}
    text = places.text_with(wanted)
    if text is None:  # one by one: those stay away that would change what the file says
        kept: dict[int, tuple[str, ...]] = {}
        for line, found in wanted.items():
            if places.text_with({**kept, line: found}) is not None:
                kept[line] = found
        wanted, text = kept, places.text_with(kept)
    without = [finding for finding in findings if line_of.get(finding) not in wanted]
    return document.text if text is None else text, without


class _Places:
    """Where a comment can stand in a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._lines = Lines(document.text)
        self._newline = "\r\n" if "\r\n" in document.text else "\n"
        self._texts = sorted(_scalars(document.root, document.text))
        self._starts = [start for start, _ in self._texts]

    def line_for(self, finding: Finding) -> int | None:
        """The line of a finding, else of its key, whose end or beginning lies in no text."""
        for line in (finding.place.span.line, finding.place.key_line):
            if line is not None and not (self._in_text(self._end(line)) and self._is_inside(line)):
                return line
        return None

    def text_with(self, wanted: Mapping[int, Sequence[str]]) -> str | None:
        """The text with comments on lines; None where it does not say what it did."""
        document = self._document
        edits = [self._edit(line, names) for line, names in wanted.items()]
        text = applied(document.text, edits)
        try:
            parsed = parse(
                text.encode(), document.origin, limits=GOLDEN_SET, anchors=document.anchors
            )
        except SpecError:
            return None
        if parsed.value != document.value:
            return None
        allowed = {(s.line, name) for s in suppressions_of(parsed) for name in s.names}
        above = sorted(
            line for line, edit in zip(wanted, edits, strict=True) if edit.text.endswith("\n")
        )
        meant = {
            (line + bisect_right(above, line), name)
            for line, names in wanted.items()
            for name in names
        }
        return text if meant <= allowed else None

    def _edit(self, line: int, names: Sequence[str]) -> Edit:
        """At the line's end, or above it where that is in a text, has a comment or is far right."""
        comment = f"# tetrad: allow {', '.join(names)} -- {REASON}"
        written, end = self._lines.line(line), self._end(line)
        fits = len(written) + len(comment) + 2 <= _MAX_LINE and "#" not in written
        if self._is_inside(line) or (fits and written.strip() and not self._in_text(end)):
            return self._at(end, f"  {comment}")
        indent = written[: len(written) - len(written.lstrip(" "))]
        return self._at(self._lines.starts[line - 1], f"{indent}{comment}{self._newline}")

    def _at(self, offset: int, text: str) -> Edit:
        return Edit(file=self._document.origin, start=offset, end=offset, text=text)

    def _end(self, line: int) -> int:
        return self._lines.starts[line - 1] + len(self._lines.line(line))

    def _is_inside(self, line: int) -> bool:
        """Whether a line begins within a text."""
        return self._in_text(self._lines.starts[line - 1])

    def _in_text(self, offset: int) -> bool:
        before = bisect_right(self._starts, offset - 1)
        return before > 0 and offset < self._texts[before - 1][1]


def _scalars(root: Node, text: str) -> Iterator[tuple[int, int]]:
    """Where keys and scalars stand; a block begins with the end of its header's line."""
    for node in root.walk():
        yield from node.keys.values()
        if node.style in {"|", ">"}:
            yield max(text.find("\n", node.start), node.start), node.end
        elif not isinstance(node.value, dict | list):
            yield node.start, node.end
