"""The embedded engine beside two processes that compute, as on a shared CI runner, and alone.

    python benchmarks/busy_machine.py                # about a minute and a half on two idle cores
    python benchmarks/busy_machine.py --cases 2

One engine answers the same number of requests alone and in company, in turns, so that a machine
that slows down slows both; the medians are compared. The limit: 2 times the time alone, which is
what a fair share of two cores is worth. Only an idle machine measures that: other work slows what
runs alone, too.

Which setting of OpenMP the engine takes, and what others would cost, is seen by naming them:
`GOMP_SPINCOUNT=300000 python benchmarks/busy_machine.py` is torch as it comes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from orders import GGUF, embedded_model, prompts, request

from tetrad.engines.interfaces import Engine
from tetrad.engines.torch import build_torch_engine

LIMIT = 2.0
BUSY = 2
ANSWER_TOKENS = 24


def main() -> int:
    parser = argparse.ArgumentParser(description="the torch engine on a busy machine")
    parser.add_argument("--cases", type=int, default=8, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    alone, beside = asyncio.run(_measured(args.cases, args.turns))
    ratio = median(beside) / median(alone)
    spins = os.environ.get("GOMP_SPINCOUNT", "not set")
    print(f"alone {_shown(alone)}; beside {BUSY} busy processes {_shown(beside)}")
    print(f"ratio {ratio:.2f}, limit {LIMIT} (GOMP_SPINCOUNT {spins})", end=": ")
    print("held" if ratio <= LIMIT else "MISSED")
    return 0 if ratio <= LIMIT else 1


async def _measured(cases: int, turns: int) -> tuple[list[float], list[float]]:
    """Seconds of each turn alone, and of each in company."""
    model, gguf, cache = embedded_model()
    engine = build_torch_engine(model, {GGUF: gguf}, cache=cache)
    texts = iter(prompts(1 + 2 * turns * cases))
    alone, beside = [], []
    try:
        await _seconds(engine, [next(texts)])  # loads, and reads what the prompts share
        for _ in range(turns):
            alone.append(await _seconds(engine, [next(texts) for _ in range(cases)]))
            with _company():
                beside.append(await _seconds(engine, [next(texts) for _ in range(cases)]))
    finally:
        await engine.aclose()
    return alone, beside


async def _seconds(engine: Engine, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    asked = (engine.complete(request(text, max_tokens=ANSWER_TOKENS)) for text in texts)
    await asyncio.gather(*asked)
    return time.perf_counter() - start


@contextmanager
def _company() -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _shown(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one:.2f}" for one in seconds) + " s"


if __name__ == "__main__":
    sys.exit(main())
