"""Which metrics of a suite a change only renames. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tetrad.assertions.table import CODED
from tetrad.canonical import Json, canonical_json
from tetrad.golden.digest import case_content
from tetrad.identity.suite_digest import suite_document
from tetrad.model import Assertion, AssertionSet, Case, Suite, assertions_of


def renamed_metrics(old: Suite, new: Suite) -> Mapping[str, str]:
    """The new names of metrics, by the old: only where the suites score every answer alike under them.

    Anything else that differs in what is asked, asserted or graded, one more case even, makes it no
    mere renaming: an easier metric would pass for the old one.
    """
    pairs = [
        (then, now) for then, now in zip(old.metrics, new.metrics, strict=False) if then != now
    ]
    is_reused = any(then in new.metrics or now in old.metrics for then, now in pairs)
    if not pairs or is_reused or len(old.metrics) != len(new.metrics):
        return {}
    if _names_scores(old) or _names_scores(new) or _graded(old) != _graded(new):
        return {}
    return dict(pairs)


def _names_scores(suite: Suite) -> bool:
    """Whether code grades, which scores metrics by the names that it knows them by."""
    return any(a.type in CODED for case in suite.golden.cases for a in assertions_of(case))


def _graded(suite: Suite) -> tuple[Sequence[bytes], Mapping[str, Json]]:
    """All that scores, with the metrics by their places; what is required of them is left out."""
    document = dict(suite_document(suite))
    for key in ("golden", "metrics", "gate"):
        del document[key]
    return sorted(_contents(suite)), document


def _contents(suite: Suite) -> Iterator[bytes]:
    places = {name: str(place) for place, name in enumerate(suite.metrics)}
    for case in suite.golden.cases:
        yield canonical_json(case_content(_placed(case, places)))


def _placed(case: Case, places: Mapping[str, str]) -> Case:
    def place(metric: str | None) -> str | None:
        return None if metric is None else places.get(metric, f"no metric: {metric}")

    def placed(item: Assertion | AssertionSet) -> Assertion | AssertionSet:
        if isinstance(item, Assertion):
            return replace(item, metric=place(item.metric) or "0")
        inner = tuple(replace(one, metric=place(one.metric)) for one in item.assertions)
        return replace(item, metric=place(item.metric) or "0", assertions=inner)

    return replace(case, assertions=tuple(map(placed, case.assertions)))
