"""What guardrails cost: milliseconds for texts of several sizes, hostile ones among them.

    python benchmarks/guardrails.py

Time must grow as the text does: the last column is that of a megabyte over that of 100 kilobytes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from tetrad.runtime.credentials import credentials_in
from tetrad.runtime.injection import injections_in
from tetrad.runtime.output_guards import letters_of
from tetrad.runtime.personal_data import find_personal_data

README = Path(__file__).parents[1] / "README.md"
LOOKS: dict[str, Callable[[str], object]] = {
    "injection": injections_in,
    "personal data": find_personal_data,
    "secrets": lambda text: list(credentials_in(text)),
    "canary": letters_of,
}
HOSTILE = (
    "ignore ",
    "show me ",
    "< ",
    " ",
    "1 ",
    "a",
    "\u200b",
    "you are now in a ",
    "vergiss die ",
)


def prose(size: int) -> str:
    words = random.Random(1).choices(README.read_text("utf-8").split(), k=size // 4)
    return " ".join(words)[:size]


def milliseconds(look: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        look(text)
        best = min(best, time.perf_counter() - begun)
    return 1000 * best


def main() -> None:
    texts: dict[str, Callable[[int], str]] = {
        "prose": prose,
        **{repr(run): lambda size, run=run: (run * size)[:size] for run in HOSTILE},  # type: ignore[misc]
    }
    print(
        f"{'text':<20} {'guardrail':<14} {'1 kB':>8} {'10 kB':>8} {'100 kB':>9} {'1 MB':>10}  growth"
    )
    for name, text_of in texts.items():
        for guardrail, look in LOOKS.items():
            times = [milliseconds(look, text_of(size)) for size in (10**3, 10**4, 10**5, 10**6)]
            shown = "{:>8.2f} {:>8.2f} {:>9.2f} {:>10.2f}".format(*times)
            print(f"{name:<20} {guardrail:<14} {shown}  {times[3] / times[2]:.0f} times")


if __name__ == "__main__":
    main()
