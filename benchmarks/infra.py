"""How long the infrastructure of many stacks takes to render, and to change by one prompt.

    python benchmarks/infra.py [--stacks 100]

Each model serves ten stacks. `tetrad render` is run on an empty folder, and again after an edit of one
prompt; it is held by its processor time, which a neighbour on the cores lengthens little; the clock's
stands beside it. The same is measured at a tenth of the size: `growth` is the exponent, 1 where the time
grows with the stacks.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from commands import Cost, cost_of

LIMIT_S = 5.0  # of a change by one prompt
GROWTH = 1.2
RUNS = 3
STACKS_OF_A_MODEL = 10
_INFRA = Path(__file__).resolve().parents[1] / "infra"
_PINNED = "sha256:" + "1f" * 32


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=100)
    stacks = parser.parse_args().stacks
    small, large = (measured(count) for count in (stacks // 10, stacks))
    missed = 0
    for what, took in large.items():
        ratio = took.cpu / small[what].cpu
        growth = math.log10(ratio)
        held = what == "one prompt"
        fails = growth > GROWTH or (held and took.cpu > LIMIT_S)
        missed += fails
        limit = f" (at most {LIMIT_S:g} s)" if held else ""
        print(
            f"{what}: {took.cpu:.2f} s{limit} for {stacks} stacks, {took.wall:.2f} s by the clock;"
            f" {small[what].cpu:.2f} s for {stacks // 10}; grows {ratio:.1f} times,"
            f" growth {growth:.2f} (at most {GROWTH}){' MISSED' if fails else ''}"
        )
    return int(missed > 0)


def measured(stacks: int) -> dict[str, Cost]:
    """Medians."""
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "repository", Path(folder) / "out"
        write_repository(root, stacks)
        rendering = ("render", "production", "-o", str(out))
        times: dict[str, list[Cost]] = {"render": [], "one prompt": []}
        for run in range(RUNS):
            shutil.rmtree(out, ignore_errors=True)
            times["render"].append(cost_of(root, *rendering, environment={}))
            write_prompt(root, 0, f"Please, for the time {run}:")
            times["one prompt"].append(cost_of(root, *rendering, environment={}))
    return {
        what: Cost(*(statistics.median(taken) for taken in zip(*costs, strict=True)))
        for what, costs in times.items()
    }


def write_repository(root: Path, stacks: int) -> None:
    shutil.copytree(_INFRA, root / "infra", ignore=shutil.ignore_patterns("environments", "__py*"))
    (root / ".git").mkdir()
    models = [f"stacks/models/model-{n}" for n in range(-(-stacks // STACKS_OF_A_MODEL))]
    for number, model in enumerate(models):
        write(root, f"{model}.yaml", _model(number))
    for number in range(stacks):
        write_prompt(root, number, "")
        stack = {"kind": "stack", "prompt": f"prompts/p{number}"}
        stack["model"] = models[number // STACKS_OF_A_MODEL]
        serving = {"serving": {"environments": ["production"]}}
        write(root, f"stacks/s{number}.yaml", {**stack, **serving})
    write(root, "infra/environments/production.yaml", _environment(models))


def write_prompt(root: Path, number: int, words: str) -> None:
    said = [{"role": "user", "content": f"{words} of {number}: {{{{ question }}}}"}]
    variables = {"question": {"max_chars": 400}}
    document = {"kind": "prompt", "variables": variables, "messages": said}
    write(root, f"prompts/p{number}.yaml", document)


def write(root: Path, path: str, document: dict[str, Any]) -> None:
    """Each key a line, with its value as JSON, which is YAML."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{key}: {json.dumps(value)}\n" for key, value in document.items())
    file.write_text("".join(lines))


def _model(number: int) -> dict[str, Any]:
    return {
        "kind": "model",
        "source": f"hf://acme/model-{number}@{'1' * 40}",
        "files": {"model.safetensors": f"sha256:{number:064x}"},
        "engine": {"vllm": {"image": f"vllm/vllm-openai@{_PINNED}"}},
        "resources": {"nvidia.com/gpu": 1},
    }


def _environment(models: list[str]) -> dict[str, Any]:
    cluster = {"context": "prod", "namespace": "llm", "registry": "registry/url"}
    gateways = {"0.1.0": {"image": f"registry.example/gateway@{_PINNED}"}}
    return {
        "kind": "environment",
        "target": "kubernetes",
        "kubernetes": {**cluster, "gateways": gateways},
        "models": {model: {"weights": {"claim": "weights", "folder": model}} for model in models},
    }


if __name__ == "__main__":
    raise SystemExit(main())
