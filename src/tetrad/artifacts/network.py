"""What the environment says of the way to other machines, looked at before a client takes it up.

The client's own errors name neither the variable nor its value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tetrad.errors import UsageError

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")
_PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


def check_network(url: str, environment: Mapping[str, str] = os.environ) -> None:
    """UsageError where the environment names certificates or proxies that cannot be used."""
    if url.lower().startswith("https:"):
        _check_certificates(environment)
    for name in (*_PROXY_VARIABLES, *(name.upper() for name in _PROXY_VARIABLES)):
        scheme, mark, _ = environment.get(name, "").partition("://")
        if mark and scheme.lower() not in _PROXY_SCHEMES:
            raise UsageError(
                f"{name} names a proxy of the unknown scheme {scheme!r}"
                f"\n  help: use {', '.join(sorted(_PROXY_SCHEMES))}; hosts in NO_PROXY go without it"
            )


def _check_certificates(environment: Mapping[str, str]) -> None:
    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if file:
        import ssl

        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else "no certificates"
            raise UsageError(
                f"SSL_CERT_FILE={file}: {reason}"
                "\n  help: name a PEM file of certificates, or unset the variable"
            ) from error
    elif folder and not Path(folder).is_dir():
        raise UsageError(
            f"SSL_CERT_DIR={folder}: no such folder"
            "\n  help: name a folder of certificates, or unset the variable"
        )
