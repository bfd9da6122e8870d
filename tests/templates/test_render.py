"""Templates: what is allowed, where problems are, and that no text becomes a template."""

from __future__ import annotations

import contextlib
import json
import time
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tetrad.canonical import Json
from tetrad.errors import BadRequest
from tetrad.templates.render import (
    MAX_ROUNDS,
    Position,
    compile_template,
    problems_of_template,
    variables_of,
)

RENDERED = [
    ("no tag at all", {}, "no tag at all"),
    ("{{ x }}", {"x": "a"}, "a"),
    ("{{ x }}", {"x": None}, ""),
    ("{{ x }}", {"x": True}, "true"),
    ("{{ x }}", {"x": 0.5}, "0.5"),
    ("{{ x }}", {"x": {"é": ["<", 1]}}, '{"é": ["<", 1]}'),
    ("{{ x.a }}{{ x['b'] }}", {"x": {"a": 1, "b": 2}}, "12"),
    ("{{ x.items }}", {"x": {"items": "mine"}}, "mine"),
    ("{{ x[0] }}{{ x[-1] }}", {"x": ["a", "b"]}, "ab"),
    ("{{ x|upper|replace('A', 'b')|default('-') }}", {"x": "a"}, "b"),
    ("{{ x|default('none') }}", {"x": None}, "none"),
    ("{{ x|default('none', true) }}", {"x": ""}, "none"),
    ("{{ x|join(', ') }}", {"x": ["a", 1]}, "a, 1"),
    ("{{ x|join(', ', attribute='t') }}", {"x": [{"t": "a"}, {"t": "b"}]}, "a, b"),
    ("{{ x|tojson }}", {"x": "<é>"}, '"<é>"'),
    ("{{ x }}{{ x.a }}", {"x": MappingProxyType({"a": ("b",)})}, '{"a": ["b"]}["b"]'),
    ("{{ x|tojson(indent=2) }}", {"x": [1]}, "[\n  1\n]"),
    ("{{ x|indent(2) }}", {"x": "a\n\nb"}, "a\n\n  b"),
    ("{{ x|indent(2, true, true) }}", {"x": "a\n\nb"}, "  a\n  \n  b"),
    ("{{ x|trim }}|{{ x|length }}", {"x": " a "}, "a|3"),
    ("{{ x|truncate(6) }}", {"x": "one two three"}, "one..."),
    ("{{ x|first }}{{ x|last }}", {"x": ["a", "b"]}, "ab"),
    ("{{ x|title }}", {"x": "two words"}, "Two Words"),
    ("{{ x + 1 }}{{ -x }}", {"x": 1}, "2-1"),
    ("{% if x is defined and x %}yes{% else %}no{% endif %}", {"x": []}, "no"),
    ("{% if x in ['a', 'b'] %}yes{% endif %}", {"x": "a"}, "yes"),
    ("{{ 'yes' if x > 1 else 'no' }}", {"x": 2}, "yes"),
    ("{% for y in x %}{{ loop.index }}{{ y }}{% if not loop.last %},{% endif %}{% endfor %}",
     {"x": ["a", "b"]}, "1a,2b"),
    ("{% for k, v in x|items %}{{ k }}={{ v }};{% endfor %}", {"x": {"a": 1}}, "a=1;"),
    ("{% for y in x if y %}{{ y }}{% else %}none{% endfor %}", {"x": [0]}, "none"),
    ("{% for y in x %}{{ y }}{% endfor %}", {"x": None}, ""),
    ("{% raw %}{{ x }}{% endraw %}{# said #}", {}, "{{ x }}"),
    ("a\r\n{%- if x %} b{% endif %}\n", {"x": 1}, "a b\n"),
]  # fmt: skip


