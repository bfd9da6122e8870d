"""What a run tells while it goes on: how far it is, what failed, and why there are no results."""

from __future__ import annotations

from tetrad.artifacts.progress import Progress
from tetrad.results.outcome import Sample

_REASONS = 3  # that are told at once; the report has all


class Watch:
    """Counts samples as they come in."""

    def __init__(self, progress: Progress, samples: int) -> None:
        self._progress = progress
        self._work = progress.start(samples, "cases")
        self._failed = 0
        self._missing = 0
        self._told: set[str] = set()

    def seen(self, sample: Sample) -> None:
        if sample.error is not None:
            self._missing += 1
            self._tell(sample.error)
        elif not sample.passed:
            self._failed += 1
        counts = ((self._failed, "failed"), (self._missing, "without result"))
        self._work.tally(", ".join(f"{count:,} {what}" for count, what in counts if count))
        self._work.advance(1)

    def over(self) -> None:
        self._work.finish()

    def _tell(self, error: str) -> None:
        """A wrong address is best known before the other thousand cases fail by it."""
        if error not in self._told and len(self._told) < _REASONS:
            self._told.add(error)
            self._progress.note(f"no result: {error}")
