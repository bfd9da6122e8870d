"""Deploying, promoting and rolling back, as commands do it."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from deployments import (
    REF,
    Follower,
    add_second,
    deployable_tree,
    improve,
    key_of,
    place_of,
    pointer_of,
    serve,
    store_of,
    write_environment,
)
from pointing import gateway
from postgres import reading, schema
from trees import Tree

import tetrad
import tetrad.identity
from tetrad.cli.changing import deployer_of
from tetrad.deploy.deploying import DeploymentRequest, settle
from tetrad.deploy.merged_state import merged_state
from tetrad.errors import PointerMoved
from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.identity import short, written_identity
from tetrad.loading.environments import environment_named
from tetrad.pointer import Deployers, Pointer
from tetrad.pointer.kept_pointers import THERE
from tetrad.registry import open_ledger
from tetrad.registry.connection import LedgerDatabase
from tetrad.registry.entry import written_time
from tetrad.registry.ledger_tables import GATEWAYS
from tetrad.snapshots import kept


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return deployable_tree(tmp_path)


def deploy(tree: Tree, *options: str) -> int:
    return tree.tetrad("deploy", "production", *options, *key_of(tree))


def live(pointer: Pointer) -> str:
    return short(pointer.stacks[REF].live.identity)


def test_the_merged_state_serves(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy(tree) == 0

    pointer = pointer_of(tree)
    out, err = capsys.readouterr()
    assert out.endswith(f"production 1\n  {REF}: {live(pointer)} is live\n")
    assert "no gateway is running" in err
    assert pointer.commit == tree.git("rev-parse", "HEAD").strip()
    assert (pointer.change.kind, pointer.change.by) == ("deploy", "deploy")


def test_a_preview_asks_for_no_key_and_writes_nothing_to_the_registry(
    tree: Tree,
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with schema(postgres) as url:
        monkeypatch.setenv("TETRAD_REGISTRY", url)
        deploy(tree)
        before = pointer_of(tree)
        improve(tree)
        monkeypatch.setenv("TETRAD_REGISTRY", reading(url))
        capsys.readouterr()

        assert tree.tetrad("deploy", "production", "--preview") == 0

        assert re.search(r"traffic:\n  stacks/feedback: \w{12} is live", capsys.readouterr().out)
        assert pointer_of(tree) == before


def test_what_serves_is_kept_with_its_admission(tree: Tree) -> None:
    deploy(tree)

    served = pointer_of(tree).stacks[REF].live
    with open_ledger(place_of(tree)) as ledger:
        kinds = [entry.kind for entry in ledger.entries()]
        assert kinds == ["snapshot", "admission", "deployment"]
        assert kept.load_exact(ledger, served.snapshot).identity == served.identity


def test_deploying_again_changes_nothing(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(tree)
    capsys.readouterr()

    assert deploy(tree) == 0
    assert capsys.readouterr().out == "no changes\n"
    assert pointer_of(tree).number == 1


def test_an_improved_prompt_takes_over_and_leaves_the_other_warm(tree: Tree) -> None:
    deploy(tree)
    first = pointer_of(tree).stacks[REF].live
    commit = improve(tree)
    deploy(tree)

    stack = pointer_of(tree).stacks[REF]
    assert stack.live.commit == commit
    assert stack.warm == (first,)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda tree: tree.append("README.md", "x"), "there are uncommitted changes"),
        (lambda tree: tree.write("new.txt", "x"), "there are uncommitted changes"),
    ],
)
def test_what_is_not_committed_is_not_deployed(
    tree: Tree, capsys: pytest.CaptureFixture[str], write: object, told: str
) -> None:
    tree.write("README.md", "")
    tree.commit()
    write(tree)  # type: ignore[operator]

    assert deploy(tree) == 2
    assert told in capsys.readouterr().err


def test_a_commit_that_does_not_contain_the_last_one_deployed_is_refused(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    improve(tree)
    deploy(tree)
    tree.git("checkout", "--quiet", "-b", "other", "HEAD~1")
    improve(tree, 2)

    assert deploy(tree) == 1
    assert "does not descend from" in capsys.readouterr().err
    assert pointer_of(tree).number == 2


def test_a_clone_without_the_last_commit_says_what_to_fetch(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    tree.git("checkout", "--quiet", "--orphan", "anew")
    tree.commit("Begin anew")
    tree.git("branch", "--quiet", "-D", "main")
    tree.git("-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all")
    tree.git("gc", "--quiet", "--prune=now")

    assert deploy(tree) == 2
    assert "is not in this clone\n  help: git fetch" in capsys.readouterr().err


def ask_for_approvals(tree: Tree, environment: str) -> None:
    path = f"infra/environments/{environment}.yaml"
    said = json.loads((tree.root / path).read_text())
    write_environment(tree, environment, **{**said, "requires": {"approvals": {"count": 2}}})
    tree.commit(f"Ask for approvals before {environment}")


def test_an_identity_that_may_not_serve_is_refused_with_every_clause(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_for_approvals(tree, "production")

    assert deploy(tree) == 1
    out, err = capsys.readouterr()
    assert re.search(r"may not serve production\n  approvals +0 of 2 approvals\n", out)
    assert err.endswith("nothing was deployed\n")
    with open_ledger(place_of(tree)) as ledger:
        assert list(ledger.entries()) == []


def test_what_serves_already_is_not_taken_away_by_a_new_rule(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    write_environment(tree, "production")  # nobody signs, so that nothing is admitted
    tree.commit()
    tree.tetrad("deploy", "production")
    ask_for_approvals(tree, "production")
    capsys.readouterr()

    assert tree.tetrad("deploy", "production") == 0
    assert "serves, and would not be admitted today: approvals" in capsys.readouterr().out


def test_who_verified_long_does_not_go_back_behind_what_was_deployed_meanwhile(tree: Tree) -> None:
    deploy(tree)
    improve(tree, 1)
    slow, private = environment_named(tree.root, "production"), key_of(tree)[1]
    with merged_state(tree.root) as state, store_of(tree) as store:
        order = DeploymentRequest(state=state, before=store.current(), candidates=(), named=False)
        improve(tree, 2)
        deploy(tree)

        with pytest.raises(PointerMoved):
            settle(tree.root, store, deployer_of(tree.root, slow, private), order, reason="")
    assert pointer_of(tree).number == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deploy", "nowhere"), "there is nothing named 'nowhere'"),
        (("deploy", "production", "elsewhere"), "there is nothing named 'elsewhere'"),
        (("rollback", "production"), "nothing is deployed to production\n  help: tetrad deploy"),
        (("release", "production", "feedback"), "nothing is deployed to production"),
        (("promote", "feedback", "--from", "staging", "--to", "production"),
         "nothing is deployed to staging"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_with_what_to_do(
    tree: Tree, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert tree.tetrad(*arguments, *key_of(tree)) == 2
    assert told in capsys.readouterr().err


def test_only_a_deployer_deploys(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    other = tree.root.parent / "other.pem"
    tree.tetrad("keys", "new", "other", "--role", "deployer", "--private", str(other))
    tree.commit()

    assert tree.tetrad("deploy", "production", "--key", f"file:{other}") == 2
    assert "names no signer with this key" in capsys.readouterr().err


def test_without_deployers_nobody_signs(tree: Tree) -> None:
    write_environment(tree, "production")
    tree.commit()

    assert tree.tetrad("deploy", "production") == 0
    assert pointer_of(tree).change.by == ""


@pytest.mark.parametrize(("command", "code"), [("status", 3), ("history", 2), ("rollback", 2)])
def test_a_cluster_that_is_not_known_here_is_named(
    tree: Tree,
    command: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("urllib3", reason="needs the extra infra")
    monkeypatch.setenv("KUBECONFIG", str(tree.root / "nothing"))
    write_environment(
        tree, "production", target="kubernetes", kubernetes={"context": "prod", "namespace": "llm"}
    )

    assert tree.tetrad(command, "production") == code
    assert "the kubeconfig has no context 'prod'" in capsys.readouterr().err


# -- rolling back


def test_a_rollback_gives_all_traffic_to_the_earlier_identity_and_withdraws_the_other(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    commit = improve(tree)
    deploy(tree)
    before = pointer_of(tree)
    deployers = Deployers.of(environment_named(tree.root, "production"))
    capsys.readouterr()

    with Follower(place_of(tree), deployers) as follower:
        code = tree.tetrad("rollback", "production", "--reason", "rude", *key_of(tree))
        assert follower.state.number == 3

    after = pointer_of(tree)
    first, second = (short(p.stacks[REF].live.identity) for p in (after, before))
    out = capsys.readouterr().out
    assert code == 0
    assert after.stacks[REF].live == before.stacks[REF].warm[0]
    assert out.startswith(
        f"production 3\n  {REF}: {first} is live, was {second}; {second} is withdrawn\n1 gateway"
        " followed "
    )
    assert out.endswith(f"revert what introduced it:\n  git revert --no-edit {commit[:12]}\n")


def test_a_withdrawn_identity_comes_back_by_no_deploy_until_the_revert_is_merged(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    commit = improve(tree)
    deploy(tree)
    tree.tetrad("rollback", "production", "--reason", "rude", *key_of(tree))
    capsys.readouterr()

    assert deploy(tree) == 1
    assert re.search(r"withdrawn +withdrawn on .* by deploy: rude\n", capsys.readouterr().out)
    assert tree.tetrad("verify", "feedback", "--env", "production") == 1
    assert tree.tetrad("verify", "feedback", "--env", "staging") == 0
    tree.git("revert", "--no-edit", commit)
    assert deploy(tree) == 0
    assert pointer_of(tree).stacks[REF].withdrawn == ()
    tree.git("revert", "--no-edit", "HEAD")
    assert deploy(tree) == 0
    assert len(pointer_of(tree).stacks[REF].warm) == 1


def test_a_release_lets_the_merged_identity_serve_again(tree: Tree) -> None:
    deploy(tree)
    improve(tree)
    deploy(tree)
    again = live(pointer_of(tree))
    tree.tetrad("rollback", "production", *key_of(tree))

    assert tree.tetrad("release", "production", "feedback", *key_of(tree)) == 0
    assert deploy(tree) == 0
    assert live(pointer_of(tree)) == again


def test_a_rollback_again_does_not_go_back_further_by_itself(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        improve(tree, number + 1)
        deploy(tree)
    tree.tetrad("rollback", "production", *key_of(tree))
    number = pointer_of(tree).number

    assert tree.tetrad("rollback", "production", *key_of(tree)) == 2
    assert "is already rolled back\n  help: name a stack" in capsys.readouterr().err
    assert pointer_of(tree).number == number


def test_a_rollback_to_an_identity_that_served_long_ago(tree: Tree) -> None:
    deploy(tree)
    first = pointer_of(tree).stacks[REF].live
    for number in (1, 2, 3):
        improve(tree, number)
        deploy(tree)

    named = written_identity(first.identity)
    assert tree.tetrad("rollback", "production", "--to", named, *key_of(tree)) == 0
    assert pointer_of(tree).stacks[REF].live == first


@pytest.mark.parametrize("written", ["nonsense", "0000000", "tetrad:12"])
def test_a_rollback_to_what_never_served_is_refused(tree: Tree, written: str) -> None:
    deploy(tree)

    assert tree.tetrad("rollback", "production", "--to", written, *key_of(tree)) == 2
    assert pointer_of(tree).number == 1


def test_a_merge_is_reverted_as_one(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(tree)
    tree.git("checkout", "--quiet", "-b", "change")
    improve(tree, 1)
    improve(tree, 2)
    tree.git("checkout", "--quiet", "main")
    tree.git("merge", "--quiet", "--no-ff", "--message", "Merge", "change")
    deploy(tree)
    merge = tree.git("rev-parse", "HEAD").strip()
    capsys.readouterr()

    tree.tetrad("rollback", "production", *key_of(tree))
    command = f"git revert --no-edit -m 1 {merge[:12]}"
    assert capsys.readouterr().out.endswith(f"  {command}\n")
    tree.git(*command.split()[1:])
    assert deploy(tree) == 0


def test_a_gateway_that_was_not_heard_of_for_long_is_not_waited_for(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    improve(tree)
    deploy(tree)
    with store_of(tree) as store:
        store.report(gateway("partitioned", 2))
        then = store.now() - THERE - timedelta(seconds=10)
    with closing(LedgerDatabase(place_of(tree))) as database, database.changing() as connection:
        connection.execute(GATEWAYS.update().values(seen=written_time(then)))
    capsys.readouterr()

    assert tree.tetrad("rollback", "production", *key_of(tree)) == 0
    told = r"not waiting for http://127\.0\.0\.1:8000 \(partitio\), last seen 4\d s ago\n"
    assert re.search(told, capsys.readouterr().err)


# -- promoting


def test_a_promotion_serves_the_same_identity_and_snapshot_in_the_next_environment(
    tree: Tree,
) -> None:
    tree.tetrad("deploy", "staging", *key_of(tree))
    improve(tree)
    promoted = ("promote", "feedback", "--from", "staging", "--to", "production", *key_of(tree))

    assert tree.tetrad(*promoted) == 0
    there = pointer_of(tree, "staging").stacks[REF].live
    here = pointer_of(tree, "production").stacks[REF].live
    assert (here.identity, here.snapshot, here.commit) == (
        there.identity, there.snapshot, there.commit,
    )  # fmt: skip
    assert tree.tetrad(*promoted) == 0
    assert pointer_of(tree, "production").number == 1


def test_a_promotion_is_verified_for_the_environment_that_it_goes_to(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_for_approvals(tree, "production")
    tree.tetrad("deploy", "staging", *key_of(tree))

    code = tree.tetrad(
        "promote", "feedback", "--from", "staging", "--to", "production", *key_of(tree)
    )
    assert code == 1
    assert "0 of 2 approvals" in capsys.readouterr().out


def test_a_promotion_does_not_go_back(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.tetrad("deploy", "staging", *key_of(tree))
    improve(tree)
    deploy(tree)

    code = tree.tetrad(
        "promote", "feedback", "--from", "staging", "--to", "production", *key_of(tree)
    )
    assert code == 1
    assert "does not descend from" in capsys.readouterr().err


# -- several stacks

SECOND = "stacks/second"


@pytest.fixture
def two(tree: Tree) -> Tree:
    """Two stacks that serve, the second of which was improved and deployed last."""
    add_second(tree)
    deploy(tree)
    improve(tree, 1, stack="second")
    deploy(tree)
    return tree


def test_a_rollback_without_a_stack_takes_back_what_was_deployed_last(two: Tree) -> None:
    before = pointer_of(two)
    assert two.tetrad("rollback", "production", *key_of(two)) == 0

    after = pointer_of(two)
    assert after.change.stacks == (SECOND,)
    assert after.stacks[REF] == before.stacks[REF]
    assert after.stacks[SECOND].live == before.stacks[SECOND].warm[0]


def test_a_withdrawn_stack_keeps_no_other_from_being_deployed(
    two: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    two.tetrad("rollback", "production", *key_of(two))
    before = pointer_of(two)
    improve(two, 2)
    capsys.readouterr()

    assert deploy(two, "second") == 1
    assert deploy(two) == 0
    assert re.search(rf"{SECOND} \([0-9a-f]{{12}}\) stays withdrawn on ", capsys.readouterr().out)
    after = pointer_of(two)
    assert after.stacks[SECOND] == before.stacks[SECOND]
    assert after.change.stacks == (REF,)


def test_only_the_stacks_that_are_named_are_deployed(two: Tree) -> None:
    before = pointer_of(two)
    improve(two, 2)
    improve(two, 2, stack="second")

    assert deploy(two, "feedback") == 0
    after = pointer_of(two)
    assert after.stacks[SECOND] == before.stacks[SECOND]
    assert after.stacks[REF] != before.stacks[REF]


def test_a_stack_that_leaves_an_environment_is_no_longer_served(
    two: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    two.edit("stacks/second.yaml", '["staging", "production"]', '["staging"]')
    two.commit("Leave production")
    capsys.readouterr()

    assert deploy(two, "second") == 2
    assert "stacks/second does not serve production\n  help: add production" in (
        capsys.readouterr().err
    )
    assert deploy(two) == 0
    assert f"  {SECOND}: no longer served\n" in capsys.readouterr().out
    assert pointer_of(two).stacks.keys() == {REF}


def test_a_rollback_target_that_an_upgrade_would_strand_is_named(
    two: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a release that computes identities by another runtime than the snapshots say."""
    monkeypatch.setattr(tetrad.identity, "RUNTIME", 99)
    warm = short(pointer_of(two).stacks[SECOND].warm[0].identity)
    capsys.readouterr()

    deploy(two)
    assert (
        f"  {SECOND}: {warm} needs a gateway of Tetrad {tetrad.__version__}:"
        " this release cannot return to it\n"
    ) in capsys.readouterr().out