MORE = [
    ("{{ x[-2:] }} {{ x[:1] }} {{ x[::2] }} {{ t[1:3] }}", {"x": [1, 2, 3], "t": "abcd"}, "[2, 3] [1] [1, 3] bc"),
    ("{{ x ~ '-' ~ y ~ z }}", {"x": 1, "y": None, "z": {"a": True}}, '1-{"a": true}'),
    ("{{ x // 2 }}", {"x": 7}, "3"),
    ("{% set y = x|trim %}{{ y }}{{ y|length }}", {"x": " a "}, "a1"),
    ("{% set y = 'a' %}{% if x %}{% set y = 'b' %}{% endif %}{{ y }}", {"x": True}, "b"),
    ("{% for z in x %}{% set y = z ~ '!' %}{{ y }}{% endfor %}", {"x": ["a", "b"]}, "a!b!"),
    ("{{ x|list }} {{ y|list }} {{ '42'|int + 1 }}", {"x": {"a": 1}, "y": "ab"}, '["a"] ["a", "b"] 43'),
    ("{% for y in x|values %}{{ y }}{% endfor %}", {"x": {"a": 1, "b": 2}}, "12"),
    ("{% for y in x|lines %}<{{ y }}>{% endfor %}", {"x": "a\nb"}, "<a><b>"),
    ("{% for y in x[:2] %}{{ y }}{% endfor %}", {"x": [1, 2, 3]}, "12"),
    ("{% macro m(a, b='!') %}<{{ a }}{{ b }}{{ x }}>{% endmacro %}{{ m('c') }}{{ m(a=x, b='') }}", {"x": 1}, "<c!1><11>"),
    ("{% macro m(a) %}{{ a }}{% endmacro %}{% macro n(a) %}{{ m(a) }}{{ m(a) }}{% endmacro %}{{ n(x) }}", {"x": "a"}, "aa"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "values", "text"), [*RENDERED, *MORE])
def test_a_template_renders(template: str, values: dict[str, object], text: str) -> None:
    assert problems_of_template(template) == ()
    assert compile_template(template).render(values) == text  # type: ignore[arg-type]


