"""libyaml's complaints in words that say what to do."""

from __future__ import annotations

import re

_EXPLANATIONS: tuple[tuple[str, str, str], ...] = (
    (
        r"found character '\\t'|found character that cannot start any token.*tab|tab character",
        "a tab stands where YAML wants spaces",
        "indent with spaces",
    ),
    (
        r"found character that cannot start any token",
        "a value cannot begin with @, ` or %",
        "put the value in quotes",
    ),
    (
        r"mapping values are not allowed",
        "a colon stands where no key can be",
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


def explain(problem: str, context: str, character: str) -> tuple[str, str, str]:
    """Code, message and hint for a problem that libyaml reports at a character."""
    if "invalid Unicode character escape code" in problem:
        hint = "write the character itself, or \\U and eight digits"
        return "SCH101", "this escape is half a character (a lone surrogate)", hint
    if "exceeded" in problem:
        return "SCH101", "values are nested too deep to be read", "flatten the value"
    if "cannot start any token" in problem and character == "\t":
        problem = "tab character"
    for pattern, message, hint in _EXPLANATIONS:
        if re.search(pattern, problem) or re.search(pattern, f"{problem} {context}"):
            return "SCH100", message, hint
    return "SCH100", f"this is not YAML: {problem or context}", "check the line and the one above"
