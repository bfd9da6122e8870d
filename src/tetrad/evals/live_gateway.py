"""Runs cases against a live gateway and grades the answers as any other run does.

A gateway answers with its own model server, index and tools, so an answer passes only if it names the
identity of the working tree.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tetrad.artifacts.network import check_network
from tetrad.canonical import Digest
from tetrad.errors import EngineUnavailable, Issue, JudgeFailed, SpecError
from tetrad.evals.case_selection import CaseSelection, outcome_of
from tetrad.identity import short, written_identity
from tetrad.model import Case, Stack, Suite, assertions_of
from tetrad.model.variables import text_of
from tetrad.results.exchange import Completion, Request, Usage
from tetrad.results.outcome import AssertionResult, CaseOutcome, Sample, SuiteRun
from tetrad.results.trace import Generated, Guarded, Passage, Retrieved, Step, Trace

if TYPE_CHECKING:
    import httpx2

_AT_ONCE = 8
_TIMEOUT_S = 120.0
_OF_TOOLS = frozenset({"tool-called"})


def _refuse_unfit(selections: Sequence[CaseSelection]) -> None:
    issues = [
        Issue(location=case.location, message=f"{case.id} cannot run against a gateway: {why}")
        for selection in selections
        for case in selection.cases
        if (why := _why_unfit(case, selection.suite)) is not None
    ]
    if issues:
        raise SpecError(issues)


def _why_unfit(case: Case, suite: Suite) -> str | None:
    if case.turns:
        return "it has `turns`, and this endpoint takes variables alone"
    if case.tools and suite.tools != "live":
        return "it records tool results, and a gateway calls the tools"
    if any(assertion.type in _OF_TOOLS for assertion in assertions_of(case)):
        return "a gateway does not report which tools it called"
    return None


class LiveGateway:
    """A gateway by its address, asked as any client asks it."""

    def __init__(self, address: str, key: str) -> None:
        import httpx2

        check_network(address)
        headers = {"User-Agent": "tetrad", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._client: httpx2.AsyncClient = httpx2.AsyncClient(
            base_url=address.rstrip("/") + "/", headers=headers, timeout=_TIMEOUT_S
        )
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def environment(self) -> str:
        """The name of the environment that it serves."""
        found = await self._sent("GET", "identity")
        name = found.get("environment")
        if not isinstance(name, str):
            raise EngineUnavailable(
                f"{self._client.base_url} is not a gateway: its /identity names no environment"
            )
        return name

    async def run(self, selections: Sequence[CaseSelection]) -> tuple[SuiteRun, ...]:
        """Run every case as often as it repeats; SpecError for those that a gateway cannot take."""
        _refuse_unfit(selections)
        return tuple([await self._run(selection) for selection in selections])

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _run(self, selection: CaseSelection) -> SuiteRun:
        outcomes = [self._outcome(selection, case) for case in selection.cases]
        return selection.run_of(await asyncio.gather(*outcomes))

    async def _outcome(self, selection: CaseSelection, case: Case) -> CaseOutcome:
        samples = [self._sample(selection, case) for _ in range(case.repeats)]
        return outcome_of(case, await asyncio.gather(*samples))

    async def _sample(self, selection: CaseSelection, case: Case) -> Sample:
        path = f"v1/stacks/{quote(selection.stack.ref)}/answer"
        try:
            async with self._places:
                began = time.monotonic()
                answer = await self._sent("POST", path, {"variables": dict(case.vars)})
                seconds = time.monotonic() - began
            return await _graded(selection, case, answer, seconds)
        except (EngineUnavailable, JudgeFailed) as error:
            return Sample(output="", error=str(error), metrics={})

    async def _sent(self, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
        import httpx2

        try:
            response = await self._client.request(method, path, json=body)
            found = response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            what = str(error) or type(error).__name__
            raise EngineUnavailable(f"{self._client.base_url} did not answer: {what}") from error
        if response.status_code != httpx2.codes.OK:
            message = _message(found)
            raise EngineUnavailable(f"HTTP {response.status_code} from the gateway: {message}")
        if not isinstance(found, dict):
            raise EngineUnavailable(
                f"{self._client.base_url} is not a gateway: its answer is not a JSON object"
            )
        return found


def _message(found: Any) -> str:
    error = found.get("error") if isinstance(found, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else "no message"


async def _graded(
    selection: CaseSelection, case: Case, answer: Mapping[str, Any], seconds: float
) -> Sample:
    trace = _trace(selection.stack, case, answer, seconds)
    other = _answered_by_another(selection.identity, answer)
    if other is None:
        return await selection.graded(case, trace)
    metric = selection.suite.metrics[0]
    result = AssertionResult(type="identity", metric=metric, passed=False, score=0.0, reason=other)
    return Sample(output=trace.output, metrics={metric: 0.0}, assertions=(result,))


def _answered_by_another(expected: Digest, answer: Mapping[str, Any]) -> str | None:
    """Why the answer is not that of the expected identity."""
    if answer.get("fallback"):
        return f"the fallback {answer['fallback']!r} answered"
    found = answer.get("identity")
    if found == written_identity(expected):
        return None
    digits = str(found).removeprefix("tetrad:")[:12]
    return f"{digits} answered, expected {short(expected)} of the working tree"


def _trace(stack: Stack, case: Case, answer: Mapping[str, Any], seconds: float) -> Trace:
    """The trace as far as the answer has it; a gateway shows neither the prompt nor tool calls."""
    try:
        used = answer["usage"]
        completion = Completion(
            text=answer["answer"],
            finish_reason=answer["finish_reason"],
            usage=Usage(
                input_tokens=used["input_tokens"],
                output_tokens=used["output_tokens"],
                cached_input_tokens=used["cached_input_tokens"],
            ),
            latency_s=seconds,
        )
        guarded = [Guarded(rule=g["rule"], detail=g["detail"]) for g in answer["guardrails"]]
        steps: tuple[Step, ...] = (
            *_retrieved(stack, case, answer["sources"]),
            Generated(request=Request(messages=()), completion=completion),
            *guarded,
        )
    except (KeyError, TypeError) as error:
        raise EngineUnavailable(
            "the answer does not have the form of this release's gateways"
        ) from error
    return Trace(vars=case.vars, steps=steps, output=completion.text)


def _retrieved(
    stack: Stack, case: Case, sources: Sequence[Mapping[str, Any]]
) -> Iterator[Retrieved]:
    if stack.retrieval is None:
        return
    passages = tuple(
        Passage(
            document=source["document"],
            chunk=source["chunk"],
            text=source["text"],
            score=source["score"],
            similarity=source["score"],
        )
        for source in sources
    )
    query = text_of(case.vars.get(stack.retrieval.query, ""))
    yield Retrieved(query=query, passages=passages)
