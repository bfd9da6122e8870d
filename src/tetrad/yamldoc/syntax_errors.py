"""libyaml's complaints in words that say what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

_EXPLANATIONS: tuple[tuple[str, str, str], ...] = (
    (
        r"found character '\\t'|found character that cannot start any token.*tab|tab character",
        "tab in the indentation",
        "indent with spaces",
    ),
    (
        r"found character that cannot start any token",
        "a value cannot begin with @, ` or %",
        "put the value in quotes",
    ),
    (
        r"mapping values are not allowed",
        "unexpected colon",
        "quote a text that holds ': ', and check the indentation of this line",
    ),
    (
        r"could not find expected ':'",
        "this line is no 'key: value', or the text before it is not closed",
        "write a colon and a space after the key, and close every quote",
    ),
    (
        r"did not find expected key",
        "a key was expected here",
        "check the indentation of this line, and that the text above is quoted if it needs quotes",
    ),
    (
        r"did not find expected '-' indicator",
        "an item of the list was expected here",
        "begin the line with '- ', or check its indentation",
    ),
    (
        r"did not find expected ',' or ']'",
        "the list in brackets is not closed",
        "put a comma between items and ] at the end; quote a text that holds ' #', ': ' or a bracket",
    ),
    (
        r"did not find expected ',' or '}'",
        "the mapping in braces is not closed",
        "put a comma between entries and } at the end; quote a text that holds ' #', ': ' or a brace",
    ),
    (
        r"found unexpected end of stream",
        "the file ends inside a text in quotes",
        "close the quote",
    ),
    (
        r"found unexpected document indicator",
        "a line --- or ... stands inside a text in quotes",
        "close the quote before it",
    ),
    (
        r"found unknown escape character",
        "this escape does not exist in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
    (
        r"did not find expected hexdecimal number|did not find expected hexadecimal number",
        "this escape needs hexadecimal digits",
        "write \\\\ for a backslash, or two digits after \\x, four after \\u, eight after \\U",
    ),
    (
        r"did not find expected alphabetic or numeric character",
        "an anchor or alias needs a name; a value cannot begin with & or *",
        "put the value in quotes",
    ),
    (
        r"did not find expected comment or line break",
        "after | or > only a comment may follow on the line",
        "begin the text on the next line",
    ),
    (
        r"did not find expected <document start>",
        "the document ends here, and something follows it",
        "remove the % or what follows; a file is one document",
    ),
    (
        r"did not find expected whitespace or line break",
        "a space is missing after this mark",
        "put a space here, or the value in quotes",
    ),
    (
        r"did not find expected node content|block (sequence|collection) entries",
        "a value was expected here",
        "check brackets, commas and the indentation; quote a text that begins with '- ' or '? '",
    ),
    (r"duplicate %YAML|duplicate %TAG|incompatible YAML", "this directive is wrong", "remove it"),
    (
        r"directive|version number|found undefined tag handle|tag|URI",
        "a tag or a % directive is not allowed",
        "remove it; put a text that begins with ! or % in quotes",
    ),
    (
        r"indentation indicator",
        "the indentation mark after | or > is not 1 to 9",
        "remove it",
    ),
)  # fmt: skip


_STRUCTURE = re.compile(
    "mapping values are not allowed|could not find expected ':'|"
    "did not find expected key|did not find expected '-' indicator"
)
_NO_BREAK_INDENT = re.compile("(?m)^ *(?=\u00a0)")
_KEY_WITHOUT_SPACE = re.compile(r"([A-Za-z_][\w-]*):(?!//)(?=[^\s:])")
_KEY = re.compile(r"[\w.-]+:(?!\S)")
_COMMENT = re.compile(r"[ \t]+(#)[^\r\n]*\s*")
# Two escapes for one character, which JSON has and YAML has not.
_PAIR = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_HALF = "invalid Unicode character escape code"


class Complaint(NamedTuple):
    """What libyaml says of a text, where, and which scalar it read last before that."""

    problem: str
    context: str
    at: int
    scalar_start: int = 0
    scalar_end: int = 0
    scalar_style: str | None = None  # as in Node.style


class Explained(NamedTuple):
    """A complaint in our words, and the character that they are about."""

    at: int
    code: str
    message: str
    hint: str


def explain(text: str, complaint: Complaint) -> Explained:
    """What is wrong with a text; libyaml often stops lines below the mistake."""
    if _STRUCTURE.search(complaint.problem):
        for look in (_no_break_space, _missing_space, _comment_in_text, _shallow_block_text):
            found = look(text, complaint)
            if found is not None:
                return found
    pair = _PAIR.match(text, max(0, complaint.at - len("\\u")))
    if pair is not None and _HALF in complaint.problem:
        return _pair(pair)
    character = text[complaint.at : complaint.at + 1]
    return Explained(complaint.at, *_in_words(complaint.problem, complaint.context, character))


def _pair(match: re.Match[str]) -> Explained:
    character = bytes.fromhex(match[1] + match[2]).decode("utf-16-be")
    message = f"{match[0]} is a surrogate pair, which JSON reads and YAML does not"
    hint = (
        f'write {character}, or "\\U{ord(character):08X}"; json.dumps does with ensure_ascii=False'
    )
    return Explained(match.start(), "SCH101", message, hint)


def _no_break_space(text: str, complaint: Complaint) -> Explained | None:
    begin = complaint.scalar_end
    if complaint.scalar_style is None:  # it may have swallowed the lines that are ill
        begin = _line_start(text, complaint.scalar_start)
    found = _NO_BREAK_INDENT.search(text, begin, complaint.at + 1)
    if found is None:
        return None
    message = "no-break space (U+00A0) in the indentation"
    return Explained(found.end(), "SCH100", message, "indent with spaces")


def _missing_space(text: str, complaint: Complaint) -> Explained | None:
    """`key:value` is a text for YAML, which goes on in the next line."""
    start = complaint.at
    if "mapping values" in complaint.problem:
        start = complaint.scalar_start
        if complaint.scalar_style is not None or start >= _line_start(text, complaint.at):
            return None
    key = _KEY_WITHOUT_SPACE.match(text, start)
    if key is None:
        return None
    message = f"a space is missing after the colon of {key[1]!r}"
    return Explained(key.end(), "SCH100", message, "put a space here, or the whole text in quotes")


def _comment_in_text(text: str, complaint: Complaint) -> Explained | None:
    comment = _COMMENT.fullmatch(text, complaint.scalar_end, complaint.at)
    goes_on = _indent(text, complaint.at) > _indent(text, complaint.scalar_start)
    if comment is None or complaint.scalar_style is not None or not goes_on:
        return None
    if _KEY.match(text, complaint.at):
        return None
    message = "' #' begins a comment here, which cuts off the text"
    return Explained(comment.start(1), "SCH100", message, "put the whole text in quotes")


def _shallow_block_text(text: str, complaint: Complaint) -> Explained | None:
    """A line after a block text that is no key: it was meant to belong to it."""
    between = text[complaint.scalar_end : complaint.at]
    if (
        complaint.scalar_style not in {"|", ">"}
        or between.strip()
        or _KEY.match(text, complaint.at)
    ):
        return None
    line = text[complaint.at :].partition("\n")[0]
    is_empty = "\n" not in text[complaint.scalar_start : complaint.scalar_end].strip()
    if not is_empty and (" " not in line or line.startswith("- ")):
        return None  # more likely a key without its colon, or an item
    message = "this line is not indented enough for the text under | or >"
    hint = "indent every line of the text alike, deeper than its key"
    return Explained(complaint.at, "SCH100", message, hint)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _indent(text: str, offset: int) -> int:
    """By how many spaces the line of a character is indented."""
    rest = text[_line_start(text, offset) :]
    return len(rest) - len(rest.lstrip(" "))


def _in_words(problem: str, context: str, character: str) -> tuple[str, str, str]:
    """Code, message and hint of what libyaml reports at a character."""
    if _HALF in problem:
        hint = "write the character itself, or \\U and eight digits"
        return "SCH101", "this escape is half a character (a lone surrogate)", hint
    if "exceeded" in problem:
        return "SCH101", "values are nested too deep to be read", "flatten the value"
    if "cannot start any token" in problem and character == "\t":
        problem = "tab character"
    for pattern, message, hint in _EXPLANATIONS:
        if re.search(pattern, problem) or re.search(pattern, f"{problem} {context}"):
            return "SCH100", message, hint
    return "SCH100", f"invalid YAML: {problem or context}", "check the line and the one above"
