"""Ed25519 keys (RFC 8032) in PEM files (RFC 8410): made, read, signed with and verified.

A public key is its 32 raw bytes, so that a repository with keys loads without the cryptographic
library.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tetrad.canonical import digest_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PUBLIC_HEAD = bytes.fromhex(
    "302a300506032b6570032100"
)  # SubjectPublicKeyInfo up to the key's bytes
_PEM = re.compile(
    rb"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----\s*\Z"
)
_KEY_SIZE = 32
_FIELD = 2**255 - 19
_Y_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826


class NotAKey(ValueError):
    """A text that is not the PEM of an Ed25519 key."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs; its text is never shown."""

    public: bytes
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return _wrapped(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: bytes) -> PrivateKey:
        """An unencrypted PKCS #8 key; NotAKey for anything else."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise NotAKey("not an unencrypted private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise NotAKey("a private key of another kind than Ed25519")
        return _wrapped(key)

    def pem(self) -> bytes:
        """PKCS #8, unencrypted."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(data)


def public_pem(public: bytes) -> bytes:
    """SubjectPublicKeyInfo, as `openssl pkey -pubin` reads it."""
    body = base64.b64encode(_PUBLIC_HEAD + public)
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


def read_public(pem: bytes) -> bytes:
    """The raw bytes of a public key; NotAKey for anything else."""
    if b"PRIVATE KEY" in pem:
        raise NotAKey("a private key, which must never be in the repository")
    match = _PEM.match(pem)
    if match is None:
        raise NotAKey("not a public key in PEM")
    try:
        der = base64.b64decode(b"".join(match[1].split()), validate=True)
    except binascii.Error:
        raise NotAKey("not a public key in PEM") from None
    if not der.startswith(_PUBLIC_HEAD) or len(der) != len(_PUBLIC_HEAD) + _KEY_SIZE:
        raise NotAKey("a public key of another kind than Ed25519")
    key = der[len(_PUBLIC_HEAD) :]
    if _is_weak(key):
        raise NotAKey("a weak key, for which anybody can sign")
    return key


def _is_weak(public: bytes) -> bool:
    """Whether the key is a point of order 1, 2, 4 or 8."""
    y = (int.from_bytes(public, "little") & (1 << 255) - 1) % _FIELD
    return y in {0, 1, _FIELD - 1, _Y_OF_ORDER_8, _FIELD - _Y_OF_ORDER_8}


def key_id(public: bytes) -> str:
    """A name for a key: the SHA-256 of its SubjectPublicKeyInfo, in hexadecimal digits."""
    return digest_bytes(_PUBLIC_HEAD + public).hex


def is_signed(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the key made the signature over the data."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _wrapped(key: Ed25519PrivateKey) -> PrivateKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return PrivateKey(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), key)
