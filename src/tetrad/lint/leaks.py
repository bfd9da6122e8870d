"""Where texts of golden cases stand in what they judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from tetrad.canonical import Json
from tetrad.lint.template import fixed_text_of
from tetrad.lint.tree import LintTree
from tetrad.model import Case, Prompt, Suite
from tetrad.segmentation import is_character, words_of

N = 8  # words; fewer are common phrases
_WHOLE = 3  # words that a shorter text needs to be compared as a whole


class Leak(NamedTuple):
    """A case whose words stand somewhere else."""

    case: Case
    where: str
    words: str


def leaks_of(tree: LintTree, suite: Suite) -> Iterator[Leak]:
    """Each case once, at the first place that shows it."""
    shown = [(where, words_of(text), is_example) for where, text, is_example in _shown(suite)]
    index = _Index(suite, among={word for _, words, _ in shown for word in words})
    queries = _Index(suite, only={s.retrieval.query for s in suite.stacks if s.retrieval})
    seen: set[str] = set()
    for where, words, is_example in shown:
        yield from _fresh(index.found_in(words, whole=is_example), where, seen)
    for where, text in _retrievable(tree, suite) if queries.whole else ():
        yield from _fresh(queries.found_in(words_of(text), whole=False), where, seen)


def _fresh(found: Iterator[tuple[Case, str]], where: str, seen: set[str]) -> Iterator[Leak]:
    for case, words in found:
        if case.id not in seen:
            seen.add(case.id)
            yield Leak(case=case, where=where, words=words)


class _Index:
    """Runs of words of a suite's cases; of those with a run `among` words, where these are given."""

    def __init__(
        self, suite: Suite, only: set[str] | None = None, among: set[str] | None = None
    ) -> None:
        self._among = among
        self._grams: dict[str, Case] = {}
        self.whole: dict[str, Case] = {}
        for case in suite.golden.cases:
            for name, value in case.vars.items():
                if only is None or name in only:
                    for text in _texts_in(value):
                        self._add(case, words_of(text))

    def _add(self, case: Case, words: list[str]) -> None:
        if len(words) >= 2 * _WHOLE or sum(map(_length, words)) >= _WHOLE:
            self.whole.setdefault(" ".join(words), case)
        if self._among is not None and sum(map(self._among.__contains__, words)) < N:
            return
        for gram in _grams(words):
            self._grams.setdefault(gram, case)

    def found_in(self, words: Sequence[str], *, whole: bool) -> Iterator[tuple[Case, str]]:
        joined = " ".join(words)
        if whole and joined in self.whole:
            yield self.whole[joined], _as_written(joined)
        for gram in _grams(words):
            if gram in self._grams:
                yield self._grams[gram], _as_written(gram)


def _grams(words: Sequence[str]) -> Iterator[str]:
    """The runs that are just long enough."""
    end, length = 0, 0.0
    for start, first in enumerate(words):
        while length < N and end < len(words):
            length += _length(words[end])
            end += 1
        if length < N:
            return
        yield " ".join(words[start:end])
        length -= _length(first)


def _length(word: str) -> float:
    """In words: those of scripts without spaces mostly have two characters."""
    return 0.5 if is_character(word) else 1.0


def _as_written(gram: str) -> str:
    """A run as people write it: without spaces in scripts that have none."""
    words = gram.split(" ")
    spaces = ("" if is_character(a) and is_character(b) else " " for a, b in pairwise(words))
    return "".join(chain.from_iterable(zip(words, (*spaces, ""), strict=True)))


def _texts_in(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)


def _shown(suite: Suite) -> Iterator[tuple[str, str, bool]]:
    """What the judged stacks show a model: where, the text, whether it is an example's."""
    prompts: Mapping[str, Prompt] = {stack.prompt.ref: stack.prompt for stack in suite.stacks}
    for prompt in prompts.values():
        for message in prompt.messages:
            yield str(message.location), fixed_text_of(message.content), False
        for example in prompt.examples:
            where = f"the example at {example.location}"
            for text in _texts_in(example.vars):
                yield where, text, True
            yield where, example.output, False


def _retrievable(tree: LintTree, suite: Suite) -> Iterator[tuple[str, str]]:
    retrievals = [stack.retrieval for stack in suite.stacks if stack.retrieval is not None]
    for corpus in {r.corpus.ref: r.corpus for r in retrievals}.values():
        for file in tree.corpus_files.get(corpus.ref, ()):
            yield file, tree.texts.get(file, "")
