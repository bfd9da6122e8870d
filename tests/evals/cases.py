"""Short ways to write the values that tests of evals are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tetrad.errors import Location
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called, Passage
from tetrad.spec.model import Assertion

HERE = Location("evals/a/golden.yaml", 3, 5)


def assertion(type_: str, value: Any = None, **further: Any) -> Assertion:
    """An assertion as it is written: `not-` belongs to the type."""
    return Assertion(
        type=type_.removeprefix("not-"),
        negated=type_.startswith("not-"),
        value=value,
        location=HERE,
        **further,
    )


def passage(document: str, text: str = "") -> Passage:
    return Passage(document=document, chunk=0, text=text, score=0.5, similarity=0.5)


def called(name: str, arguments: Mapping[str, Any] | None = None) -> Called:
    return Called(call=ToolCall(id="1", name=name, arguments=arguments or {}), result={})
