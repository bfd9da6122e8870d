"""Short ways to write the values that tests of evals are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tetrad.answers import Answers, KeptRuns
from tetrad.canonical import digest_of
from tetrad.engines.interfaces import ComputingEngine
from tetrad.errors import Location
from tetrad.evals import Recorded, SelectedCases
from tetrad.evals.answer_store import AnswerStore
from tetrad.evals.python_process import PythonCode, code_places
from tetrad.evals.services import SuiteServices
from tetrad.identity import identity_of
from tetrad.model import (
    Assertion,
    AssertionSet,
    Case,
    GoldenSet,
    Model,
    Prompt,
    PromptMessage,
    ScriptedAnswer,
    ScriptedEngine,
    Source,
    Stack,
    Suite,
    Variable,
)
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called, Passage
from tetrad.runtime.answering import build
from tetrad.tools import RecordedToolbox
from tetrad.trees import WorkingTree

HERE = Location("evals/a/golden.yaml", 3, 5)


def assertion(type_: str, value: Any = None, **further: Any) -> Assertion:
    """An assertion as it is written: `not-` belongs to the type."""
    return Assertion(
        type=type_.removeprefix("not-"),
        negated=type_.startswith("not-"),
        value=value,
        location=HERE,
        **further,
    )


def passage(document: str, text: str = "") -> Passage:
    return Passage(document=document, chunk=0, text=text, score=0.5, similarity=0.5)


def called(name: str, arguments: Mapping[str, Any] | None = None) -> Called:
    return Called(call=ToolCall(id="1", name=name, arguments=arguments or {}), result={})


DIGEST = digest_of("something pinned")
SCRIPT = ScriptedEngine(answers=(ScriptedAnswer(contains="", output="yes"),), digest=DIGEST)
MODEL = Model(
    ref="stacks/models/scripted",
    location=HERE,
    source=Source(uri="endpoint://scripted", scheme="endpoint"),
    engine=SCRIPT,
)
PROMPT = Prompt(
    ref="prompts/a",
    location=HERE,
    variables={"message": Variable(name="message", location=HERE)},
    messages=(PromptMessage(role="user", content="Say {{ message }}.", location=HERE),),
)


def stack(**changed: Any) -> Stack:
    return Stack(ref="stacks/a", location=HERE, **{"prompt": PROMPT, "model": MODEL, **changed})


def case(id_: str, *assertions: Assertion | AssertionSet, **further: Any) -> Case:
    return Case(
        **{"vars": {"message": id_}, **further}, id=id_, assertions=assertions, location=HERE
    )


def suite(*cases: Case, **further: Any) -> Suite:
    return Suite(
        ref="evals/a",
        location=Location("evals/a/suite.yaml"),
        stacks=(stack(),),
        golden=GoldenSet(path="evals/a/golden.yaml", cases=cases, digest=digest_of(len(cases))),
        **further,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What executions keep, in one folder."""

    answers: Answers
    runs: KeptRuns

    @property
    def folder(self) -> Path:
        return self.answers.path.parent


@contextmanager
def kept_in(folder: Path) -> Iterator[Kept]:
    with (
        Answers.open(folder / "answers.db") as answers,
        KeptRuns.open(folder / "answers.db") as runs,
    ):
        yield Kept(answers=answers, runs=runs)


def selection(
    judged: Suite,
    engine: ComputingEngine | Recorded,
    answers: AnswerStore,
    root: Path,
    **changed: Any,
) -> SelectedCases:
    """The suite on a stack whose requests the given engine answers."""
    subject = changed.pop("stack", stack())
    recorded = engine if isinstance(engine, Recorded) else Recorded(engine, answers, DIGEST)
    runtime = build(
        subject,
        engine=recorded,
        embedder_of=lambda _: pytest.fail("nothing here embeds"),
        count=len,
        files=WorkingTree(root),
        cache=root,
    )
    given: dict[str, Any] = {
        "cases": judged.golden.cases,
        "toolbox": lambda case: RecordedToolbox(case.tools, subject.tools),
        "services": SuiteServices(python=PythonCode(WorkingTree(root), code_places())),
        "identity": identity_of(subject),
        **changed,
    }
    return SelectedCases(suite=judged, stack=subject, engine=recorded, runtime=runtime, **given)
