"""The behavioural part of each kind of component: what its digest covers, and nothing else.

Left out are places and references, descriptions (but a tool's), owner, license, prices, card,
resources, load_seconds, fingerprint, addresses, keys, timeouts and concurrency. Changing what a
function here returns for an unchanged file changes published identities: raise `RUNTIME` and add
vectors, never edit old ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from tetrad.canonical import Digest, Json, digest_of
from tetrad.model import (
    Adapter,
    ChatInput,
    Corpus,
    EngineSpec,
    Generation,
    Hnsw,
    Model,
    NearestExamples,
    OpenAIEngine,
    Prompt,
    PythonRun,
    ScriptedEngine,
    Source,
    Tool,
    ToolRun,
    TorchEngine,
    Variable,
    VllmEngine,
)
from tetrad.modules import needed_by_name

Component: TypeAlias = Prompt | Model | Corpus | Tool


def behaviour(component: Component) -> Mapping[str, Json]:
    """The JSON document whose digest is the component's, defaults filled in."""
    match component:
        case Prompt():
            return _prompt(component)
        case Model():
            return _model(component)
        case Corpus():
            return _corpus(component)
        case Tool():
            return _tool(component)


def component_digest(component: Component) -> Digest:
    """SHA-256 over the RFC 8785 bytes of the behavioural part."""
    return _digest(_Same(component))


class _Same:
    """A component as a key: a frozen value that holds mappings equals itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Component) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


@lru_cache(maxsize=4_096)
def _digest(component: _Same) -> Digest:
    return digest_of(behaviour(component.value))


def generation_behaviour(generation: Generation) -> dict[str, Json]:
    """What is given; None leaves the engine's default. Seeds travel as texts: they have 64 bits."""
    return {
        "temperature": generation.temperature,
        "max_tokens": generation.max_tokens,
        "top_p": generation.top_p,
        "seed": None if generation.seed is None else str(generation.seed),
        "stop": list(generation.stop),
    }


def _prompt(prompt: Prompt) -> dict[str, Json]:
    return {
        "kind": "prompt",
        "variables": {name: _variable(v) for name, v in prompt.variables.items()},
        "style": prompt.style,
        "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
        "examples": [{"vars": e.vars, "output": e.output} for e in prompt.examples],
        "select": _select(prompt.select),
        "chat": _chat(prompt.chat),
        "output": {
            "format": prompt.output.format,
            "enum": list(prompt.output.enum),
            "schema": prompt.output.schema,
        },
        "generation": generation_behaviour(prompt.generation),
    }


def _variable(variable: Variable) -> dict[str, Json]:
    own: dict[str, Json] = {
        "type": variable.type,
        "trust": variable.trust,
        "required": variable.required,
        "default": variable.default,
        "max_chars": variable.max_chars,
    }
    return own | {"enum": list(variable.enum)} if variable.enum else own


def _select(select: NearestExamples | None) -> Json:
    if select is None:
        return None
    embedding = str(component_digest(select.embedding))
    return {"nearest": select.count, "by": select.by, "embedding": embedding}


def _chat(chat: ChatInput | None) -> Json:
    if chat is None:
        return None
    history = chat.history
    kept: Json = {"max_tokens": history.max_tokens, "keep": history.keep} if history else None
    return {"input": chat.input, "history": kept}


def _model(model: Model) -> dict[str, Json]:
    return {
        "kind": "model",
        "source": _source(model.source, model.files),
        "files": _files(model.files),
        "engine": _engine(model.engine),
        "context_window": model.context_window,
        "adapters": [_adapter(adapter) for adapter in model.adapters],
    }


def _source(source: Source, files: Mapping[str, Digest]) -> str:
    # Moving a pinned local file changes nothing; unpinned, its place is all there is to go by.
    return "file://" if source.scheme == "file" and files else source.uri


def _files(files: Mapping[str, Digest]) -> dict[str, Json]:
    return {name: str(digest) for name, digest in files.items()}


def _adapter(adapter: Adapter) -> dict[str, Json]:
    data = adapter.training_data
    return {
        "source": _source(adapter.source, adapter.files),
        "files": _files(adapter.files),
        "base_model": adapter.base_model,
        "training_data": str(data) if data else None,
    }


def _engine(engine: EngineSpec) -> dict[str, Any]:
    match engine:
        case TorchEngine():
            return {"torch": {"dtype": engine.dtype}}
        case OpenAIEngine():
            return {"openai": {"model": engine.model}}
        case VllmEngine():
            return {
                "vllm": {
                    "image": engine.image,
                    "dtype": engine.dtype,
                    "max_model_len": engine.max_model_len,
                    "quantization": engine.quantization,
                }
            }
        case ScriptedEngine():
            return {"scripted": {"digest": str(engine.digest)}}


def _corpus(corpus: Corpus) -> dict[str, Json]:
    chunking, index = corpus.chunking, corpus.index
    return {
        "kind": "corpus",
        "documents": str(corpus.digest),
        "chunking": {"by": chunking.by, "size": chunking.size, "overlap": chunking.overlap},
        "embedding": str(component_digest(corpus.embedding)),
        "index": {
            "store": index.store,
            "dense": index.dense,
            "bm25": index.bm25,
            **({} if index.hnsw is None else {"hnsw": _hnsw(index.hnsw)}),
        },
    }


def _hnsw(hnsw: Hnsw) -> dict[str, Json]:
    return {
        "m": hnsw.m,
        "ef_construction": hnsw.ef_construction,
        "ef_search": hnsw.ef_search,
    }


def _tool(tool: Tool) -> dict[str, Json]:
    return {
        "kind": "tool",
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
        "effect": tool.effect,
        "version": tool.version,
        "python": _python(tool.run),
    }


def _python(run: ToolRun | None) -> Json:
    """What stands for a python tool's code; `version` stands for whatever runs elsewhere."""
    if not isinstance(run, PythonRun):
        return None
    own: dict[str, Json] = {"source": str(run.source), "function": run.function}
    return own | needed_by_name(run.modules, run.opens)
