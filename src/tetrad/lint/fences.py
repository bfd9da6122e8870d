"""Code fences of a Markdown text, nested ones too, by the lines that open and close them."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(
    r"(?m)^[ \t>]*(?:(?:[-*+•]|\d+[.)])[ \t]+)?(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$"
)
_TAG = re.compile(r"\{%[-+]?\s*(?P<word>\w+).*?%\}", re.DOTALL)
_RUN = re.compile("`{3,}")


class Fence(NamedTuple):
    """A fence with the lines that open and close it; `end` is None where none closes it."""

    start: int
    opened: int  # the end of the line that opens it
    end: int | None


def fences_of(text: str) -> list[Fence]:
    """The outermost fences; of those that nothing closes, all."""
    if "```" not in text and "~~~" not in text:
        return []
    found: list[Fence] = []
    stack: list[re.Match[str]] = []
    for line in _LINE.finditer(text):
        closed = None if line["info"].strip() else _closed_by(line["mark"], stack)
        if closed is not None:
            opening = stack[closed]
            del stack[closed:]
            if not stack:
                found.append(Fence(opening.start("mark"), opening.end(), line.end()))
        elif not stack or line["info"].strip():
            stack.append(line)
    return [*found, *(Fence(line.start("mark"), line.end(), None) for line in stack)]


def _closed_by(mark: str, stack: list[re.Match[str]]) -> int | None:
    """The number of the open fence that a mark closes: the innermost as long as it, or shorter."""
    shorter = [n for n, line in enumerate(stack) if mark.startswith(line["mark"])]
    equal = [n for n in shorter if stack[n]["mark"] == mark]
    return max(equal or shorter, default=None)


def branches_of(content: str) -> list[tuple[int, int]]:
    """The stretches of a template that are written on a condition, each branch by itself."""
    found: list[tuple[int, int]] = []
    depth, start = 0, 0
    for tag in _TAG.finditer(content) if "{%" in content else ():
        word = tag["word"]
        if word not in {"if", "elif", "else", "endif", "for", "endfor"}:
            continue
        if depth:
            found.append((start, tag.start()))
        depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(word, 0)
        start = tag.end()
    return found


def unclosed_fence(content: str) -> Fence | None:
    """The fence of a template that nothing closes; None where its marks come in pairs.

    A mark within a line counts too, since it may open what a line of its own closes, and nothing is
    said where one branch of a condition opens what another closes.
    """
    if "```" not in content:
        return None
    runs = [run.start() for run in _RUN.finditer(content)]
    if len(runs) % 2 == 0:
        return None
    for start, end in branches_of(content):
        if sum(start <= run < end for run in runs) % 2:
            return None
    unclosed = [fence for fence in fences_of(content) if fence.end is None]
    if not unclosed or content[unclosed[-1].start] != "`":
        return None
    last = unclosed[-1]
    return last if content[last.opened :].strip() else None
