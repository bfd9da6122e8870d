"""Downloads over HTTP that survive cut connections and busy servers.

What arrived lies in a partial file with its ETag beside it, so the next try, or the next process,
asks for the rest only (RFC 9110, 14.2 Range and 13.1.5 If-Range). The digest is the store's to check.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from tetrad.artifacts.backoff import RETRIED_STATUS, Backoff
from tetrad.artifacts.network import check_network
from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.errors import ArtifactError, FetchFailed

if TYPE_CHECKING:
    import httpx2

_PATIENT = Backoff()


class _Interrupted(Exception):
    """A try that failed in a way that another may not."""

    def __init__(self, reason: str, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def http_client() -> httpx2.Client:
    """A client that honours the proxies and certificates that the environment names."""
    import httpx2

    check_network("https:")
    # identity: a transfer encoding would make offsets mean something else than bytes of the file
    headers = {"Accept-Encoding": "identity", "User-Agent": "tetrad"}
    timeout = httpx2.Timeout(60, connect=20)
    return httpx2.Client(follow_redirects=True, timeout=timeout, headers=headers)


def download(
    url: str,
    into: Path,
    *,
    client: httpx2.Client,
    progress: Progress,
    headers: Mapping[str, str] | None = None,
    backoff: Backoff = _PATIENT,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Bring the file at `url` to `into`, continuing what lies there.

    Raises ArtifactError where the server has no such file for us, FetchFailed where it did not
    deliver after several tries; what arrived is kept.
    """
    headers = headers or {}
    with unspoken(headers):
        _download(url, into, client, progress, headers, backoff, sleep)


@contextmanager
def unspoken(headers: Mapping[str, str]) -> Iterator[None]:
    """Keep a login out of what errors say: a mirror can repeat it in whatever it answers."""
    try:
        yield
    except (ArtifactError, FetchFailed) as error:
        secret = headers.get("Authorization", "").removeprefix("Bearer ")
        if not secret or secret not in str(error):
            raise
        raise type(error)(str(error).replace(secret, "***")) from None


def _download(
    url: str,
    into: Path,
    client: httpx2.Client,
    progress: Progress,
    headers: Mapping[str, str],
    backoff: Backoff,
    sleep: Callable[[float], None],
) -> None:
    retry = 0
    while True:
        before = _size(into)
        try:
            _continue(url, into, client=client, progress=progress, headers=headers)
        except _Interrupted as exc:
            # a try that brought something on does not count: slow lines finish, too
            retry = 1 if _size(into) > before else retry + 1
            wait = backoff.wait_s(retry, exc.retry_after, now=datetime.now(UTC))
            if wait is None:
                kept = f"; {megabytes(_size(into))} are kept, the next try goes on there"
                raise FetchFailed(f"{shown(url)}: {exc}{kept if _size(into) else ''}") from exc
            sleep(wait)
        else:
            _etag_path(into).unlink(missing_ok=True)
            return


def read_json(url: str, *, client: httpx2.Client, headers: Mapping[str, str]) -> Any:
    """The JSON that a server describes something with."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "answer.json")
        download(url, file, client=client, progress=Unwatched(), headers=headers)
        try:
            return json.loads(file.read_bytes())
        except (ValueError, RecursionError) as exc:
            raise FetchFailed(f"{shown(url)} did not answer with JSON") from exc


def is_address(text: str) -> bool:
    """Whether a text is an http or https address that can be asked."""
    if not text.isprintable():  # urlsplit leaves line breaks out without a word
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host.encode("idna")
        return parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
    except ValueError:  # of idna's as well
        return False


def shown(url: str) -> str:
    """A URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def megabytes(n: int) -> str:
    return f"{n / 1e6:.1f} MB"


def _continue(
    url: str, into: Path, *, client: httpx2.Client, progress: Progress, headers: Mapping[str, str]
) -> None:
    """One try for what is missing of `into`."""
    import httpx2

    etag = _read_etag(into)
    offset = _size(into) if etag else 0
    wanted = {"Range": f"bytes={offset}-", "If-Range": etag} if etag and offset else {}
    try:
        with client.stream("GET", url, headers={**headers, **wanted}) as response:
            refuse_plain_http(response, url)
            _refuse_failures(response, url, into)
            _refuse_compressed(response, url)
            offset = _offset(response, offset)
            _receive(response, into, offset, progress, label=urlsplit(url).path.rsplit("/", 1)[-1])
            _ask_for_more(response, into)
    except httpx2.TransportError as exc:
        raise _Interrupted(_reason(exc)) from exc
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise ArtifactError(f"{shown(url)}: {_reason(exc)}") from exc


def refuse_plain_http(response: httpx2.Response, url: str) -> None:
    """Whoever listens on the line could write what is pinned, if a redirect leads out of TLS."""
    hops = (*response.history, response)
    if url.startswith("https:") and any(hop.url.scheme != "https" for hop in hops):
        raise ArtifactError(
            f"{shown(url)}: the server redirects to an address without TLS"
            "\n  help: look for another address of this file"
        )


def _refuse_failures(response: httpx2.Response, url: str, into: Path) -> None:
    status = response.status_code
    if status in {200, 206}:
        return
    if status == 416:  # the partial file is not a beginning of what is there now
        into.unlink(missing_ok=True)
        raise _Interrupted("the server refused to continue the download")
    reason = f"the server answered {status} {response.reason_phrase}".rstrip()
    if status in RETRIED_STATUS:
        raise _Interrupted(reason, response.headers.get("Retry-After"))
    if status in {401, 403}:
        reason += "\n  help: it asks for a login; for Hugging Face accept the model's terms, then set HF_TOKEN"
    raise ArtifactError(f"{shown(url)}: {reason}")


def _refuse_compressed(response: httpx2.Response, url: str) -> None:
    """What arrives must be the file's own bytes: their digest is the pin."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise ArtifactError(
            f"{shown(url)}: the server sends the file compressed ({encoding}), which was not requested"
            "\n  help: look for another address of this file"
        )


def _ask_for_more(response: httpx2.Response, into: Path) -> None:
    """A server may answer with less than the range that was asked for (RFC 9110, 15.3.7)."""
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code == 206 and whole.isdigit() and _size(into) < int(whole):
        raise _Interrupted(f"the server sent {_size(into)} of {whole} bytes")


def _offset(response: httpx2.Response, asked: int) -> int:
    """Where in the file the response's body begins."""
    if response.status_code == 200:
        return 0
    content_range = response.headers.get("Content-Range", "")
    if not content_range.startswith(f"bytes {asked}-"):
        raise _Interrupted(f"the server answered another range ({content_range!r}) than asked for")
    return asked


def _receive(
    response: httpx2.Response, into: Path, offset: int, progress: Progress, *, label: str
) -> None:
    etag = response.headers.get("ETag", "")
    # Only a strong ETag names bytes, and only ASCII can be sent back; without one the next try
    # begins anew.
    usable = etag.isascii() and not etag.startswith("W/")
    _etag_path(into).write_text(etag if usable else "", encoding="ascii")
    length = response.headers.get("Content-Length")
    work = progress.start(offset + int(length) if length else None, label)
    work.advance(offset)
    try:
        with into.open("r+b" if offset else "wb") as stream:
            stream.seek(offset)
            # as it arrives: gathered into larger pieces, the last of them would be lost in a cut
            for piece in response.iter_raw():
                stream.write(piece)
                work.advance(len(piece))
    finally:
        work.finish()


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _etag_path(into: Path) -> Path:
    return into.with_name(f"{into.name}.etag")


def _read_etag(into: Path) -> str:
    try:
        return _etag_path(into).read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
