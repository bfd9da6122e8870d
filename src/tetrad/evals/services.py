"""What the assertions of one suite ask for that is not arithmetic, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tetrad.assertions.score import Score
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.evals.judges import ReadyJudge
from tetrad.evals.python_process import PythonCode
from tetrad.evals.similarities import Embeddings
from tetrad.model import DEFAULT_JUDGE


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteServices:
    """A suite's judges, its embedder and its code; what it does not name is not there."""

    python: PythonCode
    embeddings: Embeddings | None = None
    judges: Mapping[str, ReadyJudge] = field(default_factory=dict)

    async def similarities(self, text: str, others: tuple[str, ...]) -> tuple[float, ...]:
        if self.embeddings is None:
            raise JudgeFailed("the suite has no embedding model")
        return await self.embeddings.similarities(text, others)

    async def ask_judge(
        self,
        name: str | None,
        question: Mapping[str, str],
        schema: Mapping[str, Json],
        read: Callable[[Mapping[str, Json]], Score],
    ) -> Score:
        judge = self.judges.get(name or DEFAULT_JUDGE)
        if judge is None:
            raise JudgeFailed(f"the suite has no judge {name or DEFAULT_JUDGE!r}")
        return await judge.ask(question, schema, read)

    async def run_python(self, code: str, function: str, *arguments: Json) -> Json:
        return await self.python.run(code, function, *arguments)
