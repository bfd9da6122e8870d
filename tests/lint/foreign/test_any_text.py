"""Whatever a file holds, it is converted or refused at a place in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tetrad.errors import Issue, SpecError
from tetrad.lint.foreign.mapped import MappedDocument
from tetrad.lint.foreign.to_prompt import convert

TOKENS = [
    *("---\n", "name: a\n", "inputs:\n", "  x: {type: string}\n", "  y: 3\n", "sample: {z: 1}\n"),
    *("input: {schema: {x: string}}\n", "template: mustache\n", "outputs: {a: {type: string}}\n"),
    *("system:\n", "# User:\n", 'assistant[name="x"]:\n', "![thread]\n", "\n", " ", "text", "\r\n"),
    *("{{x}}", "{{ y }}", "{{{x}}}", "{{~x~}}", "{{#if x}}", "{{else}}", "{{/if}}", "{{^}}"),
    *(
        "{{#each x}}",
        "{{this}}",
        "{{../y}}",
        "{{@index}}",
        "{{/each}}",
        "{{#x}}",
        "{{^x}}",
        "{{/x}}",
    ),
    *("{{#each x as |i|}}", "{{i.a}}", "{{>p x}}", "{{! c }}", "{{!-- c --}}", "\\{{", "{{", "}}"),
    *(
        '{{role "user"}}',
        "{{history}}",
        "{{media url=x}}",
        "{{json x}}",
        "{{f x 'a' k=y}}",
        "{{.}}",
    ),
    *(
        "{% for i in x %}",
        "{% if y %}",
        "{% else %}",
        "{% endif %}",
        "{% endfor %}",
        "{# c #}",
        "{%",
    ),
    *("{% raw %}", "{% endraw %}", "𝔖", "\u202e", "\t", "- ", ": "),
]
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=30).map("".join)


def converted(text: str, name: str) -> tuple[tuple[Issue, ...], MappedDocument | None]:
    try:
        document = convert(text, name).document
    except SpecError as error:
        return error.issues, None
    assert isinstance(document, MappedDocument)
    return (), document


@pytest.mark.parametrize("name", ["a.prompty", "a.prompt"])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_every_character_of_a_message_comes_from_the_file(name: str, text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    issues, document = converted(text, name)
    assert all(1 <= issue.location.line <= len(lines) for issue in issues)
    for message in document.contents.values() if document else ():
        places = [message.source(offset) for offset in range(len(message.content) + 1)]
        assert all(0 <= place <= len(text) for place in places)


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(["a", " ", "\n", "{{x}}", "{{ y }}", "𝔖", "{# c #}", "user:\n"]),
        max_size=20,
    ).map("".join)
)
def test_text_without_blocks_stands_in_a_message_as_it_is(words: str) -> None:
    text = f"---\nname: a\n---\nsystem:\n{words}."
    document = convert(text, "a.prompty").document
    assert isinstance(document, MappedDocument)

    for message in document.contents.values():
        start = message.source(0)
        assert text[start : start + len(message.content)] == message.content
