"""What a report offers to accept: what fails by the base's yardstick alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from policy.factory import (
    BAD,
    GOOD,
    budget,
    case,
    judge,
    max_flips,
    minimum,
    must_pass,
    no_worse,
    outcome,
    run,
    sample,
    scores,
    suite,
)

from tetrad.model import Case, MustPass, Requirement
from tetrad.policy import Beside, Narrowed, base_verdict, unjudged
from tetrad.results.gate_report import AcceptanceOffer, BaseDecision
from tetrad.results.outcome import AssertionResult, Sample


class ByBase(NamedTuple):
    """Answers as the base's yardstick sees them, and as the candidate's own does."""

    gate: Sequence[Requirement]
    seen: Mapping[str, Sample]
    own: Mapping[str, Sample]
    base: Sequence[float | None] | None = None
    golden: Sequence[Case] | None = None
    regraded: Sequence[str] = ()
    owner: str = "@desk"
    binding: bool = True
    is_refused: bool = False

    def verdict(self) -> BaseDecision:
        golden = [case(name) for name in self.seen] if self.golden is None else self.golden
        candidate = run(self.seen)
        before = None if self.base is None else scores(self.base)
        return base_verdict(
            Narrowed(suite=replace(suite(golden, *self.gate), owner=self.owner), used=()),
            judge(self.gate, candidate, before, golden=golden),
            candidate,
            before,
            Beside(
                heads=("evals/triage",),
                own={name: outcome(given, name=name) for name, given in self.own.items()},
                regraded=self.regraded,
                binding=self.binding,
                is_refused=self.is_refused,
            ),
        )


def offer(what: str, *, owner: str = "@desk") -> AcceptanceOffer:
    kind, name = what.split(": ")
    return AcceptanceOffer(suite="evals/triage", kind=kind, name=name, owner=owner)  # type: ignore[arg-type]


def graded(score: float, *failed: str, held: Sequence[str] = ("tone",)) -> Sample:
    """An answer whose assertions on some metrics failed, and on others passed in full."""
    results = [(metric, False, 0.0) for metric in failed] + [(metric, True, 1.0) for metric in held]
    return replace(
        sample(score),
        assertions=tuple(
            AssertionResult(type="llm-rubric", metric=metric, passed=passed, score=given)
            for metric, passed, given in results
        ),
    )


def named(*names: str) -> MustPass:
    return must_pass(cases=names)


def tagged(*tags: Sequence[str]) -> list[Case]:
    return [case(f"c{i}", tags=tuple(given)) for i, given in enumerate(tags)]


@pytest.mark.parametrize(
    ("seen", "offers"),
    [
        (ByBase([named("c0")], {"c0": GOOD}, {"c0": GOOD}), []),
        (ByBase([named("c0", "c1")], {"c0": BAD, "c1": GOOD}, {"c0": GOOD}), ["case: c0"]),
        (ByBase([named("c0")], {"c0": sample(None)}, {}), ["requirement: must_pass"]),
        (ByBase([named("c0"), named("c0")], {"c0": BAD}, {}), ["case: c0"]),
        (
            ByBase([budget("total_tokens", "total", most=0)], {"c0": sample(1.0, tokens=1)}, {}),
            ["requirement: total_tokens"],
        ),
        # a mean: the cases that score less than by the candidate's own yardstick
        (
            ByBase(
                [minimum(0.9)],
                {"c0": BAD, "c1": sample(0.5), "c2": sample(0.5), "c3": GOOD, "c4": sample(0.5)},
                {"c0": GOOD, "c1": sample(0.5), "c2": sample(0.5 + 1e-6), "c3": GOOD},
            ),
            ["case: c0", "case: c2", "case: c4"],
        ),
        (
            ByBase([no_worse(0.1)], {"c0": BAD, "c1": GOOD}, {"c0": GOOD}, base=[1.0, 1.0]),
            ["case: c0"],
        ),
        (
            ByBase(
                [minimum(0.9)],
                {"c0": BAD, "c1": sample(1.0, metrics={"sources": 0.0}), "c2": GOOD},
                {"c0": sample(1.0, metrics={"sources": 1.0}), "c1": GOOD, "c2": GOOD},
                golden=[case("c0"), case("c1", metrics=("sources",)), case("c2")],
            ),
            ["case: c0"],
        ),
        (ByBase([minimum(0.9)], {"c0": BAD}, {"c0": BAD}), ["requirement: min"]),
        (
            ByBase(
                [minimum(0.9)], {"c0": sample(0.5)}, {"c0": sample(0.5 + 1e-12, passed=True)}
            ),
            ["requirement: min"],
        ),
        # flips: the cases that break by the base's yardstick alone, if the others are few enough
        (
            ByBase(
                [max_flips(1)],
                {"c0": BAD, "c1": BAD, "c2": BAD},
                {"c0": GOOD, "c1": BAD},
                base=[1.0] * 3,
            ),
            ["case: c0", "case: c2"],
        ),
        (
            ByBase(
                [max_flips(0)],
                {"c0": BAD, "c1": BAD},
                {"c0": GOOD, "c1": BAD},
                base=[1.0] * 2,
            ),
            ["requirement: max_flips"],
        ),
        (
            ByBase(
                [max_flips(0)], {f"c{i}": BAD for i in range(11)}, {}, base=[1.0] * 11
            ),
            ["requirement: max_flips"],
        ),
        # tags that all of the cases carry
        (
            ByBase(
                [named("c0", "c1")],
                {"c0": BAD, "c1": BAD},
                {},
                golden=tagged(["b"], ["b"]),
            ),
            ["tag: b"],
        ),
        (
            ByBase(
                [named("c0", "c1", "c2", "c3")],
                {"c0": BAD, "c1": BAD, "c2": BAD, "c3": BAD, "c4": GOOD},
                {},
                golden=tagged(["b", "a"], ["b", "a"], ["d", "e"], ["d"], ["d"]),
            ),
            ["tag: b", "case: c2", "case: c3"],
        ),
        # what is graded anew, by metric
        (
            ByBase(
                [named("c0", "c1")],
                {"c0": graded(0.0, "style", "answer"), "c1": BAD},
                {},
                regraded=["c0"],
            ),
            ["metric: answer", "metric: style", "case: c1"],
        ),
        (
            ByBase([named("c0")], {"c0": graded(0.0, "answer")}, {}, regraded=["c1"]),
            ["case: c0"],
        ),
        (ByBase([named("c0")], {"c0": graded(0.0)}, {}, regraded=["c0"]), ["case: c0"]),
        (
            ByBase(
                [named("c0")],
                {
                    "c0": replace(
                        sample(0.0),
                        assertions=(
                            AssertionResult(type="r", metric="tone", passed=True, score=0.75),
                            AssertionResult(type="r", metric="style", passed=False, score=1.0),
                        ),
                    )
                },
                {},
                regraded=["c0"],
            ),
            ["metric: style", "metric: tone"],
        ),
        # ten cases at most
        (
            ByBase(
                [named(*(f"c{i}" for i in range(10)))], {f"c{i}": BAD for i in range(10)}, {}
            ),
            [f"case: c{i}" for i in range(10)],
        ),
        (
            ByBase(
                [named(*(f"c{i}" for i in range(11)))], {f"c{i}": BAD for i in range(11)}, {}
            ),
            ["requirement: must_pass"],
        ),
        # the order of the requirements
        (
            ByBase(
                [minimum(0.9), named("c0", "c1"), max_flips(0)],
                {"c0": BAD, "c1": BAD},
                {"c0": BAD, "c1": GOOD},
                base=[1.0, 1.0],
            ),
            ["case: c1", "case: c0", "requirement: max_flips"],
        ),
    ],
)  # fmt: skip
def test_what_is_offered_accepts_what_fails_by_the_base_alone(
    seen: ByBase, offers: list[str]
) -> None:
    assert list(seen.verdict().offers) == [offer(what) for what in offers]


@pytest.mark.parametrize(("binding", "is_refused"), [(False, False), (True, True), (False, True)])
def test_nothing_is_offered_where_nothing_would_be_won(binding: bool, is_refused: bool) -> None:
    seen = ByBase([named("c0")], {"c0": BAD}, {"c0": GOOD})
    verdict = seen._replace(binding=binding, is_refused=is_refused).verdict()

    assert (verdict.decision, verdict.binding, verdict.offers) == ("FAILED", binding, ())


def test_without_a_run_of_the_base_its_yardstick_still_judges() -> None:
    verdict = ByBase([minimum(0.5)], {"c0": BAD}, {"c0": GOOD}).verdict()

    (seen,) = verdict.cases
    assert (verdict.decision, seen.id, seen.flip, seen.base) == ("FAILED", "c0", "none", None)


def test_a_yardstick_that_cannot_judge_is_accepted_requirement_by_requirement() -> None:
    by = Narrowed(
        suite=suite([case("c0")], max_flips(0), minimum(0.5), minimum(0.9), no_worse(0.1)), used=()
    )

    assert unjudged(by, "its judge is gone", heads=(), binding=False) == BaseDecision(
        suite="evals/triage",
        heads=(),
        decision="INCONCLUSIVE",
        binding=False,
        offers=(
            offer("requirement: max_flips", owner=""),
            offer("requirement: min", owner=""),
            offer("requirement: no_worse_than_base", owner=""),
        ),
        note="its judge is gone",
    )
