"""What guardrails take for an injection: the vectors of injections.yaml, and more of their kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tetrad.runtime.injection import HEURISTICS, injections_in

VECTORS = yaml.safe_load(Path(__file__).with_name("injections.yaml").read_text("utf-8"))
FOUND = [(kind, text) for kind, texts in VECTORS["found"].items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_an_injection_is_found_as_its_kind(kind: str, text: str) -> None:
    assert kind in injections_in(text)
    assert kind in injections_in(f"Hello there,\n{text}\nKind regards")


@pytest.mark.parametrize("text", VECTORS["clean"])
def test_what_people_write_is_none(text: str) -> None:
    assert injections_in(text) == ()


def test_every_kind_has_vectors() -> None:
    assert {one.what for one in HEURISTICS} == VECTORS["found"].keys()


@given(st.text(), st.sampled_from([text for _, text in FOUND]))
def test_nothing_around_it_hides_an_injection(around: str, text: str) -> None:
    assert injections_in(f"{around}\n{text}\n{around}") != ()
