"""Half precision, and the device that is there: the same network, read less exactly."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from tetrad.engines.torch.attention import Prefix
from tetrad.engines.torch.batcher import Batcher
from tetrad.engines.torch.batches import BatchLimits
from tetrad.engines.torch.inquiry import Inquiry
from tetrad.engines.torch.token_text import load_text
from tetrad.engines.torch.transformer import Network, load_network
from tetrad.model import Generation
from tetrad.results.exchange import Choice, Constraint, JsonOutput, Message, Request

CONSTRAINTS: Sequence[Constraint | None] = (
    None,
    Choice(labels=("late", "billing")),
    JsonOutput(schema={"enum": ["late", 12]}),
)
half_precisions = pytest.mark.parametrize("dtype", ["bfloat16", "float16"])


def logits_after(network: Network, shared: Sequence[int], texts: Sequence[list[int]]) -> Tensor:
    own, _ = network.read([shared], None)
    keys, values = own.prefix(0)
    prefix = Prefix(tokens=tuple(shared), keys=keys, values=values)
    _, logits = network.read(texts, prefix)
    return logits.float().cpu()


@torch.inference_mode()
def transformers_logits(folder: Path, dtype: str, texts: Sequence[list[int]]) -> Tensor:
    network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    return torch.stack([network(torch.tensor([text])).logits[0, -1].float() for text in texts])


def error(logits: Tensor, exact: Tensor) -> float:
    """The root of the mean square of what is wrong."""
    return float((logits - exact).square().mean().sqrt())


@half_precisions
def test_reading_in_half_precision_is_as_exact_as_transformers_is(tiny: Path, dtype: str) -> None:
    pick = random.Random(3)
    shared, *texts = ([pick.randrange(1, 300) for _ in range(n)] for n in (60, 3, 17, 18, 40))
    exact = logits_after(load_network(tiny, dtype="float32"), shared, texts)
    theirs = transformers_logits(tiny, dtype, [shared + text for text in texts])

    ours = logits_after(load_network(tiny, dtype=dtype), shared, texts)

    assert error(ours, exact) < 1.5 * error(theirs, exact)


@half_precisions
def test_every_kind_of_request_is_answered_in_half_precision(tiny: Path, dtype: str) -> None:
    asked = [Inquiry(request=request(number), future=Future()) for number in range(12)]
    network, text = load_network(tiny, dtype=dtype), load_text(tiny)

    Batcher(network, text, window=None, limits=BatchLimits(rows=4)).serve(asked, list)

    answers = [one.future.result(timeout=0) for one in asked]
    assert {one.text for one in answers[1::3]} <= {"late", "billing"}
    assert {one.text for one in answers[2::3]} <= {'"late"', "12"}


def request(number: int) -> Request:
    return Request(
        style="completion",
        messages=(
            Message(role="user", content="the order is late and a parcel " * 3 + str(number)),
        ),
        generation=Generation(temperature=0.7 * (number % 2), max_tokens=8),
        constraint=CONSTRAINTS[number % 3],
    )
