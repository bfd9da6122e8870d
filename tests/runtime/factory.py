"""Stacks in a few words, for tests of the runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fakes import ScriptedAnswers, WordEmbedder

from tetrad.canonical import Json, digest_bytes, merkle_root
from tetrad.errors import Location
from tetrad.model import (
    Answerable,
    ChatInput,
    Chunking,
    Corpus,
    Documents,
    Example,
    Generation,
    Guardrails,
    Index,
    Model,
    NearestExamples,
    Output,
    Prompt,
    PromptMessage,
    Retrieval,
    Source,
    Stack,
    Tool,
    TorchEngine,
    Variable,
)
from tetrad.runtime.answering import Runtime, build
from tetrad.trees import WorkingTree

HERE = Location("prompts/sort.yaml", 3, 5)
MODEL = Model(
    ref="stacks/models/small",
    location=HERE,
    source=Source(uri="pypi://small==1", scheme="pypi"),
    engine=TorchEngine(),
)


def variable(name: str, **more: Any) -> Variable:
    return Variable(name=name, location=HERE, **more)


def example(output: str, **vars: Json) -> Example:  # noqa: A002 - the word of the formats
    return Example(vars=vars, output=output, location=HERE)


def prompt(
    *messages: tuple[str, str],
    variables: Sequence[Variable] = (variable("message"),),
    style: Literal["chat", "completion"] = "chat",
    examples: Sequence[Example] = (),
    nearest: int | None = None,
    output: Output | None = None,
    chat: ChatInput | None = None,
) -> Prompt:
    by = variables[0].name if variables else ""
    return Prompt(
        ref="prompts/sort",
        location=HERE,
        variables={v.name: v for v in variables},
        style=style,
        messages=tuple(
            PromptMessage(role=role, content=content, location=HERE)  # type: ignore[arg-type]
            for role, content in messages or [("user", "{{ message }}")]
        ),
        examples=tuple(examples),
        select=None if nearest is None else NearestExamples(count=nearest, by=by, embedding=MODEL),
        output=output or Output(),
        chat=chat,
    )


def stack(
    of: Prompt | None = None,
    *,
    retrieval: Retrieval | None = None,
    tools: Sequence[Tool] = (),
    max_steps: int = 3,
    guardrails: Guardrails | None = None,
    generation: Generation | None = None,
) -> Stack:
    return Stack(
        ref="stacks/sort",
        location=HERE,
        prompt=of or prompt(),
        model=MODEL,
        retrieval=retrieval,
        tools=tuple(tools),
        max_steps=max_steps,
        guardrails=guardrails or Guardrails(),
        generation=generation or Generation(),
    )


ORDER_STATUS = Tool(
    ref="stacks/tools/order-status",
    location=HERE,
    name="order_status",
    description="Look up the state of an order by its id.",
    input_schema={
        "type": "object",
        "properties": {"order_id": {"type": "string"}},
        "required": ["order_id"],
        "additionalProperties": False,
    },
    effect="read",
)


def corpus_in(
    root: Path,
    documents: Mapping[str, str],
    *,
    dense: float = 1.0,
    bm25: float = 0.0,
    size: int = 160,
    overlap: int = 20,
) -> Corpus:
    """A corpus whose documents are written below `root`."""
    folder = root / "stacks" / "corpora" / "handbook"
    for name, text in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    leaves = (
        f"{name}\0{digest_bytes(text.encode()).hex}".encode()
        for name, text in sorted(documents.items())
    )
    return Corpus(
        ref="stacks/corpora/handbook",
        location=Location("stacks/corpora/handbook.yaml"),
        documents=Documents(path="stacks/corpora/handbook"),
        written_digest=None,
        digest=merkle_root(leaves),
        chunking=Chunking(size=size, overlap=overlap),
        embedding=MODEL,
        index=Index(dense=dense, bm25=bm25),
    )


def retrieval(corpus: Corpus, *, top_k: int = 2, min_similarity: float | None = None) -> Retrieval:
    otherwise = "This is not in the handbook."
    return Retrieval(
        corpus=corpus,
        query="message",
        top_k=top_k,
        answerable=None
        if min_similarity is None
        else Answerable(min_similarity=min_similarity, otherwise=otherwise),
    )


def runtime(
    of: Stack,
    tmp_path: Path,
    *,
    engine: ScriptedAnswers | None = None,
    embedder: WordEmbedder | None = None,
    count: Callable[[str], int] = lambda text: len(text.split()),
) -> Runtime:
    words = embedder or WordEmbedder()
    return build(
        of,
        engine=engine or ScriptedAnswers(),
        embedder_of=lambda _: words,
        count=count,
        files=WorkingTree(tmp_path),
        cache=tmp_path / "cache",
    )
