"""What is drawn at temperature > 0, by a network that finds all tokens equally likely.

Held to `0` or `1`, its every answer is the toss of a fair coin.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from safetensors.torch import load_file, save_file

from tetrad.engines.torch import build_torch_engine
from tetrad.engines.torch.sampling import Draw
from tetrad.model import Generation, Model
from tetrad.results.exchange import JsonOutput, Message, Request

Toss: TypeAlias = Callable[[Sequence[Request]], list[int]]
CASES = 60
SEEDS = range(5)


@pytest.fixture(scope="module")
def undecided(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("undecided")
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = torch.zeros_like(weights["lm_head.weight"])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return {f"model/{path.name}": path for path in folder.iterdir()}


@pytest.fixture
def toss(model: Model, undecided: Mapping[str, Path], tmp_path: Path) -> Toss:
    def toss(requests: Sequence[Request]) -> list[int]:
        async def everything() -> list[int]:
            engine = build_torch_engine(model, undecided, cache=tmp_path)
            try:
                answers = await asyncio.gather(*map(engine.complete, requests))
            finally:
                await engine.aclose()
            return [int(answer.text) for answer in answers]

        return asyncio.run(everything())

    return toss


def coin(case: int, *, seed: int | None = None, sample: int = 0) -> Request:
    return Request(
        style="completion",
        messages=(Message(role="user", content=f"parcel {case}:"),),
        generation=Generation(temperature=1.0, max_tokens=4, seed=seed),
        constraint=JsonOutput(schema={"enum": [0, 1]}),
        sample=sample,
    )


# Of 60 fair tosses, fewer than 12 or more than 48 heads come about once in a million times. What is
# tossed here is fixed by digests, so these tests give the same numbers everywhere.
FAIR = range(12, 49)


@pytest.mark.parametrize("seed", SEEDS)
def test_cases_of_one_seed_are_drawn_apart(toss: Toss, seed: int) -> None:
    heads = sum(toss([coin(case, seed=seed) for case in range(CASES)]))

    assert heads in FAIR


def test_samples_of_one_case_are_drawn_apart(toss: Toss) -> None:
    heads = sum(toss([coin(1, sample=sample) for sample in range(CASES)]))

    assert heads in FAIR


def test_seeds_are_drawn_apart(toss: Toss) -> None:
    heads = sum(toss([coin(1, seed=seed) for seed in range(CASES)]))

    assert heads in FAIR


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"sample": 1}, {"seed": 1, "sample": 1}],
    ids=["seed", "sample", "seed and sample"],
)
def test_cases_that_agree_under_one_seed_or_sample_need_not_under_another(
    toss: Toss, other: Mapping[str, int]
) -> None:
    before = toss([coin(case, seed=0) for case in range(CASES)])

    after = toss([coin(case, **{"seed": 0, **other}) for case in range(CASES)])

    assert sum(one == two for one, two in zip(before, after, strict=True)) in FAIR


def test_the_same_request_draws_the_same_in_any_company(toss: Toss) -> None:
    requests = [coin(case, seed=3, sample=case % 3) for case in range(CASES)]

    assert toss(requests) == toss(requests[::-1])[::-1]


def test_every_token_has_its_chance() -> None:
    logits = torch.log(torch.tensor([0.5, 0.25, 0.125, 0.125]))
    counts = [0, 0, 0, 0]
    for case in range(4_000):
        request = replace(coin(case), generation=Generation(temperature=1.0))
        counts[Draw(request).token(logits)] += 1

    expected = [2_000, 1_000, 500, 500]
    chi_square = sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True))
    assert chi_square < 16.3  # one in a thousand, with three degrees of freedom


def test_a_draw_goes_on_without_repeating_itself() -> None:
    draw = Draw(coin(1))
    logits = torch.zeros(1_000)

    drawn = [draw.token(logits) for _ in range(100)]

    assert len(set(drawn)) > 85
