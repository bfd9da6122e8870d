"""Variables that read as settings: a language, a date, a limit, the name of the product.

Where nothing is said of a variable's trust, its name, its default and what the template compares it
with say whether strangers are likely to write it. What is declared `trust: untrusted` is never
guessed at.
"""

from __future__ import annotations

import re

from tetrad.lint.template import TemplateOutput
from tetrad.model import Variable

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# By the last word, whoever it belongs to: a value, not a text. Plurals are looked up as singulars.
_VALUES = _words("""
    language lang locale date time datetime timestamp timezone now today year month day weekday hour
    minute second week range period interval count number num limit size length max min minimum
    maximum total index idx id uuid k n version temperature threshold score rating percent percentage
    ratio budget flag enabled mode level tier currency unit gender age style tone format verbosity
    seed price amount duration color colour width height url uri path filename filepath extension
    status priority link key branch image photo picture screenshot icon video audio recording
""")
# By the first word.
_VALUE_HEADS = _words("""
    max min num n is has use should enable include allow show number total default target supported
    allowed available valid possible maximum minimum
""")
# By the last word, unless it belongs to a person: what the prompt's own authors write.
_OWN = _words("""
    instruction guideline rule policy persona role template schema tool function agent plugin
    category label class option choice intent model platform os environment env shell cwd workspace
    directory region country department industry domain sector type kind difficulty audience
    framework library separator delimiter prefix suffix endpoint host criteria criterion rubric
    definition metric dimension example shot company brand organization organisation team product
    service app application website site store channel repository repo config configuration setting
    param parameter constraint column table field ddl genre theme grade signature capability
    permission var variable verb system provider dir folder deployment connection
""")
_INSTRUCTIONS = _words("""
    instruction guideline rule policy persona preamble safety guardrail directive constraint
""")
_PERSONS = _words("""
    user customer client human visitor guest caller candidate patient applicant
    student author sender first last full given family member buyer employee contact person
    recipient reviewer
""")
# With `prompt` or `message`: texts of the prompt's own.
_AUTHORS = _words("system base agent assistant bot developer")
# Of a part of an item: who said it, what sort it is.
_PARTS = _words("role type kind category label author at")
_SHORT = 40
# What is written behind these is what the model is to be, or a picture.
_BEFORE = re.compile(
    r"(?i)(?:\byou(?:'re| are)|\byour (?:name|role) is|\bact as an?|!\[[^\[\]]*\]\()\s*$"
)


def reads_as_setting(
    variable: Variable | None,
    name: str,
    written: TemplateOutput,
    content: str,
    compared: frozenset[str],
) -> bool:
    """Whether an output of a variable, or of a part of it, is a setting."""
    if _BEFORE.search(content, max(0, written.start - _SHORT), written.start):
        return True
    if variable is None:
        return _is_value_of_item(written.path)
    return is_setting(variable) or name in compared or _is_value_of_item(written.path)


def is_setting(variable: Variable) -> bool:
    """Whether a variable's name or default says that it is a setting."""
    default = variable.default
    if isinstance(default, str) and 0 < len(default) <= _SHORT and len(default.split()) <= 3:
        return True
    words = _split(variable.name)
    if not words:
        return False
    if _is_value(variable.name) or words[0] in _VALUE_HEADS:
        return True
    return not _PERSONS & set(words) and _is_own(words)


def is_instruction(name: str) -> bool:
    """Whether a name is one for what the model is told to do."""
    words = _split(name)
    if not words or _PERSONS & set(words):
        return False
    return _singular(words[-1]) in _INSTRUCTIONS or bool(
        words[-1] in {"prompt", "message"} and _AUTHORS & set(words[:-1])
    )


def _is_own(words: list[str]) -> bool:
    """Whether a name of nobody's is one for the authors' texts, or for a product's name."""
    *before, last = words
    if last in {"prompt", "message"}:
        return bool(before) and before[-1] in _AUTHORS
    return _singular(last) in _OWN or (bool(before) and _singular(last) == "name")


def _is_value_of_item(path: tuple[str, ...]) -> bool:
    return len(path) > 1 and (_is_value(path[-1]) or path[-1].lower() in _PARTS)


def _is_value(name: str) -> bool:
    words = _split(name)
    return bool(words) and bool({words[-1], _singular(words[-1])} & _VALUES)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "os", "criteria")) else word.removesuffix("s")


def _split(name: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(name)]
    return words[:-1] if len(words) > 1 and words[-1].isdigit() else words
