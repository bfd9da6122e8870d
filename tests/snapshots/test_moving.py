"""Bundles in a real registry, with and without logins, and with a registry that lies."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import nowhere
from registries import LOGIN, at_root, behind_tokens, log_in, needs_registry, registry

from tetrad.artifacts.backoff import Backoff
from tetrad.artifacts.oci import OciReference, OciRepository
from tetrad.canonical import digest_bytes
from tetrad.errors import ArtifactError, FetchFailed, UsageError
from tetrad.snapshots.bundle import MANIFEST, bundle_of
from tetrad.snapshots.moving import pull, push
from tetrad.snapshots.snapshot import Snapshot

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

BUNDLE = bundle_of(
    Snapshot(
        stack="stacks/a",
        document={"kind": "identity", "version": 1, "runtime": 2},
        release="0.1.0",
        files={"stacks/a.yaml": b"kind: stack\n"},
    )
)


@pytest.fixture(autouse=True)
def logins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the test's own logins are kept; none yet."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker"


@needs_registry
def test_what_was_pushed_is_pulled_by_tag_and_by_digest(tmp_path: Path) -> None:
    with registry(tmp_path) as host:
        place = push(BUNDLE, f"oci://{host}/team/triage:1")

        assert str(place) == f"oci://{host}/team/triage@{BUNDLE.digest}"
        assert pull(str(place)) == pull(f"oci://{host}/team/triage:1") == BUNDLE
        assert push(BUNDLE, f"oci://{host}/team/triage") == place  # again, and without a tag


@needs_registry
@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_reads_what_was_pushed_and_its_copy_is_pulled(tmp_path: Path) -> None:
    with registry(tmp_path) as host:
        push(BUNDLE, f"oci://{host}/team/triage:1")
        first, copy = f"docker://{host}/team/triage:1", f"docker://{host}/copied:1"
        shown = subprocess.run(
            ["skopeo", "inspect", "--raw", "--tls-verify=false", first],
            check=True,
            capture_output=True,
        ).stdout
        options = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", *options, first, copy],
            check=True,
            capture_output=True,
        )

        assert shown == BUNDLE.manifest
        assert pull(f"oci://{host}/copied@{BUNDLE.digest}") == BUNDLE


@needs_registry
def test_the_login_of_dockers_configuration_is_used(tmp_path: Path, logins: Path) -> None:
    with registry(tmp_path, login=True) as host:
        with pytest.raises(ArtifactError, match=f"answered 401(.|\n)*docker login {host}"):
            push(BUNDLE, f"oci://{host}/a:1")
        log_in(logins, host, "ci:wrong")
        with pytest.raises(ArtifactError, match="answered 401"):
            push(BUNDLE, f"oci://{host}/a:1")
        log_in(logins, host)

        assert pull(str(push(BUNDLE, f"oci://{host}/a:1"))) == BUNDLE


@needs_registry
def test_a_token_is_asked_for_where_a_registry_wants_one(tmp_path: Path, logins: Path) -> None:
    asked: list[str] = []
    with registry(tmp_path) as inner, at_root(behind_tokens(inner, asked)) as host:
        with pytest.raises(ArtifactError, match=r"/token gave no token \(401\)"):
            pull(f"oci://{host}/a:1")
        log_in(logins, host)

        assert pull(str(push(BUNDLE, f"oci://{host}/a:1"))) == BUNDLE
    assert asked[-1] == "repository:a:pull,push"


@needs_registry
def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with registry(tmp_path) as host:
        for version in (":2", f"@{BUNDLE.digest}"):
            with pytest.raises(ArtifactError, match=f"{version}: not found: .*MANIFEST_UNKNOWN"):
                pull(f"oci://{host}/a{version}")


# -- a registry that answers anything

Answer = Callable[["Request"], "Response"]


def pulled_from(answer: Answer, version: str = ":1") -> str:
    """What is said of a pull from a registry that answers so."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def respond(request: Request) -> Response:
        return answer(request)

    app = Starlette(routes=[Route("/{rest:path}", respond, methods=["GET", "HEAD", "POST"])])
    with at_root(app) as host, pytest.raises(ArtifactError) as caught:
        pull(f"oci://{host}/a{version}")
    return str(caught.value)


def answering(data: bytes, status: int = 200, **headers: str) -> Answer:
    from starlette.responses import Response

    return lambda _: Response(data, status, {k.replace("_", "-"): v for k, v in headers.items()})


def other_blobs(request: Request) -> Response:
    from starlette.responses import Response

    return Response(BUNDLE.manifest if "manifests" in request.url.path else b"other")


def endless_blobs(request: Request) -> Response:
    from starlette.responses import Response

    return Response(BUNDLE.manifest if "manifests" in request.url.path else b"x" * 5_000_000)


