"""Candidate golden cases of what users said: whoever reviews them sharpens the assertions.

What a user wrote becomes data of a case and nothing else: a text that a golden set would read as a
template or as the name of a file makes no case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tetrad.canonical import Digest, Json, as_digested, digest_of
from tetrad.identity import written_identity
from tetrad.model import Case, Suite, Turn, assertions_of
from tetrad.results.trace import Trace
from tetrad.runtime.redaction import redacted, redacted_json
from tetrad.traffic import Feedback, KeptAnswer

TAG = "feedback"
# What states an expected answer by its value alone; the first is taken where a suite has none.
_EXPECTING = (
    "equals", "icontains", "contains", "starts-with", "similar", "rouge-n", "levenshtein", "bleu",
)  # fmt: skip
_READ = re.compile(r"\{\{|\{%|\{#|^\s*file://")
_COMMENT = 500  # characters of a comment


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A case as it is written, of the feedback that asked for it."""

    document: Mapping[str, Json]
    feedback: str

    @property
    def id(self) -> str:
        return str(self.document["id"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """Feedback that makes no case, and why."""

    feedback: str
    reason: str


def candidates(
    chosen: Iterable[Feedback], answers: Mapping[str, KeptAnswer], suite: Suite
) -> tuple[tuple[Candidate, ...], tuple[Skipped, ...]]:
    """A case for each question that the golden set does not ask yet; corrections go first.

    `answers` are those that were kept, by their ids.
    """
    writing = _Writing(suite)
    made: list[Candidate] = []
    skipped: list[Skipped] = []
    for said in sorted(chosen, key=lambda one: one.correction is None):
        try:
            document = writing.document(said, answers.get(said.answer))
        except _NoCase as why:
            skipped.append(Skipped(feedback=said.id, reason=str(why)))
        else:
            made.append(Candidate(document=document, feedback=said.id))
    return tuple(made), tuple(skipped)


class _NoCase(Exception):
    """Why feedback makes no case."""


class _Writing:
    """Writes cases for one suite, none twice."""

    def __init__(self, suite: Suite) -> None:
        cases = suite.golden.cases
        self._stacks = {stack.ref for stack in suite.stacks}
        self._tools = {tool.name for stack in suite.stacks for tool in stack.tools}
        self._usual = _usual_type(cases)
        self._known = {_asked(case.vars, case.turns): case.id for case in cases}

    def document(self, said: Feedback, kept: KeptAnswer | None) -> Mapping[str, Json]:
        """The case; _NoCase where there is none."""
        if said.stack not in self._stacks:
            raise _NoCase(f"it is about {said.stack}, which the suite does not judge")
        if kept is None:
            raise _NoCase("its answer was not kept, or was erased")
        if kept.answer.error is not None:
            raise _NoCase("there was no answer")
        asked = _asked(kept.answer.vars, kept.answer.history)
        if asked in self._known:
            raise _NoCase(f"the case {self._known[asked]} asks the same")
        document = self._written(said, kept.answer, f"{TAG}-{asked.hex[:12]}")
        if _is_read(document):
            raise _NoCase("its text would be read as a template or as the name of a file")
        self._known[asked] = str(document["id"])
        return document

    def _written(self, said: Feedback, answer: Trace, name: str) -> dict[str, Any]:
        turns = [{"role": turn.role, "content": redacted(turn.content)} for turn in answer.history]
        tools = [one for one in _tools(answer) if one["tool"] in self._tools]
        document: dict[str, Any] = {
            "id": name,
            "description": _description(said),
            "vars": redacted_json(as_digested(answer.vars)),
            "turns": turns,
            "tools": tools,
            "assert": [_assertion(said, answer, self._usual)],
            "tags": [TAG],
            "metadata": {
                "feedback": said.id,
                "trace": said.trace,
                "identity": written_identity(said.identity),
            },
        }
        return {key: value for key, value in document.items() if value not in ([], "")}


def _description(said: Feedback) -> str:
    comment = " ".join(redacted(said.comment).split())
    if len(comment) > _COMMENT:
        comment = f"{comment[: _COMMENT - 1]}…"
    return f"Rated {said.rating} by a user{f': {comment}' if comment else ''}"


def _assertion(said: Feedback, answer: Trace, usual: str) -> Mapping[str, Json]:
    """What should be answered, or what should not."""
    if said.correction is not None:
        return {"type": usual, "value": redacted(said.correction)}
    if said.rating == "good":
        return {"type": usual, "value": redacted(answer.output)}
    return {"type": "not-equals", "value": redacted(answer.output)}


def _tools(answer: Trace) -> Iterator[Mapping[str, Json]]:
    """What the tools answered then, for the case to answer with again."""
    for called in answer.called:
        found: dict[str, Any] = {
            "tool": called.call.name,
            "arguments": redacted_json(as_digested(called.call.arguments)),
        }
        if called.error is not None:
            yield {**found, "error": redacted(called.error)}
        else:
            yield {**found, "result": redacted_json(as_digested(called.result))}


def _usual_type(cases: Iterable[Case]) -> str:
    """How the golden set mostly states an expected answer."""
    used = Counter(
        assertion.type
        for case in cases
        for assertion in assertions_of(case)
        if assertion.type in _EXPECTING and not assertion.negated
    )
    return max(_EXPECTING, key=lambda name: used[name])


def _asked(variables: Mapping[str, Json], turns: Sequence[Turn]) -> Digest:
    """What a case asks, so that the same question makes no second case."""
    said = [[turn.role, redacted(turn.content)] for turn in turns]
    return digest_of([redacted_json(as_digested(variables)), said])


def _is_read(value: Any) -> bool:
    """Whether a golden set would take some text of a case for more than a text."""
    if isinstance(value, str):
        return _READ.search(value) is not None
    if isinstance(value, Mapping):
        return any(_is_read(key) or _is_read(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(_is_read, value))
