"""Making hostile text inert, and fitting text into the space there is.

Model output, documents and tool answers are written by strangers. Every place that shows them to a
person takes them through `inert` first; what a format needs besides (HTML's entities, Markdown's
fences) belongs to its renderer. Standard library only, and cheap to import: lint uses it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from io import StringIO

# Control sequences of ECMA-48 in their 7-bit and 8-bit forms. None may span a line, so that an
# unfinished one cannot swallow what follows it.
_SEQUENCES = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]",  # CSI: colours, cursor, erase
    # OSC, DCS, SOS, PM, APC: titles, hyperlinks, clipboard
    # (none within another: a million begun ones would each be read to the line's end)
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\n\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)",
    r"\x1b[ -/]+[0-~]",  # character sets and the like
    r"\x1b[0-OQ-WYZ\\`-~]",  # single shifts, resets
)
_ESCAPES = re.compile("|".join(_SEQUENCES))

_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
# Scripts whose words are spelt with joiners: Arabic and its kin, the Indic ones, Khmer.
_JOINED = "\u0600-\u061b\u061d-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17ff"

_WRITTEN_BY_PEOPLE = (
    rf"(?<=[{_EMOJI}])[\ufe0e\ufe0f]",  # an emoji's presentation
    r"(?<=[0-9#*])\ufe0f(?=\u20e3)",  # keycaps
    rf"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])",  # families, professions
    rf"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])",
)
_HIDDEN = "".join(
    (
        r"\x00-\x08\x0b-\x1f\x7f-\x9f",  # C0 and C1, but tab and newline
        r"\u2028\u2029",  # line and paragraph separators
        r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069",  # bidirectional controls
        r"\u00ad\u034f\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065",
        r"\u206a-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb",
        "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a",
        "\U000e0000-\U000e0fff",  # tags and further variation selectors
        r"\ud800-\udfff",  # lone surrogates
        "\ue000-\uf8ff\U000f0000-\U0010ffff",  # private use: shown as who knows what
        r"\ufdd0-\ufdef\ufffe\uffff",  # noncharacters
        "".join(chr(plane << 16 | low) for plane in range(1, 15) for low in (0xFFFE, 0xFFFF)),
    )
)
_SUSPECT = re.compile(f"[{_HIDDEN}]")  # quick to search for, and rarely there

# What belongs to the character before it: marks are found by their category.
_EXTENDS = re.compile("[\u200c\u200d\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
# Characters of a text for each that is shown: what is stripped or named rarely takes more, and a
# report shortens the same megabytes many times.
_LOOKED_AT = 40
_OTHER_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_COMMAND = re.compile(r"(?m)^([^\S\n]*)(?=::)")


def inert(text: str) -> str:
    """The text with nothing in it that a terminal or a reader would obey or not see.

    Escape sequences are stripped; controls, bidirectional, tag, zero-width and other invisible
    characters and lone surrogates are written `<U+XXXX>`. Newlines and tabs stay, CRLF becomes a
    newline, and so do the joiners that emoji and Indic or Arabic words are written with.
    """
    if (text.isascii() and text.isprintable()) or not _SUSPECT.search(text):
        return text
    stripped = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _invisible().sub(_named, stripped)


def encodable(text: str) -> str:
    """The text with U+FFFD for half a surrogate pair, which a model can write as a JSON escape and
    no file and no digest can hold.
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """Inert, on one line: newlines are shown as `⏎`, and any run of blanks is one space."""
    return " ".join(inert(text).strip().replace("\n", " ⏎ ").split())


def with_spaces_named(text: str) -> str:
    """The text with spaces that only look like one written `<U+00A0>`, `<U+202F>`."""
    return _OTHER_SPACES.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def shorten(text: str, width: int) -> str:
    """At most `width` characters on one line, an ellipsis for what is left out.

    A character is never parted from its accents, joiners or selectors.
    """
    line = one_line(text[: width * _LOOKED_AT])
    if len(line) <= width and len(text) <= width * _LOOKED_AT:
        return line
    return f"{line[: _boundary(line, max(width - 1, 0))].rstrip()}…"


def capped(text: str, limit: int) -> str:
    """Inert, cut after about `limit` characters with a line that says how many are left out."""
    whole = inert(text[: limit * 2])
    if len(text) <= limit and len(whole) <= limit:
        return whole
    shown = whole[: _boundary(whole, limit)]
    left_out = max(len(text) - len(shown), 1)
    return f"{shown}…\n[{left_out:,} more characters]"


def for_log(text: str) -> str:
    """Inert text for a CI log, in which no line is a workflow command of GitHub's runner.

    The runner obeys lines that begin with `::` after blanks, and `##[` anywhere; a backslash
    before the colons, or between the number signs, stops it.
    """
    stopped = _COMMAND.sub(r"\1\\", text) if "::" in text else text
    return stopped.replace("##[", "#\\#[")


def json_escaped(document: str) -> str:
    """A JSON text with its invisible characters, and `##[`, written as JSON's own escapes.

    It means the same and is inert on a terminal and in a CI log.
    """
    escaped = _invisible().sub(_as_json, document) if _SUSPECT.search(document) else document
    return escaped.replace("##[", "#\\u0023[")


@cache
def _invisible() -> re.Pattern[str]:
    """Slow to compile, and clean texts never need it."""
    return re.compile(f"{'|'.join(_WRITTEN_BY_PEOPLE)}|([{_HIDDEN}])")


def _as_json(match: re.Match[str]) -> str:
    hidden = match[1]
    if not hidden:
        return match[0]
    units = hidden.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def _named(match: re.Match[str]) -> str:
    hidden = match[1]
    return f"<U+{ord(hidden):04X}>" if hidden else match[0]


def _boundary(text: str, end: int) -> int:
    """The last place not after `end` where no character is parted from what extends it."""
    while 0 < end < len(text) and _continues(text, end):
        end -= 1
    return end


def _continues(text: str, index: int) -> bool:
    here = text[index]
    return (
        _EXTENDS.match(here) is not None
        or text[index - 1] == "\u200d"
        or unicodedata.category(here).startswith("M")
    )


def composed(text: str) -> str:
    """The text in the form NFC, so that the way an accent was typed makes no difference."""
    return unicodedata.normalize("NFC", text)


def lines_of(text: str, *, ends: bool = False) -> list[str]:
    """The lines as editors, diffs and Git count them, with their ends where asked.

    They end with LF, CR or both; str.splitlines ends them at eight further characters, U+2028 among
    them, which a text may hold.
    """
    lines = list(StringIO(text, newline=""))
    return lines if ends else [line.rstrip("\r\n") for line in lines]


def pluralize(count: int, noun: str) -> str:
    """So many of what the noun names: `1 case`, `1,200 cases`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def usd(amount: float) -> str:
    """An amount of money, as many decimals as tell small prices apart: `$0.0002`, `$1,234.50`."""
    from decimal import Decimal

    return f"${amount:,.2f}" if amount >= 100 else f"${Decimal(f'{amount:.4g}'):f}"


def milliseconds(duration: float) -> str:
    """`3.42 ms`, `1,200 ms`."""
    return f"{duration:,.0f} ms" if duration >= 10 else f"{duration:.2f} ms"
