"""Every format that we say is checked is, by every schema that a user can write."""

from __future__ import annotations

import json

import pytest

from tetrad.assertions.answered import Answered
from tetrad.assertions.types.json_answer import IS_JSON
from tetrad.errors import Location
from tetrad.model import Assertion
from tetrad.schemas.check import compile_schema
from tetrad.schemas.checked_formats import FORMATS, unchecked_formats

GOOD_AND_BAD = {
    "date": ("2024-02-29", "2023-02-29"),
    "date-time": ("2024-01-31T12:00:00Z", "2024-01-31 12"),
    "duration": ("P3DT4H", "3 days"),
    "email": ("a@example.com", "a@"),
    "hostname": ("example.com", "-a.com"),
    "idn-email": ("ä@example.com", "ä@"),
    "idn-hostname": ("例え.jp", "-a"),
    "ipv4": ("192.0.2.1", "256.1.1.1"),
    "ipv6": ("2001:db8::1", "2001:db8::g"),
    "iri": ("https://example.com/é", "not an iri"),
    "iri-reference": ("/é", "\\\\"),
    "json-pointer": ("/a/b", "a/b"),
    "regex": ("a+", "a("),
    "relative-json-pointer": ("1/a", "/a"),
    "time": ("12:00:00Z", "25:00:00Z"),
    "uri": ("https://example.com/c", "not a uri"),
    "uri-reference": ("/a", "\\\\"),
    "uri-template": ("/a/{b}", "/a/{b"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "12345"),
}
DRAFTS = (
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
    None,
)


def test_each_has_an_example() -> None:
    assert sorted(GOOD_AND_BAD) == sorted(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_an_output_schema_checks_it(name: str) -> None:
    good, bad = GOOD_AND_BAD[name]
    validator = compile_schema({"type": "string", "format": name})

    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("name", FORMATS)
def test_an_assertion_checks_it_in_every_draft(name: str, draft: str | None) -> None:
    schema = {"type": "string", "format": name} | ({"$schema": draft} if draft else {})
    is_json = Assertion(type="is-json", value=schema, location=Location("golden.yaml"))

    scores = [
        IS_JSON.grade(schema, is_json, Answered(text=json.dumps(text), vars={})).value
        for text in GOOD_AND_BAD[name]
    ]
    assert scores == [1.0, 0.0]


def test_a_format_that_nothing_checks_is_named_wherever_a_schema_may_stand() -> None:
    strange = {"type": "string", "format": "datetime"}
    schema = {
        "properties": {"format": strange, "of": {"items": [strange]}},
        "propertyNames": strange,
        "$defs": {"a": {"anyOf": [strange]}},
        "default": {"format": "datetime"},
        "enum": [{"format": "datetime"}],
    }

    assert sorted((p.path, p.hint) for p in unchecked_formats(schema)) == [
        (("$defs", "a", "anyOf", 0, "format"), "did you mean date-time?"),
        (("properties", "format", "format"), "did you mean date-time?"),
        (("properties", "of", "items", 0, "format"), "did you mean date-time?"),
        (("propertyNames", "format"), "did you mean date-time?"),
    ]
