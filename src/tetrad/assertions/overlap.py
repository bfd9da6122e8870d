"""Assertions that measure how near an answer is to a reference: rouge-n, bleu, levenshtein.

rouge-n is the F-measure of single words (ROUGE-1), bleu the sentence BLEU of sacrebleu, which is the
extra `metrics`; both over the words of `tetrad.words`, without regard to case. Levenshtein counts
edits of characters.
"""

from __future__ import annotations

from collections import Counter

from tetrad.assertions.values import as_text, references_of
from tetrad.assertions.verdict import Answered, Decided, Verdict, binary, reaches
from tetrad.canonical import Json
from tetrad.model import Assertion
from tetrad.text import composed
from tetrad.words import tokens_of, words_of

ROUGE_THRESHOLD = 0.75
BLEU_THRESHOLD = 0.5
LEVENSHTEIN_THRESHOLD = 5


def rouge_n(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    wanted, said = Counter(words_of(as_text(value))), Counter(words_of(answered.text))
    words = wanted.total() + said.total()
    score = 2 * (wanted & said).total() / words if words else 0.0
    return at_least("rouge-n", score, assertion.threshold, ROUGE_THRESHOLD)


def bleu(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    """The best that any of the references gives is what sacrebleu counts n-grams against."""
    import sacrebleu

    said, *references = (" ".join(tokens_of(t)) for t in (answered.text, *references_of(value)))
    score = sacrebleu.sentence_bleu(said, references, tokenize="none").score / 100
    return at_least("bleu", score, assertion.threshold, BLEU_THRESHOLD)


def levenshtein(value: Json, assertion: Assertion, answered: Answered) -> Verdict:
    from rapidfuzz.distance import Levenshtein

    most = LEVENSHTEIN_THRESHOLD if assertion.threshold is None else assertion.threshold
    distance = Levenshtein.distance(composed(as_text(value)), composed(answered.text))
    near = distance <= most
    return binary(near, f"{distance} edits {'≤' if near else '>'} {most:g}")


def at_least(name: str, score: float, threshold: float | None, default: float) -> Verdict:
    """A graded verdict: the score itself, and whether it reaches the threshold."""
    least = default if threshold is None else threshold
    score = min(1.0, max(0.0, score))
    passed = reaches(score, least)
    return Verdict(passed, score, f"{name} {score:.2f} {'≥' if passed else '<'} {least:g}")


ROUGE_N = Decided(evaluate=rouge_n)
BLEU = Decided(evaluate=bleu, library="sacrebleu")
LEVENSHTEIN = Decided(evaluate=levenshtein)
