"""Requirements of a gate that no case can decide, or that no answer can fail."""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.unheeded import Unheeded
from tetrad.model import AssertionSet, Case, Minimum, MustPass, NoWorseThanBase, Suite
from tetrad.schemas.nearest import did_you_mean


def idle_requirements(suite: Suite) -> Iterator[Unheeded]:
    """Tags and metrics that no case has, and a least mean that every mean reaches."""
    tags = sorted({tag for case in suite.golden.cases for tag in case.tags})
    metrics = {name for case in suite.golden.cases for name in _metrics(case, suite.metrics[0])}
    for requirement in suite.gate if suite.golden.cases else ():
        match requirement:
            case MustPass():
                for tag in (tag for tag in requirement.tags if tag not in tags):
                    hint = did_you_mean(tag, tags, "tag the cases that must pass")
                    yield Unheeded(requirement.location, _nothing(suite, f"the tag {tag!r}"), hint)
            case Minimum() | NoWorseThanBase() if requirement.metric not in metrics:
                named = f"an assertion of the metric {requirement.metric!r}"
                hint = f"write metric: {requirement.metric} at the assertions that it scores"
                yield Unheeded(requirement.location, _nothing(suite, named), hint)
            case Minimum() if requirement.min <= 0:
                message = "a mean of at least 0 is reached by any answers"
                yield Unheeded(requirement.location, message, "raise min, or remove it")


def _metrics(case: Case, first: str) -> Iterator[str]:
    """The metrics that a case has a score of; assertions that name none are of the first."""
    for item in case.assertions:
        yield item.metric or first
        if isinstance(item, AssertionSet):
            yield from (inner.metric for inner in item.assertions if inner.metric is not None)


def _nothing(suite: Suite, named: str) -> str:
    return f"no case of {suite.golden.path} has {named}, so the gate has nothing to decide on"
