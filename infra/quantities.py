"""Amounts of resources in Kubernetes' terms."""

from __future__ import annotations

import math
import re

_FACTORS = {
    "": 1.0,
    **{suffix: 1000.0**power for power, suffix in enumerate(("n", "u", "m"), start=-3)},
    **{suffix: 1000.0**power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+|)")


def quantity(amount: object) -> str:
    """As the API server writes it, so that what is applied and what is read back are the same."""
    if isinstance(amount, float) and not amount.is_integer():
        return f"{math.ceil(amount * 1000)}m"
    return str(int(amount)) if isinstance(amount, int | float) else str(amount)


def amount_of(written: str) -> float:
    """The number that Kubernetes reads in a quantity, of cores, bytes or pieces; 0 where it reads none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    found = _QUANTITY.fullmatch(written)
    if found is None:
        return 0.0
    number, suffix = found.groups()
    return float(number) * _FACTORS[suffix] if suffix in _FACTORS else float(written)
