"""How the package is built, held to what `python benchmarks/structure.py` prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import structure  # noqa: E402 - it is a command of its own

MODULES = structure.sources()


def test_functions_fit_a_screen() -> None:
    assert structure.long_functions(MODULES) == {}


def test_files_have_one_subject() -> None:
    assert structure.long_files(MODULES) == {}


def test_no_two_modules_share_a_name() -> None:
    assert structure.repeated_modules(MODULES) == {}


def test_no_two_public_classes_share_a_name() -> None:
    assert structure.repeated_classes(MODULES) == {}


def test_the_longest_import_chain_is_short() -> None:
    assert len(structure.longest_chain(MODULES)) <= structure.LIMITS["chain"]


@pytest.mark.parametrize("name", ["spec", "build", "tests", "utils", "helpers", "common"])
def test_no_folder_has_a_name_that_tools_take_for_something_else(name: str) -> None:
    assert [module for module in MODULES if name in module.split(".")] == []
