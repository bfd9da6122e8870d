"""Packages that import their names with the module of each, where they are used first."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tetrad

SOURCE = Path(tetrad.__file__).parent
PACKAGES = sorted(
    file.parent.relative_to(SOURCE).as_posix()
    for file in SOURCE.rglob("__init__.py")
    if "tetrad.reexports import importer" in file.read_text()
)


def test_there_are_some() -> None:
    assert "model" in PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_what_type_checkers_read_is_what_is_imported(package: str) -> None:
    source = (SOURCE / package / "__init__.py").read_text()
    module = import_module(f"tetrad.{package.replace('/', '.')}")
    found = {
        alias.name: getattr(import_module(str(node.module)), alias.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(module.__name__)
        for alias in node.names
    }

    assert sorted(found) == sorted(module.__all__)
    assert {name: getattr(module, name) for name in found} == found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_that_of_a_module(package: str) -> None:
    module = import_module(f"tetrad.{package.replace('/', '.')}")

    assert not set(module.__all__) & {found.name for found in pkgutil.iter_modules(module.__path__)}


def test_a_name_brings_its_own_module_alone() -> None:
    code = "import sys; from tetrad.model import Environment; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "tetrad.model.environment" in done.stdout.split()
    assert "tetrad.model.prompt" not in done.stdout.split()


def test_a_name_that_a_package_does_not_have() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'tetrad\\.model'"):
        exec("from tetrad.model import Nothing", {})
