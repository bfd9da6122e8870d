"""The name that an unknown one most likely means."""

from __future__ import annotations

import pytest

from tetrad.schemas.nearest import nearest

FEW = ["temperature", "max_tokens", "top_p", "seed", "stop"]
MANY = [
    f"{what}-{number:03}" for what in ("late-parcel", "refund", "greeting") for number in range(300)
]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("temprature", FEW, "temperature"),
        ("Max_Tokens", FEW, "max_tokens"),
        ("colour", FEW, None),
        ("refnud-117", MANY, "refund-117"),
        ("Greeting-020", MANY, "greeting-020"),
        ("late_parcel-042", MANY, "late-parcel-042"),
        ("tax-form", MANY, None),
    ],
)
def test_the_nearest_name_is_meant(name: str, known: list[str], meant: str | None) -> None:
    assert nearest(name, known) == meant
