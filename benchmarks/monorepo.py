"""How fast the commands of every day are in a large repository, cold and warm.

    python benchmarks/monorepo.py [--stacks 1000]

A repository of 1,000 stacks has 10,000 prompts and 1,000 suites of 20 cases; most stacks share a
few models. `cold` begins with an empty cache, `warm` follows a run on the same files, `edited` one
edit of a prompt. Each command is a process of its own, and the median of three runs counts.

The limits are for two idle cores. A command that one process does is held by its processor time,
which a neighbour on the cores lengthens little. `lint` of a cold cache is done by several processes,
so the time by the clock counts, which needs idle cores: how loaded they were is printed. Both times
stand beside each other. The same is measured at a tenth of the size: `growth` is the exponent of the
processor time, 1 where it grows with the repository.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from commands import Cost, cost_of

PROMPTS = 10  # a stack
CASES = 20  # a suite
MODELS = 20
CORPORA = 10  # one for so many stacks
GROWTH = 1.15  # start-up makes it less than 1, a larger tree is colder to the processor's cache
RUNS = 3

_PROMPT = """\
kind: prompt
description: Answers customers of branch {n}, variant {m}.
owner: "@support"
variables:
  message: {{type: string, max_chars: 1000, trust: untrusted}}
  branch: {{type: string, trust: trusted, default: branch {n}}}
messages:
  - role: system
    content: |
      You answer customers of {{{{ branch }}}}. Be brief and friendly, and never promise a refund.
      Variant {m} of branch {n}.
  - role: user
    content: |
      {shown}<message>
      {{{{ message }}}}
      </message>
generation: {{temperature: 0, max_tokens: 64, seed: 7}}
"""
_SHOWN = "<rules>{% for passage in passages %}{{ passage.text }}{% endfor %}</rules>"
_EXTENDED = """\
kind: prompt
description: As variant 1 of branch {n}, in fewer words.
owner: "@support"
extends: prompts/branch-{n}/variant-1
generation: {{temperature: 0, max_tokens: 16, seed: 7}}
"""
_STACK = """\
kind: stack
description: Branch {n}.
owner: "@support"
prompt: prompts/branch-{n}/variant-0
model: stacks/models/model-{model}
{corpus}guardrails: {{max_input_chars: 2000}}
"""
_MODEL = """\
kind: model
source: vendor://openai/gpt-4o-2024-08-06
engine: {{openai: {{model: gpt-4o-2024-08-06, base_url_env: LLM_URL, api_key_env: KEY_{n}}}}}
context_window: 128000
prices: {{input: 0.15, output: 0.60}}
"""
_EMBEDDER = """\
kind: model
source: hf://sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41
engine: {torch: {}}
"""
_CORPUS = """\
kind: corpus
documents: {{path: stacks/corpora/house-{n}}}
chunking: {{by: tokens, size: 100}}
embedding: stacks/models/embedder
index: {{store: exact, hybrid: {{dense: 0.0, bm25: 1.0}}}}
"""
_SUITE = """\
kind: suite
description: Does branch {n} answer as it should?
owner: "@support"
stacks: [stacks/branch-{n}]
golden: ./golden.yaml
metrics: [answer]
gate:
  - {{metric: answer, min: 0.8}}
  - {{max_flips: 3}}
"""
_CASE = """\
- id: case-{m}
  vars:
    message: Parcel {m} of branch {n} has not come; where is order {order} now?
  assert:
    - {{type: contains, value: order {order}}}
    - {{type: not-contains, value: refund}}
  tags: [core]
