"""Why a text is no template, in words that say where and what to write instead.

Jinja2 knows the line of an error and speaks of its own tokens, so every tag is tried by itself: the
first that fails alone is the one that is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError

from tetrad.schemas.nearest import nearest
from tetrad.templates.allowed import TemplateProblem
from tetrad.text import shorten

_RAW = "to write {{ or {% as text, put it between {% raw %} and {% endraw %}"
# An output or a tag that one brace closes, or none, or the other's mark, or before which another
# one begins.
_UNCLOSED = re.compile(
    r"\{\{[^{}]*(?:\}(?!\})|(?=\{[{%#])|\Z)|\{%[^{}]*(?:(?<!%)\}|(?=\{[{%#])|\Z)"
)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_BLOCKS = ("if", "for")
_ENDS = {"endif": "if a", "endfor": "for a in b"}  # and what begins such a block
_WORDS = ("elif", "else", "endif", "endfor", "endraw", "if", "for", "raw")
_OTHER_WORDS = {"elseif": "elif", "elsif": "elif", "elsefor": "else"}
_MENDED = {
    "=": "compare with ==",
    "?": "write {{ a if condition else b }}",
    "&": "write and",
    "!": "write not, or != to compare",
    "#": "blocks are written {% if … %} and {% for … in … %}",
    "$": "write the name alone: {{ name }}",
    "if": "after else, a condition is written {% elif … %}",
    "of": "write {% for item in list %}",
}
# What tags of other template languages begin with, and what is written instead.
_OF_OTHERS = {
    r"\{\{~?\s*/": "blocks end with {% endif %} or {% endfor %}",
    r"\{\{~?\s*>": 'a file is included with {% include "header.md" %}',
    r"\{\{\s*[\"'][^\"']*[\"']\s*:": "write braces of the text once: { … }",
}


class _Tag(NamedTuple):
    """`{{ … }}` or `{% … %}` as it is written, and where it begins."""

    start: int
    text: str

    @property
    def word(self) -> str:
        """What a `{% … %}` begins with."""
        match = _WORD.match(self.text)
        return match[1] if match else ""

    @property
    def shown(self) -> str:
        return shorten(" ".join(self.text.split()), 40)

    def within(self, found: re.Match[str] | None) -> int:
        """The place in the template of the first group that was found in the tag."""
        return self.start + (found.start(1) if found else 0)


class _Fault(NamedTuple):
    start: int
    message: str
    hint: str


def syntax_problem(
    error: TemplateSyntaxError, text: str, environment: Environment
) -> TemplateProblem:
    """The problem of a text that Jinja2 does not parse."""
    fault = _unclosed(error, text) or _first_fault(text, environment) or _open_mark(error, text)
    if fault is None:
        message = (error.message or "not a template").rstrip(".")
        start = _TAG.search(text)
        fault = _Fault(start.start() if start else 0, message[0].lower() + message[1:], _RAW)
    lines = re.split(r"\r\n|\r|\n", text[: fault.start])
    return TemplateProblem(
        line=len(lines),
        column=len(lines[-1]) + 1,
        code="TPL201",
        message=fault.message,
        hint=fault.hint,
    )


def _unclosed(error: TemplateSyntaxError, text: str) -> _Fault | None:
    """An opening mark that nothing closes."""
    message = error.message or ""
    if "end of comment" in message:
        return _Fault(text.rindex("{#"), "{# is not closed", "close the comment with #}")
    if "end of raw" in message:
        raw = list(re.finditer(r"\{%[-+]?\s*raw\b", text))[-1]
        return _Fault(raw.start(), "{% raw %} is not closed", "close it with {% endraw %}")
    is_of_tags = "unknown tag" in message or "to be closed" in message
    return None if is_of_tags else _open_mark(error, text)


def _open_mark(error: TemplateSyntaxError, text: str) -> _Fault | None:
    for found in _UNCLOSED.finditer(text):
        first = text.count("\n", 0, found.start()) + 1
        if first <= error.lineno <= first + found[0].count("\n"):
            mark = found[0][:2]
            end = "}}" if mark == "{{" else "%}"
            return _Fault(found.start(), f"{mark} is not closed", f"close it with {end}")
    return None


def _first_fault(text: str, environment: Environment) -> _Fault | None:
    """What is wrong with the first tag that is wrong by itself, or at its place."""
    blocks: list[_Tag] = []
    for tag in _tags(text):
        fault = _misplaced(tag, blocks) or _of_tag(tag, environment)
        if fault is not None:
            return fault
        if tag.word in _BLOCKS:
            blocks.append(tag)
        elif tag.word in _ENDS:
            blocks.pop()
    if not blocks:
        return None
    innermost = blocks[-1]
    hint = f"write {{% end{innermost.word} %}} where it ends"
    return _Fault(innermost.start, f"{innermost.shown} is not closed", hint)


def _tags(text: str) -> Iterator[_Tag]:
    """The outputs and tags of a template, without comments and what is between raw and endraw."""
    in_raw = False
    for match in _TAG.finditer(text):
        tag = _Tag(match.start(), match[0])
        in_raw = tag.word == "raw" or (in_raw and tag.word != "endraw")
        if not in_raw and tag.word != "endraw" and not tag.text.startswith("{#"):
            yield tag


def _misplaced(tag: _Tag, blocks: Sequence[_Tag]) -> _Fault | None:
    """A tag that belongs to another block than the one that is open, or to none."""
    fitting = {"elif": ("if",), "else": _BLOCKS, "endif": ("if",), "endfor": ("for",)}.get(tag.word)
    if fitting is None or (blocks and blocks[-1].word in fitting):
        return None
    place = tag.within(_WORD.match(tag.text))
    if not blocks:
        hint = f"begin the block before it: {{% {' or '.join(fitting)} … %}}"
        return _Fault(place, f"{tag.word} is outside of any block", hint)
    block = blocks[-1]
    message = f"{tag.word} stands where {block.shown} is not closed"
    return _Fault(place, message, f"write {{% end{block.word} %}} where that ends")


def _of_tag(tag: _Tag, environment: Environment) -> _Fault | None:
    before, after = _around(tag)
    try:
        environment.parse(f"{before}{tag.text}{after}")
    except TemplateSyntaxError as error:
        return _explained(tag, error.message or "", len(before))
    except ValueError:  # a number of thousands of digits
        return _Fault(tag.start, "a number that is too long", "pass it as a variable")
    return None


def _around(tag: _Tag) -> tuple[str, str]:
    """What makes a template of a tag, so that only the tag's own faults are left."""
    if tag.word in _BLOCKS:
        return "", f"{{% end{tag.word} %}}"
    if tag.word in {"elif", "else"}:
        return "{% if a %}", "{% endif %}"
    return (f"{{% {_ENDS[tag.word]} %}}", "") if tag.word in _ENDS else ("", "")


