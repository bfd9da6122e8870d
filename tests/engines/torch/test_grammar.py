from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tokenizers import Tokenizer

from tetrad.canonical import Json, digest_of
from tetrad.engines.torch.grammar import Grammars

ARGUMENTS: Mapping[str, Json] = {"type": "object", "properties": {}, "additionalProperties": False}


def takes(tiny: Path, schema: Mapping[str, Json], text: str) -> bool:
    """Whether a schema's grammar lets a text be written, token by token."""
    tokenizer = Tokenizer.from_file(str(tiny / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab_size()
    guide = Grammars(tokenizer, vocabulary=vocabulary, end_tokens=frozenset({0})).guide(schema)
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        if not guide.allowed(vocabulary)[token]:
            return False
        guide.take(token)
    return guide.ended


def call_of(properties: Mapping[str, Json]) -> Mapping[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def test_properties_are_written_in_the_order_of_required(tiny: Path) -> None:
    schema = call_of({"arguments": ARGUMENTS, "tool": {"const": "status"}})

    assert takes(tiny, schema, '{"tool": "status", "arguments": {}}')
    assert not takes(tiny, schema, '{"arguments": {}, "tool": "status"}')


def test_schemas_of_one_digest_have_one_grammar(tiny: Path) -> None:
    tool: Mapping[str, Json] = {"const": "status"}
    one = call_of({"arguments": ARGUMENTS, "tool": tool})
    other = call_of({"tool": tool, "arguments": ARGUMENTS})

    assert digest_of(one) == digest_of(other)
    assert takes(tiny, {"anyOf": [one, {"type": "null"}]}, '{"tool": "status", "arguments": {}}')
    assert takes(tiny, {"anyOf": [other, {"type": "null"}]}, '{"tool": "status", "arguments": {}}')


def test_a_control_character_in_a_pattern_is_followed(tiny: Path) -> None:
    schema = {"type": "string", "pattern": r"^(a|\cJ)$"}

    assert takes(tiny, schema, '"a"')
    assert takes(tiny, schema, r'"\n"')
    assert not takes(tiny, schema, '"J"')
