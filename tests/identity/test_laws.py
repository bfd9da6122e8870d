"""What moves an identity, and what does not."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from identity.conftest import FORMATS

from tetrad.canonical import Json
from tetrad.identity import identity_of
from tetrad.identity.behaviour import behaviour
from tetrad.loading.repositories import read_repository
from tetrad.yamldoc.edit import remove, set_value
from tetrad.yamldoc.parse import Document, parse
from tetrad.yamldoc.parse import Path as NodePath

FILES = sorted(
    path.relative_to(FORMATS).as_posix()
    for folder in ("prompts", "stacks")
    for path in (FORMATS / folder).rglob("*.yaml")
    if not path.name.endswith(".answers.yaml")
)


def identities(tree: Path) -> dict[str, str]:
    """Of all stacks, whatever the edit means for suites and environments that name their parts."""
    reading = read_repository(tree)
    assert all(issue.location.file.startswith(("evals/", "infra/")) for issue in reading.issues)
    return {ref: str(identity_of(stack)) for ref, stack in reading.repository.stacks.items()}


BEFORE = identities(FORMATS)


def read(tree: Path, file: str) -> Document:
    return parse((tree / file).read_bytes(), file)


def edit(tree: Path, file: str, path: NodePath, value: Json) -> None:
    (tree / file).write_bytes(set_value(read(tree, file), path, value).encoded())


MODEL, PROMPT, STACK = (
    "stacks/models/qwen3-8b.yaml",
    "prompts/triage.yaml",
    "stacks/handbook-qa.yaml",
)
CORPUS, TOOL = "stacks/corpora/handbook.yaml", "stacks/tools/order-status.yaml"
OTHER = "sha256:" + "f" * 64


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        (PROMPT, ("description",), "Something else."),
        (PROMPT, ("owner",), "@others"),
        (PROMPT, ("variables", "message", "description"), "What the customer wrote."),
        (MODEL, ("description",), "Something else."),
        (MODEL, ("owner",), "@others"),
        (MODEL, ("license",), "mit"),
        (MODEL, ("resources", "nvidia.com/gpu"), 2),
        (MODEL, ("load_seconds",), 10),
        (MODEL, ("card", "limits"), "None."),
        (MODEL, ("prices",), {"input": 1, "output": 2}),
        (MODEL, ("fingerprint",), {"probes": "./probes.jsonl"}),
        (MODEL, ("engine", "vllm", "base_url_env"), "ELSEWHERE"),
        (MODEL, ("engine", "vllm", "api_key_env"), "KEY"),
        (MODEL, ("engine", "vllm", "timeout_s"), 5),
        (MODEL, ("engine", "vllm", "concurrency"), 5),
        (CORPUS, ("description",), "Something else."),
        (CORPUS, ("owner",), "@others"),
        (CORPUS, ("digest",), OTHER),
        (CORPUS, ("documents", "include"), ["**/*.md", "*.md"]),
        (TOOL, ("owner",), "@others"),
        (TOOL, ("run",), {"http": "https://elsewhere.example", "timeout_s": 1}),
        ("stacks/tools/refund.yaml", ("run", "timeout_s"), 9),
        (STACK, ("description",), "Something else."),
        (STACK, ("owner",), "@others"),
        (STACK, ("serving", "budget", "usd_per_day"), 60),
        (STACK, ("serving",), {"fallback": {"answer": "Sorry."}}),
        (STACK, ("serving", "budget", "tokens_per_minute"), 1000),
        (STACK, ("serving", "rollout", "min_requests"), 5),
        (STACK, ("serving", "rollout", "abort_if", "contract_rate"), 0.5),
        (STACK, ("serving", "rollout", "abort_if", "guardrail_rate"), 0.5),
        (STACK, ("serving", "queue"), {"size": 1, "deadline_s": 1}),
        (STACK, ("serving", "cache"), {"ttl_s": 1}),
        (STACK, ("serving", "sample"), 1),
        ("infra/environments/production.yaml", ("clients", "shop", "budget", "usd_per_day"), 1),
        ("infra/environments/production.yaml", ("limits",), {"concurrency": 1}),
        # defaults, written out
        ("prompts/handbook-qa.yaml", ("variables", "question", "trust"), "untrusted"),
        (PROMPT, ("variables", "message", "required"), True),
        (STACK, ("generation", "stop"), []),
        (STACK, ("corpus", "top_k"), 3.0),
        ("stacks/triage.yaml", ("tool_loop",), {"max_steps": 3}),
        ("stacks/triage.yaml", ("guardrails",), {"block_pii_in_output": False}),
        ("stacks/triage.yaml", ("guardrails",), {"repair_output": False}),
        ("stacks/models/local.yaml", ("files",), {}),
    ],
)
def test_what_is_not_behavioural_moves_nothing(
    tree: Path, file: str, path: NodePath, value: Json
) -> None:
    edit(tree, file, path, value)

    assert identities(tree) == BEFORE


@pytest.mark.parametrize(
    ("file", "path", "value", "moved"),
    [
        (PROMPT, ("messages", 0, "content"), "You sort.", {"triage", "team/large"}),
        (PROMPT, ("messages", 0, "role"), "developer", {"triage", "team/large"}),
        (PROMPT, ("variables", "message", "max_chars"), 100, {"triage", "team/large"}),
        (PROMPT, ("variables", "message", "trust"), "trusted", {"triage", "team/large"}),
        (PROMPT, ("variables", "message", "default"), "", {"triage", "team/large"}),
        (PROMPT, ("variables", "extra"), {"required": False}, {"triage", "team/large"}),
        (PROMPT, ("style",), "chat", {"triage", "team/large"}),
        (PROMPT, ("examples", "select", "nearest"), 2, {"triage", "team/large"}),
        (PROMPT, ("chat", "history", "keep"), "first", {"triage", "team/large"}),
        (PROMPT, ("chat",), {"input": "message"}, {"triage", "team/large"}),
        (PROMPT, ("output", "enum"), ["billing", "other"], {"triage", "team/large"}),
        (PROMPT, ("generation", "temperature"), 0.1, {"triage", "team/large"}),
        (PROMPT, ("generation", "seed"), 8, {"triage", "team/large"}),
        ("prompts/base.yaml", ("generation", "max_tokens"), 9, {"order-desk"}),
        ("prompts/handbook-qa.yaml", ("output", "schema", "required"), [], {"handbook-qa"}),
        ("prompts/handbook-qa.yaml", ("examples", 0, "output"), "An hour.", {"handbook-qa"}),
        (MODEL, ("source",), "hf://Qwen/Qwen3-8B@" + "f" * 40, {"team/large"}),
        (MODEL, ("files", "tokenizer.json"), OTHER, {"team/large"}),
        (MODEL, ("files", "config.json"), OTHER, {"team/large"}),
        (MODEL, ("engine", "vllm", "image"), "vllm/vllm-openai@" + OTHER, {"team/large"}),
        (MODEL, ("engine", "vllm", "dtype"), "float16", {"team/large"}),
        (MODEL, ("engine", "vllm", "max_model_len"), 4096, {"team/large"}),
        (MODEL, ("engine", "vllm", "quantization"), "fp8", {"team/large"}),
        (MODEL, ("engine",), {"openai": {"model": "qwen"}}, {"team/large"}),
        (MODEL, ("context_window",), 4096, {"team/large"}),
        (MODEL, ("adapters", 0, "training_data"), OTHER, {"team/large"}),
        (
            "stacks/models/minilm-l6-v2.yaml",
            ("files", "model.safetensors"),
            OTHER,
            {"triage", "team/large", "handbook-qa"},
        ),
        (CORPUS, ("chunking", "size"), 80, {"handbook-qa"}),
        (CORPUS, ("chunking", "overlap"), 10, {"handbook-qa"}),
        (CORPUS, ("index", "hybrid", "dense"), 0.5, {"handbook-qa"}),
        (CORPUS, ("index", "store"), "qdrant", {"handbook-qa"}),
        (CORPUS, ("index",), {"store": "pgvector"}, {"handbook-qa"}),
        (CORPUS, ("documents", "include"), ["*.md"], {"handbook-qa"}),
        (TOOL, ("name",), "order_state", {"order-desk"}),
        (TOOL, ("description",), "Look up.", {"order-desk"}),
        (TOOL, ("input_schema", "additionalProperties"), True, {"order-desk"}),
        (TOOL, ("output_schema",), {"type": "object"}, {"order-desk"}),
        (TOOL, ("effect",), "write", {"order-desk"}),
        (TOOL, ("version",), 4, {"order-desk"}),
        (STACK, ("corpus", "top_k"), 4, {"handbook-qa"}),
        (STACK, ("corpus", "answerable", "min_similarity"), 0.5, {"handbook-qa"}),
        (STACK, ("corpus", "answerable", "otherwise"), "No.", {"handbook-qa"}),
        (STACK, ("tools",), ["stacks/tools/search"], {"handbook-qa"}),
        (
            "prompts/handbook-qa.yaml",
            ("variables", "question", "enum"),
            ["How long is lunch?"],
            {"handbook-qa"},
        ),
        (STACK, ("tool_loop", "max_steps"), 4, {"handbook-qa"}),
        (STACK, ("guardrails", "max_input_chars"), 5, {"handbook-qa"}),
        (STACK, ("guardrails", "block_pii_in_output"), False, {"handbook-qa"}),
        (STACK, ("guardrails", "personal_data"), {"input": "redact"}, {"handbook-qa"}),
        (STACK, ("guardrails", "secrets"), {"output": "block"}, {"handbook-qa"}),
        (STACK, ("guardrails", "injection"), {"variables": "report"}, {"handbook-qa"}),
        (STACK, ("guardrails", "injection"), {"passages": "drop"}, {"handbook-qa"}),
        (STACK, ("guardrails", "max_calls_per_tool"), 2, {"handbook-qa"}),
        (STACK, ("generation", "max_tokens"), 49, {"handbook-qa"}),
        (STACK, ("model",), "stacks/models/local", {"handbook-qa"}),
    ],
)
def test_any_behavioural_edit_moves_the_stacks_that_it_reaches(
    tree: Path, file: str, path: NodePath, value: Json, moved: set[str]
) -> None:
    edit(tree, file, path, value)

    after = identities(tree)

    assert {f"stacks/{name}" for name in moved} == {r for r in after if after[r] != BEFORE[r]}


@pytest.mark.parametrize(
    ("file", "moved"),
    [
        ("prompts/assistant.md", {"stacks/order-desk"}),
        ("prompts/triage.examples.jsonl", {"stacks/triage", "stacks/team/large"}),
        ("stacks/corpora/handbook/leave.md", {"stacks/handbook-qa"}),
        ("stacks/corpora/handbook/notes.txt", set()),
        ("stacks/tools/orders.py", {"stacks/order-desk"}),
        ("stacks/tools/limits.json", {"stacks/order-desk"}),
        ("stacks/models/probes.jsonl", set()),
        ("evals/triage/golden.jsonl", set()),
    ],
)
def test_a_file_beside_moves_what_is_made_of_it(tree: Path, file: str, moved: set[str]) -> None:
    text = (tree / file).read_text()
    added = text.splitlines()[0].replace("parcel", "package") if file.endswith("l") else "# More.\n"
    (tree / file).write_text(f"{text}{added}\n")

    after = identities(tree)

    assert moved == {ref for ref in after if after[ref] != BEFORE[ref]}


PINNED = f"""\
kind: model
source: file:///models/PLACE.gguf
files: {{model.gguf: {OTHER!r}}}
engine: {{torch: {{dtype: float32}}}}
adapters:
  - source: file:///models/lora-PLACE
    files: {{adapter.safetensors: {OTHER!r}}}
    base_model: "hf://acme/base@{"0" * 40}"