# -- showing


def test_status_says_what_serves_where_and_why(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("status") == 0
    assert "production: nothing is deployed\n\nstaging: nothing is deployed\n" in (
        capsys.readouterr().out
    )
    deploy(tree)
    improve(tree)
    serve(tree, rollout={"steps": [25, 100]})
    tree.commit()
    deploy(tree, "--no-wait")
    capsys.readouterr()

    tree.tetrad("status", "production")
    out = capsys.readouterr().out
    assert re.search(rf"live 75 %  {REF}  [0-9a-f]{{12}}  .* deploy\n", out)
    assert re.search(rf"new 25 %   {REF}  [0-9a-f]{{12}}  .* deploy\n", out)
    assert "no gateway is running\n  help: tetrad serve production" in out
    tree.tetrad("status", "--format", "json")
    said = {one["environment"]: one for one in json.loads(capsys.readouterr().out)}
    assert said["staging"]["pointer"] is None
    assert said["production"]["pointer"]["stacks"][REF]["rollout"]["step"] == 0
    signed = said["production"]["signed"]
    assert [one["signers"] for said in signed.values() for one in said] == [["deploy"]] * 2


def test_status_says_which_gateways_follow(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(tree)
    with store_of(tree) as store:
        store.report(gateway("one", 1))
        store.report(gateway("two", 0, ready=False, problem="loading stacks/feedback"))
    capsys.readouterr()

    tree.tetrad("status", "production")
    out = capsys.readouterr().out
    assert "  gateway http://127.0.0.1:8000 (one) follows 1, ready\n" in out
    assert (
        "  gateway http://127.0.0.1:8000 (two) is behind at 0, not ready: loading stacks/feedback\n"
    ) in out
    tree.tetrad("status", "production", "--format", "json")
    (said,) = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in said["gateways"]] == [1, 0]


def test_status_says_of_a_version_that_no_deployer_signed(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    with open_ledger(place_of(tree)) as ledger:
        ledger.append("deployment", environment="production", content=b"forged")
    capsys.readouterr()

    tree.tetrad("status", "production")
    out = capsys.readouterr().out
    assert out.startswith("production: the last version there is ignored: no deployer")
    assert "\nproduction 1: deploy by deploy" in out
    tree.tetrad("status", "--format", "json")
    said = {one["environment"]: one for one in json.loads(capsys.readouterr().out)}
    assert {name: one["ignores_last"] for name, one in said.items()} == {
        "production": True, "staging": False,
    }  # fmt: skip


def test_status_says_what_was_spent_of_each_limit(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the day of the database's clock; yesterday's is over."""
    serve(tree, budget={"usd_per_day": 5, "warn_usd_per_day": 1})
    tree.commit()
    deploy(tree)
    with Spending(place_of(tree), "production", "g1") as told:
        today = told.exchange([])
    assert today == {}
    with store_of(tree) as store:
        day = store.now().date()
    spent = {day: 1_250_000_000, day - timedelta(days=1): 3_000_000_000}
    claim = Claim(account=f"stack {REF}", limit=None, spent=spent, need=0, want=0)
    with Spending(place_of(tree), "production", "g1") as told:
        told.exchange([claim])
    capsys.readouterr()

    tree.tetrad("status", "production")
    assert (
        f"  stack {REF} has spent 1.25 of 5.00 USD on {day} (UTC), above the warning at 1.00\n"
    ) in capsys.readouterr().out
    tree.tetrad("status", "--format", "json")
    said = {one["environment"]: one["spent"] for one in json.loads(capsys.readouterr().out)}
    assert said["staging"] is None
    assert said["production"] == {
        "day": str(day),
        "accounts": [{"account": f"stack {REF}", "usd": 1.25, "limit_usd": 5.0, "warn_usd": 1.0}],
    }


def test_the_log_says_where_an_identity_served(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    improve(tree)
    deploy(tree)
    tree.tetrad("rollback", "production", "--reason", "wrong answers", *key_of(tree))
    capsys.readouterr()

    assert tree.tetrad("log", "feedback") == 0
    lines = [line[14:] for line in capsys.readouterr().out.splitlines() if "production" in line]
    assert [line for line in lines if "admission" not in line] == [
        "deploy: production 2, deploy: live",
        "deploy: production 3, rollback: withdrawn (wrong answers)",
        "deploy: production 1, deploy: live",
        "deploy: production 2, deploy: kept warm",
        "deploy: production 3, rollback: live (wrong answers)",
    ]
    tree.tetrad("log", "feedback", "--format", "json")
    new, old = json.loads(capsys.readouterr().out)
    assert [one["what"] for one in new["served"]] == ["live", "withdrawn"]
    assert [one["number"] for one in old["served"]] == [1, 2, 3]
    assert old["served"][0]["environment"] == "production"


def test_history_says_what_changed_and_who_changed_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("history", "production")
    assert capsys.readouterr().out.endswith("nothing was deployed to production\n")
    deploy(tree)
    improve(tree)
    deploy(tree)
    tree.tetrad("rollback", "production", "--reason", "rude", *key_of(tree))
    capsys.readouterr()

    tree.tetrad("history", "production")
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"3  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  rollback  deploy  commit", lines[0])
    assert lines[1] == "  rude"
    tree.tetrad("history", "production", "-n", "2", "--format", "json")
    said = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in said] == [3, 2]
    assert [one["change"]["kind"] for one in said] == ["rollback", "deploy"]


def test_rollout_status_says_where_a_rollout_is(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tree)
    improve(tree)
    serve(tree, rollout={"steps": [5, 25, 100], "pause_s": 60, "min_requests": 20})
    tree.commit()
    deploy(tree, "--no-wait")
    err = capsys.readouterr().err
    assert "help: tetrad rollout continue production stacks/feedback\n" in err

    assert tree.tetrad("rollout", "status", "production", "feedback") == 0
    assert "answers 5 % (steps 5, 25, 100)" in capsys.readouterr().out
    tree.tetrad("rollout", "status", "production", "feedback", "--format", "json")
    assert json.loads(capsys.readouterr().out)["percent"] == 5
    with store_of(tree) as store:
        assert store.current() is not None
    assert tree.tetrad("rollout", "abort", "production", "feedback", *key_of(tree)) == 0
    assert tree.tetrad("rollout", "status", "production", "feedback") == 2
    assert pointer_of(tree).stacks[REF].withdrawn != ()
