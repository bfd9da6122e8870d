"""OpenAI's protocol. The client's half: what is sent for a request, and what an answer says. The
server's: what a chat request asks, and how it is answered.

What is written is the common part of what servers and clients of this protocol understand. What is
read comes from outside: whatever is not as it should be raises Unreadable, or InvalidChat, with a
reason for people.
"""

from tetrad.protocols.openai.chat_reply import (
    DONE,
    ChatEvents,
    ReplyHead,
    chat_completion,
    error_body,
    event,
    model_entry,
    model_list,
)
from tetrad.protocols.openai.chat_request import SAMPLING, ChatRequest, InvalidChat, chat_request
from tetrad.protocols.openai.form import Dialect, is_wrapped, opened, vllm_would_bind
from tetrad.protocols.openai.json_fields import Cut, Unreadable
from tetrad.protocols.openai.refusal import (
    Refusal,
    is_filtered,
    is_too_large,
    is_vllm,
    other_dialect,
    reason_of,
    refusal_of,
)
from tetrad.protocols.openai.request import encode, path_of
from tetrad.protocols.openai.response import AnswerStream, decode

__all__ = [
    "DONE",
    "SAMPLING",
    "AnswerStream",
    "ChatEvents",
    "ChatRequest",
    "Cut",
    "Dialect",
    "InvalidChat",
    "Refusal",
    "ReplyHead",
    "Unreadable",
    "chat_completion",
    "chat_request",
    "decode",
    "encode",
    "error_body",
    "event",
    "is_filtered",
    "is_too_large",
    "is_vllm",
    "is_wrapped",
    "model_entry",
    "model_list",
    "opened",
    "other_dialect",
    "path_of",
    "reason_of",
    "refusal_of",
    "vllm_would_bind",
]
