"""Prompts: messages with their text files, variables, examples, the output contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tetrad.canonical import with_lf
from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.includes import Place, place_in, with_includes
from tetrad.model import (
    ChatInput,
    Example,
    Generation,
    History,
    NearestExamples,
    Output,
    Prompt,
    PromptMessage,
    Role,
    Variable,
)
from tetrad.model.defaults import picked
from tetrad.model.variables import misfit_of
from tetrad.promptfoo.respelled import issues_of_line, issues_of_shown
from tetrad.schemas.check import check_value, issue_at, schema_problem
from tetrad.schemas.checked_formats import UNCHECKED, unchecked_formats
from tetrad.schemas.nearest import did_you_mean
from tetrad.templates.reading import offset_of, problems_of
from tetrad.yamldoc.jsonl import json_lines
from tetrad.yamldoc.parse import Document, Path, decode

_FILE = "file://"


def build_prompt(fields: Fields, context: Context) -> Prompt:
    variables = {
        name: _variable(name, raw or {}, fields.at(("variables", name)))
        for name, raw in fields.get("variables", {}).items()
    }
    _check_defaults(fields, context, variables)
    messages = tuple(_messages(fields, context))
    examples = _examples(fields, context)
    chat = _chat(fields, context, variables)
    output = _output(fields, context)
    select = _select(fields, context, variables)
    return Prompt(
        ref=fields.ref,
        location=fields.location,
        description=fields.text("description"),
        owner=fields.text("owner"),
        variables=variables,
        messages=messages,
        examples=examples,
        select=select,
        chat=chat,
        output=output,
        generation=generation_of(fields.get("generation")),
        sources=tuple(map(Location, sorted({d.origin for d in fields.given_by.values()}))),
        **picked(fields.values, "style"),
    )


def generation_of(raw: Mapping[str, Any] | None) -> Generation:
    given = raw or {}
    return Generation(
        stop=tuple(given.get("stop", ())),
        **picked(given, "temperature", "max_tokens", "top_p", "seed"),
    )


def _variable(name: str, raw: Mapping[str, Any], location: Location) -> Variable:
    return Variable(
        name=name,
        required=raw.get("required", "default" not in raw),
        enum=tuple(raw.get("enum", ())),
        trust_stated="trust" in raw,
        location=location,
        **picked(raw, "type", "trust", "default", "max_chars", "description"),
    )


def _check_defaults(fields: Fields, context: Context, variables: Mapping[str, Variable]) -> None:
    """A default is a value that a request could give, or null; only texts have an `enum`."""
    for name, variable in variables.items():
        if variable.default is not None:
            _check_numbers(fields, context, ("variables", name, "default"))
        if variable.enum and variable.type != "string":
            where = ("variables", name, "enum")
            message = f"enum lists texts, and the variable {name!r} is of type {variable.type}"
            context.report(fields.issue(where, message, "remove enum, or declare type: string"))
        misfit = None if variable.default is None else misfit_of(variable, variable.default)
        if misfit is not None:
            message = f"the variable {name!r} {misfit.message}"
            context.report(fields.issue(("variables", name, "default"), message, misfit.hint))


def _check_numbers(fields: Fields, context: Context, path: Path) -> None:
    """Report numbers in a value that messages show otherwise than they are written."""
    document = fields.source(path)
    context.report(*issues_of_shown(document, document.node(path)))


def _messages(fields: Fields, context: Context) -> Iterator[PromptMessage]:
    for number, raw in enumerate(fields.get("messages", ())):
        path: Path = ("messages", number, "content")
        message = content_at(fields, context, path, role=raw["role"])
        if message is not None:
            context.report(*_template_issues(fields, path, message))
            yield message


def _template_issues(fields: Fields, path: Path, message: PromptMessage) -> Iterator[Issue]:
    """What keeps a message from being a template. The prompt is built all the same: lint looks at the
    rest of it, and a base's may be what a change fixes.
    """
    for problem in problems_of(message.content):
        offset = offset_of(message.content, problem.line, problem.column)
        origin = message.origin(offset)
        yield Issue(
            location=_place(fields, path, origin.file, origin.text)(origin.offset),
            code=problem.code,
            message=problem.message,
            hint=problem.hint,
            blocks="judge",
        )


def content_at(
    fields: Fields, context: Context, path: Path, *, role: Role = "user"
) -> PromptMessage | None:
    """The text of a message and its place, in a file of its own where one is named, with what it
    includes.
    """
    text, location = fields.value(path), fields.at(path)
    if text.startswith(_FILE):
        found = context.data(fields, path, text.removeprefix(_FILE))
        if found is None:
            return None
        file, data = found
        try:
            text, location = decode(with_lf(data), file), Location(file)
        except SpecError as error:
            context.report(*error.issues)
            return None
    place = _place(fields, path, location.file, text)
    content, pieces = with_includes(text, location.file, place, context)
    return PromptMessage(role=role, content=content, pieces=pieces, location=location)


def _place(fields: Fields, path: Path, file: str, text: str) -> Place:
    """Where the characters of a message's text stand: in its YAML, or in a file of its own."""
    document = fields.source(path)
    if file == document.origin:
        return lambda offset: document.within(path, offset)
    return lambda offset: place_in(file, text, offset)


