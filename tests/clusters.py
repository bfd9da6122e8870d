"""A repository whose stacks are served in Kubernetes, and what is desired of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pointing import pointer

import tetrad
from desired import Desired, Merged, desired
from gathered import read_alerts
from tetrad.evidence import Unmet
from tetrad.identity import read_identity
from tetrad.pointer import (
    Deployers,
    ServedIdentity,
    StackPointer,
    Withdrawal,
    seal_pointer,
)
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import open_ledger
from tetrad.snapshots.keeping import keep

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ENVIRONMENT = "infra/environments/production.yaml"
ALERTS = read_alerts(Path(__file__).parents[1])  # this repository's own


def image(name: str) -> str:
    """An image by a digest of its own."""
    return f"registry.example/{name}@sha256:{name.encode().hex():0<64.64}"


def sha256(name: str) -> str:
    return image(name).partition("@")[2]


VLLM = {"vllm": {"image": image("vllm"), "dtype": "bfloat16", "max_model_len": 8192}}
SMALL: dict[str, Any] = {
    "kubernetes": {
        "context": "prod",
        "namespace": "llm",
        "registry": "registry/url",
        "gateways": {"0.1.0": {"image": image("gateway")}},
    },
    "models": {"stacks/models/large": {"weights": {"claim": "weights", "folder": "large"}}},
}
FULL: dict[str, Any] = {
    "kubernetes": {
        "context": "prod",
        "namespace": "llm",
        "gateway": "ingress/public",
        "hostnames": ["llm.example.com"],
        "deployer": "system:serviceaccount:argocd:deployer",
        "registry": "registry/url",
        "gateways": {
            "0.1.0": {"image": image("gateway"), "replicas": {"max": 6}, "weight": 9},
            "0.2.0": {"image": image("newer"), "resources": {"cpu": 0.5, "memory": "2Gi"}},
        },
        "vector_store": {"image": image("pgvector"), "password": "vectors/password"},
        "monitoring": {
            "namespace": "monitoring",
            "prometheus": "http://prometheus.monitoring:9090",
            "collector": image("collector"),
            "traces": "tempo.monitoring:4317",
        },
        "runners": {
            "image": image("runner"),
            "token": "forge/token",
            "url": "https://forge.example/acme/desk",
            "egress": ["192.0.2.0/24"],
            "resources": {"nvidia.com/gpu": 1},
        },
        "usd_per_hour": {"nvidia.com/gpu": 2.0},
    },
    "retain": {"identities": 1, "model_server_hours": 24},
    "models": {
        "stacks/models/large": {
            "weights": {"claim": "weights", "folder": "large"},
            "replicas": {"min": 2, "max": 4},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
            "node_selector": {"pool": "h200"},
            "runtime_class": "nvidia",
        },
        "stacks/models/slice": {},
        "stacks/models/other": {
            "weights": {"claim": "weights", "folder": "other"},
            "server": {
                "image": image("sglang"),
                "args": ["--model-path", "{weights}", "--served-model-name", "{model}"],
                "health": "/healthz",
                "port": 30000,
            },
        },
        "stacks/models/vendor": {"secrets": {"LLM_KEY": "vendor/key"}},
    },
}
MODELS: dict[str, dict[str, Any]] = {
    "large": {
        "source": f"hf://acme/large@{'1' * 40}",
        "files": {"model.safetensors": sha256("weights"), "config.json": sha256("config")},
        "engine": VLLM,
        "resources": {"nvidia.com/gpu": 2, "cpu": 7.5, "memory": "64Gi"},
        "load_seconds": 240,
    },
    "slice": {
        "source": f"oci://{image('slice')}",
        "files": {"model.safetensors": sha256("slice")},
        "engine": VLLM,
        "resources": {"nvidia.com/mig-1g.10gb": 1},
        "adapters": [
            {
                "source": f"oci://{image('adapter')}",
                "files": {"adapter_model.safetensors": sha256("adapter")},
                "base_model": "acme/slice",
            }
        ],
    },
    "other": {
        "source": f"hf://acme/other@{'2' * 40}",
        "files": {"model.safetensors": sha256("other")},
        "engine": {"openai": {"model": "other", "base_url_env": "OTHER_URL"}},
    },
    "vendor": {
        "source": "vendor://acme/vendor-2026-01-01",
        "engine": {"openai": {"model": "vendor-2026-01-01", "api_key_env": "LLM_KEY"}},
    },
    "embedding": {
        "source": "pypi://embedding==0.1.0",
        "files": {"model.safetensors": sha256("embedding")},
        "engine": {"torch": {}},
    },
}


def write(root: Path, path: str, document: object) -> None:
    """A YAML file."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def ask(root: Path, words: str) -> None:
    """The prompt of every stack."""
    prompt = {"kind": "prompt", "variables": {"question": {"max_chars": 400}}}
    asked = [{"role": "user", "content": f"{words} {{{{ question }}}}".strip()}]
    write(root, "prompts/ask.yaml", {**prompt, "messages": asked})


