"""A default's only home is the value's class; what the schemas say of it is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import pytest

from tetrad import model
from tetrad.model import cluster, serving
from tetrad.schemas.check import SCHEMA_KINDS, schema_of

# The parts of the schemas by the classes that they become.
PARTS: dict[str, type] = {
    "corpus": model.Corpus,
    "corpus/documents": model.Documents,
    "corpus/chunking": model.Chunking,
    "corpus/index": model.Index,
    "corpus/index/hnsw": model.Hnsw,
    "environment": model.Environment,
    "environment/retain": serving.Retain,
    "environment/models/*/server": cluster.ModelServerImage,
    "environment/kubernetes/gateways/*": cluster.GatewayRelease,
    "environment/kubernetes/vector_store": cluster.VectorStoreHosting,
    "environment/kubernetes/runners": cluster.RunnerHosting,
    "golden/$defs/case": model.Case,
    "golden/$defs/set": model.AssertionSet,
    "golden/$defs/assertion": model.Assertion,
    "model": model.Model,
    "model/engine/torch": model.TorchEngine,
    "model/engine/openai": model.OpenAIEngine,
    "model/engine/vllm": model.VllmEngine,
    "model/$defs/answer": model.ScriptedAnswer,
    "model/$defs/probe": model.Probe,
    "prompt": model.Prompt,
    "prompt/variables/*": model.Variable,
    "prompt/chat/history": model.History,
    "prompt/output": model.Output,
    "stack": model.Stack,
    "stack/corpus": model.Retrieval,
    "stack/tool_loop": model.Stack,
    "stack/guardrails": model.Guardrails,
    "stack/serving": serving.Serving,
    "stack/serving/rollout": serving.RolloutPlan,
    "stack/serving/queue": serving.Queue,
    "suite": model.Suite,
    "suite/gate/[]": model.Minimum,
    "suite/gate/[]/cost_usd_per_case": model.Budget,
    "suite/gate/[]/latency_ms": model.Budget,
    "suite/gate/[]/total_tokens": model.Budget,
    "tool": model.Tool,
    "tool/run": model.PythonRun,
}
# What is no field of such a class, or has its default by another.
OTHERS: dict[str, Any] = {
    "environment/kubernetes/gateways/*/replicas/min": 2,  # of GatewayRelease
    "environment/models/*/replicas/min": 1,  # of ModelHosting
    "suite/gate/[]/cost_usd_per_case/statistic": model.STATISTICS["cost_usd_per_case"],
    "suite/gate/[]/latency_ms/statistic": model.STATISTICS["latency_ms"],
    "suite/gate/[]/total_tokens/statistic": model.STATISTICS["total_tokens"],
    "tool/run/method": "POST",  # of HttpRun
}
NOTHING: tuple[Any, ...] = (None, "", [])  # goes without saying


def part(place: str) -> Mapping[str, Any]:
    kind, *steps = place.split("/")
    schema: Any = schema_of(kind)
    for step in steps:
        match step:
            case "$defs":
                schema = schema["$defs"]
            case "[]":
                schema = schema["items"]
            case "*":
                schema = schema["additionalProperties"]
            case _:
                schema = schema["properties"][step] if "properties" in schema else schema[step]
    found: Mapping[str, Any] = schema
    return found


def defaults_of(class_: type) -> dict[str, Any]:
    """The defaults of the fields that have one, as JSON has them."""
    made = {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(class_)
    }
    return {
        name: list(default) if isinstance(default, tuple) else default
        for name, default in made.items()
        if isinstance(default, str | int | float | tuple | None)
    }


@pytest.mark.parametrize("place", PARTS)
def test_a_schema_says_the_defaults_of_its_class(place: str) -> None:
    said = part(place)["properties"]
    defaults = defaults_of(PARTS[place])

    for name in said.keys() & defaults.keys():
        expected = OTHERS.get(f"{place}/{name}", defaults[name])
        is_told = "default" in said[name] or expected not in NOTHING
        assert not is_told or said[name].get("default") == expected, name


def test_no_schema_has_a_default_that_no_class_has() -> None:
    told = {place for kind in SCHEMA_KINDS for place in places(schema_of(kind), kind)}
    known = {
        f"{place}/{name}"
        for place, class_ in PARTS.items()
        for name in part(place)["properties"]
        if name in defaults_of(class_)
    }

    assert told <= known | OTHERS.keys() | {"prompt/variables/*/required"}


def places(schema: Any, place: str) -> Iterator[str]:
    """Where a schema says defaults."""
    for name, inner in schema.get("properties", {}).items():
        if "default" in inner:
            yield f"{place}/{name}"
        yield from places(inner, f"{place}/{name}")
    for name, inner in schema.get("$defs", {}).items():
        yield from places(inner, f"{place}/$defs/{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "*")):
        if isinstance(schema.get(key), dict):
            yield from places(schema[key], f"{place}/{mark}")
    for branch in schema.get("oneOf", ()):
        yield from places(branch, place)