def _explained(tag: _Tag, message: str, shift: int) -> _Fault:
    unknown = re.search(r"unknown tag '(\w+)'", message)
    if unknown:
        near = _OTHER_WORDS.get(unknown[1]) or nearest(unknown[1], _WORDS)
        place = tag.within(_WORD.match(tag.text))
        hint = f"did you mean {near}?" if near else _RAW
        return _Fault(place, f"unknown tag {unknown[1]!r}", hint)
    character = re.search(r"unexpected char (['\"])(.+)\1 at (\d+)", message)
    if character:
        place = tag.start + max(int(character[3]) - shift, 0)
        if character[2] in "\"'":
            return _Fault(place, f"a quote in {tag.shown} is not closed", "close the quote")
        hint = _MENDED.get(character[2], _RAW)
        return _Fault(place, f"{character[2]!r} has no meaning in {tag.shown}", hint)
    got = re.search(r"(?:got|unexpected) '(.+?)'", message)
    if tag.text.startswith("{{{"):
        hint = "put a space between a brace of the text and {{"
        return _Fault(tag.start, f"{tag.shown} begins with three braces", hint)
    if got is None or got[1].startswith("end of"):
        return _Fault(tag.start, f"{tag.shown} is incomplete", _RAW)
    written = list(re.finditer(rf"(?<!\w)({re.escape(got[1])})(?!\w)", tag.text))
    is_second = got[1].isidentifier() and len(written) > 1  # a word that stands twice in a row
    place = tag.within(written[int(is_second)] if written else None)
    expected = re.search(r"\bexpected '(\W)'", message)
    hint = _MENDED.get(got[1], "write one value and its filters: {{ name|upper }}")
    hint = f"write {expected[1]} before it" if expected else hint
    hint = next((said for begin, said in _OF_OTHERS.items() if re.match(begin, tag.text)), hint)
    return _Fault(place, f"{got[1]!r} is not expected in {tag.shown}", hint)
