"""The one object per environment that says which identities answer, and at which share.

Each version of it is an entry of the ledger, signed by a deployer where the environment names some:
what writes it (commands, the gateway's page) and what reads it (gateways) meet here.
"""

from tetrad.pointer.deployers import Deployers, bytes_to_sign, envelope_of, seal_pointer
from tetrad.pointer.gateways import BOUNDS_MS, Figures, GatewayState
from tetrad.pointer.pointers import (
    Pointer,
    PointerChange,
    Rollout,
    ServedIdentity,
    StackPointer,
    Withdrawal,
)

__all__ = [
    "BOUNDS_MS",
    "Deployers",
    "Figures",
    "GatewayState",
    "Pointer",
    "PointerChange",
    "Rollout",
    "ServedIdentity",
    "StackPointer",
    "Withdrawal",
    "bytes_to_sign",
    "envelope_of",
    "seal_pointer",
]
