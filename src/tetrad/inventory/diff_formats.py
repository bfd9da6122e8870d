"""The difference of two identities as text and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tetrad.canonical import Digest, Json
from tetrad.identity import identity_of, short, written_identity
from tetrad.inventory.comparing import ComparedStack, IdentityDiff, MeanScore, PartChange, ScorePair
from tetrad.text import for_log, inert, json_escaped, one_line

if TYPE_CHECKING:
    from rich.console import Console

_OUTSIDE_OF_GIT = {False: "working tree", True: "registry"}
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def render_diff(diff: IdentityDiff, *, colour: bool = False) -> str:
    """For a terminal; lines of files are as long as they are, as `git diff` shows them."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        color_system="standard" if colour else None,
        force_terminal=colour,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        legacy_windows=False,
    )
    _sides(console, diff)
    seen: set[str] = set()
    for part in diff.parts:
        _part(console, part, seen)
    if diff.other_files:
        console.print("\ndiffer without effect on the identity:", style="dim")
        for path in diff.other_files:
            console.print(f"  {one_line(path)}", style="dim")
    _scores(console, diff.scores)
    return for_log(out.getvalue())


def diff_as_json(diff: IdentityDiff) -> str:
    document: Json = {
        "kind": "diff",
        "version": 1,
        "before": _side(diff.before),
        "after": _side(diff.after),
        "parts": [
            {
                "part": part.part,
                "before": part.before,
                "after": part.after,
                "files": [{"path": file.ref, "diff": file.diff} for file in part.files],
            }
            for part in diff.parts
        ],
        "other_files": list(diff.other_files),
        "scores": [
            {
                "suite": pair.suite,
                "metric": pair.metric,
                "before": _score(pair.before),
                "after": _score(pair.after),
                "change": pair.change,
            }
            for pair in diff.scores
        ],
    }
    return json_escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _side(side: ComparedStack) -> Json:
    return {
        "stack": side.stack.ref,
        "identity": written_identity(identity_of(side.stack)),
        "snapshot": str(side.snapshot.digest),
        "commit": side.commit,
    }


def _sides(console: Console, diff: IdentityDiff) -> None:
    for sign, side in (("-", diff.before), ("+", diff.after)):
        place = f"commit {side.commit[:12]}" if side.commit else _OUTSIDE_OF_GIT[side.is_kept]
        identity = short(identity_of(side.stack))
        line = f"{sign} {identity}  {one_line(side.stack.ref)} ({place})"
        console.print(line, style=_STYLES[sign])
    if not diff.parts:
        console.print("no differences: both have the same identity")
    else:
        console.print(f"changed: {', '.join(part.part for part in diff.parts)}", style="bold")


def _part(console: Console, part: PartChange, seen: set[str]) -> None:
    """A part with its files, but for those that an earlier part has shown."""
    console.print(f"\n{part.part}  {_named(part.before)} → {_named(part.after)}", style="bold")
    for file in part.files:
        if file.ref in seen:
            console.print(f"{one_line(file.ref)}: shown above", style="dim")
            continue
        seen.add(file.ref)
        for line in inert(file.diff).split("\n"):
            console.print(line, style=_STYLES.get(line[:1], ""))


def _named(value: Json) -> str:
    """A part's digest, short; the digests of several tools, or none."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_named(item) for item in value)}]"
    if isinstance(value, str):
        return short(Digest.parse(value))
    return "none" if value is None else str(value)


def _score(score: MeanScore | None) -> Json:
    if score is None:
        return None
    return {"mean": score.mean, "suite_digest": score.suite, "preview": score.preview}


def _scores(console: Console, pairs: Sequence[ScorePair]) -> None:
    if not pairs:
        console.print("\nno scores: no gate has evaluated either of them", style="dim")
        return
    names = [f"{one_line(pair.suite)}  {one_line(pair.metric)}" for pair in pairs]
    width = max(map(len, ("scores", *names)))
    console.print(f"\n{'scores':<{width}}  before   after  change", style="bold")
    for name, pair in zip(names, pairs, strict=True):
        line = f"{name:<{width}}  {_mean(pair.before)}  {_mean(pair.after)}  {_change(pair)}"
        console.print(line.rstrip())


def _mean(score: MeanScore | None) -> str:
    return f"{'–' if score is None else f'{score.mean:.2f}':>6}"


def _change(pair: ScorePair) -> str:
    if pair.before is None or pair.after is None:
        return ""
    if pair.change is None:
        return "  the suite differs"
    change = round(pair.change, 2)
    written = f"{change:+.2f}".replace("-", "−") if change else "0.00"
    previewed = [
        side for side, score in (("before", pair.before), ("after", pair.after)) if score.preview
    ]
    return f"{written:>6}" + (f"  preview {' and '.join(previewed)}" if previewed else "")
