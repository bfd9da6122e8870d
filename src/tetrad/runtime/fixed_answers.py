"""What is answered where a guardrail lets nothing else through: fixed, so that it can be asserted and
never leaks what it stands for.
"""

from __future__ import annotations

TOO_LONG = "The request is too long to be answered."
PERSONAL_DATA_REFUSED = "The request was refused because it contains personal data."
CREDENTIAL_REFUSED = "The request was refused because it contains a credential."
INJECTION_REFUSED = (
    "The request was refused because it looks like an attempt to change instructions."
)
WITHHELD = "The answer was withheld because it contained personal data."
CREDENTIAL_WITHHELD = "The answer was withheld because it contained a credential."
CANARY_WITHHELD = "The answer was withheld because it repeated what is not public."

FIXED_ANSWERS = frozenset({
    TOO_LONG, PERSONAL_DATA_REFUSED, CREDENTIAL_REFUSED, INJECTION_REFUSED, WITHHELD,
    CREDENTIAL_WITHHELD, CANARY_WITHHELD,
})  # fmt: skip
