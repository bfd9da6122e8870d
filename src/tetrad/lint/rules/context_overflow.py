"""Allow context-overflow: a request that may not fit the model's context window.

## What it does
Adds up the most that a stack can send: the fixed text of its messages and examples, the tools'
definitions, every variable at its `max_chars`, the history, the retrieved passages
(`top_k` × the chunk size), and `max_tokens` for the answer. Fixed text counts one token per byte of
UTF-8, and variables four tokens per character: no tokenizer produces more. Only if that sum is too
large is fixed text counted with the pinned tokenizer, if it has been downloaded; the finding says
which count was used. A request that overflows even at one token per character is an error; one that
overflows only if characters take several tokens, as in Chinese, Thai or emoji, is a warning. A
variable without `max_chars` is bounded by `guardrails: {max_input_chars: …}`; without that, it is not
counted.

## Why is this bad?
The engine cuts off or refuses what does not fit: in production, on the longest inputs.

## Example
```yaml
variables: {document: {type: string, max_chars: 100000}}   # and a model of 8,192 tokens
```

## Use instead
```yaml
variables: {document: {type: string, max_chars: 1800}}
```
or use a model with a larger window. If inputs are in Latin script only, suppress the warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.template import fixed_text_of, outputs_of
from tetrad.lint.tree import LintTree, Part
from tetrad.model import Example, Model, Prompt, Stack, VllmEngine

_PER_MESSAGE = 16  # tokens that a chat template puts around a message
_PER_CHARACTER = 4  # bytes of the longest character, so tokens of a byte-level tokenizer
_PER_NUMBER = 24  # characters of the longest number


class Need(NamedTuple):
    """What a stack can send at most, by kind: texts that can be counted, and declared maxima."""

    fixed: tuple[str, ...]
    messages: int
    characters: int  # of variables
    history: int
    passages: int
    answer: int

    def tokens(self, fixed: int, per_character: int) -> int:
        around = self.messages * _PER_MESSAGE
        varying = self.characters * per_character + self.history + self.passages
        return fixed + around + varying + self.answer


def check(tree: LintTree) -> Iterator[Finding]:
    asked = frozenset(tree.names)
    for stack in tree.repository.stacks.values():
        window = _window(stack.model)
        if window is None or stack.location.file not in asked:
            continue
        need = _need(stack)
        in_bytes = sum(len(text.encode()) for text in need.fixed)
        if need.tokens(in_bytes, _PER_CHARACTER) <= window:
            continue
        fixed, exact = tree.count(stack.model, "\n\n".join(need.fixed))
        fixed = min(fixed, in_bytes)
        if need.tokens(fixed, _PER_CHARACTER) <= window:
            continue
        worst, least = (need.tokens(fixed, each) for each in (_PER_CHARACTER, 1))
        part = Part(tree.documents[stack.location.file], ("model",), stack.model.ref)
        yield RULE.at(
            tree.value(part),
            f"a request can need up to {worst:,} of {window:,} tokens"
            f"{_at_one_token(need, least)}: {_sum_of(need, fixed)} ({_counted(exact=exact)})",
            hint="lower max_chars, top_k, max_tokens or the number of examples, or use a model with a larger window",
            severity="error" if least > window else "warning",
        )


def _at_one_token(need: Need, least: int) -> str:
    return f", {least:,} at one token a character" if need.characters else ""


def _counted(*, exact: bool) -> str:
    by = "by the pinned tokenizer" if exact else "by UTF-8 bytes, an upper bound"
    return f"fixed text counted {by}; variables at {_PER_CHARACTER} tokens a character"


def _sum_of(need: Need, fixed: int) -> str:
    parts = {
        "fixed text": fixed + need.messages * _PER_MESSAGE,
        "variables": need.characters * _PER_CHARACTER,
        "history": need.history,
        "passages": need.passages,
        "answer": need.answer,
    }
    return ", ".join(f"{name} {count:,}" for name, count in parts.items() if count)


def _window(model: Model) -> int | None:
    served = model.engine.max_model_len if isinstance(model.engine, VllmEngine) else None
    limits = [limit for limit in (model.context_window, served) if limit is not None]
    return min(limits, default=None)


def _need(stack: Stack) -> Need:
    prompt = stack.prompt
    examples = _examples(prompt)
    retrieval = stack.retrieval
    history = prompt.chat.history if prompt.chat else None
    own = [fixed_text_of(message.content) for message in prompt.messages]
    tools = [_definition(tool.name, tool.description, tool.input_schema) for tool in stack.tools]
    return Need(
        fixed=(*own, *(text for example in examples for text in example), *tools),
        messages=len(own) + 2 * len(examples),
        characters=_characters(stack),
        history=history.max_tokens if history else 0,
        passages=retrieval.top_k * retrieval.corpus.chunking.size if retrieval else 0,
        answer=stack.generation.max_tokens or 0,
    )


def _definition(name: str, description: str, schema: object) -> str:
    return json.dumps([name, description, schema], ensure_ascii=False)


def _examples(prompt: Prompt) -> list[tuple[str, ...]]:
    """The texts of the examples that are shown; the largest ones where they are chosen."""
    users = [m.content for m in prompt.messages if m.role == "user"]
    asked = fixed_text_of(users[-1] if users else prompt.messages[-1].content)
    texts = [(asked, *_texts(example)) for example in prompt.examples]
    if prompt.select is None:
        return texts
    by_size = sorted(texts, key=lambda parts: sum(map(len, parts)), reverse=True)
    return by_size[: prompt.select.count]


def _texts(example: Example) -> Iterator[str]:
    for value in example.vars.values():
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    yield example.output


def _characters(stack: Stack) -> int:
    """The most characters that variables can have, each as often as it is written."""
    total = 0
    unbounded = False
    for message in stack.prompt.messages:
        for output in outputs_of(message.content):
            for name in output.variables.difference(stack.filled):
                variable = stack.prompt.variables.get(name)
                if variable is None:
                    continue
                if variable.type in {"integer", "number", "boolean"}:
                    total += _PER_NUMBER
                elif variable.max_chars is None:
                    unbounded = True
                else:
                    total += variable.max_chars
    limit = stack.guardrails.max_input_chars
    return total + limit if unbounded and limit is not None else total


RULE = Rule(
    code="BUD601",
    name="context-overflow",
    summary="a request that may not fit the model's context window",
    scope="stack",
    check=check,
)
