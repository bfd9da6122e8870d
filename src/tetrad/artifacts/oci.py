"""OCI registries, by the OCI distribution specification 1.1: manifests and blobs, by their digests.

Registries on this machine are spoken to without TLS, all others with it. The login comes from
Docker's configuration, and is sent to the registry and to the token service that it names.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from tetrad.artifacts.backoff import RETRIED_STATUS, Backoff
from tetrad.artifacts.docker_logins import docker_login
from tetrad.artifacts.download import http_client, is_address, refuse_plain_http, shown
from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import ArtifactError, FetchFailed, UsageError
from tetrad.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

_MAX_DOCUMENT = 4_000_000  # bytes of a manifest, a token, an error
_KINDS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_WRITTEN = re.compile(
    rf"oci://(?P<host>[\w.-]+(?::\d+)?|\[::1\](?::\d+)?)/(?P<repository>{_NAME}(?:/{_NAME})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OciReference:
    """A repository of a registry, and perhaps a tag or a digest in it."""

    host: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `oci://host/repository:tag@sha256:…`; UsageError on anything else."""
        found = _WRITTEN.fullmatch(written)
        if found is None or not is_address(f"https://{found['host']}"):
            raise UsageError(
                f"{written} is not a place in a registry"
                "\n  help: write oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@sha256:…"
            )
        digest = found["digest"] and Digest.parse(found["digest"])
        return cls(
            host=found["host"],
            repository=found["repository"],
            tag=found["tag"],
            digest=digest or None,
        )

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"oci://{self.host}/{self.repository}{tag}{digest}"

    @property
    def address(self) -> str:
        """Where the registry serves the repository."""
        name = self.host.rpartition(":")[0] if ":" in self.host.rpartition("]")[2] else self.host
        scheme = "http" if name in _HERE else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}"

    @property
    def version(self) -> str:
        """What names a manifest; UsageError where nothing does."""
        if self.digest is not None:
            return str(self.digest)
        if self.tag is None:
            raise UsageError(f"{self} names no version\n  help: add :TAG or @sha256:…")
        return self.tag


