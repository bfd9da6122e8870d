"""The program by Pulumi's Automation API: what would come, change and go, and letting it happen."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeAlias, TypeVar

import pulumi.log
import yaml
from pulumi import automation

import tetrad
from capacity import Capacity
from desired import Desired
from previews import SIGNS
from program import provision
from state_file import mend

_LOCK = re.compile(r"created by \S+@(\S+) \(pid (\d+)\)")
_WAITS_S = 300.0  # for another apply on this machine, which may be one whose command was killed
_LOOKS_S = 2.0
_TORN = "failed to load checkpoint"
_PENDING = "pending operations from previous deployment"
_TRIES = 5
_T = TypeVar("_T")
IsGone: TypeAlias = Callable[[str, int], bool]  # whether a machine's process runs no more
_FOLDER = Path(__file__).resolve().parent
_NO_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - a variable's name
_NO_LOGIN = "PULUMI_ACCESS_TOKEN"
_HELP = {
    _NO_PASSPHRASE: f"export {_NO_PASSPHRASE}=…, which encrypts the state's secrets",
    _NO_LOGIN: "export PULUMI_BACKEND_URL=s3://BUCKET (or file://DIR), or run `pulumi login`",
    "no resource plugin": "pulumi plugin install resource kubernetes",
}


# For every object the SDK tells the engine seven things that nobody reads, and waits for each to be heard.
pulumi.log.debug = lambda *_, **__: None


class ApplyFailed(tetrad.TetradError):
    """The engine could not apply everything; the next run goes on from there."""

    exit_code = tetrad.ExitCode.INCONCLUSIVE


class Locked(tetrad.TetradError):
    """Another apply is under way, or was killed."""

    exit_code = tetrad.ExitCode.INCONCLUSIVE


@dataclass(frozen=True, kw_only=True)
class Step:
    """What becomes of an object, by KIND/NAME."""

    object: str
    change: str

    def __str__(self) -> str:
        return f"{SIGNS[self.change]} {self.object}"


@dataclass(kw_only=True)
class Watched:
    """The engine's events: what it does, and what it complains of."""

    say: Callable[[Step], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None
    errors: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    finds_pending: bool = False  # operations that a killed run began

    def __call__(self, event: automation.EngineEvent) -> None:
        told = event.diagnostic_event
        message = told.message.strip() if told is not None else ""
        if told is not None and told.severity == "error" and message:
            self.errors.append(message)
        if told is not None and told.severity == "warning" and message:
            if _PENDING in message:
                self.finds_pending = True
            else:
                self.warn(message)
        if event.resource_pre_event is not None:
            step = _step(event.resource_pre_event.metadata)
            if step is not None:
                self.steps.append(step)
                self.say(step)


def _step(metadata: Any) -> Step | None:
    """None for what stays, and for the program's own components."""
    kind = metadata.type.rpartition(":")[2]
    change = str(getattr(metadata.op, "value", metadata.op))
    change = "replace" if change.endswith("replacement") else change
    if change not in SIGNS or not metadata.type.startswith("kubernetes:"):
        return None
    return Step(object=f"{kind}/{metadata.urn.rpartition('::')[2]}", change=change)


def preview(desired: Desired, capacity: Capacity | None, warn: Callable[[str], None]) -> list[Step]:
    watched = Watched(warn=warn)
    with _stack(desired, capacity) as stack:
        _run(stack, watched, lambda: stack.engine.preview(refresh=True, on_event=watched))
    return watched.steps


def up(
    desired: Desired,
    capacity: Capacity | None,
    say: Callable[[Step], None],
    warn: Callable[[str], None],
    *,
    is_gone: IsGone,
    only: Collection[str] | None = None,
    refresh: bool = False,
) -> list[Step]:
    """Apply everything, or only some ConfigMaps, by their names, where the engine knows of nothing else
    that is to go; what a killed run left half done is completed. Edits by hand are seen with `refresh`.
    """
    watched = Watched(say=say, warn=warn)
    target = None if only is None else [f"**:ConfigMap::{name}" for name in only]
    with _stack(desired, capacity) as stack:
        apply = partial(stack.engine.up, refresh=refresh, target=target, on_event=watched)
        try:
            _run(stack, watched, apply, is_gone)
        finally:
            if watched.finds_pending:
                _run(stack, watched, lambda: _forget_pending(stack.engine), is_gone)
    if only is not None and watched.finds_pending:
        return watched.steps + up(desired, capacity, say, warn, is_gone=is_gone)
    return watched.steps


def _forget_pending(stack: automation.Stack) -> None:
    """Drop the marks of operations that a killed run began: what it made is made again by the same
    words, which changes nothing.
    """
    state = stack.export_stack()
    deployment = dict(state.deployment or {})
    if deployment.pop("pending_operations", None):
        stack.import_stack(automation.Deployment(version=state.version, deployment=deployment))


@contextmanager
def _stack(desired: Desired, capacity: Capacity | None) -> Iterator[_Stack]:
    """The environment's stack, by the project of this folder and the backend of Pulumi's variables."""
    if shutil.which("pulumi") is None:
        raise tetrad.UsageError(
            "pulumi is not on PATH\n  help: https://www.pulumi.com/docs/install/"
        )
    name = desired.environment.name.replace("/", ".")
    with TemporaryDirectory(prefix="tetrad-pulumi-") as folder:
        # Pulumi writes beside the project, and a checkout is to stay as it is committed.
        settings = _FOLDER / f"Pulumi.{name}.yaml"
        if settings.is_file():
            shutil.copy(settings, folder)
        project = yaml.safe_load((_FOLDER / "Pulumi.yaml").read_text("utf-8"))
        settings_of = automation.ProjectSettings(
            name=project["name"], runtime="python", main=str(Path.cwd()), backend=_backend(project)
        )
        url = os.environ.get("PULUMI_BACKEND_URL") or project.get("backend", {}).get("url", "")
        mending = partial(mend, url, project["name"], name)
        mending()

        def made() -> automation.Stack:
            workspace = _Workspace(
                work_dir=folder,
                program=lambda: provision(desired, capacity),
                env_vars={"PULUMI_SKIP_UPDATE_CHECK": "true"},
                project_settings=settings_of,
            )
            return _Silent(name, workspace)

        yield _Stack(_whole(mending, Watched(), made), mending)


class _Workspace(automation.LocalWorkspace):
    """A workspace that does not look whether a stack is there: the engine says so where it is not."""

    def select_stack(self, stack_name: str) -> None:
        pass


class _Silent(automation.Stack):
    """A stack that tells nothing of itself after a run: the engine would start three times for it."""

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        made = automation.Stack.create_or_select(name, workspace)  # always one of its own class
        vars(self).update(vars(made))

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002 - as it is declared
        return automation.UpdateSummary(
            kind="update",
            start_time=datetime.now(UTC),
            message="",
            environment={},
            config={},
            result="succeeded",
        )


class _Stack(NamedTuple):
    """A stack, and how its state is mended."""

    engine: automation.Stack
    mending: Callable[[], None]


def _whole(mending: Callable[[], None], watched: Watched, command: Callable[[], _T]) -> _T:
    """A command of the engine; again where the state was torn, by a killed run that still wrote it."""
    for _ in range(_TRIES):
        try:
            with _explained(watched):
                return command()
        except ApplyFailed as error:
            if _TORN not in str(error):
                raise
        time.sleep(_LOOKS_S)
        mending()
    with _explained(watched):
        return command()


def _in_stack(stack: automation.Stack, command: Callable[[], _T]) -> _T:
    """A command of the engine; where there is no such stack, it is created first."""
    try:
        return command()
    except automation.StackNotFoundError:
        stack.workspace.create_stack(stack.name)
        return command()


def _backend(project: Mapping[str, Any]) -> automation.ProjectBackend | None:
    url = project.get("backend", {}).get("url")
    return (
        automation.ProjectBackend(url=url)
        if url and "PULUMI_BACKEND_URL" not in os.environ
        else None
    )


def _unknown(host: str, pid: int) -> bool:  # noqa: ARG001
    return False


def _run(
    stack: _Stack, watched: Watched, command: Callable[[], object], is_gone: IsGone = _unknown
) -> None:
    """Run a command of the engine, once no other holds the stack that still runs on this machine."""
    until, is_told = time.monotonic() + _WAITS_S, False
    while True:
        try:
            _whole(stack.mending, watched, partial(_in_stack, stack.engine, command))
        except Locked as error:
            holders = [(host, int(pid)) for host, pid in _LOCK.findall(str(error))]
            if holders and all(is_gone(*holder) for holder in holders):
                _whole(stack.mending, watched, stack.engine.cancel)  # what was killed left its lock
                continue
            is_elsewhere = any(host != socket.gethostname() for host, _ in holders)
            if not holders or is_elsewhere or time.monotonic() > until:
                raise Locked(_locked(str(error), stack.engine.name)) from error
            if not is_told:
                watched.warn("waiting for another apply on this machine to end")
                is_told = True
            time.sleep(_LOOKS_S)
        else:
            return


@contextmanager
def _explained(watched: Watched) -> Iterator[None]:
    try:
        yield
    except automation.ConcurrentUpdateError as error:
        raise Locked(str(error)) from error
    except automation.CommandError as error:
        raise _explanation(str(error), watched.errors) from error


def _locked(told: str, stack: str) -> str:
    who = [line.strip() for line in told.splitlines() if "created by" in line]
    return (
        f"Pulumi's lock on the stack {stack} stands: another apply is under way, or was killed"
        + "".join(f"\n  {line}" for line in who)
        + "\n  help: wait for it; if it no longer runs, remove the lock:"
        + f" pulumi cancel {stack} --yes --cwd infra"
    )


def _explanation(told: str, errors: list[str]) -> tetrad.TetradError:
    for mark, help_ in _HELP.items():
        if mark in told:
            line = next(line.strip() for line in told.splitlines() if mark in line)
            return tetrad.UsageError(f"pulumi: {line.removeprefix('error: ')}\n  help: {help_}")
    return ApplyFailed("\n".join(dict.fromkeys(errors)) or told)
