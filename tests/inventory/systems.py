"""A stack with everything that a bill of materials and a card can speak of."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "prompts/desk.yaml": """\
kind: prompt
description: Answer at the desk.
owner: "@desk"
variables:
  question: {type: string, trust: untrusted, max_chars: 500, description: What is asked.}
  tone: {type: string, trust: trusted, enum: [kind, brief], required: false, default: kind}
  passages: {type: array, trust: untrusted}
messages:
  - {role: system, content: "{% include 'parts/rules.md' %}"}
  - {role: user, content: "<q>{{ question }}</q> {{ tone }} {{ passages | join }}"}
examples:
  from: ./shots.jsonl
  select: {nearest: 1, by: question, embedding: stacks/models/embedder}
output: {format: json, schema: {type: object}}
generation: {temperature: 0, max_tokens: 40}
""",
    "prompts/parts/rules.md": "Be brief.\n",
    "prompts/shots.jsonl": '{"vars": {"question": "a", "passages": []}, "output": "{}"}\n',
    "stacks/models/embedder.yaml": """\
kind: model
source: hf://org/embedder@0123456789abcdef0123456789abcdef01234567
files:
  model.safetensors: "sha256:1111111111111111111111111111111111111111111111111111111111111111"
  tokenizer.json: "sha256:2222222222222222222222222222222222222222222222222222222222222222"
engine: {torch: {dtype: float32}}
license: mit
""",
    "stacks/models/large.yaml": """\
kind: model
description: A large model.
owner: "@platform"
source: hf://Org/Large-8B@0123456789abcdef0123456789abcdef01234567
files: {m.safetensors: "sha256:3333333333333333333333333333333333333333333333333333333333333333"}
engine: {vllm: {image: "ghcr.io/vllm/vllm-openai@sha256:4444444444444444444444444444444444444444444444444444444444444444"}}
context_window: 8192
license: Community License 1.0
adapters:
  - source: oci://ghcr.io/team/adapter@sha256:5555555555555555555555555555555555555555555555555555555555555555
    files: {a.safetensors: "sha256:6666666666666666666666666666666666666666666666666666666666666666"}
    base_model: Org/Large-8B
    training_data: "sha256:7777777777777777777777777777777777777777777777777777777777777777"
card:
  intended_use: [Answering questions., Sorting requests.]
  limits: It makes things up.
  carbon: {kg: 12.0}
""",
    "stacks/models/judge.yaml": """\
kind: model
source: vendor://openai/gpt-x-2026-08-01
engine: {openai: {model: gpt-x-2026-08-01}}
""",
    "stacks/corpora/book.yaml": """\
kind: corpus
description: The book.
owner: "@people"
documents: {path: stacks/corpora/book, include: ["*.md"]}
chunking: {size: 30, overlap: 0}
embedding: stacks/models/embedder
""",
    "stacks/corpora/book/a.md": "A.\n",
    "stacks/corpora/book/b.md": "B.\n",
    "stacks/tools/clock.py": "from stacks.tools import zones\ndef now(): return {}\n",
    "stacks/tools/zones.py": "",
    "stacks/tools/clock.yaml": """\
kind: tool
name: now
description: Tell the time.
input_schema: {type: object, additionalProperties: false}
effect: read
run: {python: "stacks.tools.clock:now"}
version: 2
""",
    "stacks/tools/orders.yaml": """\
kind: tool
owner: "@orders"
name: cancel
description: Cancel an order.
input_schema: {type: object, additionalProperties: false}
effect: destructive
run: {http: "https://orders.example/a b?x={y}", headers_env: {Authorization: ORDERS_KEY}}
version: 1
""",
    "stacks/desk.yaml": """\
kind: stack
description: Answers at the desk.
owner: "@desk"
prompt: prompts/desk
model: stacks/models/large
corpus:
  use: stacks/corpora/book
  query: question
  top_k: 2
  answerable: {min_similarity: 0.4, otherwise: I do not know.}
tools: [stacks/tools/clock, stacks/tools/orders]
guardrails: {max_input_chars: 400, block_pii_in_output: true}
generation: {max_tokens: 48}
serving:
  environments: [staging, production]
  budget: {usd_per_day: 20, requests_per_minute: 60}
  fallback: previous
""",
    "evals/desk/suite.yaml": """\
kind: suite
description: Are the answers right?
owner: "@desk"
stacks: [stacks/desk]
golden: golden.yaml
judges: {default: {model: stacks/models/judge}}
gate:
  - {metric: answer, min: 0.8}
  - {max_flips: 2}
""",
    "evals/desk/golden.yaml": """\
- id: one
  vars: {question: "What time is it?"}
  assert: [{type: llm-rubric, value: tells the time}]
- id: two
  vars: {question: "Cancel it."}
  assert: [{type: contains, value: cancelled}]
""",
}


def write_system(root: Path) -> Path:
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


# What strangers write, wherever a file of ours takes a text.
HOSTILE = "\\u001b]0;title\\u0007<img src=x onerror=a()> [link](javascript:a) @all \\u202e ```\\n::error::x ##[group]"