@dataclass
class OciRepository:
    """One repository of a registry, with the login that it asked for."""

    reference: OciReference
    client: httpx2.Client
    backoff: Backoff = Backoff()
    _login: str = ""  # the header Authorization, once it was asked for

    @classmethod
    @contextmanager
    def opened(cls, reference: OciReference) -> Iterator[Self]:
        with http_client() as client:
            yield cls(reference, client)

    def authorization(self) -> Mapping[str, str]:
        """The header that reading needs; none where the registry asks for nothing."""
        url = f"{self.reference.address}/manifests/{self.reference.version}"
        self._expect(200, *self._ask("HEAD", url, headers={"Accept": ", ".join(_KINDS)}))
        return {"Authorization": self._login} if self._login else {}

    def manifest(self, kind: str) -> bytes:
        """The manifest that the reference names; ArtifactError where it is another."""
        url = f"{self.reference.address}/manifests/{self.reference.version}"
        data = self._expect(200, *self._ask("GET", url, headers={"Accept": kind}))
        self._refuse_other(data, self.reference.digest)
        return data

    def blob(self, digest: Digest, size: int) -> bytes:
        """A blob whole; ArtifactError where the registry has another one."""
        url = f"{self.reference.address}/blobs/{digest}"
        data = self._expect(200, *self._ask("GET", url, limit=size))
        self._refuse_other(data, digest)
        return data

    def push_blob(self, data: bytes) -> None:
        """Upload a blob in one piece, where the registry lacks it."""
        digest = digest_bytes(data)
        status, _, _ = self._ask("HEAD", f"{self.reference.address}/blobs/{digest}")
        if status == 200:
            return
        begin = f"{self.reference.address}/blobs/uploads/"
        answer = self._ask("POST", begin, content=b"")
        self._expect(202, *answer)
        place = urljoin(begin, answer[1].get("Location", ""))
        if not is_address(place) or (begin.startswith("https:") and place.startswith("http:")):
            raise ArtifactError(f"{self.reference}: the registry names no place for uploads")
        url = f"{place}{'&' if '?' in place else '?'}digest={quote(str(digest), safe=':')}"
        kind = {"Content-Type": "application/octet-stream"}
        self._expect(201, *self._ask("PUT", url, content=data, headers=kind))

    def push_manifest(self, data: bytes, kind: str) -> None:
        """Store a manifest under the reference's tag, or under its digest where there is none."""
        version = self.reference.tag or str(digest_bytes(data))
        url = f"{self.reference.address}/manifests/{version}"
        answer = self._ask("PUT", url, content=data, headers={"Content-Type": kind})
        self._expect(201, *answer)

    def _refuse_other(self, data: bytes, wanted: Digest | None) -> None:
        found = digest_bytes(data)
        if wanted is not None and found != wanted:
            raise ArtifactError(
                f"{self.reference}: the registry serves other bytes"
                f"\n  expected {wanted}\n  found    {found}"
            )

    def _expect(self, wanted: int, status: int, headers: Mapping[str, str], body: bytes) -> bytes:
        if status == wanted:
            return body
        reason = f"the registry answered {status}{_said(body, headers)}"
        if status == 404:
            raise ArtifactError(f"{self.reference}: not found: {reason}")
        if status in {401, 403}:
            reason += (
                f"\n  help: docker login {self.reference.host} (credential helpers are not read)"
            )
        raise ArtifactError(f"{self.reference}: {reason}")

    def _ask(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = _MAX_DOCUMENT,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, after a login where one is asked for, and after several tries
        where the registry does not answer.
        """
        import httpx2

        retry, logged_in = 0, False
        while True:
            retry += 1
            after: str | None = None
            try:
                status, found, body = self._once(method, url, content, headers or {}, limit)
                if status == 401 and not logged_in and self._log_in(found):
                    logged_in, retry = True, 0
                    continue
            except httpx2.TransportError as error:
                reason = str(error) or type(error).__name__
            except httpx2.HTTPError as error:
                raise ArtifactError(f"{shown(url)}: {error}") from error
            else:
                if status not in RETRIED_STATUS:
                    return status, found, body
                reason, after = f"the registry answered {status}", found.get("Retry-After")
            wait = self.backoff.wait_s(retry, after, now=datetime.now(UTC))
            if wait is None:
                raise FetchFailed(f"{self.reference}: {reason}")
            time.sleep(wait)

    def _once(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], limit: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        own = urlsplit(url).netloc == urlsplit(self.reference.address).netloc
        login = {"Authorization": self._login} if self._login and own else {}
        return self._send(method, url, content, {**headers, **login}, limit)

    def _send(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], limit: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        with self.client.stream(method, url, content=content, headers=headers) as response:
            refuse_plain_http(response, url)
            pieces, size = [], 0
            for piece in response.iter_raw():
                size += len(piece)
                if size > max(limit, _MAX_DOCUMENT):
                    raise ArtifactError(
                        f"{shown(url)}: over {limit:,} bytes, as many as were named"
                    )
                pieces.append(piece)
            return response.status_code, response.headers, b"".join(pieces)

    def _log_in(self, headers: Mapping[str, str]) -> bool:
        """Do what a registry's challenge asks for; False where that cannot be done."""
        scheme, _, rest = headers.get("WWW-Authenticate", "").partition(" ")
        login = docker_login(self.reference.host)
        basic = f"Basic {b64encode(login.encode()).decode()}" if login else ""
        if scheme.lower() == "basic":
            self._login = basic
            return bool(basic)
        if scheme.lower() != "bearer":
            return False
        try:
            asked = parse_keqv_list(parse_http_list(rest))
        except ValueError:
            return False
        self._login = f"Bearer {self._token(asked, basic)}"
        return True

    def _token(self, asked: Mapping[str, str], basic: str) -> str:
        realm = asked.get("realm", "")
        if not is_address(realm) or (
            realm.startswith("http:") and self.reference.address.startswith("https:")
        ):
            raise ArtifactError(f"{self.reference}: its token service {realm[:200]!r} is not a URL")
        query = urlencode({key: asked[key] for key in ("service", "scope") if key in asked})
        headers = {"Authorization": basic} if basic else {}
        status, _, body = self._send("GET", f"{realm}?{query}", None, headers, _MAX_DOCUMENT)
        try:
            answer: Any = json.loads(body)
            token = answer.get("token") or answer.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if status != 200 or not _is_token(token):
            raise ArtifactError(
                f"{self.reference}: {shown(realm)} gave no token ({status})"
                f"\n  help: docker login {self.reference.host} (credential helpers are not read)"
            )
        return str(token)


def _is_token(token: Any) -> bool:
    return isinstance(token, str) and token.isascii() and token.isprintable() and bool(token)


def _said(body: bytes, headers: Mapping[str, str]) -> str:
    """What an error's body says, by the specification."""
    if "json" not in headers.get("Content-Type", ""):
        return ""
    try:
        error = json.loads(body)["errors"][0]
        said = f"{error['code']}: {error.get('message', '')}"
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    return f": {shorten(said, 200)}"
