"""What of a difference between two texts cannot be seen: spaces, marks and characters alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple, TypeAlias

from tetrad.assertions.score import Score, binary
from tetrad.text import composed

# Where a text that is expected begins in an answer; -1 where it does not.
Find: TypeAlias = Callable[[str, str], int]

_MOST_CHARS = 100_000  # of an answer in which it is looked for
_TOLD = 3
_QUOTES: Mapping[str, str] = dict.fromkeys("‘’‚‛‹›`´", "'") | dict.fromkeys("“”„‟«»", '"')
# Cyrillic and Greek letters that most typefaces draw as Latin ones.
_LETTERS: Mapping[str, str] = dict(
    zip(
        "аеорсухіѕјһԁԛԝАВЕКМНОРСТУХІЅЈԌԚԜοναΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxisjhdqwABEKMHOPCTYXISJGQWovaABEZHIKMNOPTYX",
        strict=True,
    )
)
_ALIKE: Mapping[str, str] = {**_QUOTES, **_LETTERS}
_LINE_ENDS = frozenset("\x85\u2028\u2029")
_SELECTORS = frozenset(map(chr, (0x034F, *range(0xFE00, 0xFE10))))
_NAMES: Mapping[str, str] = {
    " ": "a space",
    "\n": "a newline",
    "\t": "a tab",
    "\r": "U+000D CARRIAGE RETURN",
    "\x85": "U+0085 NEXT LINE",
}


def equal(wanted: str, text: str) -> int:
    return 0 if wanted == text else -1


def anywhere(wanted: str, text: str) -> int:
    return text.find(wanted)


def at_start(wanted: str, text: str) -> int:
    return 0 if text.startswith(wanted) else -1


def explained(passed: bool, said: str, wanted: Sequence[str], text: str, find: Find) -> Score:
    """The score, and for the first text that only seems to be there, what cannot be seen."""
    if not passed:
        whole = composed(text)
        why = next(filter(None, (unseen_difference(composed(w), whole, find) for w in wanted)), "")
        said = f"{said}: {why}" if why else said
    return binary(passed, said)


def unseen_difference(wanted: str, text: str, find: Find) -> str:
    """Why a text is not found though it seems to be there; empty where it does not even seem so."""
    if len(text) > _MOST_CHARS:
        return ""
    inner = text if find is anywhere else text.lstrip()
    if find is equal:
        inner = inner.rstrip()
    ends = _ends(wanted, text, find)
    if find(wanted.strip(), inner) >= 0:
        return " and ".join(ends)
    found = _pairs(wanted.strip(), inner, find)
    told = list(islice(dict.fromkeys(map(_told, found)), _TOLD))
    if not told and find(_squeezed(wanted), _squeezed(inner)) >= 0:
        return "only spaces, tabs and newlines differ"
    return "; ".join(told + (ends if told else []))


def unseen_difference_exactly(wanted: str, text: str) -> str:
    """The same of a whole text that is compared as it is written, so that its form of Unicode counts."""
    if wanted != text and composed(wanted) == composed(text):
        return f"{_form_of(text)} where {_form_of(wanted)} are expected"
    return unseen_difference(composed(wanted), composed(text), equal)


def seen_forms(text: str) -> tuple[str, ...]:
    """How a text could be written that looks the same, from what is nearest to it."""
    shape = _shape_of(text)
    forms = (composed(text), unicodedata.normalize("NFD", text), shape, shape.strip())
    return tuple(dict.fromkeys(form for form in forms if form != text))


def _form_of(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return "composed characters (NFC)"
    is_apart = unicodedata.is_normalized("NFD", text)
    return "decomposed characters (NFD)" if is_apart else "composed and decomposed characters"


class _Pair(NamedTuple):
    """What stands at one place; empty where nothing does."""

    wanted: str
    found: str


class _Piece(NamedTuple):
    """A character as it is compared, and what it is written as, at the first of its pieces."""

    shape: str
    written: str


def _pairs(wanted: str, text: str, find: Find) -> list[_Pair]:
    """Where two texts of the same shape are written differently."""
    start = find(_shape_of(wanted), _shape_of(text))
    if start < 0:
        return []
    ours, theirs = _pieces(wanted), _pieces(text)
    visible = [number for number, piece in enumerate(theirs) if piece.shape]
    here = 0 if find is not anywhere or not start else visible[start]
    pairs: list[_Pair] = []
    for piece in ours:
        if not piece.shape:
            if theirs[here : here + 1] == [piece]:
                here += 1
            else:
                pairs.append(_Pair(piece.written, ""))
            continue
        while not theirs[here].shape:
            pairs.append(_Pair("", theirs[here].written))
            here += 1
        other = theirs[here].written
        if piece.written and other and piece.written != other:
            pairs.append(_Pair(piece.written, other))
        here += 1
    if find is equal:
        pairs += [_Pair("", piece.written) for piece in theirs[here:]]
    return pairs


def _squeezed(text: str) -> str:
    return " ".join(_shape_of(text).split())


def _shape_of(text: str) -> str:
    return "".join(map(_shape, text))


def _pieces(text: str) -> list[_Piece]:
    return list(chain.from_iterable(map(_pieces_of, text)))


def _pieces_of(character: str) -> list[_Piece]:
    first, rest = _shape(character)[:1], _shape(character)[1:]
    return [_Piece(first, character), *(_Piece(part, "") for part in rest)]


@lru_cache(maxsize=4096)
def _shape(character: str) -> str:
    """What a character looks like, written as plainly as can be; empty for what has no shape."""
    if character in _ALIKE:
        return _ALIKE[character]
    if character in _LINE_ENDS:
        return "\n"
    category = unicodedata.category(character)
    if category == "Cf" or character == "\r" or character in _SELECTORS:
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\u2212":
        return "-"
    return unicodedata.normalize("NFKC", character)


def _told(pair: _Pair) -> str:
    if not pair.found:
        return f"{_name(pair.wanted)} is missing"
    if not pair.wanted:
        return f"{_name(pair.found)} where nothing is expected"
    return f"{_name(pair.found)} where {_name(pair.wanted)} is expected"


def _name(character: str) -> str:
    if character in _NAMES:
        return _NAMES[character]
    if character.isascii() and character.isprintable():
        return f'"{character}"' if character != '"' else "'\"'"
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()


def _ends(wanted: str, text: str, find: Find) -> list[str]:
    """Where one of the texts begins or ends in white space and the other does not, in words."""
    found = []
    for whose, one, other in (("the expected text", wanted, text), ("the answer", text, wanted)):
        is_answer = one is text
        if one[:1].isspace() and not (find is anywhere and is_answer) and one[0] != other[:1]:
            found.append(f"{whose} begins with {_name(one[0])}")
        if one[-1:].isspace() and not (find is not equal and is_answer) and one[-1] != other[-1:]:
            found.append(f"{whose} ends in {_name(one[-1])}")
    return found