REFUSED = [
    ("{{ f() }}", 1, 5, "a call is not allowed in a template"),
    ("{{ x.y.z() }}", 1, 8, "a call is not allowed in a template"),
    ("\n{{ x.__class__ }}", 2, 6, "names must not begin with _"),
    ("{{ x['__class__'] }}", 1, 5, "names must not begin with _"),
    ("{{ _x }}", 1, 4, "names must not begin with _"),
    ("{{ x|attr('y') }}", 1, 6, "the filter 'attr' is not allowed"),
    ("{{ x|map('upper') }}", 1, 6, "the filter 'map' is not allowed"),
    ("{{ x|format(1) }}", 1, 6, "the filter 'format' is not allowed"),
    ("{{ x|for }}", 1, 6, "the filter 'for' is not allowed"),
    ("{{ x|center(99) }}", 1, 6, "the filter 'center' is not allowed"),
    ("{{ x|upper(*y) }}", 1, 6, "* and ** are not allowed in arguments"),
    ("{% if x is callable %}{% endif %}", 1, 12, "the test 'callable' is not allowed"),
    ("{{ x * 9 }}", 1, 6, "* is not allowed in a template"),
    ("{{ 9 ** 9 }}", 1, 6, "** is not allowed in a template"),
    ("{{ '%9d' % x }}", 1, 10, "% is not allowed in a template"),
    ("{{ x / 2 }}", 1, 6, "/ is not allowed in a template"),
    ("{{ x[1:y] }}", 1, 7, "the bounds of a slice must be whole numbers"),
    ("{{ x[::y] }}", 1, 6, "the bounds of a slice must be whole numbers"),
    ("{{ {'a': 1} }}", 1, 4, "an object in a template is not allowed in a template"),
    ("{% set x, y = z %}", 1, 4, "set can assign only one name"),
    ("{% set loop = 1 %}", 1, 8, "loop is reserved by Jinja2"),
    ("{% set _x = 1 %}", 1, 8, "names must not begin with _"),
    ("{% set x %}a{% endset %}", 1, 4, "a set block is not allowed in a template"),
    ("{% with %}{% endwith %}", 1, 4, "with is not allowed in a template"),
    ("{% import 'a' as b %}", 1, 4, "import is not allowed in a template"),
    ("{% from 'a' import b %}", 1, 4, "import is not allowed in a template"),
    ("{% include '/etc/passwd' %}", 1, 4, "this include is not allowed in a template"),
    ("{% extends 'a' %}", 1, 4, "extends is not allowed in a template"),
    ("{% block a %}{% endblock %}", 1, 4, "block is not allowed in a template"),
    ("{% macro a() %}{{ a() }}{% endmacro %}", 1, 20, "a call is not allowed in a template"),
    ("{{ a() }}{% macro a() %}{% endmacro %}", 1, 5, "a call is not allowed in a template"),
    ("{% macro a() %}{% endmacro %}{{ a }}", 1, 33, "a is a macro and cannot be used as a value"),
    ("{% macro a() %}{% endmacro %}{{ a(*x) }}", 1, 34, "* and ** are not allowed in arguments"),
    ("{% macro a() %}{% endmacro %}{% macro a() %}{% endmacro %}", 1, 33, "the macro a is already defined"),
    ("{% macro a() %}{% endmacro %}{% set a = 1 %}", 1, 33, "the macro a is already defined"),
    ("{% if x %}{% macro a() %}{% endmacro %}{% endif %}", 1, 14, "a macro is not allowed in a loop, a condition or another macro"),
    ("{% autoescape false %}{{ x }}{% endautoescape %}", 1, 4, "autoescape is not allowed in a template"),
    ("{% if x %}\n{% autoescape x %}{% endautoescape %}{% endif %}", 2, 4, "autoescape is not allowed in a template"),
    ("{{ x" + " in x" * 41 + " }}", 1, 1, "a comparison of more than 40 values"),
    ("{% filter upper %}a{% endfilter %}", 1, 4, "a filter block is not allowed in a template"),
    ("{% for x in [1, 2] %}{% endfor %}", 1, 4, "a loop must iterate over a variable"),
    ("{% for x in y recursive %}{% endfor %}", 1, 15, "a recursive loop is not allowed"),
    ("{{ loop }}", 1, 4, "loop cannot be used as a value"),
    ("{% for x in y %}{{ loop.cycle }}{% endfor %}", 1, 25, "loop.cycle is not allowed"),
    ("{{ self }}", 1, 4, "self is reserved by Jinja2"),
    ("{{ [x, x] }}", 1, 1, "a list in a template must contain only constants"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "line", "column", "message"), REFUSED)
def test_what_is_outside_the_allow_list_is_refused_where_it_stands(
    template: str, line: int, column: int, message: str
) -> None:
    (problem, *_) = problems_of_template(template)

    assert (problem.code, problem.line, problem.column, problem.message) == (
        "TPL204", line, column, message,
    )  # fmt: skip
    assert problem.hint
    with pytest.raises(ValueError, match="of the template"):
        compile_template(template)


BROKEN = [
    ("{{ x", 1, 1, "{{ is not closed"),
    ("a\n{% if x %}", 2, 1, "{% if x %} is not closed"),
    ("ab {% foo %}", 1, 7, "unknown tag 'foo'"),
    ("{{ 'a }}", 1, 4, "a quote in {{ 'a }} is not closed"),
    ("{{ 1" + "0" * 5000 + " }}", 1, 1, "a number that is too long"),
]


@pytest.mark.parametrize(("template", "line", "column", "message"), BROKEN)
def test_broken_syntax_is_explained_where_it_stands(
    template: str, line: int, column: int, message: str
) -> None:
    (problem,) = problems_of_template(template)

    assert (problem.code, problem.line, problem.column) == ("TPL201", line, column)
    assert problem.message.startswith(message)


