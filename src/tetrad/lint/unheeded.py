"""What cases say and nothing heeds: documents that are in no corpus, results that are not read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tetrad.assertions.needs import assertions_of
from tetrad.assertions.value_checks import is_templated
from tetrad.canonical import Json
from tetrad.errors import Location
from tetrad.lint.tree import Tree
from tetrad.model import Corpus, Suite
from tetrad.schemas.nearest import did_you_mean
from tetrad.text import spelled


class Unheeded(NamedTuple):
    location: Location
    message: str
    hint: str


def unknown_documents(tree: Tree, suite: Suite) -> Iterator[Unheeded]:
    """Documents of `retrieved` that no stack of the suite could find."""
    corpora = {s.retrieval.corpus.ref: s.retrieval.corpus for s in suite.stacks if s.retrieval}
    if not corpora:
        return
    ids = [name for corpus in corpora.values() for name in _documents(tree, corpus)]
    which = " and ".join(corpora)
    folders = " or ".join(corpus.documents.path for corpus in corpora.values())
    for case in suite.golden.cases:
        for item in assertions_of(case):
            if item.type != "retrieved" or is_templated(item.value):
                continue
            for name in (name for name in _names(item.value) if name not in ids):
                yield Unheeded(
                    item.location,
                    f"{which} {'have' if len(corpora) > 1 else 'has'} no document {name!r}",
                    _meant(name, ids) or f"write its path in {folders}, with the ending",
                )


def _documents(tree: Tree, corpus: Corpus) -> Iterator[str]:
    prefix = f"{corpus.documents.path}/"
    return (file.removeprefix(prefix) for file in tree.corpus_files.get(corpus.ref, ()))


def _names(value: Json) -> Sequence[str]:
    """The documents that are listed; a text of several is left to the evaluation."""
    if isinstance(value, str):
        return () if "," in value or '"' in value else (value.strip(),)
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else ()


def _meant(name: str, ids: Collection[str]) -> str:
    """The document that is named from elsewhere, or without its folder; else the nearest."""
    ends = (i for i in ids if f"/{name}".endswith(f"/{i}") or f"/{i}".endswith(f"/{name}"))
    same = next(ends, None)
    return f"did you mean {same}?" if same else did_you_mean(name, ids)


def unread_records(suite: Suite, suites: Collection[Suite]) -> str:
    """What cases recorded of tools that run all the same, unless another suite reads it."""
    shared = (other for other in suites if other.golden.path == suite.golden.path)
    if any(other.tools == "recorded" for other in shared):
        return ""
    recorded = [case for case in suite.golden.cases if case.tools]
    if not recorded:
        return ""
    first = recorded[0]
    return (
        f"tools run live here, so what {spelled(len(recorded), 'case')} of {suite.golden.path} "
        f"recorded is not read: {first.id!r} in line {first.location.line}"
        f"{' is the first' if len(recorded) > 1 else ''}"
    )
