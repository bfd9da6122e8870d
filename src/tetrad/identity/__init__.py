"""What of a stack is behavioural, the digests over it, and the lock that records them."""

from typing import TYPE_CHECKING

from tetrad.reexports import importer

if TYPE_CHECKING:
    from tetrad.identity.behaviour import component_digest
    from tetrad.identity.compose import RUNTIME, identity_document, identity_of, settings_of
    from tetrad.identity.notation import read_identity, short, written_identity

__all__ = [
    "RUNTIME",
    "component_digest",
    "identity_document",
    "identity_of",
    "read_identity",
    "settings_of",
    "short",
    "written_identity",
]

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "behaviour": ["component_digest"],
            "compose": ["RUNTIME", "identity_document", "identity_of", "settings_of"],
            "notation": ["read_identity", "short", "written_identity"],
        },
    )
