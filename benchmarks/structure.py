"""How the package is built, in numbers: sizes, names that occur twice, the longest import chain.

    python benchmarks/structure.py

`tests/test_structure.py` holds each to its limit. An import counts where it runs, a lazy one
included; one that only a type checker reads does not. A name that a package's `__init__` passes on
counts as imported from the module that defines it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "src"
LIMITS = {"chain": 18, "function": 50, "file": 400}


@dataclass(kw_only=True)
class Source:
    """A module of the package, parsed."""

    name: str  # dotted
    path: Path
    tree: ast.Module
    lines: int
    imports: set[tuple[str, str]] = field(default_factory=set)  # module and name imported from it

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


def sources(root: Path = ROOT) -> dict[str, Source]:
    """Every module below `root` by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text()
        tree = ast.parse(text)
        found[name] = Source(name=name, path=path, tree=tree, lines=len(text.splitlines()))
        found[name].imports = set(_imports(tree))
    return found


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What runs of the imports: modules, and the names that are taken from them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            continue  # a package's own, which passes names on
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        yield from _imports(node)


def long_functions(modules: Mapping[str, Source]) -> dict[str, int]:
    """Functions of more lines than fit a screen."""
    return {
        f"{module.name}.{node.name}": lines
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LIMITS["function"]
    }


def long_files(modules: Mapping[str, Source]) -> dict[str, int]:
    return {m.name: m.lines for m in modules.values() if m.lines > LIMITS["file"]}


def repeated_modules(modules: Mapping[str, Source]) -> dict[str, list[str]]:
    """Public modules and packages of one name, a command and what it runs aside."""
    names = defaultdict(list)
    for module in modules.values():
        last = module.name.rpartition(".")[2]
        if not last.startswith("_") and not module.name.startswith("tetrad.cli."):
            names[last].append(module.name)
    return {name: found for name, found in names.items() if len(found) > 1}


def repeated_classes(modules: Mapping[str, Source]) -> dict[str, list[str]]:
    """Public classes of one name."""
    names = defaultdict(list)
    for module in modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names[node.name].append(module.name)
    return {name: found for name, found in names.items() if len(found) > 1}


def longest_chain(modules: Mapping[str, Source]) -> list[str]:
    """Modules of which each imports the next, the longest there is; ValueError for a cycle."""
    underway: list[str] = []

    def defining(module: str, name: str) -> str | None:
        """The module that a name comes from, by way of the packages that pass it on."""
        if f"{module}.{name}" in modules:
            return f"{module}.{name}"
        if module not in modules:
            return None
        source = modules[module]
        if source.is_package:
            for origin, taken in source.imports:
                if taken == name and origin != module:
                    return defining(origin, name)
        return module

    @cache
    def chain(name: str) -> tuple[str, ...]:
        if name in underway:
            raise ValueError(" -> ".join([*underway[underway.index(name) :], name]))
        underway.append(name)
        found = {defining(module, taken) for module, taken in modules[name].imports}
        below = [chain(other) for other in sorted(filter(None, found)) if other != name]
        underway.pop()
        return (name, *max(below, key=len, default=()))

    longest = max((chain(name) for name in modules), key=len)
    return list(longest)


def main() -> None:
    modules = sources()
    files = [m for m in modules.values() if m.lines]
    chain = longest_chain(modules)
    for label, found in (
        (f"functions over {LIMITS['function']} lines", long_functions(modules)),
        (f"files over {LIMITS['file']} lines", long_files(modules)),
        ("names of more than one module", repeated_modules(modules)),
        ("names of more than one class", repeated_classes(modules)),
    ):
        print(f"{label}: {len(found)}")
        for name, value in found.items():
            print(f"  {name}: {value if isinstance(value, int) else ', '.join(value)}")
    print(f"longest import chain: {len(chain)} of at most {LIMITS['chain']}")
    print("  " + "\n  ".join(chain))
    print(f"{len(files)} files, {sum(m.lines for m in files)} lines")


if __name__ == "__main__":
    main()
