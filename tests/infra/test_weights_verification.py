"""The container that verifies weights before a model server starts: its script, run as it is rendered."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from clusters import SMALL, clustered, desired_of, image

from objects.everything import objects_by_name

FILES = {
    "config.json": b"{}\n",
    "model-00001-of-00002.safetensors": b"weights " * 100,
    "tokenizer/a name with spaces.json": b'{"a": 1}\n',
}
ADAPTER = {"adapter_model.safetensors": b"adapter " * 100}


@dataclass(frozen=True)
class Mounted:
    """What the container has mounted, below a folder in place of the root."""

    folder: Path
    script: str

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    def verify(self) -> subprocess.CompletedProcess[str]:
        script = re.sub(r"(?<!\w)/(?=pinned|tmp|\$part)", f"{self.folder}/", self.script)
        return subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=False, cwd="/"
        )


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {path: f"sha256:{hashlib.sha256(data).hexdigest()}" for path, data in files.items()}


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    """A model and an adapter, whose files are as they are pinned."""
    adapter = {
        "source": f"oci://{image('adapter')}",
        "files": digests(ADAPTER),
        "base_model": "acme/large",
    }
    root = clustered(tmp_path / "repository", SMALL, files=digests(FILES), adapters=[adapter])
    objects = objects_by_name(desired_of(root)).values()
    (server,) = [o for o in objects if o["metadata"]["name"].startswith("model-")
                 and o["kind"] == "Deployment"]  # fmt: skip
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["initContainers"]
    (pinned,) = [v["configMap"]["name"] for v in pod["volumes"] if v["name"] == "pinned"]
    shell, option, script = container["command"]
    assert (shell, option) == ("sh", "-c")
    found = Mounted(tmp_path / "root", script)
    (found.folder / "tmp").mkdir(parents=True)
    # As a ConfigMap is mounted: links into a hidden folder.
    (found.folder / "pinned/..data").mkdir(parents=True)
    for name, text in objects_by_name(desired_of(root))[f"ConfigMap/{pinned}"]["data"].items():
        (found.folder / "pinned/..data" / name).write_text(text)
        (found.folder / "pinned" / name).symlink_to(f"..data/{name}")
    for folder, files in ((found.weights, FILES), (found.adapter, ADAPTER)):
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return found


def test_files_as_they_are_pinned_let_the_server_start(mounted: Mounted) -> None:
    done = mounted.verify()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_files_behind_links_are_followed(mounted: Mounted) -> None:
    blob = mounted.folder / "blob"
    (mounted.weights / "config.json").rename(blob)
    (mounted.weights / "config.json").symlink_to(blob)

    assert mounted.verify().returncode == 0


@pytest.mark.parametrize(
    ("part", "path"),
    [("weights", "model-00001-of-00002.safetensors"), ("adapter", "adapter_model.safetensors")],
)
def test_a_changed_byte_is_refused(part: str, path: str, mounted: Mounted) -> None:
    file = mounted.folder / part / path
    data = bytearray(file.read_bytes())
    data[400] ^= 1
    file.write_bytes(data)

    done = mounted.verify()

    assert done.returncode != 0
    assert f"{path}: FAILED\n" in done.stdout


def test_a_file_that_lacks_is_refused(mounted: Mounted) -> None:
    (mounted.weights / "config.json").unlink()

    done = mounted.verify()

    assert done.returncode != 0
    assert "config.json: FAILED open or read\n" in done.stdout


@pytest.mark.parametrize("path", ["modeling.py", "tokenizer/.hidden"])
@pytest.mark.parametrize("part", ["weights", "adapter"])
def test_a_file_that_nobody_pinned_is_refused_by_its_name(
    part: str, path: str, mounted: Mounted
) -> None:
    file = mounted.folder / part / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("import os\n")

    done = mounted.verify()

    assert done.returncode != 0
    assert f"not pinned: {part}/{path}\n" in done.stdout


def test_nothing_is_let_through_where_the_digests_are_not_there(mounted: Mounted) -> None:
    shutil.rmtree(mounted.folder / "pinned")

    assert mounted.verify().returncode != 0
