"""What a response that is not 200 says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from tetrad.protocols.openai.form import Dialect
from tetrad.text import shorten

# Of the key, the account, the model's name (or the address), and of this one request.
Refusal: TypeAlias = Literal["key", "account", "model", "request"]

_UNKNOWN_MODEL = re.compile(
    r"model_not_found|(unknown|invalid) model|model\b.{0,80}\b(not found|does ?n[o']t exist|not exist)",
    re.IGNORECASE | re.DOTALL,
)
_SPENT = re.compile(r"insufficient_quota|insufficient balance|billing_hard_limit", re.IGNORECASE)
_OF_FORM = re.compile(rb"response_format|json_schema|structured_outputs")
_BAD_KEY = re.compile(
    r"api[ _]key (is )?(not valid|invalid)|(invalid|incorrect) api[ _]key", re.IGNORECASE
)
# Azure's and LiteLLM's, OpenAI's, OpenRouter's
_FILTERED = re.compile(
    r"content_filter|ResponsibleAIPolicyViolation|content_policy_violation|invalid_prompt|flagged"
)


def reason_of(body: bytes) -> str:
    """What an error response says, in one line."""
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if isinstance(said, Mapping):
        error = said.get("error", said)
        message = error.get("message") if isinstance(error, Mapping) else error
        said = message or said.get("message") or said.get("detail") or text
    return shorten(str(said), 300)


def refusal_of(status: int, body: bytes) -> Refusal:
    """What a refusal is of; all but `request` hold for every request alike."""
    text = body[:10_000].decode("utf-8", "replace")
    if status == 402 or (status in {403, 429} and _SPENT.search(text)):
        return "account"
    if status in {401, 403, 407} or (status == 400 and _BAD_KEY.search(text)):
        return "key"
    if status == 404 or (status in {400, 422} and _UNKNOWN_MODEL.search(text)):
        return "model"
    return "request"


def is_too_large(status: int, body: bytes) -> bool:
    """Whether a quota refuses the request for its size, which no wait changes: OpenAI's and Groq's."""
    return status == 429 and re.search(rb"[Rr]equest too large", body) is not None


def is_filtered(status: int, body: bytes) -> bool:
    """Whether the provider's filter refused the request: that is 400 mostly, 403 of OpenRouter."""
    return status in {400, 403} and _FILTERED.search(_code_of(body)) is not None


def other_dialect(status: int, body: bytes, dialect: Dialect, *, is_vllm: bool) -> Dialect | None:
    """How a server that refused a request takes it, where it says so; `is_vllm` by the model's file."""
    is_renamed = b"max_tokens" in body and b"max_completion_tokens" in body
    if status == 400 and is_renamed and dialect.token_limit == "max_tokens":  # noqa: S105 - no password
        return replace(dialect, token_limit="max_completion_tokens")  # noqa: S106 - no password
    if is_vllm or status not in {400, 422, 501} or not _OF_FORM.search(body):
        return None
    if dialect.constrains:
        return replace(dialect, constrains=False)
    return replace(dialect, takes_form=False) if dialect.takes_form else None


def _code_of(body: bytes) -> str:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = said.get("error") if isinstance(said, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), error.get("message")]
    return " ".join(map(str, [*codes, inner.get("code") if isinstance(inner, Mapping) else ""]))


def is_vllm(models: bytes) -> bool:
    """Whether a server's list of models says that vLLM serves them."""
    try:
        said: Any = json.loads(models)
    except (ValueError, RecursionError):
        return False
    listed = said.get("data") if isinstance(said, Mapping) else None
    return isinstance(listed, list) and any(
        isinstance(model, Mapping) and model.get("owned_by") == "vllm" for model in listed
    )
