"""Text that tells a model what to do where only data or a description is expected.

The patterns are data, taken from published injections. They are anchored to a verb and what it is to
be done to, so that prose about instructions ("follow the instructions on the label") is not one.
Every repetition is bounded, or ends where something else begins, so that searching takes linear time.
They find what is copied, not what is invented: a heuristic, beside what a prompt says of its data.

Any change of HEURISTICS changes answers where a stack blocks or drops what they find: raise
`tetrad.identity.RUNTIME`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

_OVERRIDE = r"""
    \b (?: ignore | disregard | forget | override | bypass ) \s+
    (?: (?: all | any | the | your | every | these | those | of ) \s+ ){0,3}
    (?: previous | prior | above | earlier | preceding | system | original | existing ) \s+
    (?: instructions? | prompts? | rules | directives? | guidelines | messages? )
"""
_CONCEALMENT = r"""
    \b (?: do \s+ not | don['’]t | never ) \s+ (?: tell | inform | mention \s+ (?: this | it ) \s+ to | reveal \s+ this \s+ to )
    \s+ (?: the \s+ )? user s? \b
"""
_OTHER_ROLE = r"""
    \b you \s+ are \s+ now \s+ (?: in \s+ )? (?: a | an | the | dan | developer | jailbroken | unrestricted ) \b
    [^.\n]{0,60} \b (?: mode | assistant | ai | model | without )
"""
_TOOL_USE = r"""
    \b (?: before | when ) \s+ (?: using | calling | you \s+ use ) \s+ this \s+ tool [^.\n]{0,80}
    \b (?: read | send | pass | include ) \b
"""
_MARKED = r"< \s* (?: important | system | secret ) \s* > | <\|im_start\|> \s* system"

# What documents and descriptions of tools are searched for when they are linted.
_PHRASES = re.compile(f"(?ix){_OVERRIDE}|{_CONCEALMENT}|{_OTHER_ROLE}|{_TOOL_USE}|{_MARKED}")


class Heuristic(NamedTuple):
    """A kind of injection, and the regular expression (with re.VERBOSE) that knows it.

    `anchors` are literals of which every match has one: a text without any is not searched. Both are
    in small letters. `written`: the text is searched as it is written, and not as it is read.
    """

    what: str
    anchors: tuple[str, ...]
    pattern: str
    written: bool = False


_OVERRIDING = ("ignore", "disregard", "forget", "override", "bypass")
HEURISTICS: tuple[Heuristic, ...] = (
    Heuristic("override of the instructions", _OVERRIDING, _OVERRIDE),
    Heuristic(
        "override of the instructions",
        _OVERRIDING,
        r"""
        \b (?: ignore | disregard | forget ) \s+ (?: all | everything | anything ) \s+
        (?: that \s+ )? (?: (?: you | i | we ) \s+ (?: (?: were | was | have \s+ been ) \s+ )?
        (?: told | said | given | instructed | learned ) | (?: came \s+ )? (?: above | before ) )
        """,
    ),
    Heuristic(
        "override of the instructions",
        (
            "ignor",
            "missachte",
            "vergiss",
            "oublie",
            "olvida",
            "忽略",
            "无视",
            "忘记",
            "以前の",
            "これまでの",
            "上記の",
        ),
        r"""
        \b (?: ignoriere? | missachte | vergiss ) \s+ (?: (?: alle | die | deine | sämtliche ) \s+ ){0,2}
        (?: vorherigen | bisherigen | obigen | vorigen | früheren ) \s+ (?: anweisungen | instruktionen | regeln )
        | \b (?: ignor (?: e | ez | er ) | oublie (?: z | r )? ) \s+ (?: (?: toutes | tes | vos | les ) \s+ ){0,2}
        (?: instructions | consignes | règles ) \s+ (?: précédentes | antérieures | ci-dessus )
        | \b (?: ignora | olvida | ignore ) \s+ (?: (?: todas | tus | las ) \s+ ){0,2}
        (?: instrucciones | reglas ) \s+ (?: anteriores | previas )
        | (?: 忽略 | 无视 | 忘记 ) (?: 之前 | 以上 | 上述 | 先前 | 前面 ) 的? (?: 所有 | 一切 )? (?: 指令 | 指示 | 说明 | 提示 )
        | (?: 以前 | これまで | 上記 ) の (?: すべての )? (?: 指示 | 命令 ) を (?: すべて )? (?: 無視 | 忘れ )
        """,
    ),
    Heuristic("concealment from the user", ("user",), _CONCEALMENT),
    Heuristic("change of the role", ("you are now",), _OTHER_ROLE),
    Heuristic(
        "change of the role",
        ("pretend", "imagine", "act as"),
        r"""
        \b (?: pretend | imagine | act \s+ as \s+ (?: if | though ) ) \s+ (?: that \s+ )? you \s+
        (?: have \s+ no | are \s+ (?: not \s+ bound | free \s+ of | without ) | do \s+ not \s+ have ) \s+
        (?: [a-z]+ \s+ ){0,2} (?: restrictions? | rules | limits? | limitations | guidelines | filters? )
        """,
    ),
    Heuristic(
        "request for the instructions",
        (
            "system",
            "initial",
            "hidden",
            "original",
            "secret",
            "developer",
            "above",
            "before this",
        ),
        r"""
        \b (?: reveal | show | print | repeat | output | display | give | tell | leak | recite | translate | summari[sz]e ) \s+
        (?: (?: me | us | out | all | of | the | your | verbatim | exactly | exact ) \s+ ){0,4}
        (?: (?: system | initial | hidden | original | secret | developer ) \s+
        (?: prompts? | instructions? | messages? | rules )
        | (?: words | text | everything | prompt | instructions | messages ) \s+ (?: above | before \s+ this ) )
        | \b what \s+ (?: is | are | were ) \s+ your \s+
        (?: (?: system | initial | hidden | original ) \s+ ) (?: prompt | instructions? | message | rules )
        """,
    ),
    Heuristic(
        "new instructions",
        ("system", "developer"),
        r"""
        \b (?: new | updated | revised | additional ) \s+ (?: system | developer ) \s+
        (?: instructions? | prompt | message | directive ) s? \b
        """,
    ),
    Heuristic(
        "a chat template's token",
        ("<", "["),
        r"""
        <\| (?: im_start | im_end | start_header_id | eot_id | system | assistant | endoftext ) \|>
        | \[ /? inst \] | << /? sys >> | < (?: start | end ) _of_turn >
        | < \s* / \s* (?: system | instructions ) \s* > | < \s* (?: system | secret ) \s* >
        """,
        written=True,
    ),
    Heuristic("instructions for a tool", ("this tool",), _TOOL_USE),
    # Latin letters as tag characters, which no screen shows; the flags of regions are made of six.
    Heuristic("invisible letters", ("",), r"[\U000E0020-\U000E007E]{7}", written=True),
)
_BETWEEN_WORDS = re.compile(r"[\s_*`~]+")


def instruction_in(text: str) -> re.Match[str] | None:
    """The first phrase of a text that is an instruction to a model; None where there is none."""
    return _PHRASES.search(text)


def injections_in(text: str) -> tuple[str, ...]:
    """The kinds of injection that a text looks like, each once.

    Letters that only look otherwise (full width, ligatures), characters that are not seen, and
    emphasis between words hide nothing.
    """
    written, read = text.lower(), _as_read(text)
    found: dict[str, None] = {}
    for one in HEURISTICS:
        searched = written if one.written else read
        if any(anchor in searched for anchor in one.anchors) and _compiled(one).search(searched):
            found[one.what] = None
    return tuple(found)


@cache
def _compiled(heuristic: Heuristic) -> re.Pattern[str]:
    return re.compile(heuristic.pattern, re.VERBOSE)


def _as_read(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return _BETWEEN_WORDS.sub(" ", text.lower())
