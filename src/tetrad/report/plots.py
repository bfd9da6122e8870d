"""Small SVG pictures for the page. Numbers become geometry here; colours are the style sheet's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10, sqrt

from markupsafe import Markup

from tetrad.report import figures, words
from tetrad.results.gate_report import RequirementResult, SuiteReport
from tetrad.text import inert, pluralize

_WIDTH, _HEIGHT = 240, 38
_MOST_DOTS = 3_000
_MOST_PLOTS = 4


@dataclass(frozen=True, slots=True)
class _Scale:
    """A straight way from numbers to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low or 1)
        return round(self.start + min(max(share, 0), 1) * (self.end - self.start), 1)


def requirement_plot(found: RequirementResult) -> Markup:
    """Where the value lies, how sure it is, and where it should lie."""
    if found.value is None or found.threshold is None:
        return Markup()
    scale = _scale_of(found)
    threshold, value = scale(found.threshold), scale(found.value)
    refused = (0.0, threshold) if found.is_floor else (threshold, float(_WIDTH))
    parts = [
        Markup('<rect class="refused" x="{}" y="4" width="{}" height="20"/>').format(
            refused[0], round(refused[1] - refused[0], 1)
        )
    ]
    if found.requirement == "no_worse_than_base":
        parts.append(_line("zero", scale(0), 4, 24))
    if found.interval:
        low, high = (scale(end) for end in found.interval)
        parts += [
            Markup('<line class="interval" x1="{}" x2="{}" y1="14" y2="14"/>').format(low, high),
            _line("interval", low, 10, 18),
            _line("interval", high, 10, 18),
        ]
    elif not found.is_floor:
        parts.append(
            Markup('<rect class="amount" x="0" y="11" width="{}" height="6"/>').format(value)
        )
    parts += [
        _line("threshold", threshold, 2, 22),
        Markup('<circle class="value" cx="{}" cy="14" r="4.5"/>').format(value),
    ]
    parts += _ends(found, scale)
    told = f"{figures.requirement(found)}: {figures.value(found)}, asked {figures.asked(found)}"
    return _svg("plot", _WIDTH, _HEIGHT, told, Markup().join(parts))


def score_plots(suite: SuiteReport) -> tuple[tuple[str, Markup], ...]:
    """A plot for each of the first metrics on which some score moved."""
    names = (m for c in suite.cases if c.base for m in c.candidate.metrics if m in c.base.metrics)
    drawn = ((metric, _score_plot(suite, metric)) for metric in dict.fromkeys(names))
    return tuple((metric, plot) for metric, plot in drawn if plot)[:_MOST_PLOTS]


def _score_plot(suite: SuiteReport, metric: str) -> Markup:
    """Every case as a dot: its score before across, its score now upwards; none if no score moved."""
    size, pad = 260, 30
    scale = _Scale(0, 1, pad + 12, size - 22)
    rise = _Scale(0, 1, size - pad - 12, 22)
    dots: list[Markup] = []
    moved = False
    for i, case in enumerate(suite.cases[:_MOST_DOTS]):
        now = case.candidate.metrics.get(metric)
        before = case.base.metrics.get(metric) if case.base else None
        if now is None or before is None:
            continue
        moved = moved or now != before
        dx, dy = _spread(i)
        dots.append(
            Markup(
                '<circle class="dot {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>'
            ).format(
                words.kind(case),
                round(scale(before) + dx, 1),
                round(rise(now) + dy, 1),
                inert(f"{case.id}: {before:.2f} → {now:.2f}"),
            )
        )
    if not moved:
        return Markup()
    told = f"{metric} of {len(dots)} cases, before and now; below the diagonal is worse"
    frame = _frame(size, pad, scale, rise)
    return _svg("scores", size, size, told, frame + Markup().join(dots))


def _frame(size: int, pad: int, scale: _Scale, rise: _Scale) -> Markup:
    """The square, its diagonal, and what its sides mean."""
    return Markup(
        '<rect class="frame" x="{pad}" y="8" width="{side}" height="{side}"/>'
        '<line class="diagonal" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>'
        '<text x="{middle}" y="{below}" text-anchor="middle">before</text>'
        '<text x="14" y="{half}" text-anchor="middle" transform="rotate(-90 14 {half})">now</text>'
        '<text x="{x0}" y="{below}" text-anchor="middle">0</text>'
        '<text x="{x1}" y="{below}" text-anchor="middle">1</text>'
        '<text x="20" y="{low}" text-anchor="middle">0</text>'
        '<text x="20" y="{high}" text-anchor="middle">1</text>'
    ).format(
        pad=pad,
        side=size - pad - 8,
        x0=scale(0),
        x1=scale(1),
        y0=rise(0),
        y1=rise(1),
        middle=(size + pad) / 2,
        half=(size - pad) / 2,
        below=size - 12,
        low=rise(0) + 4,
        high=rise(1) + 4,
    )


