"""A file of another format as one of our prompts, and the tree that the rules see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import ModuleType
from typing import NamedTuple

from tetrad.canonical import Json
from tetrad.errors import Issue, Location, SpecError
from tetrad.lint.foreign import dotprompt, prompty
from tetrad.lint.foreign.front_matter import FrontMatter, front_matter
from tetrad.lint.foreign.mapped import ForeignMessage, MappedDocument, listing, mapping, placed
from tetrad.lint.foreign.parts import Declared, ForeignOutput
from tetrad.lint.suppressions import WHOLE_FILE, Suppression, suppressions_of
from tetrad.templates.reading import variables_of
from tetrad.yamldoc.document import Document, Node, Path, Span

ENDINGS: Mapping[str, ModuleType] = {".prompty": prompty, ".prompt": dotprompt}
_CONTINUED = re.compile(
    r"!\[thread\]|\{\{\s*history\b|\bkind:\s*thread\b|\bapi(?:Type)?:\s*(?:image|embedding|completion)"
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Converted(NamedTuple):
    """A file as one of our prompts; `body` is where its own text begins, `words` are what its author
    would say for words of ours.

    `continued`: whether the program adds a conversation so far, or needs none, as for a picture.
    """

    document: Document
    suppressions: tuple[Suppression, ...]
    body: int
    words: Mapping[str, str]
    continued: bool


def convert(text: str, origin: str, *, as_prompty: bool = False) -> Converted:
    """SpecError where the file does not parse."""
    form = prompty if as_prompty else ENDINGS[PurePosixPath(origin).suffix]
    front = front_matter(text, origin)
    declared = {one.name: one for one in form.declared_in(front) if _NAME.fullmatch(one.name)}
    messages = form.messages_of(text, front, frozenset(declared))
    if not messages:
        message = "there is no text after the front matter"
        raise SpecError([Issue(location=Location(origin), message=message)])
    used = {one.name: one for one in _used(messages)}
    declared = {n: one for n, one in declared.items() if n in used or not one.elsewhere}
    if not form.declares_all(front):
        declared = {**used, **declared}
    document = _document(text, front, messages, list(declared.values()), form)
    comments = suppressions_of(front.document)
    suppressions = tuple(comment._replace(line=WHOLE_FILE) for comment in comments)
    continued = _CONTINUED.search(text) is not None
    return Converted(document, suppressions, front.body, form.WORDS, continued)


def _used(messages: list[ForeignMessage]) -> Iterator[Declared]:
    """What messages read: nothing says that it is not meant."""
    for message in messages:
        for name, offset in variables_of(message.content).items():
            start = message.source(offset)
            span = Span(start, start + len(name))
            yield Declared(name, "string", span, Node(None, *span))


def _document(
    text: str,
    front: FrontMatter,
    messages: list[ForeignMessage],
    declared: list[Declared],
    form: ModuleType,
) -> Document:
    start = Span(0, 0)
    nodes: dict[str, Node] = {"kind": placed("prompt", start)}
    keys: dict[str, Span] = {"kind": start}
    if declared:
        first = declared[0].key
        children = {one.name: _variable(one) for one in declared}
        names = {one.name: one.key for one in declared}
        nodes["variables"] = mapping(children, names, first.start, declared[-1].node.end)
        keys["variables"] = first
    nodes["messages"] = listing([m.node() for m in messages], front.body, len(text))
    keys["messages"] = Span(front.body, front.body)
    if front.get("model", "api") == "completion":
        at = front.document.span(("model", "api"))
        nodes["style"], keys["style"] = placed("completion", at), at
    output: ForeignOutput | None = form.output_of(front)
    if output is not None:
        nodes["output"], keys["output"] = placed(_contract(output), output.place), output.place
    sampling = dict(_sampling(front, form))
    if sampling:
        last = max(node.end for node in sampling.values())
        spans = {name: Span(node.start, node.start) for name, node in sampling.items()}
        nodes["generation"] = mapping(sampling, spans, min(spans.values()).start, last)
        keys["generation"] = Span(*min(spans.values()))
    root = mapping(nodes, keys, 0, len(text))
    contents: dict[Path, ForeignMessage] = {
        ("messages", number, "content"): message for number, message in enumerate(messages)
    }
    return MappedDocument(
        front.document.origin, text, root, contents=contents, comments_at=front.start
    )


def _variable(declared: Declared) -> Node:
    said: dict[str, Json] = {"type": declared.type}
    if declared.enum and declared.type == "string":
        said["enum"] = list(declared.enum)
    return placed(said, Span(declared.node.start, declared.node.end))


def _contract(output: ForeignOutput) -> Json:
    """The answer's contract; how strict a schema is, is the other tool's matter."""
    if output.enum:
        return {"format": "json" if output.is_json else "text", "enum": list(output.enum)}
    if output.keys is None:
        return {"format": "json"}
    keys: Mapping[str, Json] = {name: {} for name in output.keys}
    schema: Json = {
        "type": "object",
        "properties": dict(keys),
        "required": list(keys),
        "additionalProperties": False,
    }
    return {"format": "json", "schema": schema}


def _sampling(front: FrontMatter, form: ModuleType) -> Iterator[tuple[str, Node]]:
    """What our format can say too; ranges are the other tool's matter."""
    for name, path in form.sampling_of(front):
        value = front.at(path)
        whole = name in {"max_tokens", "seed"}
        fits = isinstance(value, int) if whole else isinstance(value, int | float)
        limit = {"temperature": 2, "top_p": 1}.get(name)
        if fits and not isinstance(value, bool) and 0 < value <= (limit or value):
            node = front.node(path)
            yield name, Node(value, node.start, node.end)