def test_every_problem_of_a_template_is_told_at_once() -> None:
    problems = problems_of_template("{{ f() }}{{ x|nope }}\n  {{ x|nope }}{% with %}{% endwith %}")

    assert [(p.line, p.column) for p in problems] == [(1, 5), (1, 15), (2, 8), (2, 18)]


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ x|uper }}", "did you mean upper?"),
        ("{{ x|strip }}", "did you mean trim?"),
        ("{{ x|selectattr('a') }}", "compute the value in your code and pass it as a variable"),
        ("{{ x|safe }}", "remove it: prompts are not escaped"),
        ("{% for a, b in x.items() %}{% endfor %}", "write |items in place of .items(…)"),
        ("{% for a in x.values() %}{% endfor %}", "write |values in place of .values(…)"),
        ("{% for a in x.splitlines() %}{% endfor %}", "write |lines in place of .splitlines(…)"),
        ("{{ x.get('a') }}", "write ['a']|default in place of .get(…)"),
        ("{{ x.get('a', 'b') }}", "write ['a']|default('b') in place of .get(…)"),
        ("{{ x.get(y.z) }}", "write [y.z]|default in place of .get(…)"),
        (
            "{{ x.pop() }}",
            "use a filter, or compute the value in your code and pass it as a variable",
        ),
    ],
)
def test_the_hint_names_what_does_the_same(template: str, hint: str) -> None:
    (problem,) = problems_of_template(template)

    assert problem.hint == hint


@pytest.mark.parametrize(
    "template",
    [
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 60 + "1" + "]" * 60 + " }}",
        "{{ " + "not " * 200 + "x }}",
        "{{ x" + "|upper" * 3000 + " }}",
        "{% if x %}" * 300 + "{% endif %}" * 300,
        "{% for x in x %}" * 60 + "{% endfor %}" * 60,
    ],
    ids=lambda text: text[:20],
)
def test_deep_templates_are_refused(template: str) -> None:
    problems = problems_of_template(template)

    assert any("nested more than" in p.message and p.code == "TPL204" for p in problems)


def test_long_chains_that_are_not_deep_are_fine() -> None:
    template = "{% if x == 0 %}0" + "".join(f"{{% elif x == {n} %}}{n}" for n in range(1, 300))

    assert compile_template(template + "{% endif %}").render({"x": 299}) == "299"


def test_variables_are_found_with_their_first_place() -> None:
    found = variables_of(
        "{{ a }}\n{% for b in c %}{{ b }}{{ loop.index }}{{ d.c|b }}{% endfor %}{{ b }}"
    )

    assert found == {
        "a": Position(1, 4),
        "c": Position(2, 13),
        "d": Position(2, 43),
        "b": Position(2, 66),
    }


def test_names_that_a_template_gives_itself_are_no_variables() -> None:
    found = variables_of(
        "{% macro m(a, b=c) %}{{ a }}{{ d }}{% endmacro %}{{ m(e) }}"
        "{% set f = f %}{{ f }}{% for g in h %}{% set i = g %}{{ i }}{% endfor %}{{ i }}"
    )

    assert list(found) == ["c", "d", "e", "f", "h", "i"]
    assert found["f"] == Position(1, 71)


def test_a_template_that_does_not_parse_has_no_variables() -> None:
    assert variables_of("{{ x") == {}


