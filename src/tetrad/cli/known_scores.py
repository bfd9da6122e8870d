"""Scores of identities: from the ledger's runs, else from the last report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.canonical import Digest

if TYPE_CHECKING:
    from tetrad.inventory.comparing import MeanScore, Scores
    from tetrad.results.gate_report import Report

_LATEST = 50  # runs of an identity that are looked at


def known_scores(
    root: Path, identities: Iterable[Digest], report: Report | None
) -> Mapping[Digest, Scores]:
    """The latest means of each identity, by suite and metric."""
    from tetrad.registry import open_ledger, registry_place

    wanted = dict.fromkeys(identities)
    found = {identity: dict(_reported(identity, report)) for identity in wanted}
    place = registry_place(root)
    if isinstance(place, Path) and not place.is_file():
        return found
    with open_ledger(place) as ledger:
        for identity in wanted:
            runs = [entry.content for entry in ledger.entries(kind="run", identity=identity)]
            contents = (ledger.content(content) for content in runs[-_LATEST:])
            found[identity] |= dict(_run_scores(filter(None, contents)))
    return found


def _reported(
    identity: Digest, report: Report | None
) -> Iterator[tuple[tuple[str, str], MeanScore]]:
    """The means of an identity, from whichever side of a report has it."""
    from tetrad.inventory.comparing import MeanScore
    from tetrad.report.means import means

    for stack in report.stacks if report else ():
        for suite in stack.suites:
            for mean in means(suite):
                value = mean.mean if stack.identity == identity else None
                if value is None and stack.base_identity == identity:
                    value = mean.base
                if value is not None:
                    digest = str(suite.digest)
                    yield (suite.suite, mean.metric), MeanScore(value, digest, stack.preview)


def _run_scores(contents: Iterable[bytes]) -> Iterator[tuple[tuple[str, str], MeanScore]]:
    """The means that runs recorded, the oldest first."""
    from tetrad.inventory.comparing import MeanScore

    for content in contents:
        try:
            run = json.loads(content)
            suite, preview = str(run["suite"]), bool(run["preview"])
            for metric, mean in run["metrics"].items():
                yield (
                    (suite, str(metric)),
                    MeanScore(float(mean), str(run["suite_digest"]), preview),
                )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # not written by this version
