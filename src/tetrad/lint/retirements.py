"""When vendors shut models down, as they announced it; a table that is edited as they do.

Sources: platform.openai.com/docs/deprecations and docs.anthropic.com, "Model deprecations", as they
stood on the date below. Models that serve embeddings, sound or pictures are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

AS_OF = date(2026, 4, 23)


def _on(day: date, models: Iterable[str]) -> Mapping[str, date]:
    return dict.fromkeys(models, day)


RETIRED: Mapping[str, Mapping[str, date]] = {
    "openai": {
        **_on(date(2024, 1, 4), ["text-davinci-002", "text-davinci-003"]),
        **_on(date(2025, 7, 14), ["gpt-4.5-preview", "gpt-4.5-preview-2025-02-27"]),
        **_on(date(2025, 7, 28), ["o1-preview", "o1-preview-2024-09-12"]),
        **_on(date(2025, 10, 27), ["o1-mini", "o1-mini-2024-09-12"]),
        **_on(date(2026, 1, 16), ["codex-mini-latest"]),
        **_on(date(2026, 2, 17), ["chatgpt-4o-latest"]),
        **_on(
            date(2026, 7, 23),
            [
                *("computer-use-preview", "computer-use-preview-2025-03-11"),
                *("gpt-4o-search-preview-2025-03-11", "gpt-4o-mini-search-preview-2025-03-11"),
                *("gpt-5-chat-latest", "gpt-5-codex", "gpt-5.1-chat-latest", "gpt-5.1-codex"),
                *("gpt-5.1-codex-max", "gpt-5.1-codex-mini", "gpt-5.2-codex"),
                *("o3-deep-research", "o3-deep-research-2025-06-26"),
                *("o4-mini-deep-research", "o4-mini-deep-research-2025-06-26"),
            ],
        ),
        **_on(date(2026, 10, 23), ["gpt-3.5-turbo", "gpt-3.5-turbo-0125", "gpt-4", "gpt-4-0613"]),
    },
    "anthropic": {
        **_on(
            date(2024, 11, 6),
            [
                *("claude-1.0", "claude-1.1", "claude-1.2", "claude-1.3"),
                *("claude-instant-1.0", "claude-instant-1.1", "claude-instant-1.2"),
            ],
        ),
        **_on(date(2025, 7, 21), ["claude-2.0", "claude-2.1", "claude-3-sonnet-20240229"]),
        **_on(date(2026, 1, 5), ["claude-3-opus-20240229"]),
    },
}
