"""`python -m tetrad`, in a folder that is a stranger's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tetrad import __version__

SHADOWS = ("yaml", "argparse", "pathlib", "jinja2", "jsonschema_rs", "tomllib", "enum")


def in_hostile_folder(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(
            f"import pathlib; pathlib.Path({str(folder / 'ran')!r}).touch()"
        )
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "module", [["-m", "tetrad"], ["-m", "tetrad.cli"], ["-mtetrad"], ["-P", "-m", "tetrad"]]
)
@pytest.mark.parametrize("command", [["lint"], ["init", "system"]])
def test_no_module_of_the_working_folder_is_imported(
    tmp_path: Path, module: list[str], command: list[str]
) -> None:
    done = in_hostile_folder(tmp_path, *module, *command)

    assert "Traceback" not in done.stderr
    assert done.returncode == (2 if command == ["lint"] else 0), done.stderr
    assert not (tmp_path / "ran").exists()


def test_another_program_keeps_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("import tetrad\n")
    (tmp_path / "beside.py").touch()
    (tmp_path / "mine" / "__main__.py").write_text(
        "import beside, mine\nprint(mine.tetrad.__version__)\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "mine"], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == (f"{__version__}\n", "")
