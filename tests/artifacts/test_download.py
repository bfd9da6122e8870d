"""Downloads against a real server that cuts, delays and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from fakes import FileServer, Watcher, nowhere

from tetrad.artifacts.backoff import Backoff
from tetrad.artifacts.download import download, http_client, is_address
from tetrad.errors import ArtifactError, ExitCode, FetchFailed, TetradError

DATA = bytes(range(256)) * 4000
QUICK = Backoff(attempts=4, first_s=0.001, ceiling_s=0.002)


def bring(
    server: FileServer, into: Path, *, watcher: Watcher | None = None, path: str = "model.gguf"
) -> list[float]:
    """Download a file; gives the waits between the tries."""
    waits: list[float] = []
    with http_client() as client:
        download(
            f"{server.url}/{path}",
            into,
            client=client,
            progress=watcher or Watcher(),
            backoff=QUICK,
            sleep=waits.append,
        )
    return waits


def test_a_file_arrives_whole_with_progress(tmp_path: Path) -> None:
    watcher = Watcher()
    with FileServer({"model.gguf": DATA}) as server:
        bring(server, tmp_path / "file", watcher=watcher)

    assert (tmp_path / "file").read_bytes() == DATA
    assert watcher.work == [("model.gguf", len(DATA), len(DATA))]


def test_a_cut_download_goes_on_where_it_was(tmp_path: Path) -> None:
    with FileServer({"model.gguf": DATA}, misbehaviours=[300_000, 200_000]) as server:
        bring(server, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA
    assert [headers.get("range") for _, headers in server.asked] == [
        None,
        "bytes=300000-",
        "bytes=500000-",
    ]


def test_another_process_goes_on_where_the_first_gave_up(tmp_path: Path) -> None:
    file = tmp_path / "file"
    cuts: list[int | tuple[int, dict[str, str]]] = [400_000, *[(503, {})] * 4]
    with FileServer({"model.gguf": DATA}, misbehaviours=[*cuts]) as server:
        with pytest.raises(FetchFailed, match=r"0\.4 MB are kept"):
            bring(server, file)
        bring(server, file)

    assert file.read_bytes() == DATA
    assert server.asked[-1][1]["range"] == "bytes=400000-"


@pytest.mark.parametrize("etag", [None, 'W/"weak"', '"é"'])
def test_without_a_strong_etag_a_cut_download_begins_anew(tmp_path: Path, etag: str | None) -> None:
    with FileServer({"model.gguf": DATA}, misbehaviours=[300_000], etag=etag) as server:
        bring(server, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA
    assert "range" not in server.asked[-1][1]


def test_a_file_that_changed_meanwhile_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"beginning of another version")
    (tmp_path / "file.etag").write_text('"v0"')
    with FileServer({"model.gguf": DATA}) as server:
        bring(server, file)

    assert file.read_bytes() == DATA


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    with FileServer({"model.gguf": DATA}, misbehaviours=[300_000], ranges=False) as server:
        bring(server, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA


def test_a_range_other_than_asked_for_is_not_pieced_together(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with (
        FileServer({"model.gguf": DATA}, misbehaviours=[300_000], shift=7) as server,
        pytest.raises(FetchFailed, match="another range"),
    ):
        bring(server, file)

    assert file.read_bytes() == DATA[:300_000]


def test_a_partial_file_longer_than_the_whole_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(DATA + b"more")
    (tmp_path / "file.etag").write_text('"v1"')
    with FileServer({"model.gguf": DATA}) as server:
        bring(server, file)

    assert file.read_bytes() == DATA


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_as_long_as_it_says(tmp_path: Path, status: int) -> None:
    busy = (status, {"Retry-After": "3"})
    with FileServer({"model.gguf": DATA}, misbehaviours=[busy, busy]) as server:
        waits = bring(server, tmp_path / "file")

    assert [int(wait) for wait in waits] == [3, 3]


def test_slow_lines_finish_since_a_try_that_brought_something_does_not_count(
    tmp_path: Path,
) -> None:
    with FileServer({"model.gguf": DATA}, misbehaviours=[100_000] * 9) as server:
        bring(server, tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == DATA


def test_tries_end_with_an_inconclusive_error_that_names_the_address(tmp_path: Path) -> None:
    with (
        FileServer({"model.gguf": DATA}, misbehaviours=[(503, {})] * 9) as server,
        pytest.raises(FetchFailed) as caught,
    ):
        bring(server, tmp_path / "file")

    assert (
        str(caught.value) == f"{server.url}/model.gguf: the server answered 503 Service Unavailable"
    )
    assert caught.value.exit_code == ExitCode.INCONCLUSIVE


def test_a_server_that_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1"):
        bring(FileServer(url=nowhere()), tmp_path / "file")


def test_a_file_that_is_not_there_is_not_asked_for_again(tmp_path: Path) -> None:
    with FileServer() as server, pytest.raises(ArtifactError, match="404 Not Found"):
        bring(server, tmp_path / "file")

    assert len(server.asked) == 1


def test_a_login_that_lacks_is_explained(tmp_path: Path) -> None:
    with (
        FileServer({"model.gguf": DATA}, misbehaviours=[(401, {})]) as server,
        pytest.raises(ArtifactError, match="HF_TOKEN"),
    ):
        bring(server, tmp_path / "file")


def test_secrets_of_an_address_are_not_shown(tmp_path: Path) -> None:
    with FileServer() as server:
        server.url = server.url.replace("http://", "http://me:hunter2@")
        with pytest.raises(ArtifactError) as caught:
            bring(server, tmp_path / "file", path="model.gguf?signature=s3cret")

    assert "hunter2" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_server_that_sends_less_than_the_range_is_asked_for_the_rest(tmp_path: Path) -> None:
    asked: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers.get("Range"))
        start = int((asked[-1] or "bytes=0-")[len("bytes=") : -1])
        end = min(start + 400_000, len(DATA))
        headers = {"ETag": '"v1"', "Content-Range": f"bytes {start}-{end - 1}/{len(DATA)}"}
        body = httpx2.ByteStream(DATA[start:end])
        return httpx2.Response(206, stream=body, headers=headers)

    into = tmp_path / "file"
    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        download(
            "https://models.example/m.gguf", into,
            client=client, progress=Watcher(), sleep=lambda _: None,
        )  # fmt: skip

    assert into.read_bytes() == DATA
    assert asked == [None, "bytes=400000-", "bytes=800000-"]


def test_a_file_that_comes_packed_is_refused(tmp_path: Path) -> None:
    packed = (200, {"Content-Encoding": "gzip"})
    with (
        FileServer({"model.gguf": DATA}, misbehaviours=[packed]) as server,
        pytest.raises(ArtifactError, match=r"sends the file compressed \(gzip\)"),
    ):
        bring(server, tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "can_be_asked"),
    [
        ("https://models.example:8080/v1?a=b", True),
        ("http://[::1]:8000/v1", True),
        ("ftp://models.example/", False),
        ("https:///v1", False),
        ("https://models.example:0/", False),
        ("https://models.example:99999/", False),
        ("https://models\n.example/", False),
        ("https://models.example/\0", False),
        ("https://models.example/\ud800", False),
    ],
)
def test_an_address_is_told_from_what_is_none(text: str, *, can_be_asked: bool) -> None:
    assert is_address(text) is can_be_asked


def test_a_redirect_out_of_tls_is_refused(tmp_path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "models.example":
            return httpx2.Response(302, headers={"Location": "http://mirror.example/m.gguf"})
        return httpx2.Response(200, content=b"GGUF")

    into = tmp_path / "m.gguf"
    with (
        httpx2.Client(transport=httpx2.MockTransport(answer), follow_redirects=True) as client,
        pytest.raises(ArtifactError, match="redirects to an address without TLS"),
    ):
        download("https://models.example/m.gguf", into, client=client, progress=Watcher())

    assert not into.exists()


SECRET = "hf_secretsecret"


@contextmanager
def mirror(status: int, headers: dict[str, str], body: bytes = b"") -> Iterator[str]:
    """A server that repeats the login that it was given, in its reason phrase too."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = self.headers["Authorization"]
            self.send_response(status, f"No login by {said}")
            for name, value in headers.items():
                self.send_header(name, value.format(said))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.replace(b"LOGIN", said.encode()))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {}),
        (404, {}),
        (503, {}),
        (200, {"Content-Encoding": "{}"}),
        (206, {"Content-Range": "{}"}),
        (302, {"Location": "http://[{}"}),
    ],
)
def test_a_login_that_a_mirror_repeats_is_not_shown(
    tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    login = {"Authorization": f"Bearer {SECRET}"}
    with (
        mirror(status, headers) as url,
        http_client() as client,
        pytest.raises(TetradError) as caught,
    ):
        download(
            f"{url}/model.gguf", tmp_path / "file", client=client, progress=Watcher(),
            headers=login, backoff=QUICK, sleep=lambda _: None,
        )  # fmt: skip

    assert SECRET not in str(caught.value)
    assert "***" in str(caught.value) or status in {200, 206, 302}
