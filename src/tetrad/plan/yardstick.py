"""What of the yardstick a change moves: requirements, judges, code, prices, cases and inputs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tetrad.assertions.table import EMBEDDED, JUDGED, TYPES
from tetrad.canonical import canonical_json
from tetrad.golden.digest import case_content
from tetrad.identity import component_digest
from tetrad.identity.suite_digest import suite_digest
from tetrad.model import (
    DEFAULT_JUDGE,
    EMBEDDING_JUDGE,
    Assertion,
    AssertionSet,
    Budget,
    Case,
    Judge,
    Prices,
    Repository,
    Stack,
    Suite,
    assertions_of,
)
from tetrad.plan.carried_waivers import waived
from tetrad.plan.metric_names import renamed_metrics
from tetrad.plan.partners import Partner, Partners
from tetrad.plan.requirements import loosened
from tetrad.results.gate_report import YardstickChange
from tetrad.text import usd

_INPUT = frozenset({"vars", "turns", "tools"})
_RENAMED = "only renamed, the same assertions score them"
_OF_ANOTHER = "of another source, {0.source.uri} instead of {1.source.uri}: each has its own prices"


def suite_moved(suite: Suite, old: Suite | None) -> bool:
    """Whether a suite judges otherwise than the base's of the same reference does."""
    return old is None or suite_digest(old) != suite_digest(suite)


def prices_moved(stack: Stack, old: Stack) -> bool:
    """Whether one and the same model has other prices."""
    new, before = stack.model, old.model
    return new.source == before.source and new.prices != before.prices


def priced_as(stack: Stack, other: Stack) -> Stack:
    """The stack with the prices of another tree, where those are of the same model."""
    if not prices_moved(stack, other):
        return stack
    return replace(stack, model=replace(stack.model, prices=other.model.prices))


def measures_cost(suite: Suite) -> bool:
    """Whether prices decide anything in the suite."""
    budgets = (r.measure for r in suite.gate if isinstance(r, Budget))
    used = (TYPES[a.type] for case in suite.golden.cases for a in assertions_of(case))
    return "cost_usd_per_case" in budgets or any(type_.measures == "cost" for type_ in used)


def judging_before(
    repository: Repository, base: Repository, stack: Stack, old: Stack, partners: Partners
) -> tuple[Suite, ...]:
    """The base's suites that judged a stack and that the head's do not judge it by as they were."""
    return tuple(
        suite
        for suite in base.suites_by_stack.get(old.ref, ())
        if _is_other(suite, repository, stack, old, partners)
    )


def _is_other(suite: Suite, head: Repository, stack: Stack, old: Stack, partners: Partners) -> bool:
    same = head.suites.get(suite.ref)
    if same is None or all(judged.ref != stack.ref for judged in same.stacks):
        return True
    split = len(partners.heads(suite.ref)) > 1
    return split or suite_moved(same, suite) or (prices_moved(stack, old) and measures_cost(suite))


def yardstick_changes(
    head: Repository, base: Repository | None, partners: Partners | None
) -> tuple[YardstickChange, ...]:
    """What a reviewer is told first, a line each. Suites that are gone are the coverage's to name."""
    if base is None or partners is None:
        return ()
    found: list[YardstickChange] = []
    for ref, old in base.suites.items():
        for now in partners.heads(ref) or ((ref,) if ref in head.suites else ()):
            if now != ref or suite_moved(head.suites[now], old):
                found += _of_suite(old, head.suites[now])
        found += _of_cases(old, head, partners.of_base.get(ref, {}))
    found += _of_prices(head, base, partners)
    found += _of_waivers(head, base, partners)
    return tuple(dict.fromkeys(found))


def _of_suite(old: Suite, new: Suite) -> Iterator[YardstickChange]:
    renamed = renamed_metrics(old, new)
    for before, after in loosened(old.gate, new.gate, renamed):
        yield YardstickChange(kind="requirement", ref=old.ref, before=before, after=after)
    for name, then, now in (
        ("metrics", ", ".join(old.metrics), ", ".join(new.metrics)),
        ("tools", old.tools, new.tools),
    ):
        if then != now:
            yield YardstickChange(
                kind="setting",
                ref=old.ref,
                name=name,
                before=then,
                after=now,
                note=_RENAMED if renamed and name == "metrics" else "",
            )
    for name in dict.fromkeys([*old.judges, *new.judges]):
        if _judge(old.judges.get(name)) != _judge(new.judges.get(name)):
            yield YardstickChange(
                kind="judge", ref=old.ref, name=name, cases=tuple(_judged_by(old, name))
            )


