"""Evidence: signed statements about one identity, and whether they admit it to an environment."""

from tetrad.evidence.dsse import PAYLOAD_TYPE, Envelope, open_envelope, seal
from tetrad.evidence.expected import Expected, expected_of, parts_of, required_suites
from tetrad.evidence.refused import Clause, Refused
from tetrad.evidence.signing import Sealing, sign, with_key
from tetrad.evidence.verify import SetAside, Unmet, Verification, verify

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
