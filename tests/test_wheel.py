"""The wheel holds what it needs and nothing else, and works beside the core's requirements alone."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tetrad.cli.infra_scaffold import program_files

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "tetrad"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the back end that is installed here: an isolated one would be fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "--outdir", folder, ROOT], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's Python, with the wheel and the core's requirements and nothing else."""
    folder = tmp_path_factory.mktemp("core")
    venv.create(folder, with_pip=False, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    for required in requirements_of(distribution("tetrad"), seen={"tetrad"}):
        for entry in {file.parts[0] for file in required.files or ()} - {".."}:
            there = site_packages / entry
            if not there.exists():
                there.symlink_to(Path(str(required.locate_file(entry))))
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    return python


def requirements_of(installed: Distribution, seen: set[str]) -> Iterator[Distribution]:
    """What a distribution requires without any extra, and what that requires."""
    for written in installed.requires or ():
        requirement = Requirement(written)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in seen:
            seen.add(requirement.name)
            found = distribution(requirement.name)
            yield found
            yield from requirements_of(found, seen)


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    files = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    program = {
        f"tetrad/cli/scaffold/infra/{source.relative_to(ROOT / 'infra').as_posix()}"
        for source, _ in program_files()
        if isinstance(source, Path) and source.is_relative_to(ROOT / "infra")
    }

    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert files | program == held
    assert {".css", ".j2", ".js", ".json", ".yaml"} <= {Path(name).suffix for name in held}


def test_a_checkout_that_is_installed_in_place_adds_its_sources_alone(tmp_path: Path) -> None:
    hook = "import sys, hatchling.build as it; it.build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", hook, tmp_path], cwd=ROOT, check=True)

    (built,) = tmp_path.glob("*.whl")
    with ZipFile(built) as wheel:
        (path,) = [name for name in wheel.namelist() if ".dist-info/" not in name]
        assert wheel.read(path).decode().strip() == str(ROOT / "src")


def test_the_core_alone_evaluates_what_init_lays_down(python: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("TETRAD_", "PYTHON"))},
        "TETRAD_CACHE": str(tmp_path / "cache"),
    }

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    subprocess.run(["git", "init", "--quiet", repository], check=True)
    tetrad = python.with_name("tetrad")

    assert "exit codes" in run(tetrad, "--help")
    assert "stacks/models/scripted.yaml" in run(tetrad, "init")
    assert "nothing found" in run(tetrad, "lint")
    assert '"$id"' in run(tetrad, "schema", "prompt")
    assert "PASSED" in run(tetrad, "gate")
    assert (repository / ".tetrad" / "report.html").is_file()


def test_what_is_installed_lays_down_the_infrastructure_program_of_the_checkout(
    python: Path, tmp_path: Path
) -> None:
    tetrad = python.with_name("tetrad")
    init: list[str | Path] = [tetrad, "init", "--engine", "scripted", "--deploy", tmp_path]

    subprocess.run(init, check=True, capture_output=True)

    assert not list(tmp_path.rglob("__pycache__"))
    for source, name in program_files():
        assert (tmp_path / "infra" / name).read_text() == source.read_text()
    laid = {path.relative_to(tmp_path / "infra").as_posix() for path in _files(tmp_path / "infra")}
    assert laid == {
        *(name for _, name in program_files()),
        "environments/production.yaml",
        "environments/staging.yaml",
    }


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
