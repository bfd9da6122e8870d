"""Prompty: YAML front matter, then a Jinja2 or Mustache template with lines such as `user:`.

The whole text is rendered first and parted into messages then, so a loop may go around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tetrad.lint.foreign.blocks import Messages
from tetrad.lint.foreign.front_matter import FrontMatter
from tetrad.lint.foreign.handlebars import HandlebarsReader
from tetrad.lint.foreign.mapped import ForeignMessage
from tetrad.lint.foreign.parts import Declared, ForeignOutput, type_of
from tetrad.yamldoc.document import Path, Span

# What our messages and help say, and what the author of such a file can do.
WORDS = {
    "add to output: enum: ": "limit the answer in a response_format: under model.parameters, by enum: ",
    ", or declare the variable trust: trusted": "",
    "under variables:": "under inputs:",
    "asks for JSON in words, and has no output:": "asks for JSON in words only",
    "add output: {format: json, schema: …} with a JSON Schema of the answer": (
        "add outputs: with the keys of the answer, or a response_format: under model.parameters"
    ),
    "add schema: with a JSON Schema of the answer": "add outputs: with the keys of the answer",
    "(api_key_env: …)": "(${env:NAME})",
}
_ROLES = {
    "system": "system",
    "developer": "developer",
    "assistant": "assistant",
    "user": "user",
    "tool": "user",  # what tools answer is data, as what users write
    "tools": "user",
    "function": "user",
}
ROLE_LINE = re.compile(
    rf"(?im)^[ \t]*#?[ \t]*(?P<role>{'|'.join(_ROLES)})(?:\[[^\]\n]*\])?[ \t]*:[ \t]*\r?(?:\n|\Z)"
)
_THREAD = r"^[ \t]*!\[thread\][^\n]*(?:\n|\Z)"
_TOKEN = re.compile(
    rf"(?P<comment>\{{#.*?#\}})|(?P<raw>\{{%-?\s*raw\b.*?endraw\s*-?%\}})"
    rf"|(?P<tag>\{{%[-+]?\s*(?P<word>\w+).*?%\}})|(?P<thread>(?m:{_THREAD}))"
    rf"|(?P<line>{ROLE_LINE.pattern.removeprefix('(?im)')})",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_BLOCKS = frozenset({"for", "if", "with", "filter", "macro", "call", "block"})


def messages_of(text: str, front: FrontMatter, declared: frozenset[str]) -> list[ForeignMessage]:
    """The messages; SpecError where a Mustache template does not parse."""
    messages = Messages(text, "system", front.body)
    if _is_mustache(front):
        reader = HandlebarsReader(messages, front.document.origin, declared)
        reader.read(front.body, roles=_role_lines(text, front.body))
        return reader.finished()
    position = front.body
    for token in _TOKEN.finditer(text, front.body):
        kind = token.lastgroup
        is_line = token["line"] is not None or token["thread"] is not None
        end = token.start() if is_line else token.end()
        messages.copy(position, end)
        position = token.end()
        if token["line"] is not None:
            messages.begin(_ROLES[token["role"].lower()], _marker(token))
        elif token["tag"] is not None and kind is not None:
            _follow(messages, token)
    messages.copy(position, len(text))
    return messages.finished()


def _follow(messages: Messages, token: re.Match[str]) -> None:
    word = token["word"]
    if word in _BLOCKS:
        messages.open(token["tag"], f"{{% end{word} %}}", Span(token.start(), token.start()))
    elif word.startswith("end") and word[3:] in _BLOCKS:
        messages.close()


def _marker(token: re.Match[str]) -> Span:
    start, end = token.span("role")
    return Span(start, end)


def _role_lines(text: str, start: int) -> list[tuple[Span, str, Span]]:
    """Lines with a role: all of them, who speaks, and where that is said."""
    return [
        (Span(*line.span()), _ROLES[line["role"].lower()], _marker(line))
        for line in ROLE_LINE.finditer(text, start)
    ]


def _is_mustache(front: FrontMatter) -> bool:
    said = front.get("template")
    for key in ("format", "type", "kind"):
        while isinstance(said, dict) and key in said:
            said = said[key]
    return said in {"mustache", "handlebars"}


def declared_in(front: FrontMatter) -> Iterator[Declared]:
    """The variables that the file declares, or gives samples of."""
    seen: set[str] = set()
    bound = set(_texts_in(front.get("tools")))
    for path in (("inputs",), ("inputSchema", "properties"), ("sample",)):
        for name, at in front.entries(*path):
            if name not in seen:
                seen.add(name)
                value = front.at(at)
                said = _type_said(value, is_sample=path == ("sample",))
                is_thread = isinstance(value, dict) and value.get("kind") == "thread"
                elsewhere = is_thread or name in bound
                yield Declared(name, said, _name_at(front, at), front.node(at), (), elsewhere)


def _texts_in(value: Any) -> Iterator[str]:
    """The texts of a value: a tool's arguments can be bound to inputs."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts_in(item)
        case list():
            for item in value:
                yield from _texts_in(item)


def declares_all(front: FrontMatter) -> bool:
    """Whether all variables are declared: a sample can lie in a file of its own."""
    there = [front.get("inputs"), front.get("inputSchema"), front.get("sample")]
    return any(there) and not isinstance(front.get("sample"), str)


def _name_at(front: FrontMatter, path: Path) -> Span:
    return front.document.span((*path, "name")) if isinstance(path[-1], int) else front.key(path)


def _type_said(value: Any, *, is_sample: bool) -> str:
    if isinstance(value, dict) and not is_sample:
        said = value.get("type", value.get("kind"))
        if said is not None:
            return "array" if said == "thread" else type_of(said)
        samples = [value[key] for key in ("sample", "example", "default") if key in value]
        value = samples[0] if samples else ""
    return type_of(value) if isinstance(value, str) and not is_sample else type_of_value(value)


def type_of_value(value: Any) -> str:
    """The type of a sample."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case list():
            return "array"
        case dict():
            return "object"
    return "string"


def output_of(front: FrontMatter) -> ForeignOutput | None:
    """What the file says of the answer."""
    if front.get("outputs"):
        names = tuple(name for name, _ in front.entries("outputs"))
        return ForeignOutput(front.key(("outputs",)), is_json=True, keys=names)
    for path in (
        ("model", "parameters", "response_format"),
        ("model", "options", "responseFormat"),
    ):
        said = front.get(*path)
        if isinstance(said, str):  # a file's
            return ForeignOutput(front.document.span(path), is_json=True, keys=())
        kind = said.get("type") if isinstance(said, dict) else None
        if kind in {"json_object", "json_schema"}:
            keys = () if kind == "json_schema" else None
            return ForeignOutput(front.document.span(path), is_json=True, keys=keys)
    return None


def sampling_of(front: FrontMatter) -> Iterator[tuple[str, Path]]:
    """How an answer is sampled: our keys, with the paths to their values."""
    names = {
        "temperature": "temperature",
        "max_tokens": "max_tokens",
        "max_completion_tokens": "max_tokens",
        "maxOutputTokens": "max_tokens",
        "top_p": "top_p",
        "topP": "top_p",
        "seed": "seed",
    }
    for section in (("model", "parameters"), ("model", "options")):
        for key, ours in names.items():
            if front.get(*section, key) is not None:
                yield ours, (*section, key)
