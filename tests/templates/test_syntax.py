"""What people write that is no template, and what they read of it."""

from __future__ import annotations

import pytest

from tetrad.templates.render import problems_of_template

RAW = "to write {{ or {% as text, put it between {% raw %} and {% endraw %}"
ONE_VALUE = "write one value and its filters: {{ name|upper }}"

ILL = [
    ("{{ a }} and {{ b }", 1, 13, "{{ is not closed", "close it with }}"),
    ("{{ a }}\n{{ b %} x {{ c }}", 2, 1, "{{ is not closed", "close it with }}"),
    ("{{ a }} {% if b }} x {% endif %}", 1, 9, "{% is not closed", "close it with %}"),
    ("{{ a }} {% unless (", 1, 9, "{% is not closed", "close it with %}"),
    ("{{ a }} {# b", 1, 9, "{# is not closed", "close the comment with #}"),
    ("{% raw %}{{ a", 1, 1, "{% raw %} is not closed", "close it with {% endraw %}"),
    (
        "{% if a %}\n{% if b %}y{% endif %}\nmore",
        1,
        1,
        "{% if a %} is not closed",
        "write {% endif %} where it ends",
    ),
    (
        "{% for x in a %}{{ x }}\r\n{% endif %}",
        2,
        4,
        "endif stands where {% for x in a %} is not closed",
        "write {% endfor %} where that ends",
    ),
    (
        "{% for x in a %}{% elif b %}{% endfor %}",
        1,
        20,
        "elif stands where {% for x in a %} is not closed",
        "write {% endfor %} where that ends",
    ),
    (
        "{{ a }}{% else %}",
        1,
        11,
        "else is outside of any block",
        "begin the block before it: {% if or for … %}",
    ),
    (
        "{% if a %}x{% elseif b %}y{% endif %}",
        1,
        15,
        "unknown tag 'elseif'",
        "did you mean elif?",
    ),
    ("{% raw %}{% no %}{% endraw %}{% unless a %}", 1, 33, "unknown tag 'unless'", RAW),
    (
        "{% if a %}x{% else if b %}y{% endif %}",
        1,
        20,
        "'if' is not expected in {% else if b %}",
        "after else, a condition is written {% elif … %}",
    ),
    (
        "{% if a = 'x' %}y{% endif %}",
        1,
        9,
        "'=' is not expected in {% if a = 'x' %}",
        "compare with ==",
    ),
    ("{{ a }} {# {{ b c }} #} {{ c d }}", 1, 30, "'d' is not expected in {{ c d }}", ONE_VALUE),
    ("{{ a[0 }}", 1, 8, "'}' is not expected in {{ a[0 }}", "write ] before it"),
    ("{{ }}", 1, 1, "{{ }} is incomplete", RAW),
    ('Write {% "b" %}', 1, 7, '{% "b" %} is incomplete', RAW),
    ("{% if a && b %}x{% endif %}", 1, 9, "'&' has no meaning in {% if a && b %}", "write and"),
    (
        "{% if a %}{% elif b ? c %}{% endif %}",
        1,
        21,
        "'?' has no meaning in {% elif b ? c %}",
        "write {{ a if condition else b }}",
    ),
    (
        "{{{ a }}}",
        1,
        1,
        "{{{ a }} begins with three braces",
        "put a space between a brace of the text and {{",
    ),
    ("{{ 'it's' }}", 1, 8, "'s' is not expected in {{ 'it's' }}", ONE_VALUE),
]


@pytest.mark.parametrize(("template", "line", "column", "message", "hint"), ILL)
def test_the_tag_that_is_meant_is_told_with_what_mends_it(
    template: str, line: int, column: int, message: str, hint: str
) -> None:
    (problem,) = problems_of_template(template)

    told = (problem.code, problem.line, problem.column, problem.message, problem.hint)
    assert told == ("TPL201", line, column, message, hint)
