"""A model in a card: what it is, and what its own card says of its use and its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tetrad.canonical import Json, as_digested
from tetrad.model import EngineSpec, Model, OpenAIEngine, ScriptedEngine, TorchEngine
from tetrad.report.inert_markdown import code, prose
from tetrad.text import pluralize

_TITLES = {"intended_use": "Intended use", "limits": "Limits"}


def model_section(model: Model, does: str) -> Iterator[str]:
    """The model under a heading that says what it does for the stack."""
    yield f"### {code(model.ref)} {does}"
    if model.description:
        yield prose(model.description)
    yield "\n".join(f"- {line}" for line in _facts(model))
    yield from _card(model)


def _facts(model: Model) -> Iterator[str]:
    pinned = f", {pluralize(len(model.files), 'pinned file')}" if model.files else ", not pinned"
    is_served = model.source.scheme in {"vendor", "endpoint"}
    yield f"source: {code(model.source.uri)}{'' if is_served else pinned}"
    yield f"licence: {code(model.license) if model.license else 'not stated'}"
    yield f"engine: {_engine(model.engine)}"
    if model.context_window is not None:
        yield f"context: {model.context_window:,} tokens"
    for adapter in model.adapters:
        data = f", trained on {code(str(adapter.training_data))}" if adapter.training_data else ""
        yield f"adapter: {code(adapter.source.uri)} of {code(adapter.base_model)}{data}"


def _engine(engine: EngineSpec) -> str:
    match engine:
        case TorchEngine():
            return f"torch in this process, {engine.dtype}"
        case OpenAIEngine():
            return f"an OpenAI-compatible endpoint, model {code(engine.model)}"
        case ScriptedEngine():
            return "scripted answers, for tests only"
    return f"vLLM, {engine.dtype}, image {code(engine.image)}"


def _card(model: Model) -> Iterator[str]:
    card = dict(model.card or {})
    for key, title in _TITLES.items():
        said = card.pop(key, None)
        yield f"**{title}.** {'Not stated.' if said is None else _said(said)}"
    for key, value in card.items():
        yield f"{code(key)}: {_said(value)}"


def _said(value: Json) -> str:
    if isinstance(value, str):
        return prose(value)
    if isinstance(value, list | tuple):
        return " ".join(_said(item) for item in value)
    return code(json.dumps(as_digested(value), ensure_ascii=False))