"""


def model_at(tree: Path, place: str, text: str) -> Mapping[str, Json]:
    """The behaviour of a model whose files lie at a place of this machine."""
    (tree / "stacks/models/local.yaml").write_text(text.replace("PLACE", place))
    return behaviour(read_repository(tree).repository.models["stacks/models/local"])


def test_where_a_pinned_file_lies_is_not_behavioural(tree: Path) -> None:
    one, other = (model_at(tree, place, PINNED) for place in ("here", "there"))

    assert one == other
    assert one["source"] == "file://"
    assert one["files"] == {"model.gguf": OTHER}
    assert one["adapters"] == [
        {
            "source": "file://",
            "files": {"adapter.safetensors": OTHER},
            "base_model": f"hf://acme/base@{'0' * 40}",
            "training_data": None,
        }
    ]


def test_of_a_file_that_is_not_pinned_its_place_is_all_there_is(tree: Path) -> None:
    unpinned = PINNED.replace("files: {model.gguf", "# {")

    one, other = (model_at(tree, place, unpinned) for place in ("here", "there"))

    assert (one["source"], other["source"]) == (
        "file:///models/here.gguf",
        "file:///models/there.gguf",
    )


def test_an_adapter_without_its_training_data_is_another(tree: Path) -> None:
    path = ("adapters", 0, "training_data")
    (tree / MODEL).write_bytes(remove(read(tree, MODEL), path).encoded())

    after = identities(tree)

    assert {"stacks/team/large"} == {ref for ref in after if after[ref] != BEFORE[ref]}


def test_a_scripted_answer_moves_the_stack_that_takes_it(tree: Path) -> None:
    path = tree / "stacks/models/scripted.answers.yaml"
    path.write_text(path.read_text().replace("output: other", "output: others"))

    after = identities(tree)

    assert {"stacks/order-desk"} == {ref for ref in after if after[ref] != BEFORE[ref]}


def test_the_order_of_tools_is_behavioural(tree: Path) -> None:
    path = ("tools",)
    tools = read(tree, "stacks/order-desk.yaml").value["tools"]
    edit(tree, "stacks/order-desk.yaml", path, tools[::-1])

    assert identities(tree)["stacks/order-desk"] != BEFORE["stacks/order-desk"]


def test_moving_a_file_moves_no_identity(tree: Path) -> None:
    (tree / "prompts/team/deep").mkdir(parents=True)
    for name in ("triage.yaml", "triage.examples.jsonl"):
        (tree / "prompts" / name).rename(tree / "prompts/team/deep" / name)
    (tree / "stacks/tools").rename(tree / "stacks/hands")
    for stack in ("stacks/triage.yaml", "stacks/team/large.yaml"):
        edit(tree, stack, ("prompt",), "prompts/team/deep/triage")
    tools = ["stacks/hands/order-status", "./hands/refund", "stacks/hands/search"]
    edit(tree, "stacks/order-desk.yaml", ("tools",), tools)
    (tree / "stacks/corpora/handbook").rename(tree / "stacks/pages")
    edit(tree, CORPUS, ("documents", "path"), "stacks/pages")

    assert identities(tree) == BEFORE


def test_a_text_in_a_file_of_its_own_is_the_same_text(tree: Path) -> None:
    content = read(tree, PROMPT).value["messages"][1]["content"]
    (tree / "prompts/body.md").write_text(content)
    edit(tree, PROMPT, ("messages", 1, "content"), "file://body.md")

    assert identities(tree) == BEFORE


@pytest.mark.parametrize("by_file", [False, True])
def test_a_text_that_is_included_is_the_same_text(tree: Path, *, by_file: bool) -> None:
    content = read(tree, PROMPT).value["messages"][1]["content"]
    head, line, tail = content.partition("\n")
    (tree / "prompts/parts").mkdir()
    (tree / "prompts/parts/head.md").write_bytes(f"{head}\n".replace("\n", "\r\n").encode())
    (tree / "prompts/parts/whole.md").write_text('{% include "head.md" %}' + line + tail)
    including = '{% include "parts/whole.md" %}' + ("\n" if content.endswith("\n") else "")
    if by_file:
        (tree / "prompts/body.md").write_text(including)
    edit(tree, PROMPT, ("messages", 1, "content"), "file://body.md" if by_file else including)

    assert identities(tree) == BEFORE
    (tree / "prompts/parts/head.md").write_text("Another beginning.")
    after = identities(tree)
    assert {r for r in after if after[r] != BEFORE[r]} == {"stacks/triage", "stacks/team/large"}


TOOL_CODE = {
    "stacks/tools/orders.py": "from desk.lines import state\nimport near\n",
    "stacks/tools/near.py": "X = 1\n",
    "desk/__init__.py": "",
    "desk/lines.py": "def state(): return 1\n",
}


@pytest.mark.parametrize("file", TOOL_CODE)
def test_a_module_that_a_tool_imports_moves_it(tree: Path, file: str) -> None:
    (tree / "desk").mkdir()
    for name, text in TOOL_CODE.items():
        (tree / name).write_text(text)
    before = identities(tree)
    (tree / file).write_text((tree / file).read_text() + "# more\n")

    after = identities(tree)

    assert {"stacks/order-desk"} == {ref for ref in after if after[ref] != before[ref]}


def test_moving_a_tool_with_its_neighbours_moves_nothing(tree: Path) -> None:
    for name, text in list(TOOL_CODE.items())[:2]:
        (tree / name).write_text(text.replace("from desk.lines import state\n", ""))
    before = identities(tree)
    (tree / "stacks/tools").rename(tree / "stacks/hands")
    tools = ["stacks/hands/order-status", "./hands/refund", "stacks/hands/search"]
    edit(tree, "stacks/order-desk.yaml", ("tools",), tools)

    assert identities(tree) == before


def test_the_line_ends_of_a_checkout_move_nothing(tree: Path) -> None:
    for file in tree.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert identities(tree) == BEFORE


@pytest.mark.parametrize("data", [b"a\r\nb\x00\n", b"\xff\r\n"])
def test_the_line_ends_of_what_is_no_text_count(tree: Path, data: bytes) -> None:
    path = tree / "stacks/corpora/handbook/leave.md"
    path.write_bytes(data)
    before = identities(tree)
    path.write_bytes(data.replace(b"\r\n", b"\n"))

    assert identities(tree)["stacks/handbook-qa"] != before["stacks/handbook-qa"]


def test_removing_the_corpus_moves_the_stack(tree: Path) -> None:
    (tree / STACK).write_bytes(remove(read(tree, STACK), ("corpus",)).encoded())

    assert identities(tree)["stacks/handbook-qa"] != BEFORE["stacks/handbook-qa"]


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=False), files=st.sets(st.sampled_from(FILES), min_size=1))
def test_key_order_and_comments_move_nothing(chance: random.Random, files: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(shutil.copytree(FORMATS, Path(folder) / "tree"))
        for file in files:
            value = shuffled(read(tree, file).value, chance)
            text = json.dumps(value, indent=chance.choice([None, 1, 4]), ensure_ascii=False)
            (tree / file).write_text(f"# {chance.random()}\n{text}  # the end\n")

        assert identities(tree) == BEFORE


@settings(max_examples=20, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_two_prompts_are_one_only_if_their_texts_are(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(shutil.copytree(FORMATS, Path(folder) / "tree"))
        before = read(tree, PROMPT).value["messages"][0]["content"]
        edit(tree, PROMPT, ("messages", 0, "content"), f"{before}{text}")

        assert (identities(tree)["stacks/triage"] == BEFORE["stacks/triage"]) == (text == "")


def test_the_graph_of_an_index_moves_the_identity_and_its_defaults_do_not(tree: Path) -> None:
    seen = []
    written: list[Json] = [
        {"store": "pgvector"},
        {"store": "pgvector", "hnsw": {}},
        {"store": "pgvector", "hnsw": {"m": 16, "ef_construction": 64, "ef_search": 100}},
        {"store": "pgvector", "hnsw": {"ef_search": 40}},
        {"store": "pgvector", "hnsw": {"m": 8}},
    ]
    for index in written:
        edit(tree, CORPUS, ("index",), index)
        seen.append(identities(tree)["stacks/handbook-qa"])

    assert seen[1] == seen[2]
    assert len(set(seen)) == 4
    digest = "sha256:09ffddc2cd50c705ef707cb132bccaa65ca9d10a3de700d8e54d7740ff4ed057"
    assert seen[3] == digest  # the names of the keys are digested, too
