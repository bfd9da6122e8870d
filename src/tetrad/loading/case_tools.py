"""What the cases of a golden set name of their suite's stacks: tools and variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tetrad.assertions.forms import is_templated
from tetrad.assertions.types.tool_called import TOOL_CALLED, calls_of
from tetrad.errors import Issue, Location
from tetrad.loading.case_values import INVALID_VARIABLE
from tetrad.model import Assertion, Case, GoldenSet, RecordedCall, Stack, Tool, assertions_of
from tetrad.schemas.check import compile_schema
from tetrad.schemas.nearest import did_you_mean
from tetrad.schemas.violations import problems
from tetrad.yamldoc.parse import json_path

# The rules that report them.
UNKNOWN_TOOL = "GLD998"
INVALID_RECORDING = "GLD999"


def issues_of_names(golden: GoldenSet, stacks: Sequence[Stack]) -> Iterator[Issue]:
    """Recorded calls that no stack could make, calls that are waited for in vain, variants of nothing."""
    tools = _Tools(stacks)
    variables = {name for stack in stacks for name in stack.prompt.variables}
    for case in golden.cases:
        for call in case.tools:
            yield from tools.issues_of_record(call)
        for assertion in assertions_of(case):
            if assertion.type == TOOL_CALLED.name and not assertion.negated:
                yield from tools.issues_of_assertion(assertion)
        yield from _variant_issues(case, {*variables, *case.vars})


def _variant_issues(case: Case, known: set[str]) -> Iterator[Issue]:
    for name in case.variants:
        if name not in known:
            hint = did_you_mean(name, sorted(known), "name a variable of the case")
            message = f"the case {case.id!r} varies {name!r}, and there is no such variable"
            yield _unjudged(INVALID_VARIABLE, case.location, message, hint)


class _Tools:
    """The tools of a suite's stacks by the name that a model calls them."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._named: dict[str, list[Tool]] = {}
        for tool in {tool.ref: tool for stack in stacks for tool in stack.tools}.values():
            self._named.setdefault(tool.name, []).append(tool)
        self._validators: dict[tuple[str, str], Any] = {}

    def issues_of_assertion(self, assertion: Assertion) -> Iterator[Issue]:
        for call in calls_of(assertion.value):
            if is_templated(call):
                continue  # which tool it names, its case's variables say
            name = call.get("tool") if isinstance(call, Mapping) else call
            if isinstance(name, str) and name not in self._named:
                yield self._unknown(name, assertion.location)

    def issues_of_record(self, call: RecordedCall) -> Iterator[Issue]:
        if call.tool not in self._named:
            yield self._unknown(call.tool, call.location)
            return
        (tool, *others) = self._named[call.tool]
        if others:
            return  # stacks that mean different tools by one name
        refused = call.arguments is not None and self._violation(
            tool, "input_schema", call.arguments
        )
        if refused:
            message = f"{call.tool} takes no such arguments: {refused}"
            hint = f"correct them, or input_schema in {tool.location.file}: no call matches them"
            yield _unjudged(INVALID_RECORDING, call.location, message, hint)
        refused = call.error is None and self._violation(tool, "output_schema", call.result)
        if refused:
            message = f"{call.tool} gives no such result: {refused}"
            hint = f"correct it, or output_schema in {tool.location.file}"
            yield _unjudged(INVALID_RECORDING, call.location, message, hint)

    def _unknown(self, name: str, location: Location) -> Issue:
        known = f"their tools are {', '.join(self._named)}" if self._named else "they have no tools"
        message = f"no stack of the suite has a tool {name!r}"
        return _unjudged(UNKNOWN_TOOL, location, message, did_you_mean(name, self._named, known))

    def _violation(self, tool: Tool, which: str, value: Any) -> str:
        schema = getattr(tool, which)
        if schema is None:
            return ""
        key = (tool.ref, which)
        if key not in self._validators:
            self._validators[key] = compile_schema(schema)
        found = next(problems(self._validators[key].iter_errors(value), schema, value), None)
        return "" if found is None else f"{json_path(found.path)}: {found.message}"


def _unjudged(code: str, location: Location, message: str, hint: str) -> Issue:
    return Issue(location=location, code=code, message=message, hint=hint, blocks="judge")
