"""An authority of client certificates, and certificates that it signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID


def make_authority(folder: Path) -> None:
    """`ca.crt` and `ca.key` in a new folder."""
    folder.mkdir()
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("clients")
    limited = x509.BasicConstraints(ca=True, path_length=None)
    made = _certificate(name, name, key).add_extension(limited, critical=True)
    (folder / "ca.key").write_text(_pem(key))
    (folder / "ca.crt").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


def signed(folder: Path, user: str) -> tuple[str, str]:
    """A certificate of a user, and its key, both PEM."""
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    authority_key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(_name(user), authority.subject, key)
    certificate = made.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return certificate.decode(), _pem(key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return plain.decode()
