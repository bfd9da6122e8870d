"""A tiny Llama with random weights: everything but the knowledge of a real model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tetrad.errors import Location
from tetrad.model import Model, Source, TorchEngine

WORDS = "the order is late and a parcel went to another town, so billing sends 12 refunds\n"
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "[system]be kind{% endif %}[{{ message['role'] }}]{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder of it."""
    folder = tmp_path_factory.mktemp("tiny")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [WORDS] * 20,
        trainers.BpeTrainer(
            vocab_size=320, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
        ),
    )
    wrap: Any = PreTrainedTokenizerFast
    tokenizer = wrap(tokenizer_object=bpe, eos_token="<end>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(11)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        bos_token_id=None, eos_token_id=0, pad_token_id=0, initializer_range=0.4,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def files(tiny: Path) -> Mapping[str, Path]:
    return {f"model/{path.name}": path for path in tiny.iterdir()}


@pytest.fixture(scope="session")
def model() -> Model:
    source = Source(uri="file://tiny", scheme="file")
    return Model(ref="m", location=Location("m.yaml"), source=source, engine=TorchEngine())
