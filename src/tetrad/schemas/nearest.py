"""The nearest known name to one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

_CUTOFF = 0.6
_MANY = 40  # names, of which only these are compared closely:
_CLOSELY = 10
_MOST_TYPOS = 100  # names of one place; where more are unknown, they were not written for it


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a typo most likely meant.

    Of paths the last parts must be alike too: a folder in common makes no two files alike. The last
    part alone means the one path that ends in it.
    """
    return _nearest(name, tuple(known))


def nearest_of_each(names: Iterable[str], known: Iterable[str]) -> dict[str, str | None]:
    """The nearest known name of each unknown one of a place, for the first hundred of them."""
    among = tuple(known)
    return {
        name: _nearest(name, among) if number < _MOST_TYPOS else None
        for number, name in enumerate(dict.fromkeys(names))
    }


@lru_cache(maxsize=1000)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The same, remembered: the rows of a file are wrong in the same way."""
    import difflib

    names = list(known)
    same = [n for n in names if n.rsplit("/", 1)[-1] == name]
    if len(same) == 1:
        return same[0]
    if "/" in name:
        last = _last(name)
        names = [n for n in names if difflib.get_close_matches(last, [_last(n)], cutoff=_CUTOFF)]
    if len(names) > _MANY:
        names = _alike(name, names)
    close = difflib.get_close_matches(name, names, n=1, cutoff=_CUTOFF)
    if not close:
        lowered = {candidate.lower(): candidate for candidate in names}
        close = [
            lowered[match]
            for match in difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=_CUTOFF)
        ]
    return close[0] if close else None


def _alike(name: str, names: list[str]) -> list[str]:
    """The names that have the most pairs of neighbouring characters in common with a name: of
    thousands, those that difflib, which takes its time, is worth asking about.
    """
    import heapq

    pairs = set(pairwise(name.lower()))

    def in_common(known: str) -> float:
        return len(pairs.intersection(pairwise(known.lower()))) / (len(name) + len(known))

    best = set(heapq.nlargest(_CLOSELY, range(len(names)), key=lambda n: in_common(names[n])))
    return [names[number] for number in sorted(best)]


def is_near(name: str, known: tuple[str, ...], cutoff: float) -> bool:
    """Whether one of the known names is as alike as that; most are told apart without difflib."""
    import difflib

    size, letters = len(name), _letters(name)
    matcher: difflib.SequenceMatcher[str] | None = None
    for other, others, theirs in _with_letters(known):
        enough = cutoff * (size + others) / 2  # characters in common
        if others < enough or size - (letters & ~theirs).bit_count() < enough:
            continue
        matcher = matcher or difflib.SequenceMatcher(b=name)
        matcher.set_seq1(other)
        if matcher.quick_ratio() >= cutoff and matcher.ratio() >= cutoff:
            return True
    return False


@lru_cache(maxsize=8)
def _with_letters(known: tuple[str, ...]) -> Sequence[tuple[str, int, int]]:
    return [(name, len(name), _letters(name)) for name in known]


def _letters(name: str) -> int:
    """A bit for each character that occurs; a few share one."""
    letters = 0
    for character in name:
        letters |= 1 << (ord(character) & 63)
    return letters


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known name."""
    close = nearest(name, known)
    return f"did you mean {close}?" if close else otherwise


def _last(path: str) -> str:
    """The last part without its ending, however its letters are cased."""
    return path.rsplit("/", 1)[-1].split(".", 1)[0].lower()
