"""A prompt and its examples as messages.

Chat: the messages before the last user message come first, then each example as a pair (the last
user message rendered with the example's variables, and the example's output as the assistant's
answer), then the earlier turns of a conversation, then the last user message and what follows it.
Newlines at a message's end are dropped, but not at a turn's, which no template wrote.

Completion: the same parts in the same order as one text. An example is the last user message with
its output appended, so that the examples end exactly where the model is to go on; parts are joined
by blank lines, and the last part keeps the newline it ends with. An answer continues its text after
a blank, unless the text ends with white space.

Any change of these rules changes answers: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tetrad.canonical import Json, as_digested
from tetrad.errors import BadRequest, Issue, Location, SpecError
from tetrad.model import Example, Prompt, PromptMessage, Role, Turn
from tetrad.results.exchange import Message
from tetrad.runtime.request_variables import Variables
from tetrad.templates.render import Template, compile_template, problems_of_template


class Conversation:
    """The compiled templates of a prompt; examples are rendered once, since no request changes them.

    `filled` are the variables that the runtime fills in a request; an example brings its own.
    """

    def __init__(self, prompt: Prompt, *, filled: Iterable[str] = ()) -> None:
        self._completion = prompt.style == "completion"
        self._templates = _compiled(prompt)
        self._pivot = _pivot(prompt.messages)
        self._filled = frozenset(filled)
        self._variables = Variables(prompt, filled=self._filled)
        self._examples = _collected(prompt.examples, self._example)

    def messages(
        self,
        values: Mapping[str, Json],
        chosen: Sequence[int] | None = None,
        history: Sequence[Turn] = (),
    ) -> tuple[Message, ...]:
        """The request's messages with the examples whose numbers are `chosen` (None: all)."""
        rendered = [self._message(index, values) for index in range(len(self._templates))]
        numbers = range(len(self._examples)) if chosen is None else chosen
        shots = [message for number in numbers for message in self._examples[number]]
        earlier = [Message(role=turn.role, content=turn.content) for turn in history]
        whole = [*rendered[: self._pivot], *shots, *earlier, *rendered[self._pivot :]]
        return tuple(_joinable(whole) if self._completion else whole)

    def _message(self, index: int, values: Mapping[str, Json]) -> Message:
        role, template = self._templates[index]
        try:
            content = template.render(values)
        except BadRequest as error:
            raise BadRequest(f"messages[{index}]: {error}") from error
        return Message(role=role, content=content if self._completion else content.rstrip("\n"))

    def _example(self, example: Example) -> tuple[Message, ...]:
        own = {n: as_digested(value) for n, value in example.vars.items() if n in self._filled}
        rest = {name: value for name, value in example.vars.items() if name not in self._filled}
        asked = self._message(self._pivot, {**self._variables.values(rest), **own})
        if self._completion:
            return (Message(role="user", content=continued(asked.content, example.output)),)
        return (asked, Message(role="assistant", content=example.output))


def continued(text: str, answer: str) -> str:
    """A text of completion style with an answer that goes on from it."""
    return f"{text}{answer}" if not text or text[-1].isspace() else f"{text} {answer}"


def _joinable(messages: Sequence[Message]) -> list[Message]:
    """Joined by blank lines, these give one blank line between parts and not more."""
    *head, last = messages
    return [
        message
        if not message.content.endswith("\n")
        else Message(role=message.role, content=message.content.rstrip("\n"))
        for message in head
    ] + [last]


def _compiled(prompt: Prompt) -> tuple[tuple[Role, Template], ...]:
    issues = [
        Issue(
            location=message.location,
            code=problem.code,
            path=f"$.messages[{index}].content",
            message=f"{problem.message} (line {problem.line} of the text)",
            hint=problem.hint,
        )
        for index, message in enumerate(prompt.messages)
        for problem in problems_of_template(message.content)
    ]
    if issues:
        raise SpecError(issues)
    return tuple((m.role, compile_template(m.content)) for m in prompt.messages)


def _pivot(messages: Sequence[PromptMessage]) -> int:
    """The last user message, or the last of all where none is the user's."""
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    return users[-1] if users else len(messages) - 1


def _collected(
    examples: Iterable[Example], render: Callable[[Example], tuple[Message, ...]]
) -> tuple[tuple[Message, ...], ...]:
    """Every example rendered, or a SpecError with all that cannot be."""
    rendered: list[tuple[Message, ...]] = []
    issues: list[Issue] = []
    for example in examples:
        try:
            rendered.append(render(example))
        except BadRequest as error:
            issues.append(_issue(example.location, error))
    if issues:
        raise SpecError(issues)
    return tuple(rendered)


def _issue(location: Location, error: BadRequest) -> Issue:
    return Issue(
        location=location,
        message=f"the example cannot be rendered: {error}",
        hint="an example's vars are those of a request, with all that the stack fills in itself",
    )
