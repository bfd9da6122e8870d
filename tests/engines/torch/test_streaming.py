"""Answers of the torch engine while they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tetrad.canonical import Json
from tetrad.engines.interfaces import Engine
from tetrad.engines.torch import build_torch_engine
from tetrad.engines.torch.in_process import InProcessEngine
from tetrad.engines.torch.live_text import LiveText
from tetrad.errors import EngineUnavailable
from tetrad.model import Generation, Model
from tetrad.results.exchange import Choice, Completion, JsonOutput, Message, Request

SCHEMA: Mapping[str, Json] = {"enum": ["late", 12]}


def asked(text: str, **changes: object) -> Request:
    """A continuation of forty tokens; random weights write bytes that are no text, mostly."""
    request = Request(
        style="completion",
        messages=(Message(role="user", content=text),),
        generation=Generation(temperature=0, max_tokens=40),
    )
    return replace(request, **changes)  # type: ignore[arg-type]


async def streamed(engine: Engine, request: Request) -> list[str | Completion]:
    return [piece async for piece in engine.stream(request)]


@pytest.fixture(scope="module")
def both(
    model: Model, files: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[Request]], list[tuple[list[str | Completion], Completion]]]:
    """Each request streamed and asked for whole, all at once."""

    async def everything(
        requests: Sequence[Request],
    ) -> list[tuple[list[str | Completion], Completion]]:
        engine = build_torch_engine(model, files, cache=tmp_path_factory.mktemp("cache"))
        try:
            pieces = await asyncio.gather(*(streamed(engine, one) for one in requests))
            whole = await asyncio.gather(*(engine.complete(one) for one in requests))
        finally:
            await engine.aclose()
        return list(zip(pieces, whole, strict=True))

    return lambda requests: asyncio.run(everything(requests))


KINDS = [
    asked("the order"),
    asked("the order", constraint=Choice(labels=("late", "billing"))),
    asked("the order", constraint=JsonOutput(schema=SCHEMA)),
    *(
        asked(f"a parcel {seed}", generation=Generation(temperature=1.5, max_tokens=60, seed=seed))
        for seed in range(12)
    ),
    *(
        asked(
            f"to {seed}",
            generation=Generation(
                temperature=1.2, max_tokens=60, seed=seed, stop=("e", " a", "\n")
            ),
        )
        for seed in range(12)
    ),
]


def test_the_pieces_are_the_whole_answer(
    both: Callable[[Sequence[Request]], list[tuple[list[str | Completion], Completion]]],
) -> None:
    for pieces, whole in both(KINDS):
        *texts, last = pieces
        assert isinstance(last, Completion)
        assert (last.text, last.finish_reason) == (whole.text, whole.finish_reason)
        assert "".join(map(str, texts)) == last.text
        assert all(texts)


def test_an_answer_comes_in_pieces(
    both: Callable[[Sequence[Request]], list[tuple[list[str | Completion], Completion]]],
) -> None:
    [(pieces, _)] = both([asked("the order is late")])

    assert len(pieces) > 5


def test_closing_the_stream_gives_the_answer_up(
    model: Model, files: Mapping[str, Path], tmp_path: Path
) -> None:
    async def everything() -> tuple[str, int]:
        engine = build_torch_engine(model, files, cache=tmp_path)
        long = asked("a parcel", generation=Generation(temperature=1, max_tokens=200, seed=1))
        try:
            async with aclosing(engine.stream(long)) as pieces:
                first = await anext(pieces)
            after = await engine.complete(asked("the order"))
        finally:
            await engine.aclose()
        assert isinstance(first, str)
        assert isinstance(engine, InProcessEngine)
        return after.text, len(engine._open)

    text, waiting = asyncio.run(everything())

    assert text
    assert waiting == 0


def test_a_stream_of_a_request_that_is_refused_says_why(
    model: Model, files: Mapping[str, Path], tmp_path: Path
) -> None:
    async def everything() -> None:
        engine = build_torch_engine(model, files, cache=tmp_path)
        try:
            await streamed(engine, asked("a parcel " * 300))
        finally:
            await engine.aclose()

    with pytest.raises(EngineUnavailable, match="context window"):
        asyncio.run(everything())


def bytes_of_gpt() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({char: n for n, char in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def bytes_of_llama() -> Tokenizer:
    """SentencePiece's way: a blank is ▁, the first one is dropped, unknown characters are bytes."""
    words = ["<unk>", *(f"<0x{n:02X}>" for n in range(256)), "▁", "a", "b", "▁a", "é", "."]
    tokenizer = Tokenizer(
        models.BPE({w: n for n, w in enumerate(words)}, [("▁", "a")], byte_fallback=True)
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


@pytest.mark.parametrize("tokenizer", [bytes_of_gpt(), bytes_of_llama()], ids=["gpt", "llama"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_told_early_is_the_beginning_of_what_is_decoded_in_the_end(
    tokenizer: Tokenizer, data: st.DataObject
) -> None:
    size = tokenizer.get_vocab_size()
    stops = data.draw(st.lists(st.text("ab .", min_size=1, max_size=3), max_size=2))
    texts = st.text(max_size=12).map(lambda text: tokenizer.encode(text).ids)
    noise = st.lists(st.integers(0, size - 1), max_size=6)
    tokens = [token for run in data.draw(st.lists(texts | noise, max_size=4)) for token in run]
    told: list[str] = []
    live = LiveText(tokenizer, stops, told.append)

    for number, token in enumerate(tokens, start=1):
        so_far = tokenizer.decode(tokens[:number])
        found = [so_far.index(stop) for stop in stops if stop in so_far]
        if found:
            so_far = so_far[: min(found)]
        assert so_far.strip().startswith("".join(told))
        if found:
            return
        live.take(token)

    assert tokenizer.decode(tokens).strip().startswith("".join(told))
