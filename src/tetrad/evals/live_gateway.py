"""Cases put to a gateway that serves, and graded as everywhere: what answers is what users get.

A gateway answers with its own model server, index and tools, so an answer counts only if it names the
identity that the cases are about.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tetrad.artifacts.network import check_network
from tetrad.assertions.answered import Services
from tetrad.canonical import Digest
from tetrad.errors import EngineUnavailable, Issue, JudgeFailed, SpecError
from tetrad.evals.grading import grade_trace
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


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveCases:
    """Cases of a suite for the stack that a gateway serves; SpecError for one that it cannot take."""

    suite: Suite
    stack: Stack
    identity: Digest
    cases: tuple[Case, ...]
    services: Services

    def __post_init__(self) -> None:
        issues = [
            Issue(location=case.location, message=f"{case.id} cannot be put to a gateway: {why}")
            for case in self.cases
            if (why := _why_not(case, self.suite)) is not None
        ]
        if issues:
            raise SpecError(issues)


def _why_not(case: Case, suite: Suite) -> str | None:
    if case.turns:
        return "it has `turns`, and is asked with variables"
    if case.tools and suite.tools != "live":
        return "it records what tools answer, and a gateway calls them"
    if any(assertion.type in _OF_TOOLS for assertion in assertions_of(case)):
        return "a gateway does not say which tools it called"
    return None


class LiveGateway:
    """A gateway by its address, asked as a client asks it."""

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
        standing = await self._sent("GET", "identity")
        name = standing.get("environment")
        if not isinstance(name, str):
            raise EngineUnavailable(
                f"{self._client.base_url} is no gateway: it names no environment"
            )
        return name

    async def run(self, live: LiveCases) -> SuiteRun:
        """Every case, each as often as it repeats."""
        outcomes = await asyncio.gather(*(self._outcome(live, case) for case in live.cases))
        return SuiteRun(
            suite=live.suite.ref,
            stack=live.stack.ref,
            identity=live.identity,
            golden=live.suite.golden.digest,
            cases=tuple(outcomes),
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _outcome(self, live: LiveCases, case: Case) -> CaseOutcome:
        samples = await asyncio.gather(*(self._sample(live, case) for _ in range(case.repeats)))
        return CaseOutcome(
            id=case.id,
            group=case.group,
            tags=case.tags,
            line=case.location.line,
            samples=tuple(samples),
        )

    async def _sample(self, live: LiveCases, case: Case) -> Sample:
        path = f"v1/stacks/{quote(live.stack.ref)}/answer"
        try:
            async with self._places:
                began = time.monotonic()
                answer = await self._sent("POST", path, {"variables": dict(case.vars)})
                seconds = time.monotonic() - began
            return await _graded(live, case, answer, seconds)
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
            raise EngineUnavailable(f"{self._client.base_url} is no gateway: it sent no object")
        return found


def _message(found: Any) -> str:
    error = found.get("error") if isinstance(found, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else "no message"


async def _graded(live: LiveCases, case: Case, answer: Mapping[str, Any], seconds: float) -> Sample:
    trace = _trace(live.stack, case, answer, seconds)
    usage = trace.usage
    cost = usage.cost_usd(live.stack.model.prices)
    metric = live.suite.metrics[0]
    other = _answered_by_another(live.identity, answer)
    if other is not None:
        result = AssertionResult(
            type="identity", metric=metric, passed=False, score=0.0, reason=other
        )
        return Sample(output=trace.output, metrics={metric: 0.0}, assertions=(result,))
    grade = await grade_trace(case, trace, cost_usd=cost, metric=metric, services=live.services)
    return Sample(
        output=trace.output,
        passed=grade.passed,
        metrics=grade.metrics,
        assertions=grade.assertions,
        usage=usage,
        cost_usd=cost,
        latency_s=seconds,
        breaches=trace.breaches,
    )


def _answered_by_another(expected: Digest, answer: Mapping[str, Any]) -> str | None:
    """Why the answer is not that of the expected identity."""
    if answer.get("fallback"):
        return f"the fallback {answer['fallback']!r} answered"
    found = answer.get("identity")
    if found == written_identity(expected):
        return None
    digits = str(found).removeprefix("tetrad:")[:12]
    return f"{digits} answered, and the working tree is {short(expected)}"


def _trace(stack: Stack, case: Case, answer: Mapping[str, Any], seconds: float) -> Trace:
    """What the answer says of how it came about; a gateway shows no prompt and no tool calls."""
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
        raise EngineUnavailable("the answer is not one of a gateway of this release") from error
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
