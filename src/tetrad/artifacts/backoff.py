"""How long to wait before asking a server again.

No library of retries is used: both callers wait by what the server says in Retry-After, which
those libraries leave to a callback that would be all of this module.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

# 409 is a lock that the server waits for, 520 to 524 are Cloudflare's, of a server behind it, and
# 529 is what vendors answer when overloaded
RETRIED_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, *range(520, 525), 529})


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """At most `attempts` tries; the wait before a retry is random under a doubling ceiling."""

    attempts: int = 5
    first_s: float = 0.5
    ceiling_s: float = 20.0
    patience_s: float = 120.0  # a server that asks for a longer wait is given up

    def wait_s(self, retry: int, retry_after: str | None, *, now: datetime) -> float | None:
        """Seconds before retry number `retry` (from 1), None where it is not worth waiting.

        The wait is random between zero and the ceiling ("full jitter"), so that many callers that
        failed together do not come back together; a server's own Retry-After comes first.
        """
        if retry >= self.attempts:
            return None
        jittered = random.uniform(0, min(self.ceiling_s, self.first_s * 2 ** (retry - 1)))  # noqa: S311 - no secret
        asked = 0.0 if retry_after is None else seconds_of(retry_after, now)
        if asked > self.patience_s:
            return None
        return asked + jittered if asked else jittered


def seconds_of(retry_after: str, now: datetime) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), 0 where it cannot be read."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):  # some servers send fractions
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
