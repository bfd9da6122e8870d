"""A small Sigstore of our own: an authority that certifies keys for minutes, a log of certificates, a
log of signatures, and the trust in them as the files that clients read. Everything is signed by keys
made here, and nothing leaves this machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from registries import at_root

from tetrad.canonical import canonical_json
from tetrad.model import Keyless

if TYPE_CHECKING:
    from starlette.applications import Starlette

WORKFLOW = "https://github.com/acme/support/.github/workflows/gate.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
REQUEST_TOKEN = "request-token-of-this-test"
_CODE = "code-of-this-test"
_SCT = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


class Sigstore:
    """The services, and the documents that say whom to trust; `identity` is whom it certifies."""

    def __init__(self, *, identity: str = WORKFLOW, issuer: str = ISSUER) -> None:
        self.identity, self.issuer = identity, issuer
        self.authority, self.certificates, self.log = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        self.now = datetime.now(UTC)  # when keys are certified and signatures are logged
        self.entries: list[bytes] = []
        self.login = {"code": _CODE}  # what logging in ends in
        self.root = self._root()

    # -- the authority, as Fulcio

    def _root(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of this test")])
        key = self.authority.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key)
            .serial_number(1)
            .not_valid_before(self.now - timedelta(days=400))
            .not_valid_after(self.now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self.authority, hashes.SHA256())
        )

    def certified(self, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        """A certificate for a key, for ten minutes, that the log of certificates has."""
        serial = x509.random_serial_number()
        before = self._leaf(key, serial).sign(self.authority, hashes.SHA256())
        stamped = int(self.now.timestamp() * 1000)
        tbs = before.tbs_certificate_bytes
        signed = (
            b"\0\0"
            + stamped.to_bytes(8, "big")
            + (1).to_bytes(2, "big")
            + _digest(_der(self.authority))
            + len(tbs).to_bytes(3, "big")
            + tbs
            + b"\0\0"
        )
        signature = _sign(self.certificates, signed)
        sct = (
            b"\0"
            + _digest(_der(self.certificates))
            + stamped.to_bytes(8, "big")
            + b"\0\0\4\3"  # no extensions; SHA-256 with ECDSA
            + len(signature).to_bytes(2, "big")
            + signature
        )
        listed = len(sct).to_bytes(2, "big") + sct
        listed = len(listed).to_bytes(2, "big") + listed
        octets = _octets(listed)
        return (
            self._leaf(key, serial)
            .add_extension(x509.UnrecognizedExtension(_SCT, octets), critical=False)
            .sign(self.authority, hashes.SHA256())
        )

    def _leaf(self, key: ec.EllipticCurvePublicKey, serial: int) -> x509.CertificateBuilder:
        is_mail = "@" in self.identity and "://" not in self.identity
        name: x509.GeneralName = (
            x509.RFC822Name(self.identity)
            if is_mail
            else x509.UniformResourceIdentifier(self.identity)
        )
        issuer = self.issuer.encode()
        of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self.authority.public_key()
        )
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.root.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(self.now)
            .not_valid_after(self.now + timedelta(minutes=10))
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(of_authority, critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_V1, issuer), critical=False)
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_V2, b"\x0c" + _length(issuer) + issuer),
                critical=False,
            )
        )

    # -- the log of signatures, as Rekor

    def logged(self, envelope: str, certificate: bytes) -> dict[str, Any]:
        """The entry of an envelope (JSON) and its signer's certificate (PEM), with its proofs."""
        said = json.loads(envelope)
        body = canonical_json(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {
                        "algorithm": "sha256",
                        "value": hashlib.sha256(envelope.encode()).hexdigest(),
                    },
                    "payloadHash": {
                        "algorithm": "sha256",
                        "value": hashlib.sha256(base64.b64decode(said["payload"])).hexdigest(),
                    },
                    "signatures": [
                        {"signature": s["sig"], "verifier": _b64(certificate)}
                        for s in said["signatures"]
                    ],
                },
            }
        )
        self.entries.append(body)
        index, size = len(self.entries) - 1, len(self.entries)
        log_id = _digest(_der(self.log))
        promised: dict[str, Any] = {
            "body": _b64(body),
            "integratedTime": int(self.now.timestamp()),
            "logID": log_id.hex(),
            "logIndex": index,
        }
        leaves = [_digest(b"\0", entry) for entry in self.entries]
        root = _root_of(leaves)
        note = f"log of this test\n{size}\n{_b64(root)}\n"
        signed = log_id[:4] + _sign(self.log, note.encode())
        return {
            **promised,
            "verification": {
                "signedEntryTimestamp": _b64(_sign(self.log, canonical_json(promised))),
                "inclusionProof": {
                    "logIndex": index,
                    "rootHash": root.hex(),
                    "treeSize": size,
                    "hashes": [node.hex() for node in _path(index, leaves)],
                    "checkpoint": f"{note}\n\u2014 log-of-this-test {_b64(signed)}\n",
                },
            },
        }

    # -- signing without the network, for tests of the verifier alone

    def sealed(self, payload: bytes, kind: str = "application/vnd.in-toto+json") -> bytes:
        """A bundle of a payload, as a client of the services makes it."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certified(key.public_key())
        name = kind.encode()
        signed = b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)
        envelope = {
            "payload": _b64(payload),
            "payloadType": kind,
            "signatures": [{"sig": _b64(_sign(key, signed))}],
        }
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        entry = self.logged(json.dumps(envelope), pem)
        proof = entry["verification"]["inclusionProof"]
        der = certificate.public_bytes(serialization.Encoding.DER)
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(der)},
                "tlogEntries": [
                    {
                        "logIndex": str(entry["logIndex"]),
                        "logId": {"keyId": _b64(bytes.fromhex(entry["logID"]))},
                        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
                        "integratedTime": str(entry["integratedTime"]),
                        "inclusionPromise": {
                            "signedEntryTimestamp": entry["verification"]["signedEntryTimestamp"]
                        },
                        "inclusionProof": {
                            "logIndex": str(proof["logIndex"]),
                            "rootHash": _b64(bytes.fromhex(proof["rootHash"])),
                            "treeSize": str(proof["treeSize"]),
                            "hashes": [_b64(bytes.fromhex(node)) for node in proof["hashes"]],
                            "checkpoint": {"envelope": proof["checkpoint"]},
                        },
                        "canonicalizedBody": entry["body"],
                    }
                ],
            },
            "dsseEnvelope": envelope,
        }
        return json.dumps(bundle).encode()

    # -- whom to trust

    def trusted_root(self, url: str = "https://log.invalid") -> dict[str, Any]:
        """What verifiers trust, as sigstore's `trusted_root.json`."""
        since = {"start": (self.now - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _b64(_der(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": {"keyId": _b64(_digest(_der(key)))},
            }

        root = self.root.public_bytes(serialization.Encoding.DER)
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "test", "commonName": "authority of this test"},
                    "uri": url,
                    "certChain": {"certificates": [{"rawBytes": _b64(root)}]},
                    "validFor": since,
                }
            ],
            "ctlogs": [log(self.certificates)],
            "timestampAuthorities": [],
        }

    def trusted(self, **changes: Any) -> Keyless:
        """Whom it certifies, as an environment names it."""
        root = json.dumps(self.trusted_root()).encode()
        made = Keyless(identity=self.identity, issuer=self.issuer, root=root)
        return replace(made, **changes)

    def client_trust(self, url: str) -> dict[str, Any]:
        """What a signing client is told: whom to trust, and where the services are."""
        since = {"start": (self.now - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        service = {"url": url, "majorApiVersion": 1, "validFor": since, "operator": "test"}
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(url),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "oidcUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [],
                "tsaConfig": {"selector": "ANY"},
            },
        }

    def token(self) -> str:
        """The token that the issuer of a CI job gives it."""
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": self.identity, "job_workflow_ref": self.identity,
            "aud": "sigstore", "iat": now, "nbf": now, "exp": now + 300,
        }  # fmt: skip
        parts = ({"alg": "ES256", "typ": "JWT"}, claims)
        written = [json.dumps(part).encode() for part in parts]
        return ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*written, b"none")
        )

    def services(self, asked: list[str]) -> Starlette:
        """Issuer, authority and log over HTTP; `asked` notes the paths."""
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import JSONResponse, RedirectResponse, Response
        from starlette.routing import Route

        async def token(request: Request) -> Response:
            asked.append(request.url.path)
            if request.headers.get("authorization") != f"bearer {REQUEST_TOKEN}":
                return JSONResponse({}, 401)
            return JSONResponse({"value": self.token()})

        async def issuer(request: Request) -> Response:
            """What a person who logs in is led through."""
            asked.append(request.url.path)
            at = str(request.base_url)
            return JSONResponse(
                {"authorization_endpoint": f"{at}login", "token_endpoint": f"{at}code"}
            )

        async def login(request: Request) -> Response:
            asked.append(request.url.path)
            back = request.query_params["redirect_uri"]
            how = urlencode({"state": request.query_params["state"], **self.login})
            return RedirectResponse(f"{back}?{how}")

        async def code(request: Request) -> Response:
            asked.append(request.url.path)
            form = parse_qs((await request.body()).decode())
            if form["code"] != [_CODE]:
                return JSONResponse({"error": "invalid_grant"})
            return JSONResponse({"access_token": self.token()})

        async def certify(request: Request) -> Response:
            asked.append(request.url.path)
            body = await request.json()
            pem = base64.b64decode(body["certificateSigningRequest"])
            key = x509.load_pem_x509_csr(pem).public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            chain = [
                each.public_bytes(serialization.Encoding.PEM).decode()
                for each in (self.certified(key), self.root)
            ]
            return JSONResponse(
                {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}
            )

        async def log(request: Request) -> Response:
            asked.append(request.url.path)
            content = (await request.json())["spec"]["proposedContent"]
            certificate = base64.b64decode(content["verifiers"][0])
            return JSONResponse({"entry": self.logged(content["envelope"], certificate)}, 201)

        return Starlette(
            routes=[
                Route("/token", token),
                Route("/.well-known/openid-configuration", issuer),
                Route("/login", login),
                Route("/code", code, methods=["POST"]),
                Route("/api/v2/signingCert", certify, methods=["POST"]),
                Route("/api/v1/log/entries", log, methods=["POST"]),
            ]
        )


@contextmanager
def running(sigstore: Sigstore) -> Iterator[tuple[str, list[str]]]:
    """The services at an address of this machine, and the paths that they were asked for."""
    asked: list[str] = []
    with at_root(sigstore.services(asked)) as host:
        yield f"http://{host}", asked


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _length(data: bytes) -> bytes:
    """The length of a value in DER."""
    if len(data) < 128:
        return bytes([len(data)])
    size = len(data).to_bytes(2, "big")
    return b"\x82" + size


def _octets(data: bytes) -> bytes:
    return b"\x04" + _length(data) + data


def _root_of(leaves: list[bytes]) -> bytes:
    """The root of the Merkle tree of RFC 6962 over the digests of its leaves."""
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    return _digest(b"\1", _root_of(leaves[:half]), _root_of(leaves[half:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """The proof that a leaf is in it."""
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*_path(index, leaves[:half]), _root_of(leaves[half:])]
    return [*_path(index - half, leaves[half:]), _root_of(leaves[:half])]


def _half(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1
