"""What is to run: by merged state, evidence, environment and what the pointer keeps."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clusters import (
    EVERY,
    FULL,
    MODELS,
    NOW,
    SMALL,
    VLLM,
    ask,
    clustered,
    desired_of,
    image,
    merged_of,
    unproven,
    write,
)

import tetrad
from desired import Unproven, desired


def changed(environment: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The environment with another value; None takes the key away."""
    found = copy.deepcopy(environment)
    *outer, last = path.split(".")
    inner = found
    for key in outer:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return found


def test_a_model_has_one_server_whatever_the_number_of_stacks(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)
    document = {"kind": "stack", "prompt": "prompts/ask", "model": "stacks/models/large"}
    write(root, "stacks/second.yaml", {**document, "generation": {"max_tokens": 9}})

    found = desired_of(root)

    assert [model.ref for model in found.models] == ["stacks/models/large"]
    assert len(found.snapshots) == 2


def test_a_server_is_named_by_its_models_digest(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)
    model = tetrad.load_repository(root).models["stacks/models/large"]
    short = tetrad.model_digest(model)[7:19]

    (server,) = desired_of(root).models

    assert (server.name, server.served_name) == (f"model-{short}", f"large-{short}")


def test_a_prompt_changes_no_server(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)
    before = desired_of(root)
    ask(root, "Please:")

    after = desired_of(root)

    assert after.models == before.models
    assert after.snapshots != before.snapshots


def test_vendors_and_models_in_the_gateway_have_no_server(tmp_path: Path) -> None:
    found = desired_of(clustered(tmp_path, FULL, EVERY, searching=True))

    assert sorted(model.ref for model in found.models) == [
        f"stacks/models/{name}" for name in ("large", "other", "slice")
    ]
    assert found.keys == {
        "LLM_KEY": tetrad.SecretKey(secret="vendor", key="key"),
        "OPENAI_API_KEY": None,  # of a server in the cluster, which asks for none
    }
    assert found.stores_vectors


def test_another_server_gets_its_image_arguments_and_health_path(tmp_path: Path) -> None:
    (server,) = desired_of(clustered(tmp_path, FULL, ["other"])).models

    assert (server.image, server.health, server.port) == (image("sglang"), "/healthz", 30000)
    assert server.args == ("--model-path", "/weights", "--served-model-name", "other")


def test_vllm_gets_whole_gpus_in_parallel_and_safetensors_alone(tmp_path: Path) -> None:
    (server,) = desired_of(clustered(tmp_path, SMALL)).models

    assert server.command == ("vllm", "serve")
    assert server.args == (
        "/weights",
        "--served-model-name",
        server.served_name,
        "--port",
        "8000",
        "--dtype",
        "bfloat16",
        "--max-model-len",
        "8192",
        "--load-format",
        "safetensors",
        "--tensor-parallel-size",
        "2",
    )
    assert server.resources == {"cpu": "7500m", "memory": "64Gi", "nvidia.com/gpu": "2"}


def test_an_adapter_answers_in_the_place_of_its_model(tmp_path: Path) -> None:
    (server,) = desired_of(clustered(tmp_path, FULL, ["slice"])).models

    assert "--tensor-parallel-size" not in server.args
    assert server.args[-5:] == (
        "--enable-lora",
        "--max-lora-rank",
        "64",
        "--lora-modules",
        f"{server.served_name}=/adapter",
    )
    assert server.images == (image("vllm"), image("slice"), image("adapter"))


def test_an_identity_without_evidence_is_refused_by_its_clause(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)

    with pytest.raises(Unproven) as caught:
        desired_of(root, merged=merged_of(root, **unproven("nothing was signed")))

    assert caught.value.exit_code == tetrad.ExitCode.REFUSED
    assert str(caught.value).splitlines()[1:] == [
        "  evidence    nothing was signed",
        "  help: tetrad verify large --env production",
    ]


def test_an_identity_that_was_admitted_before_is_taken(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)
    admitted = {**unproven("it is too old"), "admitted": True}

    assert len(desired_of(root, merged=merged_of(root, **admitted)).models) == 1


def test_a_withdrawn_identity_is_no_error_and_gets_nothing(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL)

    found = desired_of(root, merged=merged_of(root, withdrawn="it was rude"))

    assert (found.models, found.snapshots) == ((), ())


def earlier(tmp_path: Path) -> tetrad.Retained:
    """An identity of another model."""
    root = clustered(
        tmp_path / "earlier", SMALL, engine={"vllm": {**VLLM["vllm"], "dtype": "float16"}}
    )
    (merged,) = merged_of(root)
    return tetrad.Retained(stack=merged.stack, snapshot=merged.snapshot)


def test_a_changed_model_gets_a_new_server_and_the_old_one_stays_warm(tmp_path: Path) -> None:
    kept = earlier(tmp_path)

    found = desired_of(clustered(tmp_path / "now", SMALL), [kept])

    assert len(found.models) == len(found.snapshots) == 2


@pytest.mark.parametrize(
    ("hours", "ago", "servers"),
    [(0, 0, 1), (0, 1, 1), (24, 0, 2), (24, 23.9, 2), (24, 24, 1), (24, 100, 1)],
)
def test_an_unused_server_stays_for_the_hours_that_are_declared(
    hours: float, ago: float, servers: int, tmp_path: Path
) -> None:
    kept = replace(earlier(tmp_path), unused_since=NOW - timedelta(hours=ago))
    environment = {**SMALL, "retain": {"model_server_hours": hours}}

    found = desired_of(clustered(tmp_path / "now", environment), [kept])

    assert len(found.models) == servers
    assert len(found.snapshots) == 1


