"""The engine that a model's file names."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import OpenAIServer, Reply

from tetrad.artifacts.store import Store
from tetrad.canonical import digest_bytes
from tetrad.engines.interfaces import Engine
from tetrad.engines.wiring import address_of, build_embedder, build_engine
from tetrad.errors import ArtifactError, Location, UsageError
from tetrad.identity import component_digest, short
from tetrad.model import (
    Adapter,
    EngineSpec,
    Model,
    OpenAIEngine,
    ScriptedAnswer,
    ScriptedEngine,
    Source,
    TorchEngine,
    VllmEngine,
)
from tetrad.results.exchange import Message, Request
from tetrad.trees import WorkingTree

HELLO = Request(messages=(Message(role="user", content="Hello"),))
VENDOR = OpenAIEngine(model="gpt-2026-08-01", base_url_env="LLM_URL", api_key_env="LLM_KEY")


def model(engine: EngineSpec, uri: str = "endpoint://laptop") -> Model:
    scheme = uri.partition("://")[0]
    return Model(
        ref="stacks/models/small",
        location=Location("stacks/models/small.yaml"),
        source=Source(uri=uri, scheme=scheme),  # type: ignore[arg-type]
        engine=engine,
    )


def built(what: Model, tmp_path: Path, *, offline: bool = False) -> Engine:
    return build_engine(
        what, files=WorkingTree(tmp_path), store=Store(tmp_path / "cache"), offline=offline
    )


async def _answer(engine: Engine) -> str:
    try:
        return (await engine.complete(HELLO)).text
    finally:
        await engine.aclose()


def test_an_endpoint_is_asked_at_the_address_and_with_the_key_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(Reply(text="hi")) as server:
        monkeypatch.setenv("LLM_URL", f"{server.url}/")
        monkeypatch.setenv("LLM_KEY", "sk-1\n")

        assert asyncio.run(_answer(built(model(VENDOR), tmp_path))) == "hi"
    assert server.asked[0].headers["authorization"] == "Bearer sk-1"
    assert server.asked[0].body["model"] == "gpt-2026-08-01"


def test_a_server_is_found_by_its_models_digest_where_no_address_is_set() -> None:
    vendor = model(VENDOR)
    servers = {"TETRAD_MODEL_SERVERS": "http://model-{digest}.llm.svc:8000/v1", "LLM_KEY": ""}
    digest = short(component_digest(vendor))

    found = address_of(vendor, servers)
    named = address_of(vendor, {**servers, "LLM_URL": "http://host/v1"})

    assert found.base_url == f"http://model-{digest}.llm.svc:8000/v1"
    assert named.base_url == "http://host/v1"


def test_a_vllm_server_is_asked_by_the_repositorys_name_and_with_constraints() -> None:
    address = address_of(
        model(VllmEngine(image="vllm@sha256:1"), "hf://Qwen/Qwen3-8B@main"),
        {"VLLM_BASE_URL": "http://localhost:8000/v1"},
    )

    assert (address.model, address.constrains, address.api_key) == ("Qwen/Qwen3-8B", True, None)


def test_an_address_that_lacks_names_the_variable_and_an_example() -> None:
    with pytest.raises(UsageError) as caught:
        address_of(model(VENDOR), {})

    assert str(caught.value) == (
        "LLM_URL is not set (base URL of stacks/models/small)"
        "\n  help: export LLM_URL=http://localhost:8000/v1"
    )


@pytest.mark.parametrize(
    "written", ["localhost:8000", "ftp://host", "http://", "http://host:port", "http://[::1"]
)
def test_what_is_no_address_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(UsageError, match="LLM_URL is not an http or https URL") as caught:
        address_of(model(VENDOR), {"LLM_URL": written, "LLM_KEY": "k"})

    assert written not in str(caught.value).replace("http://localhost:8000/v1", "")


def test_a_key_that_lacks_names_the_variable() -> None:
    with pytest.raises(UsageError, match="with the key in LLM_KEY, which is not set"):
        address_of(model(VENDOR), {"LLM_URL": "http://host/v1"})


def test_an_empty_key_is_none() -> None:
    address = address_of(model(VENDOR), {"LLM_URL": "http://host/v1", "LLM_KEY": ""})

    assert address.api_key is None


@pytest.mark.parametrize("key", ["sk-1\nX-Header: y", "schlüssel", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(UsageError, match="LLM_KEY holds characters") as caught:
        address_of(model(VENDOR), {"LLM_URL": "http://host/v1", "LLM_KEY": key})

    assert key not in str(caught.value)


def test_a_script_answers(tmp_path: Path) -> None:
    answers = (ScriptedAnswer(contains="", output="scripted hi"),)
    engine = built(model(ScriptedEngine(answers=answers, digest=digest_bytes(b""))), tmp_path)

    assert asyncio.run(_answer(engine)) == "scripted hi"


def test_torch_asks_for_the_files_first(tmp_path: Path) -> None:
    what = replace(
        model(TorchEngine(), "hf://org/small@main"), files={"model.gguf": digest_bytes(b"GGUF")}
    )
    with pytest.raises(ArtifactError, match="help: tetrad pull small"):
        built(what, tmp_path, offline=True)


def test_torch_refuses_what_has_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no weights that torch could run"):
        built(model(TorchEngine(), "vendor://openai/gpt-2026-08-01"), tmp_path)


def test_an_adapter_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    source = Source(uri="hf://org/adapter@main", scheme="hf")
    adapter = Adapter(source=source, files={}, base_model="small")
    what = replace(model(TorchEngine(), "hf://org/small@main"), adapters=(adapter,))

    with pytest.raises(UsageError, match="does not apply adapters yet"):
        built(what, tmp_path)


def test_only_torch_embeds(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot embed"):
        build_embedder(model(VENDOR), files=WorkingTree(tmp_path), store=Store(tmp_path))
