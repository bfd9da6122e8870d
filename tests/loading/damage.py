"""Small repositories of every format, one of whose files is damaged."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
# What may stand where another kind of value belongs.
VALUES = [
    b"null", b"true", b"-1", b"0", b"1.5", b"''", b"[]", b"{}", b"[1, {a: [b]}]", b"{a: {b: null}}",
    b"[null]", b'["", ""]', b"{'': ''}", b"hf://", b"hf://a/b@MAIN", b"oci://a:b", b"vendor://",
    b"endpoint://x", b"sha256:" + b"A" * 64, b"stacks/models/smollm2-135m", b"./golden.yaml",
    b'"{{ a.b }}"', b'"{{ a }"', b'"{% for a in b %}"', b'"{{ message | truncate(9) }}"',
    b'"\\u202e"', b'"\\U000E0041"', b"# tetrad: allow x -- y", b"{type: object, properties: 1}",
    b"{$ref: '#'}", b"2026-02-30",
]  # fmt: skip


def _damaged(data: bytes, chance: random.Random) -> bytes:
    """Bytes torn apart, or values put where others belong, which most often still parses."""
    tear = _torn if chance.random() < 0.5 else _exchanged
    return tear(data, chance)


def _exchanged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        starts = [at + 2 for at in range(len(data)) if data[at : at + 2] in {b": ", b"- "}]
        if not starts:
            return data
        start = chance.choice(starts)
        ends = [at for at in range(start, len(data)) if data[at : at + 1] in {b",", b"}", b"\n"}]
        end = chance.choice(ends[:2]) if ends else len(data)
        data = data[:start] + chance.choice(VALUES) + data[end:]
    return data


def _torn(data: bytes, chance: random.Random) -> bytes:
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


def small_repository(folder: Path) -> Path:
    """A copy of the tree that has every format."""
    return Path(shutil.copytree(HERE / "valid/formats", folder / "tree"))


@contextmanager
def one_file_damaged(tree: Path, seed: int) -> Iterator[None]:
    """Damage a file of a small repository, or put a damaged example in its place; then fix it."""
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
    target.write_bytes(_damaged(source.read_bytes(), chance))
    try:
        yield
    finally:
        target.write_bytes(before)
