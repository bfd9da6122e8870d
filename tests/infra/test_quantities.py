"""Quantities as Kubernetes reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantities import amount_of, quantity


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("500m", 0.5),
        ("250u", 0.00025),
        ("3n", 3e-9),
        ("1k", 1_000.0),
        ("2M", 2e6),
        ("1E", 1e18),
        ("1e3", 1_000.0),
        ("12E2", 1_200.0),
        ("64Ki", 65_536.0),
        ("24Gi", 24.0 * 2**30),
        ("1.5Ti", 1.5 * 2**40),
        ("-1", -1.0),
        ("", 0.0),
        ("a lot", 0.0),
        ("1KiB", 0.0),
        ("nan", 0.0),
    ],
)
def test_an_amount_is_read_with_its_suffix(written: str, amount: float) -> None:
    assert amount_of(written) == pytest.approx(amount)


@given(st.integers(0, 10**9) | st.floats(0, 10**6).map(lambda x: round(x, 3)))
def test_what_is_written_is_read_again(amount: float) -> None:
    assert amount_of(quantity(amount)) == pytest.approx(amount, abs=0.001)
