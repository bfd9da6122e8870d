"""What each requirement asks, what it says, and what missing results do to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from policy.factory import (
    GOLDEN,
    HERE,
    TODAY,
    budget,
    case,
    cases,
    judge,
    max_flips,
    minimum,
    must_pass,
    no_worse,
    only,
    run,
    sample,
    scores,
    suite,
    waiver,
)

from tetrad.canonical import digest_bytes
from tetrad.errors import Location
from tetrad.identity.suite_digest import suite_digest
from tetrad.model import Assertion, AssertionSet, MustPass, Turn
from tetrad.policy import decide, overall, suite_report
from tetrad.results.exchange import Usage
from tetrad.results.gate_report import (
    CaseReport,
    Decision,
    RequirementResult,
    SuiteReport,
    WaiverUse,
)
from tetrad.results.outcome import CaseOutcome, Sample, SuiteRun


def test_a_mean_at_the_minimum_passes_whatever_binary_makes_of_it() -> None:
    assert judge(minimum(0.7), [0.7, 0.7, 0.7]).decision == "PASSED"
    assert judge(minimum(0.7), [0.6, 0.7, 0.8]).decision == "PASSED"
    assert judge(minimum(0.3), [0.1 + 0.2]).decision == "PASSED"
    assert judge(no_worse(0.1), [0.7, 0.9], [0.8, 1.0]).decision == "PASSED"


def test_a_mean_under_the_minimum_fails_and_says_by_how_much() -> None:
    decision = judge(minimum(0.7), [1.0] * 60 + [0.0] * 40)

    assert decision.decision == "FAILED"
    assert only(decision).reason == (
        "answer averages 0.60, below the required 0.70 (n = 100, 95 % interval 0.50 to 0.70)"
    )


def test_a_near_miss_is_printed_with_enough_decimals_to_see_it() -> None:
    found = only(judge(minimum(0.7), [0.6996, 0.6998]))

    assert found.decision == "FAILED"
    assert "averages 0.6997, below the required 0.70 " in found.reason


def test_where_no_more_decimals_are_needed_two_are_printed() -> None:
    assert only(judge(minimum(0.5), [1.0, 1.0, 0.0])).reason.startswith(
        "answer averages 0.67, at least the required 0.50 (n = 3,"
    )


def test_a_drop_over_the_margin_fails_and_says_what_so_many_cases_can_show() -> None:
    base = [1.0] * 48 + [0.0] * 12
    candidate = [1.0] * 39 + [0.0] * 21

    found = only(judge(no_worse(0.05), candidate, base))

    assert found.decision == "FAILED"
    assert found.value == pytest.approx(-0.15)
    assert found.n == 60
    assert found.reason == (
        "answer averages 0.65, 0.15 below the base's 0.80; the margin is 0.05 (n = 60,"
        " 95 % interval of the change −0.24 to −0.06; 60 cases show a change of 0.13 or more)"
    )


def test_no_difference_at_all_has_the_rule_of_threes_interval() -> None:
    found = only(judge(no_worse(0.05), [1.0] * 60, [1.0] * 60))

    assert found.decision == "PASSED"
    assert found.interval == (-0.05, 0.05)
    assert "as the base's 1.00" in found.reason


def test_cases_of_one_group_count_as_one_in_the_interval() -> None:
    alone = only(judge(no_worse(0.5), [1.0, 0.0] * 10, [1.0] * 20)).interval
    grouped_cases = [case(f"c{i}", group=f"g{i % 4}") for i in range(20)]
    grouped = only(judge(no_worse(0.5), [1.0, 0.0] * 10, [1.0] * 20, golden=grouped_cases)).interval

    assert alone is not None
    assert grouped is not None
    assert grouped[1] - grouped[0] > 1.5 * (alone[1] - alone[0])


def test_without_a_base_there_is_nothing_to_compare_with() -> None:
    decision = judge([no_worse(0.05), max_flips(0)], [0.0] * 5)

    assert [(r.requirement, r.decision) for r in decision.requirements] == [
        ("no_worse_than_base", "NOT_APPLICABLE"),
        ("max_flips", "NOT_APPLICABLE"),
    ]
    assert decision.decision == "PASSED"


def test_a_base_that_was_asked_for_and_is_not_there_is_inconclusive() -> None:
    gate = (no_worse(0.05), max_flips(0), budget("total_tokens", "total", increase=0.1))

    decision = judge(gate, [1.0] * 5, base_expected=True)

    assert {r.decision for r in decision.requirements} == {"INCONCLUSIVE"}


def test_why_the_base_cannot_be_compared_with_is_said() -> None:
    stranger = replace(scores([1.0]), suite="evals/another")

    assert only(judge(no_worse(0.5), [1.0], base_expected=True)).reason == (
        "answer cannot be compared: the base was asked for and could not be evaluated"
    )
    assert only(judge(no_worse(0.5), [1.0], stranger)).reason == (
        "answer cannot be compared: the base's results are those of another suite, evals/another"
    )
    assert only(judge(max_flips(0), [1.0])).reason == (
        "what passed before cannot be compared: there is no base"
    )


def test_an_engine_that_never_answered_is_no_pass_even_where_nothing_is_compared() -> None:
    assert judge(max_flips(0), [None, None]).decision == "INCONCLUSIVE"
    assert judge((), [None, None]).decision == "INCONCLUSIVE"
    assert judge((), []).decision == "INCONCLUSIVE"
    assert judge((), [0.0, 1.0]).decision == "PASSED"


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        ([1.0, 1.0, 1.0, None], "INCONCLUSIVE"),
        ([1.0, 0.0, 0.0, None], "FAILED"),  # 0.5 at best
        ([1.0, 1.0, 0.0, None], "INCONCLUSIVE"),  # 0.75 at best
        ([None, None, None, None], "INCONCLUSIVE"),
    ],
)
def test_a_missing_result_fails_only_what_its_best_score_cannot_mend(
    candidate: list[float | None], expected: Decision
) -> None:
    assert judge(minimum(0.7), candidate).decision == expected


def test_what_missing_results_leave_open_is_said() -> None:
    assert only(judge(minimum(0.7), [1.0, 1.0, None])).reason.endswith(
        "; 1 case has no result and could change that"
    )
    assert only(judge(minimum(0.7), [0.0, 0.0, None])).reason.endswith(
        "; the best that 1 missing case could score would not fix that"
    )
    nothing = only(judge(minimum(0.7), [None, None]))
    assert (nothing.reason, nothing.n) == ("no case has a result on answer", 0)


def test_a_case_that_the_run_lacks_is_a_missing_result() -> None:
    assert judge(minimum(0.7), scores([1.0, 1.0]), golden=cases(3)).decision == "INCONCLUSIVE"
    assert (
        judge(no_worse(0.1), scores([1.0] * 3), scores([1.0] * 2), golden=cases(3)).decision
        == "INCONCLUSIVE"
    )


def test_a_missing_repeat_is_a_missing_result() -> None:
    golden = [case("c0", repeats=3)]

    assert judge(minimum(0.5), run({"c0": [sample(1.0)] * 3}), golden=golden).decision == "PASSED"
    assert (
        judge(minimum(0.5), run({"c0": [sample(1.0)] * 2}), golden=golden).decision
        == "INCONCLUSIVE"
    )
    assert (
        judge(minimum(0.5), run({"c0": [sample(0.0), sample(0.0), sample(None)]}), golden=golden)
        .decision
        == "FAILED"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "before"),
    [([0.0, None], [1.0, 1.0]), ([0.0, 0.0], [1.0, None])],
    ids=["candidate", "base"],
)
def test_known_repeats_of_a_missing_result_bound_what_it_can_be(
    now: list[float | None], before: list[float | None]
) -> None:
    golden = [case("c0", repeats=2)]
    candidate = run({"c0": [sample(score) for score in now]})
    base = run({"c0": [sample(score) for score in before]})

    # The difference is -0.5 at best.
    assert judge(no_worse(0.4), candidate, base, golden=golden).decision == "FAILED"
    assert judge(no_worse(0.6), candidate, base, golden=golden).decision == "INCONCLUSIVE"


def test_a_metric_that_nobody_scored_is_never_a_pass() -> None:
    found = only(judge(minimum(0.0, metric="sources"), [1.0, 1.0]))

    assert found.decision == "INCONCLUSIVE"
    assert found.reason == (
        "no case is scored on sources: give an assertion this metric, or drop the requirement"
    )


def test_a_case_without_assertions_on_a_metric_leaves_its_n() -> None:
    golden = [case("c0"), case("c1", metrics=("sources",))]
    outcomes = run({"c0": sample(1.0), "c1": sample(0.0, metrics={"sources": 0.0})})

    assert only(judge(minimum(1.0), outcomes, golden=golden)).n == 1


def test_an_errored_case_without_the_metric_is_not_waited_for() -> None:
    golden = [case("c0"), case("c1", metrics=("sources",))]
    outcomes = run({"c0": sample(1.0), "c1": sample(None)})

    assert judge(minimum(1.0), outcomes, golden=golden).decision == "PASSED"
    assert judge(minimum(0.0, metric="sources"), outcomes, golden=golden).decision == "INCONCLUSIVE"


def test_an_assertion_within_a_set_that_names_a_metric_is_waited_for() -> None:
    inner = Assertion(type="equals", metric="sources", location=HERE)
    golden = [replace(case("c0"), assertions=(AssertionSet(assertions=(inner,), location=HERE),))]
    gate = minimum(0.0, metric="sources")

    assert "no case has a result on sources" in only(judge(gate, [None], golden=golden)).reason
    assert judge(minimum(0.0), [None], golden=golden).decision == "INCONCLUSIVE"


def test_results_of_another_golden_set_or_suite_decide_nothing() -> None:
    stranger = SuiteRun(
        suite="evals/triage",
        stack="stacks/triage",
        identity=digest_bytes(b"i"),
        golden=digest_bytes(b"another"),
        cases=scores([1.0]).cases,
    )

    decision = judge([minimum(0.5), must_pass(cases=("c0",))], stranger)

    assert decision.decision == "INCONCLUSIVE"
    assert only(judge(minimum(0.5), stranger)).reason.startswith(
        "the results are those of another golden set, sha256:"
    )
    assert judge(no_worse(0.5), scores([1.0]), stranger).decision == "INCONCLUSIVE"
    assert judge((), stranger).decision == "INCONCLUSIVE"
    other = replace(scores([1.0]), suite="evals/another")
    assert only(judge(minimum(0.5), other)).reason == (
        "the results are those of another suite, evals/another"
    )


def test_results_that_name_a_case_twice_decide_nothing() -> None:
    twice = scores([0.0])
    twice = replace(twice, cases=(*twice.cases, *scores([1.0]).cases))

    found = only(judge(minimum(0.5), twice, golden=cases(1)))

    assert (found.decision, found.reason) == ("INCONCLUSIVE", "the results name a case twice")


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.5, 1.5])
def test_a_score_that_is_none_is_a_missing_result(score: float) -> None:
    broken = run({"c0": sample(1.0), "c1": sample(0.0, metrics={"answer": score})})

    found = only(judge(minimum(0.1), broken))

    assert (found.decision, found.n) == ("INCONCLUSIVE", 1)


def test_by_bound_a_set_too_small_to_tell_is_inconclusive_and_says_how_many_would() -> None:
    base = [1.0, 0.0] * 50
    candidate = [0.0] * 10 + base[10:90] + [1.0] * 10

    found = only(judge(no_worse(0.02, by="bound"), candidate, base))

    assert found.decision == "INCONCLUSIVE"
    assert found.reason.endswith(
        "; the interval must clear that too, and 100 cases cannot tell: about 1,983 would"
    )
    assert judge(no_worse(0.02), candidate, base).decision == "PASSED"


def test_luck_on_a_few_cases_asks_for_no_fewer_of_them() -> None:
    base = [0.0, 1.0] * 15
    lucky = [1.0, 1.0] * 3 + base[6:]

    found = only(judge(no_worse(0.0, by="bound"), lucky, base))

    assert found.decision == "INCONCLUSIVE"
    assert found.reason.endswith(
        "; the interval must clear that too, and 30 cases cannot tell: no sample size would"
    )


def test_by_bound_passes_where_the_interval_clears_the_threshold() -> None:
    assert judge(minimum(0.7, by="bound"), [1.0] * 95 + [0.0] * 5).decision == "PASSED"
    assert judge(minimum(0.93, by="bound"), [1.0] * 95 + [0.0] * 5).decision == "INCONCLUSIVE"
    assert judge(minimum(0.96, by="bound"), [1.0] * 95 + [0.0] * 5).decision == "FAILED"


def test_by_bound_a_handful_of_perfect_cases_proves_nothing() -> None:
    found = only(judge(minimum(0.9, by="bound"), [1.0] * 5))

    assert found.decision == "INCONCLUSIVE"
    assert found.interval == (0.4, 1.0)


def test_must_pass_names_the_cases_that_failed() -> None:
    golden = [case("c0", tags=("safety",)), case("c1", tags=("safety",)), case("c2")]

    found = only(judge(must_pass("safety"), [1.0, 0.0, 0.0], golden=golden))

    assert found.decision == "FAILED"
    assert found.cases == ("c1",)
    assert found.reason == "1 of 2 cases tagged safety failed: c1"
    assert judge(must_pass("safety"), [1.0, 1.0, 0.0], golden=golden).decision == "PASSED"


def test_must_pass_asks_for_every_repeat() -> None:
    golden = [case("c0", repeats=3)]
    gate = must_pass(cases=("c0",))
    wavering = run({"c0": [sample(1.0), sample(0.0), sample(1.0)]})
    unfinished = run({"c0": [sample(1.0), sample(None), sample(1.0)]})
    lost = run({"c0": [sample(0.0), sample(None), sample(1.0)]})

    assert judge(gate, wavering, golden=golden).decision == "FAILED"
    assert judge(gate, unfinished, golden=golden).decision == "INCONCLUSIVE"
    assert judge(gate, lost, golden=golden).decision == "FAILED"


def test_must_pass_takes_tags_and_names_together_and_tells_what_is_waived() -> None:
    golden = [case("c0", tags=("safety",)), case("c1"), case("c2")]
    gate = MustPass(tags=("safety",), cases=("c1",), location=HERE)

    found = only(judge(gate, [0.0, 1.0, 0.0], golden=golden, waivers=[waiver("c0")]))

    assert found.decision == "PASSED"
    assert found.reason == "1 case tagged safety or named, and none failed (1 more waived)"
    both = [waiver("c0"), waiver("c1")]
    waived = only(judge(gate, [0.0, 0.0, 0.0], golden=golden, waivers=both))
    assert waived.reason == "every case tagged safety or named is waived"


def test_must_pass_holds_a_case_that_passes_whether_it_is_waived_or_not() -> None:
    found = only(judge(must_pass(cases=("c0",)), [1.0], waivers=[waiver("c0")]))

    assert found.decision == "PASSED"
    assert found.n == 1
    assert found.reason == "1 case named in must_pass, and none failed"


def test_must_pass_with_missing_results_names_them() -> None:
    found = only(judge(must_pass(cases=("c0", "c1")), [1.0, None]))

    assert found.decision == "INCONCLUSIVE"
    assert found.reason == "1 of 2 cases named in must_pass gave no result: c1"


def test_max_flips_over_no_cases_is_no_pass() -> None:
    assert judge(max_flips(0), [], []).decision == "INCONCLUSIVE"


def test_must_pass_on_cases_that_do_not_exist_is_no_pass() -> None:
    assert only(judge(must_pass("safety"), [1.0])).reason == (
        "the golden set has no case tagged safety: nothing shows that they pass"
    )
    assert judge(must_pass(cases=("gone",)), [1.0]).decision == "INCONCLUSIVE"


def test_max_flips_counts_what_passed_on_the_base_and_fails_now() -> None:
    base = [1.0, 1.0, 1.0, 0.0, 0.0]
    candidate = [0.0, 0.0, 1.0, 0.0, 1.0]

    decision = judge(max_flips(1), candidate, base)

    assert decision.decision == "FAILED"
    assert only(decision).reason == ("2 cases regressed (limit 1): c0, c1")
    assert dict(decision.flips) == {
        "c0": "broken",
        "c1": "broken",
        "c2": "none",
        "c3": "already_broken",
        "c4": "fixed",
    }
    assert judge(max_flips(2), candidate, base).decision == "PASSED"


def test_flips_may_hide_in_missing_results_of_either_side() -> None:
    assert judge(max_flips(0), [1.0, None], [1.0, 1.0]).decision == "INCONCLUSIVE"
    assert judge(max_flips(0), [1.0, 1.0], [1.0, None]).decision == "INCONCLUSIVE"
    assert judge(max_flips(0), [0.0, None], [1.0, 1.0]).decision == "FAILED"


@pytest.mark.parametrize(
    ("before", "now", "flip"),
    [
        ("+++", "++-", "none"),
        ("+++", "+--", "broken"),
        ("++-", "---", "broken"),
        ("++-", "+--", "none"),
        ("+++++++++-", "----------", "broken"),
        ("++++++++++", "+++++-----", "none"),
        ("++++++++++", "++++------", "broken"),
        ("+++++++++-", "+++++-----", "none"),
        ("++++++++--", "++++------", "none"),
        ("+++++-----", "----------", "broken"),
        ("++++------", "----------", "already_broken"),
        ("+--", "+++", "fixed"),
        ("---", "++-", "fixed"),
        ("----------", "+++++-----", "fixed"),
        ("+-", "++", "none"),
        ("++", "+-", "none"),
        ("---", "+++", "fixed"),
        ("---", "+--", "already_broken"),
        ("---", "---", "already_broken"),
        ("+++", "+++", "none"),
    ],
)
def test_broken_is_a_share_of_passes_that_fell_by_half_to_below_half(
    before: str, now: str, flip: str
) -> None:
    def samples(signs: str) -> list[Sample]:
        return [sample(1.0 if sign == "+" else 0.0) for sign in signs]

    decision = judge(
        max_flips(0),
        run({"c0": samples(now)}),
        run({"c0": samples(before)}),
        golden=[case("c0", repeats=len(now))],
    )

    assert decision.flips["c0"] == flip
    assert decision.decision == ("FAILED" if flip == "broken" else "PASSED")


@pytest.mark.parametrize(
    "now", [[1.0], [0.0], [1.0, 0.0], [None]], ids=["passed", "failed", "wavers", "missing"]
)
@pytest.mark.parametrize("before", [None, scores([None])], ids=["no base", "no result on it"])
def test_nothing_flips_against_a_base_without_a_result(
    before: SuiteRun | None, now: list[float | None]
) -> None:
    candidate = run({"c0": [sample(score) for score in now]})

    decision = judge(minimum(0.0), candidate, before, golden=[case("c0", repeats=len(now))])

    assert decision.flips["c0"] == "none"


def test_flips_that_are_allowed_are_named_all_the_same() -> None:
    found = only(judge(max_flips(1), [0.0, 1.0], [1.0, 1.0]))

    assert (found.decision, found.value, found.cases) == ("PASSED", 1.0, ("c0",))
    assert found.reason == "1 case regressed (limit 1): c0"
    steady = only(judge(max_flips(1), [1.0, 1.0], [1.0, 1.0]))
    assert steady.reason == "no cases regressed (limit 1)"


def test_of_many_cases_five_are_named() -> None:
    assert only(judge(max_flips(0), [0.0] * 7, [1.0] * 7)).reason == (
        "7 cases regressed (limit 0): c0, c1, c2, c3, c4 and 2 more"
    )


def test_a_waiver_takes_its_case_out_by_name_and_is_told() -> None:
    gate = (max_flips(0), must_pass(cases=("c0",)))

    decision = judge(gate, [0.0, 1.0], [1.0, 1.0], waivers=[waiver("c0")])

    assert decision.decision == "PASSED"
    assert decision.flips["c0"] == "broken"
    assert decision.waivers == (
        WaiverUse(
            case="c0", reason="The queue was renamed.", owner="@support-lead", until="2027-01-31"
        ),
    )
    assert dict(decision.waived) == {
        "c0": "The queue was renamed. (@support-lead, until 2027-01-31)"
    }


@pytest.mark.parametrize(
    "useless",
    [
        waiver("c0", until=date(2026, 11, 20)),
        waiver("c1"),
        waiver("c0", suite="evals/another"),
        replace(waiver("c0"), case=None, rule="SEC101", file="evals/triage/golden.yaml"),
        replace(waiver("c0"), accept=None),
    ],
    ids=["expired", "another case", "another suite", "a finding", "nothing broken"],
)
def test_a_waiver_that_is_expired_or_about_something_else_counts_for_nothing(
    useless: object,
) -> None:
    decision = judge(max_flips(0), [0.0, 1.0], [1.0, 1.0], waivers=[useless])  # type: ignore[list-item]

    assert decision.decision == "FAILED"
    assert decision.waivers == ()


def test_a_waiver_of_a_must_pass_case_is_told_where_it_failed_or_gave_no_result() -> None:
    gate = must_pass(cases=("c0",))

    for score, told in ((0.0, 1), (None, 1), (1.0, 0)):
        decision = judge(gate, [score], waivers=[waiver("c0")])
        assert decision.decision == "PASSED"
        assert len(decision.waivers) == told


def test_a_waiver_is_told_only_where_a_requirement_is_about_its_case() -> None:
    golden = [case("c0", tags=("safety",)), case("c1")]
    both = [waiver("c0"), waiver("c1")]

    decision = judge(must_pass("safety"), [0.0, 0.0], golden=golden, waivers=both)

    assert [used.case for used in decision.waivers] == ["c0"]


def test_a_waiver_counts_for_nothing_where_only_means_and_budgets_judge() -> None:
    gate = (minimum(0.0), no_worse(1.0), budget("total_tokens", "total", most=1))

    decision = judge(gate, [0.0], [1.0], waivers=[waiver("c0")])

    assert (decision.waivers, dict(decision.waived)) == ((), {})


def test_waivers_that_the_change_brings_are_told_first() -> None:
    old, new = waiver("c0"), waiver("c1")

    decision = judge(max_flips(0), [0.0, 0.0], [1.0, 1.0], waivers=[old, new], brought=[new])

    assert [(used.case, used.is_new) for used in decision.waivers] == [("c1", True), ("c0", False)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["old one first", "new one first"])
def test_of_two_waivers_on_one_case_the_one_that_the_change_brings_counts(
    order: tuple[int, int],
) -> None:
    both = waiver("c0"), waiver("c0", until=date(2027, 6, 30))

    decision = judge(
        max_flips(0), [0.0], [1.0], waivers=[both[i] for i in order], brought=[both[1]]
    )

    assert [(used.until, used.is_new) for used in decision.waivers] == [("2027-06-30", True)]


def test_a_waiver_counts_on_its_last_day() -> None:
    last_day = waiver("c0", until=date(2026, 11, 21))

    assert judge(max_flips(0), [0.0], [1.0], waivers=[last_day]).decision == "PASSED"


def test_a_waiver_leaves_the_means_alone() -> None:
    gate = (max_flips(0), no_worse(0.1))

    assert judge(gate, [0.0, 1.0], [1.0, 1.0], waivers=[waiver("c0")]).decision == "FAILED"


def spent(costs: Sequence[float | None]) -> SuiteRun:
    return run({f"c{i}": sample(1.0, cost_usd=cost) for i, cost in enumerate(costs)})


def test_a_budget_on_cost_is_judged_on_average_or_at_the_95th_percentile() -> None:
    costs = [0.001] * 19 + [0.021]
    mean = budget("cost_usd_per_case", "mean", most=0.002)

    assert judge(mean, spent(costs)).decision == "PASSED"
    assert judge(budget("cost_usd_per_case", "p95", most=0.001), spent(costs)).decision == "PASSED"
    assert judge(budget("cost_usd_per_case", "p95", most=0.0009), spent(costs)).decision == "FAILED"
    assert only(judge(mean, spent([0.003, 0.002]))).reason == (
        "the cost of a case on average is $0.0025, and the budget is $0.002"
    )
    assert only(judge(mean, spent([0.0000081]))).reason == (
        "the cost of a case on average is $0.0000081; the budget is $0.002 (n = 1)"
    )


def test_a_budget_on_what_is_not_known_is_inconclusive_and_says_why() -> None:
    found = only(judge(budget("latency_ms", "p95", most=100), [1.0, 1.0]))

    assert found.decision == "INCONCLUSIVE"
    assert found.reason == (
        "the latency of an answer at the 95th percentile is not known: the engine answers in"
        " batches and reports no latency of a case (2 responses)"
    )
    assert judge(budget("cost_usd_per_case", "mean", most=1), spent([None])).decision == (
        "INCONCLUSIVE"
    )


def test_a_budget_names_its_statistic_and_no_metric() -> None:
    found = only(judge(budget("total_tokens", "p95", most=100), [1.0]))

    assert (found.requirement, found.statistic, found.metric) == ("total_tokens", "p95", None)


def test_a_budget_on_tokens_that_nobody_counted_is_inconclusive_and_says_why() -> None:
    uncounted = Usage(input_tokens=None, output_tokens=None)
    outcomes = run(
        {
            "c0": sample(1.0, tokens=30, cost_usd=0.1),
            "c1": replace(sample(1.0), usage=uncounted),
        }
    )

    for gate in (
        budget("total_tokens", "total", most=1000),
        budget("cost_usd_per_case", "mean", most=1),
    ):
        found = only(judge(gate, outcomes))
        assert found.decision == "INCONCLUSIVE"
        assert "the endpoint does not say how many tokens it used (1 " in found.reason
    assert judge(budget("total_tokens", "total", most=20), outcomes).decision == "FAILED"


def test_the_cost_of_a_case_is_that_of_one_of_its_repeats_and_every_case_weighs_the_same() -> None:
    often = case("c0", repeats=3)
    once = case("c1")
    outcomes = run({"c0": [sample(1.0, cost_usd=0.3)] * 3, "c1": sample(1.0, cost_usd=0.1)})

    found = only(
        judge(budget("cost_usd_per_case", "mean", most=0.2001), outcomes, golden=[often, once])
    )

    assert found.value == pytest.approx(0.2)
    assert (found.n, found.decision) == (2, "PASSED")


def test_a_budget_that_is_spent_already_fails_whatever_is_missing() -> None:
    outcomes = run({"c0": sample(1.0, tokens=500), "c1": sample(None)})

    assert judge(budget("total_tokens", "total", most=400), outcomes).decision == "FAILED"
    assert judge(budget("total_tokens", "total", most=600), outcomes).decision == "INCONCLUSIVE"


def test_a_budget_failed_with_answers_missing_tells_what_the_known_ones_took() -> None:
    outcomes = run({"c0": sample(1.0, cost_usd=0.8), "c1": sample(None)})

    found = only(judge(budget("cost_usd_per_case", "mean", most=0.3), outcomes))

    assert found.reason == (
        "the cost of a case on average is $0.8, and the budget is $0.3;"
        " missing results cannot fix that"
    )


def test_a_budget_is_not_overspent_by_rounding() -> None:
    third = run({f"c{i}": sample(1.0, cost_usd=0.1) for i in range(3)})

    assert judge(budget("cost_usd_per_case", "total", most=0.3), third).decision == "PASSED"
    assert judge(budget("cost_usd_per_case", "total", most=0.2999), third).decision == "FAILED"


def test_a_relative_budget_compares_with_the_base() -> None:
    gate = budget("latency_ms", "p50", increase=0.1)

    def timed(*seconds: float) -> SuiteRun:
        return run({f"c{i}": sample(1.0, latency_s=s) for i, s in enumerate(seconds)})

    found = only(judge(gate, timed(1.2, 1.3), timed(1.0, 1.1)))

    assert found.decision == "FAILED"
    assert found.threshold == pytest.approx(1100)
    assert found.reason == (
        "the latency of an answer at the median is 1,200 ms, and the base's is 1,000 ms"
        " and 10% more is allowed, which is 1,100 ms"
    )
    assert judge(gate, timed(1.1, 1.3), timed(1.0, 1.1)).decision == "PASSED"
    assert only(judge(gate, timed(1.1))).decision == "NOT_APPLICABLE"


def test_a_base_that_is_not_whole_bounds_nothing() -> None:
    gate = budget("total_tokens", "total", increase=0.1)
    now = run({"c0": sample(1.0, tokens=90), "c1": sample(1.0, tokens=90)})
    before = run({"c0": sample(1.0, tokens=90), "c1": sample(None)})

    assert only(judge(gate, now, before)).reason == (
        "the number of tokens of all answers on the base is not known: 1 response missing"
    )


def test_an_absolute_budget_asks_for_no_base_and_looks_at_none() -> None:
    gate = budget("latency_ms", "total", most=2500)
    now = run({"c0": sample(1.0, latency_s=2.0)})
    before = run({"c0": sample(1.0, latency_s=0.1)})

    found = only(judge(gate, now, before))

    assert found.reason == (
        "the latency of all answers is 2,000 ms; the budget is 2,500 ms (n = 1)"
    )


def test_tokens_are_those_read_and_those_written() -> None:
    outcomes = run({"c0": sample(1.0, tokens=300, written=200)})

    assert only(judge(budget("total_tokens", "total", most=499), outcomes)).reason == (
        "the number of tokens of all answers is 500, and the budget is 499"
    )


def test_a_failed_requirement_outranks_an_inconclusive_one() -> None:
    gate = (minimum(0.9), minimum(0.5, metric="sources"), max_flips(5))

    assert judge(gate, [0.0], [0.0]).decision == "FAILED"
    assert judge(gate[1:], [0.0], [0.0]).decision == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("decisions", "together"),
    [
        ([], "PASSED"),
        (["NOT_APPLICABLE"], "PASSED"),
        (["PASSED", "INCONCLUSIVE"], "INCONCLUSIVE"),
        (["PASSED", "INCONCLUSIVE", "FAILED"], "FAILED"),
    ],
)
def test_the_worst_suite_decides(decisions: list[Decision], together: Decision) -> None:
    assert overall(decisions) == together


def test_results_of_another_suite_leave_of_each_requirement_what_it_asks() -> None:
    gate = (
        minimum(0.5),
        no_worse(0.25),
        must_pass(cases=("c0",)),
        max_flips(2),
        budget("latency_ms", "p95", most=100),
    )
    other = replace(scores([1.0]), suite="evals/another")
    reason = "the results are those of another suite, evals/another"

    decision = judge(gate, other, scores([1.0]))

    assert decision.requirements == tuple(
        RequirementResult(
            requirement=name,
            metric=metric,
            statistic=statistic,
            decision="INCONCLUSIVE",
            threshold=threshold,
            reason=reason,
        )
        for name, metric, statistic, threshold in (
            ("min", "answer", None, 0.5),
            ("no_worse_than_base", "answer", None, -0.25),
            ("must_pass", None, None, 0.0),
            ("max_flips", None, None, 2.0),
            ("latency_ms", None, "p95", 100),
        )
    )
    assert dict(decision.flips) == {"c0": "none"}


def test_why_the_base_was_lost_is_said_where_it_is_known() -> None:
    decision = decide(
        suite(cases(1), no_worse(0.5)),
        scores([1.0]),
        None,
        base_expected=True,
        why_lost="its prompt does not load",
        waivers=(),
        today=TODAY,
    )

    assert only(decision).reason == "answer cannot be compared: its prompt does not load"


def test_nothing_is_compared_with_results_of_another_golden_set() -> None:
    stranger = replace(scores([1.0]), golden=digest_bytes(b"another"))

    decision = judge((no_worse(0.5), max_flips(0)), [0.0], stranger, base_expected=False)

    assert [r.decision for r in decision.requirements] == ["INCONCLUSIVE"] * 2
    assert dict(decision.flips) == {"c0": "none"}


def test_only_waivers_that_took_a_case_out_are_told_in_their_order() -> None:
    golden = [case("c0"), case("c1"), case("c2"), case("c3", tags=("safety",))]
    lines = [waiver("c3"), waiver("c1"), waiver("c2"), waiver("c0")]

    decision = judge(
        (must_pass("safety"), max_flips(0)),
        [0.0, 0.0, 1.0, 0.0],
        [1.0, 1.0, 1.0, 0.0],
        golden=golden,
        waivers=lines,
    )

    assert [used.case for used in decision.waivers] == ["c3", "c1", "c0"]
    assert sorted(decision.waived) == ["c0", "c1", "c3"]
    assert decision.decision == "PASSED"


def test_a_suite_report_lists_every_case_of_the_golden_set() -> None:
    candidate, base = scores([0.0]), scores([1.0, 1.0])
    asked = suite(
        [
            case("c0"),
            replace(
                case("c1", tags=("slow",), group="g"),
                location=Location("golden.yaml", 7, 3),
                turns=(Turn(role="user", content="Hello"),),
            ),
        ],
        max_flips(0),
        minimum(0.0),
    )
    decided = judge(asked.gate, candidate, base, golden=asked.golden.cases, waivers=[waiver("c0")])

    report = suite_report(asked, candidate, base, decided)

    assert report == SuiteReport(
        suite="evals/triage",
        digest=suite_digest(asked),
        file="evals/triage/golden.yaml",
        golden=GOLDEN,
        decision="INCONCLUSIVE",
        waived=decided.waivers,
        requirements=decided.requirements,
        cases=(
            CaseReport(
                id="c0",
                flip="broken",
                waived="The queue was renamed. (@support-lead, until 2027-01-31)",
                vars={"message": "c0"},
                candidate=candidate.cases[0],
                base=base.cases[0],
            ),
            CaseReport(
                id="c1",
                flip="none",
                vars={"message": "c1"},
                turns=(Turn(role="user", content="Hello"),),
                candidate=CaseOutcome(id="c1", tags=("slow",), group="g", line=7, samples=()),
                base=base.cases[1],
            ),
        ),
    )
    assert len(report.waived) == 1


def test_a_suite_report_without_a_base_has_no_base() -> None:
    (told,) = suite_report(suite(cases(1)), scores([1.0]), None, judge((), [1.0])).cases

    assert (told.base, told.candidate.passed) == (None, True)
