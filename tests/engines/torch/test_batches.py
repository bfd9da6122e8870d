"""The loop with room for few rows and little memory: refilled, it writes the same answers."""

from __future__ import annotations

import random
from concurrent.futures import Future
from pathlib import Path

import pytest
import torch

from tetrad.engines.torch.batcher import Batcher
from tetrad.engines.torch.batches import BatchLimits
from tetrad.engines.torch.inquiry import Inquiry
from tetrad.engines.torch.token_text import Text, load_text
from tetrad.engines.torch.transformer import Network, load_network
from tetrad.model import Generation
from tetrad.results.exchange import Choice, Completion, Constraint, JsonOutput, Message, Request

AMPLE = BatchLimits()
PREFIXES = ("the order is late and a parcel went " * 3, "billing sends 12 refunds so " * 4, "a ")
CONSTRAINTS: dict[int, Constraint] = {
    3: Choice(labels=("late", "billing", "late town")),
    4: JsonOutput(schema={"enum": ["late", 12, "another town"]}),
}


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> tuple[Network, Text]:
    return load_network(tiny, dtype="float32"), load_text(tiny)


def requests() -> list[Request]:
    """Thirty of all kinds, with three beginnings among them."""
    pick = random.Random(2)
    words = ["order", "late", "parcel", "town", "billing", "refunds", "12", "another"]
    made = []
    for number in range(30):
        text = PREFIXES[number % 3] + " ".join(pick.choices(words, k=pick.randint(1, 9)))
        kind = number % 5
        constraint = CONSTRAINTS.get(kind)
        made.append(
            Request(
                style="completion",
                messages=(Message(role="user", content=text),),
                generation=Generation(
                    temperature=0.9 if kind == 2 else 0, max_tokens=pick.randint(1, 15), seed=number
                ),
                constraint=constraint,
            )
        )
    return made


def answers(loaded: tuple[Network, Text], limits: BatchLimits, *, at_once: int) -> list[Completion]:
    """Ask the first `at_once`, and each other one when the loop next looks."""
    network, text = loaded
    asked = [Inquiry(request=one, future=Future()) for one in requests()]
    later = list(asked[at_once:])
    desk = Batcher(network, text, window=None, limits=limits)
    desk.serve(asked[:at_once], lambda: [later.pop(0)] if later else [])
    return [one.future.result(timeout=0) for one in asked]


@pytest.mark.parametrize(
    "limits",
    [
        BatchLimits(rows=1),
        BatchLimits(rows=3),
        BatchLimits(read_tokens=20),
        BatchLimits(kept_bytes=40_000),
        BatchLimits(kept_bytes=0),
    ],
    ids=["one row", "three rows", "short passes", "little memory", "no memory"],
)
@pytest.mark.parametrize("at_once", [1, 30])
def test_answers_are_the_same_however_little_is_done_at_once(
    loaded: tuple[Network, Text], limits: BatchLimits, at_once: int
) -> None:
    expected = [one.text for one in answers(loaded, AMPLE, at_once=30)]

    assert expected == [one.text for one in answers(loaded, limits, at_once=at_once)]


def test_a_text_that_is_read_in_several_passes_is_read_right(
    loaded: tuple[Network, Text], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _ = loaded
    pick = random.Random(1)
    texts = [[pick.randrange(1, 300) for _ in range(length)] for length in (3, 40, 41, 90)]
    _, whole = network.read(texts, None)

    monkeypatch.setattr("tetrad.engines.torch.transformer._CHUNK", 20)
    _, pieces = network.read(texts, None)

    assert torch.allclose(whole, pieces, atol=1e-4)
