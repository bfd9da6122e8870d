"""What is wrong with a JSON Schema that a model or a tool is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree, Part
from tetrad.schemas.check import schema_problem
from tetrad.schemas.nearest import did_you_mean
from tetrad.schemas.subschemas import subschemas
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.parse import Path

_ALTERNATIVES = frozenset({"allOf", "anyOf", "oneOf", "then", "else"})
_NEVER_OPEN = frozenset({"not", "if"})  # these describe what is told apart, not what is taken
_SAYS_TYPE = frozenset(
    {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf", "properties", "items"}
)


def findings_of_schema(
    rule: Rule, tree: LintTree, schema: Part, *, typed: bool = False, may_be_open: bool = False
) -> Iterator[Finding]:
    """The problems of a schema, each at its place in the file."""
    problems = list(_remote_references(schema.value, ()))
    if not problems and _is_refused(rule, tree, schema):
        problems += filter(None, [schema_problem(schema.value)])
    problems += _required_of_nothing(schema.value, ())
    if not may_be_open:
        problems += _open_objects(schema.value, ())
    if typed:
        problems += _untyped(schema.value, ())
    for problem in problems:
        part = schema.get(*problem.path) or schema
        place = tree.key(part) if problem.at_key else tree.value(part)
        yield rule.at(place, problem.message, hint=problem.hint)


def _is_refused(rule: Rule, tree: LintTree, schema: Part) -> bool:
    """Whether the loader reports a schema of this file; it has compiled them all already."""
    return any(i.code == rule.code and i.location.file == schema.file for i in tree.issues)


def _remote_references(schema: object, path: Path) -> Iterator[Problem]:
    if not isinstance(schema, Mapping):
        return
    for keyword in ("$ref", "$dynamicRef"):
        target = schema.get(keyword)
        if isinstance(target, str) and not target.startswith("#"):
            yield Problem(
                (*path, keyword),
                f"{keyword} names {target!r}, which is outside the schema",
                "copy what it names under $defs, and refer to '#/$defs/NAME'",
            )
    for step, child in subschemas(schema):
        yield from _remote_references(child, (*path, *step))


def _required_of_nothing(schema: object, path: Path) -> Iterator[Problem]:
    """Required properties that a closed object cannot have, so that no value fits."""
    if not isinstance(schema, Mapping):
        return
    named, required = schema.get("properties"), schema.get("required")
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    if is_closed and isinstance(required, list) and isinstance(named, Mapping | None):
        known = list(named or ())
        for number, name in enumerate(required):
            if isinstance(name, str) and name not in known:
                message = f"{name!r} is required, and this object takes no such property"
                hint = did_you_mean(name, known, "add it to properties, or leave it out here")
                yield Problem((*path, "required", number), message, hint)
    for step, child in subschemas(schema):
        yield from _required_of_nothing(child, (*path, *step))


def _open_objects(schema: object, path: Path, *, closed: bool = False) -> Iterator[Problem]:
    """Objects that take any further property; `closed`: what is around this part closes it."""
    if not isinstance(schema, Mapping):
        return
    sealed = schema.get("unevaluatedProperties") is False
    limited = sealed or closed or _limits_properties(schema.get("additionalProperties"))
    if _is_object(schema) and not limited:
        yield Problem(
            path,
            "this object is open: it takes any further property",
            "add additionalProperties: false",
            at_key=True,
        )
    for step, child in subschemas(schema):
        if step[0] not in _NEVER_OPEN:
            inner = limited and step[0] in _ALTERNATIVES
            yield from _open_objects(child, (*path, *step), closed=inner)


def _is_object(schema: Mapping[str, object]) -> bool:
    kind = schema.get("type")
    says = kind == "object" or (isinstance(kind, list) and "object" in kind)
    return says or (kind is None and "properties" in schema)


def _limits_properties(additional: object) -> bool:
    """False, or a schema of its own for every further property."""
    return additional is False or (isinstance(additional, Mapping) and bool(additional))


def _untyped(schema: object, path: Path) -> Iterator[Problem]:
    if not isinstance(schema, Mapping):
        return
    for step, child in subschemas(schema):
        here = (*path, *step)
        untyped = isinstance(child, Mapping) and not _SAYS_TYPE & child.keys()
        if step[0] in {"properties", "items"} and (untyped or child is True):
            hint = "add type:, or enum: with what is allowed"
            yield Problem(here, f"{_subject(step)} has no type", hint, at_key=True)
        yield from _untyped(child, here)


def _subject(step: Path) -> str:
    return f"the property {step[-1]!r}" if step[0] == "properties" else "the list's item"
