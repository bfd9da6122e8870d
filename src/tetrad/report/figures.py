"""What a requirement is called and what its numbers are, as plain text that all renderers share."""

from __future__ import annotations

from tetrad.results.gate_report import RequirementResult
from tetrad.text import milliseconds, pluralize, usd

_STATISTICS = {"mean": "mean", "p50": "median", "p95": "p95", "total": "total"}
_MEASURES = {"cost_usd_per_case": "cost", "latency_ms": "latency", "total_tokens": "tokens"}


def requirement(found: RequirementResult) -> str:
    """A requirement's name, as a row's head."""
    name, metric = found.requirement, found.metric or ""
    if name in _MEASURES:
        statistic = found.statistic or ""
        return f"{_STATISTICS.get(statistic, statistic)} {_MEASURES[name]}".strip()
    if name == "min":
        return metric
    if name == "no_worse_than_base":
        return f"{metric} against the base"
    return {"must_pass": "must pass", "max_flips": "flips"}.get(name, name)


def value(found: RequirementResult) -> str:
    return "" if found.value is None else _amount(found, found.value, found.threshold)


def asked(found: RequirementResult) -> str:
    if found.threshold is None:
        return ""
    if found.requirement == "must_pass":
        return "0 failed"
    if found.is_floor:
        return f"≥ {_as_written(found.threshold)}"
    return f"≤ {_amount(found, found.threshold)}"


def interval(found: RequirementResult) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    return f"{_amount(found, low)} to {_amount(found, high)}"


def caveat(found: RequirementResult) -> str:
    """That a golden set is too small to see the margin which it passed."""
    if found.requirement != "no_worse_than_base" or found.decision != "PASSED":
        return ""
    if found.mde is None or found.threshold is None or found.mde <= -found.threshold:
        return ""
    cases = pluralize(found.n, "case")
    return (
        f"{cases} cannot show a change under {_decimals(found.mde)};"
        f" the margin is {_as_written(-found.threshold)}"
    )


def _amount(found: RequirementResult, number: float, threshold: float | None = None) -> str:
    if found.requirement == "no_worse_than_base":
        return _decimals(number, threshold, sign="+" if number > 0 else "")
    if found.requirement == "min":
        return _decimals(number, threshold)
    if found.requirement == "cost_usd_per_case":
        return usd(number)
    if found.requirement == "latency_ms":
        return milliseconds(number)
    if found.requirement == "must_pass":
        return f"{number:,.0f} failed"
    return f"{number:,.0f}"


def _as_written(number: float) -> str:
    """A threshold with all its decimals, at least two; a true minus."""
    whole, _, fraction = f"{number:.6f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}".replace("-", "−")


def _decimals(number: float, threshold: float | None = None, sign: str = "") -> str:
    """Two decimals, or as many as tell it from the threshold; a true minus."""
    decimals = 2
    while decimals < 6 and threshold is not None and _hides(number, threshold, decimals):
        decimals += 1
    text = f"{number:.{decimals}f}"
    return f"{0:.{decimals}f}" if float(text) == 0 else sign + text.replace("-", "−")


def _hides(number: float, threshold: float, decimals: int) -> bool:
    return abs(number - threshold) > 1e-9 and round(number, decimals) == round(threshold, decimals)
