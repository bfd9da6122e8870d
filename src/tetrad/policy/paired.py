"""What requirements are judged on, and the rules that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tetrad.policy.pairing import Pair
from tetrad.policy.statistics import TOLERANCE
from tetrad.results.gate_report import Decision

_ORDER: tuple[Decision, ...] = ("FAILED", "INCONCLUSIVE", "PASSED", "NOT_APPLICABLE")
_NAMED = 5
_MOST_DECIMALS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedCases:
    """The paired cases, and whether there is a base to compare with.

    `lost` is a base that was asked for and could not be evaluated; `why_lost` says why, if known.
    """

    pairs: tuple[Pair, ...]
    base: Literal["there", "none", "lost"]
    why_lost: str = ""

    @property
    def compared(self) -> PairedCases:
        """The cases that both sides can be asked: what compares looks at no others."""
        pairs = tuple(pair for pair in self.pairs if not pair.alone)
        if self.base == "there" and self.pairs and not pairs:
            return replace(self, pairs=(), base="none")
        return replace(self, pairs=pairs)

    def without_base(self, subject: str) -> tuple[Decision, str] | None:
        """The decision of what compares `subject` with the base, where that cannot be."""
        if self.base == "there":
            return None
        if self.base == "none":
            return "NOT_APPLICABLE", f"{subject} cannot be compared: there is no base"
        why = self.why_lost or "the base was asked for and could not be evaluated"
        return "INCONCLUSIVE", f"{subject} cannot be compared: {why}"


def worst(decisions: Iterable[Decision]) -> Decision:
    """FAILED outranks INCONCLUSIVE outranks PASSED; NOT_APPLICABLE where there is nothing else."""
    return min(decisions, key=_ORDER.index, default="NOT_APPLICABLE")


def at_least(value: float, threshold: float) -> bool:
    return value >= threshold - TOLERANCE


def figures(value: float, threshold: float) -> tuple[str, str]:
    """A value with as few decimals as show on which side of the threshold it is, and the threshold
    with all of its own.
    """
    written = figure(threshold, _MOST_DECIMALS)
    if abs(value - threshold) <= TOLERANCE:
        return written, written
    least = len(written.partition(".")[2])
    shown = (figure(value, decimals) for decimals in range(least, _MOST_DECIMALS + 1))
    return next((text for text in shown if text != written), written), written


def figure(value: float, decimals: int = 2) -> str:
    """A score as people write it: no more zeros than the second decimal, a true minus."""
    whole, _, fraction = f"{value:.{decimals}f}".partition(".")
    text = f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def named(ids: Sequence[str]) -> str:
    """A few ids, and how many more there are."""
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
