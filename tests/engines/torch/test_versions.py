"""What the torch engine and embedder say that computes, read without importing any of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from tetrad.canonical import digest_bytes, digest_file
from tetrad.engines.torch.versions import embedder_build, engine_build
from tetrad.errors import ExitCode, Location
from tetrad.model import Model, Source, TorchEngine

GGUF = Model(
    ref="m", location=Location("m.yaml"), source=Source(uri="file://m", scheme="file"),
    files={"m.gguf": digest_bytes(b"")}, engine=TorchEngine(),
)  # fmt: skip
SAFETENSORS = replace(GGUF, files={"model.safetensors": digest_bytes(b"")})
PACKAGES = ("torch", "transformers", "tokenizers", "llguidance", "gguf")


def test_a_build_names_packages_device_and_our_own_version() -> None:
    build = engine_build(GGUF)

    for package in PACKAGES:
        assert f"{package} {version(package)}" in build
    assert build.endswith("; tetrad torch-engine 2, 256 tokens by default, converter 1")
    assert {"cpu", "cuda"} & set(build.replace(";", " ").split())


def test_the_reader_of_gguf_is_part_of_a_ggufs_build_only() -> None:
    assert "gguf" not in engine_build(SAFETENSORS)


PROGRAM = """
import sys
from pathlib import Path
from tetrad.canonical import digest_bytes
from tetrad.engines.torch.versions import embedder_build, engine_build
from tetrad.engines.torch.convert import converted_at
from tetrad.errors import Location
from tetrad.model import Model, Source, TorchEngine
gguf = Model(ref="m", location=Location("m.yaml"), source=Source(uri="file://m", scheme="file"),
             files={"m.gguf": digest_bytes(b"")}, engine=TorchEngine())
print(engine_build(gguf))
print(embedder_build())
print(converted_at(digest_bytes(b""), cache=Path("cache")))
sys.exit("torch" in sys.modules or "transformers" in sys.modules)
"""


def told(packages: Path, **installed: str) -> list[str]:
    """The builds of engine and embedder and a conversion's folder, beside further packages."""
    for name, number in installed.items():
        folder = packages / f"{name}-{number}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
        )
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("package", PACKAGES)
def test_another_version_is_another_build_and_another_conversion(
    tmp_path: Path, package: str
) -> None:
    engine, embedder, conversion = told(tmp_path / "none")

    moved = told(tmp_path / "other", **{package: "99.1+cpu"})

    assert engine_build(GGUF) == engine
    assert embedder_build() == embedder
    assert engine != moved[0]
    assert f"{package} 99.1+cpu" in moved[0]
    assert (embedder != moved[1]) is (package in {"torch", "transformers", "tokenizers"})
    assert (conversion != moved[2]) is (package in {"transformers", "tokenizers", "gguf"})


@pytest.fixture
def repository(tmp_path: Path, files: Mapping[str, Path]) -> Path:
    """A repository whose one stack the tiny model answers."""
    pinned = "".join(
        f"  model/{path.name}: {digest_file(path)}\n" for path in files.values() if path.is_file()
    )
    written = {
        "prompts/echo.yaml": "kind: prompt\nvariables: {text: {type: string}}\n"
        "style: completion\nmessages: [{role: user, content: '{{ text }}'}]\n"
        "generation: {temperature: 0, max_tokens: 2}\n",
        "stacks/models/tiny.yaml": f"kind: model\nsource: file://.\nfiles:\n{pinned}"
        "engine: {torch: {}}\n",
        "stacks/echo.yaml": "kind: stack\nprompt: prompts/echo\nmodel: stacks/models/tiny\n",
        "evals/echo/suite.yaml": "kind: suite\nstacks: [stacks/echo]\ngolden: ./golden.yaml\n"
        "gate: [{metric: answer, min: 0}]\n",
        "evals/echo/golden.yaml": "- id: a\n  vars: {text: the order is}\n"
        "  assert: [{type: not-equals, value: late}]\n",
    }
    for path, text in written.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "model").mkdir()
    for file in files.values():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_a_gate_whose_answers_are_all_kept_imports_no_torch(repository: Path) -> None:
    program = (
        "import sys\n"
        "from tetrad.cli import main\n"
        "code = main(['gate'])\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    environment = {**os.environ, "TETRAD_CACHE": str(repository / "cache"), "COLUMNS": "200"}
    cold, warm = (
        subprocess.run(
            [sys.executable, "-c", program], cwd=repository, env=environment,
            check=False, capture_output=True, text=True,
        )
        for _ in range(2)
    )  # fmt: skip

    assert (cold.returncode, warm.returncode) == (ExitCode.PASSED, ExitCode.PASSED), cold.stderr
    assert "1 call made" in cold.stdout
    assert "0 calls made, 1 cached" in warm.stdout
    assert f"build: torch {version('torch')} " in warm.stdout
    assert warm.stderr.endswith("False False\n")
