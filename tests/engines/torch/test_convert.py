"""A GGUF file of random weights, written here, through the converter."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import Watcher
from gguf import GGUFWriter, TokenType
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from tetrad.artifacts.store import Store
from tetrad.canonical import Digest, digest_file
from tetrad.engines.count import count_tokens
from tetrad.engines.torch.convert import converted
from tetrad.errors import ArtifactError, EngineUnavailable, Location
from tetrad.model import Model, Source, TorchEngine

HIDDEN, INNER, HEADS, KEPT, LAYERS = 32, 48, 4, 2, 1


@pytest.fixture(scope="module")
def gguf(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Named as the store names files: by a digest, without an ending."""
    path = tmp_path_factory.mktemp("gguf") / "0123abcd"
    _write_gguf(path, json.loads((tiny / "tokenizer.json").read_text())["model"])
    return path


@pytest.fixture(scope="module")
def digest(gguf: Path) -> Digest:
    return digest_file(gguf)


@pytest.fixture(scope="module")
def made(gguf: Path, digest: Digest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the file was converted."""
    cache = tmp_path_factory.mktemp("cache")
    converted(gguf, digest, cache=cache)
    return cache


def _write_gguf(path: Path, bpe: dict[str, object], *, without: str = "") -> None:
    vocabulary = bpe["vocab"]
    assert isinstance(vocabulary, dict)
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    merges = bpe["merges"]
    assert isinstance(merges, list)
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEPT)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    kinds = [TokenType.CONTROL, *[TokenType.NORMAL] * (len(tokens) - 1)]
    writer.add_token_types(kinds)
    writer.add_token_merges(
        [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
    )
    for kind in ("bos", "eos", "unk", "pad"):
        getattr(writer, f"add_{kind}_token_id")(0)
    for name, shape in _shapes(len(tokens)).items():
        if name == without:
            continue
        random = np.random.default_rng(len(name))
        writer.add_tensor(name, random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shapes(tokens: int) -> dict[str, tuple[int, ...]]:
    width = HIDDEN // HEADS * KEPT
    return {
        "token_embd.weight": (tokens, HIDDEN),
        "output_norm.weight": (HIDDEN,),
        "blk.0.attn_norm.weight": (HIDDEN,),
        "blk.0.ffn_norm.weight": (HIDDEN,),
        "blk.0.attn_q.weight": (HIDDEN, HIDDEN),
        "blk.0.attn_k.weight": (width, HIDDEN),
        "blk.0.attn_v.weight": (width, HIDDEN),
        "blk.0.attn_output.weight": (HIDDEN, HIDDEN),
        "blk.0.ffn_gate.weight": (INNER, HIDDEN),
        "blk.0.ffn_up.weight": (INNER, HIDDEN),
        "blk.0.ffn_down.weight": (HIDDEN, INNER),
    }


def test_a_conversion_is_what_transformers_reads_from_the_gguf(
    gguf: Path, digest: Digest, made: Path, tmp_path: Path
) -> None:
    tokens = torch.tensor([[5, 6, 7, 8]])
    (tmp_path / "m.gguf").symlink_to(gguf)
    straight = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf")

    kept = AutoModelForCausalLM.from_pretrained(converted(gguf, digest, cache=made))

    assert torch.equal(straight(tokens).logits, kept(tokens).logits)


def test_a_second_call_converts_nothing(gguf: Path, digest: Digest, made: Path) -> None:
    watcher = Watcher()

    converted(gguf, digest, cache=made, progress=watcher)

    assert watcher.work == []


def test_a_conversion_shows_its_tensors(gguf: Path, digest: Digest, tmp_path: Path) -> None:
    watcher = Watcher()

    converted(gguf, digest, cache=tmp_path, progress=watcher)

    assert watcher.work == [("converting the model, once", 11, 11)]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "tokenizer.json", "config.json", "manifest.json"]
)
def test_a_conversion_that_was_changed_or_cut_is_made_again(
    gguf: Path, digest: Digest, made: Path, tmp_path: Path, name: str
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(made, cache)
    kept = converted(gguf, digest, cache=cache)
    right = (kept / name).read_bytes()
    (kept / name).write_bytes(right[:-1])

    again = converted(gguf, digest, cache=cache)

    assert right == (again / name).read_bytes()


def test_what_is_begun_and_not_ended_is_not_there(
    gguf: Path, digest: Digest, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(gguf.read_bytes()[:2000])

    with pytest.raises(EngineUnavailable):
        converted(broken, digest, cache=tmp_path)

    assert [path.suffix for path in (tmp_path / "converted").iterdir()] == [".lock"]


def test_a_weight_that_the_file_lacks_is_named_and_nothing_is_kept(
    tiny: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lacking"
    bpe = json.loads((tiny / "tokenizer.json").read_text())["model"]
    _write_gguf(path, bpe, without="blk.0.ffn_down.weight")

    with pytest.raises(EngineUnavailable, match=r"lack the weights model\.layers\.0\.mlp\.down"):
        converted(path, digest_file(path), cache=tmp_path)

    assert [path.suffix for path in (tmp_path / "converted").iterdir()] == [".lock"]


def test_what_a_killed_converter_left_is_removed(
    gguf: Path, digest: Digest, made: Path, tmp_path: Path
) -> None:
    (kept,) = (path for path in (made / "converted").iterdir() if path.is_dir())
    left = tmp_path / "converted" / f"{kept.name}.a1b2c3d4"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half of it")

    converted(gguf, digest, cache=tmp_path)

    assert not left.exists()


def test_a_cache_that_cannot_be_written_is_said(gguf: Path, digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")

    with pytest.raises(ArtifactError, match="the converted model cannot be kept in"):
        converted(gguf, digest, cache=tmp_path / "cache")


def test_two_converters_at_once_make_one_conversion(
    gguf: Path, digest: Digest, tmp_path: Path
) -> None:
    watchers = [Watcher(), Watcher()]

    with ThreadPoolExecutor(2) as pool:
        folders = set(
            pool.map(lambda w: converted(gguf, digest, cache=tmp_path, progress=w), watchers)
        )

    assert len(folders) == 1
    assert sum(len(watcher.work) for watcher in watchers) == 1


def test_a_kind_of_model_that_transformers_does_not_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    writer = GGUFWriter(path, "no-such-architecture")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    with pytest.raises(EngineUnavailable, match="transformers cannot read"):
        converted(path, digest_file(path), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b"llama.context_length", b"llama.context_l\xffngth"),  # no UTF-8
        (b"\xc4\xa0order", b"\xc4\xa0ordex"),  # a merge makes a token that there is not
        (b"tokenizer.ggml.merges", b"tokenizer.ggml.nerges"),
        (b"token_embd.weight\x02\0\0\0", b"token_embd.weight\xff\xff\xff\xff"),
        (b"general.architecture\x08\0\0\0\x05\0", b"general.architecture\x08\0\0\0\xff\xff"),
        (b"tokenizer.ggml.tokens\x09\0\0\0\x08", b"tokenizer.ggml.tokens\x09\0\0\0\x07"),
    ],
)
def test_a_damaged_file_is_refused(
    gguf: Path, tmp_path: Path, written: bytes, instead: bytes
) -> None:
    whole = gguf.read_bytes()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(whole.replace(written, instead, 1))

    assert written in whole
    with pytest.raises(EngineUnavailable, match="transformers cannot read the GGUF file"):
        converted(damaged, digest_file(damaged), cache=tmp_path)


def test_digits_are_tokens_of_their_own_though_two_spaces_precede_them(
    gguf: Path, digest: Digest, made: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(converted(gguf, digest, cache=made) / "tokenizer.json"))

    pieces = [text for text, _ in tokenizer.pre_tokenizer.pre_tokenize_str("a  12")]

    assert pieces == ["a", "ĠĠ", "1", "2"]


def test_a_converted_files_tokens_are_counted_exactly(
    gguf: Path, digest: Digest, made: Path, tmp_path: Path
) -> None:
    (tmp_path / "torch").symlink_to(made)
    model = Model(
        ref="m", location=Location("m.yaml"), source=Source(uri="file://m", scheme="file"),
        files={"m.gguf": digest}, engine=TorchEngine(),
    )  # fmt: skip

    count, exact = count_tokens(model, "the order is late", Store(tmp_path))

    assert exact
    assert 4 <= count < len("the order is late")


def test_converting_is_silent(
    gguf: Path, digest: Digest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    converted(gguf, digest, cache=tmp_path)

    assert capfd.readouterr() == ("", "")
