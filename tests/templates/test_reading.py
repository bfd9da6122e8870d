"""Which variables a template reads, told with and without Jinja2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.templates import render
from tetrad.templates.reading import offset_of, problems_of, variables_of
from tetrad.templates.simple import simple_outputs


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        ("a {{ b }} {{c}} {{ b }}", {"b": 5, "c": 12}),
        ("{% if a %}{{ b|upper }}{% endif %}", {"a": 6, "b": 13}),
        ("{% for a in b %}{{ a }}{{ loop.index }}{% endfor %}{{ a }}", {"b": 12, "a": 54}),
        ("{# a #}{% raw %}{{ b }}{% endraw %}", {}),
        ("{{ true }} {{ a.b }}", {"a": 14}),
        ("x\r\n\r\n{{ a if b }}", {"a": 8, "b": 13}),
        ("{{ a", {}),
        ("a b c", {}),
    ],
)
def test_a_template_reads_variables_each_first_at_a_place(text: str, read: dict[str, int]) -> None:
    assert dict(variables_of(text)) == read


parts = st.sampled_from(["{{ a }}", "{{b}}", "{{\tc\t}}", "text ", "\n", "\r\n", "} ", "é"])


@given(st.lists(parts, max_size=12).map("".join))
def test_a_template_that_only_writes_variables_is_read_as_jinja_reads_it(text: str) -> None:
    assert simple_outputs(text) is not None
    assert problems_of(text) == render.problems_of_template(text) == ()
    assert dict(variables_of(text)) == {
        name: offset_of(text, place.line, place.column)
        for name, place in render.variables_of(text).items()
    }
