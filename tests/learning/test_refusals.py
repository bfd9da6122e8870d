"""Which answers count as refusals."""

from __future__ import annotations

import pytest
from runtime.factory import stack

from tetrad.learning.refusals import refuses
from tetrad.runtime.fixed_answers import CANARY_WITHHELD, CREDENTIAL_REFUSED, TOO_LONG, WITHHELD


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot do this.",
        "Sorry, we are unable to. We can't share that.",
        "As an AI, I have no opinion.",
        "Unfortunately I am not able to answer.",
        "Das kann ich leider nicht sagen.",
        "Ich kann dir dabei nicht helfen.",
        "Je ne peux pas répondre.",
        "No puedo ayudarte.",
        TOO_LONG, WITHHELD, CREDENTIAL_REFUSED, CANARY_WITHHELD,
    ],
)  # fmt: skip
def test_refusals_are_recognised(text: str) -> None:
    assert refuses(text, stack())


@pytest.mark.parametrize(
    "text",
    [
        "positive",
        "You have 25 days of leave.",
        "Sorry to hear that! The parcel arrives tomorrow.",
        "Customers cannot return opened software.",
        "The form asks: can't find your order? " + "Then call us. " * 20 + "I can't say more.",
        "",
    ],
)
def test_answers_are_not(text: str) -> None:
    assert not refuses(text, stack())
