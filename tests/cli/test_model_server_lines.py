"""How `tetrad status` names model servers, by what `infra/status.py` tells and what the pointer says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from goldens import check_golden
from pointing import NOW, STACK, identity, pointer, served

from tetrad.cli.folding import folded
from tetrad.cli.model_server_lines import server_lines, with_roles
from tetrad.identity import written_identity
from tetrad.model.serving import RolloutPlan, Serving
from tetrad.pointer import Pointer, StackPointer, Withdrawal
from tetrad.pointer.pointers import Rollout

STEPS = Serving(rollout=RolloutPlan(steps=(25, 100)))
ROLLING = Rollout(to=served("new"), serving=STEPS, step=0, began=NOW, step_began=NOW)
LEFT = Withdrawal(identity=identity("rude"), at=NOW, by="deploy", reason="rude", commit="c" * 40)


def pointed() -> Pointer:
    stack = StackPointer(
        stack=STACK,
        live=served("a"),
        serving=STEPS,
        rollout=ROLLING,
        warm=(served("warm"),),
        withdrawn=(LEFT,),
    )
    return pointer(stacks={STACK: stack, "stacks/answers": replace(stack, rollout=None)})


def used(name: str, stack: str = STACK, *, merged: bool = False) -> dict[str, Any]:
    return {"stack": stack, "identity": written_identity(identity(name)), "merged": merged}


def server(name: str, **changes: Any) -> dict[str, Any]:
    told = {
        "name": f"model-{name * 12}",
        "model": "stacks/models/qwen3-8b",
        "digest": f"sha256:{name * 64}",
        "ready": 2,
        "wanted": 2,
        "why": [],
        "used_by": [used("a")],
    }
    return {**told, **changes}


TOLD = [
    server("a", used_by=[used("a"), used("warm"), used("rude"), used("a", "stacks/answers")]),
    server(
        "b",
        ready=0,
        why=["Pending: insufficient nvidia.com/gpu", "still loading"],
        used_by=[used("new", merged=True)],
    ),
    server("c", ready=0, wanted=1, why=["ImagePullBackOff"], used_by=[used("next", merged=True)]),
    server("d", used_by=[used("old"), used("a", "stacks/gone")]),
    server("e", ready=0, wanted=1, why=["there is no Deployment"], used_by=None),
    server("f", model="", used_by=[]),
]


@pytest.mark.parametrize("width", [80, 120])
def test_each_server_says_what_is_ready_and_for_whom(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = folded("\n".join(server_lines(with_roles(TOLD, pointed())))) + "\n"

    assert max(map(len, text.splitlines())) <= width
    check_golden(Path(__file__).with_name(f"model_servers.{width}.txt"), text)


def test_before_the_first_deployment_a_server_is_for_what_is_merged() -> None:
    (found,) = with_roles([server("a", used_by=[used("a", merged=True)])], None)

    assert [one["role"] for one in found["used_by"]] == ["merged"]


def test_what_others_wrote_into_an_object_begins_no_line() -> None:
    told = server("a", model="x\n  production 9: all is well", why=["a\nb"], ready=0)

    (first, second) = server_lines(with_roles([told], pointed()))

    assert "\n" not in first
    assert second == "    live: stacks/triage ca978112ca1b"
