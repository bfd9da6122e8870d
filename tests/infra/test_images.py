"""The images' files: pinned, small in what they may do, and what their steps make runs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

import httpx2
import pytest
from guest_houses import guest_house
from images import Image, steps_of
from postgres import postgres as postgres  # noqa: PLC0414 - a fixture
from postgres import vectors as vectors  # noqa: PLC0414 - a fixture
from trees import scripted_tree

from objects.gateway import PORT
from tetrad.artifacts.store import store_from_environment
from tetrad.canonical import digest_file
from tetrad.corpora.vector_store import ENVIRONMENT

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "infra/images"
FILES = sorted(IMAGES.glob("Containerfile.*"))
LOCKS = {
    "gateway": ("gateway", "pgvector"),
    "gateway-torch": ("gateway", "pgvector", "torch"),
}
NOBODY = 65532  # infra/objects run every pod as this user


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.suffix[1:])
def test_an_image_names_what_it_is_made_of_by_digest(file: Path) -> None:
    for step in steps_of(file):
        if step.word == "FROM":
            assert re.fullmatch(r"\S+:[\w.-]+@sha256:[0-9a-f]{64}( AS \w+)?", step.rest)
        if step.word == "ADD":
            assert re.match(r"--checksum=sha256:[0-9a-f]{64} https://", step.rest)
        if step.word == "RUN" and '"pip"' in step.rest:
            assert "--require-hashes" in step.rest or "--no-index" in step.rest


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.suffix[1:])
def test_an_image_runs_as_nobody_and_starts_without_a_shell(file: Path) -> None:
    words = {step.word: step.rest for step in steps_of(file)}

    assert words["USER"] == f"{NOBODY}:{NOBODY}"
    assert words["ENTRYPOINT"].startswith('["/')
    assert "HOME=/" in words["ENV"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_the_versions_that_are_tested_here(lock: str) -> None:
    tested = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )  # fmt: skip
    locked = dict(re.findall(r"^([\w.-]+)==([^\s+]+)\S* \\$", text_of(lock), flags=re.MULTILINE))

    def known(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    normalized = {known(name): version for name, version in tested.items()}
    assert locked
    assert {name: normalized.get(known(name)) for name in locked} == locked


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_everything_that_its_extras_import(lock: str) -> None:
    from importlib.metadata import distribution

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([\w.-]+)==", text_of(lock), flags=re.MULTILINE))

    def own(*names: str) -> list[str]:
        return [one for name in names for one in project["optional-dependencies"][name]]

    def missing(written: Iterable[str], extras: set[str], seen: set[tuple[str, str]]) -> set[str]:
        found = set()
        for required in map(Requirement, written):
            marker = required.marker
            asked = marker is None or any(marker.evaluate({"extra": e}) for e in {"", *extras})
            key = (required.name, ",".join(sorted(required.extras)))
            if asked and key not in seen:
                seen.add(key)
                if required.name == "tetrad":
                    found |= missing(own(*required.extras), set(), seen)
                    continue
                short = re.sub(r"[-_.]+", "-", required.name).lower()
                found |= set() if short in locked else {short}
                further = distribution(required.name).requires or ()
                found |= missing(further, set(required.extras), seen)
        return found

    needed = [*project["dependencies"], *own(*LOCKS[lock])]
    assert missing(needed, set(), set()) == set()


def test_torch_is_locked_without_what_only_gpus_need() -> None:
    assert "torch==2" in text_of("gateway-torch")
    assert "+cpu" in text_of("gateway-torch")
    assert "nvidia-" not in text_of("gateway-torch")


def text_of(lock: str) -> str:
    return (IMAGES / f"{lock}.lock").read_text()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the repository with a wheel, as the release has it."""
    folder = tmp_path_factory.mktemp("context")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "--outdir", folder / "dist", ROOT], check=True, capture_output=True)
    (folder / "infra").mkdir()
    (folder / "infra/images").symlink_to(IMAGES)
    return folder


