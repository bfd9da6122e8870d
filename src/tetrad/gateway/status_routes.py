"""What the gateway says of itself: alive, ready, which stacks, and who answers them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tetrad import __version__
from tetrad.gateway.collaborators import Gateway
from tetrad.gateway.docs_page import POLICY, docs_page
from tetrad.gateway.fleet import Fleet
from tetrad.gateway.limiting.callers import may_ask, refuse_other_stacks
from tetrad.gateway.openapi import openapi_document
from tetrad.gateway.refusing import as_json
from tetrad.gateway.routing import following_now, served_names, stack_named
from tetrad.identity import written_identity
from tetrad.pointer import ServedIdentity, StackPointer
from tetrad.protocols import openai as wire
from tetrad.telemetry.metrics import CONTENT_TYPE


async def get_health(_: Request) -> Response:
    return PlainTextResponse("alive\n")


async def get_readiness(_: Request, gateway: Gateway) -> Response:
    readiness = gateway.following.readiness
    body = {"ready": readiness.ready, "problem": readiness.problem}
    return as_json(body, 200 if readiness.ready else 503)


async def get_metrics(_: Request, gateway: Gateway) -> Response:
    """For Prometheus."""
    following, metrics = gateway.following, gateway.metrics
    followed = following.fleet.followed
    metrics.follow(None if followed is None else followed.pointer, ready=following.readiness.ready)
    if following.heard is not None:
        metrics.heard_from_registry(following.heard.timestamp())
    gateway.limiter.show()
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)


async def get_openapi(_: Request, gateway: Gateway) -> Response:
    return as_json(openapi_document(gateway.following.fleet.followed))


async def get_docs(request: Request, gateway: Gateway) -> Response:
    document = openapi_document(gateway.following.fleet.followed)
    page = docs_page(document, str(request.base_url).rstrip("/"))
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


async def list_models(request: Request, gateway: Gateway) -> Response:
    """The stacks that the client may ask, as OpenAI lists models."""
    pointer = following_now(gateway.following).pointer
    names = served_names(pointer)
    listed = [
        _model(names[ref], stack)
        for ref, stack in pointer.stacks.items()
        if may_ask(request.state.client, ref)
    ]
    return as_json(wire.model_list(listed))


async def get_model(request: Request, gateway: Gateway) -> Response:
    pointer = following_now(gateway.following).pointer
    name = request.path_params["model"]
    stack = stack_named(pointer, name)
    refuse_other_stacks(request.state.client, stack)
    return as_json(_model(name, pointer.stacks[stack]))


def _model(name: str, stack: StackPointer) -> dict[str, Any]:
    return wire.model_entry(name, created=int(stack.live.since.timestamp()), owned_by="tetrad")


async def get_identity(_: Request, gateway: Gateway) -> Response:
    """Which identities answer each stack here, at which share, and which are warm or withdrawn."""
    following = gateway.following
    followed, fleet = following.fleet.followed, following.fleet
    pointer = None if followed is None else followed.pointer
    return as_json(
        {
            "environment": following.environment,
            "number": following.fleet.number,
            "gateway": following.gateway,
            "release": __version__,
            "ready": following.readiness.ready,
            "stacks": {}
            if pointer is None
            else {ref: _standing(stack, fleet) for ref, stack in pointer.stacks.items()},
        }
    )


def _standing(stack: StackPointer, fleet: Fleet) -> dict[str, Any]:
    rollout = stack.rollout
    share = 0.0 if rollout is None else rollout.percent
    answering = [{**_served(stack.live), "percent": 100 - share}]
    if rollout is not None:
        answering.append({**_served(rollout.to), "percent": share})
    return {
        "answering": answering,
        "warm": [
            {**_served(served), "loaded": fleet.is_warm(stack.stack, served)}
            for served in stack.warm
        ],
        "withdrawn": [
            {"identity": written_identity(one.identity), "reason": one.reason}
            for one in stack.withdrawn
        ],
    }


def _served(served: ServedIdentity) -> dict[str, Any]:
    return {
        "identity": written_identity(served.identity),
        "commit": served.commit,
        "since": served.since.isoformat(),
    }
