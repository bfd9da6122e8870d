"""Tags around what a message writes of a variable, where nothing else changes by them.

What is left as it is: an output in a sentence, in quotes or a code span, in a link or a table, in a
format or an example that the model is to copy, and one whose label solved examples share.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from tetrad.lint.finding import Edit, Fix
from tetrad.lint.positions import Lines
from tetrad.lint.prompts import BLOCK_TAG, Untrusted
from tetrad.lint.template import TemplateOutput
from tetrad.lint.tree import LintTree

_LABEL = re.compile(r"[ \t]*(?P<label>[^\n:：]*[:：])[ \t]*[*_]{0,2}[ \t]*")
_BULLET = re.compile(r"[ \t]*(?:[-*+•>]|\d+[.)])?[ \t]*")
_COPIED = re.compile(
    r"\b(?:formats?|formatted|templates?|exactly|verbatim|copy|copied|literally|structure|schema|"
    r"examples?|e\.g\.|names?d?|call it|reply with|respond with|answer with|output|return|write)\b",
    re.IGNORECASE,
)
_NEAR = 400  # characters before an output in which it may be said that it is copied


def tag_of(found: Untrusted) -> str:
    """A name for a tag: the last one by which the value is reached."""
    first = found.outputs[0]
    is_own = first.looped or first.path[:1] == (found.variable,)
    path = first.path if first.path and is_own else (found.variable,)
    name = re.sub(r"[^A-Za-z0-9_-]", "", path[-1])
    return name if name[:1].isalpha() else found.variable


def tags_around(tree: LintTree, found: Untrusted) -> Fix | None:
    """Tags around every place where the message writes the variable; None where one is to stay."""
    edits: list[Edit] = []
    tag = tag_of(found)
    if found.message.role == "assistant" or tag in _tags_in(found.message.content):
        return None
    for written in found.outputs:
        edit = _around(tree, found, written, tag)
        if edit is None:
            return None
        edits += edit
    return Fix(title=f"put {found.variable} between tags", edits=tuple(edits), safe=False)


def _around(
    tree: LintTree, found: Untrusted, written: TemplateOutput, tag: str
) -> tuple[Edit, Edit] | None:
    if not _is_a_block(found.message.content, written):
        return None
    place = tree.within_message(found.message, found.number, written.start, written.end)
    lines: Lines = tree.lines(place.file)
    expression = found.expression(written)
    start = lines.offset(place.span.line, place.span.column)
    end = start + len(expression)
    if not expression or lines.text[start:end] != expression:
        return None  # the file writes it otherwise
    return (
        Edit(file=place.file, start=start, end=start, text=f"<{tag}>"),
        Edit(file=place.file, start=end, end=end, text=f"</{tag}>"),
    )


def _is_a_block(text: str, written: TemplateOutput) -> bool:
    """Whether an output is all there is in its line, but for a bullet or a label."""
    line_start = text.rfind("\n", 0, written.start) + 1
    line_end = text.find("\n", written.end)
    before = BLOCK_TAG.sub("", text[line_start : written.start])
    after = BLOCK_TAG.sub("", text[written.end : line_end if line_end >= 0 else len(text)])
    if after.strip():
        return False
    label = _LABEL.fullmatch(before)
    if label is None and not _BULLET.fullmatch(before):
        return False
    if label is not None and _is_shared(text, label["label"].strip()):
        return False
    said = text[max(0, line_start - _NEAR) : line_start].rpartition("\n\n")
    return not _COPIED.search(said[2] + before) and "|" not in before


def _is_shared(text: str, label: str) -> bool:
    """Whether another line has the label: what is one of several examples is to look like them."""
    return _labels_in(text)[label] > 1


@lru_cache(maxsize=16)
def _labels_in(text: str) -> Counter[str]:
    return Counter(match[1] for match in re.finditer(r"(?m)^[ \t]*([^\s:：][^\n:：]*[:：])", text))


@lru_cache(maxsize=16)
def _tags_in(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"<([\w-]+)>", text))