def read_only(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


CONFINE = """\
mount --bind "$0" "$0" && mount -o remount,ro,bind / &&
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def confined(written: Path) -> list[str]:
    """What starts a command as a pod does: one writable folder, no capabilities. Root alone can do that;
    for others the files that the image holds are read-only.
    """
    start = ["unshare", "--mount", "sh", "-c", CONFINE, str(written)]
    may = subprocess.run([*start, "true"], check=False, capture_output=True).returncode == 0
    return start if os.getuid() == 0 and may else []


def built(context: Path, root: Path, lock: str = "gateway") -> Image:
    file = IMAGES / "Containerfile.gateway"
    image = Image(file=file, context=context, root=root, build_args={"LOCK": lock})
    try:
        image.build()
    except subprocess.CalledProcessError as error:
        if "--require-hashes" in str(error.cmd):
            pytest.skip("what the lock names cannot be fetched here")
        raise
    return image


def contents(root: Path) -> dict[str, str]:
    """Every file by what is in it, and every link by where it leads."""
    return {
        path.relative_to(root).as_posix(): (
            str(path.readlink()) if path.is_symlink() else str(digest_file(path))
        )
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.campaign
def test_the_same_steps_make_the_same_files(context: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"  # the same place, as in an image
    found = []
    for _ in range(2):
        built(context, root)
        found.append(contents(root / "opt/tetrad"))
        shutil.rmtree(root)

    first, second = found
    assert len(first) > 1_000
    differing = [
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    ]
    assert sorted(differing) == []


@pytest.mark.campaign
def test_what_the_gateways_steps_make_serves_from_a_read_only_root(
    context: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    image = built(context, tmp_path / "root")
    tree = scripted_tree(tmp_path / "etc")
    tree.write("infra/environments/local.yaml", "kind: environment\n")
    written = tmp_path / "written"
    written.mkdir()
    read_only(image.root)

    process = subprocess.Popen(
        [
            *confined(written),
            *image.command("-C", str(tree.root), "serve", "local", "--port", str(port)),
        ],
        env={
            **image.environment,
            "PATH": os.environ["PATH"],
            "HOME": str(written),
            "TETRAD_CACHE": str(written / "cache"),
            "TETRAD_REGISTRY": str(written / "registry.db"),
        },
        cwd=written,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert is_alive(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.communicate()
    assert int(next(s.rest for s in steps_of(image.file) if s.word == "EXPOSE")) == PORT


@pytest.mark.campaign
@pytest.mark.model
def test_the_image_with_torch_builds_an_index(context: Path, tmp_path: Path, vectors: str) -> None:
    store, tree = store_from_environment(), tmp_path / "etc"
    guest_house(tree)
    image = built(context, tmp_path / "root", "gateway-torch")
    written = tmp_path / "written"
    (written / "cache").mkdir(parents=True)
    (written / "cache/store").symlink_to(store.root / "store")
    read_only(image.root)

    done = subprocess.run(
        image.command("-C", str(tree), "index", "--offline"),
        env={
            **image.environment,
            "PATH": os.environ["PATH"],
            "HOME": str(written),
            "TETRAD_CACHE": str(written / "cache"),
            ENVIRONMENT: vectors,
        },
        cwd=written,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "(4 chunks of 384 dimensions)" in done.stdout


def is_alive(address: str, process: subprocess.Popen[str]) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        try:
            return httpx2.get(f"{address}/healthz").status_code == 200
        except httpx2.TransportError:
            time.sleep(0.1)
    return False


RUNNER = {
    "config.sh": '#!/bin/sh\necho "config $*" >> "$HOME/log"\ntouch .runner\n',
    "run.sh": '#!/bin/sh\necho "run ${RUNNER_TOKEN-no token}" >> "$HOME/log"\n',
}


def test_a_runner_takes_one_job_by_what_its_pod_gives_it(tmp_path: Path) -> None:
    programs = tmp_path / "runner.tar.gz"
    with tarfile.open(programs, "w:gz") as tar:
        for name, text in RUNNER.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
            tar.add(tmp_path / name, name)
    file = IMAGES / "Containerfile.runner"
    (source,) = [step.rest.split()[-2] for step in steps_of(file) if step.word == "ADD"]
    image = Image(file=file, context=ROOT, root=tmp_path / "root", downloads={source: programs})
    image.build()
    work = tmp_path / "work"
    work.mkdir()
    read_only(image.root)
    given = {"RUNNER_URL": "https://github.com/acme/support", "RUNNER_TOKEN": "AAAB"}

    def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        there = {name: image.inside(value) for name, value in image.environment.items()}
        return subprocess.run(
            image.command(), cwd=work, check=False, capture_output=True, text=True,
            env={**there, "PATH": os.environ["PATH"], "HOME": str(work), **environment},
        )  # fmt: skip

    done = start(given)

    assert done.returncode == 0, done.stderr
    configured, ran = (work / "log").read_text().splitlines()
    assert "--ephemeral" in configured
    assert "--url https://github.com/acme/support --token AAAB" in configured
    assert "--labels gpu" in configured
    assert ran == "run no token"
    lacking = start({"RUNNER_URL": given["RUNNER_URL"]})
    assert lacking.returncode != 0
    assert "a registration token" in lacking.stderr
