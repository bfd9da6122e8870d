"""Envelopes by DSSE 1.0.2 (https://github.com/secure-systems-lab/dsse): signed bytes, and who signed.

An envelope stands by itself, signed with keys, or in a Sigstore bundle, which says whose its key was.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

from tetrad.canonical import canonical_json, read_json
from tetrad.ed25519 import PrivateKey, is_signed, key_id
from tetrad.evidence.keyless import MEDIA_TYPE, is_signed_by
from tetrad.evidence.refused import Refused
from tetrad.model import Keyless, TrustedKey

K = TypeVar("K", bound=TrustedKey)
PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST = 16 << 20  # bytes of an envelope that is read
_MOST_SIGNATURES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """`keyid` is a hint: it says which key to try first, and decides nothing."""

    keyid: str
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]
    bundle: bytes | None = None  # that it stands in

    def signed_by(self, keys: Iterable[K]) -> tuple[K, ...]:
        """Those of the keys that signed, each once; a signature is of one key."""
        known = dict.fromkeys(keys)
        if self.bundle is None:
            signed_by = self._signed_with([key for key in known if isinstance(key, bytes)])
            return tuple(key for key in known if key in signed_by)
        return tuple(key for key in known if isinstance(key, Keyless) and self._is_by(key))

    def _is_by(self, who: Keyless) -> bool:
        assert self.bundle is not None  # noqa: S101 - asked of a bundle alone
        return is_signed_by(self.bundle, self.payload_type, self.payload, who)

    def _signed_with(self, keys: Iterable[bytes]) -> tuple[bytes, ...]:
        signed = signed_bytes(self.payload, self.payload_type)
        known = {key_id(key): key for key in keys}
        signed_by = {_signer(signature, signed, known) for signature in self.signatures}
        return tuple(key for key in known.values() if key in signed_by)


def _signer(signature: Signature, signed: bytes, known: Mapping[str, bytes]) -> bytes | None:
    hinted = known.get(signature.keyid)
    tried = known.values() if hinted is None else (hinted, *known.values())
    return next((key for key in tried if is_signed(key, signed, signature.value)), None)


def seal(payload: bytes, keys: Sequence[PrivateKey], payload_type: str = PAYLOAD_TYPE) -> bytes:
    """An envelope as JSON, signed by each key."""
    signed = signed_bytes(payload, payload_type)
    return write_envelope(
        Envelope(
            payload=payload,
            payload_type=payload_type,
            signatures=tuple(
                Signature(keyid=key_id(key.public), value=key.sign(signed)) for key in keys
            ),
        )
    )


def write_envelope(envelope: Envelope) -> bytes:
    """An envelope as JSON."""
    return canonical_json(
        {
            "payload": base64.b64encode(envelope.payload).decode(),
            "payloadType": envelope.payload_type,
            "signatures": [
                {"keyid": signature.keyid, "sig": base64.b64encode(signature.value).decode()}
                for signature in envelope.signatures
            ],
        }
    )


def open_envelope(data: bytes, *, least: int = 1) -> Envelope:
    """Read an envelope of at least so many signatures; nothing in it is trusted yet. Raises Refused."""
    if len(data) > LARGEST:
        _refuse(f"larger than {LARGEST:,} bytes")
    try:
        document = read_json(data.decode())
    except ValueError as error:
        _refuse(f"not JSON: {error}")
    if isinstance(document, dict) and "mediaType" in document:
        return replace(_envelope(_in_bundle(document), least=1), bundle=data)
    return _envelope(document, least)


def _in_bundle(bundle: dict[str, Any]) -> Any:
    """The envelope in a Sigstore bundle, of which the rest is read where it is verified."""
    _expect_keys(bundle, {"mediaType", "verificationMaterial", "dsseEnvelope"})
    if bundle["mediaType"] != MEDIA_TYPE:
        _refuse(f"unknown media type {bundle['mediaType']!r}, expected {MEDIA_TYPE}")
    return bundle["dsseEnvelope"]


def _envelope(document: Any, least: int) -> Envelope:
    _expect_keys(document, {"payload", "payloadType", "signatures"})
    signatures = document["signatures"]
    if not isinstance(signatures, list) or not least <= len(signatures) <= _MOST_SIGNATURES:
        _refuse(f"signatures must be a list of {least} to {_MOST_SIGNATURES}")
    return Envelope(
        payload=_base64(document["payload"], "payload"),
        payload_type=_text(document["payloadType"], "payloadType"),
        signatures=tuple(map(_signature, signatures)),
    )


def signed_bytes(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The pre-authentication encoding of DSSE, which is what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _signature(value: Any) -> Signature:
    if isinstance(value, dict):
        value = {"keyid": "", **value}
    _expect_keys(value, {"keyid", "sig"})
    return Signature(keyid=_text(value["keyid"], "keyid"), value=_base64(value["sig"], "sig"))


def _expect_keys(value: Any, keys: set[str]) -> None:
    if not isinstance(value, dict):
        _refuse("not a JSON object")
    for key in sorted(keys - value.keys()):
        _refuse(f"{key} is missing")
    for key in sorted(value.keys() - keys):
        _refuse(f"unknown field {key!r}")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        _refuse(f"{name} must be a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(f"{name} is not Unicode")
    return value


def _base64(value: Any, name: str) -> bytes:
    """Base64 with the standard alphabet or the one for URLs (RFC 4648), each text one value."""
    written = _text(value, name)
    for altchars in (b"+/", b"-_"):
        try:
            data = base64.b64decode(written, altchars=altchars)
        except (binascii.Error, ValueError):
            continue
        if base64.b64encode(data, altchars=altchars).decode() == written:
            return data
    raise Refused("envelope", f"{name} is not base64")


def _refuse(message: str) -> NoReturn:
    raise Refused("envelope", message)
