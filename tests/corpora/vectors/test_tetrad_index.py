"""An index by the command line, in evals, in the gateway, and from a backup: with a real embedder."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from gateways import Followed, Served, alone, gateway
from guest_houses import guest_house
from pointing import pointer
from postgres import database, program

from tetrad.artifacts.store import store_from_environment
from tetrad.cli import main
from tetrad.corpora import VectorStore, index_digest
from tetrad.corpora.vector_store import ENVIRONMENT
from tetrad.errors import ExitCode
from tetrad.loading.repositories import load_repository
from tetrad.pointer import Deployers, ServedIdentity, StackPointer, seal_pointer
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import open_ledger
from tetrad.snapshots import take_snapshot
from tetrad.snapshots.keeping import keep

pytestmark = pytest.mark.model


@pytest.fixture
def root(tmp_path: Path, vectors: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT, vectors)
    return guest_house(tmp_path / "desk")


def tetrad(root: Path, *arguments: str) -> int:
    return main(["-C", str(root), *arguments])


def digest_of(root: Path) -> str:
    return str(index_digest(load_repository(root).corpora["stacks/corpora/house"]))


def test_an_index_is_built_and_then_verified(
    root: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = digest_of(root)
    assert tetrad(root, "index", "--offline") == ExitCode.PASSED
    built = capsys.readouterr().out
    assert tetrad(root, "index", "house", "--digest", digest, "--offline") == ExitCode.PASSED
    verified = capsys.readouterr().out

    assert built == (
        f"stacks/corpora/house: built index {digest[7:19]} (4 chunks of 384 dimensions)\n"
    )
    assert verified == built.replace("built", "verified")


def test_an_index_that_was_changed_is_built_again(
    root: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tetrad(root, "index", "--offline")
    table = f"tetrad_chunks_{digest_of(root)[7:47]}"
    with psycopg.connect(vectors) as connection:
        connection.execute(f"UPDATE {table} SET text = 'The sauna is free.'".encode())
    capsys.readouterr()
    assert tetrad(root, "index", "--offline") == ExitCode.PASSED
    said = capsys.readouterr()
    assert tetrad(root, "index", "--offline") == ExitCode.PASSED

    assert "is not as it was built; building it again" in said.err
    assert "built index" in said.out
    assert "verified index" in capsys.readouterr().out


def test_indexes_that_nobody_needs_are_dropped(
    root: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tetrad(root, "index", "--offline")
    before = digest_of(root)
    (root / "stacks/corpora/house/dogs.md").write_text("Dogs sleep in the barn.")
    tetrad(root, "index", "--offline")
    capsys.readouterr()

    assert tetrad(root, "index", "--prune", "--offline") == ExitCode.PASSED
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"stacks/corpora/house: dropped index {before[7:19]}"
    ]
    with psycopg.connect(vectors) as connection:
        rows = connection.execute("SELECT digest FROM tetrad_indexes").fetchall()
        left = connection.execute("SELECT 1 FROM pg_tables WHERE tablename ~ %s", [before[7:47]])
        assert rows == [(digest_of(root),)]
        assert left.fetchall() == []


def test_the_index_of_an_identity_that_serves_is_kept(
    root: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "infra/environments").mkdir(parents=True)
    (root / "infra/environments/local.yaml").write_text("kind: environment\n")
    stack = root / "stacks/house.yaml"
    stack.write_text(f"{stack.read_text()}serving: {{environments: [local]}}\n")
    serve_as_it_is(root)
    before = digest_of(root)
    tetrad(root, "index", "--offline")
    (root / "stacks/corpora/house/dogs.md").write_text("Dogs sleep in the barn.")

    assert tetrad(root, "index", "--prune", "--offline") == ExitCode.PASSED
    assert "dropped" not in capsys.readouterr().out
    with psycopg.connect(vectors) as connection:
        rows = connection.execute("SELECT digest FROM tetrad_indexes").fetchall()
    assert {row[0] for row in rows} == {before, digest_of(root)}


def test_nothing_is_dropped_where_it_is_not_known_what_serves(
    root: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "infra/environments").mkdir(parents=True)
    (root / "infra/environments/production.yaml").write_text(
        "kind: environment\ntarget: kubernetes\nkubernetes: {context: prod, namespace: llm}\n"
    )

    assert tetrad(root, "index", "--prune", "--offline") == ExitCode.MISUSE
    assert "the registry has no pointer of production" in capsys.readouterr().err


def serve_as_it_is(root: Path) -> None:
    """Let the pointer of the environment name the stack as it is."""
    repository = load_repository(root)
    environment = repository.environments["infra/environments/local"]
    place = root / ".tetrad/registry.db"
    taken = take_snapshot(repository.files, "stacks/house")
    with open_ledger(place) as ledger:
        keep(ledger, taken)
    live = ServedIdentity(
        identity=taken.identity,
        snapshot=taken.digest,
        commit="c" * 40,
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )
    stack = StackPointer(
        stack="stacks/house", live=live, serving=repository.stacks["stacks/house"].serving
    )
    with PointerStore(place, Deployers.of(environment)) as store:
        store.append(seal_pointer(pointer(1, environment="local", stacks={stack.stack: stack})))


def test_a_bundle_is_indexed_without_its_repository(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "house.tar"
    assert tetrad(root, "bundle", "house", "-o", str(bundle)) == ExitCode.PASSED
    digest = digest_of(root)
    capsys.readouterr()

    assert main(["index", str(bundle), "--digest", digest, "--offline"]) == ExitCode.PASSED
    assert f"built index {digest[7:19]}" in capsys.readouterr().out


def test_another_index_than_the_named_one_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = "sha256:" + "0" * 64

    assert tetrad(root, "index", "--digest", expected) == ExitCode.MISUSE
    assert f"makes another index\n  expected {expected}" in capsys.readouterr().err


def test_no_corpus_in_the_store_is_said(
    tmp_path: Path, vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tetrad(guest_house(tmp_path / "desk", "{store: exact}"), "index") == ExitCode.PASSED
    assert "no stack has a corpus with store: pgvector" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "code", "told"),
    [
        ("", ExitCode.MISUSE, "TETRAD_VECTOR_STORE is not set"),
        ("postgresql://127.0.0.1:1/x", ExitCode.INCONCLUSIVE, "postgresql://127.0.0.1:1/x: "),
    ],
)
@pytest.mark.parametrize("command", [["index"], ["eval", "house"], ["plan"], ["gate"]])
def test_a_store_that_is_not_there_is_said(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    code: ExitCode,
    told: str,
    command: list[str],
) -> None:
    monkeypatch.setenv(ENVIRONMENT, address)

    assert tetrad(root, *command, "--offline") == code
    assert told in capsys.readouterr().err


def test_evals_find_what_the_exact_store_finds(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = guest_house(tmp_path / "exact", "{store: exact, hybrid: {dense: 0.6, bm25: 0.4}}")
    found = []
    for tree in (root, exact):
        tetrad(tree, "eval", "house", "--offline", "--format", "json")
        (run,) = json.loads(capsys.readouterr().out)
        found.append([(one["id"], one["metrics"]) for one in run["cases"]])

    assert found[0] == found[1]
    assert len(found[0]) == 3


def test_the_plan_retrieves_for_both_trees_of_a_comparison(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".gitignore").write_text(".tetrad/\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Lie in PostgreSQL"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    corpus = root / "stacks/corpora/house.yaml"
    corpus.write_text(corpus.read_text().replace("dense: 0.6", "dense: 0.5"))
    (root / "stacks/corpora/house/sauna.md").write_text("The sauna is closed.\n")

    assert tetrad(root, "plan", "--base", "HEAD", "--offline", "--format", "json") == (
        ExitCode.PASSED
    )
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    (suite,) = stack["suites"]
    assert stack["changed"] == ["corpus"]
    assert [(case["id"], case["why"]) for case in suite["cases_to_run"]] == [("sauna", "passages")]


def test_a_backup_is_restored(
    root: Path,
    vectors: str,
    postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tetrad(root, "index", "--offline")
    dump = str(tmp_path / "vectors.dump")
    said = ["--table", "tetrad_*", "--format", "custom", "--file", dump, vectors]
    subprocess.run([program("pg_dump", vectors), *said], check=True)
    capsys.readouterr()
    with database(postgres) as other:
        with psycopg.connect(other) as connection:
            connection.execute("CREATE EXTENSION vector")
        restore = [program("pg_restore", other), "--exit-on-error", "--dbname", other, dump]
        subprocess.run(restore, check=True)
        monkeypatch.setenv(ENVIRONMENT, other)

        assert tetrad(root, "index", "--offline") == ExitCode.PASSED
        assert "verified index" in capsys.readouterr().out


QUESTION = {"variables": {"question": "Until when may we use the sauna?"}}


def test_the_gateway_answers_once_the_index_is_there(
    root: Path, vectors: str, served: Served, followed: Followed, tmp_path: Path
) -> None:
    files = {
        file.relative_to(root).as_posix(): file.read_text()
        for file in root.rglob("*")
        if file.is_file() and "evals" not in file.parts and ".tetrad" not in file.parts
    }
    files["stacks/echo.yaml"] = files.pop("stacks/house.yaml")
    one = served.take("one", files)
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("store", "torch"):
        (cache / name).symlink_to(store_from_environment().root / name)
    store = VectorStore({ENVIRONMENT: vectors}, builds=False)
    with gateway(followed, served.snapshots, cache, vectors=store) as address:
        followed.move(echo=alone(one))
        refused = wait_for(f"{address}/readyz", lambda body: "no index of" in body["problem"])
        tetrad(root, "index", "--offline")
        ready = wait_for(f"{address}/readyz", lambda body: body["ready"])
        path = f"{address}/v1/stacks/echo/answer"
        answer = httpx2.post(path, json=QUESTION, timeout=240).json()
        with psycopg.connect(vectors, autocommit=True) as connection:
            connection.execute("DROP TABLE tetrad_indexes")
            for table in ("chunks", "words"):
                connection.execute(f"DROP TABLE tetrad_{table}_{digest_of(root)[7:47]}".encode())
        failed = httpx2.post(path, json=QUESTION, timeout=240)
    store.close()

    assert "stacks/corpora/house" in refused["problem"]
    assert not refused["ready"]
    assert ready["ready"]
    assert answer["answer"] == "Until ten."
    assert [source["document"] for source in answer["sources"]] == ["sauna.md"]
    assert failed.status_code == 502
    assert "the vector store" in failed.json()["error"]["message"]


def wait_for(url: str, holds: Callable[[Any], bool]) -> Any:
    until = time.monotonic() + 120
    while True:
        body = httpx2.get(url, timeout=60).json()
        if holds(body) or time.monotonic() > until:
            return body
        time.sleep(0.1)
