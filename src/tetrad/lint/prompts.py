"""What several rules ask about prompts: who may write a variable, and where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tetrad.lint.finding import Place
from tetrad.lint.settings_like import is_instruction, is_setting, reads_as_setting
from tetrad.lint.template import TemplateOutput, compared_in, outputs_of
from tetrad.lint.tree import LintTree
from tetrad.model import Prompt, PromptMessage, Stack, Variable

INSTRUCTING = frozenset({"system", "developer"})
BLOCK_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_LONGEST_WHOLE = 2_000  # characters of a message that is one output, with conditions around it
_NO_TEXT = frozenset({"integer", "number", "boolean"})


class Untrusted(NamedTuple):
    """A variable that strangers may fill, and where one message writes it.

    `stated`: whether its declaration says `trust: untrusted`; nothing is said of the others.
    """

    message: PromptMessage
    number: int
    variable: str
    stated: bool
    outputs: tuple[TemplateOutput, ...]

    def place(self, tree: LintTree) -> Place:
        """Where the message writes it first."""
        first = self.outputs[0]
        return tree.within_message(self.message, self.number, first.start, first.end)

    def expression(self, written: TemplateOutput) -> str:
        return self.message.content[written.start : written.end]

    @property
    def called(self) -> str:
        """The variable as the message writes it: by its item in a loop."""
        trust = "untrusted " if self.stated else ""
        path = self.outputs[0].path
        if len(path) < 2 and path != (self.variable,) and self.outputs[0].looped and path:
            return f"{trust}{path[0]!r}, an item of {self.variable!r},"
        if path and path[0] != self.variable and self.outputs[0].looped:
            return f"{trust}{'.'.join(path)!r}, of {self.variable!r},"
        return f"{trust}{self.variable!r}"

    @property
    def is_whole_message(self) -> bool:
        """Whether the message is one output and nothing else, so that its role says what it is."""
        return len(self.outputs) == 1 and _is_whole(self.message, self.outputs[0])

    @property
    def elsewhere(self) -> str:
        """How often the message writes it besides."""
        more = len(self.outputs) - 1
        return (
            f" ({more} more {'place' if more == 1 else 'places'} in this message)" if more else ""
        )


def prompts_asked(tree: LintTree) -> Iterator[Prompt]:
    """The prompts of which something lies in a file asked for.

    Others are read only because they are used with one; their templates need no look.
    """
    yield from tree.prompts_asked


def untrusted_in(tree: LintTree, prompt: Prompt) -> Sequence[Untrusted]:
    """Per message, the variables that an attacker may fill, in the order of their first places.

    Of those whose trust is not stated, what reads as a setting is left out.
    """
    found = tree.untrusted.get(prompt.ref)
    if found is None:
        found = tree.untrusted[prompt.ref] = tuple(_untrusted_in(tree, prompt))
    return found


def _untrusted_in(tree: LintTree, prompt: Prompt) -> Iterator[Untrusted]:
    untrusted = _untrusted(tree, prompt)
    for index, message in enumerate(prompt.messages):
        content = message.content
        if "{{" not in content or not any(name in content for name in untrusted):
            continue
        compared = compared_in(content)
        found: dict[str, list[TemplateOutput]] = {}
        for written in outputs_of(content):
            for name in sorted(written.variables & untrusted.keys()):
                variable = untrusted[name]
                if is_stated(variable) or not reads_as_setting(
                    variable, name, written, content, compared
                ):
                    found.setdefault(name, []).append(written)
        for name, outputs in found.items():
            stated = is_stated(untrusted[name])
            yield Untrusted(message, index, name, stated, tuple(outputs))


def brings_instructions(prompt: Prompt) -> bool:
    """Whether a variable's name says that the prompt's own instructions come with a request."""
    return any(
        not variable.trust_stated and is_instruction(name)
        for name, variable in prompt.variables.items()
    )


def let_through(tree: LintTree, prompt: Prompt) -> frozenset[str]:
    """The variables of which a message writes something that only passes as a setting."""
    untrusted = _untrusted(tree, prompt)
    found: set[str] = set()
    for message in prompt.messages:
        content = message.content
        compared = compared_in(content)
        for written in outputs_of(message.content) if "{{" in message.content else ():
            for name in written.variables & untrusted.keys():
                variable = untrusted[name]
                instructs = message.role in INSTRUCTING
                if (instructs or not written.delimited) and (
                    reads_as_setting(variable, name, written, content, compared)
                    or (instructs and _is_whole(message, written))
                ):
                    found.add(name)
    return frozenset(found)


def _is_whole(message: PromptMessage, written: TemplateOutput) -> bool:
    if written.looped or len(message.content) > _LONGEST_WHOLE:
        return False
    around = message.content[: written.start] + message.content[written.end :]
    return not BLOCK_TAG.sub("", around).strip()


def is_stated(variable: Variable | None) -> bool:
    return variable is not None and variable.trust_stated


def is_input(variable: Variable) -> bool:
    """Whether a variable brings a text, and neither a setting nor instructions."""
    setting = not variable.trust_stated and (is_setting(variable) or is_instruction(variable.name))
    return variable.trust == "untrusted" and may_hold_text(variable) and not setting


def may_hold_text(variable: Variable) -> bool:
    """Whether a stranger could write words into it."""
    return variable.type not in _NO_TEXT and not variable.enum


def _untrusted(tree: LintTree, prompt: Prompt) -> Mapping[str, Variable | None]:
    """The untrusted variables with their declarations; None for passages that are not declared."""
    declared = {
        name: variable
        for name, variable in prompt.variables.items()
        if variable.trust == "untrusted" and may_hold_text(variable)
    }
    filled = {name for stack in stacks_with(tree, prompt) for name in stack.filled}
    return {**declared, **dict.fromkeys(filled - prompt.variables.keys())}


def stacks_with(tree: LintTree, prompt: Prompt) -> Sequence[Stack]:
    """The stacks that use a prompt."""
    return tree.stacks_by_prompt.get(prompt.ref, [])
