"""A statement about an identity, signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tetrad.canonical import Digest
from tetrad.ed25519 import PrivateKey
from tetrad.evidence.dsse import seal
from tetrad.evidence.statements import Predicate, Statement, write_statement

Sealing: TypeAlias = Callable[[bytes], bytes]  # makes the envelope of a payload


def with_key(key: PrivateKey) -> Sealing:
    return lambda payload: seal(payload, [key])


def sign(predicate: Predicate, *, identity: Digest, name: str, sealing: Sealing) -> bytes:
    """The envelope of a statement about an identity; `name` is for people, and decides nothing."""
    statement = Statement(identity=identity, name=name, predicate=predicate)
    return sealing(write_statement(statement))
