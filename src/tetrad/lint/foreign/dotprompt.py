"""Dotprompt: YAML front matter with Picoschema, then a Handlebars template with `{{role "user"}}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tetrad.lint.foreign.blocks import Messages
from tetrad.lint.foreign.front_matter import FrontMatter
from tetrad.lint.foreign.handlebars import HandlebarsReader
from tetrad.lint.foreign.mapped import ForeignMessage
from tetrad.lint.foreign.parts import Declared, ForeignOutput, type_of
from tetrad.lint.foreign.prompty import type_of_value
from tetrad.yamldoc.document import Path

# What our messages and help say, and what the author of such a file can do.
WORDS = {
    "add to output: enum: ": "add to the schema of output: enum: ",
    ", or declare the variable trust: trusted": "",
    "under variables:": "in the schema of input:",
    "with a JSON Schema of the answer": "with the keys of the answer",
    " (api_key_env: …)": "",
}
_KEY = re.compile(r"(?P<name>[^?(]+)\??\s*(?:\((?P<kind>\w+)[^)]*\))?")
_ANY = "(*)"


def messages_of(text: str, front: FrontMatter, declared: frozenset[str]) -> list[ForeignMessage]:
    """The messages; SpecError where the template does not parse."""
    reader = HandlebarsReader(Messages(text, "user", front.body), front.document.origin, declared)
    reader.read(front.body)
    return reader.finished()


def declared_in(front: FrontMatter) -> Iterator[Declared]:
    """The variables of the input's schema, and those that have a default."""
    seen: set[str] = set()
    path: tuple[str, ...] = ("input", "schema")
    if _is_json_schema(front.get(*path)):
        path = (*path, "properties")
    for key, at in front.entries(*path):
        match = _KEY.match(key)
        if match is not None and key != _ANY:
            name, said = match["name"].strip(), front.at(at)
            seen.add(name)
            kind, enum = _kind(match["kind"], said)
            yield Declared(name, kind, front.key(at), front.node(at), enum)
    for key, at in front.entries("input", "default"):
        if key not in seen:
            yield Declared(key, type_of_value(front.at(at)), front.key(at), front.node(at))


def declares_all(front: FrontMatter) -> bool:
    """Whether all variables are declared: a schema can be named, or open."""
    schema = front.get("input", "schema")
    return isinstance(schema, dict) and bool(schema) and _ANY not in schema


def output_of(front: FrontMatter) -> ForeignOutput | None:
    """What the file says of the answer."""
    schema, form = front.get("output", "schema"), front.get("output", "format")
    at: Path = ("output", "format") if form is not None else ("output", "schema")
    if isinstance(schema, dict) and _texts(schema.get("enum")):
        return ForeignOutput(
            front.key(at), is_json=form == "json", keys=None, enum=_texts(schema["enum"])
        )
    if schema is not None and form != "text":
        return ForeignOutput(front.key(("output", "schema")), is_json=True, keys=_keys(schema))
    if form == "json":
        return ForeignOutput(front.document.span(at), is_json=True, keys=None)
    return None


def sampling_of(front: FrontMatter) -> Iterator[tuple[str, Path]]:
    """How an answer is sampled: our keys, with the paths to their values."""
    names = {"temperature": "temperature", "maxOutputTokens": "max_tokens", "topP": "top_p"}
    for key, ours in names.items():
        if front.get("config", key) is not None:
            yield ours, ("config", key)


def _is_json_schema(schema: Any) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("properties"), dict)


def _keys(schema: Any) -> tuple[str, ...]:
    names = schema.get("properties", schema) if isinstance(schema, Mapping) else {}
    matches = [_KEY.match(name) for name in names if name != _ANY]
    return tuple(match["name"].strip() for match in matches if match is not None)


def _kind(parenthesised: str | None, said: Any) -> tuple[str, tuple[str, ...]]:
    """The type of a line of Picoschema, or of a property of a JSON Schema, and its labels."""
    if parenthesised == "enum":
        return "string", _texts(said)
    if parenthesised is not None:
        return type_of(parenthesised), ()
    if isinstance(said, dict):
        named = said.get("type")
        return (type_of(named) if isinstance(named, str) else "object"), _texts(said.get("enum"))
    return type_of(str(said).partition(",")[0]), ()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