def clustered(
    root: Path,
    environment: dict[str, Any],
    models: Iterable[str] = ("large",),
    *,
    searching: bool = False,
    **changes: Any,
) -> Path:
    """A repository with a stack for each model, named after it; all serve production."""
    for name in (*models, *(["embedding"] if searching else [])):
        write(root, f"stacks/models/{name}.yaml", {"kind": "model", **MODELS[name], **changes})
    ask(root, "")
    serving = {"serving": {"environments": ["production"]}}
    for name in models:
        stack = {"kind": "stack", "prompt": "prompts/ask", "model": f"stacks/models/{name}"}
        write(root, f"stacks/{name}.yaml", {**stack, **serving})
    if searching:
        _add_search(root, serving)
    hosted = {
        ref: m for ref, m in environment.get("models", {}).items() if Path(ref).name in models
    }
    document = {"kind": "environment", "target": "kubernetes", **environment, "models": hosted}
    write(root, ENVIRONMENT, document)
    return root


def _add_search(root: Path, serving: dict[str, Any]) -> None:
    (root / "stacks/corpora/handbook").mkdir(parents=True)
    (root / "stacks/corpora/handbook/lunch.md").write_text("Lunch is at noon.\n")
    corpus = {
        "kind": "corpus",
        "documents": {"path": "stacks/corpora/handbook"},
        "digest": sha256("corpus"),
        "embedding": "stacks/models/embedding",
        "index": {"store": "pgvector"},
    }
    write(root, "stacks/corpora/handbook.yaml", corpus)
    said = [{"role": "user", "content": "{{ passages }} {{ question }}"}]
    variables = {"question": {"max_chars": 400}, "passages": {"type": "array", "trust": "trusted"}}
    write(root, "prompts/search.yaml", {"kind": "prompt", "variables": variables, "messages": said})
    stack = {
        "kind": "stack",
        "prompt": "prompts/search",
        "model": "stacks/models/large",
        "corpus": {"use": "stacks/corpora/handbook", "query": "question"},
    }
    write(root, "stacks/search.yaml", {**stack, **serving})


def merged_of(root: Path, **verified: Any) -> list[Merged]:
    """The stacks of a repository, each proven unless it is said otherwise."""
    repository = tetrad.load_repository(root)
    stacks = list(repository.stacks.values())
    return [
        Merged(
            stack=stack,
            snapshot=snapshot,
            verification=tetrad.Verification(
                identity=read_identity(tetrad.identity_of(stack)),
                environment="production",
                **{"proven": True, "admitted": False, **verified},
            ),
        )
        for stack, snapshot in zip(stacks, tetrad.snapshots_of(repository, stacks), strict=True)
    ]


def unproven(message: str) -> dict[str, Any]:
    return {"proven": False, "unmet": (Unmet(clause="evidence", message=message),)}


def desired_of(
    root: Path, retained: Iterable[tetrad.Retained] = (), merged: list[Merged] | None = None
) -> Desired:
    repository = tetrad.load_repository(root)
    return desired(
        tetrad.environment_of(repository, "production"),
        merged_of(root) if merged is None else merged,
        list(retained),
        now=NOW,
        alerts=ALERTS,
    )


def point_at(root: Path, *withdrawn: str, number: int = 1) -> tetrad.Environment:
    """Let the pointer of production name the stacks as they are, kept in the registry."""
    left = tuple(
        Withdrawal(identity=read_identity(one), at=NOW, by="deploy", reason="rude", commit="c" * 40)
        for one in withdrawn
    )
    repository = tetrad.load_repository(root)
    environment = tetrad.environment_of(repository, "production")
    place = root / ".tetrad/registry.db"
    stacks = {}
    with open_ledger(place) as ledger:
        for stack in repository.stacks.values():
            (taken,) = tetrad.snapshots_of(repository, [stack])
            keep(ledger, taken)
            live = ServedIdentity(
                identity=taken.identity, snapshot=taken.digest, commit="c" * 40, since=NOW
            )
            stacks[stack.ref] = StackPointer(
                stack=stack.ref, live=live, serving=stack.serving, withdrawn=left
            )
    with PointerStore(place, Deployers.of(environment)) as store:
        store.append(seal_pointer(pointer(number, stacks=stacks)))
    return environment


EVERY = ("large", "slice", "other", "vendor")
EXAMPLES = {
    "small": (SMALL, ("large",), False),
    "full": (FULL, EVERY, True),
}


def example(root: Path, name: str) -> Desired:
    """What is desired of an example, whose repository is written first."""
    environment, models, searching = EXAMPLES[name]
    return desired_of(clustered(root, environment, models, searching=searching))
