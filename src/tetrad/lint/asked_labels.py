"""Where a prompt asks in words for an answer that is one of a few labels.

A sentence counts that tells the model to answer ("answer yes or no", "your reply must be one of …")
and names labels, where nothing else is to stand in the answer. What is asked of somebody else, under
a condition, of each of several items or together with reasons is no such answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tetrad.lint.named_labels import CLASSIFYING, checked, labels_behind, listed

_LONGEST = 6_000  # characters of a prompt whose one answer is a label
_SHORT = 1_500  # of one that need not say that the label is all there is

_NEAR = 250  # characters on either side in which it is said so

_QUICK = r"(?i)\b(?:or|oder|ou|o|one of|only|just|classify|categori[sz]e)\b|\w/\w|[只仅]"
_MARKUP = r"(?ms)\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}|^[ \t]*```.*?^[ \t]*```"
_SENTENCE = r"(?:[^.!?;\n]|[.!?](?=[\w,])|\n(?=[ \t]*[a-z\"'][^:\n]*(?:\n|\Z)))+"
_VERB = (
    r"(?i)\b(?:answer|respond|reply|return|output|say|print|write|emit|provide|give|state|choose|"
    r"select|pick|classify|categori[sz]e|label|rate|mark|antworte|réponds|répondez|responde)\b"
    r"|\b(?:your|the)\s+(?:final\s+|entire\s+|only\s+)?(?:answer|response|reply|output|verdict)\s+"
    r"(?:must|should|can|may|has\s+to|is\s+to|will|shall|needs\s+to)\s+"
    r"(?:only\s+|always\s+|simply\s+|just\s+)*(?:be|contain|consist\s+of)\b"
)
# What may stand before the verb: nothing, a comma or a word that hands the order on.
_TO_THE_MODEL = (
    r"(?ix)(?:^|[,:–—-]|\b(?:and|then|please|to|you|so)\b|\byou\s+(?:must|should|will|can|may|shall|"
    r"are\s+to|need\s+to|have\s+to))"
    r"(?:[\s*_\"\#>•\d.)(-]|\b(?:please|only|just|simply|always|strictly|directly|now|must|should)\b)*$"
)
_OF_OTHERS = (
    r"(?i)\b(?:users?|customers?|students?|players?|callers?|patients?|clients?|functions?|methods?|"
    r"programs?|tools?|they|he|she|it|who|which)\s+(?:\w+\s+){0,2}?(?:can|will|may|must|should|would|to)"
    r"\b|\b(?:asks?|asking|questions?\s+(?:that|which|to)|e\.g|for example)\b"
)
_PARTIAL = (
    r"(?i)\b(?:if|when|whenever|unless|each|every|per|otherwise|field|column|key|property|attribute|"
    r"line|first|start|begin|starting|beginning|items|entries|statements)\b"
)
_EXCLUSIVE = (
    r"(?ix)\b(?:only|just|exactly\s+one|nothing\s+(?:else|more)|(?:single|one)[\s-](?:word|label|token)|"
    r"no\s+(?:other|additional|extra|further|explanation|reasoning|punctuation|commentary)|"
    r"without\s+(?:any\s+)?(?:other|additional|explanation|explaining|reasoning|punctuation|commentary)|"
    r"(?:do\s+not|don['’]t|never)\s+(?:\w+\s+)?(?:add|include|provide|output|write|explain|give|say|return)|"
    r"nur|ausschließlich|uniquement|seulement|solo|sólo|únicamente)\b|[只仅]"
)
_NOT_MORE = (
    r"(?ix)\b(?:no|not|without|never|n['’]t|nor|any)\b(?:\s+\w+,?){0,5}?\s+"
    r"(?:explanations?|explain|explaining|reasons?|reasoning|justif\w+|rationale|commentary|json|"
    r"summar\w+|scores?)\b"
)
_MORE = (
    r"(?ix)\b(?:reasons?|why|thoughts?|xml|yaml|csv|summari[sz]e|summary|bullet|paragraphs?|sentences|"
    r"translate|rewrite|essay|poem|function|scores?|evidence|quote|tools?|write|generate|list)\b"
)
# What makes a label a part of the answer, whatever else is said.
_FOLLOWED = (
    r"(?ix)\b(?:step[\s-]by[\s-]step|think\s+(?:through|carefully|first)|followed\s+by|chain\s+of\s+thought|"
    r"(?:and|then|also|plus|with)\s+(?:\w+\s+){0,4}?(?:explain\w*|explanation|justif\w+|reason(?:s|ing)?|"
    r"rationale|why|confidence|score)|in\s+(?:the|this)\s+(?:following\s+|exact\s+)?format|format\s+below|"
    r"json|explain\w*|(?:your|the)\s+(?:reasoning|rationale|explanation|justification))\b"
)
_OWN_ANSWER = ("answer", "respond", "reply", "say", "your", "the", *CLASSIFYING)
_HEADER = (
    r"(?im)^[\W_]*(?:the\s+)?(?:possible|allowed|valid|available)?\s*(?P<sort>categories|labels|classes|"
    r"options|choices|intents|sentiments|answers|values|topics)\s*[*_]*:[*_]*[ \t]*"
)
_ONE_LABEL = (
    r"(?i)\b(?:answer|respond|reply|return|output|print|write|give)\b[^.\n]{0,30}\b(?:only|just)\b"
    r"[^.\n]{0,20}\b(?:the|one|a|its)\b[^.\n]{0,12}\b(?:category|label|class|option|choice|intent|"
    r"sentiment|answer|value|topic)\b"
)
_CHINESE = (
    r"[只仅][能需要可请]?(?:回答|输出|返回|回复)[^。\n]{0,6}?[\"“「『']?(?P<a>[\w]{1,6}?)[\"”」』']?\s*"
    r"(?:或者?|/|、)\s*[\"“「『']?(?P<b>[\w]{1,6})[\"”」』']?"
)


class AskedLabels(NamedTuple):
    """Where labels are asked for, and what they are."""

    start: int
    end: int
    labels: tuple[str, ...]


def asked_labels(content: str, whole: str) -> AskedLabels | None:
    """The first sentence of a message that asks for a label; `whole` are all messages together."""
    if len(whole) > _LONGEST or not _compiled(_QUICK).search(content):
        return None
    everything = _without_markup(whole)
    said = _compiled(_NOT_MORE).sub("", everything)
    if _compiled(_FOLLOWED).search(said):
        return None
    is_alone = len(whole) <= _SHORT and _compiled(_MORE).search(said) is None
    text = _without_markup(content)
    for found in _candidates(text):
        around = text[max(0, found.start - _NEAR) : found.end + _NEAR]
        is_answer = text[found.start : found.end].lower().startswith(_OWN_ANSWER)
        if _compiled(_EXCLUSIVE).search(around) or (is_alone and is_answer):
            return found
    return None


def _without_markup(content: str) -> str:
    """A template with a mark in place of what it writes, and without code."""
    return re.sub(_MARKUP, _blank, content)


def _blank(match: re.Match[str]) -> str:
    written = "\ue000" if match[0].startswith("{{") else " "
    return re.sub(r"[^\n]", written, match[0])


def _candidates(text: str) -> Iterator[AskedLabels]:
    for sentence in _compiled(_SENTENCE).finditer(text):
        found = _in_sentence(text, sentence)
        if found is not None:
            yield found
    yield from _under_header(text)
    chinese = _compiled(_CHINESE).search(text)
    if chinese is not None:
        yield AskedLabels(*chinese.span(), (chinese["a"], chinese["b"]))


def _in_sentence(text: str, sentence: re.Match[str]) -> AskedLabels | None:
    for verb in _compiled(_VERB).finditer(sentence[0]):
        before, after = sentence[0][: verb.start()], sentence[0][verb.end() :]
        word = verb[0].lower()
        if not word.startswith(("your", "the")) and not _compiled(_TO_THE_MODEL).search(before):
            continue
        if _compiled(_OF_OTHERS).search(before) or before.count('"') % 2:
            continue
        if _compiled(_PARTIAL).search(before) or _compiled(_PARTIAL).search(_unquoted(after)):
            continue
        following = text[sentence.end() : sentence.end() + 2_000]
        labels = labels_behind(word, after, following)
        if len(labels) > 1:
            return AskedLabels(sentence.start() + verb.start(), sentence.end(), tuple(labels))
    return None


def _under_header(text: str) -> Iterator[AskedLabels]:
    """A list with a title, and elsewhere the order to answer with one of it."""
    asked = _compiled(_ONE_LABEL).search(text)
    header = _compiled(_HEADER).search(text) if asked else None
    if asked is not None and header is not None:
        labels = checked(listed(text[header.end() : header.end() + 2_000]))
        if labels:
            yield AskedLabels(*asked.span(), tuple(labels))


def _unquoted(text: str) -> str:
    return re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "", text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