def _judge(judge: Judge | None) -> object:
    if judge is None:
        return None
    return component_digest(judge.model), judge.prompt and component_digest(judge.prompt)


def _judged_by(suite: Suite, name: str) -> Iterator[str]:
    """The cases that ask a judge of the suite."""
    for case in suite.golden.cases:
        asked = {a.judge or DEFAULT_JUDGE for a in assertions_of(case) if a.type in JUDGED}
        if name in asked or (name == EMBEDDING_JUDGE and _is_embedded(case)):
            yield case.id


def _is_embedded(case: Case) -> bool:
    return any(assertion.type in EMBEDDED for assertion in assertions_of(case))


def _of_cases(
    old: Suite, head: Repository, partners: Mapping[str, Partner]
) -> Iterator[YardstickChange]:
    changed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    held = {partner.suite for partner in partners.values()}
    alike = {ref for ref in held if renamed_metrics(old, head.suites[ref])}
    for case in old.golden.cases:
        partner = partners.get(case.id)
        if partner is not None:
            if partner.suite not in alike:
                for kind in _differences(case, partner.case):
                    changed[kind, ""].append(case.id)
            if partner.suite != old.ref:
                changed["moved", partner.suite].append(case.id)
        elif partners and old.ref not in head.suites:
            changed["removed", ""].append(case.id)
    for (kind, after), cases in changed.items():
        yield YardstickChange(kind=kind, ref=old.ref, after=after, cases=tuple(cases))  # type: ignore[arg-type]


def _differences(old: Case, new: Case) -> Iterator[str]:
    """What of a case differs: what is asked, what is asserted, the code that does, its tags."""
    if old == new:
        return
    then, now = case_content(old), case_content(new)
    differs = {
        key
        for key in then.keys() | now.keys()
        if canonical_json(then.get(key)) != canonical_json(now.get(key))
    }
    if differs & _INPUT:
        yield "input"
    if differs - _INPUT - {"id", "tags"}:
        same = _without_code(old) == _without_code(new)
        yield "code" if same else "assertions"
    if "tags" in differs:
        yield "tags"


def _without_code(case: Case) -> Case:
    """The case without what says which code its files hold, and without what else is named apart."""

    def bare(item: Assertion | AssertionSet) -> Assertion | AssertionSet:
        if isinstance(item, Assertion):
            return replace(item, source=None)
        inner = tuple(replace(assertion, source=None) for assertion in item.assertions)
        return replace(item, assertions=inner)

    return replace(
        case,
        id="",
        derived=False,
        vars={},
        turns=(),
        tools=(),
        tags=(),
        description="",
        metadata={},
        source=None,
        assertions=tuple(bare(item) for item in case.assertions),
    )


def _of_prices(head: Repository, base: Repository, partners: Partners) -> Iterator[YardstickChange]:
    """Other prices of a model, and those of another source, unless the base gives it the same."""
    known = [(model.source, model.prices) for model in base.models.values()]
    for ref, stack in head.stacks.items():
        old, now = base.stacks.get(partners.was(ref)), stack.model
        if old is None or now.prices == old.model.prices:
            continue
        was = old.model
        if now.source == was.source or (now.source, now.prices) not in known:
            yield YardstickChange(
                kind="prices",
                ref=now.ref,
                before=_prices(was.prices),
                after=_prices(now.prices),
                note="" if now.source == was.source else _OF_ANOTHER.format(now, was),
            )


def _prices(prices: Prices | None) -> str:
    if prices is None:
        return ""
    cached = "" if prices.cached_input is None else f", {usd(prices.cached_input)} in from cache"
    return f"{usd(prices.input)} in{cached}, {usd(prices.output)} out"


def _of_waivers(
    head: Repository, base: Repository, partners: Partners
) -> Iterator[YardstickChange]:
    """New lines that a gate heeds."""
    found = waived(head, base, partners)
    for waiver in head.waivers:
        if waiver.case is not None and waiver in found.brought:
            name = f"broken until {waiver.until.isoformat()}"
            yield YardstickChange(kind="waiver", ref=waiver.case, name=name)
    for line in found.acceptances:
        name = f"{line.what} of the base's yardstick does not count"
        yield YardstickChange(kind="waiver", ref=line.suite, name=name)