def _examples(fields: Fields, context: Context) -> tuple[Example, ...]:
    if "examples" not in fields.values:
        return ()
    is_mapping = isinstance(fields.get("examples"), dict)
    return examples_at(fields, context, ("examples", "from") if is_mapping else ("examples",))


def examples_at(fields: Fields, context: Context, path: Path) -> tuple[Example, ...]:
    """The examples that stand in a list, or in the file that is named."""
    raw = fields.value(path)
    if isinstance(raw, list):
        for number in range(len(raw)):
            _check_numbers(fields, context, (*path, number, "vars"))
        return tuple(
            Example(vars=item["vars"], output=item["output"], location=fields.at((*path, number)))
            for number, item in enumerate(raw)
        )
    found = context.data(fields, path, raw) if isinstance(raw, str) else None
    return () if found is None else tuple(_examples_of_file(*found, context))


def _examples_of_file(file: str, data: bytes, context: Context) -> Iterator[Example]:
    lines = data.split(b"\n")
    for location, value in json_lines(data, file, context.report):
        problems = list(check_value(value, "prompt", "example"))
        for problem in problems:
            context.report(issue_at(location, problem))
        if not problems:
            context.report(*issues_of_line(lines[location.line - 1], location, _numbers_of_vars))
            yield Example(vars=value["vars"], output=value["output"], location=location)


def _numbers_of_vars(example: Document) -> Iterator[Issue]:
    return issues_of_shown(example, example.node(("vars",)))


def _select(
    fields: Fields, context: Context, variables: Mapping[str, Variable]
) -> NearestExamples | None:
    raw = fields.get("examples")
    if not isinstance(raw, dict) or "select" not in raw:
        return None
    select = raw["select"]
    path: Path = ("examples", "select")
    _check_variable(fields, context, (*path, "by"), select["by"], variables)
    embedding = context.embedder(fields, (*path, "embedding"))
    if embedding is None:
        raise NotBuilt
    return NearestExamples(count=select["nearest"], by=select["by"], embedding=embedding)


def _chat(fields: Fields, context: Context, variables: Mapping[str, Variable]) -> ChatInput | None:
    raw = fields.get("chat")
    if raw is None:
        return None
    _check_variable(fields, context, ("chat", "input"), raw["input"], variables)
    history = raw.get("history")
    return ChatInput(
        input=raw["input"],
        history=History(**history) if history else None,
    )


def _check_variable(
    fields: Fields, context: Context, path: Path, name: str, variables: Mapping[str, Variable]
) -> None:
    if name not in variables:
        known = f"variables are {', '.join(variables)}" if variables else "declare it in variables:"
        hint = did_you_mean(name, variables, known)
        context.report(fields.issue(path, f"unknown variable {name!r}", hint))


def _output(fields: Fields, context: Context) -> Output:
    raw = fields.get("output") or {}
    schema = raw.get("schema")
    if schema is not None:
        check_user_schema(fields, context, ("output", "schema"), schema, code="OUT702")
    return Output(enum=tuple(raw.get("enum", ())), schema=schema, **picked(raw, "format"))


def check_user_schema(
    fields: Fields, context: Context, path: Path, schema: Any, *, code: str
) -> None:
    """Report a JSON Schema that cannot be used, and formats in it that nothing checks."""
    problem = schema_problem(schema)
    if problem is not None:
        where = (*path, *problem.path)
        context.report(fields.issue(where, problem.message, problem.hint, code=code))
    for problem in unchecked_formats(schema):
        where = (*path, *problem.path)
        issue = fields.issue(where, problem.message, problem.hint, code=UNCHECKED)
        context.report(replace(issue, blocks="nothing"))


__all__ = ["build_prompt", "check_user_schema", "generation_of"]
