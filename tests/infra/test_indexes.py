"""The Jobs that build the indexes of corpora: one an index, and none that a change restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from clusters import FULL, SMALL, clustered, desired_of, image, merged_of

import tetrad
from objects.everything import object_groups
from objects.kubernetes import Object


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return clustered(tmp_path, FULL, ["large"], searching=True)


def of_store(root: Path, **more: Any) -> list[Object]:
    return object_groups(desired_of(root, **more))["vector-store"]


def jobs(root: Path, **more: Any) -> list[Object]:
    return [obj for obj in of_store(root, **more) if obj["kind"] == "Job"]


def retained(root: Path) -> list[tetrad.Retained]:
    """What the pointer keeps, where it names the stacks as they are."""
    return [tetrad.Retained(stack=one.stack, snapshot=one.snapshot) for one in merged_of(root)]


def change(root: Path, file: str, **keys: Any) -> None:
    path = root / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))


def test_a_job_is_named_by_its_index_and_runs_the_gateway_image(root: Path) -> None:
    (job,) = jobs(root)
    corpus = tetrad.load_repository(root).corpora["stacks/corpora/handbook"]
    digest = tetrad.index_digest(corpus)
    (container,) = job["spec"]["template"]["spec"]["containers"]

    assert job["metadata"]["name"].startswith(f"index-{digest[7:19]}-")
    assert job["metadata"]["annotations"] == {
        "tetrad.dev/index": digest,
        "tetrad.dev/corpus": "stacks/corpora/handbook",
    }
    assert container["image"] == image("gateway")
    assert container["args"] == [
        "index", "/snapshot", "--digest", digest, "--wait", "600",
    ]  # fmt: skip


def test_a_job_and_the_gateways_find_the_store(root: Path) -> None:
    (job,) = jobs(root)
    gateways = [
        obj for obj in object_groups(desired_of(root))["gateway"] if obj["kind"] == "Deployment"
    ]
    for obj in (job, *gateways):
        (container,) = obj["spec"]["template"]["spec"]["containers"]
        variables = {one["name"]: one for one in container["env"]}

        assert (
            variables["TETRAD_VECTOR_STORE"]["value"]
            == "postgresql://postgres@vector-store:5432/postgres"
        )
        assert variables["TETRAD_VECTOR_STORE_PASSWORD"]["valueFrom"] == {
            "secretKeyRef": {"name": "vectors", "key": "password"}
        }


def test_a_job_reaches_the_store_and_pinned_files_alone(root: Path) -> None:
    policies = {o["metadata"]["name"]: o for o in of_store(root) if o["kind"] == "NetworkPolicy"}
    dns, store, files = policies["index"]["spec"]["egress"]

    assert "ingress" not in policies["index"]["spec"]
    assert dns["ports"][0]["port"] == 53
    assert store["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == (
        "vector-store"
    )
    assert files == {"ports": [{"protocol": "TCP", "port": 443}]}
    assert [
        one["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for one in policies["vector-store"]["spec"]["ingress"][0]["from"]
    ] == ["gateway", "index"]


def test_identities_of_one_corpus_share_its_index(root: Path) -> None:
    stack = yaml.safe_load((root / "stacks/search.yaml").read_text())
    more = {**stack, "generation": {"max_tokens": 9}}
    (root / "stacks/other.yaml").write_text(yaml.safe_dump(more))

    assert len(desired_of(root).snapshots) == 3
    assert len(jobs(root)) == 1


def test_weights_and_candidates_of_a_query_share_an_index(root: Path) -> None:
    before = {"store": "pgvector", "hybrid": {"dense": 0.5, "bm25": 0.5}, "hnsw": {}}
    after = {
        "store": "pgvector",
        "hybrid": {"dense": 0.9, "bm25": 0.1},
        "hnsw": {"ef_search": 40},
    }
    seen = []
    for index in (
        before,
        after,
        {**after, "hnsw": {"m": 8}},
        {**after, "hybrid": {"dense": 1, "bm25": 0}},
    ):
        change(root, "stacks/corpora/handbook.yaml", index=index)
        corpus = tetrad.load_repository(root).corpora["stacks/corpora/handbook"]
        seen.append(tetrad.index_digest(corpus))

    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def test_a_changed_prompt_leaves_the_job_alone(root: Path) -> None:
    before, kept = jobs(root), retained(root)
    change(root, "stacks/search.yaml", generation={"max_tokens": 9})

    assert jobs(root, retained=kept) == before


def test_a_changed_document_adds_a_job_and_keeps_that_of_the_pointer(root: Path) -> None:
    before, kept = jobs(root), retained(root)
    (root / "stacks/corpora/handbook/lunch.md").write_text("Lunch is at one.\n")
    after = jobs(root, retained=kept)

    assert len(after) == 2
    assert before[0] in after
    assert len(jobs(root)) == 1


def test_without_a_corpus_in_the_store_there_is_none(tmp_path: Path) -> None:
    root = clustered(tmp_path, FULL, ["large"])

    assert "vector-store" not in object_groups(desired_of(root))


def test_a_store_that_lacks_is_said(tmp_path: Path) -> None:
    root = clustered(tmp_path, SMALL, ["large"], searching=True)

    with pytest.raises(tetrad.UsageError, match="vector_store is missing"):
        desired_of(root)
