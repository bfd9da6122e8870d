"""Fetching a model's files from each kind of source, and all that may be wrong with them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from artifacts.models import GGUF, SAFETENSORS, TOKENIZER, model_of, write_wheel
from fakes import FileServer, Watcher, nowhere
from registries import log_in, needs_registry, registry

from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.oci import OciReference, OciRepository
from tetrad.artifacts.store import Store
from tetrad.canonical import digest_bytes
from tetrad.errors import ArtifactError, ExitCode, FetchFailed, TetradError, UsageError
from tetrad.model import Model

REVISION = "0123456789abcdef0123456789abcdef01234567"
HUB = f"hf://org/small@{REVISION}"
FILES = {"model.gguf": GGUF, "tokenizer.json": TOKENIZER}
PUBLISHED = {f"org/small/resolve/{REVISION}/{name}": data for name, data in FILES.items()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def contents(files: Mapping[str, Path]) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files.items()}


def refusal(model: Model, store: Store, root: Path, *, offline: bool = False) -> TetradError:
    with pytest.raises(TetradError) as caught:
        fetch(model, store, root=root, offline=offline)
    return caught.value


# -- the repository's own files


def test_files_below_the_repository_are_copied_into_the_store(store: Store, root: Path) -> None:
    (root / "weights").mkdir()
    for name, data in FILES.items():
        (root / "weights" / name).write_bytes(data)
    watcher = Watcher()
    files = fetch(model_of("file://weights", FILES), store, root=root, progress=watcher)
    (root / "weights" / "model.gguf").unlink()

    assert contents(files) == FILES
    assert watcher.work[0] == ("model.gguf", len(GGUF), len(GGUF))


def test_a_source_may_be_one_file(store: Store, root: Path) -> None:
    (root / "small.gguf").write_bytes(GGUF)
    model = model_of("file://small.gguf", {"small.gguf": GGUF})

    assert contents(fetch(model, store, root=root)) == {"small.gguf": GGUF}


@pytest.mark.parametrize("uri", ["file://../outside", "file://link"])
def test_files_outside_of_the_repository_are_refused(store: Store, root: Path, uri: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "model.gguf").write_bytes(GGUF)
    (root / "link").symlink_to(outside)
    error = refusal(model_of(uri, {"model.gguf": GGUF}), store, root)

    assert "outside the repository" in str(error)


def test_a_pointer_of_git_lfs_is_no_file_of_a_model(store: Store, root: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    (root / "small.gguf").write_text(pointer)
    error = refusal(model_of("file://small.gguf", {"small.gguf": GGUF}), store, root)

    assert str(error) == (
        "small.gguf of file://small.gguf is a Git LFS pointer, not the file that it stands for"
        "\n  help: run `git lfs pull`"
    )


def test_an_absolute_path_may_be_anywhere(store: Store, root: Path) -> None:
    (root.parent / "model.gguf").write_bytes(GGUF)
    model = model_of(f"file://{root.parent}", {"model.gguf": GGUF})

    assert contents(fetch(model, store, root=root)) == {"model.gguf": GGUF}


# -- the hub


def test_files_of_the_hub_are_fetched_at_their_revision(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(PUBLISHED) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        files = fetch(model_of(HUB, FILES), store, root=root)

    assert contents(files) == FILES


def test_the_login_goes_to_the_hub_and_not_to_where_it_redirects(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        FileServer(PUBLISHED) as elsewhere,
        FileServer(redirect_to=elsewhere.url.replace("127.0.0.1", "localhost")) as hub,
    ):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        fetch(model_of(HUB, FILES), store, root=root)

    assert hub.asked[0][1]["authorization"] == "Bearer hf_secret"
    assert "authorization" not in elsewhere.asked[0][1]


@pytest.mark.parametrize("token", ["hf_secr\u00e9t", "hf_se\ncret"])
def test_a_login_that_no_header_takes_is_refused_without_repeating_it(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    with FileServer(PUBLISHED) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", token)
        refused = refusal(model_of(HUB, FILES), store, root)

    assert isinstance(refused, UsageError)
    assert str(refused) == "HF_TOKEN holds characters that no token has; was it copied whole?"
    assert hub.asked == []


def test_what_is_here_is_not_fetched_again(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(PUBLISHED) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        fetch(model_of(HUB, FILES), store, root=root)
    monkeypatch.setenv("HF_ENDPOINT", nowhere())

    assert contents(fetch(model_of(HUB, FILES), store, root=root)) == FILES


def test_a_file_that_decayed_in_the_store_is_fetched_again(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(PUBLISHED) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        path = fetch(model_of(HUB, FILES), store, root=root)["model.gguf"]
        path.chmod(0o644)
        path.write_bytes(GGUF[:-1])

        assert contents(fetch(model_of(HUB, FILES), store, root=root)) == FILES
    assert [asked.rpartition("/")[2] for asked, _ in server.asked] == [
        "model.gguf",
        "tokenizer.json",
        "model.gguf",
    ]


def test_a_file_other_than_pinned_is_refused_with_both_digests(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = dict.fromkeys(PUBLISHED, b"GGUF swapped")
    with FileServer(swapped) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        error = refusal(model_of(HUB, FILES), store, root)

    assert f"model.gguf of {HUB} is not the file that is pinned" in str(error)
    assert str(digest_bytes(GGUF)) in str(error)
    assert str(digest_bytes(b"GGUF swapped")) in str(error)
    assert error.exit_code == ExitCode.MISUSE


PROGRAM = """
import sys
from pathlib import Path
from artifacts.models import model_of, GGUF, TOKENIZER
from tetrad.artifacts.fetch import fetch
from tetrad.artifacts.store import Store
model = model_of(sys.argv[1], {"model.gguf": GGUF, "tokenizer.json": TOKENIZER})
print(len(fetch(model, Store(Path(sys.argv[2])), root=Path("."))))
"""


def test_two_processes_at_once_fetch_once(store: Store, root: Path) -> None:
    tests = str(Path(__file__).parent.parent)
    with FileServer(PUBLISHED, delay_s=0.5) as server:
        environment = {**os.environ, "HF_ENDPOINT": server.url, "PYTHONPATH": tests}
        command = [sys.executable, "-c", PROGRAM, HUB, str(store.root)]
        processes = [
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        said = [process.communicate(timeout=60)[0] for process in processes]

    assert said == ["2\n"] * 3
    assert len(server.asked) == 2


@pytest.mark.campaign
def test_a_process_killed_at_any_moment_leaves_nothing_that_the_next_trips_over(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = str(Path(__file__).parent.parent)
    chance = random.Random(11)
    with FileServer(PUBLISHED, delay_s=0.02, misbehaviours=[50_000] * 40) as server:
        environment = {**os.environ, "HF_ENDPOINT": server.url, "PYTHONPATH": tests}
        command = [sys.executable, "-c", PROGRAM, HUB, str(store.root)]
        for _ in range(30):
            with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
                time.sleep(chance.uniform(0.2, 1.2))
                process.kill()
        monkeypatch.setenv("HF_ENDPOINT", server.url)

        assert contents(fetch(model_of(HUB, FILES), store, root=root)) == FILES


# -- the web


def test_files_below_an_address_that_ends_in_a_slash_are_fetched(store: Store, root: Path) -> None:
    with FileServer({"v1/model.gguf": GGUF, "v1/tokenizer.json": TOKENIZER}) as server:
        model = model_of(f"{server.url}/v1/", FILES, scheme="https")
        files = fetch(model, store, root=root)

    assert contents(files) == FILES


def test_an_address_of_one_file_gives_that_file(store: Store, root: Path) -> None:
    with FileServer({"v1/download": GGUF}) as server:
        model = model_of(f"{server.url}/v1/download", {"model.gguf": GGUF}, scheme="https")

        assert contents(fetch(model, store, root=root)) == {"model.gguf": GGUF}


def test_an_address_of_one_file_cannot_give_two(store: Store, root: Path) -> None:
    error = refusal(model_of("https://example.org/model.gguf", FILES), store, root)

    assert "is one file, but `files` names 2" in str(error)


@pytest.mark.parametrize(
    "uri", ["https://[::1/m.gguf", "https:///m.gguf", "https://host:99999/m", "https://a..b/m"]
)
def test_an_address_that_cannot_be_asked_is_refused(store: Store, root: Path, uri: str) -> None:
    error = refusal(model_of(uri, {"m": GGUF}), store, root)

    assert str(error).splitlines()[0] == f"{uri} is not a valid URL"


def test_a_path_that_no_file_system_has_is_refused(store: Store, root: Path) -> None:
    error = refusal(model_of("file://weights%00", {"m": GGUF}), store, root)

    assert str(error) == "file://weights%00 is not a path"


def test_a_hub_that_cannot_be_asked_is_named_by_its_variable(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "hub.example")
    error = refusal(model_of("hf://org/small@main", {"m": GGUF}), store, root)

    assert str(error) == "HF_ENDPOINT is not an http or https URL"


# -- packages


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_files_are_taken_out_of_a_wheel_that_pip_finds(
    store: Store, root: Path, index: Path
) -> None:
    write_wheel(index, {f"tiny_model/{name}": data for name, data in FILES.items()})
    wanted = {f"tiny_model/{name}": data for name, data in FILES.items()}
    model = model_of("pypi://tiny-model==1.0", wanted)

    assert contents(fetch(model, store, root=root)) == wanted


def test_a_version_that_pip_does_not_find_is_told_in_pips_words(
    store: Store, root: Path, index: Path
) -> None:
    write_wheel(index, {"tiny_model/model.gguf": GGUF})
    error = refusal(model_of("pypi://tiny-model==2.0", {"model.gguf": GGUF}), store, root)

    assert isinstance(error, FetchFailed)
    assert "No matching distribution found for tiny-model==2.0" in str(error)


def test_a_file_that_the_wheel_lacks_is_told_with_those_it_has(
    store: Store, root: Path, index: Path
) -> None:
    write_wheel(index, {"tiny_model/model.gguf": GGUF})
    error = refusal(model_of("pypi://tiny-model==1.0", {"model.gguf": GGUF}), store, root)

    assert "holds no file model.gguf" in str(error)
    assert "tiny_model/model.gguf" in str(error)


def test_a_damaged_wheel_is_told_by_its_name(store: Store, root: Path, index: Path) -> None:
    wheel = write_wheel(index, {"tiny_model/model.gguf": GGUF})
    wheel.write_bytes(wheel.read_bytes().replace(GGUF, GGUF[:-1] + b"x"))
    error = refusal(
        model_of("pypi://tiny-model==1.0", {"tiny_model/model.gguf": GGUF}), store, root
    )

    assert str(error).startswith(f"{wheel.name} is not a readable wheel: Bad CRC-32")


def test_a_pip_of_the_repository_is_not_run(
    store: Store, root: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(index, {"tiny_model/model.gguf": GGUF})
    (root / "pip.py").write_text("raise SystemExit('hostile code ran')")
    monkeypatch.chdir(root)
    wanted = {"tiny_model/model.gguf": GGUF}

    assert contents(fetch(model_of("pypi://tiny-model==1.0", wanted), store, root=root)) == wanted


@pytest.mark.parametrize("uri", ["pypi://tiny-model", "pypi://--index-url=x==1", "pypi://a b==1"])
def test_a_package_without_name_and_version_is_refused(store: Store, root: Path, uri: str) -> None:
    assert isinstance(refusal(model_of(uri, {"model.gguf": GGUF}), store, root), UsageError)


# -- registries


@needs_registry
def test_the_files_of_an_artifact_arrive_with_the_login_of_its_registry(
    store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    kind = "application/vnd.oci.image.manifest.v1+json"
    blobs = {"config": b"{}", "model": GGUF, "tokenizer": TOKENIZER}
    layers = [
        {"mediaType": "application/octet-stream", "digest": str(digest_bytes(b)), "size": len(b)}
        for b in blobs.values()
    ]
    document = {"schemaVersion": 2, "mediaType": kind, "config": layers[0], "layers": layers[1:]}
    manifest = json.dumps(document).encode()
    with registry(tmp_path, login=True) as host:
        log_in(tmp_path / "docker", host)
        with OciRepository.opened(OciReference.parse(f"oci://{host}/models/small:1")) as place:
            for blob in blobs.values():
                place.push_blob(blob)
            place.push_manifest(manifest, kind)
        model = model_of(f"oci://{host}/models/small@{digest_bytes(manifest)}", FILES)
        found = contents(fetch(model, store, root=root))
        other = model_of(f"oci://{host}/models/small@{digest_bytes(b'')}", {"x": b"x"})
        error = refusal(other, store, root)

    assert found == FILES
    assert "not found" in str(error)


# -- all sources


@pytest.mark.parametrize("uri", ["vendor://openai/gpt-2026-08-01", "endpoint://laptop"])
def test_what_lies_behind_a_service_needs_no_files(store: Store, root: Path, uri: str) -> None:
    assert fetch(model_of(uri, {}), store, root=root) == {}


@pytest.mark.parametrize("uri", ["s3://bucket/model", "gs://bucket/model"])
def test_sources_to_come_are_told_so(store: Store, root: Path, uri: str) -> None:
    error = refusal(model_of(uri, {"model.gguf": GGUF}), store, root)

    assert "sources are not supported yet" in str(error)
    assert error.exit_code == ExitCode.MISUSE


def test_a_model_without_files_is_told_how_to_get_them(store: Store, root: Path) -> None:
    error = refusal(model_of(HUB, {}), store, root)

    assert "help: tetrad pin stacks/models/small.yaml" in str(error)


def test_offline_names_what_is_missing_and_the_command_that_gets_it(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", nowhere())
    error = refusal(model_of(HUB, FILES), store, root, offline=True)

    assert isinstance(error, ArtifactError)
    assert str(error).splitlines() == [
        "missing files for stacks/models/small; --offline prevents download",
        f"  missing model.gguf ({digest_bytes(GGUF)})",
        f"  missing tokenizer.json ({digest_bytes(TOKENIZER)})",
        "  help: tetrad pull small",
    ]


def test_offline_says_how_much_of_a_file_is_here(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(PUBLISHED, misbehaviours=[300_000, (403, {})]) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        refusal(model_of(HUB, FILES), store, root)
    error = refusal(model_of(HUB, FILES), store, root, offline=True)

    assert f"missing model.gguf ({digest_bytes(GGUF)}), of which 0.3 MB are here" in str(error)


def test_offline_a_changed_file_is_told_with_both_digests(store: Store, root: Path) -> None:
    (root / "model.gguf").write_bytes(GGUF)
    model = model_of("file://model.gguf", {"model.gguf": GGUF})
    path = fetch(model, store, root=root)["model.gguf"]
    path.chmod(0o644)
    path.write_bytes(b"GGUF")
    error = refusal(model, store, root, offline=True)

    assert str(digest_bytes(GGUF)) in str(error)
    assert str(digest_bytes(b"GGUF")) in str(error)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.PKL", "code.py"])
def test_files_that_can_run_code_are_refused_before_they_are_fetched(
    store: Store, root: Path, name: str
) -> None:
    error = refusal(model_of(HUB, {name: b"x"}), store, root)

    assert "may run code when it is loaded" in str(error)


@pytest.mark.parametrize("name", ["../model.gguf", "/model.gguf", "a//b.gguf", "a\\b.gguf", ""])
def test_names_that_leave_their_source_are_refused(store: Store, root: Path, name: str) -> None:
    assert "not a plain relative path" in str(refusal(model_of(HUB, {name: b"x"}), store, root))


@pytest.mark.parametrize("name", ["model.gguf", "model.safetensors"])
def test_a_pickle_under_a_better_name_is_refused(store: Store, root: Path, name: str) -> None:
    (root / name).write_bytes(b"\x80\x04\x95 a pickle")
    error = refusal(model_of(f"file://{name}", {name: b"\x80\x04\x95 a pickle"}), store, root)

    assert "does not have the header" in str(error)


def test_safetensors_pass_by_their_header(store: Store, root: Path) -> None:
    (root / "model.safetensors").write_bytes(SAFETENSORS)
    model = model_of("file://model.safetensors", {"model.safetensors": SAFETENSORS})

    assert fetch(model, store, root=root)


def test_a_full_disk_is_an_error_with_the_folders_name(store: Store, root: Path) -> None:
    """A file where the store wants a folder stands for any refusal of the file system."""
    (root / "model.gguf").write_bytes(GGUF)
    store.root.mkdir()
    (store.root / "store").write_text("in the way")
    error = refusal(model_of("file://model.gguf", {"model.gguf": GGUF}), store, root)

    assert f"cannot be kept in {store.root}" in str(error)
