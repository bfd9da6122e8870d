"""Signing by Sigstore: with a key of minutes that is certified to the identity of the CI job.

The job's provider vouches for it, the authority certifies a new key to it, and a public log records
each signature. `sigstore` is imported here, where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import FetchFailed, MissingExtra, UsageError
from tetrad.evidence import Sealing

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig

_NO_JOB = (
    "--sigstore: this is no CI job whose provider vouches for it"
    "\n  help: in a GitHub workflow, give the job `permissions: {id-token: write}`"
)


@contextmanager
def certified_job(config: Path | None) -> Iterator[Sealing]:
    """What signs for this job, by the public instance or by that of a client trust config."""
    try:
        import sigstore  # noqa: F401 - tells whether it is there
    except ImportError as error:
        raise MissingExtra("sigstore", "--sigstore") from error
    from sigstore.dsse import Statement
    from sigstore.oidc import IdentityToken, detect_credential
    from sigstore.sign import SigningContext

    with ExitStack() as opened:
        with _explained():
            token = detect_credential()
            if token is None:
                raise UsageError(_NO_JOB)
            context = SigningContext.from_trust_config(_trust(config))
            signer = opened.enter_context(context.signer(IdentityToken(token)))

        def sealed(payload: bytes) -> bytes:
            with _explained():
                return signer.sign_dsse(Statement(payload)).to_json().encode()

        yield sealed


def _trust(config: Path | None) -> ClientTrustConfig:
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig

    if config is None:
        return ClientTrustConfig.production()
    try:
        return ClientTrustConfig.from_json(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--sigstore: {config} cannot be read: {error.strerror}") from error
    except (Error, ValueError) as error:
        raise UsageError(f"--sigstore: {config} is no client trust config of Sigstore") from error


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong with the services, as one sentence."""
    from requests import RequestException
    from sigstore._internal.fulcio import ExpiredCertificate  # these three have no public names
    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError
    from sigstore.errors import Error
    from sigstore.oidc import ExpiredIdentity, IdentityError

    try:
        yield
    except IdentityError as error:
        raise UsageError(f"--sigstore: {_first_line(error)}") from error
    except (ExpiredCertificate, ExpiredIdentity) as error:
        message = "--sigstore: the certificate of this job ended before everything was signed"
        raise FetchFailed(f"{message}\n  help: attest fewer reports at a time") from error
    except (Error, FulcioClientError, RekorClientError, RequestException) as error:
        message = f"--sigstore: {_first_line(error)}"
        raise FetchFailed(f"{message}\n  help: run the job again") from error


def _first_line(error: Exception) -> str:
    told = str(error).strip() or type(error).__name__
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{told}{cause}".splitlines()[0]
