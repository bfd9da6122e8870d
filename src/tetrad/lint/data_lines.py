"""What of a message is data and what is instructions, line by line."""

from __future__ import annotations

import re
from functools import cache

from tetrad.lint.prompts import BLOCK_TAG, Untrusted
from tetrad.lint.template import TemplateOutput

_LABEL = (  # three words at most: more of them are a sentence
    r"[\s>*+•#|-]*(?:\d+[.)]\s*)?(?:[*_#]*[^\W_][^\s:：.!?]{0,30}(?:[ ][^\s:：.!?]{1,30}){0,2}[:：][*_]*\s*)?"
    r"[\s\"'“”`<>*_|-]*"
)
_LONGEST = 2_000  # characters of a line on either side of an output that is a text of its own
_TAG = r"</?\s*([^\W\d][\w-]*)[^<>\n]*>"
# By the last word: what a user asks for, and what was said before in the same conversation.
_REQUESTS = frozenset(
    (
        *("question", "questions", "q", "query", "queries", "request", "requests", "ask", "wish"),
        *("prompt", "instruction", "instructions", "command", "task", "tasks", "goal", "goals"),
        *("objective", "topic", "topics", "history", "messages", "turns"),
    )
)
_OWN_EXAMPLES = frozenset(("sample", "example", "few"))  # by the first
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_block(content: str, written: TemplateOutput) -> bool:
    """Whether an output is text of its own: between delimiters, or alone in its line or behind a label."""
    if written.delimited:
        return True
    first, last = max(0, written.start - _LONGEST), written.end + _LONGEST
    start, end = content.rfind("\n", first, written.start), content.find("\n", written.end, last)
    if (start < 0 < first) or (end < 0 and last < len(content)):
        return False
    before = BLOCK_TAG.sub("", content[start + 1 : written.start])
    after = BLOCK_TAG.sub("", content[written.end : end if end >= 0 else len(content)])
    return not after.strip(" \t\"'“”`*_|") and _compiled(_LABEL).fullmatch(before) is not None


def is_request(name: str) -> bool:
    """Whether a variable's name says that it is a user's own request, or an example of ours."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and (words[-1] in _REQUESTS or words[0] in _OWN_EXAMPLES)


def tag_around(content: str, written: TemplateOutput) -> str | None:
    """The name of the outermost tag that is opened before a delimited output and closed behind it."""
    if not written.delimited:
        return None
    opened: list[str] = []
    for tag in _compiled(_TAG).finditer(content, 0, written.start):
        name = tag[1]
        if not tag[0].startswith("</"):
            opened.append(name)
        elif name in opened:
            opened.remove(name)
    return next((n for n in opened if content.find(f"</{n}>", written.end) >= 0), None)


def is_told_apart(found: Untrusted) -> bool:
    """Whether what a message writes of a variable is clearly a text that others wrote.

    Where nothing is said of its trust, a value in a sentence may be a parameter.
    """
    return found.stated or (
        not is_request(found.variable)
        and any(is_block(found.message.content, written) for written in found.outputs)
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
