"""Why an envelope does not count."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tetrad.text import shorten

_LONGEST = 300  # characters of a reason, which may repeat what a stranger wrote

Clause: TypeAlias = Literal[
    "envelope",  # DSSE 1.0.2 as JSON
    "payload-type",
    "signature",  # by a key of the environment
    "statement",  # in-toto Statement v1, each field once and none unknown
    "predicate-type",
    "role",  # of the key
    "validity",  # of the key, at the time of signing
    "revoked",
    "subject",  # this identity alone
    "environment",
    "verifier",
    "decision",
    "stack",
    "suite",  # all that decides what it says, beside its golden set, policy and judges
    "golden",
    "policy",
    "judges",
    "waivers",
    "complete",  # every required suite is covered
    "age",
    "unpinned",
    "evidence",  # what a summary or an admission rests on
    "approvals",
    "withdrawn",
]  # fmt: skip


class Refused(Exception):
    """The one error of reading and verifying: the clause that is not met, and why."""

    def __init__(self, clause: Clause, message: str) -> None:
        self.clause: Clause = clause
        self.message = shorten(message, _LONGEST)
        super().__init__(f"{clause}: {self.message}")
