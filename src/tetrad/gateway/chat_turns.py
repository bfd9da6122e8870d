"""The turns of a chat, and which of the calls that its last answer proposed are confirmed.

A client confirms a call as it would answer any other: by a message of the role `tool`. Those are no
turns. Where the user said nothing more, an answer that proposed calls and the one after it read as
one; where the user did, it is a turn as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tetrad.gateway.refusing import RequestRefused
from tetrad.model import Stack, Turn
from tetrad.results.exchange import Message, ToolCall

CONFIRMED = "confirmed"


@dataclass(slots=True)
class ChatTurns:
    """What a chat's messages say; RequestRefused where one is out of place."""

    turns: list[Turn] = field(default_factory=list)
    confirmed: tuple[ToolCall, ...] = ()  # of the last answer, under the ids that stand in it


def chat_turns(messages: Sequence[Message], stack: Stack) -> ChatTurns:
    """Read a conversation with a stack."""
    takes_calls = any(tool.effect == "destructive" for tool in stack.tools)
    found, place = ChatTurns(), 0
    while place < len(messages):
        message = messages[place]
        _refuse_role(message, place)
        if message.tool_calls and not takes_calls:
            raise _refused("the stack calls its tools itself", f"messages[{place}].tool_calls")
        results = tuple(_results(messages, place + 1)) if message.tool_calls else ()
        place += 1 + len(results)
        follows = messages[place].role if place < len(messages) else ""
        role = message.role
        found.confirmed = (
            tuple(_confirmed(message, results)) if role == "assistant" else (found.confirmed)
        )
        if results and not follows and not found.confirmed:
            raise _refused(
                f"no call is confirmed: a message of the role tool with the content {CONFIRMED!r}"
                " confirms one; else end with what the user says",
                "messages",
            )
        if not results or follows == "user":
            found.turns.append(
                Turn(role="user" if role == "user" else "assistant", content=message.content)
            )
    return found


def _results(messages: Sequence[Message], place: int) -> Iterator[Message]:
    """The messages about the calls of the one before."""
    while place < len(messages) and messages[place].role == "tool":
        yield messages[place]
        place += 1


def _confirmed(message: Message, results: Sequence[Message]) -> Iterator[ToolCall]:
    said = {one.tool_call_id: one.content.strip().lower() for one in results}
    return (call for call in message.tool_calls if said.get(call.id) == CONFIRMED)


def _refuse_role(message: Message, place: int) -> None:
    if message.role in {"user", "assistant"}:
        return
    told = "send what the user and the assistant said"
    if message.role == "tool":
        told = "a confirmation follows the answer whose `tool_calls` has the call"
    raise _refused(
        f"the stack has its own instructions and tools; {told}", f"messages[{place}].role"
    )


def _refused(told: str, param: str) -> RequestRefused:
    where = "" if param == "messages" else f"{param}: "
    return RequestRefused(400, f"{where}{told}", param=param, code="unsupported_value")
