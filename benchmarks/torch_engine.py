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
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from orders import (
    GGUF_DIGEST,
    MAX_TOKENS,
    Rate,
    answer_with_engine,
    embedded_model,
    prompts,
)

from tetrad.canonical import Digest
from tetrad.engines.torch.convert import converted
from tetrad.results.exchange import Completion

FASTER_THAN_ONE_BY_ONE, FASTER_THAN_BATCHES, EQUAL, NEAR = 8.0, 3.0, 0.995, 0.001


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
