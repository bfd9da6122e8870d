"""Lines of waivers.yaml that accept what fails by the base's yardstick alone, ready to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from tetrad.model import Suite
from tetrad.policy.decide import SuiteDecision
from tetrad.policy.statistics import TOLERANCE
from tetrad.results.outcome import CaseOutcome, SuiteRun
from tetrad.results.report import RequirementResult

# More cases than these are better accepted by the requirement that they break.
_MOST_CASES = 10
_PLAIN = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class _Line(NamedTuple):
    kind: str  # case, tag, metric or requirement
    name: str


def offered(
    suite: Suite,
    decided: SuiteDecision,
    candidate: SuiteRun,
    own: Mapping[str, CaseOutcome],
    regraded: Collection[str],
) -> tuple[str, ...]:
    """A line for each thing that, accepted, leaves nothing of a suite of the base to refuse by."""
    seen = _Seen({outcome.id: outcome for outcome in candidate.cases}, own, regraded)
    lines = [
        line
        for found in decided.requirements
        if found.decision in {"FAILED", "INCONCLUSIVE"}
        for line in _lines(found, suite, seen)
    ]
    return tuple(dict.fromkeys(_written(suite, line) for line in lines))


def offered_whole(suite: Suite, requirements: Iterable[str]) -> tuple[str, ...]:
    """A line for each requirement of a suite of the base."""
    return tuple(
        dict.fromkeys(_written(suite, _Line("requirement", name)) for name in requirements)
    )


class _Seen(NamedTuple):
    """The candidate's outcomes by the base's yardstick and by its own."""

    by_base: Mapping[str, CaseOutcome]
    own: Mapping[str, CaseOutcome]
    regraded: Collection[str]

    def fails_alone(self, id_: str) -> bool:
        """Whether a case fails by the base's yardstick, and not by its own."""
        outcome, own = self.by_base[id_], self.own.get(id_)
        return not outcome.passed and (own is None or own.passed)

    def scores_less(self, id_: str, metric: str | None) -> bool:
        """Whether a case scores less by the base's yardstick than by its own."""
        score = self.by_base[id_].metrics.get(metric or "")
        own = self.own[id_].metrics.get(metric or "") if id_ in self.own else 1.0
        return score is not None and (own is None or score < own - TOLERANCE)


def _lines(found: RequirementResult, suite: Suite, seen: _Seen) -> Iterator[_Line]:
    whole = _Line("requirement", found.requirement)
    if found.decision == "INCONCLUSIVE":
        yield whole
    elif found.requirement == "must_pass":
        yield from _cases(list(found.cases), whole, suite, seen)
    elif found.requirement == "max_flips":
        alone = [id_ for id_ in found.cases if seen.fails_alone(id_)]
        others = len(found.cases) - len(alone)
        yield from (
            _cases(alone, whole, suite, seen) if others <= (found.threshold or 0) else [whole]
        )
    elif found.requirement in {"min", "no_worse_than_base"}:
        less = [id_ for id_ in seen.by_base if seen.scores_less(id_, found.metric)]
        yield from _cases(less, whole, suite, seen)
    else:
        yield whole


def _cases(ids: list[str], whole: _Line, suite: Suite, seen: _Seen) -> Iterator[_Line]:
    """What accepts some cases: the metrics that are graded anew, tags that all of them carry, else
    each of them; the requirement where none is to blame, or too many.
    """
    metrics = {
        result.metric
        for id_ in ids
        if id_ in seen.regraded
        for sample in seen.by_base[id_].samples
        for result in sample.assertions
        if not result.passed or result.score < 1
    }
    left = [id_ for id_ in ids if not (metrics and id_ in seen.regraded)]
    lines = [_Line("metric", metric) for metric in sorted(metrics)]
    for tag, carrying in _tags(suite).items():
        if len(carrying) > 1 and carrying <= set(left):
            lines.append(_Line("tag", tag))
            left = [id_ for id_ in left if id_ not in carrying]
    lines += [_Line("case", id_) for id_ in left]
    yield from [whole] if not lines or len(left) > _MOST_CASES else lines


def _tags(suite: Suite) -> Mapping[str, set[str]]:
    """The cases that carry a tag."""
    found: dict[str, set[str]] = {}
    for case in suite.golden.cases:
        for tag in case.tags:
            found.setdefault(tag, set()).add(case.id)
    return found


def _written(suite: Suite, line: _Line) -> str:
    owner = suite.owner or "@owner"
    return (
        f"- {{accept: yardstick, suite: {_scalar(suite.ref)}, {line.kind}: {_scalar(line.name)},"
        f' reason: "say why", owner: {json.dumps(owner, ensure_ascii=False)}}}'
    )


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if is_plain else json.dumps(text, ensure_ascii=False)
