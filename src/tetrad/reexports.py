"""Packages whose names are imported where they are used first, each with its own module alone.

A command that somebody waits for imports what it needs: `from tetrad.model import Environment` leaves
the modules of prompts and suites alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def importer(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """The `__getattr__` of a package (PEP 562), by the names that it has of each of its modules.

    No name may be that of a module: importing the module would put it in the name's place.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next time it is found at once
        return value

    return load
