"""A statement about an identity, signed."""

from __future__ import annotations

from tetrad.canonical import Digest
from tetrad.ed25519 import PrivateKey
from tetrad.evidence.dsse import seal
from tetrad.evidence.statements import Predicate, Statement, write_statement


def sign(predicate: Predicate, *, identity: Digest, name: str, key: PrivateKey) -> bytes:
    """The envelope of a statement about an identity; `name` is for people, and decides nothing."""
    statement = Statement(identity=identity, name=name, predicate=predicate)
    return seal(write_statement(statement), [key])
