"""The login for a registry, as `docker login` and its like keep it."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from pathlib import Path

from tetrad.errors import UsageError


def docker_login(host: str) -> str | None:
    """`name:password` for a registry's host from Docker's configuration; None where it has none.

    Credential helpers, which are programs that the configuration names, are not run.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    file = (Path(folder) if folder else Path("~/.docker").expanduser()) / "config.json"
    try:
        document = json.loads(file.read_bytes())
        kept = document.get("auths", {})
        entry = kept.get(host) or kept.get(f"https://{host}") or kept.get(f"https://{host}/v2/")
        login = b64decode(entry["auth"], validate=True).decode() if entry else ""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, AttributeError):
        return None  # an entry without `auth`: a helper keeps it
    except ValueError as error:
        help_ = f"docker login {host}"
        raise UsageError(f"{file} holds no login for {host}\n  help: {help_}") from error
    return login if ":" in login else None
