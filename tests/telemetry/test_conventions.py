"""Names and values are those that OpenTelemetry publishes."""

from __future__ import annotations

from importlib import import_module
from inspect import getmembers
from typing import get_args, get_type_hints

import pytest

from tetrad.telemetry import conventions
from tetrad.telemetry.served import _PROVIDERS, Served

ATTRIBUTES = [
    "_incubating.attributes.gen_ai_attributes",
    "_incubating.attributes.deployment_attributes",
    "_incubating.attributes.service_attributes",
    "attributes.error_attributes",
    "attributes.http_attributes",
    "attributes.url_attributes",
    "_incubating.metrics.gen_ai_metrics",
]


@pytest.fixture(scope="module")
def published() -> set[str]:
    modules = [import_module(f"opentelemetry.semconv.{name}") for name in ATTRIBUTES]
    return {
        value for module in modules for _, value in getmembers(module) if isinstance(value, str)
    }


def written() -> dict[str, str]:
    found = getmembers(conventions)
    return {n: v for n, v in found if isinstance(v, str) and n.isupper()}


@pytest.mark.parametrize("name", written())
def test_every_name_is_published(published: set[str], name: str) -> None:
    assert written()[name] in published


def values_of(enumeration: str) -> set[str]:
    module = import_module("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    return {member.value for member in getattr(module, enumeration)}


def test_operations_are_published_ones() -> None:
    operations = {*get_args(get_type_hints(Served)["operation"])}

    sent = operations | {"retrieval", "execute_tool", "invoke_workflow"}
    assert sent <= values_of("GenAiOperationNameValues")


def test_providers_are_published_ones() -> None:
    assert set(_PROVIDERS.values()) <= values_of("GenAiProviderNameValues")


def test_metrics_have_the_units_of_their_names() -> None:
    """OpenTelemetry writes a unit of seconds behind the name, and none for what is counted."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.semconv._incubating.metrics import gen_ai_metrics as published

    meter = MeterProvider(shutdown_on_exit=False).get_meter("test")
    made = [
        published.create_gen_ai_client_operation_duration(meter),
        published.create_gen_ai_client_token_usage(meter),
        published.create_gen_ai_server_request_duration(meter),
        published.create_gen_ai_server_time_to_first_token(meter),
    ]

    units = {metric.name: metric.unit for metric in made}  # type: ignore[attr-defined]
    assert units == {
        conventions.CLIENT_DURATION: "s",
        conventions.CLIENT_TOKENS: "{token}",
        conventions.SERVER_DURATION: "s",
        conventions.SERVER_FIRST_TOKEN: "s",
    }
