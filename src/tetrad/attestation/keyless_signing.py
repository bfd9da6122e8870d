"""Signing by Sigstore: with a key of minutes that is certified to a CI job or to a person.

The job's provider vouches for it, or the person logs in; the authority certifies a new key to that
identity, and a public log records each signature. `sigstore` is imported here, where it is used.
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
    from sigstore.oidc import IdentityToken

_NO_JOB = (
    "--sigstore: this is no CI job whose provider vouches for it"
    "\n  help: in a GitHub workflow, give the job `permissions: {id-token: write}`"
)


@contextmanager
def keyless_sealing(config: Path | None, *, asks: bool = False) -> Iterator[Sealing]:
    """What signs for this job, by the public instance or by that of a client trust config. Outside of
    a job, a person is asked to log in, where somebody `asks`.
    """
    try:
        import sigstore  # noqa: F401 - tells whether it is there
    except ImportError as error:
        raise MissingExtra("sigstore", "--sigstore") from error
    from sigstore.dsse import Statement
    from sigstore.sign import SigningContext

    with ExitStack() as opened:
        with _explained():
            trust = _trust(config)
            token = _token(trust, asks=asks)
            context = SigningContext.from_trust_config(trust)
            signer = opened.enter_context(context.signer(token))

        def sealed(payload: bytes) -> bytes:
            with _explained():
                return signer.sign_dsse(Statement(payload)).to_json().encode()

        yield sealed


def _token(trust: ClientTrustConfig, *, asks: bool) -> IdentityToken:
    """By whose word the key is certified."""
    from sigstore.oidc import IdentityToken, Issuer, detect_credential

    of_job = detect_credential()
    if of_job is not None:
        return IdentityToken(of_job)
    if not asks:
        raise UsageError(_NO_JOB)
    try:
        return Issuer(trust.signing_config.get_oidc_url()).identity_token()
    except EOFError:
        message = "--sigstore: this is not a terminal, so nobody can log in\n  help: sign with a key instead: --key"
        raise UsageError(message) from None
    except LookupError as error:
        raise FetchFailed("--sigstore: the login gave no identity\n  help: try again") from error


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
        raise UsageError(f"--sigstore: {config} is not a Sigstore client trust config") from error


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong with the services, as one sentence."""
    from requests import RequestException
    from sigstore._internal.fulcio import ExpiredCertificate  # these three have no public names
    from sigstore._internal.fulcio.client import FulcioClientError
    from sigstore._internal.rekor import RekorClientError
    from sigstore.errors import Error
    from sigstore.oidc import ExpiredIdentity, IdentityError, IssuerError

    try:
        yield
    except IdentityError as error:
        raise UsageError(f"--sigstore: {_first_line(error)}") from error
    except (ExpiredCertificate, ExpiredIdentity) as error:
        message = "--sigstore: the certificate ended before everything was signed"
        raise FetchFailed(f"{message}\n  help: attest fewer reports at a time") from error
    except (Error, IssuerError, FulcioClientError, RekorClientError, RequestException) as error:
        message = f"--sigstore: {_first_line(error)}"
        raise FetchFailed(f"{message}\n  help: run the command again") from error


def _first_line(error: Exception) -> str:
    told = str(error).strip() or type(error).__name__
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{told}{cause}".splitlines()[0]