@pytest.mark.parametrize(
    ("answer", "version", "said"),
    [
        (answering(b"{}"), f"@{BUNDLE.digest}", f"serves other bytes\n  expected {BUNDLE.digest}"),
        (answering(b"{}"), ":1", "is not a snapshot: it has the type None"),
        (other_blobs, ":1", "serves other bytes"),
        (endless_blobs, ":1", "bytes, as many as were named"),
        (answering(b"x" * 5_000_000), ":1", "over 4,000,000 bytes"),
        (answering(b"", 403), ":1", "answered 403\n  help: docker login"),
        (answering(b"", 401), ":1", "answered 401\n  help: docker login"),
        (answering(b"", 401, WWW_Authenticate="Bearer realm"), ":1", "answered 401"),
        (
            answering(b"", 401, WWW_Authenticate='Bearer realm="file:///etc/passwd"'),
            ":1",
            "its token service 'file:///etc/passwd' is not a URL",
        ),
        (answering(b'{"errors": [1]}', 400, Content_Type="application/json"), ":1", "answered 400"),
        (
            answering(b'{"errors":[{"code":"X","message":"a\\nb"}]}', 400, Content_Type="x/json"),
            ":1",
            "answered 400: X: a ⏎ b",
        ),
    ],
)
def test_a_registry_that_errs_or_lies_is_refused(answer: Answer, version: str, said: str) -> None:
    assert said in pulled_from(answer, version)


def test_a_registry_that_does_not_answer_is_inconclusive() -> None:
    host = nowhere().removeprefix("http://")
    reference = OciReference.parse(f"oci://{host}/a:1")
    with OciRepository.opened(reference) as repository:
        repository.backoff = Backoff(attempts=2, first_s=0.001)
        with pytest.raises(FetchFailed, match="Connection refused"):
            repository.manifest(MANIFEST)


@pytest.mark.parametrize("way", ["Location", "redirect"])
def test_a_login_is_sent_to_no_other_host(way: str, logins: Path) -> None:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    heard: list[str | None] = []

    async def elsewhere(request: Request) -> Response:
        heard.append(request.headers.get("authorization"))
        return Response(BUNDLE.manifest, 201 if request.method == "PUT" else 200)

    async def here(request: Request) -> Response:
        if "authorization" not in request.headers:
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if request.method in {"HEAD", "PUT"}:
            return Response(status_code=404 if request.method == "HEAD" else 201)
        status = 202 if way == "Location" else 307
        return Response(status_code=status, headers={"Location": f"http://{other}/upload?a=b"})

    methods = ["GET", "HEAD", "POST", "PUT"]
    first = Starlette(routes=[Route("/{rest:path}", here, methods=methods)])
    second = Starlette(routes=[Route("/{rest:path}", elsewhere, methods=methods)])
    with at_root(first) as host, at_root(second) as other:
        log_in(logins, host)
        if way == "Location":
            push(BUNDLE, f"oci://{host}/a:1")
        else:
            with pytest.raises(ArtifactError):
                pull(f"oci://{host}/a:1")

    assert set(heard) == {None}


@pytest.mark.parametrize(
    "written",
    [
        "oci://", "oci://host", "oci://host/", "oci://host/UPPER:1", "oci://host/a/../b:1",
        "oci://host/a b:1", "oci://host/a:", "oci://host/a@sha256:00", "oci://user:pw@host/a:1",
        "oci://host:0/a:1", "oci://host/a:1\n", "docker://host/a:1", "oci://host/a@sha512:00",
    ],
)  # fmt: skip
def test_what_is_no_place_in_a_registry_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match=r"is not a place in a registry"):
        OciReference.parse(written)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("oci://ghcr.io/team/a:1", "https://ghcr.io/v2/team/a"),
        ("oci://localhost:5000/a", "http://localhost:5000/v2/a"),
        ("oci://127.0.0.1/a", "http://127.0.0.1/v2/a"),
        ("oci://[::1]:5000/a", "http://[::1]:5000/v2/a"),
        ("oci://localhost.example.com/a", "https://localhost.example.com/v2/a"),
    ],
)
def test_only_registries_on_this_machine_go_without_tls(written: str, address: str) -> None:
    assert OciReference.parse(written).address == address
    assert str(OciReference.parse(written)) == written


def test_a_reference_without_a_version_and_a_push_to_a_digest_are_told() -> None:
    with pytest.raises(UsageError, match=r"names no version\n  help: add :TAG or @sha256"):
        pull("oci://localhost:1/a")
    with pytest.raises(UsageError, match="names a digest, which the bundle has by itself"):
        push(BUNDLE, f"oci://localhost:1/a@{digest_bytes(b'')}")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "config.json holds no login for"),
        ('{"auths": {"HOST": {"auth": "%%%"}}}', "config.json holds no login for"),
        ('{"auths": {"HOST": {}}}', "answered 401"),
        ('{"credsStore": "desktop"}', "answered 401"),
        ("[]", "answered 401"),
    ],
)
def test_a_configuration_without_a_login_is_told(config: str, said: str, logins: Path) -> None:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def respond(_: Request) -> Response:
        return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    logins.mkdir()
    with at_root(Starlette(routes=[Route("/{rest:path}", respond)])) as host:
        (logins / "config.json").write_text(config.replace("HOST", host))
        with pytest.raises((ArtifactError, UsageError), match=said) as caught:
            pull(f"oci://{host}/a:1")
    assert LOGIN not in str(caught.value)
