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

__all__ = [
    "RUNTIME",
    "behaviour",
    "component_digest",
    "identity_document",
    "identity_of",
    "read_identity",
    "settings_of",
    "short",
    "written_identity",
]
