"""Stacks: components composed, the stack's generation laid over the prompt's."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from dataclasses import replace

from tetrad.loading.build_guardrails import build_guardrails
from tetrad.loading.build_prompt import generation_of
from tetrad.loading.build_serving import build_serving
from tetrad.loading.case_values import issues_of_examples
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.model import (
    PASSAGES,
    Answerable,
    Generation,
    Prompt,
    Retrieval,
    Stack,
    Tool,
)
from tetrad.model.defaults import picked
from tetrad.schemas.nearest import did_you_mean
from tetrad.templates.reading import problems_of, variables_of


def build_stack(fields: Fields, context: Context) -> Stack:
    prompt = context.prompt(fields, ("prompt",))
    model = context.model(fields, ("model",))
    tools = _tools(fields, context)
    serving = build_serving(fields, context)
    retrieval = _retrieval(fields, context, prompt)
    if prompt is None or model is None or tools is None:
        raise NotBuilt
    overrides = generation_of(fields.get("generation"))
    stack = Stack(
        ref=fields.ref,
        location=fields.location,
        description=fields.text("description"),
        owner=fields.text("owner"),
        prompt=prompt,
        model=model,
        retrieval=retrieval,
        tools=tools,
        guardrails=build_guardrails(fields, context, prompt),
        generation=laid_over(prompt.generation, overrides),
        overrides=overrides,
        serving=serving,
        **picked(fields.get("tool_loop", {}), "max_steps"),
    )
    context.report(*issues_of_examples(prompt, stack.filled))
    return stack


def laid_over(base: Generation, over: Generation) -> Generation:
    """The base's settings, with those that the other gives in their place."""
    given = {
        field.name: getattr(over, field.name)
        for field in dataclass_fields(over)
        if getattr(over, field.name) not in (None, ())
    }
    return replace(base, **given)


def _tools(fields: Fields, context: Context) -> tuple[Tool, ...] | None:
    written = fields.get("tools", [])
    tools = [context.tool(fields, ("tools", number)) for number in range(len(written))]
    built = tuple(tool for tool in tools if tool is not None)
    seen: dict[str, str] = {}
    for number, tool in enumerate(tools):
        if tool is None:
            continue
        if tool.name in seen:
            message = f"{tool.ref} and {seen[tool.name]} have the same name {tool.name!r}"
            context.report(fields.issue(("tools", number), message, "rename one of them"))
        seen[tool.name] = tool.ref
    return built if len(built) == len(tools) else None


def _retrieval(fields: Fields, context: Context, prompt: Prompt | None) -> Retrieval | None:
    raw = fields.get("corpus")
    if raw is None:
        return None
    if prompt is not None:
        _check_variables(fields, context, prompt)
    corpus = context.corpus(fields, ("corpus", "use"))
    if corpus is None:
        raise NotBuilt
    answerable = raw.get("answerable")
    return Retrieval(
        corpus=corpus,
        query=raw["query"],
        answerable=Answerable(**answerable) if answerable else None,
        **picked(raw, "top_k", "into"),
    )


def _check_variables(fields: Fields, context: Context, prompt: Prompt) -> None:
    raw = fields.values["corpus"]
    if raw["query"] not in prompt.variables:
        message = f"{prompt.ref} has no variable {raw['query']!r} to search for"
        known = f"its variables are {', '.join(prompt.variables)}"
        hint = did_you_mean(raw["query"], prompt.variables, known)
        context.report(fields.issue(("corpus", "query"), message, hint))
    into = raw.get("into", PASSAGES)
    if not any(_reads(message.content, into) for message in prompt.messages):
        message = f"no message of {prompt.ref} uses {into!r}, so the passages go nowhere"
        hint = f"write {{{{ {into} }}}} where they belong, or name the variable that takes them"
        path = ("corpus", "into") if "into" in raw else ("corpus",)
        context.report(fields.issue(path, message, hint, at_key=True))


def _reads(template: str, variable: str) -> bool:
    """Whether a template reads a variable, or may do so once it is a template."""
    return variable in variables_of(template) or bool(problems_of(template))
