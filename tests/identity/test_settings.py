"""A stack's own settings in the identity document: under which names, and only where they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from identity.conftest import FORMATS

from tetrad.canonical import Json
from tetrad.identity.compose import settings_of
from tetrad.loading.repositories import read_repository
from tetrad.model import Guardrails, Stack
from tetrad.model.stack import BothWays, InjectionGuard

STACK: Stack = read_repository(FORMATS).repository.stacks["stacks/handbook-qa"]
OLDEST: Mapping[str, Json] = {"max_input_chars": None, "block_pii_in_output": False}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (Guardrails(), {}),
        (Guardrails(max_input_chars=5), {"max_input_chars": 5}),
        (Guardrails(block_pii_in_output=True), {"block_pii_in_output": True}),
        (
            Guardrails(personal_data=BothWays(input="redact")),
            {"personal_data": {"input": "redact"}},
        ),
        (
            Guardrails(personal_data=BothWays(input="redact", output="block")),
            {"personal_data": {"input": "redact", "output": "block"}},
        ),
        (Guardrails(secrets=BothWays(input="block")), {"secrets": {"input": "block"}}),
        (Guardrails(secrets=BothWays(output="redact")), {"secrets": {"output": "redact"}}),
        (
            Guardrails(injection=InjectionGuard(variables="block", passages="drop")),
            {"injection": {"variables": "block", "passages": "drop"}},
        ),
        (Guardrails(canary="K7"), {"canary": "K7"}),
        (Guardrails(repair_output=True), {"repair_output": True}),
        (Guardrails(max_calls_per_tool=2), {"max_calls_per_tool": 2}),
    ],
)
def test_a_guardrail_is_written_where_it_is_given(
    given: Guardrails, written: Mapping[str, Json]
) -> None:
    settings = settings_of(replace(STACK, guardrails=given))

    assert settings["guardrails"] == {**OLDEST, **written}


def test_retrieval_that_answers_always_has_no_limit_of_similarity() -> None:
    assert STACK.retrieval is not None
    always = replace(STACK, retrieval=replace(STACK.retrieval, answerable=None))

    found = settings_of(always)["retrieval"]

    assert isinstance(found, Mapping)
    assert found["answerable"] is None
