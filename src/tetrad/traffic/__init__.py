"""What is kept of live traffic: a declared sample of answers, and what users said of them.

All of it is redacted before it is kept, lies beside the ledger and not in it, and can be erased.
"""

from tetrad.traffic.kept_traffic import (
    Feedback,
    KeptAnswer,
    Rating,
    feedback_on,
    is_sampled,
    kept_answer,
    new_id,
)

__all__ = ["Feedback", "KeptAnswer", "Rating", "feedback_on", "is_sampled", "kept_answer", "new_id"]
