"""OpenAI's protocol, the client's half: what is sent for a request, and what an answer says.

What is written is the common part of what servers of this protocol understand. What is read comes
from outside: whatever is not as it should be raises Unreadable with a reason for people.
"""

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
    "AnswerStream",
    "Cut",
    "Dialect",
    "Refusal",
    "Unreadable",
    "decode",
    "encode",
    "is_filtered",
    "is_too_large",
    "is_vllm",
    "is_wrapped",
    "opened",
    "other_dialect",
    "path_of",
    "reason_of",
    "refusal_of",
    "vllm_would_bind",
]
