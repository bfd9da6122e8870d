"""The labels that stand behind a verb: yes or no, words in quotes, a list of words, bullets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_MOST, _LONGEST = 40, 40
_Q = r"[\"'“”‘’`«»*_]{0,3}"
_BINARY = (
    rf"(?i)\(?{_Q}(?P<a>yes|true|y|ja|oui|sí|si|sim)\b{_Q}\s*(?:/|\||,|,?\s*(?:or|oder|ou|o)\b)\s*"
    rf"(?:with\s+)?(?:a\s+)?{_Q}(?P<b>no|false|n|nein|non|não)\b(?![\w-])"
)
_PAIRS = frozenset(
    (
        *(("yes", "no"), ("true", "false"), ("y", "n"), ("ja", "nein"), ("oui", "non")),
        *(("sí", "no"), ("si", "no"), ("sim", "não")),
    )
)
_QUOTED_ITEM = (
    r"(?:\"[^\"\n]{1,40}\"|(?<!\w)'[^'\n]{1,40}'(?!\w)|“[^”\n]{1,40}”|‘[^’\n]{1,40}’|`[^`\n]{1,40}`"
    r"|\*\*[^*\n]{1,40}\*\*)"
)
_JOIN = r"\s*(?:\([^()\n]{1,80}\)\s*)?(?:,\s*(?:or|and)?|\bor\b|\band\b|/|\|)\s*(?:with\s+)?"
_QUOTED = rf"(?i){_QUOTED_ITEM}(?:{_JOIN}{_QUOTED_ITEM})+"
_ITEM = r"[^\W_][\w'’+&-]*(?:[ ](?!(?:or|and)\b)[\w'’+&-]+){0,3}"
_PLAIN = rf"(?i){_ITEM}(?:(?:,\s*(?:or\s+|and\s+)?|\s+or\s+|\s*[|/]\s*){_ITEM})+"

# What may stand between a verb and its labels: words that say how, and what sort of label it is.
_SORT = (
    r"(?:answers?|labels?|categor(?:y|ies)|class(?:es)?|options?|values?|words?|choices?|names?|"
    r"responses?|verdicts?|ratings?|levels?|types?|intents?|sentiments?|topics?|letters?|queues?|"
    r"teams?|statuses|states?|strings?|terms?|emotions?|tags?)"
)
_HOW = (
    r"(?:with|only|just|either|exactly|simply|strictly|one|of|the|these|those|following|an?(?=\s+\w\w)|by|"
    rf"using|as|be|me|us|in|from|and|nothing|else|but|is|it|which|possible|allowed|word|{_SORT}|two|"
    rf"three|four|five|six|seven|\d|\w+(?=\s+{_SORT}\b)|exact|listed|below|question|this|text|final|your|"
    r"them|single|mit|par|con|com|avec|nur|uniquement|seulement|solo|sólo)"
)
_GAP = rf"(?ix)(?:[\s:,({{*_–—-]|\b{_HOW}\b)*"
_CLASSIFIED = (
    rf"(?ix).{{0,160}}?\b(?:as|into|in|to\s+be|using|with)\b(?:[\s:,({{*_-]|\b(?:{_HOW}|being)\b)*"
)
_CLOSED = r"(?i)\b(?:one|either|any|only|exactly|just|following|these|two|three|four|five|six)\b|:"
_CHOICE = r"(?i)\b(?:one|either|any|two|three|four|five|six)\s+of\b|\beither\b|:|\b(?:word|letter|label)s?\s*$"
_PHRASE = (
    r"(?i)\b(?:the|these|those|this)\s*$|\bfollowing\b(?!.*:\s*$)"  # with what follows, one thing
)
_CUT = (
    r"(?i)(?<=\w)\s+(?:based|depending|according|for|in|with|when|if|given|by|from|of|on|to|only|as|that|"
    r"without|after|before|below|above|using|are|is|nothing|so|where|category|categories|sentiment)\b.*"
)
_NO_BEGINNING = (
    r"(?i)(?:an?|the|your|any|some|its|their|my|one|two|three|several|more|fewer|without|no|with|and|that|"
    r"in|using|if|do|as|all)\s"
)
_NO_LABEL = r"[{}<>=;\ue000\[\]]|https?:|(?i:\b(?:sentences?|words?|paragraphs?|lines?|JSON|etc)\b)"
_BULLET = re.compile(r"[ \t]*(?:[-*•+]|\d{1,2}[.)])[ \t]+(?P<item>\S[^\n]*)")
_DESCRIPTION = r"\s*(?:[:：(]|\s[-–—=]).*"
CLASSIFYING = ("classif", "categori", "label", "rate", "mark")


def labels_behind(verb: str, rest: str, following: str) -> Sequence[str]:
    """The labels that a verb is followed by; none where what follows is no closed list."""
    pattern = _CLASSIFIED if verb.startswith(CLASSIFYING) else _GAP
    match = _compiled(pattern).match(rest)
    if match is None or rest.startswith(":"):  # "Answer:" is where one is to stand
        return ()
    start, gap = match.end(), match[0]
    binary = _compiled(_BINARY).match(rest, start)
    if binary is not None and (binary["a"].lower(), binary["b"].lower()) in _PAIRS:
        return () if re.search(r"(?i)\bquestions?\b", gap) else (binary["a"], binary["b"])
    quoted = _compiled(_QUOTED).match(rest, start)
    if quoted is not None:
        is_closed = re.search(r"(?i)\bor\b|[/|]", quoted[0]) or _compiled(_CLOSED).search(gap)
        return checked(quoted_in(quoted[0])) if is_closed else ()
    if not rest[start:].strip():
        return checked(listed(following)) if ":" in gap[-3:] else ()
    is_choice = verb.startswith(CLASSIFYING) or _compiled(_CHOICE).search(gap) is not None
    plain = _compiled(_PLAIN).match(rest, start) if is_choice else None
    if plain is None or _compiled(_PHRASE).search(gap):
        return ()
    return checked(parted(plain[0]))


def listed(text: str) -> Sequence[str]:
    """What the lines that begin a text list: bullets, or a few words each."""
    if not text.startswith("\n"):
        line = re.sub(r"\A[^:\n]{1,40}:\s*", "", text.partition("\n")[0])
        quoted = quoted_in(line)
        return quoted if len(quoted) > 1 else parted(line)
    items: list[str] = []
    for line in text.strip("\n").split("\n"):
        bullet = _BULLET.fullmatch(line)
        if bullet is not None:
            items.append(re.sub(_DESCRIPTION, "", bullet["item"]))
        elif line.strip():
            break
    if items:
        return [item.strip(" \t.,;*_`\"'“”") for item in items]
    first = text.lstrip("\n").partition("\n\n")[0].strip()
    if "\n" not in first:
        return listed(first)
    lines = [line.strip(" \t.,;*_`\"'“”") for line in first.split("\n")]
    return (
        lines if all(line and len(line.split()) <= 2 and ":" not in line for line in lines) else ()
    )


def quoted_in(text: str) -> Sequence[str]:
    return [item.strip("\"'“”‘’`*") for item in _compiled(_QUOTED_ITEM).findall(text)]


def parted(text: str) -> Sequence[str]:
    """The items of a list in words."""
    parts = re.split(r"(?i)\s*[,|/]\s*(?:or\s+|and\s+)?|\s+or\s+|\s+and\s+", text)
    return [re.sub(_CUT, "", part).strip(" \t.*_`'\"") for part in parts]


def checked(labels: Sequence[str]) -> Sequence[str]:
    """The labels, if each of them may be one."""
    distinct = tuple(dict.fromkeys(label for label in labels if label))
    fits = 2 <= len(distinct) <= _MOST and all(_is_label(label) for label in distinct)
    return distinct if fits else ()


def _is_label(text: str) -> bool:
    if len(text) > _LONGEST or len(text.split()) > 4:
        return False
    return not re.match(_NO_BEGINNING, text) and not _compiled(_NO_LABEL).search(text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
