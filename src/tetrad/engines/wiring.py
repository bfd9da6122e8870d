"""Choose and wire the engine that a model's file names; the only place that reads addresses and keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.artifacts.download import is_address
from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.network import check_network
from tetrad.artifacts.progress import Progress
from tetrad.artifacts.sources import needs_nothing, split_hub
from tetrad.artifacts.store import Store
from tetrad.engines.brake import Brakes
from tetrad.engines.interfaces import ComputingEngine, Embedder
from tetrad.errors import MissingExtra, UsageError
from tetrad.identity import component_digest, short
from tetrad.model import Model, OpenAIEngine, ScriptedEngine, TorchEngine, VllmEngine
from tetrad.trees import FileTree

# Addresses of model servers that are named by their models: http://model-{digest}.llm.svc:8000/v1
MODEL_SERVERS = "TETRAD_MODEL_SERVERS"

if TYPE_CHECKING:
    from tetrad.engines.endpoint import Address


def build_engine(
    model: Model,
    *,
    files: FileTree,
    store: Store,
    offline: bool = False,
    progress: Progress | None = None,
    first_token: bool = False,
    brakes: Brakes | None = None,
) -> ComputingEngine:
    """The engine of a model, its files fetched and verified where it runs in this process.

    `first_token` measures the time to the first token, which endpoints only tell by streaming.
    Models that are built with the same `brakes` share what their endpoint can take.
    """
    match model.engine:
        case TorchEngine():
            from tetrad.engines.torch import build_torch_engine

            fetched = _files_for_torch(model, files, store, offline=offline, progress=progress)
            return build_torch_engine(model, fetched, cache=store.root / "torch", progress=progress)
        case OpenAIEngine() | VllmEngine():
            from tetrad.engines.endpoint import Endpoint

            address = address_of(model, os.environ, first_token=first_token)
            return Endpoint(address, brake=None if brakes is None else brakes.of(address.base_url))
        case ScriptedEngine() as script:
            from tetrad.engines.scripted import Script

            return Script(script)


def known_build(model: Model) -> str | None:
    """What computes a model's answers, as its engine will say; None where an endpoint has to tell."""
    match model.engine:
        case TorchEngine():
            from tetrad.engines.torch.versions import engine_build

            return engine_build(model)
        case ScriptedEngine():
            from tetrad.engines.scripted import BUILD

            return BUILD
        case OpenAIEngine() | VllmEngine():
            return None


def build_embedder(
    model: Model,
    *,
    files: FileTree,
    store: Store,
    offline: bool = False,
    progress: Progress | None = None,
) -> Embedder:
    """The embedder of a model that torch runs in this process."""
    if not isinstance(model.engine, TorchEngine):
        raise UsageError(
            f"{model.location}: {model.ref} cannot embed: only `engine: {{torch: …}}` can, for now"
        )
    from tetrad.engines.torch import build_torch_embedder

    fetched = _files_for_torch(model, files, store, offline=offline, progress=progress)
    return build_torch_embedder(model, fetched, progress=progress)


def address_of(
    model: Model, environment: Mapping[str, str], *, first_token: bool = False
) -> Address:
    """Where a model's endpoint is and how it is asked; UsageError names the variable that lacks."""
    spec = model.engine
    if not isinstance(spec, OpenAIEngine | VllmEngine):
        raise UsageError(f"{model.location}: {model.ref} has no endpoint")
    from tetrad.engines.endpoint import Address

    base_url = _base_url(model, spec.base_url_env, environment)
    check_network(base_url, environment)
    return Address(
        base_url=base_url,
        api_key=_api_key(model, spec.api_key_env, environment),
        url_variable=spec.base_url_env,
        key_variable=spec.api_key_env,
        model=spec.model if isinstance(spec, OpenAIEngine) else _served_name(model),
        timeout_s=spec.timeout_s,
        concurrency=spec.concurrency,
        constrains=isinstance(spec, VllmEngine),
        stream=first_token,
    )


def _base_url(model: Model, variable: str, environment: Mapping[str, str]) -> str:
    written = environment.get(variable, "").strip() or _server_of(model, environment)
    example = f"\n  help: export {variable}=http://localhost:8000/v1"
    if not written:
        raise UsageError(f"{variable} is not set (base URL of {model.ref}){example}")
    if not is_address(written):
        raise UsageError(f"{variable} is not an http or https URL{example}")
    return written


def _server_of(model: Model, environment: Mapping[str, str]) -> str:
    """The address of a server that is named by the model's digest; empty where none is."""
    pattern = environment.get(MODEL_SERVERS, "").strip()
    return pattern.replace("{digest}", short(component_digest(model)))


def _api_key(model: Model, variable: str | None, environment: Mapping[str, str]) -> str | None:
    if variable is None:
        return None
    if variable not in environment:
        raise UsageError(
            f"{model.ref} is asked with the key in {variable}, which is not set"
            f"\n  help: export {variable}=…, or export {variable}= where the endpoint needs no key"
        )
    key = environment[variable].strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"{variable} holds characters that no key has; was it copied whole?")
    return key or None


def _served_name(model: Model) -> str:
    """What a vLLM server calls a model: the repository it was loaded from, unless told otherwise."""
    if model.source.scheme == "hf":
        return split_hub(model.source.uri)[0]
    return model.ref.rsplit("/", 1)[-1]


def _files_for_torch(
    model: Model, files: FileTree, store: Store, *, offline: bool, progress: Progress | None
) -> Mapping[str, Path]:
    """The files of a model that this process runs; what cannot run is said before it is fetched."""
    if find_spec("torch") is None:
        raise MissingExtra("torch", f"{model.ref} runs in this process and")
    if model.adapters:
        raise UsageError(f"{model.location}: the torch engine does not apply adapters yet")
    if needs_nothing(model.source):
        raise UsageError(
            f"{model.location}: {model.source.uri} has no weights that torch could run"
            "\n  help: write `engine: {openai: {model: …}}`"
        )
    # nothing else is looked for in the repository
    root = files.folder() if model.source.scheme == "file" else Path()
    return fetch(model, store, root=root, offline=offline, progress=progress)
