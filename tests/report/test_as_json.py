"""The report's JSON keeps the published shape, survives a round trip and refuses what it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report import samples

from tetrad.errors import UsageError
from tetrad.model import Turn
from tetrad.report import dump_report, load_report, render
from tetrad.results.gate_report import Report

REPORTS: tuple[Callable[[], Report], ...] = (
    samples.failing,
    samples.passing,
    samples.loosened,
    samples.unmoved,
    samples.without_base,
    samples.unanswered,
    samples.unusual,
    lambda: samples.hostile("\x1b[31m::error::</script>\u202e\ud800\U000e0041##[error]\x00"),
)


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_survives_a_round_trip(report: Callable[[], Report]) -> None:
    text = dump_report(report())

    assert load_report(text) == report()
    assert dump_report(load_report(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_output_survives_a_round_trip(text: str) -> None:
    report = replace(samples.unmoved(), harness=text)

    assert load_report(dump_report(report)) == report


def test_the_shape_is_the_published_one() -> None:
    document = json.loads(dump_report(samples.failing()))

    assert document["kind"] == "report"
    assert document["decision"] == "FAILED"
    assert document["calls"] == {"made": 72, "cached": 124, "skipped": 76}
    triage = document["stacks"][0]
    assert triage["identity"].startswith("tetrad:")
    assert triage["changed"] == ["prompt"]
    suite = triage["suites"][0]
    assert suite["golden"].startswith("sha256:")
    no_worse = suite["requirements"][1]
    assert no_worse["requirement"] == "no_worse_than_base"
    assert no_worse["decision"] == "FAILED"
    assert len(no_worse["interval"]) == 2
    case = next(case for case in suite["cases"] if case["id"] == "double-charge")
    assert (case["flip"], case["output"], case["base_output"]) == ("broken", "returns", "billing")
    assert (case["metrics"], case["base_metrics"]) == ({"answer": 0.0}, {"answer": 1.0})
    assert document["stacks"][2]["changed"] == document["stacks"][2]["suites"] == []


def test_variables_keep_their_types() -> None:
    (stack, *others) = samples.without_base().stacks
    (suite,) = stack.suites
    case = replace(suite.cases[0], vars={"topics": ["billing", 2], "gift": {"wrapped": True}})
    suites = (replace(suite, cases=(case,)),)
    report = replace(samples.without_base(), stacks=(replace(stack, suites=suites), *others))

    written = json.loads(dump_report(report))["stacks"][0]["suites"][0]["cases"][0]["vars"]

    assert written == {"topics": ["billing", 2], "gift": {"wrapped": True}}
    assert load_report(dump_report(report)) == report


def test_without_a_base_there_is_no_answer_before() -> None:
    case = json.loads(dump_report(samples.without_base()))["stacks"][0]["suites"][0]["cases"][0]

    assert case["base_output"] is None
    assert case["base_metrics"] is None


def test_hostile_text_is_escaped_and_still_means_the_same() -> None:
    text = dump_report(samples.hostile("\x9b31m\u202e ##[error]"))

    assert "\x9b" not in text
    assert "\u202e" not in text
    assert "##[" not in text
    assert json.loads(text)["stacks"][0]["engine"] == "\x9b31m\u202e ##[error]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "$: must be an object"),
        ('{"kind": "plan", "version": 2}', "$.kind: must be report"),
        ('{"kind": "report", "version": true}', "$.version: must be a number"),
        ('{"kind": "report", "version": 2}', "$.decision: is missing"),
        ('{"kind": "report", "version": 2, "dirty": "NO"}', "$.decision: is missing"),
        ('{"kind": "report", "kind": "report"}', "the key 'kind' is given twice"),
        ('{"kind": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_a_report_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_report(text, origin="report.json")

    assert str(caught.value) == (
        f"report.json: not a report: {problem}\n  help: `tetrad gate --format json` writes one"
    )


@pytest.mark.parametrize(
    ("version", "fix"),
    [
        (1, "run `tetrad gate` again: answers that were kept are not asked anew"),
        (3, "upgrade tetrad"),
    ],
)
def test_a_report_of_another_version_is_refused_with_what_to_do(version: int, fix: str) -> None:
    text = dump_report(samples.failing()).replace('"version": 2', f'"version": {version}', 1)

    with pytest.raises(UsageError) as caught:
        load_report(text, origin="report.json")

    assert str(caught.value) == (
        f"report.json: unsupported report version {version}, expected 2\n  help: {fix}"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"identity": "tetrad:', '"identity": "', "is not an identity"),
        ('"golden": "sha256:', '"golden": "md5:', "$.stacks[0].suites[0].golden: "),
        (
            '"decision": "FAILED"',
            '"decision": "MAYBE"',
            "$.decision: must be one of PASSED, FAILED",
        ),
        ('"preview": false,', "", "$.stacks[0].preview: is missing"),
        ('"base_samples": ', '"base_samples": {}, "": ', ".base_samples: must be a list"),
        ('"vars": {', '"vars": [], "": {', ".cases[0].vars: must be an object"),
        ('"answer": 1.0', '"answer": "1"', ".metrics.answer: must be a number"),
        ('"flip": "broken"', '"flip": 3', ".flip: must be one of none, broken"),
        ('"n": 60', '"n": "60"', ".requirements[0].n: must be a number"),
        ('"n": 60', f'"n": {10**400}', ".requirements[0].n: must be between -(2^53-1) and"),
        ('"latency_s": ', '"latency_s": -1', ".latency_s: must be 0 seconds or more"),
        (
            '"latency_s": ',
            '"latency_s": 9999999999999999',
            ".latency_s: must be between -(2^53-1) and 2^53-1",
        ),
        ('"interval": [', '"interval": [0.5,', ".interval: must have 2 items"),
        ('"rule": ', '"role": ', ".rule: is missing"),
        ('"type": "generated"', '"type": "dreamt"', ".type: must be one of retrieved, generated"),
    ],
)
def test_a_misfit_inside_is_named_by_its_path(old: str, new: str, problem: str) -> None:
    text = dump_report(samples.failing())
    assert old in text

    with pytest.raises(UsageError, match=r"not a report: \$") as caught:
        load_report(text.replace(old, new, 1))

    assert problem in str(caught.value)


def test_keys_of_a_newer_version_are_let_be() -> None:
    document = json.loads(dump_report(samples.failing()))
    document["signature"] = "…"
    document["stacks"][0]["suites"][0]["requirements"][0]["power"] = 0.8

    assert load_report(json.dumps(document)) == samples.failing()


def with_turns(report: Report, content: str) -> Report:
    """The report with earlier turns in each of its cases."""
    turns = (Turn(role="user", content=content), Turn(role="assistant", content="Hi"))
    stacks = tuple(
        replace(
            stack,
            suites=tuple(
                replace(suite, cases=tuple(replace(case, turns=turns) for case in suite.cases))
                for suite in stack.suites
            ),
        )
        for stack in report.stacks
    )
    return replace(report, stacks=stacks)


def test_earlier_turns_survive_a_round_trip_and_are_written_only_where_given() -> None:
    report = with_turns(samples.passing(3), "Hello")

    assert load_report(dump_report(report)) == report
    assert '"turns"' not in dump_report(samples.passing(3))


@pytest.mark.parametrize("fmt", ["markdown", "html"])
def test_earlier_turns_are_shown_inert(fmt: str) -> None:
    shown = render(with_turns(samples.failing(3), "Hello\x1b[31m</script>"), fmt)

    assert "Hello" in shown
    assert "\x1b" not in shown
    assert "Hello</script>" not in shown or fmt == "markdown"
