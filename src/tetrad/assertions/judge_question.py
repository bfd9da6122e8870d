"""What every question to a judge has in common.

What is judged was written by a model that may have been talked into anything, so it stands between
marks that nobody could have written: they hold a digest of the very text that they enclose.
"""

from __future__ import annotations

from tetrad.canonical import digest_bytes
from tetrad.model import Generation, Role

# What decides a judgement besides the judge's model, the question and a prompt of its own: the
# suite's digest covers it. A judge without a prompt is told these parts of a question.
MESSAGES: tuple[tuple[Role, str], ...] = (("system", "task"), ("user", "text"))
GENERATION = Generation(temperature=0.0, max_tokens=1_000)

REASON_CHARS = 300  # of what a judge says, in a score's reason


def marked(name: str, text: str) -> str:
    mark = f"{name}-{digest_bytes(text.encode('utf-8', 'surrogatepass')).hex[:16]}"
    return f"<{mark}>\n{text}\n</{mark}>"
