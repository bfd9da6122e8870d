"""The embedded models themselves, where `make models` has fetched them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.store import Store, store_from_environment
from tetrad.engines.count import count_tokens
from tetrad.engines.torch import build_torch_embedder, build_torch_engine
from tetrad.errors import ArtifactError
from tetrad.loading.repositories import load_repository
from tetrad.model import Generation, Model
from tetrad.results.exchange import Choice, Completion, JsonOutput, Message, Request

pytestmark = pytest.mark.model
ROOT = Path(__file__).parents[3]
SHOTS = "".join(
    f"Message: {message}\nQueue: {queue}\n\n"
    for message, queue in (
        ("I was charged twice for one order.", "billing"),
        ("My parcel has not come yet.", "delivery"),
        ("How do I send these shoes back?", "returns"),
        ("I forgot my password.", "account"),
        ("You took the wrong amount from my card.", "billing"),
        ("The courier left the box at the wrong house.", "delivery"),
    )
)


def models() -> tuple[Model, Model]:
    repository = load_repository(ROOT)
    named = repository.models
    return named["stacks/models/smollm2-135m"], named["stacks/models/minilm-l6-v2"]


def have(model: Model) -> Store:
    """The store, if the model's files are in it."""
    store = store_from_environment()
    try:
        fetch(model, store, root=ROOT, offline=True)
    except ArtifactError:
        pytest.skip(f"{model.ref} is not in the cache; `make models` fetches it")
    return store


def complete(requests: Sequence[Request]) -> list[Completion]:
    model, _ = models()
    store = have(model)
    files = fetch(model, store, root=ROOT, offline=True)

    async def everything() -> list[Completion]:
        engine = build_torch_engine(model, files, cache=store.root / "torch")
        try:
            return await asyncio.gather(*(engine.complete(one) for one in requests))
        finally:
            await engine.aclose()

    return asyncio.run(everything())


def sorting(message: str, **changes: object) -> Request:
    return Request(
        style="completion",
        messages=(Message(role="user", content=f"{SHOTS}Message: {message}\nQueue:"),),
        generation=Generation(temperature=0, max_tokens=8, stop=("\n",)),
        **changes,  # type: ignore[arg-type]
    )


def test_smollm2_sorts_easy_messages_by_likelihood() -> None:
    labels = Choice(labels=("account", "billing", "delivery", "returns"))
    messages = ("My card was charged two times.", "Where is my parcel?", "I cannot log in.")

    answers = complete([sorting(message, constraint=labels) for message in messages])

    assert {answer.text for answer in answers} <= set(labels.labels)
    assert len({answer.text for answer in answers}) >= 2  # not one label whatever is asked


def test_smollm2_answers_alone_as_in_company() -> None:
    requests = [sorting(f"Where is my order number {number}?") for number in range(12)]

    together = complete(requests)

    assert [one.text for one in complete(requests[:1])] == [together[0].text]
    assert all(one.usage.cached_input_tokens > 80 for one in together[1:])


def test_smollm2_writes_json_of_a_schema_in_chat() -> None:
    schema = JsonOutput(
        schema={
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 30}},
            "required": ["city"],
            "additionalProperties": False,
        }
    )
    asked = Request(
        messages=(Message(role="user", content="Name the capital of France as JSON."),),
        generation=Generation(temperature=0, max_tokens=40),
        constraint=schema,
    )

    (answer,) = complete([asked])

    assert list(json.loads(answer.text)) == ["city"]


NEVER_CLOSED = """
import asyncio, sys
from pathlib import Path
from tetrad.artifacts.store import store_from_environment
from tetrad.engines.wiring import build_engine
from tetrad.results.exchange import Message, Request
from tetrad.loading.repositories import load_repository
from tetrad.model import Generation
from tetrad.trees import WorkingTree

root = Path(sys.argv[1])
model = load_repository(root).models["stacks/models/smollm2-135m"]
engine = build_engine(model, files=WorkingTree(root), store=store_from_environment(), offline=True)

def ask(text, limit):
    messages = (Message(role="user", content=text),)
    asked = Request(
        messages=messages, style="completion", generation=Generation(max_tokens=limit)
    )
    return asyncio.ensure_future(engine.complete(asked))

async def leave():
    await ask("Once upon a time", 1)
    unanswered = [ask(f"{number} sheep and " * 30, 200) for number in range(32)]
    await asyncio.sleep(0.3)  # now they are read

asyncio.run(leave())
"""


def test_a_process_that_leaves_in_the_midst_of_answers_ends_in_order() -> None:
    model, _ = models()
    have(model)

    ended = subprocess.run(
        [sys.executable, "-c", NEVER_CLOSED, str(ROOT)], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_tokens_of_smollm2_are_counted_exactly_once_it_was_converted() -> None:
    complete([sorting("hello")])
    model, _ = models()

    assert count_tokens(model, "Where is my parcel", have(model)) == (4, True)


def test_minilm_finds_what_is_meant() -> None:
    _, model = models()
    store = have(model)
    files = fetch(model, store, root=ROOT, offline=True)
    embedder = build_torch_embedder(model, files)

    leave, holiday, parcel = embedder.embed(
        ["How many days of leave do I get?", "the holiday allowance", "the parcel is late"]
    )

    assert leave @ holiday > leave @ parcel + 0.2
