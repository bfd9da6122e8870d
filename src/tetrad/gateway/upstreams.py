"""Whether a model server serves the model that a stack names, and under which name."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tetrad.artifacts.download import shown
from tetrad.errors import EngineUnavailable
from tetrad.identity import component_digest, short
from tetrad.model import Model, VllmEngine

if TYPE_CHECKING:
    from tetrad.engines.endpoint import Address

_TIMEOUT_S = 10.0
_LARGEST = 4_000_000  # bytes; vendors list hundreds of models


def served_name(model: Model, address: Address) -> str:
    """The name to ask a model by; EngineUnavailable where its server serves others only.

    A name that has the first 12 digits of the model's digest in it says which weights answer. A
    vendor's list is not held against a model: what it calls a deployment may be on none.
    """
    if not isinstance(model.engine, VllmEngine):
        return address.model
    names = _listed(address)
    exact = [name for name in names if short(component_digest(model)) in name]
    if exact:
        return exact[0]
    if address.model in names:
        return address.model
    said = ", ".join(names) or "no model"
    raise EngineUnavailable(
        f"{shown(address.base_url)} serves {said}, expected {address.model}"
        f"\n  help: start it with --served-model-name {address.model}"
    )


def _listed(address: Address) -> list[str]:
    """What the server says at `/models`."""
    import httpx2

    base = urlsplit(address.base_url)
    url = base._replace(path=f"{base.path.rstrip('/')}/models").geturl()
    where = shown(address.base_url)
    headers = {"Authorization": f"Bearer {address.api_key}"} if address.api_key else {}
    try:
        response = httpx2.get(url, headers=headers, timeout=_TIMEOUT_S)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise EngineUnavailable(f"{where}: {str(error) or type(error).__name__}") from error
    if response.status_code != HTTPStatus.OK or len(response.content) > _LARGEST:
        raise EngineUnavailable(f"{where}/models: {response.status_code} {response.reason_phrase}")
    try:
        said: Any = json.loads(response.content)
        return [str(one["id"]) for one in said["data"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EngineUnavailable(f"{where}/models lists no models") from error
