"""Less evidence never turns a no into a yes, and no missing result can undo a FAILED."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from policy.factory import (
    budget,
    case,
    judge,
    max_flips,
    minimum,
    must_pass,
    no_worse,
    run,
    sample,
)

from tetrad.model import Case, Requirement
from tetrad.results.outcome import Sample, SuiteRun

REFUSED = {"FAILED", "INCONCLUSIVE"}

REQUIREMENTS = st.sampled_from(
    (
        minimum(0.5),
        minimum(0.75, by="bound"),
        minimum(0.1, metric="sources"),
        no_worse(0.0),
        no_worse(0.3),
        no_worse(0.4, by="bound"),
        must_pass("safety"),
        must_pass(cases=("c0", "c2")),
        max_flips(0),
        max_flips(2),
        budget("total_tokens", "total", most=25),
        budget("total_tokens", "p95", most=3),
        budget("latency_ms", "mean", most=2500),
        budget("cost_usd_per_case", "mean", increase=0.1),
    )
)
ANSWERS = st.builds(
    sample,
    st.sampled_from((0.0, 0.25, 0.5, 1.0)),
    cost_usd=st.sampled_from((None, 1.0, 2.0, 3.0)),
    latency_s=st.sampled_from((None, 1.0, 2.0, 4.0)),
    tokens=st.integers(0, 5),
)


@st.composite
def evidence(draw: st.DrawFn) -> tuple[tuple[Case, ...], SuiteRun, SuiteRun]:
    golden = tuple(
        case(
            f"c{i}",
            tags=draw(st.sampled_from(((), ("safety",)))),
            group=draw(st.sampled_from((None, "a", "b"))),
            repeats=draw(st.integers(1, 2)),
            metrics=draw(st.sampled_from((("answer",), ("answer", "sources")))),
        )
        for i in range(draw(st.integers(1, 8)))
    )

    def answer(case: Case) -> Sample:
        given = draw(ANSWERS)
        extra = {"sources": draw(st.sampled_from((0.0, 1.0)))} if len(case.assertions) > 1 else {}
        return replace(given, metrics={**given.metrics, **extra})

    def answers() -> SuiteRun:
        return run({c.id: [answer(c) for _ in range(c.repeats)] for c in golden})

    return golden, answers(), answers()


def lose(run: SuiteRun, lost: frozenset[int]) -> SuiteRun:
    """The same run without some of its outcomes, or with an engine that failed in them."""
    kept = []
    for i, outcome in enumerate(run.cases):
        if i in lost and i % 3 == 0:
            continue
        failed = replace(outcome, samples=(*outcome.samples[1:], sample(None)))
        kept.append(failed if i in lost else outcome)
    return replace(run, cases=tuple(kept))


LOSSES = st.frozensets(st.integers(0, 7))


@given(evidence(), st.lists(REQUIREMENTS, min_size=1, max_size=3), LOSSES, LOSSES)
def test_losing_results_never_turns_a_no_into_a_yes(
    given_evidence: tuple[tuple[Case, ...], SuiteRun, SuiteRun],
    gate: list[Requirement],
    lost: frozenset[int],
    lost_on_base: frozenset[int],
) -> None:
    golden, candidate, base = given_evidence
    whole = judge(gate, candidate, base, golden=golden)

    less = judge(gate, lose(candidate, lost), lose(base, lost_on_base), golden=golden)

    if whole.decision in REFUSED:
        assert less.decision in REFUSED
    for before, after in zip(whole.requirements, less.requirements, strict=True):
        if before.decision in REFUSED:
            assert after.decision in REFUSED


@given(evidence(), st.lists(REQUIREMENTS, min_size=1, max_size=3), LOSSES, LOSSES)
def test_what_failed_with_results_missing_fails_whatever_they_turn_out_to_be(
    given_evidence: tuple[tuple[Case, ...], SuiteRun, SuiteRun],
    gate: list[Requirement],
    lost: frozenset[int],
    lost_on_base: frozenset[int],
) -> None:
    golden, candidate, base = given_evidence
    less = judge(gate, lose(candidate, lost), lose(base, lost_on_base), golden=golden)

    whole = judge(gate, candidate, base, golden=golden)

    for before, after in zip(less.requirements, whole.requirements, strict=True):
        if before.decision == "FAILED":
            assert after.decision == "FAILED"


@given(evidence(), st.lists(REQUIREMENTS, min_size=1, max_size=3))
def test_losing_the_whole_base_never_turns_a_no_into_a_yes(
    given_evidence: tuple[tuple[Case, ...], SuiteRun, SuiteRun], gate: list[Requirement]
) -> None:
    golden, candidate, base = given_evidence
    whole = judge(gate, candidate, base, golden=golden)

    less = judge(gate, candidate, None, golden=golden, base_expected=True)

    if whole.decision in REFUSED:
        assert less.decision in REFUSED
