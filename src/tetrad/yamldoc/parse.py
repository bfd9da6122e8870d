"""Bytes to a tree with positions: YAML 1.2 in the part that every parser reads alike."""

from __future__ import annotations

import re

from tetrad.errors import Location
from tetrad.yamldoc.composer import Composer, Limits, refused
from tetrad.yamldoc.document import Document, Node, Path, Span, json_path

MARK = b"\xef\xbb\xbf"

COMPONENT = Limits(max_bytes=1_000_000, max_nodes=100_000)
GOLDEN_SET = Limits(max_bytes=16_000_000, max_nodes=2_000_000)

# Line breaks to libyaml (YAML 1.1), and to no diff: what looks like the rest of a comment would be a key.
_UNSEEN_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
_BREAK_NAMES = {
    "\r": "U+000D CARRIAGE RETURN",
    "\x85": "U+0085 NEXT LINE",
    "\u2028": "U+2028 LINE SEPARATOR",
    "\u2029": "U+2029 PARAGRAPH SEPARATOR",
}


def parse(
    data: bytes,
    origin: str,
    *,
    limits: Limits = COMPONENT,
    anchors: bool = False,
    bare_keys: bool = False,
) -> Document:
    """Read one YAML document; SpecError with one issue where it is refused.

    `anchors` expands aliases and merge keys within the limits, as promptfoo's files need it.
    `bare_keys` takes `{a, b}` as YAML does, with null as both values: in a text that nobody wrote as
    a file, no comma cuts anything off.
    """
    text = decode(data, origin, limits)
    _refuse_unseen_breaks(text, origin)
    composer = Composer(text, origin, limits, anchors=anchors, bare_keys=bare_keys)
    return Document(origin, text, composer.compose(), anchors, data.startswith(MARK))


def decode(data: bytes, origin: str, limits: Limits = COMPONENT) -> str:
    """The text of a file, without its byte order mark; SpecError where it is refused."""
    if len(data) > limits.max_bytes:
        raise refused(
            Location(origin),
            "SCH101",
            f"the file has {len(data):,} bytes; at most {limits.max_bytes:,} are read",
            "move long texts to files of their own (content: file://…), cases to .jsonl",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        byte = data[error.start]
        raise refused(
            _end_of(before, origin),
            "SCH100",
            f"the file is not UTF-8: byte 0x{byte:02x} cannot be read",
            "save the file with the encoding UTF-8",
        ) from error
    if "\0" in text:
        place = _end_of(text[: text.index("\0")], origin)
        raise refused(place, "SCH101", "the file contains a NUL character", "remove it")
    return text


def _refuse_unseen_breaks(text: str, origin: str) -> None:
    is_plain = text.isascii() and "\r" not in text
    found = None if is_plain else _UNSEEN_BREAK.search(text)
    if found is not None:
        raise refused(
            _end_of(text[: found.start()], origin),
            "SCH101",
            f"{_BREAK_NAMES[found[0]]} ends the line for some YAML parsers, and is not seen",
            f'remove it, or write "\\u{ord(found[0]):04x}" in double quotes',
        )


def _end_of(text: str, origin: str) -> Location:
    lines = re.split(r"\r\n|\r|\n", text)
    return Location(origin, len(lines), len(lines[-1]) + 1)


__all__ = [
    "COMPONENT",
    "GOLDEN_SET",
    "Document",
    "Limits",
    "Node",
    "Path",
    "Span",
    "decode",
    "json_path",
    "parse",
]
