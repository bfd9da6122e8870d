"""The console over HTTP: the page, what it shows, and the rollback that a deployer signs in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import islice

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tetrad.canonical import Digest, Json, canonical_json
from tetrad.errors import PointerMoved, UsageError
from tetrad.evidence import Refused
from tetrad.gateway.console.console_state import HISTORY, console_state
from tetrad.gateway.console.proofs import KeptProofs, Proof, proof_of
from tetrad.gateway.incoming import read_object
from tetrad.gateway.refusing import RequestRefused, as_json
from tetrad.model import Environment, Signer
from tetrad.pointer import Deployers, Pointer
from tetrad.pointer.daily_budgets import DailyBudget, budgets_of
from tetrad.pointer.deployers import PAYLOAD_TYPE
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.pointer_json import write_pointer
from tetrad.pointer.transitions import Act, rolled_back
from tetrad.registry import Kind, Place
from tetrad.registry.ledger import Ledger
from tetrad.registry.spent import spent_today

# Nothing from elsewhere, and nothing that runs but the page's own script.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_SIGNED: tuple[Kind, ...] = ("evidence", "approval", "admission")
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Console:
    """What the page is about, and where it is written down."""

    environment: Environment
    store: KeptPointers
    ledger: Ledger
    place: Place  # of the registry
    _proofs: KeptProofs = field(default_factory=KeptProofs)

    def routes(self) -> list[Route]:
        return [
            Route("/ui", self._file("html")),
            Route("/ui/console.css", self._file("css")),
            Route("/ui/console.js", self._file("js")),
            Route("/ui/state", self._state),
            Route("/ui/rollback/proposal", self._propose, methods=["POST"]),
            Route("/ui/rollback", self._roll_back, methods=["POST"]),
        ]

    def _file(self, ending: str) -> Callable[[Request], Response]:
        data = files(__package__).joinpath(f"console.{ending}").read_bytes()
        if ending == "css":
            data = files("tetrad").joinpath("palette.css").read_bytes() + data

        def serve(_: Request) -> Response:
            return Response(data, media_type=_TYPES[ending], headers=_HEADERS)

        return serve

    async def _state(self, _: Request) -> Response:
        return as_json(await run_in_threadpool(self._shown), headers=_HEADERS)

    def _shown(self) -> Json:
        history = list(islice(self.store.history(), HISTORY))
        pointer = history[0] if history else None
        now = self.store.now()
        return console_state(
            pointer,
            history,
            self.store.gateways(),
            environment=self.environment.name,
            proofs=self._proven(pointer, now),
            budgets=self._budgets(pointer),
            can_roll_back=self._can_roll_back,
            now=now,
        )

    def _proven(self, pointer: Pointer | None, now: datetime) -> Mapping[Digest, Proof]:
        if pointer is None:
            return {}
        head = self.ledger.head()
        return self._proofs.of(
            {served.identity for _, served in pointer.loaded()},
            (None if head is None else head.digest, f"{now:%Y-%m-%d %H}"),
            lambda one: proof_of(one, self._envelopes(one), self.environment, now),
        )

    def _budgets(self, pointer: Pointer | None) -> Sequence[DailyBudget]:
        """What has limits of money, with what was spent today."""
        if pointer is None or not budgets_of(pointer, {}):
            return ()
        spent = spent_today(self.place, self.environment.name)
        return () if spent is None else budgets_of(pointer, spent.usd)

    def _envelopes(self, identity: Digest) -> Iterator[bytes]:
        """What is signed about an identity, as far as the registry holds it."""
        for kind in _SIGNED:
            for entry in self.ledger.entries(kind=kind, identity=identity):
                data = self.ledger.content(entry.content)
                if data is not None:
                    yield data

    @property
    def _can_roll_back(self) -> bool:
        """A gateway in a cluster may not write the pointer there."""
        return self.environment.cluster is None and bool(Deployers.of(self.environment).signers)

    async def _propose(self, request: Request) -> Response:
        asked = await read_object(request)
        return as_json(await run_in_threadpool(self._proposal, asked))

    def _proposal(self, asked: Mapping[str, Json]) -> Mapping[str, Json]:
        """The pointer's bytes that a deployer has to sign for a stack to be rolled back."""
        signer = self._deployer(_text(asked, "key"))
        before = self.store.current()
        if before is None:
            raise RequestRefused(409, f"nothing is deployed to {self.environment.name}")
        act = Act(at=self.store.now(), by=signer.name, reason=_text(asked, "reason"))
        try:
            after = rolled_back(before, {_text(asked, "stack"): None}, act)
        except UsageError as error:
            raise RequestRefused(409, str(error).partition("\n")[0]) from error
        return {
            "number": after.number,
            "payload": base64.b64encode(write_pointer(after)).decode(),
            "payloadType": PAYLOAD_TYPE,
        }

    def _deployer(self, written: str) -> Signer:
        """Whose key it is, by its public half in base64url, as JSON Web Keys write it."""
        self._refuse_in_cluster()
        try:
            public = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
        except (binascii.Error, ValueError):
            public = b""
        for signer in Deployers.of(self.environment).signers:
            if signer.key == public:
                return signer
        raise RequestRefused(403, f"no deployer of {self.environment.name} has this key")

    async def _roll_back(self, request: Request) -> Response:
        envelope = canonical_json((await read_object(request)).get("envelope"))
        return as_json(await run_in_threadpool(self._appended, envelope))

    def _refuse_in_cluster(self) -> None:
        if self.environment.cluster is not None:
            name = self.environment.name
            raise RequestRefused(
                403, f"a gateway in a cluster rolls nothing back; run: tetrad rollback {name}"
            )

    def _appended(self, envelope: bytes) -> Mapping[str, Json]:
        self._refuse_in_cluster()
        try:
            if Deployers.of(self.environment).read(envelope).change.kind != "rollback":
                raise RequestRefused(403, "this page only rolls back")
            return {"number": self.store.append(envelope).number}
        except Refused as error:
            raise RequestRefused(403, f"the rollback is refused: {error.message}") from error
        except PointerMoved as error:
            message = "another change came first; check what serves now, and try again"
            raise RequestRefused(409, message) from error


def _text(asked: Mapping[str, Json], key: str) -> str:
    value = asked.get(key)
    if not isinstance(value, str):
        raise RequestRefused(400, f"{key} must be a text", param=key)
    return value
