"""Sentences of a message that tell the model what to do."""

from __future__ import annotations

import re
from functools import cache

_VERBS = (
    r"sum\s+up|answer|respond|reply|return|output|say|print|write|emit|provide|give|produce|state|choose|select|pick|"
    "classify|categori[sz]e|label|rate|mark|grade|score|summari[sz]e|translate|rewrite|rephrase|paraphrase|"
    "extract|identify|determine|decide|judge|evaluate|assess|compare|review|analy[sz]e|explain|describe|list|"
    "find|check|verify|convert|create|generate|draft|compose|suggest|propose|recommend|use|follow|read|"
    "consider|think|make|keep|include|avoid|ensure|focus|correct|fix|improve|edit|shorten|expand|sort|group|"
    "detect|predict|infer|complete|fill|tell|help|solve|calculate|compute|plan|act|pretend|imagine|examine|"
    "look|study|rank|highlight|quote|cite|format|turn|transform|simplify|outline|name|ask|remove|replace|"
    "implement|refactor|debug|reflect|condense|combine|merge|match|parse|break|assume|change|update|modify|"
    "adjust|adapt|route|assign|annotate|tag|prepare|design|build|develop|refine|clean|count|point|discuss|add|"
    "guess|proofread|thank|introduce|greet|search|locate|report|inspect|audit|deduce|pretty-print|perform|apply|insert|repeat|continue|take|mention|speak|skip|limit|"
    "clasifica|resume|traduce|responde|extrae|escribe|analiza|genera|corrige|resuma|traduza|responda|riassumi|"
    "traduci|rispondi|scrivi|classifica|résume|traduis|réponds|rédige|écris|extrais|classe|fasse|schreiben?|"
    "übersetzen?|(?:be)?antworten?|klassifizieren?|extrahieren?|erstellen?|analysieren?|prüfen?|ordnen?"
)
_ORDER = (
    rf"(?im)(?:^|(?<=[.!?:;]\s)|(?<=[.!?:;]\s\s))[\s>*_\"#•+(-]*(?:\d+[.)]\s*)?(?:(?:please|then|first|next|now|finally|"
    rf"also|always|briefly|carefully|just|only|and|so|but|your\s+(?:task|job|goal|role)\s+is\s+to|you\s+(?:must|should|"
    rf"will|are\s+to|need\s+to|have\s+to)|(?:can|could|would|will)\s+you(?:\s+please)?|i\s+want\s+you\s+to|"
    rf"do\s+not|don['’]t|never|let['’]s)[\s,]+)*"
    rf"(?:{_VERBS})\b(?!\s*:|\s+\S+\s*:|\s+of\b)(?:[^\S\n]+[^\s]+){{2,}}"
)
_ROLE = r"(?im)^[\s>*_\"#-]*you(?:\s+are|['’]re|\s+will\s+be)\b(?:[^\S\n]+[^\s]+){2,}|\byour\s+(?:task|job|goal|role)\s+is\b"
_QUESTION = (
    r"(?im)(?:^|(?<=[.!:]\s))[\s>*#-]*(?:which|what|is|are|does|do|should|would|can|how|who|why|did|was|were)\b"
    r"[^?\n]{10,}\?"
)
_CHINESE = r"(?m)(?:^|[。！？])\s*(?:请|請|你是|您是|你的任务)"
_PATTERNS = (_ORDER, _ROLE, _QUESTION, _CHINESE)


def has_orders(text: str) -> bool:
    """Whether a sentence tells the model what to do; labels and titles do not."""
    return any(_compiled(pattern).search(text) for pattern in _PATTERNS)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
