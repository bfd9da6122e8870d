"""Canonical bytes and digests; the only module that imports `hashlib`.

JSON is made canonical by RFC 8785, documents are bound by the Merkle tree of RFC 6962.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
else:
    Json = Any  # what reads annotations cannot follow a type into itself

_WRITTEN = re.compile(r"sha256:([0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class Digest:
    """A value of a named algorithm over canonical bytes, written `sha256:<64 hex>`."""

    algorithm: str
    value: bytes

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def hex(self) -> str:
        return self.value.hex()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<64 lower-case hex>`; ValueError on anything else."""
        match = _WRITTEN.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not sha256: and 64 lower-case hexadecimal digits")
        return cls("sha256", bytes.fromhex(match[1]))


class Digester:
    """A SHA-256 over bytes that arrive piece by piece."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def digest(self) -> Digest:
        return Digest("sha256", self._state.digest())


def canonical_json(value: Json) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises ValueError for what RFC 8785 cannot carry: NaN, infinities, integers beyond
    2**53 - 1, lone surrogates; and for what is nested too deeply.
    """
    try:
        try:
            return _QUICK.encode(_quick(value)).encode()
        except (_Unusual, UnicodeEncodeError):
            return _thorough(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_json(text: str) -> Any:
    """The value of a JSON text in which no key is given twice and every number is finite.

    Raises ValueError for any other text, and for what is nested too deeply.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_int=_whole,
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise ValueError(f"the key {twice[:40]!a} is given twice")
    return document


def _finite(number: str) -> float:
    value = float(number)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(f"{number} is not finite")
    return value


def _whole(number: str) -> int:
    try:
        return int(number)
    except ValueError:  # what Python says names a setting of its own
        raise ValueError(f"a number of {len(number):,} digits") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _thorough(value: Json) -> bytes:
    import rfc8785

    return rfc8785.dumps(_plain(value))


def as_digested(value: Json) -> Any:
    """The value as its canonical bytes tell it: keys in the order of RFC 8785, section 3.2.3, and
    numbers that are whole without a fraction.

    A digest sees neither the order of keys nor whether 1 was written 1.0, so what a model is shown
    must not depend on them either.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        ordered = sorted(
            value.items(), key=lambda item: item[0].encode("utf-16be", "surrogatepass")
        )
        return {key: as_digested(item) for key, item in ordered}
    if isinstance(value, Sequence):
        return [as_digested(item) for item in value]
    return value


def digest_of(value: Json) -> Digest:
    """SHA-256 over the RFC 8785 bytes of a JSON value."""
    return digest_bytes(canonical_json(value))


def digest_bytes(data: bytes) -> Digest:
    return Digest("sha256", sha256_of(data))


def sha256_of(data: bytes) -> bytes:
    """The value of `digest_bytes` alone, for where thousands are taken."""
    return hashlib.sha256(data).digest()


def with_lf(data: bytes) -> bytes:
    """The bytes of a text file as Git keeps them: CRLF is LF in UTF-8 without NUL.

    Line ends that a checkout may make (core.autocrlf) must not decide a digest, nor what is sent.
    """
    if b"\r\n" not in data or b"\0" in data:
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data
    return data.replace(b"\r\n", b"\n")


def digest_text(data: bytes) -> Digest:
    """The digest of a file of the repository, whatever line ends Git has checked it out with."""
    return digest_bytes(with_lf(data))


def digest_file(path: Path) -> Digest:
    with path.open("rb") as stream:
        return Digest("sha256", hashlib.file_digest(stream, "sha256").digest())


def blob_id(data: bytes, algorithm: str) -> str:
    """Git's name for a file's content, in a repository with ids of the algorithm."""
    named = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    named.update(data)
    return named.hexdigest()


def merkle_root(leaves: Iterable[bytes]) -> Digest:
    """Merkle tree head of RFC 6962, section 2.1, over the leaves in the order given."""
    hashed = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    return Digest("sha256", _tree_head(hashed))


def _tree_head(hashed: Sequence[bytes]) -> bytes:
    if not hashed:
        return hashlib.sha256(b"").digest()
    if len(hashed) == 1:
        return hashed[0]
    split = 1 << (len(hashed) - 1).bit_length() - 1
    left, right = _tree_head(hashed[:split]), _tree_head(hashed[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


# Written in C, where the library is Python; the same bytes for what `_quick` lets through.
_QUICK = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
)
_SAFE = 2**53 - 1


class _Unusual(Exception):
    """A value whose canonical bytes only the library knows."""


def _quick(value: Any) -> Any:
    """The value as Python's own encoder writes it by RFC 8785; _Unusual for one that it would not.

    Python sorts keys by code points, which is the order of UTF-16 units for ASCII, and writes a
    float as ECMAScript does where neither uses an exponent, but for the fraction of a whole one.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict or (kind not in _QUICKLY_TOLD and isinstance(value, Mapping)):
        return _quick_mapping(value)
    if kind is list or isinstance(value, list | tuple):
        return [item if type(item) is str else _quick(item) for item in value]
    if isinstance(value, float) and not value.is_integer() and 1e-4 <= abs(value) < 1e15:
        return value
    if kind in _ATOMS and -_SAFE <= value <= _SAFE and value == int(value):
        return int(value)
    raise _Unusual


def _quick_mapping(value: Any) -> dict[str, Any]:
    for key in value:
        if type(key) is not str or not key.isascii():
            raise _Unusual
    return {k: item if type(item) is str else _quick(item) for k, item in value.items()}


# Asked first: a look at an abstract class costs more than the rest of the encoding.
_ATOMS = frozenset((str, int, float, bool, type(None)))
_QUICKLY_TOLD = _ATOMS | {list, tuple}


def _plain(value: Json) -> Any:
    """The same value in the dicts and lists that rfc8785 takes."""
    if type(value) in _ATOMS:
        return value
    if isinstance(value, dict | Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) or (
        isinstance(value, Sequence) and not isinstance(value, str)
    ):
        return [_plain(item) for item in value]
    return value
