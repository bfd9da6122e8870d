"""What the reasons of passing and failing assertions say."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from assertions.test_assertions import judged
from evals.cases import assertion, called, passage

from tetrad.assertions.answered import Answered
from tetrad.assertions.json_values import differences
from tetrad.assertions.score import at_least, binary, negated, share
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion

LONG = "x" * 100


@pytest.mark.parametrize(
    ("checked", "text", "passing", "failing"),
    [
        (assertion("equals", "yes"), "yes", 'equals "yes"', 'does not equal "yes"'),
        (assertion("equals", ["é"]), '["é"]', 'equals "["é"]"', 'does not equal "["é"]": is not JSON'),
        (assertion("contains", "es"), "yes", 'contains "es"', 'does not contain "es"'),
        (assertion("icontains", "ES"), "yes", 'contains "ES"', 'does not contain "ES"'),
        (assertion("contains-all", "y, s"), "yes", 'contains "y", "s"', 'does not contain "y", "s"'),
        (assertion("icontains-all", "Y, S"), "yes", 'contains "Y", "S"', 'does not contain "Y", "S"'),
        (assertion("contains-any", "z, s"), "yes", 'contains "s"', 'contains none of "z", "s"'),
        (assertion("icontains-any", "Z, S"), "yes", 'contains "S"', 'contains none of "Z", "S"'),
        (assertion("starts-with", "ye"), "yes", 'starts with "ye"', 'does not start with "ye"'),
        (assertion("regex", "y.s"), "yes", 'matches the pattern "y.s"', 'does not match the pattern "y.s"'),
        (assertion("is-json"), "[1]", "is JSON", "is not JSON"),
        (assertion("contains-json"), "so {}", "contains JSON", "contains no JSON"),
        (assertion("levenshtein", "yes"), "yess", "edit distance 1 ≤ 5", "edit distance 13 > 5"),
        (assertion("levenshtein", "yes", threshold=1.5), "yess", "edit distance 1 ≤ 1.5", "edit distance 13 > 1.5"),
        (assertion("rouge-n", "yes"), "yes", "rouge-n 1.00 ≥ 0.75", "rouge-n 0.00 < 0.75"),
        (assertion("rouge-n", "yes", threshold=0.125), "yes no", "rouge-n 0.67 ≥ 0.125", "rouge-n 0.00 < 0.125"),
        (assertion("bleu", "yes we can"), "yes we can", "bleu 1.00 ≥ 0.5", "bleu 0.00 < 0.5"),
    ],
)  # fmt: skip
def test_a_reason_of_both_decisions(
    checked: Assertion, text: str, passing: str, failing: str
) -> None:
    passed, failed = judged(checked, text), judged(checked, "abnormal rain")

    assert (passed.passed, passed.reason) == (True, passing)
    assert (failed.passed, failed.reason) == (False, failing)


@pytest.mark.parametrize(
    ("checked", "passed", "reason"),
    [
        (assertion("latency", threshold=250), True, "250 ms ≤ 250 ms"),
        (assertion("latency", threshold=249.5), False, "250 ms > 249.5 ms"),
        (assertion("latency", threshold=0), False, "250 ms > 0 ms"),
        (assertion("cost", threshold=0.1), True, "0.00123457 USD ≤ 0.1 USD"),
        (assertion("cost", threshold=0.001), False, "0.00123457 USD > 0.001 USD"),
        (assertion("cost", threshold=0), False, "0.00123457 USD > 0 USD"),
    ],
)
def test_a_limit_is_told_with_its_unit(checked: Assertion, passed: bool, reason: str) -> None:
    answered = Answered(text="", vars={}, latency_s=0.25, cost_usd=0.00123456789)

    result = judged(checked, answered)

    assert (result.passed, result.reason) == (passed, reason)


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("latency", "the engine reported no latency for this answer"),
        ("cost", "the answer has no cost: the model has no prices, or its tokens were not counted"),
    ],
)
def test_what_was_not_measured_is_told(type_: str, message: str) -> None:
    with pytest.raises(JudgeFailed) as raised:
        judged(assertion(type_, threshold=1), "text")

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("value", "threshold", "passed", "reason"),
    [
        ("refund", None, True, "called: refund"),
        (["refund", {"tool": "refund"}], None, True, "called: refund, refund()"),
        (
            {"tool": "refund", "arguments": {"order": 7, "to": "é"}},
            None,
            True,
            'called: refund(order="7", to="é")',
        ),
        ("search", None, False, "not called: search"),
        ({"tool": "search", "arguments": {"order": 7}}, None, False, 'not called: search(order="7")'),
        (["refund", "search"], 0.5, True, "not called: search"),
        (["refund", "search", "close"], 0.5, False, "not called: search, close"),
    ],
)  # fmt: skip
def test_calls_are_told_as_they_are_written(
    value: Any, threshold: float | None, passed: bool, reason: str
) -> None:
    made = called("refund", {"order": 7, "to": "é", "more": True})
    answered = Answered(text="", vars={}, called=(made,))

    result = judged(assertion("tool-called", value, threshold=threshold), answered)

    assert (result.passed, result.reason) == (passed, reason)


def test_documents_are_told_whether_all_were_retrieved_or_some() -> None:
    answered = Answered(text="", vars={}, passages=(passage("a.md"), passage("b.md")))

    assert judged(assertion("retrieved", "a.md, b.md"), answered).reason == "retrieved: a.md, b.md"
    assert judged(assertion("retrieved", "a.md, c.md"), answered).reason == "not retrieved: c.md"


# -- in short


def test_a_long_value_is_shown_in_short() -> None:
    assert judged(assertion("contains", LONG), "no").reason == (f'does not contain "{LONG[:79]}…"')


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (1, 1.0, []),
        (True, 1, [("$", "true", "1")]),
        (1, True, [("$", "1", "true")]),
        ({"a": 1}, {"a": True}, [("a", "1", "true")]),
        ({"a": "é"}, {"b": "ü"}, [("a", '"é"', "absent"), ("b", "absent", '"ü"')]),
        ({"a": None}, {}, [("a", "null", "absent")]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a[1].b", "2", "3")]),
        ([1, 2], [1, 2, 3], [("$", "[1, 2]", "[1, 2, 3]")]),
        ([1], "1", [("$", "[1]", '"1"')]),
        ("12", ["1", "2"], [("$", '"12"', '["1", "2"]')]),
        ({}, [], [("$", "{}", "[]")]),
        ({"a": LONG}, {"a": 1}, [("a", f'"{LONG[:58]}…', "1")]),
        ({LONG: 1}, {LONG: 2}, [(f"{LONG[:59]}…", "1", "2")]),
        ({"a": MappingProxyType({"b": 1})}, {"a": 1}, [("a", '{"b": 1}', "1")]),
        (MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}, []),
    ],
)  # fmt: skip
def test_where_two_json_values_differ(
    one: Any, other: Any, found: list[tuple[str, str, str]]
) -> None:
    assert [tuple(difference) for difference in differences(one, other)] == found


# -- scores


def test_what_a_score_is_made_of() -> None:
    assert binary(True, "so") == (True, 1.0, "so", {})
    assert binary(False, "so") == (False, 0.0, "so", {})
    assert at_least("x", 0.5, None, 0.5) == (True, 0.5, "x 0.50 ≥ 0.5", {})
    assert at_least("x", 0.5, 0.75, 0.5) == (False, 0.5, "x 0.50 < 0.75", {})
    assert at_least("x", 1.2, None, 0.5)[:2] == (True, 1.0)
    assert at_least("x", -0.2, 0, 0.5)[:2] == (True, 0.0)
    assert negated(at_least("x", 0.25, None, 0.5)) == (True, 0.75, "x 0.25 < 0.5", {})
    assert share(["a", "b"], ["b"], 0.5, "made") == (True, 0.5, "not made: b", {})
    assert share(["a", "b"], [], None, "made") == (True, 1.0, "made: a, b", {})
    assert share(["a", "b", "c"], ["a", "b"], None, "made")[0] is False
