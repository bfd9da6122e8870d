"""What of a stack is behavioural, the digests over it, and the lock that records them."""

from tetrad.identity.behaviour import behaviour, component_digest
from tetrad.identity.compose import (
    RUNTIME,
    identity_document,
    identity_of,
    read_identity,
    settings_of,
    short,
    written_identity,
)
from tetrad.identity.suite import GRADING, suite_digest, suite_document

__all__ = [
    "GRADING",
    "RUNTIME",
    "behaviour",
    "component_digest",
    "identity_document",
    "identity_of",
    "read_identity",
    "settings_of",
    "short",
    "suite_digest",
    "suite_document",
    "written_identity",
]