def test_the_merged_state_says_how_a_shared_model_is_loaded(tmp_path: Path) -> None:
    root = clustered(tmp_path / "earlier", SMALL, load_seconds=9)
    (merged,) = merged_of(root)

    found = desired_of(
        clustered(tmp_path / "now", SMALL),
        [tetrad.Retained(stack=merged.stack, snapshot=merged.snapshot)],
    )

    assert [model.load_s for model in found.models] == [240]


@pytest.mark.parametrize(
    ("environment", "models", "problem"),
    [
        (changed(SMALL, "kubernetes.gateways", None), ["large"], "no release of the gateway"),
        (
            changed(SMALL, "kubernetes.gateways", {"1": {"image": image("g"), "weight": 0}}),
            ["large"],
            "every weight is 0",
        ),
        (changed(SMALL, "models", {}), ["large"], "models.stacks/models/large.weights is missing"),
        (
            changed(FULL, "kubernetes.monitoring", None),
            ["large"],
            "large.replicas: autoscaling asks kubernetes.monitoring.prometheus",
        ),
        (
            changed(FULL, "models.stacks/models/large.replicas", {"min": 0, "max": 2}),
            ["large"],
            "large.replicas.min is 0",
        ),
        (
            changed(FULL, "models.stacks/models/other.replicas", {"min": 1, "max": 2}),
            ["other"],
            "other.replicas: only vLLM tells",
        ),
        (
            changed(FULL, "models.stacks/models/large.server", {"image": image("other")}),
            ["large"],
            "large.server is given, and the model's engine is vllm",
        ),
    ],
)
def test_what_an_environment_lacks_is_told(
    environment: dict[str, Any], models: list[str], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(tetrad.UsageError) as caught:
        desired_of(clustered(tmp_path, environment, models))

    assert str(caught.value).startswith("infra/environments/production.yaml: ")
    assert problem in str(caught.value)


def test_everything_that_is_lacking_is_told_at_once(tmp_path: Path) -> None:
    environment = {"kubernetes": {"context": "prod", "namespace": "llm"}}

    with pytest.raises(tetrad.UsageError) as caught:
        desired_of(clustered(tmp_path, environment, ["large", "slice"], searching=True))

    assert len(str(caught.value).splitlines()) == 3


def test_one_variable_has_one_value(tmp_path: Path) -> None:
    secrets = {"LLM_KEY": "others/key", "OPENAI_API_KEY": "others/key"}
    environment = changed(FULL, "models.stacks/models/vendor", {"secrets": secrets})

    with pytest.raises(tetrad.UsageError, match=r"secrets\.OPENAI_API_KEY: another model"):
        desired_of(clustered(tmp_path, environment, ["other", "vendor"]))


def test_an_adapter_from_elsewhere_is_refused(tmp_path: Path) -> None:
    adapter = {**MODELS["slice"]["adapters"][0], "source": f"hf://acme/adapter@{'3' * 40}"}

    with pytest.raises(tetrad.UsageError, match="its source is to be oci://"):
        desired_of(clustered(tmp_path, SMALL, adapters=[adapter]))


def test_an_environment_on_this_machine_is_refused(tmp_path: Path) -> None:
    root = clustered(tmp_path, {})
    write(root, "infra/environments/production.yaml", {"kind": "environment"})
    environment = tetrad.environment_of(tetrad.load_repository(root), "production")

    with pytest.raises(tetrad.UsageError, match="production is not in Kubernetes"):
        desired(environment, [], now=NOW)


def test_a_snapshot_that_is_too_large_for_an_object_is_a_bundle(tmp_path: Path) -> None:
    environment = changed(SMALL, "kubernetes.bundles", "oci://registry.example/snapshots")
    root = clustered(tmp_path, environment)
    for part in ("first", "second"):  # a single file may have a megabyte at most
        (root / f"prompts/{part}.md").write_text(f"{part} {'word ' * 120_000} {{{{ question }}}}")
    said = [
        {"role": "system", "content": "file://./first.md"},
        {"role": "user", "content": "file://./second.md"},
    ]
    prompt = {"kind": "prompt", "variables": {"question": {"max_chars": 400}}, "messages": said}
    write(root, "prompts/ask.yaml", prompt)
    (merged,) = merged_of(root)
    digest = tetrad.bundle_of(merged.snapshot).digest

    (snapshot,) = desired_of(root).snapshots

    assert snapshot.parts is None
    assert snapshot.bundle == f"oci://registry.example/snapshots@{digest}"
    assert snapshot.name.startswith("bundle-")

    write(
        root,
        "infra/environments/production.yaml",
        {"kind": "environment", "target": "kubernetes", **SMALL},
    )
    with pytest.raises(tetrad.UsageError, match=r"name kubernetes\.bundles"):
        desired_of(root)


def test_the_cost_is_that_of_the_least_number_of_servers(tmp_path: Path) -> None:
    found = desired_of(clustered(tmp_path, FULL, EVERY))

    assert found.usd_per_month == 2 * 2 * 2.0 * 730  # GPUs, servers, USD, hours
