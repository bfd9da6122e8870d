"""One checkout, and how Git is asked about it.

Git searches for its own folder upwards from where it is called, and on that way takes any folder
with HEAD, objects/ and refs/ for a repository. A change can commit such a folder, and with it a
history and settings of its own. So `.git` is found by us, and Git is told its folders; hooks,
filters and the file system monitor, which are programs that settings name, stay off.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tetrad.errors import GitError
from tetrad.places import checkout_above

# Variables with these beginnings say how Git behaves for this user, a fetch of what a partial clone
# left out included. The others (GIT_DIR, GIT_WORK_TREE, …) can name another repository, and with it
# other objects and another index: those of the hook that runs us.
_KEPT = (
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
)
_OF_ONE_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
)
_FIXED = {
    "LC_ALL": "C",  # its complaints are read
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its name says
    "GIT_OPTIONAL_LOCKS": "0",  # `status` leaves the index alone
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "safe.bareRepository=explicit",
    "status.submoduleSummary=false",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GitAnswer:
    """What a `git` process said; both texts are names of files as Python spells them."""

    code: int
    out: str
    complaint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """Git's folder, the top of the tree that is checked out, and the folder in it that is asked about."""

    git_folder: Path
    top: Path
    root: Path

    @classmethod
    def of(cls, root: Path) -> Self:
        """The checkout that a folder lies in; GitError where it lies in none, or in a stranger's."""
        root = root.resolve()
        top = checkout_above(root)
        if top is None:
            return cls._named_by_the_user(root)
        # Git says whose it is, and where a file `.git` leads.
        own = {"GIT_CEILING_DIRECTORIES": str(top.parent)}
        asked = _run(top, ("rev-parse", "--absolute-git-dir"), _environment() | own)
        _refuse_another_user(asked, top)
        git_folder = asked.out.removesuffix("\n")
        if asked.code != 0 or Path(git_folder) == top:
            complaint = asked.complaint.strip() or "not a git repository"
            raise GitError(f"{top / '.git'} cannot be used: {complaint}")
        return cls(git_folder=Path(git_folder), top=top, root=root)

    @classmethod
    def _named_by_the_user(cls, root: Path) -> Self:
        """Where no `.git` lies above: GIT_DIR may name a repository whose tree this is."""
        given = os.environ.get("GIT_DIR")
        top = Path(os.environ.get("GIT_WORK_TREE") or Path.cwd()).resolve()
        if not given or not root.is_relative_to(top):
            raise GitError(
                f"{root} is not in a Git repository"
                "\n  help: git init; where no base is named, none is needed"
            )
        return cls(git_folder=Path(given).resolve(), top=top, root=root)

    @property
    def below(self) -> str:
        """The way from the top to the root, with a slash at the end; "" at the top."""
        below = self.root.relative_to(self.top).as_posix()
        return "" if below == "." else f"{below}/"

    @property
    def shared_folder(self) -> Path:
        """Git's folder of the main working tree, where linked ones keep what they share."""
        link = self.git_folder / "commondir"
        return (
            (self.git_folder / link.read_text().strip()).resolve()
            if link.is_file()
            else self.git_folder
        )

    def git(self, *arguments: str, extra: Mapping[str, str] | None = None, told: str = "") -> str:
        """What Git says on its standard output; GitError with what it complains of."""
        asked = self.ask(*arguments, extra=extra, told=told)
        if asked.code != 0:
            raise GitError(f"git {arguments[0]} failed: {asked.complaint.strip()}")
        return asked.out

    def ask(
        self, *arguments: str, extra: Mapping[str, str] | None = None, told: str = ""
    ) -> GitAnswer:
        """What Git says, called in the root with `extra` in its environment, and `told` on its
        standard input.
        """
        asked = _run(self.root, arguments, self.environment() | dict(extra or {}), told)
        _refuse_another_user(asked, self.top)
        return asked

    def environment(self) -> dict[str, str]:
        """What a `git` process finds in its environment: its folders, and what the user set."""
        own = {"GIT_DIR": str(self.git_folder), "GIT_WORK_TREE": str(self.top)}
        hook = {name: os.environ[name] for name in _OF_ONE_REPOSITORY if name in os.environ}
        return _environment() | (hook if hook and self._runs_hook() else {}) | own

    def _runs_hook(self) -> bool:
        """Whether the index and objects that a hook's variables name are this repository's."""
        given = os.environ.get("GIT_DIR")
        if given:
            return Path(given).resolve() == self.git_folder.resolve()
        return checkout_above(Path.cwd()) == self.top

    def without_filters(self) -> dict[str, str]:
        """An environment in which no `.gitattributes` starts a program that the settings name."""
        known = self.ask("config", "--null", "--name-only", "--get-regexp", r"^filter\.")
        drivers = {key.rpartition(".")[0] for key in known.out.split("\0") if key}
        settings = [
            (f"{driver}.{key}", value)
            for driver in sorted(drivers)
            for key, value in _NO_FILTER.items()
        ]
        return _configured(settings)


_NO_FILTER = {"process": "", "clean": "", "smudge": "", "required": "false"}


def _configured(settings: list[tuple[str, str]]) -> dict[str, str]:
    """Variables that add settings to those that the environment already brings."""
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdecimal() else 0
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    return kept | _FIXED


def command(folder: Path, *arguments: str) -> list[str]:
    """The command that calls Git in a folder, with no program started that settings name."""
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    return ["git", "-C", str(folder), *settings, *arguments]


def _run(
    folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str], told: str = ""
) -> GitAnswer:
    try:
        done = subprocess.run(
            command(folder, *arguments),
            check=False,
            input=os.fsencode(told),
            capture_output=True,
            env=environment,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed, or not on PATH") from error
    return GitAnswer(
        code=done.returncode, out=os.fsdecode(done.stdout), complaint=os.fsdecode(done.stderr)
    )


def _refuse_another_user(asked: GitAnswer, top: Path) -> None:
    if "dubious ownership" in asked.complaint:
        raise GitError(
            f"{top} belongs to another user, so Git reads nothing of it"
            f"\n  help: git config --global --add safe.directory {top}"
        )