FAILING = [
    ("{{ x }}", {"y": "1"}, "'x' is not given; given: y"),
    ("{{ x.y }}", {"x": {"z": 1}}, "in the value, 'y' is not given; given: x"),
    ("{{ x.y.z }}", {"x": {}}, "in the value, 'y' is not given; given: x"),
    ("{{ x[5] }}", {"x": [1]}, "in the value, 5 is not given; given: x"),
    ("{% for y in x %}{% endfor %}", {}, "'x' is not given; given: nothing"),
    ("{% for y in x %}{% endfor %}", {"x": "text"}, "a loop goes over a list, not over 'text'"),
    ("{{ x < 1 }}", {"x": "a"}, "'<' not supported between instances of 'str' and 'int'"),
    ("{{ x|indent(99999999) }}", {"x": "a"}, "indent takes a width from 0 to 64"),
    ("{{ x|tojson(indent=99999999) }}", {"x": "a"}, "tojson takes an indent from 0 to 64"),
    ("{{ x|items }}", {"x": [1]}, "items takes an object"),
    ("{{ x|truncate(2) }}", {"x": "a"}, "truncate takes a length from 3 and a leeway from 0 on"),
    ("{{ x|truncate(9, leeway=-1) }}", {"x": "a"}, "a length from 3 and a leeway from 0 on"),
    ("{{ x|join([1]) }}", {"x": ["a"]}, "join takes a text to write between the items"),
    ("{{ x|first }}", {"x": []}, "No first item, sequence was empty.; given: x"),
    ("{{ x|join(', ', attribute='t') }}", {"x": [{}]}, "join found an item without 't'"),
    ("{{ x }}", {"x": {1, 2}}, "a set is not a JSON value"),
    ("{{ x|length }}", {"x": 1}, "object of type 'int' has no len()"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "values", "message"), FAILING)
def test_values_that_do_not_suit_are_a_bad_request(
    template: str, values: dict[str, object], message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        compile_template(template).render(values)  # type: ignore[arg-type]

    assert str(caught.value).endswith(message)


# Macros of which each writes the one before twice.
DOUBLING = "{% macro m0() %}a{% endmacro %}" + "".join(
    f"{{% macro m{n}() %}}{{{{ m{n - 1}() }}}}{{{{ m{n - 1}() }}}}{{% endmacro %}}"
    for n in range(1, 30)
)
EXPENSIVE = [
    ("{{ x|replace('', x) }}", {"x": "a" * 100_000}),
    ("{{ x|join(y) }}", {"x": ["a"] * 10_000, "y": "b" * 100_000}),
    ("{% for y in x %}{% for z in x %}{% endfor %}{% endfor %}", {"x": [1] * 10_000}),
    ("{% for y in x %}{{ z }}{% endfor %}", {"x": [1] * MAX_ROUNDS, "z": "a" * 10_000}),
    ("{% set x = x ~ x %}" * 30 + "{{ x }}", {"x": "a" * 1_000}),
    ("{% set x = x + x %}" * 30, {"x": [1] * 1_000}),
    (DOUBLING + "{{ m29() }}", {}),
    (DOUBLING.replace("a{%", "{%") + "{{ m29() }}", {}),
    ("{{ x|list|list }}" * 99, {"x": "a" * 900_000}),
    ("{{ x|indent(64, true, true) }}", {"x": "\n" * 900_000}),
    ("{{ x|tojson(indent=64) }}", {"x": json.loads("[" * 30 + "[1" + ",1" * 300_000 + "]" * 31)}),
]


@pytest.mark.parametrize(("template", "values"), EXPENSIVE, ids=[t for t, _ in EXPENSIVE])
def test_expensive_templates_stop_early(template: str, values: dict[str, object]) -> None:
    started = time.process_time()

    with pytest.raises(BadRequest):
        compile_template(template).render(values)  # type: ignore[arg-type]

    assert time.process_time() - started < 1


def test_values_nested_too_deeply_are_a_bad_request() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]

    with pytest.raises(BadRequest, match="nested too deeply"):
        compile_template("{{ x }}").render({"x": value})  # type: ignore[dict-item]


def test_what_a_value_says_is_never_a_template() -> None:
    hostile = "{{ 7 * 7 }}{% include '/etc/passwd' %}{# gone #}{{ x.__class__ }}"

    assert compile_template("<{{ x }}>").render({"x": hostile}) == f"<{hostile}>"


def test_methods_and_attributes_of_values_are_out_of_reach() -> None:
    for name in ("items", "keys", "format", "mro", "append"):
        with pytest.raises(BadRequest, match="is not given"):
            compile_template(f"{{{{ x.{name} }}}}").render({"x": {}})


