"""The values that files become: one frozen type a concept, references resolved, defaults filled in.

Nothing here reads a file; `tetrad.spec.load` does. What of a value is behavioural is decided in
`tetrad.identity`. Mappings keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from tetrad.canonical import Digest, Json
from tetrad.errors import Location

Role: TypeAlias = Literal["system", "developer", "user", "assistant"]
Kind: TypeAlias = Literal[
    "prompt", "model", "corpus", "tool", "stack", "environment", "suite", "waivers"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


# -- prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """What a template may be given under a name."""

    name: str
    type: Literal["string", "number", "integer", "boolean", "array", "object"] = "string"
    trust: Literal["trusted", "untrusted"] = "untrusted"
    required: bool = True
    default: Json = None  # only read where `required` is false
    max_chars: int | None = None
    description: str = ""
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptMessage:
    """A message whose content is a Jinja2 template."""

    role: Role
    content: str
    location: Location = field(
        compare=False
    )  # of the content's node, in the prompt's file or in its `file://`


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A solved request shown to the model: the variables and the answer."""

    vars: Mapping[str, Json]
    output: str
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NearestExamples:
    """Choose the `count` examples whose variable `by` is most similar to the request's."""

    count: int
    by: str
    embedding: Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The contract of an answer."""

    format: Literal["text", "json"] = "text"
    enum: tuple[str, ...] = ()
    schema: Mapping[str, Json] | None = None  # JSON Schema, draft 2020-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """How an answer is sampled; None leaves the engine's default."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """How many tokens of earlier turns are kept, and which end of them."""

    max_tokens: int
    keep: Literal["first", "last"] = "last"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatInput:
    """How a chat request's turns become variables."""

    input: str
    history: History | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a model is told: messages, the variables they take, and the contract of the answer."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    variables: Mapping[str, Variable]
    style: Literal["chat", "completion"] = "chat"
    messages: tuple[PromptMessage, ...]
    examples: tuple[Example, ...] = ()
    select: NearestExamples | None = None  # None: all examples, in order
    chat: ChatInput | None = None
    output: Output = Output()
    generation: Generation = Generation()
    sources: tuple[Location, ...] = field(default=(), compare=False)  # of the files with its keys


# -- model


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

    contains: str
    output: str
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
    fingerprint: Mapping[str, Json] | None = None
    card: Mapping[str, Json] | None = None


