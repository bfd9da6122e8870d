"""Which modules of the repository code imports, told from its text alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tetrad.canonical import digest_bytes
from tetrad.loading.files import Tree
from tetrad.modules import Modules, code_digest
from tetrad.trees import WorkingTree

FILES = {
    "rules.py": "X = 1\n",
    "json.py": "X = 1\n",
    "evals/shared.py": "import rules\n",
    "evals/desk/near.py": "from evals import shared\n",
    "evals/desk/rules.py": "X = 2\n",
    "shop/__init__.py": "from .prices import price\n",
    "shop/prices.py": "from . import units\nfrom ..above import much\n",
    "shop/units.py": "import shop\n",
    "shop/deep/__init__.py": "",
    "shop/deep/down.py": "from ..units import x\nfrom .. import prices as p, units\n",
    "loop_a.py": "import loop_b\n",
    "loop_b.py": "import loop_a\n",
    "broken.py": "import rules\ndef (:\n",
    "windows.py": "import rules\r\n",
    "data/readme.txt": "",
}


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return Modules(Tree(WorkingTree(tmp_path)))


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x = 1", []),
        ("import os, json", []),
        ("import numpy, data, data.readme", []),
        ("import rules", ["rules"]),
        ("from rules import X", ["rules"]),
        (
            "def f():\n    try:\n        import rules\n    except ImportError:\n        pass",
            ["rules"],
        ),
        ("import evals.shared", ["evals.shared", "rules"]),
        ("from evals import shared, nothing", ["evals.shared", "rules"]),
        ("import evals.desk.near", ["evals.desk.near", "evals.shared", "rules"]),
        ("import shop", ["shop", "shop.prices", "shop.units"]),
        ("from shop import *", ["shop", "shop.prices", "shop.units"]),
        (
            "import shop.deep.down as d",
            ["shop", "shop.deep", "shop.deep.down", "shop.prices", "shop.units"],
        ),
        ("import loop_a", ["loop_a", "loop_b"]),
        ("import broken", ["broken"]),
        ("import windows", ["rules", "windows"]),
        ("from . import rules", []),
        ("from .rules import X", []),
        ("import rules.more", ["rules"]),
        ("this is no code, import", []),
        ("return rules\nimport rules", ["rules"]),
        ("import rules  # \\x", ["rules"]),
        ("s = '\\d'\nimport rules", ["rules"]),
    ],
)
def test_the_modules_behind_import_statements_are_found(
    modules: Modules, code: str, names: list[str]
) -> None:
    found = modules.imported_by(code.encode(), [""])

    assert [module.name for module in found] == names
    assert all(module.digest == digest_of_text(FILES[module.file]) for module in found)


def digest_of_text(text: str) -> object:
    return digest_bytes(text.replace("\r\n", "\n").encode())


def test_the_first_folder_comes_first(modules: Modules) -> None:
    (near,) = modules.imported_by(b"import rules", ["evals/desk", ""])
    (top,) = modules.imported_by(b"import rules", ["evals", ""])

    assert (near.file, top.file) == ("evals/desk/rules.py", "rules.py")


def test_relative_imports_count_from_the_codes_own_package(modules: Modules) -> None:
    found = modules.imported_by(b"from .deep import down", [""], package="shop")

    assert "shop.deep.down" in [module.name for module in found]


def test_a_link_out_of_the_repository_is_no_module(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out.py").symlink_to(tmp_path / "rules.py")

    assert Modules(Tree(WorkingTree(tmp_path / "inside"))).imported_by(b"import out", [""]) == ()


def test_code_without_imports_has_the_digest_of_its_text(modules: Modules) -> None:
    assert code_digest(b"x = 1\r\n", ()) == digest_bytes(b"x = 1\n")
    with_rules = code_digest(b"import rules\n", modules.imported_by(b"import rules\n", [""]))
    assert with_rules != digest_bytes(b"import rules\n")


def test_a_thousand_modules_are_each_read_once(tmp_path: Path) -> None:
    for number in range(1_000):
        nexts = f"import m{number + 1}, m{number + 2}\n" if number < 998 else ""
        (tmp_path / f"m{number}.py").write_text(nexts)
    read: list[str] = []

    class Counting(Tree):
        def read(self, file: str, asked_at: object) -> bytes:
            read.append(file)
            return super().read(file, asked_at)  # type: ignore[arg-type]

    modules = Modules(Counting(WorkingTree(tmp_path)))
    for _ in range(3):
        assert len(modules.imported_by(b"import m0", [""])) == 1_000
    assert len(read) == len(set(read)) == 1_000
