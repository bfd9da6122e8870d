"""Labels' likelihoods against what the whole network says of each text."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tetrad.engines.torch import build_torch_engine
from tetrad.engines.torch.attention import OwnTokens
from tetrad.engines.torch.choice import label_shares, label_tree
from tetrad.engines.torch.token_text import load_text
from tetrad.engines.torch.transformer import load_network
from tetrad.model import Model
from tetrad.results.exchange import Choice, Completion, Message, Request

Choose: TypeAlias = Callable[..., Completion]
Chance: TypeAlias = Callable[[str], float]
PROMPT = "the order is late and a parcel went to another town:"


@pytest.fixture
def choose(model: Model, files: Mapping[str, Path], tmp_path: Path) -> Choose:
    def choose(*labels: str, prompt: str = PROMPT) -> Completion:
        async def one() -> Completion:
            engine = build_torch_engine(model, files, cache=tmp_path)
            messages = (Message(role="user", content=prompt),)
            request = Request(
                style="completion", messages=messages, constraint=Choice(labels=labels)
            )
            try:
                return await engine.complete(request)
            finally:
                await engine.aclose()

        return asyncio.run(one())

    return choose


@pytest.fixture(scope="module")
def chance(tiny: Path) -> Chance:
    """The probability that an answer begins with the tokens of a text."""
    network: Any = AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)

    def chance(text: str) -> float:
        prompt, answer = tokenizer.encode(PROMPT), tokenizer.encode(text)
        with torch.inference_mode():
            logits = network(torch.tensor([prompt + answer])).logits[0].double()
        log_p = torch.log_softmax(logits, dim=-1)
        first = len(prompt) - 1
        return math.exp(sum(log_p[first + i, token].item() for i, token in enumerate(answer)))

    return chance


def test_a_labels_likelihood_is_that_of_its_text_with_and_without_a_space(
    choose: Choose, chance: Chance
) -> None:
    labels = ("late", "billing sends", "refunds to a town")

    found = choose(*labels).likelihoods or {}

    raw = [chance(label) + chance(f" {label}") for label in labels]
    assert [pytest.approx(one / sum(raw), rel=1e-3, abs=1e-5) for one in raw] == [
        found[label] for label in labels
    ]


def test_a_label_that_begins_another_gets_only_what_does_not_go_on_as_that(
    choose: Choose, chance: Chance
) -> None:
    found = choose("order", "order late", "parcel").likelihoods

    whole = chance("order") + chance(" order")
    longer = chance("order late") + chance(" order late")
    parcel = chance("parcel") + chance(" parcel")
    total = whole + parcel
    expected = {
        "order": (whole - longer) / total,
        "order late": longer / total,
        "parcel": parcel / total,
    }
    assert pytest.approx(expected, rel=1e-3, abs=1e-5) == found


def test_the_order_of_labels_changes_no_likelihood(choose: Choose) -> None:
    one = choose("late", "billing", "refunds").likelihoods

    other = choose("refunds", "late", "billing").likelihoods

    assert pytest.approx(one, abs=1e-6) == other


def test_a_single_label_is_certain(choose: Choose) -> None:
    answer = choose("late")

    assert (answer.text, answer.likelihoods) == ("late", {"late": 1.0})


def test_of_equally_likely_labels_the_first_is_chosen(choose: Choose) -> None:
    # far beyond what a double can hold: all of them count as nothing
    labels = tuple(letter * 240 for letter in "zyx")

    answer = choose(*labels, prompt="a")

    assert labels[0] == answer.text


def test_a_choice_counts_the_labels_tokens_as_output(choose: Choose) -> None:
    answer = choose("late", "billing")

    assert answer.usage.output_tokens
    assert answer.finish_reason == "stop"


def test_many_long_labels_are_weighed_a_few_at_a_time(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, text = load_network(tiny, dtype="float32"), load_text(tiny)
    labels = [f"{one} {other}" for one in ("late", "billing", "a") for other in ("town", "order")]
    tree = label_tree(labels, text)
    own, logits = network.read([text.tokens(PROMPT)], None)
    (wide,) = label_shares(network, [tree], own, logits, None, rows=1000)
    forked: list[int] = []
    fork = OwnTokens.fork

    def counted(self: OwnTokens, rows: Sequence[int], *, room: int) -> OwnTokens:
        forked.append(len(rows))
        return fork(self, rows, room=room)

    monkeypatch.setattr(OwnTokens, "fork", counted)
    (narrow,) = label_shares(network, [tree], own, logits, None, rows=2)

    assert pytest.approx(wide, rel=1e-3, abs=1e-7) == narrow
    assert max(forked) == 2
