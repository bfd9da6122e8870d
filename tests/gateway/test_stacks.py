"""Stacks with tools and corpora answer from the files of their snapshots."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from gateways import Followed, Served, alone, ask, gateway

from tetrad.artifacts.fetch import missing
from tetrad.artifacts.store import store_from_environment
from tetrad.cli import main
from tetrad.loading.repositories import load_repository

SCRIPTED = {
    "stacks/echo.yaml": (
        "kind: stack\nprompt: prompts/echo\nmodel: stacks/models/scripted\n"
        "tools: [stacks/tools/clock]\n"
    ),
    "stacks/models/scripted.yaml": (
        "kind: model\nsource: file://stacks/models/answers.yaml\n"
        "engine: {scripted: {answers: ./answers.yaml}}\n"
    ),
    "stacks/models/answers.yaml": (
        "- {contains: 'Say what time', tool_calls: [{name: now, arguments: {}}]}\n"
        "- {contains: '\"hour\": 12', output: It is noon.}\n"
        "- {contains: '\"hour\":12', output: It is noon.}\n"
    ),
    "stacks/tools/clock.py": "def now():\n    return {'hour': 12}\n",
    "stacks/tools/clock.yaml": (
        "kind: tool\nname: now\ndescription: Tell what time it is.\n"
        "input_schema: {type: object, additionalProperties: false}\neffect: read\n"
        'run: {python: "stacks.tools.clock:now"}\nversion: 1\n'
    ),
    "prompts/echo.yaml": (
        "kind: prompt\n"
        "variables:\n  message: {type: string, trust: untrusted, max_chars: 1000}\n"
        "messages:\n  - {role: user, content: 'Say {{ message }}'}\n"
        "chat: {input: message}\n"
    ),
}


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_here_from_the_snapshot(
    served: Served, followed: Followed, tmp_path: Path, stream: bool
) -> None:
    one = served.take("one", SCRIPTED)
    (served.root / "one/stacks/tools/clock.py").write_text("def now():\n    return {'hour': 1}\n")
    with gateway(followed, served.snapshots, tmp_path / "cache") as address:
        followed.move(echo=alone(one))
        followed.wait_for(1)
        answer = ask(address, "what time it is")
        chat = httpx2.post(
            f"{address}/v1/chat/completions",
            json={
                "model": "echo",
                "messages": [{"role": "user", "content": "what time it is"}],
                "stream": stream,
            },
            timeout=60,
        )

    assert answer.json()["answer"] == "It is noon."
    assert answer.json()["finish_reason"] == "stop"
    assert "It is noon." in chat.text
    assert "tool_calls" not in chat.text.replace("finish_reason", "")


HANDBOOK = Path(__file__).parents[1] / "integration" / "handbook"


@pytest.mark.model
def test_a_stack_with_a_corpus_answers_from_the_embedded_model(
    served: Served, followed: Followed, tmp_path: Path
) -> None:
    files = embedded(tmp_path / "new")
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("store", "torch"):
        (cache / name).symlink_to(store_from_environment().root / name)
    one, two = (
        served.take(version, {**files, "stacks/echo.yaml": files["stacks/echo.yaml"] + more})
        for version, more in (("one", ""), ("two", "generation: {max_tokens: 12}\n"))
    )
    with gateway(followed, served.snapshots, cache) as address:
        followed.move(echo=alone(one, two))
        followed.wait_for(1, timeout_s=240)
        body = {"variables": {"question": "Until when may we use the sauna?"}}
        path = f"{address}/v1/stacks/echo/answer"
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(httpx2.post, path, json=body, timeout=240) for _ in range(4)]
            answers = [one.result().json() for one in asked]
        streamed = httpx2.post(path, json={**body, "stream": True}, timeout=240).text

    assert len({answer["answer"] for answer in answers}) == 1
    assert [source["document"] for source in answers[0]["sources"]] == ["sauna.md"]
    assert answers[0]["usage"]["output_tokens"] > 0
    assert json.loads(streamed.strip().split("data: ")[-1])["answer"] == answers[0]["answer"]


def embedded(root: Path) -> dict[str, str]:
    """The files of the handbook's stack, as `stacks/echo`, and of the models that it runs on."""
    main(["init", str(root), "--engine", "embedded"])
    files = {
        file.relative_to(HANDBOOK).as_posix(): file.read_text()
        for file in HANDBOOK.rglob("*")
        if file.is_file() and "evals" not in file.parts
    }
    model = root / "stacks/models/smollm2-135m.yaml"
    files["stacks/models/smollm2-135m.yaml"] = model.read_text()
    files["stacks/echo.yaml"] = files.pop("stacks/house.yaml")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    store = store_from_environment()
    for found in load_repository(root).models.values():
        if missing(found, store):
            pytest.skip(f"{found.ref} is not in the cache: `make models` fetches it")
    return files
