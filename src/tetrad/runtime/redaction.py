"""Texts without personal data and credentials: what may be kept of live traffic, and exported.

What stood there is named in brackets, `[mail address]`, so that a text still reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tetrad.canonical import Json
from tetrad.runtime.credentials import credentials_in
from tetrad.runtime.personal_data import find_personal_data

# Only the first line of a key in PEM has a form of its own; what follows is the secret.
_PEM = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_PRIVATE_KEY = "private key"


class _Span(NamedTuple):
    start: int
    end: int
    what: str


def redacted(text: str) -> str:
    """The text with personal data and credentials replaced by their kinds."""
    return _redacted(text, _spans)


def without_personal_data(text: str) -> str:
    return _redacted(text, _personal_data)


def without_credentials(text: str) -> str:
    return _redacted(text, _credentials)


def _redacted(text: str, spans: Callable[[str], Iterator[_Span]]) -> str:
    while (shorter := _redacted_once(text, spans(text))) != text:
        text = shorter  # what stood beside a key may be a number of its own now
    return text


def _redacted_once(text: str, spans: Iterator[_Span]) -> str:
    pieces: list[str] = []
    end = 0
    for span in sorted(spans):
        if span.start >= end:  # a credential may look like a phone number inside
            pieces += (text[end : span.start], f"[{span.what}]")
        end = max(end, span.end)
    return "".join((*pieces, text[end:]))


def redacted_json(value: Json) -> Any:
    """The value with every text in it redacted, names of keys included."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {redacted(key): redacted_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted_json(item) for item in value]
    return value


def _spans(text: str) -> Iterator[_Span]:
    yield from _personal_data(text)
    yield from _credentials(text)


def _personal_data(text: str) -> Iterator[_Span]:
    for found in find_personal_data(text):
        yield _Span(found.start, found.end, found.kind)


def _credentials(text: str) -> Iterator[_Span]:
    for secret in credentials_in(text):
        end = secret.end
        if secret.what == _PRIVATE_KEY:
            closing = _PEM.search(text, end)
            end = closing.end() if closing else len(text)
        yield _Span(secret.start, end, secret.what)
