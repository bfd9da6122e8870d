"""What every format says of a report, compared whole with files; see golden/."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from goldens import check_golden
from report import extraction, samples
from rich.cells import cell_len

from tetrad.cli.report import FORMATS as COMMAND_FORMATS
from tetrad.report import FORMATS, render
from tetrad.report.as_text import render_text
from tetrad.results.gate_report import Report, RequirementResult

GOLDEN = Path(__file__).with_name("golden")
ENDINGS = {"text": "txt", "json": "json", "junit": "xml", "markdown": "md"}
REPORTS: dict[str, Callable[[], Report]] = {
    "failing": lambda: samples.failing(12),
    "passing": lambda: samples.passing(12),
    "loosened": samples.loosened,
    "unmoved": samples.unmoved,
    "without-base": samples.without_base,
    "unanswered": samples.unanswered,
    "unusual": samples.unusual,
    "extraction": extraction.extraction,
    "unjudged": extraction.unjudged,
}


@pytest.mark.parametrize("fmt", ENDINGS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_rendered_as_its_golden_file_says(name: str, fmt: str) -> None:
    check_golden(GOLDEN / f"{name}.{ENDINGS[fmt]}", render(REPORTS[name](), fmt))


@pytest.mark.parametrize("fmt", FORMATS)
def test_where_nothing_was_judged_nothing_is_said_to_hold_and_the_means_are_shown(
    fmt: str,
) -> None:
    report = replace(extraction.unjudged(), decision="PASSED")

    text = render(report, fmt)

    assert "every requirement holds" not in text.casefold()
    assert "0.25" in text
    if fmt in {"text", "markdown", "html"}:
        told = "no requirement was judged; 3 of 4 cases failed; no base to compare with"
        assert told in text.casefold()


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt != "json"])
def test_answers_that_break_the_output_contract_are_counted(fmt: str) -> None:
    text = unescape(render(extraction.unjudged(), fmt))

    assert (
        '3 of 4 answers break the output contract: output.schema: $.brand: null is not of type "string"'
    ) in text
    compared = unescape(render(extraction.extraction(), fmt))
    assert "2 of 4 answers break the output contract (base: 0): output." in compared


def test_the_command_takes_every_format_there_is() -> None:
    assert set(COMMAND_FORMATS) == set(FORMATS)


def test_the_json_counts_answers_that_break_the_output_contract_on_both_sides() -> None:
    document = json.loads(render(extraction.extraction(), "json"))

    assert document["stacks"][0]["suites"][0]["contract"] == {
        "answers": 4,
        "broken": 2,
        "base_answers": 4,
        "base_broken": 0,
    }


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_models_and_endpoints_of_both_sides_are_shown(fmt: str) -> None:
    text = render(extraction.extraction(), fmt)

    for told in ("listing-tagger-1", "listing-tagger-2", "openai http://127.0.0.1:8000/v1"):
        assert told in text


def test_a_suite_that_was_not_judged_is_named_beside_one_that_was() -> None:
    judged, unjudged = samples.passing(12), extraction.unjudged()
    report = replace(judged, stacks=judged.stacks + unjudged.stacks)

    assert render(report, "text").startswith(
        "✓ PASSED  every requirement holds; no requirement of attributes was judged\n"
    )


def test_every_format_has_a_renderer_that_ends_its_text_with_a_newline() -> None:
    assert FORMATS == ("text", "json", "junit", "markdown", "html")
    for fmt in FORMATS:
        assert render(samples.unmoved(), fmt).endswith("\n")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_report_keeps_its_width(width: int) -> None:
    lines = render_text(samples.failing(), width=width).splitlines()

    assert max(map(cell_len, lines)) <= width


def test_colours_say_nothing_that_words_do_not() -> None:
    plain = render_text(samples.failing(), width=100)
    coloured = render_text(samples.failing(), width=100, colour=True)

    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    for word in ("FAILED", "PASSED", "broken", "fixed", "waived"):
        assert word in plain


def test_the_terminal_report_shows_twenty_flips_and_where_the_others_are() -> None:
    text = render_text(samples.failing(200))

    assert "more: `tetrad report --format html` shows all" in text


def test_a_suite_too_small_for_its_margin_is_told_so_where_it_passes() -> None:
    report = samples.passing(12)

    assert "note: 12 cases cannot show a change under" in render(report, "text")
    assert "- Note: 12 cases cannot show a change under" in render(report, "markdown")
    assert "Note: 12 cases cannot show a change under" in render(report, "html")


def test_a_preview_says_that_it_is_no_evidence() -> None:
    report = samples.failing(12)
    preview = replace(report, stacks=tuple(replace(s, preview=True) for s in report.stacks))

    for fmt in ("text", "markdown", "html"):
        assert "never evidence" in render(preview, fmt)


@pytest.mark.parametrize("fmt", FORMATS)
def test_what_answered_for_the_base_is_named_where_it_is_another(fmt: str) -> None:
    report = samples.failing(12)
    moved = replace(
        report.stacks[0], base_engine="torch cpu bfloat16", base_build="torch 2.12.1 cpu"
    )

    rendered = unescape(render(replace(report, stacks=(moved,)), fmt))

    assert "server version 0.11.0; tetrad endpoint-engine 1" in rendered
    assert "torch cpu bfloat16" in rendered
    assert "torch 2.12.1 cpu" in rendered


def test_the_page_of_an_unusual_report_shows_repeats_tools_and_no_empty_plot() -> None:
    page = render(samples.unusual(), "html")

    assert '<ol class="repeats">' in page
    assert "Called lookup" in page
    assert 'class="scores"><circle' not in page
    assert "Seconds an answer took" not in page  # each took none
    assert "<summary>How it was answered</summary>" in page
    assert "preview: never evidence" in page


def test_what_many_requests_begin_with_stands_once_in_the_page() -> None:
    page = render(samples.failing(60), "html")

    assert page.count(">You sort customer messages into queues.</pre>") == 1
    assert 'href="#opening-1"' in page
    assert "1 message that 120 requests begin with" in page


def test_answers_and_steps_that_are_alike_on_both_sides_are_shown_once() -> None:
    report = samples.failing(60)
    alike = [
        case.candidate.samples[0].output == case.base.samples[0].output
        for stack in report.stacks
        for suite in stack.suites
        for case in suite.cases
        if case.base
    ]

    page = render(report, "html")

    assert page.count("<h4>Now as before ") == sum(alike)
    assert page.count("<h4>Before ") == len(alike) - sum(alike)


def test_a_comment_names_what_fails_as_before_after_what_is_new() -> None:
    comment = render(samples.failing(12), "markdown")

    triage = comment.partition("Answers to look at in `evals/triage`")[2].partition("###")[0]
    new, named = triage.split("<summary>1 case fails as on the base, with the same answer")
    assert "battery&#45;life" not in new
    assert "<summary>broken" in new
    assert "<details>" not in named


@pytest.mark.parametrize("fmt", ["text", "markdown", "html", "junit"])
def test_waivers_stand_before_the_results_and_the_changes_own_are_marked(fmt: str) -> None:
    rendered = render(samples.failing(60), fmt)

    head = rendered[: rendered.index("gift-wrap" if fmt != "junit" else "late-parcel")]
    own, other = head.index("refund-missing"), head.index("invoice-copy-2")
    assert own < other
    assert rendered.count("brought by this change") == 1
    assert abs(head.index("brought by this change") - own) < 100
    for said in (
        "2026-12-24",
        "@billing",
        "Copies go to the portal",
        "2027-01-31",
        "@support-lead",
    ):
        assert said in head


@pytest.mark.parametrize("fmt", ["text", "markdown", "html"])
def test_the_worst_stack_comes_first_and_what_nothing_reached_last(fmt: str) -> None:
    report = samples.failing(12)
    backwards = replace(report, stacks=report.stacks[::-1])

    rendered = render(backwards, fmt)

    assert rendered == render(report, fmt)
    places = [rendered.index(name) for name in ("triage", "handbook-qa", "order-desk")]
    assert places == sorted(places)


def test_the_cases_that_a_failed_requirement_names_come_first() -> None:
    report = samples.failing(12)
    stack, *others = report.stacks
    (suite,) = stack.suites
    refused = RequirementResult(
        requirement="must_pass", decision="FAILED", reason="1 failed", cases=("battery-life",)
    )
    strict = replace(suite, requirements=(refused,))
    changed = replace(report, stacks=(replace(stack, suites=(strict,)), *others))

    for fmt, start in (
        ("text", "before → after"), ("markdown", "Answers to look at"), ("html", 'class="filters"'),
    ):  # fmt: skip
        cases = unescape(render(changed, fmt)).partition(start)[2]
        assert cases.index("battery-life") < cases.index("double-charge")


def junit(report: Report) -> ET.Element:
    return ET.fromstring(render(report, "junit"))


def test_the_time_in_a_junit_file_has_no_zone() -> None:
    report = replace(samples.failing(12), created="2026-11-21T10:12:00+00:00")

    times = {suite.get("timestamp") for suite in junit(report)} - {None}

    assert times == {"2026-11-21T10:12:00"}


def test_junit_counts_what_breaks_the_policy_and_skips_what_does_not() -> None:
    root = junit(samples.failing(60))
    (suite,) = (each for each in root if each.get("name") == "triage evals/triage")

    kinds = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert kinds["double-charge"][0] == "failure"
    assert kinds["refund-missing"][0] == "skipped"  # waived
    assert kinds["praise-2"][0] == "skipped"  # already broken
    assert kinds["late-parcel"] == ["system-out"]
    assert kinds["gate"][0] == "failure"
    assert suite.get("failures") == str(len(suite.findall(".//failure")))
    assert root.get("tests") == "75"


def test_junit_of_a_passing_suite_has_no_failure() -> None:
    root = junit(samples.passing(60))

    assert (root.get("failures"), root.get("errors")) == ("0", "0")


def test_junit_calls_missing_results_and_an_inconclusive_gate_errors() -> None:
    suite = junit(samples.unanswered())[0]

    errors = {c.get("name") for c in suite.iter("testcase") if c.find("error") is not None}
    assert errors == {"battery-life", "invoice-copy", "left-at-neighbour", "gate"}


def test_a_comment_never_outgrows_what_github_takes() -> None:
    report = samples.failing(60)
    stack = report.stacks[0]
    suite = stack.suites[0]
    wordy = tuple(
        replace(
            case,
            candidate=replace(
                case.candidate,
                samples=tuple(replace(s, output="word " * 2000) for s in case.candidate.samples),
            ),
        )
        for case in suite.cases
    )
    large = replace(
        report,
        stacks=(replace(stack, suites=(replace(suite, cases=wordy),) * 8), *report.stacks[1:]),
    )

    comment = render(large, "markdown")

    assert len(comment) <= 60_000
    assert comment.count("<details>") == comment.count("</details>")
    assert "more parts are left out here" in comment
