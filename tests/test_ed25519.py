"""Keys: which files are read as one, and which signatures count."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tetrad.ed25519 import NotAKey, PrivateKey, is_signed, key_id, public_pem, read_public

# Section 7.1 of RFC 8032, tests 1 and 2.
SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNED = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19


def pem_of(secret: bytes) -> bytes:
    der = bytes.fromhex("302e020100300506032b657004220420") + secret
    kind = b"PRIVATE KEY"  # apart, so that this file holds nothing that looks like a key
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (kind, base64.b64encode(der), kind)


def test_a_key_signs_as_rfc_8032_says() -> None:
    key = PrivateKey.read(pem_of(SECRET))
    assert key.public == PUBLIC
    assert key.sign(b"\x72") == SIGNED
    assert is_signed(PUBLIC, b"\x72", SIGNED)
    assert repr(key) == f"PrivateKey(public={PUBLIC!r})"


def test_a_key_survives_its_file() -> None:
    key = PrivateKey.generate()
    assert PrivateKey.read(key.pem()).public == key.public
    assert read_public(public_pem(key.public)) == key.public
    assert read_public(public_pem(key.public).replace(b"\n", b"\r\n")) == key.public
    assert read_public(public_pem(key.public).replace(b"MCow", b"MC\now ")) == key.public


def test_openssl_reads_the_public_half(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_bytes(public_pem(PUBLIC))
    command = ["openssl", "pkey", "-pubin", "-in", str(file), "-outform", "DER"]
    der = subprocess.run(command, check=True, capture_output=True).stdout
    assert der[-32:] == PUBLIC
    assert key_id(PUBLIC) == hashlib.sha256(der).hexdigest()


def test_a_signature_is_one_number_and_not_another_with_the_same_remainder() -> None:
    second = (int.from_bytes(SIGNED[32:], "little") + ORDER).to_bytes(32, "little")
    assert not is_signed(PUBLIC, b"\x72", SIGNED[:32] + second)


@pytest.mark.parametrize("signature", [b"", SIGNED[:-1], SIGNED + b"\0", bytes(64)])
def test_what_is_no_signature_signs_nothing(signature: bytes) -> None:
    assert not is_signed(PUBLIC, b"\x72", signature)


def test_what_is_no_public_key_has_signed_nothing() -> None:
    assert not is_signed(PUBLIC[:-1], b"\x72", SIGNED)


def of_small_order() -> list[bytes]:
    """The points of small order, each in every way that 32 bytes can write it.

    One of order 8 doubles to one of order 4, whose y is 0: so x² = -y² and, on the curve,
    2y² = 1 - dy⁴.
    """
    d = -121665 * pow(121666, -1, FIELD)
    halves = (square_root(1 + d), -square_root(1 + d))
    squares = [(half - 1) * pow(d, -1, FIELD) % FIELD for half in halves]
    y = next(square_root(y2) for y2 in squares if pow(y2, (FIELD - 1) // 2, FIELD) == 1)
    ys = [0, 1, FIELD - 1, y, FIELD - y, FIELD, FIELD + 1]
    return [(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)]


def square_root(value: int) -> int:
    found = pow(value, (FIELD + 3) // 8, FIELD)
    is_found = (found * found - value) % FIELD == 0
    return found if is_found else found * pow(2, (FIELD - 1) // 4, FIELD) % FIELD


@pytest.mark.parametrize("key", of_small_order(), ids=bytes.hex)
def test_a_key_that_anybody_can_sign_for_is_none(key: bytes) -> None:
    with pytest.raises(NotAKey, match=r"^a weak key, for which anybody can sign$"):
        read_public(public_pem(key))


def test_the_points_above_are_of_small_order() -> None:
    """Under such a key the identity (y = 1) with 0 signs any message, or one in at most 8."""
    signature = (1).to_bytes(32, "little") + bytes(32)
    usable = [key for key in of_small_order() if is_signed_by_any(key, signature)]
    assert len(usable) >= 5


def is_signed_by_any(key: bytes, signature: bytes) -> bool:
    return any(is_signed(key, b"%d" % number, signature) for number in range(100))


OTHER_KEY = generate_private_key(SECP256R1())
ENCRYPTED = load_pem_private_key(pem_of(SECRET), None).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
)
PEM = public_pem(PUBLIC)
PUBLIC_FILES = {
    "empty": (b"", "not a public key in PEM"),
    "a private key": (pem_of(SECRET), "a private key, which must never be in the repository"),
    "two keys": (PEM + PEM, "not a public key in PEM"),
    "text before": (b"# ci\n" + PEM, "not a public key in PEM"),
    "text after": (PEM + b"# ci\n", "not a public key in PEM"),
    "no base64": (PEM.replace(b"MCow", b"MC=w"), "not a public key in PEM"),
    "padding before": (PEM.replace(b"MCow", b"=MCow"), "not a public key in PEM"),
    "another kind": (
        OTHER_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "a public key of another kind than Ed25519",
    ),
    "a byte more": (public_pem(PUBLIC + b"\0"), "a public key of another kind than Ed25519"),
    "a byte less": (public_pem(PUBLIC[:-1]), "a public key of another kind than Ed25519"),
    # What a careless pattern looks at again and again, for hours.
    "spaces alone": (b"-----BEGIN PUBLIC KEY-----" + b" " * 1_000_000, "not a public key in PEM"),
}


@pytest.mark.parametrize("name", PUBLIC_FILES)
def test_a_public_key_is_one_key_in_pem(name: str) -> None:
    data, message = PUBLIC_FILES[name]
    with pytest.raises(NotAKey) as caught:
        read_public(data)
    assert str(caught.value) == message


PRIVATE_FILES = {
    "empty": (b"", "not an unencrypted private key in PEM"),
    "a public key": (PEM, "not an unencrypted private key in PEM"),
    "encrypted": (ENCRYPTED, "not an unencrypted private key in PEM"),
    "another kind": (
        OTHER_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "a private key of another kind than Ed25519",
    ),
}


@pytest.mark.parametrize("name", PRIVATE_FILES)
def test_a_private_key_is_unencrypted_ed25519(name: str) -> None:
    data, message = PRIVATE_FILES[name]
    with pytest.raises(NotAKey) as caught:
        PrivateKey.read(data)
    assert str(caught.value) == message


def test_keys_are_the_raw_bytes_of_rfc_8032() -> None:
    made = Ed25519PublicKey.from_public_bytes(PUBLIC)
    pem = made.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert pem == PEM
    assert read_public(pem) == PUBLIC
