"""A request that gets no answer: the HTTP status, and why, in the form of OpenAI's errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from tetrad.protocols.openai import error_body

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


@dataclass
class RequestRefused(Exception):
    """Raised wherever a request is found to get no answer."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return error_body(
            self.message,
            kind=_TYPES.get(self.status, kind),
            param=self.param,
            code=self.code or HTTPStatus(self.status).name.lower(),
        )

    def response(self) -> Response:
        return as_json(self.body(), self.status, self.headers)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
    # Half a surrogate pair is in no answer, but may be in a refusal that quotes the request.
    body = written.encode(errors="replace")
    return Response(body, status, headers, media_type="application/json")
