"""How fast `tetrad lint` is: 2,000 small files beside check-jsonschema, one file beside `python -c pass`.

    python benchmarks/lint.py

Both linters read the same files of a temporary folder in a process of their own, check-jsonschema
against our schemas; the best of three runs counts, each with an empty cache, so that nothing is kept
from the one before. The limits are a ratio of 10 with `--select SCH`,
4 with all rules, and 0.25 s more than `python -c pass` for one file and for `--help`. All run from
bytecode, which pip writes for an installed package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tetrad.identity.lock import dump_lock, lock_of, path_of
from tetrad.loading.repositories import load_repository
from tetrad.schemas.check import schema_of

FAMILIES = 500  # of a prompt, a tool, a stack and a model each
FEW = 10  # of them make the repository in which one file is linted
START_UP_S = 0.25
RUNS = 3
KINDS = ("prompt", "tool", "stack", "model")

PROMPT = """\
kind: prompt
description: Sort a customer's message into one of six queues, number {n}.
owner: "@support"
variables:
  message: {{type: string, trust: untrusted, max_chars: 1000}}
messages:
  - role: system
    content: You sort customer messages into queues. Answer with the name of one queue.
  - role: user
    content: |
      <message>
      {{{{ message }}}}
      </message>
output: {{format: text, enum: [billing, delivery, returns, account, product, other]}}
generation: {{temperature: 0, max_tokens: 8, seed: 7}}
"""
TOOL = """\
kind: tool
name: order_status_{n}
description: Look up the state of an order by its id.
input_schema:
  type: object
  properties:
    order_id: {{type: string, description: The order's id., pattern: "^[A-Z]-[0-9]{{4}}$"}}
  required: [order_id]
  additionalProperties: false
effect: read
run: {{http: "https://orders.internal/status", method: GET, timeout_s: 5}}
version: 3
"""
STACK = """\
kind: stack
description: Sorts messages, number {n}.
prompt: prompts/triage-{n:04}
model: stacks/models/model-{n:04}
tools: [stacks/tools/order-status-{n:04}]
tool_loop: {{max_steps: 3}}
guardrails: {{max_input_chars: 4000}}
"""
MODEL = """\
kind: model
source: vendor://openai/gpt-4o-2024-08-06
engine: {{openai: {{model: gpt-4o-2024-08-06, base_url_env: LLM_URL, api_key_env: LLM_KEY_{n}}}}}
context_window: 128000
license: proprietary
prices: {{input: 0.15, output: 0.60}}
"""


def write_repository(root: Path, families: int) -> list[Path]:
    files: list[Path] = []
    for n in range(families):
        texts = {
            f"prompts/triage-{n:04}.yaml": PROMPT,
            f"stacks/tools/order-status-{n:04}.yaml": TOOL,
            f"stacks/triage-{n:04}.yaml": STACK,
            f"stacks/models/model-{n:04}.yaml": MODEL,
        }
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(n=n), encoding="utf-8")
            files.append(path)
    for stack in load_repository(root).stacks.values():
        (root / path_of(stack)).write_text(dump_lock(lock_of(stack, ())), encoding="utf-8")
    return files


def write_schema(path: Path) -> None:
    """One schema of all kinds, so that check-jsonschema starts once."""
    schemas = {kind: schema_of(kind) for kind in KINDS}
    branches = [
        {"if": {"properties": {"kind": {"const": kind}}}, "then": {"$ref": schema["$id"]}}
        for kind, schema in schemas.items()
    ]
    dialect = "https://json-schema.org/draft/2020-12/schema"
    path.write_text(json.dumps({"$schema": dialect, "$defs": schemas, "allOf": branches}))


def seconds(command: list[str]) -> float:
    """Best time of a command that must succeed, each run with an empty cache."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    times: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as cache:
            own = {**environment, "TETRAD_CACHE": cache}
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=own)
            times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "repository").resolve()
        files = [str(file) for file in write_repository(root, FAMILIES)]
        small = Path(folder, "small").resolve()
        few = write_repository(small, FEW)
        schema = Path(folder, "schema.json")
        write_schema(schema)
        lint = [python, "-m", "tetrad", "-C", str(root), "lint"]
        peer = seconds([python, "-m", "check_jsonschema", "--schemafile", str(schema), *files])
        schema_rules = seconds([*lint, "--select", "SCH"])
        all_rules = seconds(lint)
        one = seconds([python, "-m", "tetrad", "-C", str(small), "lint", str(few[0])])
        usage = seconds([python, "-m", "tetrad", "--help"])
        nothing = seconds([python, "-c", "pass"])
    rows = (
        (f"--select SCH, {len(files):,} files", schema_rules, peer / schema_rules, 10.0),
        (f"all rules, {len(files):,} files", all_rules, peer / all_rules, 4.0),
    )
    print(f"check-jsonschema, {len(files):,} files: {peer:.2f} s")
    for what, took, ratio, limit in rows:
        print(f"tetrad lint {what}: {took:.2f} s, {ratio:.1f} times as fast (at least {limit:.0f})")
    starts = (("lint of one file", one - nothing), ("--help", usage - nothing))
    for what, more in starts:
        print(f"tetrad {what}: {more:.3f} s more than python -c pass (at most {START_UP_S:.3f})")
    met = all(ratio >= limit for _, _, ratio, limit in rows)
    met = met and all(more <= START_UP_S for _, more in starts)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
