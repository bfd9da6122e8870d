"""Whether an answer refuses: by the words that models refuse with, and the fixed texts of the runtime.

A rough measure, that is the same on both sides of a comparison.
"""

from __future__ import annotations

import re

from tetrad.model import Stack
from tetrad.runtime.fixed_answers import FIXED_ANSWERS

# Models refuse in their first words.
_BEGINNING = 200
_WORDS = re.compile(
    r"\b(?:"
    r"(?:i|we)(?:['’]m| am|['’]re| are)? (?:sorry|afraid)\b"
    r"|(?:i|we) (?:can ?not|can['’]t|am unable to|am not able to|won['’]t|must decline)"
    r"|(?:i|we)['’]m (?:unable|not able) to"
    r"|as an ai\b|as a language model\b"
    r"|(?:(?:ich|wir) (?:kann|können)|(?:kann|können) (?:ich|wir)) (?:\w+ ){0,4}nicht\b"
    r"|je ne (?:peux|suis) pas\b|no puedo\b"
    r")",
    re.IGNORECASE,
)


def refuses(text: str, stack: Stack) -> bool:
    fixed = set(FIXED_ANSWERS)
    if stack.retrieval is not None and stack.retrieval.answerable is not None:
        fixed.add(stack.retrieval.answerable.otherwise)
    return text in fixed or _WORDS.search(text[:_BEGINNING]) is not None
