"""What a case costs besides its answer: Tetrad beside DeepEval, Inspect AI and a bare HTTP loop.

    python benchmarks/orchestration.py [--cases 5000] [--peer-python PATH]

1. An in-process engine of zero latency and three deterministic assertions (JSON, contains, regular
   expression), results committed; the same cases by DeepEval and Inspect AI, each as its own
   documentation has it, with displays and telemetry off. Peers run in a Python of their own, which
   `make benchmarks` sets up from requirements.txt. The limit: at least 4 times DeepEval's rate.
2. A local HTTP endpoint that answers after 50 ms, 32 requests in flight, against a bare loop with
   the same client library. The limit: at least 0.9 of the bare loop.

Prints seconds, rates and ratios; exits 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from many_cases import ANSWER, PATTERN, lay_down, message, opened

if TYPE_CHECKING:
    from tetrad.evals import SelectedCases, Session
    from tetrad.results.outcome import SuiteRun

LIMIT_DEEPEVAL = 4.0
LIMIT_HTTP = 0.9
IN_FLIGHT = 32
DELAY_S = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--http-cases", type=int, default=2000)
    parser.add_argument(
        "--peer-python", default=sys.executable, help="where the peers are installed"
    )
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--measure", choices=sorted(MEASURES), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(MEASURES[args.measure](args.cases)))
        return 0
    missed = _report_in_process(args) + _report_http(args)
    return 1 if missed else 0


def _report_in_process(args: argparse.Namespace) -> int:
    print(f"{args.cases} cases, zero-latency engine, three deterministic assertions, committed:")
    ours = min(_seconds(sys.executable, "tetrad", args.cases) or 0.0 for _ in range(args.rounds))
    _line("tetrad", args.cases, ours, ours)
    verdict = "not measured"
    for peer in ("deepeval", "inspect-ai"):
        seconds = _seconds(args.peer_python, peer, args.cases)
        if seconds is None:
            print(f"  {peer:<12} not installed in {args.peer_python}; see --peer-python")
            continue
        _line(peer, args.cases, seconds, ours)
        if peer == "deepeval":
            verdict = "held" if seconds / ours >= LIMIT_DEEPEVAL else "MISSED"
    print(f"  limit: {LIMIT_DEEPEVAL:g} times DeepEval's rate: {verdict}")
    return int(verdict == "MISSED")


def _line(name: str, cases: int, seconds: float, ours: float) -> None:
    print(
        f"  {name:<12} {seconds:8.2f} s {cases / seconds:9.0f} cases/s"
        f"   tetrad is {seconds / ours:.1f} times as fast"
    )


def _seconds(python: str, what: str, cases: int) -> float | None:
    """What a measure took in a process of its own; None where its package is not installed."""
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [python, __file__, "--measure", what, "--cases", str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{what} failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


# -- what is measured, each in a process of its own; nothing is imported inside the clock


def measure_tetrad(cases: int) -> dict[str, float]:
    _tetrad_seconds(10)  # what is imported where it is used is imported before the clock
    return {"seconds": _tetrad_seconds(cases)}


def _tetrad_seconds(cases: int) -> float:
    from tetrad.evals import execute
    from tetrad.loading.repositories import load_repository

    with tempfile.TemporaryDirectory() as folder:
        root = lay_down(Path(folder), cases)
        suite = load_repository(root).suites["evals/triage"]
        start = time.perf_counter()
        with opened(root, suite) as (bench, selection):
            (run,) = asyncio.run(execute([selection], log=bench.runs))
        seconds = time.perf_counter() - start
    _expect(sum(case.passed for case in run.cases), cases)
    return seconds


def measure_deepeval(cases: int) -> dict[str, float]:
    os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"
    os.chdir(tempfile.mkdtemp())
    from deepeval.metrics import BaseMetric, PatternMatchMetric

    class Check(BaseMetric):  # type: ignore[misc, unused-ignore]
        threshold = 0.5
        async_mode = False

        def measure(self, test_case: Any, *_: Any, **__: Any) -> float:
            self.score = 1.0 if self.holds(test_case.actual_output) else 0.0
            self.success = self.score >= self.threshold
            return self.score

        async def a_measure(self, test_case: Any, *_: Any, **__: Any) -> float:
            return self.measure(test_case)

        def is_successful(self) -> bool:
            return bool(self.success)

    class IsJson(Check):
        __name__ = "is-json"

        def holds(self, output: str) -> bool:
            try:
                json.loads(output)
            except ValueError:
                return False
            return True

    class Contains(Check):
        __name__ = "icontains"

        def holds(self, output: str) -> bool:
            return "billing" in output.lower()

    def metrics() -> list[Any]:
        return [IsJson(), Contains(), PatternMatchMetric(pattern=PATTERN)]

    _deepeval_seconds(10, metrics(), run_async=True)
    seconds = min(_deepeval_seconds(cases, metrics(), run_async=way) for way in (True, False))
    return {"seconds": seconds}


def _deepeval_seconds(cases: int, metrics: list[Any], *, run_async: bool) -> float:
    """One of its two ways, without its cache: writing that takes the square of the cases."""
    from deepeval import evaluate
    from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
    from deepeval.test_case import LLMTestCase

    start = time.perf_counter()
    asked = [LLMTestCase(input=message(n), actual_output=ANSWER) for n in range(cases)]
    result = evaluate(
        test_cases=asked,
        metrics=metrics,
        async_config=AsyncConfig(run_async=run_async),
        cache_config=CacheConfig(write_cache=False),
        display_config=DisplayConfig(
            show_indicator=False, print_results=False, inspect_after_run=False
        ),
    )
    seconds = time.perf_counter() - start
    _expect(sum(bool(case.success) for case in result.test_results), cases)
    return seconds


def measure_inspect(cases: int) -> dict[str, float]:
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, accuracy, includes, pattern, scorer
    from inspect_ai.solver import generate

    @scorer(metrics=[accuracy()])  # type: ignore[untyped-decorator, unused-ignore]
    def is_json() -> Any:
        async def score(state: Any, _: Any) -> Any:
            try:
                json.loads(state.output.completion)
            except ValueError:
                return Score(value="I")
            return Score(value="C")

        return score

    def answers() -> Iterator[Any]:
        while True:
            output = ModelOutput.from_content("mockllm/model", ANSWER)
            output.usage = ModelUsage(
                input_tokens=60, output_tokens=6
            )  # else it counts, by download
            yield output

    model = get_model("mockllm/model", custom_outputs=answers())
    start = time.perf_counter()
    dataset = MemoryDataset([Sample(input=message(n), target="billing") for n in range(cases)])
    task = Task(
        dataset=dataset,
        solver=generate(),
        scorer=[is_json(), includes(), pattern(r'"queue": "([a-z]+)"')],
    )
    with tempfile.TemporaryDirectory() as logs:
        (log,) = evaluate(task, model=model, display="none", log_dir=logs)
        seconds = time.perf_counter() - start
    _expect(log.results.completed_samples, cases)
    return {"seconds": seconds}


MEASURES = {
    "tetrad": measure_tetrad,
    "deepeval": measure_deepeval,
    "inspect-ai": measure_inspect,
}


def _expect(passed: int, cases: int) -> None:
    if passed != cases:
        raise SystemExit(f"{passed} of {cases} passed; the measure is worth nothing")


# -- a local HTTP endpoint


def _report_http(args: argparse.Namespace) -> int:
    cases = args.http_cases
    floor = cases / IN_FLIGHT * DELAY_S
    print(
        f"{cases} cases, {IN_FLIGHT} in flight, an endpoint of {DELAY_S * 1000:g} ms ({floor:.2f} s at best):"
    )
    with _endpoint() as url:
        os.environ["BENCHMARK_URL"] = url
        pairs = [(_bare(url, cases), _through_tetrad(cases)) for _ in range(args.rounds)]
    bare, ours = min(b for b, _ in pairs), min(o for _, o in pairs)
    ratio = bare / ours
    print(f"  bare loop    {bare:8.2f} s {cases / bare:9.0f} cases/s")
    print(
        f"  tetrad       {ours:8.2f} s {cases / ours:9.0f} cases/s   {ratio:.2f} of the bare loop"
    )
    missed = int(ratio < LIMIT_HTTP)
    print(f"  limit: {LIMIT_HTTP:g} of the bare loop: {'MISSED' if missed else 'held'}")
    return missed


def _bare(url: str, cases: int) -> float:
    """The same requests by the same client, and nothing else."""
    import httpx2

    async def loop() -> float:
        limits = httpx2.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
        async with httpx2.AsyncClient(limits=limits, timeout=60) as client:
            numbers = iter(range(cases))

            async def work() -> None:
                for number in numbers:
                    content = message(number)
                    body = {"model": "fixed", "messages": [{"role": "user", "content": content}]}
                    answer = await client.post(f"{url}/chat/completions", json=body)
                    json.loads(answer.text)["choices"][0]["message"]["content"]

            start = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
            return time.perf_counter() - start

    return asyncio.run(loop())


def _through_tetrad(cases: int) -> float:
    from tetrad.evals import execute
    from tetrad.loading.repositories import load_repository

    async def work(bench: Session, selection: SelectedCases) -> Sequence[SuiteRun]:
        try:
            return await execute([selection], log=bench.runs)
        finally:
            await bench.aclose()

    with tempfile.TemporaryDirectory() as folder:
        root = lay_down(Path(folder), cases, engine="http")
        suite = load_repository(root).suites["evals/triage"]
        with opened(root, suite) as (bench, selection):
            start = time.perf_counter()
            (run,) = asyncio.run(work(bench, selection))
            seconds = time.perf_counter() - start
    _expect(sum(case.passed for case in run.cases), cases)
    return seconds


@contextmanager
def _endpoint() -> Iterator[str]:
    """A server of fixed answers in a process of its own, so that it takes none of our time."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


_BODY = json.dumps(
    {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 60, "completion_tokens": 6},
    }
)
_SERVER = f"""
import asyncio, re
body = {_BODY!r}.encode()
answer = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body
length = re.compile(rb"content-length: (\\d+)", re.I)
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            found = length.search(head)  # a GET, for the server's version, has none
            await reader.readexactly(int(found[1]) if found else 0)
            await asyncio.sleep({DELAY_S})
            writer.write(answer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

assert re.search(PATTERN, ANSWER)

if __name__ == "__main__":
    sys.exit(main())
