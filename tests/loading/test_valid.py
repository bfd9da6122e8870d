"""Every shape of formats.md loads, and means what it says there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tetrad.errors import SpecError, UsageError
from tetrad.loading.repositories import find, load_repository, read_repository
from tetrad.model import (
    AssertionSet,
    Budget,
    HttpRun,
    McpRun,
    Minimum,
    MustPass,
    OpenAIEngine,
    PythonRun,
    Repository,
    ScriptedEngine,
    VllmEngine,
)
from tetrad.model.cluster import (
    ModelHosting,
    Monitoring,
    Replicas,
    SecretKey,
    WeightsVolume,
)
from tetrad.model.serving import (
    AbortLimits,
    Client,
    FixedAnswer,
    OtherStack,
    Queue,
    Retain,
    RolloutPlan,
    Serving,
    UseLimits,
)
from tetrad.schemas.check import SCHEMA_KINDS, check_value, schema_of, schema_problem
from tetrad.yamldoc.parse import GOLDEN_SET, Document, parse

VALID = Path(__file__).parent / "valid"
INVALID = Path(__file__).parent / "invalid"


def examples() -> Iterator[Any]:
    """Every example that is YAML and says what it is, valid or not."""
    for path in sorted([*VALID.rglob("*.yaml"), *INVALID.rglob("*.yaml")]):
        try:
            document = parse(path.read_bytes(), path.name, limits=GOLDEN_SET, anchors=True)
        except SpecError:
            continue
        value = document.value
        kind = value.get("kind", "golden") if isinstance(value, dict) else "golden"
        if kind in SCHEMA_KINDS:
            yield pytest.param(document, kind, id=str(path.relative_to(VALID.parent)))


@pytest.fixture(scope="module")
def formats() -> Repository:
    return load_repository(VALID / "formats")


def test_nothing_of_a_tree_is_lost(formats: Repository) -> None:
    assert len(formats.prompts) == 5
    assert len(formats.models) == 6
    assert list(formats.corpora) == ["stacks/corpora/handbook"]
    assert len(formats.tools) == 3
    assert len(formats.stacks) == 4
    assert list(formats.suites) == [
        "evals/handbook-qa",
        "evals/safety",
        "evals/shop/calls",
        "evals/shop/rows",
        "evals/triage",
    ]
    assert list(formats.environments) == [
        "infra/environments/production",
        "infra/environments/staging",
    ]
    assert len(formats.waivers) == 2
    assert formats.settings.lint_select == ("SCH", "TPL")
    assert formats.settings.lint_ignore == ("TPL203",)


def test_a_stack_holds_the_values_that_it_names(formats: Repository) -> None:
    stack = formats.stacks["stacks/handbook-qa"]

    assert formats.prompts["prompts/handbook-qa"] is stack.prompt
    assert formats.models["stacks/models/smollm2-135m"] is stack.model
    assert stack.retrieval is not None
    assert formats.corpora["stacks/corpora/handbook"] is stack.retrieval.corpus
    assert (
        stack.retrieval.query,
        stack.retrieval.top_k,
        stack.retrieval.into,
    ) == ("question", 3, "passages")


def test_a_stack_overrides_the_generation_of_its_prompt_key_by_key(formats: Repository) -> None:
    stack = formats.stacks["stacks/team/large"]

    assert (
        stack.generation.temperature,
        stack.generation.max_tokens,
        stack.generation.top_p,
        stack.generation.seed,
        stack.generation.stop,
    ) == (0.5, 8, 0.9, 1, ("\n",))
    assert None is stack.overrides.max_tokens


def test_extends_takes_keys_and_replaces_those_that_are_given(formats: Repository) -> None:
    prompt, base = formats.prompts["prompts/order-desk"], formats.prompts["prompts/base"]

    assert base.generation == prompt.generation
    assert base.description == prompt.description
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert list(prompt.variables) == ["message"]


def test_a_text_file_is_the_content(formats: Repository) -> None:
    (message,) = formats.prompts["prompts/base"].messages

    assert message.content == "You are polite, and you answer in one sentence.\n"
    assert message.location.file == "prompts/assistant.md"


def test_examples_come_from_a_file_or_stand_in_the_prompt(formats: Repository) -> None:
    from_file = formats.prompts["prompts/triage"]
    listed = formats.prompts["prompts/handbook-qa"]

    assert [example.output for example in from_file.examples] == ["delivery", "billing"]
    assert str(from_file.examples[1].location) == "prompts/triage.examples.jsonl:2:1"
    assert from_file.select is not None
    assert (
        from_file.select.count,
        from_file.select.by,
        from_file.select.embedding.ref,
    ) == (4, "message", "stacks/models/minilm-l6-v2")
    assert [example.output for example in listed.examples] == ["Half an hour."]


def test_engines_and_runners_are_values_of_their_own(formats: Repository) -> None:
    engines = {ref.rsplit("/", 1)[-1]: model.engine for ref, model in formats.models.items()}
    runners = {ref.rsplit("/", 1)[-1]: tool.run for ref, tool in formats.tools.items()}

    assert OpenAIEngine(model="llama", api_key_env=None) == engines["local"]
    assert isinstance(engines["qwen3-8b"], VllmEngine)
    assert isinstance(engines["scripted"], ScriptedEngine)
    assert [a.contains for a in engines["scripted"].answers] == ["parcel", "A-1234", ""]
    assert (
        HttpRun(url="https://orders.internal/status", method="GET", timeout_s=5)
        == (runners["order-status"])
    )
    assert McpRun(server="shop", tool="find", timeout_s=3) == runners["search"]
    assert isinstance(runners["refund"], PythonRun)
    source = (VALID / "formats/stacks/tools/orders.py").read_bytes()
    assert ("stacks/tools/orders.py", hashlib.sha256(source).digest(), 64) == (
        runners["refund"].path,
        runners["refund"].source.value,
        runners["refund"].memory_mb,
    )
    assert [file.file for file in runners["refund"].opens] == ["stacks/tools/limits.json"]


def test_the_corpus_digest_is_the_merkle_root_of_its_documents(formats: Repository) -> None:
    def leaf(name: str, text: str) -> bytes:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return hashlib.sha256(b"\x00" + f"{name}\0{digest}".encode()).digest()

    left = leaf("leave.md", "You have 25 days of leave.\n")
    right = leaf("rooms/kitchen.md", "The kitchen is on floor 2.\n")
    expected = hashlib.sha256(b"\x01" + left + right).hexdigest()

    corpus = formats.corpora["stacks/corpora/handbook"]

    assert expected == corpus.digest.hex
    assert corpus.written_digest != corpus.digest


def test_a_suite_says_what_must_hold(formats: Repository) -> None:
    gate = formats.suites["evals/triage"].gate

    assert [Minimum, MustPass, Budget, Budget] == [type(requirement) for requirement in gate]
    assert isinstance(gate[0], Minimum)
    assert (gate[0].metric, gate[0].min, gate[0].by) == ("answer", 0.7, "bound")
    assert isinstance(gate[1], MustPass)
    assert (gate[1].tags, gate[1].cases) == (("safety", "core"), ("late-parcel", "twice"))
    assert isinstance(gate[2], Budget)
    assert (
        gate[2].measure,
        gate[2].statistic,
        gate[2].max,
        gate[2].increase,
    ) == ("total_tokens", "total", None, 0.1)


def test_a_budget_has_the_statistic_that_suits_its_measure(formats: Repository) -> None:
    budgets = [
        (requirement.measure, requirement.statistic)
        for suite in ("handbook-qa", "triage", "shop/rows")
        for requirement in formats.suites[f"evals/{suite}"].gate
        if isinstance(requirement, Budget)
    ]

    assert budgets == [
        ("cost_usd_per_case", "mean"),
        ("total_tokens", "total"),
        ("cost_usd_per_case", "p95"),
        ("latency_ms", "p50"),
        ("latency_ms", "p95"),
    ]


def test_a_case_keeps_all_that_is_asked_and_asserted(formats: Repository) -> None:
    first, unknown, bare = formats.suites["evals/handbook-qa"].golden.cases
    order, _ = formats.suites["evals/shop/calls"].golden.cases

    assert (first.id, first.tags) == ("leave-days", ("core",))
    assert [
        (call.result["state"] if isinstance(call.result, dict) else None, call.error)
        for call in order.tools
    ] == [("sent", None), (None, "timeout")]
    assert (
        unknown.id,
        unknown.repeats,
        unknown.group,
        unknown.threshold,
        unknown.transform,
    ) == ("says-that-it-does-not-know", 3, "unknown", 0.8, "output.trim()")
    (group,) = unknown.assertions
    assert isinstance(group, AssertionSet)
    assert [item.written for item in group.assertions] == ["not-icontains", "llm-rubric"]
    digest = hashlib.sha256(b'{"question":"And then?"}').hexdigest()
    assert digest[:12] == bare.id


def test_a_waiver_counts_until_its_day(formats: Repository) -> None:
    waiver = formats.waivers[0]

    assert ("evals/triage#late-parcel", date(2027, 1, 31)) == (waiver.case, waiver.until)
    assert not waiver.is_expired(today=date(2027, 1, 31))
    assert waiver.is_expired(today=date(2027, 2, 1))


def test_reading_a_file_reads_what_it_reaches_and_nothing_else() -> None:
    reading = read_repository(VALID / "formats", only=["stacks/triage.yaml"])

    assert list(reading.repository.stacks) == ["stacks/triage"]
    assert list(reading.repository.prompts) == ["prompts/triage"]
    assert reading.repository.suites == {}
    assert not reading.issues


def test_reading_a_golden_set_reads_its_suite() -> None:
    reading = read_repository(VALID / "formats", only=["evals/handbook-qa/golden.yaml"])

    assert list(reading.repository.suites) == ["evals/handbook-qa"]
    assert "evals/handbook-qa/golden.yaml" in reading.documents


def test_what_is_sound_is_read_beside_what_is_not(tmp_path: Path) -> None:
    shutil.copytree(VALID / "formats", tmp_path / "tree")
    (tmp_path / "tree/prompts/triage.yaml").write_text("kind: prompt\nmessages: 3\n")

    reading = read_repository(tmp_path / "tree")

    assert [str(issue.location) for issue in reading.issues] == ["prompts/triage.yaml:2:11"]
    assert {"stacks/handbook-qa", "stacks/order-desk"} == set(reading.repository.stacks)
    assert "prompts/triage.yaml" in reading.documents


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("kind: prompt\nmessages: []\n")
    (tmp_path / "tree/prompts").mkdir(parents=True)
    (tmp_path / "tree/prompts/a.yaml").symlink_to(tmp_path / "outside.yaml")

    with pytest.raises(SpecError) as caught:
        load_repository(tmp_path / "tree")

    assert str(caught.value) == (
        "prompts/a.yaml:1:1: error[SCH100]: this is a symbolic link out of the repository\n"
        "  help: copy what it points to into the repository"
    )


def test_a_document_that_is_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    shutil.copytree(VALID / "formats", tmp_path / "tree")
    (tmp_path / "secret.md").write_text("Secret.\n")
    (tmp_path / "tree/stacks/corpora/handbook/z.md").symlink_to(tmp_path / "secret.md")

    with pytest.raises(SpecError, match=r"SCH100.*symbolic link out of the repository"):
        load_repository(tmp_path / "tree")


def dead_link(folder: Path) -> None:
    (folder / "z.md").symlink_to("nowhere")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "z.md")


def latin_name(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.md")).write_text("Coffee.\n")


@pytest.mark.parametrize("make", [dead_link, pipe, latin_name])
def test_what_can_be_no_document_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    shutil.copytree(VALID / "formats", tmp_path / "tree")
    make(tmp_path / "tree/stacks/corpora/handbook")

    with pytest.raises(SpecError, match=r"corpora/handbook.yaml:.*SCH100.*(is no|is not UTF-8)"):
        load_repository(tmp_path / "tree")


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    Path(os.fsdecode(bytes(tmp_path) + b"/prompts/caf\xe9.yaml")).write_text(
        "kind: prompt\nmessages: [{role: user, content: Hello.}]\n"
    )

    with pytest.raises(SpecError, match=r"SCH100.*the name of this file is not UTF-8"):
        load_repository(tmp_path)


def test_a_link_within_the_repository_is_read(tmp_path: Path) -> None:
    shutil.copytree(VALID / "formats", tmp_path / "tree")
    (tmp_path / "tree/prompts/linked.yaml").symlink_to("triage.yaml")

    assert "prompts/linked" in load_repository(tmp_path / "tree").prompts


def test_hidden_folders_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "prompts/.drafts").mkdir(parents=True)
    (tmp_path / "prompts/.drafts/a.yaml").write_text("kind: nonsense\n")

    assert load_repository(tmp_path).prompts == {}


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("handbook-qa", "stacks/handbook-qa"),
        ("stacks/handbook-qa", "stacks/handbook-qa"),
        ("stacks/handbook-qa.yaml", "stacks/handbook-qa"),
        ("evals/triage/", "evals/triage"),
        ("evals/triage/suite.yaml", "evals/triage"),
        ("rows", "evals/shop/rows"),
        ("smollm2-135m", "stacks/models/smollm2-135m"),
        ("large", "stacks/team/large"),
    ],
)
def test_a_name_finds_what_it_means(formats: Repository, name: str, ref: str) -> None:
    assert ref == find(formats, name)


def test_a_command_finds_only_what_it_takes(formats: Repository) -> None:
    assert find(formats, "triage", formats.suites) == "evals/triage"


def test_a_name_of_what_a_command_does_not_take_is_told_so(formats: Repository) -> None:
    with pytest.raises(UsageError, match="evals/shop/rows is not expected here") as told:
        find(formats, "rows", formats.stacks)

    assert "help: there are stacks/" in str(told.value)


def test_a_name_that_means_nothing_is_corrected(formats: Repository) -> None:
    with pytest.raises(UsageError, match=r"(?s)nothing named 'tirage'.*did you mean triage\?"):
        find(formats, "tirage")


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_a_schema_is_one_and_explains_every_key(kind: str) -> None:
    schema = schema_of(kind)

    assert schema_problem(schema) is None
    assert list(_undescribed(schema, kind)) == []


def _undescribed(schema: object, place: str) -> list[str]:
    """Keys without a description, for editors show it."""
    if not isinstance(schema, dict):
        return []
    found = []
    for name, part in schema.get("properties", {}).items():
        if "description" not in part and "$ref" not in part:
            found.append(f"{place}.{name}")
        found += _undescribed(part, f"{place}.{name}")
    for key in ("items", "additionalProperties"):
        found += _undescribed(schema.get(key), f"{place}.{key}")
    for key in ("$defs",):
        for name, part in schema.get(key, {}).items():
            found += _undescribed(part, f"{place}.{name}")
    return found


@pytest.mark.parametrize(("document", "kind"), list(examples()))
def test_another_validator_says_the_same_of_every_example(document: Document, kind: str) -> None:
    oracle = jsonschema.Draft202012Validator(dict(schema_of(kind)))

    assert oracle.is_valid(document.value) == (not any(check_value(document.value, kind)))


def test_a_digest_with_a_newline_after_it_is_refused() -> None:
    text = (
        'kind: corpus\ndocuments: {path: d}\nembedding: e\ndigest: "sha256:' + "a" * 64 + '\\n"\n'
    )

    assert len(list(check_value(parse(text.encode(), "f").value, "corpus"))) == 1


def test_the_first_line_of_a_file_names_a_schema_that_is_shipped() -> None:
    first = (VALID / "formats/prompts/triage.yaml").read_text().splitlines()[0]
    named = re.search(r"\$schema=(\S+)", first)

    assert named is not None
    assert schema_of("prompt")["$id"] == named[1]


def test_reading_a_repository_loads_no_heavy_library() -> None:
    code = (
        "import sys; from pathlib import Path; from tetrad.loading.repositories import load_repository;"
        f"load_repository(Path({str(VALID / 'formats')!r}));"
        "print(*sorted(name for name in sys.modules if '.' not in name))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )

    heavy = {"jinja2", "numpy", "scipy", "httpx2", "rich", "torch", "jsonschema"}
    assert set() == heavy & set(loaded.stdout.split())


def test_how_a_stack_is_served_is_a_value(formats: Repository) -> None:
    stacks = formats.stacks

    assert stacks["stacks/handbook-qa"].serving == Serving(
        environments=("staging", "production"),
        rollout=RolloutPlan(
            steps=(5, 25, 100),
            pause_s=300,
            min_requests=50,
            abort_if=AbortLimits(
                error_rate=0.02, p95_ms=1500, contract_rate=0.05, guardrail_rate=0.1
            ),
        ),
        limits=UseLimits(
            usd_per_day=50,
            warn_usd_per_day=40,
            requests_per_minute=600,
            tokens_per_minute=200_000,
            concurrency=16,
        ),
        queue=Queue(size=32, deadline_s=5),
        fallback="previous",
        cache_s=60,
        sample=0.01,
    )
    assert stacks["stacks/order-desk"].serving == Serving(fallback=OtherStack(ref="stacks/triage"))
    assert stacks["stacks/triage"].serving == Serving(fallback=FixedAnswer(answer="Sorry."))
    assert stacks["stacks/team/large"].serving == Serving()


def test_an_environment_says_who_may_ask_and_what_is_retained(formats: Repository) -> None:
    production = formats.environments["infra/environments/production"]
    shop, portal = production.access.clients.values()

    assert list(production.access.clients) == ["shop", "hr.portal"]
    assert shop == Client(
        tenant="shop",
        keys=shop.keys,
        stacks=("stacks/handbook-qa",),
        limits=UseLimits(usd_per_day=5, concurrency=4),
    )
    assert [str(key)[:11] for key in shop.keys] == ["sha256:b39a"]
    assert (len(portal.keys), portal.stacks, portal.limits) == (2, (), UseLimits())
    assert production.access.limits == UseLimits(usd_per_day=200, warn_usd_per_day=150)
    assert production.retain == Retain(identities=2, model_server_hours=24, grace_s=90)
    assert formats.environments["infra/environments/staging"].retain == Retain()


def test_an_environment_says_what_runs_in_kubernetes(formats: Repository) -> None:
    production = formats.environments["infra/environments/production"]
    cluster = production.cluster

    assert cluster is not None
    assert (cluster.context, cluster.namespace, cluster.gateway) == ("prod", "llm", "infra/shared")
    assert cluster.registry == SecretKey(secret="registry", key="url")
    assert [(g.release, g.replicas, g.weight) for g in cluster.gateways] == [
        ("0.1.0", Replicas(min=2, max=4), 1),
        ("0.0.9", Replicas(min=2, max=2), 0),
    ]
    assert cluster.monitoring == Monitoring(
        namespace="monitoring", prometheus="http://prometheus.monitoring:9090"
    )
    assert cluster.usd_per_hour == {"nvidia.com/gpu": 2.9}
    assert formats.environments["infra/environments/staging"].cluster is None


def test_an_environment_says_how_it_hosts_a_model(formats: Repository) -> None:
    production = formats.environments["infra/environments/production"]

    assert production.models == {
        "stacks/models/qwen3-8b": ModelHosting(
            replicas=Replicas(min=2, max=4),
            secrets={"HF_TOKEN": SecretKey(secret="hf", key="token")},
            weights=WeightsVolume(claim="weights", folder="qwen3-8b"),
            tolerations=({"key": "spot", "operator": "Exists"},),
            runtime_class="nvidia",
        )
    }


def test_limits_have_the_same_keys_wherever_they_stand() -> None:
    environment = schema_of("environment")["properties"]
    places = [
        environment["limits"],
        environment["clients"]["additionalProperties"]["properties"]["budget"],
        schema_of("stack")["properties"]["serving"]["properties"]["budget"],
    ]

    assert places[0]["properties"] == places[1]["properties"] == places[2]["properties"]
    assert set(places[0]["properties"]) == {field.name for field in fields(UseLimits)}
