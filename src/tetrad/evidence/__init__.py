"""Evidence: signed statements about one identity, and whether they admit it to an environment."""

from typing import TYPE_CHECKING

from tetrad.reexports import importer

if TYPE_CHECKING:
    from tetrad.evidence.dsse import PAYLOAD_TYPE, Envelope, open_envelope, seal
    from tetrad.evidence.expected import Expected, expected_of, parts_of, required_suites
    from tetrad.evidence.refused import Clause, Refused
    from tetrad.evidence.signing import Sealing, sign, with_key
    from tetrad.evidence.verifying import SetAside, Unmet, Verification, verify

__all__ = [
    "PAYLOAD_TYPE",
    "Clause",
    "Envelope",
    "Expected",
    "Refused",
    "Sealing",
    "SetAside",
    "Unmet",
    "Verification",
    "expected_of",
    "open_envelope",
    "parts_of",
    "required_suites",
    "seal",
    "sign",
    "verify",
    "with_key",
]

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "dsse": ["PAYLOAD_TYPE", "Envelope", "open_envelope", "seal"],
            "expected": ["Expected", "expected_of", "parts_of", "required_suites"],
            "refused": ["Clause", "Refused"],
            "signing": ["Sealing", "sign", "with_key"],
            "verifying": ["SetAside", "Unmet", "Verification", "verify"],
        },
    )