# -- corpus


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """Local documents: `path` from the repository's root, `include` globs under it."""

    path: str
    include: tuple[str, ...] = ("**/*.md",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunking:
    """Windows of `size` tokens of the embedding model that overlap by `overlap` tokens."""

    by: Literal["tokens"] = "tokens"
    size: int = 160
    overlap: int = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A store, and the weights by which dense and BM25 scores are mixed."""

    store: Literal["exact", "pgvector", "qdrant"] = "exact"
    dense: float = 1.0
    bm25: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Documents, how they are cut, and the model whose vectors find them."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    documents: Documents
    written_digest: Digest | None  # what the file says; lint compares it
    digest: Digest  # Merkle root of the documents in the tree
    chunking: Chunking = Chunking()
    embedding: Model
    index: Index = Index()


# -- tool


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRun:
    """A request to an address."""

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    timeout_s: float = 10.0
    headers_env: Mapping[str, str] = field(default_factory=dict)  # header -> environment variable


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonRun:
    """`module:function`, run in a process of its own; `source` is the digest of the module's file."""

    module: str
    function: str
    path: str  # of the module, from the repository's root
    source: Digest
    timeout_s: float = 10.0
    memory_mb: int = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class McpRun:
    """A tool of an MCP server."""

    server: str
    tool: str
    timeout_s: float = 10.0


ToolRun: TypeAlias = HttpRun | PythonRun | McpRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """What a model may call: as the model sees it, and as it is run."""

    ref: str
    location: Location = field(compare=False)
    owner: str = ""
    name: str
    description: str
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None = None
    effect: Literal["read", "write", "destructive"] | None = None
    version: int = 1
    run: ToolRun | None = None


# -- stack

PASSAGES = "passages"  # the variable that takes what is retrieved, unless a stack names another


@dataclass(frozen=True, kw_only=True, slots=True)
class Answerable:
    """Answer `otherwise` where no passage is at least this similar to the query (cosine)."""

    min_similarity: float
    otherwise: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrieval:
    """How a stack uses its corpus: the variable that is the query, and the one that takes passages."""

    corpus: Corpus
    query: str
    top_k: int = 3
    into: str = PASSAGES
    answerable: Answerable | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Guardrails:
    """What is refused before a request is answered, and after."""

    max_input_chars: int | None = None
    block_pii_in_output: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A composition; `generation` is already the prompt's with the stack's own laid over it."""

    ref: str
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    prompt: Prompt
    model: Model
    retrieval: Retrieval | None = None
    tools: tuple[Tool, ...] = ()
    max_steps: int = 3  # of the tool loop
    guardrails: Guardrails = Guardrails()
    generation: Generation = Generation()
    overrides: Generation = Generation()  # what the stack's own file says of it
    serving: Mapping[str, Json] | None = None  # schema-checked; deploy gives it a type of its own

    @property
    def name(self) -> str:
        return self.ref.rsplit("/", 1)[-1]


# -- suite and golden set


@dataclass(frozen=True, kw_only=True, slots=True)
class Assertion:
    """One check on one output. `type` has no `not-` prefix; `negated` says whether it had."""

    type: str
    negated: bool = False
    value: Json = None
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None  # None: the suite's first metric
    transform: str | None = None
    judge: str | None = None  # a name in the suite's `judges`
    config: Mapping[str, Json] = field(default_factory=dict)  # further keys of the assertion
    source: Digest | None = None  # of the code that value or transform name by `file://`
    location: Location = field(compare=False)

    @property
    def written(self) -> str:
        """The type as a file writes it."""
        return f"not-{self.type}" if self.negated else self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class AssertionSet:
    """Assertions that pass together: all of them, or their weighted mean at `threshold`."""

    assertions: tuple[Assertion, ...]
    threshold: float | None = None
    weight: float = 1.0
    metric: str | None = None
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCall:
    """What a tool answers in a case; `arguments` None answers any call of the tool."""

    tool: str
    arguments: Mapping[str, Json] | None = None
    result: Json = None
    error: str | None = None
    location: Location = field(default=Location(""), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One request, and what is expected of its answer."""

    id: str
    derived: bool = False  # whether the id was made from the description or the vars
    vars: Mapping[str, Json]
    assertions: tuple[Assertion | AssertionSet, ...] = ()
    threshold: float | None = None  # of the weighted mean; None: every assertion must pass
    tags: tuple[str, ...] = ()
    group: str | None = None
    repeats: int = 1
    tools: tuple[RecordedCall, ...] = ()
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transform: str | None = None
    description: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    source: Digest | None = None  # of the code that transform names by `file://`
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenSet:
    """Frozen cases; `digest` is over what they ask and assert, not over the file's bytes."""

    path: str
    files: tuple[str, ...] = field(default=(), compare=False)  # further ones that it names
    cases: tuple[Case, ...]
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """A model with the prompt that makes it grade."""

    name: str
    model: Model
    prompt: Prompt | None = None


By: TypeAlias = Literal["value", "bound"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimum:
    """The candidate's mean on `metric` is at least `min`."""

    metric: str
    min: float
    by: By = "value"
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWorseThanBase:
    """The candidate's mean on `metric` is at most `margin` under the base's."""

    metric: str
    margin: float
    by: By = "value"
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MustPass:
    """Cases with one of the tags, or named, pass in every repeat."""

    tags: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaxFlips:
    """At most `count` cases that passed on the base fail now."""

    count: int
    location: Location = field(compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """An upper limit on what answers cost; `increase` is a share of the base's value (0.1: 10 %)."""

    measure: Literal["cost_usd_per_case", "latency_ms", "total_tokens"]
    statistic: Literal["mean", "p50", "p95", "total"]
    max: float | None = None
    increase: float | None = None
    location: Location = field(compare=False)


Requirement: TypeAlias = Minimum | NoWorseThanBase | MustPass | MaxFlips | Budget


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A golden set, the stacks that it judges, and what the gate asks of them."""

    ref: str  # its folder
    location: Location = field(compare=False)
    description: str = ""
    owner: str = ""
    stacks: tuple[Stack, ...]
    golden: GoldenSet
    metrics: tuple[str, ...] = ("answer",)
    judges: Mapping[str, Judge] = field(default_factory=dict)
    gate: tuple[Requirement, ...] = ()
    tools: Literal["recorded", "live"] = "recorded"
    digest: Digest  # of what decides: metrics, judges, policy

    @property
    def name(self) -> str:
        return self.ref.rsplit("/", 1)[-1]


# -- environment, waivers, settings, repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Loaded and checked; deploy gives its parts types of their own."""

    ref: str
    location: Location = field(compare=False)
    target: Literal["kubernetes", "local"] = "local"
    document: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One accepted finding (`rule` and `file`) or broken case (`case` is `suite#id`)."""

    rule: str | None = None
    file: str | None = None
    case: str | None = None
    accept: Literal["broken"] | None = None
    reason: str
    owner: str
    until: date
    location: Location = field(compare=False)

    def is_expired(self, *, today: date) -> bool:
        return today > self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`[tool.tetrad]` of pyproject.toml, or tetrad.toml."""

    lint_select: tuple[str, ...] = ()  # empty: all
    lint_ignore: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """All that the files of one tree say; keys are references, in order."""

    root: Path
    settings: Settings = Settings()
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    corpora: Mapping[str, Corpus] = field(default_factory=dict)
    tools: Mapping[str, Tool] = field(default_factory=dict)
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    suites: Mapping[str, Suite] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
