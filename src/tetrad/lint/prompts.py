"""What several rules ask about prompts: who may write a variable, and where it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tetrad.lint.rule import Place
from tetrad.lint.template import Written, outputs_of
from tetrad.lint.tree import Tree
from tetrad.model import Prompt, PromptMessage, Stack

INSTRUCTING = frozenset({"system", "developer"})
_NO_TEXT = frozenset({"integer", "number", "boolean"})


class Output(NamedTuple):
    """An output of a message that text of strangers reaches."""

    message: PromptMessage
    number: int
    written: Written
    variables: tuple[str, ...]  # the untrusted ones, in their order of names

    def place(self, tree: Tree) -> Place:
        return tree.within_message(self.message, self.number, self.written.start, self.written.end)

    @property
    def expression(self) -> str:
        return self.message.content[self.written.start : self.written.end]

    @property
    def names(self) -> str:
        return " and ".join(map(repr, self.variables))


def prompts_asked(tree: Tree) -> Iterator[Prompt]:
    """The prompts of which something lies in a file asked for.

    Others are read only because they are used with one; their templates need no look.
    """
    asked = frozenset(tree.names)
    for prompt in tree.repository.prompts.values():
        files = {message.location.file for message in prompt.messages}
        if prompt.location.file in asked or files & asked:
            yield prompt


def untrusted_outputs(tree: Tree, prompt: Prompt) -> Iterator[Output]:
    """Where a prompt writes variables that an attacker may fill."""
    untrusted = _untrusted(tree, prompt)
    for index, message in enumerate(prompt.messages):
        if "{{" not in message.content:
            continue
        for written in outputs_of(message.content):
            names = tuple(sorted(written.variables & untrusted))
            if names:
                yield Output(message=message, number=index, written=written, variables=names)


def _untrusted(tree: Tree, prompt: Prompt) -> frozenset[str]:
    declared = {
        variable.name
        for variable in prompt.variables.values()
        if variable.trust == "untrusted" and variable.type not in _NO_TEXT
    }
    filled = {name for stack in stacks_with(tree, prompt) for name in stack.filled}
    return frozenset(declared | (filled - prompt.variables.keys()))


def stacks_with(tree: Tree, prompt: Prompt) -> Sequence[Stack]:
    """The stacks that use a prompt."""
    return tree.stacks_by_prompt.get(prompt.ref, [])