@given(st.text(alphabet="{}%#xfor in|()'*.[]_ \n-+", max_size=40))
def test_any_text_is_a_template_or_has_problems_and_never_crashes(text: str) -> None:
    if not problems_of_template(text):
        with contextlib.suppress(BadRequest):
            compile_template(text).render({"x": "a"})


@given(st.text())
def test_any_value_is_written_as_it_is(text: str) -> None:
    assert compile_template("{{ x }}").render({"x": text}) == text


# -- every statement of Jinja2, its extensions' too


STATEMENTS = [
    "{% autoescape true %}{{ a }}{% endautoescape %}",
    "{% autoescape %}{% endautoescape %}",
    "{% block a %}{{ b }}{% endblock %}",
    "{% block a scoped required %}{% endblock %}",
    "{% break %}",
    "{% for a in b %}{% break %}{% continue %}{% endfor %}",
    "{% call a() %}{{ b }}{% endcall %}",
    "{% call(x) a.b(*c, **d) %}{{ x }}{% endcall %}",
    "{% debug %}",
    "{% do a.append(1) %}",
    "{% extends a %}{% block b %}{{ super() }}{% endblock %}",
    "{% filter upper|trim %}{{ a }}{% endfilter %}",
    "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
    "{% from a import b as c, d with context %}{{ c }}",
    "{% import a as b without context %}{{ b }}",
    "{% include [a, b] ignore missing without context %}",
    "{% macro a(b, c=d) %}{{ caller() }}{{ varargs }}{{ kwargs }}{% endmacro %}",
    "{% set a, b = c %}{{ a }}",
    "{% set a.b = c %}",
    "{% set a | upper %}{{ b }}{% endset %}",
    "{% trans a=b %}{{ a }}{% pluralize %}{{ a }}{% endtrans %}",
    "{% with a = b, c = d %}{{ a }}{% endwith %}",
    "{{ _('a') }}{{ gettext('a') }}",
    "{{ a(b, *c, d=e, **f) }}",
    "{{ a if b }}{{ lambda: a }}",
    "{{ {a: b, **c} }}{{ [a for a in b] }}",
    "{{ a[b:c:d] }}{{ a[b, c] }}{{ (a, b) }}",
    "{{ self.a() }}{{ namespace(a=1) }}{{ cycler(a) }}",
]


@pytest.mark.parametrize("template", STATEMENTS)
@pytest.mark.parametrize(
    "around", ["{}", "{{% if a %}}{}{{% endif %}}", "{{% for a in b %}}{}{{% endfor %}}"]
)
def test_a_statement_that_is_not_on_the_list_is_a_problem_with_a_place(
    template: str, around: str
) -> None:
    text = around.format(template)

    problems = problems_of_template(text)

    assert problems
    assert all(problem.line == 1 and problem.column >= 1 for problem in problems)
    variables_of(text)
    with pytest.raises(ValueError, match="of the template"):
        compile_template(text)


# -- time


LONG = "ab " * 300_000


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in rounds %}{% if x|title|upper|title|lower == a %}{% endif %}{% endfor %}",
        "{% for a in rounds %}{{ '' if x|upper is eq(a) }}{% endfor %}",
        '{% for a in rounds %}{% if "b" in x %}{% endif %}{{ x|wordcount }}{% endfor %}',
        "{{ x|title|length }}" * 200,
    ],
)
def test_a_template_that_runs_long_is_stopped(template: str) -> None:
    values: dict[str, Json] = {"x": LONG, "rounds": list(range(9_000))}
    with pytest.raises(BadRequest, match="takes longer than 1 s of processor time"):
        compile_template(template).render(values)


def test_texts_are_added_up_to_the_length_of_a_message() -> None:
    doubled = "x"
    for _ in range(4):
        doubled = f"({doubled}+{doubled})"
    with pytest.raises(BadRequest, match="would write 1,800,000 characters"):
        compile_template(f"{{{{ {doubled}|length }}}}").render({"x": LONG})
    assert compile_template("{{ x + x }}{{ 1 + 2 }}").render({"x": "a"}) == "aa3"
