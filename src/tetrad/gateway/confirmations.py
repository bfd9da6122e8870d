"""Calls of destructive tools in a request's body, and in its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tetrad.canonical import Json
from tetrad.gateway.refusing import RequestRefused
from tetrad.results.trace import Trace


def confirmed_in(
    body: Mapping[str, Json], headers: Mapping[str, str]
) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The calls that a person has confirmed; RequestRefused, with the headers, where they are none."""
    written = body.get("confirmed", [])
    for call in written if isinstance(written, list) else [written]:
        match call:
            case {"tool": str(tool), "arguments": dict(arguments), **rest} if not rest:
                yield tool, arguments
            case _:
                raise RequestRefused(
                    400,
                    "confirmed must be an array of calls, {tool, arguments}, as in `unconfirmed`",
                    param="confirmed",
                    headers=headers,
                )


def unconfirmed_in(trace: Trace) -> list[dict[str, Any]]:
    """The calls that were not made, in the form in which they are confirmed."""
    return [{"tool": call.name, "arguments": call.arguments} for call in trace.unconfirmed]