"""


class Limit(NamedTuple):
    """A command, and the seconds that it may take with 1,000 stacks."""

    name: str
    command: Sequence[str]
    seconds: float
    is_shared: bool = False  # by several processes

    def counted(self, cost: Cost) -> float:
        return cost.wall if self.is_shared else cost.cpu


LIMITS = (
    Limit("lint cold", ("lint",), 8.0, is_shared=True),
    Limit("lint warm", ("lint",), 2.0),
    Limit("lint edited", ("lint",), 2.0),
    Limit("plan edited", ("plan", "--base", "main"), 1.5),
    Limit("lock --check cold", ("lock", "--check"), 8.0),
    Limit("lock --check warm", ("lock", "--check"), 1.0),
    Limit("show", ("show", "stacks/branch-7"), 0.5),
)


def write_repository(root: Path, stacks: int) -> None:
    """Lay the repository down, with its locks, committed on the branch main."""
    for path, text in _texts(stacks):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    _tetrad(root, "lock")
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*identity, "commit", "-qm", "all"),
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)


def _texts(stacks: int) -> list[tuple[str, str]]:
    texts = [(f"stacks/models/model-{n}.yaml", _MODEL.format(n=n)) for n in range(MODELS)]
    texts.append(("stacks/models/embedder.yaml", _EMBEDDER))
    for n in range(0, stacks, CORPORA):
        texts.append((f"stacks/corpora/house-{n}.yaml", _CORPUS.format(n=n)))
        texts += [
            (f"stacks/corpora/house-{n}/rule-{m}.md", f"# Rule {m}\n\nHouse {n} opens at {m}.\n")
            for m in range(CASES)
        ]
    for n in range(stacks):
        retrieves = n % CORPORA == 0
        texts += [
            (f"prompts/branch-{n}/variant-{m}.yaml", _prompt(n, m, retrieves=retrieves and m == 0))
            for m in range(PROMPTS)
        ]
        corpus = f"corpus: {{use: stacks/corpora/house-{n}, query: message}}\n" if retrieves else ""
        stack = _STACK.format(n=n, model=n % MODELS, corpus=corpus)
        cases = "".join(_CASE.format(n=n, m=m, order=n * CASES + m) for m in range(CASES))
        texts += [
            (f"stacks/branch-{n}.yaml", stack),
            (f"evals/branch-{n}/suite.yaml", _SUITE.format(n=n)),
            (f"evals/branch-{n}/golden.yaml", cases),
        ]
    return texts


def _prompt(n: int, m: int, *, retrieves: bool) -> str:
    if m == 2:
        return _EXTENDED.format(n=n)
    return _PROMPT.format(n=n, m=m, shown=f"{_SHOWN}\n      " if retrieves else "")


def _tetrad(root: Path, *arguments: str) -> Cost:
    return cost_of(root, *arguments, environment={"TETRAD_CACHE": str(root.parent / "cache")})


def measure(root: Path, only: Sequence[str]) -> Mapping[str, Cost]:
    """The median cost of each command, in the state that its name says."""
    costs: dict[str, Cost] = {}
    edits = 0
    for limit in LIMITS:
        if only and not any(limit.name.startswith(name) for name in only):
            continue
        found: list[Cost] = []
        for _ in range(RUNS):
            if limit.name.endswith("cold"):
                _forget(root.parent / "cache")
            elif limit.name.endswith("edited"):
                edits += 1
                _edit(root / "prompts/branch-7/variant-0.yaml", edits)
                _tetrad(root, "lock")  # its lock moves with it
            elif not found:
                _tetrad(root, *limit.command)
            found.append(_tetrad(root, *limit.command))
        costs[limit.name] = Cost(*(statistics.median(each) for each in zip(*found, strict=True)))
    return costs


def _forget(cache: Path) -> None:
    subprocess.run(["rm", "-rf", str(cache)], check=True)


def _edit(prompt: Path, number: int) -> None:
    text = prompt.read_text(encoding="utf-8").partition("# edit")[0]
    changed = text.replace("Be brief and friendly", f"Be brief, friendly and {number} times polite")
    prompt.write_text(f"{changed}# edit {number}\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="a repository of many stacks")
    parser.add_argument("--stacks", type=int, default=1000)
    parser.add_argument("only", nargs="*", help="beginnings of what is measured (default: all)")
    args = parser.parse_args()
    measured, before = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        for stacks in (args.stacks // 10, args.stacks):
            root = Path(folder, str(stacks), "repository").resolve()
            write_repository(root, stacks)
            measured.append(measure(root, args.only))
    small, large = measured
    held = True
    for limit in LIMITS:
        if limit.name not in large:
            continue
        cost, seconds = large[limit.name], limit.seconds * args.stacks / 1000
        growth = math.log10(cost.cpu / small[limit.name].cpu)
        is_held = limit.counted(cost) <= seconds and growth <= GROWTH
        held = held and is_held
        which = "the clock" if limit.is_shared else "processor time"
        print(
            f"{limit.name}: {cost.wall:.2f} s by the clock, {cost.cpu:.2f} s of processor time; "
            f"{limit.counted(cost) / seconds:.2f} of the limit of {seconds:g} s by {which}; "
            f"growth {growth:.2f} (at most {GROWTH}): {'held' if is_held else 'MISSED'}"
        )
    print(
        f"load before and after: {before:.2f}, {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
