"""The console of a gateway: what it shows, and the rollback that a deployer signs in a real browser."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from fakes import OpenAIServer
from gateway_processes import wait_for_status
from gateways import AT, STACK, Served, alone, ask, gateway
from signing import key, signer

from tetrad.canonical import Digest, digest_bytes
from tetrad.errors import Location
from tetrad.gateway.console.console_routes import Console
from tetrad.gateway.console.proofs import KeptProofs, Proof
from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.model import Environment
from tetrad.model.serving import Serving, UseLimits
from tetrad.pointer import (
    Deployers,
    Figures,
    Pointer,
    PointerChange,
    StackPointer,
    seal_pointer,
)
from tetrad.pointer.deployers import bytes_to_sign
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import open_ledger

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "<img src=x onerror=alert(1)>"
OPS = signer("ops", "deployer", valid=None)
DEPLOYERS = Deployers(environment="local", signers=(OPS,))
ENVIRONMENT = Environment(
    ref="infra/environments/local",
    location=Location("infra/environments/local.yaml"),
    signers={"ops": OPS},
    document={},
)


class Registered:
    """An environment with a deployer, and the registry with two identities of a stack."""

    def __init__(self, root: Path) -> None:
        self.place = root / "registry.db"
        self.served = Served(root / "trees")
        self.old, self.new = self.served.take("old"), self.served.take("new")
        self.append(1, alone(self.old))
        self.append(2, alone(self.new, self.old), reason=HOSTILE)

    def append(self, number: int, stack: StackPointer, reason: str = "") -> None:
        pointer = Pointer(
            environment="local",
            number=number,
            at=AT,
            commit="0" * 40,
            change=PointerChange(kind="deploy", stacks=(STACK,), reason=reason),
            stacks={STACK: stack},
        )
        with PointerStore(self.place, DEPLOYERS) as store:
            store.append(seal_pointer(pointer, [key("ops")]))

    def current(self) -> Pointer:
        with PointerStore(self.place, DEPLOYERS) as store:
            current = store.current()
        assert current is not None
        return current


@pytest.fixture
def console(tmp_path: Path) -> Registered:
    return Registered(tmp_path)


@pytest.fixture
def address(console: Registered, upstream: OpenAIServer, tmp_path: Path) -> Iterator[str]:
    with (
        PointerStore(console.place, DEPLOYERS) as store,
        open_ledger(console.place) as ledger,
        gateway(
            store,
            console.served.snapshots,
            tmp_path / "cache",
            further=Console(
                environment=ENVIRONMENT, store=store, ledger=ledger, place=console.place
            ).routes(),
        ) as found,
    ):
        wait_for_status(found, 200)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(f"{address}/ui")
    opened.wait_for_selector(".stack")
    yield opened
    opened.close()


def test_the_state_tells_who_answers_and_who_could(console: Registered, address: str) -> None:
    state = httpx2.get(f"{address}/ui/state").json()
    (stack,) = state["stacks"]
    assert [(one["identity"], one["state"], one["share"]) for one in stack["identities"]] == [
        (console.served.names["new"], "live", 100.0),
        (console.served.names["old"], "warm", 0.0),
    ]
    assert stack["back_to"] == console.served.names["old"]
    assert [change["number"] for change in state["history"]] == [2, 1]
    assert state["can_roll_back"]


def test_the_state_counts_what_was_answered(address: str) -> None:
    for _ in range(3):
        assert ask(address).status_code == 200
    until = time.monotonic() + 20
    while time.monotonic() < until:
        (stack,) = httpx2.get(f"{address}/ui/state").json()["stacks"]
        figures = stack["identities"][0]["figures"]
        if figures["requests"] == 3:
            break
        time.sleep(0.2)
    assert (figures["requests"], figures["errors"]) == (3, 0)
    assert figures["p50_ms"] is not None


def test_what_was_spent_of_a_limit_is_shown(console: Registered, page: Page) -> None:
    assert not page.is_visible("#budgets")
    limits = UseLimits(usd_per_day=5, warn_usd_per_day=1)
    console.append(3, replace(alone(console.new, console.old), serving=Serving(limits=limits)))
    with PointerStore(console.place, DEPLOYERS) as store:
        day = store.now().date()
    account = f"stack {STACK}"
    claim = Claim(account=account, limit=None, spent={day: 1_250_000_000}, need=0, want=0)
    with Spending(console.place, "local", "g1") as told:
        told.exchange([claim])

    page.wait_for_selector("#budgets tbody tr")
    cells = page.locator("#budgets tbody td").all_inner_texts()
    assert cells == [account, "$1.25", "$5.00", "25.0 %", "$1.00"]
    assert page.locator("#budgets .over").inner_text() == "$1.25"


def test_proofs_are_verified_anew_when_something_was_signed() -> None:
    verified: list[Digest] = []
    one, two = digest_bytes(b"one"), digest_bytes(b"two")
    kept = KeptProofs()

    def prove(identity: Digest) -> Proof:
        verified.append(identity)
        return Proof()

    for version in ("1", "1", "2"):
        assert kept.of([one, two], version, prove).keys() == {one, two}
    assert verified == [one, two, one, two]


def test_nothing_from_elsewhere_may_run_in_the_page(address: str) -> None:
    response = httpx2.get(f"{address}/ui")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "script-src 'self'" in response.headers["content-security-policy"]


def public_half(name: str) -> str:
    return base64.urlsafe_b64encode(key(name).public).decode().rstrip("=")


def propose(address: str, name: str = "ops", **changes: Any) -> httpx2.Response:
    asked = {"stack": STACK, "reason": "wrong answers", "key": public_half(name), **changes}
    return httpx2.post(f"{address}/ui/rollback/proposal", json=asked)


def signed(proposal: dict[str, Any], name: str = "ops") -> dict[str, Any]:
    payload = base64.b64decode(proposal["payload"])
    signature = key(name).sign(bytes_to_sign(payload))
    sent: dict[str, Any] = {
        "payload": proposal["payload"],
        "payloadType": proposal["payloadType"],
        "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
    }
    return sent


def test_a_key_that_is_no_deployers_gets_no_proposal(address: str) -> None:
    refused = propose(address, "stranger")
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == "no deployer of local has this key"


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"stack": "stacks/none"}, 409), ({"stack": 3}, 400), ({"reason": None}, 400)],
)
def test_what_cannot_be_rolled_back_is_refused(
    address: str, changes: dict[str, Any], status: int
) -> None:
    assert propose(address, **changes).status_code == status


def test_a_proposal_that_somebody_else_signed_changes_nothing(
    console: Registered, address: str
) -> None:
    envelope = signed(propose(address).json(), "stranger")
    refused = httpx2.post(f"{address}/ui/rollback", json={"envelope": envelope})
    assert refused.status_code == 403
    assert console.current().number == 2


def test_only_rollbacks_are_taken(console: Registered, address: str) -> None:
    current = console.current()
    change = replace(current.change, kind="release")
    sealed = seal_pointer(replace(current, number=3, change=change), [key("ops")])
    body = b'{"envelope": ' + sealed + b"}"
    refused = httpx2.post(
        f"{address}/ui/rollback", content=body, headers={"content-type": "application/json"}
    )
    assert refused.status_code == 403
    assert console.current().number == 2


def test_of_two_rollbacks_one_wins(address: str) -> None:
    proposals = [propose(address).json() for _ in range(2)]
    answers = [
        httpx2.post(f"{address}/ui/rollback", json={"envelope": signed(one)}) for one in proposals
    ]
    assert [answer.status_code for answer in answers] == [200, 409]


def test_a_deployer_rolls_back_with_real_clicks(
    console: Registered, address: str, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "ops.pem").write_bytes(key("ops").pem())
    page.click(f"[data-stack='{STACK}'] .back")
    page.fill("#rollback-reason", "wrong answers")
    page.set_input_files("#rollback-key", tmp_path / "ops.pem")
    page.click("#rollback-confirm")
    page.get_by_text("echo is rolled back: every gateway follows.").wait_for(timeout=30_000)
    pointer = console.current()
    assert (pointer.change.kind, pointer.change.by) == ("rollback", "ops")
    assert pointer.change.reason == "wrong answers"
    assert ask(address).headers["x-tetrad-identity"] == console.served.names["old"]
    withdrawn = page.locator(f"[data-identity='{console.served.names['new']}'] .tag").first
    assert withdrawn.inner_text() == "withdrawn"


def test_the_dialog_tells_what_is_wrong_and_stays(
    console: Registered, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "stranger.pem").write_bytes(key("stranger").pem())
    (tmp_path / "none.pem").write_text("no key")
    page.click(f"[data-stack='{STACK}'] .back")
    page.fill("#rollback-reason", "wrong answers")
    for file, message in (
        ("none.pem", "This file is not a private key in PEM."),
        ("stranger.pem", "no deployer of local has this key"),
    ):
        page.set_input_files("#rollback-key", tmp_path / file)
        page.click("#rollback-confirm")
        page.get_by_text(message).wait_for(timeout=10_000)
    page.click("#rollback-cancel")
    assert not page.locator("#rollback").is_visible()
    assert console.current().number == 2


def test_strangers_words_are_inert(page: Page) -> None:
    assert page.get_by_text(HOSTILE).count() == 1
    assert page.locator("#history img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1280])
def test_the_page_fits_its_width(browser: Any, address: str, width: int, scheme: str) -> None:
    opened = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(f"{address}/ui")
    opened.wait_for_selector(".stack")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []
    opened.close()


def test_figures_are_those_of_all_gateways_together() -> None:
    one = Figures(requests=3, errors=1, usd=0.25, latency_ms={"10": 2, "50": 1})
    other = Figures(requests=1, guarded=1, latency_ms={"50": 1})
    assert one + other == Figures(
        requests=4, errors=1, guarded=1, usd=0.25, latency_ms={"10": 2, "50": 2}
    )
