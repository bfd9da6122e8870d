"""However a file is damaged, loading it ends in a value or in messages, never in a traceback."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from tetrad.errors import SpecError
from tetrad.spec.load import load_repository

HERE = Path(__file__).parent
SEEDS = sorted(
    path
    for path in [*(HERE / "valid").rglob("*"), *(HERE / "invalid").rglob("*")]
    if path.suffix in {".yaml", ".yml", ".jsonl", ".csv", ".toml"}
)
PIECES = [
    b"\t", b"\n", b" ", b"- ", b": ", b"[", b"]", b"{", b"}", b'"', b"'", b"|", b">", b"#", b"&a ",
    b"*a", b"<<: ", b"!!str ", b"---\n", b"%YAML 1.1\n", b"\x00", b"\xff", b"\xc3", b"\\ud800",
    b"\xf0\x9f\x92\xa9", b"null", b"true", b"1e999", b".nan", b"9" * 40, b"file://", b"./", b"../",
    b"kind: stack\n", b"extends: prompts/base\n", b"[[[[[[[[[[[[[[[[[[", b"\r", b"\xe2\x80\xa8", b"",
]  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice([0, 0, 1, 2, 10, 50]))
        match chance.randint(0, 3):
            case 0:
                piece = chance.choice(PIECES)
            case 1:
                piece = bytes([chance.randrange(256)])
            case 2:
                other = chance.randint(0, len(data))
                piece = data[other : other + chance.randint(0, 40)]
            case _:
                piece = b""
        data = data[:start] + piece + data[end:]
    return data


def load_damaged(tree: Path, seed: int) -> None:
    """Damage one file of a small repository, load it, and put it back."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        target = chance.choice(sorted(p for p in tree.rglob("*") if p.is_file()))
        source = target
    else:
        source = chance.choice(SEEDS)
        places = {".jsonl": "evals/triage/golden.jsonl", ".csv": "evals/shop/rows/golden.csv"}
        target = tree / places.get(source.suffix, "evals/handbook-qa/golden.yaml")
        if source.suffix in {".yaml", ".yml"} and chance.random() < 0.8:
            target = tree / "prompts/triage.yaml"
    before = target.read_bytes()
    target.write_bytes(damaged(source.read_bytes(), chance))
    try:
        with suppress(SpecError):
            load_repository(tree)
    finally:
        target.write_bytes(before)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "valid/formats", tmp_path / "tree"))


def test_a_damaged_file_ends_in_messages(tree: Path) -> None:
    for seed in range(500):
        load_damaged(tree, seed)


@pytest.mark.campaign
def test_twenty_thousand_damaged_files_end_in_messages(tree: Path) -> None:
    for seed in range(1_000, 21_000):
        load_damaged(tree, seed)
