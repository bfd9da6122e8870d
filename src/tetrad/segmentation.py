"""Texts as words, for whatever compares texts by them: retrieval, rouge-n, bleu, leaks.

Words end where Unicode's default boundaries are (UAX #29), and are in compatibility form and case
folded (NFKC_Casefold), so that the way a text was typed makes no difference. Scripts that put no
spaces between words give a word a character: finding words in them takes a dictionary.

Any change of this changes what is retrieved: raise `tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

# The rules of UAX #29 in its own classes. Katakana, which they keep together, is taken apart:
# compounds are written without spaces in it too.
_LETTER = r"\p{WB=ALetter}\p{WB=Hebrew_Letter}"
_EXTEND = r"\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}"
_INNER = rf"{_LETTER}\p{{WB=Numeric}}\p{{WB=ExtendNumLet}}"
_RUN = rf"[{_INNER}][{_INNER}{_EXTEND}]*"
_WITHIN = rf"""(?:
    (?<=[{_LETTER}][{_EXTEND}]*)[\p{{WB=MidLetter}}\p{{WB=MidNumLet}}'][{_EXTEND}]*(?=[{_LETTER}])
  | (?<=\p{{WB=Hebrew_Letter}}[{_EXTEND}]*)"[{_EXTEND}]*(?=\p{{WB=Hebrew_Letter}})
  | (?<=\p{{WB=Numeric}}[{_EXTEND}]*)[\p{{WB=MidNum}}\p{{WB=MidNumLet}}'][{_EXTEND}]*(?=\p{{WB=Numeric}})
)"""
_WORD = rf"(?:{_RUN}(?:{_WITHIN}{_RUN})*|[\p{{L}}\p{{N}}][{_EXTEND}]*)"

# The same boundaries for ASCII, where they are found without the library: lint reads mostly that.
_ASCII_WORD = re.compile(
    r"\w+(?:(?:(?<=[a-z])['.:](?=[a-z])|(?<=[0-9])[.,;'](?=[0-9]))\w+)*", re.ASCII
)


def words_of(text: str) -> list[str]:
    """The words of a text; a character of a script without spaces is one."""
    folded = _folded(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return _word().findall(folded)


def tokens_of(text: str) -> list[str]:
    """The words of a text, and what stands between them but white space: marks, symbols."""
    return _token().findall(_folded(text))


def terms_of(text: str) -> list[str]:
    """What a text is searched by: its words, and pairs of neighbours among those that are a
    character of a script without spaces, since most words there have two or more of them.
    """
    folded = _folded(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    found = list(_word().finditer(folded))
    pairs = [
        one[0] + other[0]
        for one, other in pairwise(found)
        if one.end() == other.start() and is_character(one[0]) and is_character(other[0])
    ]
    return [match[0] for match in found] + pairs


def is_character(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return not word.isascii() and _unspaced().match(word) is not None


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Folding can undo a composition: it is made again. Apostrophes are typed in two ways.
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return unicodedata.normalize("NFKC", folded)


# Compiled at first use: the library takes longer to import than a small file to lint.


@cache
def _word() -> regex.Pattern[str]:
    return _compiled(_WORD)


@cache
def _token() -> regex.Pattern[str]:
    return _compiled(rf"{_WORD}|\S[{_EXTEND}]*")


@cache
def _unspaced() -> regex.Pattern[str]:
    return _compiled(
        r"[\p{Han}\p{Hiragana}\p{Katakana}\p{WB=Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    )


def _compiled(pattern: str) -> regex.Pattern[str]:
    import regex

    return regex.compile(pattern, regex.VERBOSE | regex.V1)
