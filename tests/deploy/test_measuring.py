"""What is measured of an identity since a step began, and which limits that exceeds."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pointing import gateway, identity

from tetrad.deploy.measuring import Measure, breaches
from tetrad.identity import written_identity
from tetrad.model.serving import AbortLimits
from tetrad.pointer import Figures, GatewayState

NEW = identity("b")


def says(name: str, **counted: int) -> GatewayState:
    figures = Figures(**counted)  # type: ignore[arg-type]
    return gateway(name, figures={written_identity(NEW): figures})


def measured(*looks: tuple[GatewayState, ...]) -> Figures:
    measure = Measure(identity=NEW)
    measure.begin(looks[0])
    for look in looks[1:-1]:
        measure.look(look)
    return measure.look(looks[-1])


def test_only_what_was_counted_since_is_measured_over_all_gateways() -> None:
    found = measured(
        (says("one", requests=10, errors=2), says("two", requests=5)),
        (says("one", requests=16, errors=3), says("two", requests=9, guarded=1)),
    )

    assert (found.requests, found.errors, found.guarded) == (10, 1, 1)


def test_a_gateway_that_starts_meanwhile_counts_from_nothing() -> None:
    found = measured(
        (says("one", requests=10),), (says("one", requests=10), says("two", requests=4))
    )

    assert found.requests == 4


def test_a_gateway_that_goes_away_counts_as_it_said_last() -> None:
    found = measured((says("one"),), (says("one", requests=7),), ())

    assert found.requests == 7


def test_other_identities_do_not_count() -> None:
    other = gateway(figures={written_identity(identity("a")): Figures(requests=3)})

    assert measured((other,), (other,)).requests == 0


LIMITS = AbortLimits(error_rate=0.02, p95_ms=1500, contract_rate=0.1, guardrail_rate=0.5)


@pytest.mark.parametrize(
    ("figures", "limits", "expected"),
    [
        (Figures(), LIMITS, []),
        (Figures(requests=50, errors=1), LIMITS, []),  # at the limit
        (Figures(requests=50, errors=2), LIMITS,
         ["error_rate is 0.04, the limit 0.02 (50 requests)"]),
        (Figures(requests=50, errors=50), AbortLimits(), []),
        (Figures(requests=10, contract=2), LIMITS,
         ["contract_rate is 0.2, the limit 0.1 (10 requests)"]),
        (Figures(requests=10, guarded=6), LIMITS,
         ["guardrail_rate is 0.6, the limit 0.5 (10 requests)"]),
        (Figures(requests=100, latency_ms={"50": 95, "2000": 5}), LIMITS, []),
        (Figures(requests=100, latency_ms={"50": 90, "2000": 10}), LIMITS,
         ["p95_ms is 1750, the limit 1500 (100 requests)"]),
        (Figures(requests=10, latency_ms={"inf": 10}), LIMITS,
         ["p95_ms is inf, the limit 1500 (10 requests)"]),
        (Figures(requests=10, errors=10, contract=10), LIMITS,
         ["error_rate is 1, the limit 0.02 (10 requests)",
          "contract_rate is 1, the limit 0.1 (10 requests)"]),
    ],
)  # fmt: skip
def test_a_limit_is_exceeded_by_what_was_measured(
    figures: Figures, limits: AbortLimits, expected: list[str]
) -> None:
    assert [str(breach) for breach in breaches(figures, limits)] == expected


@pytest.mark.parametrize(
    ("latency_ms", "share", "expected"),
    [
        ({}, 0.95, 0.0),
        ({"100": 4}, 0.5, 75.0),  # in the middle of 50 to 100
        ({"50": 1, "100": 1}, 0.5, 50.0),
        ({"5": 100}, 1.0, 5.0),
        ({"60000": 1, "inf": 1}, 0.9, float("inf")),
    ],
)
def test_a_quantile_is_found_within_its_bucket(
    latency_ms: Mapping[str, int], share: float, expected: float
) -> None:
    assert Figures(latency_ms=latency_ms).quantile_ms(share) == expected
