"""Models: files or an address, pinned, and the engine that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tetrad.canonical import Digest, Json
from tetrad.errors import Location
from tetrad.model.references import last_part


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where files come from: `uri` as written, `scheme` before `://`."""

    uri: str
    scheme: Literal["hf", "pypi", "https", "oci", "s3", "gs", "file", "vendor", "endpoint"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchEngine:
    """In-process torch on CPU or CUDA, by what is there."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAIEngine:
    """Any endpoint that speaks OpenAI's chat completions; addresses and keys come from the environment."""

    model: str
    base_url_env: str = "OPENAI_BASE_URL"
    api_key_env: str | None = "OPENAI_API_KEY"
    timeout_s: float = 60.0
    concurrency: int = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmEngine:
    """A vLLM server that an environment provisions; evaluated through its OpenAI-compatible endpoint."""

    image: str
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    max_model_len: int | None = None
    quantization: str | None = None
    base_url_env: str = "VLLM_BASE_URL"
    api_key_env: str | None = None
    timeout_s: float = 60.0
    concurrency: int = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptedEngine:
    """Answers from a file, for tests and dry runs; never evidence.

    `answers` is the content of that file: `match` patterns and answers in order.
    """

    answers: tuple[ScriptedAnswer, ...]
    digest: Digest
    location: Location | None = field(default=None, compare=False)  # of that file


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptedAnswer:
    """The answer to every request whose last message contains `contains` ("" matches all)."""

    contains: str = ""
    output: str = ""
    tool_calls: tuple[Mapping[str, Json], ...] = ()  # {"name": …, "arguments": {…}}


EngineSpec: TypeAlias = TorchEngine | OpenAIEngine | VllmEngine | ScriptedEngine


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """A LoRA adapter, pinned like a model, with its lineage."""

    source: Source
    files: Mapping[str, Digest]
    base_model: str
    training_data: Digest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A fixed question to a model."""

    prompt: str
    max_tokens: int = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """Probes, and the digest of the answers that the model gave when it was pinned."""

    probes: tuple[Probe, ...]
    digest: Digest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """Files or an address, pinned, and the engine that makes answers of them."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    source: Source
    files: Mapping[str, Digest] = field(default_factory=dict)
    engine: EngineSpec
    context_window: int | None = None
    adapters: tuple[Adapter, ...] = ()
    license: str = ""
    resources: Mapping[str, Json] = field(default_factory=dict)
    load_seconds: float | None = None
    prices: Prices | None = None
    fingerprint: Fingerprint | None = None
    card: Mapping[str, Json] | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether what answers is fixed: by the digests of its files, or by a vendor's version."""
        return bool(self.files) or self.source.scheme == "vendor"

    @property
    def name(self) -> str:
        """What its endpoint calls it, else the last part of its reference."""
        if isinstance(self.engine, OpenAIEngine):
            return self.engine.model
        return last_part(self.ref)
