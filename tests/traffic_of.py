"""Live answers of the scripted stack that `tetrad init` creates, and what users said of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from trees import Tree

from tetrad.canonical import Digest, Json
from tetrad.identity import identity_of
from tetrad.loading.repositories import load_repository
from tetrad.model import Turn
from tetrad.registry import registry_place
from tetrad.results.exchange import Completion, Message, Request, Usage
from tetrad.results.trace import Generated, Step, Trace
from tetrad.traffic import Feedback, KeptAnswer, Rating, feedback_on, kept_answer
from tetrad.traffic.traffic_store import Traffic

STACK = "stacks/feedback"
START = datetime(2026, 11, 30, 12, tzinfo=UTC)


def identity(tree: Tree) -> Digest:
    return identity_of(load_repository(tree.root).stacks[STACK])


def answered(
    output: str,
    *,
    steps: Sequence[Step] = (),
    history: Sequence[Turn] = (),
    error: str | None = None,
    **variables: Json,
) -> Trace:
    """An answer of a model, after the steps."""
    request = Request(style="completion", messages=(Message(role="user", content="…"),))
    usage = Usage(input_tokens=100, output_tokens=len(output))
    generated = Generated(
        request=request, completion=Completion(text=output, usage=usage, latency_s=0.1)
    )
    return Trace(
        vars=variables, history=tuple(history), steps=(*steps, generated), output=output, error=error
    )  # fmt: skip


def kept(
    tree: Tree,
    number: int,
    answer: Trace,
    *,
    stack: str = STACK,
    begin: datetime = START,
    environment: str = "production",
    of: Digest | None = None,
) -> KeptAnswer:
    """An answer as the gateway keeps it, one a minute."""
    made = kept_answer(
        answer,
        id=f"{number:016x}",
        trace=f"{number:032x}",
        at=begin + timedelta(minutes=number),
        environment=environment,
        stack=stack,
        identity=of or identity(tree),
        tenant="web",
        sampled=True,
    )
    assert made is not None
    return made


def said(
    tree: Tree,
    answer: KeptAnswer,
    rating: Rating = "bad",
    comment: str = "",
    correction: str | None = None,
) -> Feedback:
    """Feedback on a kept answer, kept with it."""
    found = feedback_on(answer, at=answer.at, rating=rating, comment=comment, correction=correction)
    keep(tree, [answer], [found])
    return found


def keep(tree: Tree, answers: Sequence[KeptAnswer], feedback: Sequence[Feedback] = ()) -> None:
    with Traffic.open(registry_place(tree.root)) as traffic:
        traffic.keep(answers, feedback)
