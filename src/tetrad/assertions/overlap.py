"""Assertions that measure how near an answer is to a reference: rouge-n, bleu, levenshtein.

rouge-n is the F-measure of single words (ROUGE-1) of any script, bleu the sentence BLEU of sacrebleu without
regard to case; both libraries are the extra `metrics`. Levenshtein counts edits of characters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tetrad.assertions.values import as_text, references_of
from tetrad.assertions.verdict import Answered, Decided, Verdict, binary, reaches
from tetrad.canonical import Json
from tetrad.model import Assertion

if TYPE_CHECKING:
    import regex

ROUGE_THRESHOLD = 0.75
BLEU_THRESHOLD = 0.5
LEVENSHTEIN_THRESHOLD = 5


def rouge_n(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    score = float(_rouge().score(as_text(value), answered.text)["rouge1"].fmeasure)
    return at_least("rouge-n", score, assertion.threshold, ROUGE_THRESHOLD)


def bleu(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    """The best that any of the references gives is what sacrebleu counts n-grams against."""
    import sacrebleu

    references = references_of(value)
    score = sacrebleu.sentence_bleu(answered.text, references, lowercase=True).score / 100
    return at_least("bleu", score, assertion.threshold, BLEU_THRESHOLD)


def levenshtein(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    from rapidfuzz.distance import Levenshtein

    most = LEVENSHTEIN_THRESHOLD if assertion.threshold is None else assertion.threshold
    distance = Levenshtein.distance(as_text(value), answered.text)
    near = distance <= most
    return binary(near, f"{distance} edits {'≤' if near else '>'} {most:g}")


def at_least(name: str, score: float, threshold: float | None, default: float) -> Verdict:
    """A graded verdict: the score itself, and whether it reaches the threshold."""
    least = default if threshold is None else threshold
    score = min(1.0, max(0.0, score))
    passed = reaches(score, least)
    return Verdict(passed, score, f"{name} {score:.2f} {'≥' if passed else '<'} {least:g}")


@lru_cache(maxsize=1)
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1"], tokenizer=_Words())


class _Words:
    """Words of every script. The library's own are of a to z alone: to it "Größe" is "Grüße", and
    two equal Russian texts have nothing in common.
    """

    def tokenize(self, text: str) -> list[str]:
        return _words().findall(text.lower())


@lru_cache(maxsize=1)
def _words() -> regex.Pattern[str]:
    import regex

    # Scripts that part no words: each of their characters is one.
    unparted = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    return regex.compile(
        rf"[[{unparted}]&&\p{{L}}]\p{{M}}*|[\p{{L}}\p{{M}}\p{{N}}--[{unparted}]]+", regex.V1
    )


ROUGE_N = Decided(evaluate=rouge_n, library="rouge_score")
BLEU = Decided(evaluate=bleu, library="sacrebleu")
LEVENSHTEIN = Decided(evaluate=levenshtein)
