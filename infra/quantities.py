"""Amounts of resources in Kubernetes' terms."""

from __future__ import annotations

import math


def quantity(amount: object) -> str:
    """As the API server writes it, so that what is applied and what is read back are the same."""
    if isinstance(amount, float) and not amount.is_integer():
        return f"{math.ceil(amount * 1000)}m"
    return str(int(amount)) if isinstance(amount, int | float) else str(amount)


def amount_of(written: str) -> float:
    """Of whole units or thousandths; nothing else has a price."""
    if written.endswith("m"):
        return float(written[:-1]) / 1000
    return float(written) if written.replace(".", "", 1).isdigit() else 0.0
