from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from tetrad.artifacts.store import Store
from tetrad.canonical import Digest, digest_bytes
from tetrad.engines.count import count_tokens, counter_of
from tetrad.errors import ArtifactError, Location
from tetrad.model import Model, OpenAIEngine, Source, TorchEngine
from tetrad.trees import WorkingTree

TEXT = "an order, née late"


def model(**files: Digest) -> Model:
    return Model(
        ref="m",
        location=Location("m.yaml"),
        source=Source(uri="hf://a/b", scheme="hf"),
        files={name.replace("__", "/").replace("_json", ".json"): d for name, d in files.items()},
        engine=TorchEngine(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def words(store: Store) -> Digest:
    """A tokenizer of words, taken into the store; pads to ten, which must not be counted."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "order": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=10)
    file = store.root / "tokenizer.json"
    tokenizer.save(str(file))
    digest = digest_bytes(file.read_bytes())
    store.adopt(file, digest, "a test")
    return digest


def test_the_pinned_tokenizer_counts_exactly(store: Store) -> None:
    digest = words(store)

    counted = count_tokens(model(config_json=digest, tokenizer_json=digest), TEXT, store)

    assert counted == (5, True)


def test_the_tokenizer_beside_the_models_configuration_is_its_own(store: Store) -> None:
    digest, absent = words(store), digest_bytes(b"")
    named = model(m__config_json=digest, m__tokenizer_json=digest, x__y__tokenizer_json=absent)

    assert count_tokens(named, TEXT, store) == (5, True)


def test_bytes_are_the_upper_bound_where_the_tokenizer_was_not_fetched(store: Store) -> None:
    absent = digest_bytes(b"never fetched")

    counted = count_tokens(model(config_json=absent, tokenizer_json=absent), TEXT, store)

    assert (len(TEXT.encode()), False) == counted


def test_bytes_are_the_upper_bound_where_a_gguf_was_not_converted(store: Store) -> None:
    pinned = model()
    gguf = Model(
        ref="m", location=pinned.location, source=pinned.source, engine=pinned.engine,
        files={"m.gguf": digest_bytes(b"weights")},
    )  # fmt: skip

    assert (len(TEXT.encode()), False) == count_tokens(gguf, TEXT, store)


def test_bytes_are_the_upper_bound_for_a_vendors_model(store: Store) -> None:
    vendor = Model(
        ref="m", location=Location("m.yaml"), engine=OpenAIEngine(model="m"),
        source=Source(uri="vendor://openai/m", scheme="vendor"),
    )  # fmt: skip

    assert (len(TEXT.encode()), False) == count_tokens(vendor, TEXT, store)


def test_bytes_are_the_upper_bound_for_a_gguf_of_several_parts(store: Store) -> None:
    parts = {f"m-0000{part}-of-00002.gguf": digest_bytes(b"weights") for part in (1, 2)}
    served = replace(model(), files=parts, engine=OpenAIEngine(model="m"))

    assert (len(TEXT.encode()), False) == count_tokens(served, TEXT, store)


def test_bytes_are_the_upper_bound_where_the_tokenizer_cannot_be_read(store: Store) -> None:
    file = store.root / "tokenizer.json"
    file.write_text("{}")
    digest = digest_bytes(b"{}")
    store.adopt(file, digest, "a test")

    counted = count_tokens(model(config_json=digest, tokenizer_json=digest), TEXT, store)

    assert (len(TEXT.encode()), False) == counted


# -- counts that shape what a model is shown


def counter(of: Model, store: Store, tmp_path: Path) -> Callable[[str], int]:
    return counter_of(of, files=WorkingTree(tmp_path), store=store, offline=True)


def test_what_is_shown_is_counted_by_the_pinned_tokenizer(store: Store, tmp_path: Path) -> None:
    digest = words(store)
    weights = digest_bytes(b"never fetched")
    pinned = model(config_json=weights, tokenizer_json=digest, weights=weights)

    assert counter(pinned, store, tmp_path)(TEXT) == 5
    assert counter(replace(pinned, engine=OpenAIEngine(model="m")), store, tmp_path)(TEXT) == 5


def test_without_a_pinned_tokenizer_bytes_are_counted(store: Store, tmp_path: Path) -> None:
    vendor = replace(model(), engine=OpenAIEngine(model="m"))
    gguf = {"m.gguf": digest_bytes(b"weights")}

    for of in (vendor, replace(vendor, files=gguf)):
        assert counter(of, store, tmp_path)(TEXT) == len(TEXT.encode())


def test_a_pinned_tokenizer_that_cannot_be_had_is_no_reason_to_count_otherwise(
    store: Store, tmp_path: Path
) -> None:
    absent = digest_bytes(b"never fetched")
    count = counter(model(config_json=absent, tokenizer_json=absent), store, tmp_path)

    with pytest.raises(ArtifactError, match=r"tokenizer\.json"):
        count(TEXT)


def test_a_tokenizer_of_the_repository_is_taken_from_there(tmp_path: Path) -> None:
    aside = Store(tmp_path / "aside")
    aside.root.mkdir()
    digest = words(aside)
    home = tmp_path / "models"
    home.mkdir()
    (home / "tokenizer.json").write_bytes(aside.load(digest).read_bytes())  # type: ignore[union-attr]
    local = replace(
        model(),
        source=Source(uri="file://models", scheme="file"),
        files={"tokenizer.json": digest},
    )
    count = counter_of(local, files=WorkingTree(tmp_path), store=Store(tmp_path / "store"))

    assert count(TEXT) == 5
