"""What `tetrad monitor` found as one page that needs nothing else: no network, no script.

Strangers' words reach the page through Markup's escaping, after `inert`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from tetrad.canonical import digest_bytes
from tetrad.identity import short
from tetrad.learning.drift import DriftMeasure, StackDrift
from tetrad.learning.drift_text import figures
from tetrad.text import inert, pluralize, shorten

_WIDTH, _BAR, _GAP, _LABEL = 360, 12, 6, 90
_SHOWN = 200  # characters of a question
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #57606a; --line: #d0d7de;
  --paper: #ffffff; --cases: #8c959f; --live: #0969da; --bad: #cf222e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9198a1; --line: #3d444d;
  --paper: #0d1117; --cases: #6e7681; --live: #4493f8; --bad: #f85149; --good: #3fb950; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); } .drift { color: var(--bad); } .fine { color: var(--good); }
.measure { border-top: 1px solid var(--line); padding: .6rem 0; display: grid;
  grid-template-columns: minmax(0, 1fr) minmax(0, 24rem); gap: .5rem 1.5rem; }
@media (max-width: 45rem) { .measure { grid-template-columns: minmax(0, 1fr); } }
.measure h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } .measure p { margin: 0; }
svg { width: 100%; height: auto; } svg text { fill: var(--quiet); font-size: 11px; }
.b { fill: var(--cases); } .l { fill: var(--live); } .zero { stroke: var(--line); }
.span { stroke: var(--live); stroke-width: 2; } .dot { fill: var(--live); }
li { overflow-wrap: anywhere; }
"""


def as_page(found: Sequence[StackDrift], environment: str, days: int) -> str:
    digest = base64.b64encode(digest_bytes(_STYLE.encode()).value).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return Markup(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="{}">'
        "<title>Drift in {}</title><style>{}</style></head><body>"
        "<h1>Live answers beside the golden sets, in {}</h1>"
        '<p class="quiet">Answers of {}. Grey: the golden set. Blue: live.</p>{}</body></html>\n'
    ).format(
        policy,
        inert(environment),
        Markup(_STYLE),  # noqa: S704 - a constant
        inert(environment),
        pluralize(days, "day"),
        _joined(_stack(one) for one in found),
    )


def _stack(found: StackDrift) -> Markup:
    kind = found.decision if found.decision in {"drift", "fine"} else "quiet"
    head = Markup('<section><h2>{} <span class="quiet">{}</span>: <span class="{}">{}</span></h2>')
    sizes = Markup('<p class="quiet">{} beside {}{}</p>').format(
        pluralize(found.answers, "answer"),
        pluralize(found.cases, "case"),
        f"; {pluralize(found.elsewhere, 'answer')} of other identities left out"
        if found.elsewhere
        else "",
    )
    problem = Markup("<p>{}</p>").format(inert(found.problem)) if found.problem else Markup()
    return _joined([
        head.format(inert(found.stack), short(found.identity), kind, found.decision),
        sizes,
        problem,
        *map(_measure, found.measures),
        _farthest(found),
        Markup("</section>"),
    ])  # fmt: skip


def _measure(measure: DriftMeasure) -> Markup:
    state, word = ("drift", "drift") if measure.drifted else ("fine", "ok")
    return Markup(
        '<div class="measure"><div><h3>{} <span class="{}">{}</span></h3>'
        '<p class="quiet">{} · {}</p></div>{}</div>'
    ).format(
        inert(measure.name),
        state,
        word,
        measure.of,
        figures(measure),
        _plot(measure),
    )


def _plot(measure: DriftMeasure) -> Markup:
    if measure.bars:
        return _bars(measure)
    return Markup("<p></p>") if measure.interval is None else _interval(measure)


def _bars(measure: DriftMeasure) -> Markup:
    """A pair of bars a bin."""
    most = max(max(bar.baseline, bar.live) for bar in measure.bars) or 1.0
    step = 2 * _BAR + _GAP
    parts = []
    for number, bar in enumerate(measure.bars):
        y, room = number * step, _WIDTH - _LABEL - 40
        for offset, kind, share in ((0, "b", bar.baseline), (_BAR, "l", bar.live)):
            width = round(share / most * room, 1)
            parts.append(
                Markup(
                    '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>'
                    '<text x="{}" y="{}">{}</text>'
                ).format(
                    kind, _LABEL, y + offset, width, _BAR - 1,
                    _LABEL + width + 4, y + offset + _BAR - 3, f"{share:.0%}",
                )
            )  # fmt: skip
        label = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>')
        parts.append(label.format(_LABEL - 6, y + _BAR + 4, shorten(inert(bar.label), 16)))
    return _svg(measure.name, len(measure.bars) * step, parts)


def _interval(measure: DriftMeasure) -> Markup:
    """The difference with its interval, beside zero."""
    low, high = measure.interval or (0.0, 0.0)
    middle = measure.live - (measure.baseline or 0.0)
    reach = max(abs(low), abs(high), 0.05) * 1.1

    def x(value: float) -> float:
        return round((value / reach + 1) / 2 * _WIDTH, 1)

    line = Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>')
    parts = [
        line.format("zero", x(0), x(0), 2, 26),
        line.format("span", x(low), x(high), 14, 14),
        Markup('<circle class="dot" cx="{}" cy="14" r="4"/>').format(x(middle)),
        Markup('<text x="{}" y="38" text-anchor="middle">no change</text>').format(x(0)),
    ]
    return _svg(measure.name, 42, parts)


def _farthest(found: StackDrift) -> Markup:
    rows = [one for one in found.farthest if one.distance]
    if not rows:
        return Markup()
    item = Markup('<li><span class="quiet">{}</span> {}</li>')
    items = (item.format(f"{r.distance or 0:.2f}", shorten(inert(r.asked), _SHOWN)) for r in rows)
    head = Markup("<h3>Questions that no case is near to</h3><ol>{}</ol>")
    return head.format(_joined(items))


def _svg(name: str, height: int, parts: Iterable[Markup]) -> Markup:
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        inert(name), _WIDTH, height, _joined(parts)
    )


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup().join(parts)
