from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import Watcher
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModel, BertConfig, BertModel

from tetrad.engines.interfaces import Embedder
from tetrad.engines.torch import build_torch_embedder
from tetrad.errors import EngineUnavailable
from tetrad.identity import component_digest
from tetrad.model import Model

TEXTS = [
    "How many days of leave?",
    "leave",
    "the parcel is late and nobody knows where it went",
    "",
    "Leave, " * 60,
    "a parcel",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT as sentence-transformers lays it down, of up to 32 tokens."""
    folder = tmp_path_factory.mktemp("bert")
    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    words.train_from_iterator(TEXTS, trainer)
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    # as files of real models do: settings of their export, which must not matter
    words.enable_padding(length=128)
    words.enable_truncation(max_length=128)
    words.save(str(folder / "tokenizer.json"))
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=120, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 32}')
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return folder


def bert_files(folder: Path) -> Mapping[str, Path]:
    return {f"m/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def embedder(model: Model, folder: Path) -> Embedder:
    return build_torch_embedder(model, bert_files(folder))


def test_a_vector_is_the_mean_of_the_tokens_states_at_length_one(
    embedder: Embedder, folder: Path
) -> None:
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words.no_padding()
    ids = words.encode(TEXTS[0]).ids
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder)(torch.tensor([ids])).last_hidden_state[0]
    mean = states.mean(dim=0)
    expected = (mean / mean.norm()).numpy()

    (row,) = embedder.embed([TEXTS[0]])

    assert pytest.approx(expected, abs=1e-5) == row


def test_loading_is_shown_at_the_first_text_alone(model: Model, folder: Path) -> None:
    watcher = Watcher()
    embedder = build_torch_embedder(model, bert_files(folder), progress=watcher)
    assert watcher.work == []

    embedder.embed(TEXTS)
    embedder.embed(TEXTS)

    assert watcher.work == [("loading the embedder", None, 0)]


def test_vectors_do_not_depend_on_order_or_company(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)

    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    backwards = embedder.embed(TEXTS[::-1])[::-1]

    assert pytest.approx(together, abs=1e-5) == alone
    assert pytest.approx(together, abs=1e-5) == backwards


def test_vectors_have_length_one_and_four_bytes_a_number(embedder: Embedder) -> None:
    rows = embedder.embed(TEXTS)

    assert rows.dtype == np.float32
    assert pytest.approx(np.ones(len(TEXTS)), abs=1e-5) == np.linalg.norm(rows, axis=1)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 24)


def test_all_of_a_long_text_counts(embedder: Embedder) -> None:
    long, longer = embedder.embed(["leave " * 60, "leave " * 60 + "parcel " * 60])

    assert float(long @ longer) < 0.99


@pytest.mark.parametrize("words", [30, 31, 60, 61, 90, 1_000])
def test_the_windows_of_a_text_are_as_few_as_can_be_and_of_one_length(
    embedder: Embedder, words: int
) -> None:
    text = "leave, " * (words // 2) + "parcel" * (words % 2)

    windows = embedder.windows(text)
    sizes = [len(embedder.tokens(window)) for window in windows]

    assert "".join(windows) == text
    assert len(windows) == -(-len(embedder.tokens(text)) // 30)
    assert max(sizes) <= 30
    assert max(sizes) - min(sizes) < len(sizes)


def test_a_long_text_has_the_mean_of_its_windows(embedder: Embedder) -> None:
    text = "leave " * 40 + "parcel " * 30

    mean = embedder.embed(list(embedder.windows(text))).mean(axis=0)
    (row,) = embedder.embed([text])

    assert pytest.approx(mean / np.linalg.norm(mean), abs=1e-5) == row


@pytest.mark.campaign
def test_threads_that_embed_overlong_texts_do_not_disturb_each_other(embedder: Embedder) -> None:
    texts = ["cats " * 2_000] * 24
    alone = embedder.embed(texts[:1])

    with ThreadPoolExecutor(8) as threads:
        vectors = list(threads.map(lambda _: embedder.embed(texts), range(24)))

    assert all(np.allclose(alone, vector, atol=1e-6) for vector in vectors)


def test_tokens_are_offsets_into_the_text_without_special_ones(embedder: Embedder) -> None:
    text = "Leave, a parcel"

    pieces = [text[start:end] for start, end in embedder.tokens(text)]

    assert "".join(pieces) == "Leave,aparcel"


def test_all_tokens_of_a_long_text_are_given(embedder: Embedder) -> None:
    offsets = embedder.tokens("leave " * 500)

    assert offsets[-1][1] == 500 * 6 - 1


def test_the_digest_is_that_of_the_model(embedder: Embedder, model: Model) -> None:
    assert component_digest(model) == embedder.digest


def test_another_pooling_than_the_mean_is_refused(
    model: Model, folder: Path, tmp_path: Path
) -> None:
    pooling = tmp_path / "pooling.json"
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True}))
    files = {**bert_files(folder), "m/1_Pooling/config.json": pooling}

    with pytest.raises(EngineUnavailable, match="pools by cls_token"):
        build_torch_embedder(model, files)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", '{"hidden_size": 24}', "transformers cannot load the model"),
        ("config.json", "[", "config.json is no JSON object with a hidden_size"),
        ("config.json", "{}", "config.json is no JSON object with a hidden_size"),
        ("tokenizer.json", "{}", "tokenizer.json cannot be read"),
        ("model.safetensors", "", "transformers cannot load the model"),
    ],
)
def test_files_that_make_no_model_are_refused(
    model: Model, folder: Path, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    files = {**bert_files(folder), f"m/{name}": tmp_path / name}
    embedder = build_torch_embedder(model, files)

    with pytest.raises(EngineUnavailable, match=re.escape(said)):
        embedder.embed(TEXTS)


@pytest.mark.parametrize(
    ("weight", "needed"),
    [("pooler.dense.weight", False), ("encoder.layer.1.output.dense.weight", True)],
)
def test_all_weights_that_a_vector_is_made_of_must_be_there(
    model: Model, folder: Path, tmp_path: Path, weight: str, *, needed: bool
) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights[weight]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    files = {**bert_files(folder), "m/model.safetensors": tmp_path / "model.safetensors"}
    embedder = build_torch_embedder(model, files)
    refused = pytest.raises(EngineUnavailable, match=re.escape(f"lack the weights {weight}"))

    with refused if needed else nullcontext():
        embedder.embed(TEXTS)


def test_cutting_into_tokens_imports_no_torch(folder: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tetrad.engines.torch import build_torch_embedder\n"
        "from tetrad.errors import Location\n"
        "from tetrad.model import Model, Source, TorchEngine\n"
        "model = Model(ref='m', location=Location('m'), engine=TorchEngine(),\n"
        "              source=Source(uri='file://m', scheme='file'))\n"
        "here = Path(sys.argv[1])\n"
        "files = {str(p.relative_to(here)): p for p in here.rglob('*.json')}\n"
        "files['model.safetensors'] = here / 'model.safetensors'\n"
        "build_torch_embedder(model, files).tokens('a parcel')\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)

    assert done.returncode == 0
