"""All that a requirement says of a run, field by field: in golden/, a file for each requirement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from goldens import check_golden
from policy.factory import (
    HERE,
    budget,
    case,
    cases,
    judge,
    max_flips,
    minimum,
    must_pass,
    no_worse,
    run,
    sample,
    scores,
    waiver,
)

from tetrad.model import Assertion, Case, MustPass, NoWorseThanBase, Requirement, Waiver
from tetrad.results.exchange import Usage
from tetrad.results.gate_report import RequirementResult
from tetrad.results.outcome import Sample, SuiteRun

GOLDEN = Path(__file__).parent / "golden"

Scores = SuiteRun | Sequence[float | None]


class Example(NamedTuple):
    gate: Requirement
    candidate: Scores
    base: Scores | None = None
    golden: Sequence[Case] | None = None
    waivers: Sequence[Waiver] = ()
    base_expected: bool | None = None


def grouped(count: int, groups: int) -> tuple[Case, ...]:
    return tuple(case(f"c{i}", group=f"g{i % groups}") for i in range(count))


UNNAMED = replace(case("c0"), assertions=(Assertion(type="equals", value="x", location=HERE),))
MINIMUM = {
    "passes": Example(minimum(0.5), [1.0, 1.0, 1.0, 0.0]),
    "fails": Example(minimum(0.5), [1.0, 0.0, 0.0, 0.0]),
    "one case is too few for the bound": Example(minimum(0.5, by="bound"), [1.0]),
    "a thousand are too few for the bound": Example(minimum(0.999, by="bound"), [1.0] * 1000),
    "the bound holds": Example(minimum(0.9, by="bound"), [1.0] * 100),
    "groups": Example(minimum(0.5), [1.0, 0.5, 1.0, 0.0], golden=grouped(4, 2)),
    "many groups": Example(minimum(0.5), [1.0] * 2400, golden=grouped(2400, 1200)),
    "a case is missing": Example(minimum(0.5), [1.0, None]),
    "two are missing": Example(minimum(0.5), [1.0, 1.0, None, None]),
    "missing ones cannot fix it": Example(minimum(0.75), [0.0, 1.0, 0.0, None, None]),
    "all are missing": Example(minimum(0.5), [None, None]),
    "no case has the metric": Example(minimum(1.0, metric="sources"), [1.0]),
    "a metric that no assertion names is scored by one run": Example(
        minimum(0.5, metric="sources"), run({"c0": sample(1.0, metrics={"sources": 0.75})})
    ),
    "an assertion without a metric counts on the first": Example(
        minimum(0.5), [None], golden=[UNNAMED]
    ),
    "and on no other": Example(minimum(0.5, metric="sources"), [None], golden=[UNNAMED]),
    "a third, as required": Example(minimum(1 / 3), [1.0, 0.0, 0.0]),
    "a near miss": Example(minimum(0.7), [0.69999]),
    "the same to six decimals": Example(minimum(0.7), [0.6999999]),
}

NO_WORSE = {
    "the same": Example(no_worse(0.05), [1.0], [1.0]),
    "the same in so many cases that the interval is none": Example(
        no_worse(0.05), [1.0] * 3000, [1.0] * 3000
    ),
    "worse within the margin": Example(no_worse(0.5), [0.5, 1.0, 1.0, 1.0], [1.0] * 4),
    "worse": Example(no_worse(0.05), [0.5, 1.0, 1.0, 1.0], [1.0] * 4),
    "better": Example(no_worse(0.5), [1.0] * 4, [0.5, 1.0, 1.0, 1.0]),
    "a near miss": Example(no_worse(0.1), [0.8996] * 3, [1.0] * 3),
    "missing on either side": Example(
        no_worse(0.5), [1.0, None, 0.5, 0.5], [1.0, 1.0, None, 0.0]
    ),
    "missing ones cannot fix it": Example(no_worse(0.1), [0.0, 0.0, None], [1.0, 1.0, 1.0]),
    "all are missing": Example(no_worse(0.5), [None], [None]),
    "no case has the metric": Example(
        NoWorseThanBase(metric="sources", margin=1.0, by="value", location=HERE), [1.0], [1.0]
    ),
    "no base": Example(no_worse(0.5), [1.0]),
    "the base is lost": Example(no_worse(0.5), [1.0], base_expected=True),
    "too few for the bound": Example(
        no_worse(0.1, by="bound"), [0.5, 1.0] * 10, [1.0, 0.5] * 10
    ),
    "the bound holds": Example(no_worse(0.1, by="bound"), [1.0] * 60, [1.0] * 60),
    "a case that the base cannot be asked": Example(
        no_worse(0.6), [0.5, 0.0], replace(scores([1.0, None]), unfit=frozenset({"c1"}))
    ),
    "no case that the base can be asked": Example(
        no_worse(0.5), [1.0], replace(scores([1.0]), unfit=frozenset({"c0"}))
    ),
}  # fmt: skip

SAFE = case("c0", tags=("safety",))
MONEY = case("c1", tags=("slow", "money"))
MUST_PASS = {
    "two tags": Example(
        must_pass("safety", "money"), [1.0, 1.0, 0.0], golden=[SAFE, MONEY, case("c2")]
    ),
    "a tag or a name": Example(
        MustPass(tags=("safety",), cases=("c1",), location=HERE), [1.0, 0.0], golden=[SAFE, MONEY]
    ),
    "six of seven failed": Example(
        must_pass(cases=tuple(f"c{i}" for i in range(7))), [0.0] * 6 + [1.0]
    ),
    "five failed": Example(must_pass(cases=tuple(f"c{i}" for i in range(5))), [0.0] * 5),
    "more than a thousand failed": Example(
        must_pass(cases=tuple(f"c{i}" for i in range(1200))), [0.0] * 1200
    ),
    "one failed and one is not there": Example(must_pass(cases=("c0", "gone")), [0.0]),
    "two are not there": Example(must_pass(cases=("c0", "gone", "away")), [1.0]),
    "nobody carries the tag": Example(must_pass("safety"), [1.0]),
    "one failed and one is missing": Example(must_pass(cases=("c0", "c1")), [None, 0.0]),
    "two are missing": Example(must_pass(cases=("c0", "c1", "c2")), [1.0, None, None]),
    "a repeat failed and another is missing": Example(
        must_pass(cases=("c0",)),
        run({"c0": [sample(0.0), sample(None)]}),
        golden=[case("c0", repeats=2)],
    ),
    "two are waived": Example(
        must_pass(cases=("c0", "c1", "c2")),
        [1.0, 0.0, 0.0],
        waivers=[waiver(f"c{i}") for i in range(3)],
    ),
    "all are waived": Example(must_pass(cases=("c0",)), [0.0], waivers=[waiver("c0")]),
}

MAX_FLIPS = {
    "none": Example(max_flips(1), [1.0] * 3, [1.0] * 3),
    "as many as may": Example(max_flips(2), [0.0, 0.0, 1.0], [1.0] * 3),
    "one too many": Example(max_flips(0), [0.0, 1.0], [1.0] * 2),
    "two too many": Example(max_flips(1200), [0.0] * 1202, [1.0] * 1202),
    "two are missing": Example(max_flips(0), [None, 1.0, 1.0], [1.0, 1.0, None]),
    "one is missing": Example(max_flips(1), [None, 0.0, 1.0], [1.0] * 3),
    "missing and waived": Example(
        max_flips(0), [None, 1.0], [1.0] * 2, waivers=[waiver("c0")]
    ),
    "one is waived": Example(max_flips(0), [0.0, 1.0], [1.0] * 2, waivers=[waiver("c0")]),
    "no cases": Example(max_flips(3), [], []),
    "no base": Example(max_flips(3), [1.0]),
    "the base is lost": Example(max_flips(3), [1.0], base_expected=True),
    "a case that the base cannot be asked": Example(
        max_flips(0), [1.0, 1.0], replace(scores([1.0, None]), unfit=frozenset({"c1"}))
    ),
}  # fmt: skip


def spent(key: str, *amounts: float) -> SuiteRun:
    """A run whose answers took so much of something, a case each."""
    taken = [{key: amount} for amount in amounts]
    return run({f"c{i}": sample(1.0, **of) for i, of in enumerate(taken)})  # type: ignore[arg-type]


def uncounted() -> Sample:
    return replace(sample(1.0), usage=Usage(input_tokens=None, output_tokens=None))


def budgets() -> Iterator[tuple[str, Example]]:
    measures = (
        ("cost_usd_per_case", "cost_usd", 0.001, 0.001),
        ("latency_ms", "latency_s", 0.1, 100),
        ("total_tokens", "tokens", 1000, 1000),
    )
    for name, key, unit, shown in measures:
        now = spent(key, unit, 2 * unit, 3 * unit, 10 * unit)
        before = spent(key, unit, 2 * unit, 3 * unit, 9 * unit)
        gap = run({"c0": sample(1.0, **{key: unit}), "c1": sample(None), "c2": sample(None)})  # type: ignore[arg-type]
        unmeasured = run({"c0": [uncounted()] * 2, "c1": sample(None)})
        for statistic in ("mean", "p50", "p95", "total"):
            yield f"{name} {statistic}", Example(budget(name, statistic, most=3.5 * shown), now)
        yield (
            f"{name}: more than the base",
            Example(budget(name, "mean", increase=0.1), now, before),
        )
        yield (
            f"{name}: too much, and more than the base",
            Example(budget(name, "mean", most=shown, increase=0.0), now, before),
        )
        yield (
            f"{name}: too much, and no base",
            Example(budget(name, "mean", most=shown, increase=0.0), now),
        )
        yield (
            f"{name}: not too much, and no base",
            Example(budget(name, "mean", most=9 * shown, increase=0.0), now),
        )
        yield (
            f"{name}: neither too much nor more than the base",
            Example(budget(name, "mean", most=4 * shown, increase=1.0), now, before),
        )
        yield f"{name}: missing", Example(budget(name, "total", most=9 * shown), gap)
        yield (
            f"{name}: missing on the base",
            Example(budget(name, "total", increase=0.1), spent(key, unit, unit, unit), gap),
        )
        yield f"{name}: no cases", Example(budget(name, "mean", most=shown), [], [])
        yield f"{name}: nothing spent", Example(budget(name, "total", most=0.0), spent(key, 0))
        yield (
            f"{name}: a case that the run lacks",
            Example(budget(name, "total", most=9 * shown), spent(key, unit), golden=cases(2)),
        )
        yield (
            f"{name}: not measured in part",
            Example(
                budget(name, "total", most=0.5 * shown),
                run({"c0": uncounted(), "c1": sample(1.0, **{key: unit / 4})}),  # type: ignore[arg-type]
            ),
        )
        yield (
            f"{name}: the base is lost",
            Example(budget(name, "total", increase=0.1), now, base_expected=True),
        )
        yield (
            f"{name}: not measured",
            Example(
                budget(name, "total", most=shown),
                unmeasured,
                golden=[case("c0", repeats=2), case("c1")],
            ),
        )
        yield (
            f"{name}: not measured on the base",
            Example(
                budget(name, "total", increase=1.0), spent(key, unit), run({"c0": uncounted()})
            ),
        )
        yield (
            f"{name}: a case that the base cannot be asked",
            Example(
                budget(name, "total", increase=0.5),
                spent(key, unit, unit, 9 * unit),
                replace(spent(key, unit, unit), unfit=frozenset({"c2"})),
            ),
        )
    yield "no prices", Example(budget("cost_usd_per_case", "mean", most=1), [1.0, 1.0])
    repeated = [case("c0", repeats=2)]
    dear = budget("cost_usd_per_case", "mean", most=0.01)
    half = run({"c0": [sample(1.0, cost_usd=0.03), sample(None)]})
    yield "cost of a repeat that is missing: too much", Example(dear, half, golden=repeated)
    yield (
        "cost of a repeat that is missing",
        Example(budget("cost_usd_per_case", "mean", most=0.02), half, golden=repeated),
    )
    yield (
        "cost of more answers than repeats",
        Example(
            budget("cost_usd_per_case", "mean", most=1.0),
            run({"c0": [sample(1.0, cost_usd=0.1), sample(1.0, cost_usd=0.3)]}),
            golden=[case("c0")],
        ),
    )
    yield (
        "a sum of large amounts that is as much as may be but for rounding",
        Example(
            budget("cost_usd_per_case", "total", most=51649373.76),
            spent("cost_usd", *[4304114.48] * 12),
        ),
    )
    yield (
        "more answers than repeats",
        Example(
            budget("total_tokens", "total", most=5),
            run({"c0": [sample(1.0, tokens=3)] * 2}),
            golden=[case("c0")],
        ),
    )
    yield (
        "tokens read and written",
        Example(
            budget("total_tokens", "total", most=5), run({"c0": sample(1.0, tokens=3, written=2)})
        ),
    )


def stated(result: RequirementResult) -> dict[str, Any]:
    """What is not left at its default, numbers as far as a person looks at them."""
    values = {f.name: getattr(result, f.name) for f in fields(result)}
    defaults = {f.name: f.default for f in fields(result)}
    if len(result.cases) > 10:
        values["cases"] = f"{result.cases[0]} … {result.cases[-1]}"
    return {name: rounded(v) for name, v in values.items() if v != defaults[name]}


def rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("min", MINIMUM),
        ("no_worse_than_base", NO_WORSE),
        ("must_pass", MUST_PASS),
        ("max_flips", MAX_FLIPS),
        ("budgets", dict(budgets())),
    ],
)
def test_all_that_a_requirement_says(name: str, examples: Mapping[str, Example]) -> None:
    said = {}
    for title, example in examples.items():
        gate, candidate, base, golden, waivers, expected = example
        decision = judge(
            gate, candidate, base, golden=golden, waivers=waivers, base_expected=expected
        )
        (result,) = decision.requirements
        said[title] = stated(result)

    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    check_golden(GOLDEN / f"{name}.json", text)
