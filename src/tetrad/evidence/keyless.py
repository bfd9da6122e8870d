"""Sigstore bundles: signed with a key of minutes, which an authority certified to an identity, and whose
use a public log recorded. They are verified offline, by a bundle and a trusted root alone.

`sigstore` is imported where a bundle meets an environment that takes some.
"""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from tetrad.evidence.refused import Refused
from tetrad.model import Keyless

if TYPE_CHECKING:
    from sigstore.verify import Verifier

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_ISSUER = "1.3.6.1.4.1.57264.1.1"  # Fulcio's extension with the issuer of the identity
# what the library lets through of bundles that somebody wrote to break it, beside its own errors
_ILL_FORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
    struct.error,
)


def is_signed_by(bundle: bytes, payload_type: str, payload: bytes, who: Keyless) -> bool:
    """Whether a bundle is of a payload, and signed by somebody; raises Refused without `sigstore`."""
    verifier = _verifier(who.root)
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509 import (
        DuplicateExtension,
        ExtensionNotFound,
        InvalidVersion,
        UnsupportedGeneralNameType,
    )
    from sigstore.errors import Error
    from sigstore.models import Bundle
    from sigstore.verify.policy import Identity

    of_certificates = (
        InvalidSignature,
        UnsupportedAlgorithm,
        DuplicateExtension,
        ExtensionNotFound,
        InvalidVersion,
        UnsupportedGeneralNameType,
    )
    policy = Identity(identity=who.identity, issuer=who.issuer)
    try:
        with _no_warnings():
            verified = verifier.verify_dsse(Bundle.from_json(bundle), policy)
    except (Error, *of_certificates, *_ILL_FORMED):
        return False
    return verified == (payload_type, payload)


def certified(bundle: bytes) -> tuple[datetime, datetime]:
    """From when until when the key of a verified bundle was certified."""
    from sigstore.models import Bundle

    with _no_warnings():
        certificate = Bundle.from_json(bundle).signing_certificate
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def certified_to(bundle: bytes) -> tuple[str, str]:
    """To whom the key of a bundle was certified, and by whose word, as it says; for people."""
    from cryptography.x509 import ObjectIdentifier, SubjectAlternativeName, UnrecognizedExtension
    from sigstore.models import Bundle

    with _no_warnings():
        extensions = Bundle.from_json(bundle).signing_certificate.extensions
    names = extensions.get_extension_for_class(SubjectAlternativeName).value
    issuer = extensions.get_extension_for_oid(ObjectIdentifier(_ISSUER)).value
    assert isinstance(issuer, UnrecognizedExtension)  # noqa: S101 - no other class has this OID
    return str(next(iter(names)).value), issuer.value.decode()


@contextmanager
def _no_warnings() -> Iterator[None]:
    """What the library warns of in a certificate is no news to whoever verifies: it counts or not."""
    from cryptography.utils import CryptographyDeprecationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


@cache
def _verifier(root: bytes | None) -> Verifier:
    try:
        from sigstore.errors import Error
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier
    except ImportError as error:
        raise Refused(
            "signature", "a Sigstore bundle: verifying it needs pip install 'tetrad[sigstore]'"
        ) from error
    logging.getLogger("sigstore").addHandler(
        logging.NullHandler()
    )  # else it writes to the terminal
    try:
        if root is None:
            return Verifier.production(offline=True)
        with NamedTemporaryFile(suffix=".json") as file, _no_warnings():
            file.write(root)
            file.flush()
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
    except (Error, ValueError, OSError) as error:
        raise Refused(
            "signature", f"the trusted root of Sigstore cannot be read: {error}"
        ) from error
