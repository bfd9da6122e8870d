"""Which model servers are to run: one per digest, shared by every identity that uses the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import tetrad
from digests import short
from quantities import amount_of, quantity

_LOAD_S = 600.0  # where a model does not say how long its server takes to load it
_BESIDES_S = 300.0  # to place a pod and pull its image


@dataclass(frozen=True, kw_only=True)
class PinnedFiles:
    """Files of a model or an adapter: their digests, and where they are mounted from."""

    digests: Mapping[str, str]  # by path
    image: str | None  # an OCI artifact, by digest; None: a volume of the environment's

    @classmethod
    def of(cls, part: tetrad.Model | tetrad.Adapter) -> PinnedFiles:
        uri = part.source.uri
        return cls(
            digests={path: str(digest) for path, digest in sorted(part.files.items())},
            image=uri.removeprefix("oci://") if part.source.scheme == "oci" else None,
        )


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """An OpenAI-compatible server of one model."""

    digest: str
    ref: str
    served_name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    health: str
    port: int
    is_vllm: bool
    resources: Mapping[str, str]
    weights: PinnedFiles
    adapter: PinnedFiles | None  # of LoRA, which answers in the place of the model that it adapts
    hosting: tetrad.ModelHosting
    load_s: float
    timeout_s: float

    @property
    def short(self) -> str:
        return short(self.digest)

    @property
    def name(self) -> str:
        return server_name(self.short)

    @property
    def starts_within_s(self) -> float:
        """A pod, from when it is made. To verify weights is to read all that loading reads, before it
        begins, and a core digests no more than about 0.5 GB/s.
        """
        readings = 2 if self.weights.digests else 1
        return 2 * readings * self.load_s + _BESIDES_S

    @property
    def images(self) -> tuple[str, ...]:
        held = (self.weights, self.adapter)
        return (self.image, *(files.image for files in held if files and files.image))


def server_name(short: str) -> str:
    """Of the server of a model, by the first digits of its digest."""
    return f"model-{short}"


def model_servers(
    environment: tetrad.Environment,
    stacks: Iterable[tetrad.Stack],
    cluster: tetrad.Cluster,
    problem: Callable[[str], None],
) -> tuple[ModelServerArgs, ...]:
    """The servers that the stacks need, by digest. What the first of them says of a model counts."""
    found: dict[str, ModelServerArgs] = {}
    for stack in stacks:
        for model in stack.models:
            digest = tetrad.model_digest(model)
            hosting = environment.models.get(model.ref, tetrad.ModelHosting())
            if digest in found or not _is_hosted(model, hosting):
                continue
            args = _server(model, digest, hosting)
            for why in (*_problems(args, cluster), *_adapter_problems(model)):
                problem(f"models.{model.ref}{why}")
            found[digest] = args
    return tuple(found[digest] for digest in sorted(found))


def _is_hosted(model: tetrad.Model, hosting: tetrad.ModelHosting) -> bool:
    """Whether a server of its own answers: not this process, and no vendor."""
    return isinstance(model.engine, tetrad.VllmEngine) or (
        isinstance(model.engine, tetrad.OpenAIEngine) and hosting.server is not None
    )


def _server(model: tetrad.Model, digest: str, hosting: tetrad.ModelHosting) -> ModelServerArgs:
    engine = model.engine
    assert isinstance(engine, tetrad.VllmEngine | tetrad.OpenAIEngine)  # noqa: S101 - hosted ones are
    # The gateway takes a name with the digest in it as proof of which weights answer.
    served = (
        f"{model.name}-{short(digest)}" if isinstance(engine, tetrad.VllmEngine) else engine.model
    )
    resources = {name: quantity(amount) for name, amount in sorted(model.resources.items())}
    if isinstance(engine, tetrad.VllmEngine):
        image, health, port = engine.image, "/health", 8000
        args = _vllm_args(model, engine, served, resources)
    else:
        server = hosting.server
        assert server is not None  # noqa: S101 - or no server of its own answers
        image, health, port = server.image, server.health, server.port
        args = _filled(server.args, served)
    return ModelServerArgs(
        digest=digest,
        ref=model.ref,
        served_name=served,
        image=image,
        command=("vllm", "serve") if isinstance(engine, tetrad.VllmEngine) else (),
        args=args,
        health=health,
        port=port,
        is_vllm=isinstance(engine, tetrad.VllmEngine),
        resources=resources,
        weights=PinnedFiles.of(model),
        adapter=PinnedFiles.of(model.adapters[0]) if model.adapters else None,
        hosting=hosting,
        load_s=_LOAD_S if model.load_seconds is None else model.load_seconds,
        timeout_s=engine.timeout_s,
    )


def _vllm_args(
    model: tetrad.Model, engine: tetrad.VllmEngine, served: str, resources: Mapping[str, str]
) -> tuple[str, ...]:
    gpus = int(amount_of(resources.get("nvidia.com/gpu", "1")))
    safetensors = all(path.endswith((".safetensors", ".json", ".txt")) for path in model.files)
    options = {
        "--served-model-name": "base" if model.adapters else served,
        "--port": "8000",
        "--dtype": engine.dtype,
        "--max-model-len": engine.max_model_len,
        "--quantization": engine.quantization,
        "--load-format": "safetensors" if model.files and safetensors else None,
        "--tensor-parallel-size": str(gpus) if gpus > 1 else None,
    }
    given = [part for name, value in options.items() if value for part in (name, str(value))]
    if model.adapters:
        given += ["--enable-lora", "--max-lora-rank", "64", "--lora-modules", f"{served}=/adapter"]
    return ("/weights", *given)


def _filled(args: Iterable[str], served: str) -> tuple[str, ...]:
    return tuple(arg.replace("{model}", served).replace("{weights}", "/weights") for arg in args)


def _problems(args: ModelServerArgs, cluster: tetrad.Cluster) -> Iterable[str]:
    hosting = args.hosting
    is_given = args.weights.image is not None or hosting.weights is not None
    if not is_given and (args.is_vllm or args.weights.digests):
        yield ".weights is missing: name the claim that holds the model's files"
    if hosting.server is not None and args.is_vllm:
        yield ".server is given, and the model's engine is vllm: its image is there"
    if not hosting.replicas.is_autoscaled:
        return
    if not args.is_vllm:
        yield ".replicas: only vLLM tells how many requests wait: write max equal to min"
    elif hosting.replicas.min == 0:
        yield ".replicas.min is 0: a server that does not run tells of no waiting request: write 1"
    elif cluster.monitoring is None or cluster.monitoring.prometheus is None:
        yield ".replicas: autoscaling asks kubernetes.monitoring.prometheus, which is missing"


def _adapter_problems(model: tetrad.Model) -> Iterable[str]:
    if len(model.adapters) > 1:
        yield ": several adapters: a server answers as one of them"
    if any(adapter.source.scheme != "oci" for adapter in model.adapters):
        yield ": an adapter is mounted as an image: its source is to be oci://"