def latency_plot(suite: SuiteReport) -> Markup:
    """How long answers took, now and before."""
    now = [s.latency_s for c in suite.cases for s in c.candidate.samples if s.latency_s is not None]
    before = [
        s.latency_s
        for c in suite.cases
        if c.base
        for s in c.base.samples
        if s.latency_s is not None
    ]
    if len(now) < 2 or not any(now + before):  # answers that needed no engine take no time
        return Markup()
    width, height, floor_y = 360, 260, 218
    top = _nice(max(now + before))
    bins = min(max(int(sqrt(len(now))) * 2, 8), 40)
    scale = _Scale(0, top, 16, width - 16)
    counts_now, counts_before = _histogram(now, top, bins), _histogram(before, top, bins)
    most = max(counts_now + counts_before)
    rise = _Scale(0, most, floor_y, 16)
    bars = [
        Markup('<rect class="now" x="{}" y="{}" width="{}" height="{}"/>').format(
            scale(top * i / bins),
            rise(count),
            round((width - 32) / bins - 1, 1),
            round(floor_y - rise(count), 1),
        )
        for i, count in enumerate(counts_now)
        if count
    ]
    axis = [
        Markup('<line class="axis" x1="16" x2="{}" y1="{}" y2="{}"/>').format(
            width - 16, floor_y, floor_y
        )
    ]
    axis.append(Markup('<text x="16" y="11">{}</text>').format(pluralize(most, "answer")))
    axis += [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            scale(top * i / 4), floor_y + 16, f"{top * i / 4:g} s"
        )
        for i in range(5)
    ]
    told = f"seconds of {len(now)} answers now" + (f" and {len(before)} before" if before else "")
    return _svg(
        "latency",
        width,
        height,
        told,
        Markup().join([*bars, _outline(counts_before, scale, rise, top), *axis]),
    )


def tally_plot(suite: SuiteReport) -> Markup:
    """The flips of a suite as one bar."""
    width = 600.0
    parts: list[Markup] = []
    start = 0.0
    counts = Counter(words.kind(case) for case in suite.cases)
    for kind in words.KINDS:
        count = counts[kind]
        share = width * count / max(len(suite.cases), 1)
        if count:
            parts.append(
                Markup('<rect class="{}" x="{}" y="0" width="{}" height="8"/>').format(
                    kind, round(start, 1), round(max(share - 1.5, 1), 1)
                )
            )
        start += share
    return _svg("tally", int(width), 8, words.tally(suite), Markup().join(parts), stretch="none")


@lru_cache(maxsize=2_000)  # a page of thousands of cases draws the same few again and again
def share_bar(share: float) -> Markup:
    """A share of one as a bar; its number stands beside it."""
    return Markup('<meter value="{:.3g}"></meter>').format(min(max(share, 0), 1))


def _scale_of(found: RequirementResult) -> _Scale:
    ends = [found.value or 0.0, found.threshold or 0.0, 0.0, *(found.interval or ())]
    if found.requirement == "min":
        return _Scale(0, 1, 6, _WIDTH - 6)
    low, high = min(ends), max(ends)
    margin = (high - low or 1) * 0.12
    start = low - margin if low < 0 else 0.0
    return _Scale(start, high + margin, 6, _WIDTH - 6)


def _ends(found: RequirementResult, scale: _Scale) -> list[Markup]:
    """What the threshold is, written below it."""
    x = min(max(scale(found.threshold or 0), 24), _WIDTH - 24)
    text = figures.asked(found)
    return [Markup('<text x="{}" y="34" text-anchor="middle">{}</text>').format(x, text)]


def _outline(counts: Sequence[int], scale: _Scale, rise: _Scale, top: float) -> Markup:
    if not any(counts):
        return Markup()
    bins = len(counts)
    points: list[str] = [f"{scale(0)},{rise(0)}"]
    for i, count in enumerate(counts):
        points += [
            f"{scale(top * i / bins)},{rise(count)}",
            f"{scale(top * (i + 1) / bins)},{rise(count)}",
        ]
    points.append(f"{scale(top)},{rise(0)}")
    return Markup('<polyline class="before" points="{}"/>').format(" ".join(points))


def _histogram(values: Sequence[float], top: float, bins: int) -> list[int]:
    counts = [0] * bins
    for value in values:
        counts[min(int(value / top * bins), bins - 1)] += 1
    return counts


def _nice(most: float) -> float:
    """The next round number: 1, 2, 4 or 8 of a power of ten."""
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    steps = ceil(most / power - 1e-9)
    return power * next(step for step in (1, 2, 4, 8, 10) if step >= steps)


def _spread(i: int) -> tuple[float, float]:
    """A place near the point, by the sunflower's angle, so that equal scores do not hide each other."""
    from math import cos, sin

    radius = 1.6 * sqrt(i % 90)
    return radius * cos(i * 2.39996), radius * sin(i * 2.39996)


def _line(kind: str, x: float, top: float, bottom: float) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        kind, x, x, top, bottom
    )


def _svg(
    kind: str, width: int, height: int, told: str, body: Markup, *, stretch: str = "xMidYMid"
) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" width="{}" height="{}" preserveAspectRatio="{}"'
        ' role="img" aria-label="{}">{}</svg>'
    ).format(kind, width, height, width, height, stretch, inert(told), body)
