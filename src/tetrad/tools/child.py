"""The process that a `python:` tool runs in; started as a script, it knows only the standard library.

It reads one job as JSON from standard input and writes one reply to what was standard output. The
tool's own prints go to standard error, so they cannot be mistaken for the reply.

A digest covers the code, the modules of the repository that it imports and the files that it
declares. What else could change its result unseen is refused: other files of the repository, and
other programs. Python reports both to audit hooks; not what asks whether a file exists (`os.stat`,
`os.readlink`), and not what compiled extensions open themselves.
"""

from __future__ import annotations

import _posixsubprocess
import json
import os
import resource
import signal
import sys
import types
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, ModuleSpec
from typing import Any

_BY_STATEMENT = (
    "import it by a statement (import a.b) that names it as it is found from the repository's root"
    " or from beside the code"
)
_OUTSIDE = "move it into the repository: it lies in the same checkout, but outside"
# Audit events of other programs, and of changes to files. (A relative path below a descriptor is
# looked for here in the working folder; no folder of the repository can be opened as one.)
_STARTS = (
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "pty.spawn",
    "subprocess.Popen",
)  # fmt: skip
_CHANGES = (
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime",
)  # fmt: skip
# Modules that say something of the machine, and find a way where a program does not start.
_WITHOUT_PROGRAMS = ("/platform.py", "/ctypes/util.py", "/uuid.py")
# What a C library is not asked for by name: programs, and files past the events.
_NATIVE = {
    "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "fexecve", "fork", "popen",
    "posix_spawn", "posix_spawnp", "syscall", "system", "vfork",
    "fopen", "fopen64", "open", "open64", "openat", "openat64",
}  # fmt: skip
_OPAQUE = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)  # what is not text that could be read


def main() -> None:
    job = json.load(sys.stdin)
    replies = os.dup(1)
    os.dup2(2, 1)
    _limit(resource.RLIMIT_AS, job["memory_bytes"])
    _limit(resource.RLIMIT_CPU, job["cpu_s"])
    _limit(resource.RLIMIT_CORE, 0)
    # The parent's clock comes first; where the parent was killed, nobody else ends a sleeping tool.
    signal.setitimer(signal.ITIMER_REAL, job["timeout_s"] + 1)
    reply = json.dumps(_reply(job), allow_nan=False).encode()
    if len(reply) > job["max_bytes"]:
        reply = json.dumps(
            {"kind": "broken", "value": f"answered more than {job['max_bytes']} bytes"}
        ).encode()
    with os.fdopen(replies, "wb") as stream:
        stream.write(reply)


def _limit(what: int, most: int) -> None:
    # Where the system has no such limit, or a lower one already, the parent's clock remains.
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


def _reply(job: dict[str, Any]) -> dict[str, Any]:
    repository = _Repository(job)
    _Modules(job, repository).install()
    _Guard(job, repository).install()
    try:
        function = _function(job)
    except Exception as exc:  # noqa: BLE001 -- the module's own fault, whatever it is
        why = repository.refused or f"{type(exc).__name__}: {exc}"
        return {"kind": "broken", "value": f"cannot be loaded: {why}"}
    reply = _called(function, job)
    if repository.refused:  # whatever the code made of it, it is not the code that was judged
        return {"kind": "broken", "value": repository.refused}
    return reply


def _called(function: Any, job: dict[str, Any]) -> dict[str, Any]:
    try:
        result = function(**job["arguments"])
    except MemoryError:
        return {"kind": "broken", "value": f"needs more than {job['memory_bytes'] >> 20} MB"}
    except Exception as exc:  # noqa: BLE001 -- whatever a tool raises is its answer to the model
        return {"kind": "refusal", "value": f"{type(exc).__name__}: {exc}"}
    try:
        json.dumps(result, allow_nan=False)
    except RecursionError:
        return {"kind": "broken", "value": "its answer is nested too deeply"}
    except (TypeError, ValueError) as exc:
        return {"kind": "broken", "value": f"answered something that is not JSON: {exc}"}
    return {"kind": "result", "value": result}


def _function(job: dict[str, Any]) -> Any:
    """The tool's function, from the very text whose digest was checked."""
    module = types.ModuleType(job["module"])
    module.__file__ = job["file"]
    sys.modules[job["module"]] = module
    exec(compile(job["source"], job["file"], "exec"), module.__dict__)  # noqa: S102 -- the tool
    return getattr(module, job["function"])


class _Repository:
    """Which paths are the repository's, and what was first refused of it.

    What else its checkout holds counts as well: the same change can edit it, and no digest covers it.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self.refused = ""
        self._root = os.path.realpath(job["root"])
        self._checkout: str = os.path.realpath(job["checkout"])
        installed = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        self._installed = tuple(
            place + os.sep
            for path in [*installed, os.path.dirname(os.__file__)]
            for place in (path, os.path.realpath(path))
        )

    def path(self, file: str) -> str:
        return os.path.join(self._root, file).rstrip(os.sep)

    def name(self, file: str) -> str | None:
        """The path from the root of a file of the repository; None of what lies elsewhere."""
        if file.startswith(self._installed) and ".." not in file:
            return None  # quickly: libraries open thousands of files
        folder, last = os.path.split(os.path.abspath(file))
        return self._below(os.path.join(os.path.realpath(folder), last))

    def reached(self, file: str) -> str | None:
        """The same, also of a link elsewhere that leads to such a file."""
        return self.name(file) or self._below(os.path.realpath(file))

    def _below(self, file: str) -> str | None:
        if not f"{file}/".startswith(f"{self._checkout}/") or file.startswith(self._installed):
            return None
        return os.path.relpath(file, self._root)

    def is_below(self, folder: Any) -> bool:
        """Whether a folder holds the checkout."""
        place = os.path.realpath(os.fsdecode(folder)).rstrip(os.sep)
        return self._checkout.startswith(place + os.sep)

    def refusal(self, what: str, how: str) -> Exception:
        self.refused = self.refused or f"{what}\n  help: {how}"
        return ImportError(self.refused) if what.startswith("imports") else OSError(self.refused)


class _Modules:
    """Imports the repository's modules whose texts came with the job, and refuses all others.

    A name of the standard library is never theirs.
    """

    def __init__(self, job: dict[str, Any], repository: _Repository) -> None:
        self._repository = repository
        self._folders = [repository.path(folder) for folder in job["folders"]]
        self._late_folders = [repository.path(folder) for folder in job["late_folders"]]
        self._sources: dict[str, str] = job["modules"]

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        sys.meta_path.append(_Last(self))

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:
        """What comes before all that is installed."""
        if path is None:
            return self._found(name, self._folders, last=False)
        return self._found(name, path, last=True)  # nothing is installed in our folders

    def find_last(self, name: str) -> ModuleSpec | None:
        """What comes after it; here modules that the digest does not cover are refused."""
        return self._found(name, [*self._folders, *self._late_folders], last=True)

    def _found(self, name: str, places: Any, *, last: bool) -> ModuleSpec | None:
        if name in sys.stdlib_module_names:
            return None
        portions = []
        for place in places:
            base = os.path.join(place, name.rpartition(".")[2])
            if self._repository.name(base) is None:
                continue
            for file, inside in ((os.path.join(base, "__init__.py"), [base]), (f"{base}.py", None)):
                if os.path.isfile(file):
                    return self._spec(name, file, inside, last=last)
            for file in (base + suffix for suffix in _OPAQUE if last):
                if os.path.isfile(file):
                    raise self._refusal(file)
            if os.path.isdir(base):
                portions.append(base)
        return self._portioned(name, portions, last=last)

    def _spec(
        self, name: str, file: str, inside: list[str] | None, *, last: bool
    ) -> ModuleSpec | None:
        if self._repository.name(file) not in self._sources:
            if last:
                raise self._refusal(file)
            return None
        spec = ModuleSpec(name, self, origin=file)  # type: ignore[arg-type]
        spec.has_location = True
        spec.submodule_search_locations = inside
        return spec

    def _portioned(self, name: str, portions: list[str], *, last: bool) -> ModuleSpec | None:
        """A package without an __init__.py; before what is installed only for modules of ours."""
        known = [self._repository.path(file) for file in self._sources]
        is_ours = any(file.startswith(part + os.sep) for file in known for part in portions)
        if not portions or not (last or is_ours):
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = portions
        return spec

    def create_module(self, _: ModuleSpec) -> None:
        """The usual kind of module."""

    def exec_module(self, module: types.ModuleType) -> None:
        file = str(self._repository.name(str(module.__file__)))
        exec(compile(self._sources[file], file, "exec"), module.__dict__)  # noqa: S102 -- the tool

    def _refusal(self, file: str) -> Exception:
        name = str(self._repository.name(file))
        what = f"imports {name}, which its digest does not cover"
        return self._repository.refusal(what, _OUTSIDE if _is_outside(name) else _BY_STATEMENT)


def _is_asked_by(modules: tuple[str, ...]) -> bool:
    """Whether one of these modules of the standard library is on the way to here."""
    frame: types.FrameType | None = sys._getframe()  # noqa: SLF001 -- documented
    while frame is not None and not frame.f_code.co_filename.endswith(modules):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(os.path.dirname(os.__file__))


def _is_outside(name: str) -> bool:
    return name.split(os.sep, maxsplit=1)[0] == os.pardir


class _Last:
    """Finds what nothing else has found."""

    def __init__(self, modules: _Modules) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:
        return self._modules.find_last(name) if path is None else None


class _Guard:
    """Refuses what no digest covers: other files of the repository, changes to it, other programs."""

    def __init__(self, job: dict[str, Any], repository: _Repository) -> None:
        self._repository = repository
        self._declares = job["declares"]
        covered = [__file__, job["file"], *map(repository.path, [*job["modules"], *job["opens"]])]
        self._covered = {os.path.realpath(file) for file in covered}
        self._searched = {os.path.realpath(folder) for folder in sys.path}
        self._checks: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "exec": self._executed,
            "import": self._imported,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "sqlite3.connect": self._connected,
            "ctypes.dlopen": self._linked,
            "ctypes.dlsym": self._called,
            "ctypes.dlsym/handle": self._called,
            **dict.fromkeys(_STARTS, self._started),
            **dict.fromkeys(_CHANGES, self._changed),
        }

    def install(self) -> None:
        setattr(_posixsubprocess, "fork_exec", lambda *_: self._started())  # noqa: B010 -- no event tells it
        # The event of an open tells no `dir_fd`; without it, shutil opens by whole paths.
        os.supports_dir_fd.discard(os.open)
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        check = self._checks.get(event)
        if check is not None:
            check(*arguments)

    def _opened(self, path: Any, mode: Any, flags: int) -> None:
        if flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC) or set("wax+").intersection(mode or ""):
            self._changed(path)
            return
        self._check(path, "reads")
        if mode is None and not isinstance(path, int) and self._repository.is_below(path):
            what = (
                f"opens the folder {os.fsdecode(path)}, from which all of the repository is reached"
            )
            raise self._repository.refusal(what, "open the file by its own path")

    def _executed(self, code: Any) -> None:
        file = getattr(code, "co_filename", "")
        if file.endswith(".py"):
            self._check(file, "imports")

    def _imported(self, _: Any, file: Any, *__: Any) -> None:
        self._check(file, "imports")

    def _connected(self, database: Any) -> None:
        self._check(os.fsdecode(database).removeprefix("file:").partition("?")[0], "reads")

    def _linked(self, library: Any) -> None:
        if library is not None and "/" in os.fsdecode(library):  # others are the system's
            self._check(library, "loads")

    def _called(self, _: Any, name: Any) -> None:
        if str(name) in _NATIVE:
            raise self._repository.refusal(f"calls {name} of a C library", "do it in Python")

    def _listed(self, folder: Any) -> None:
        caller = sys._getframe(2).f_code.co_filename  # noqa: SLF001 -- documented
        is_search = caller.startswith("<frozen importlib") or (
            not isinstance(folder, int) and os.path.realpath(folder or ".") in self._searched
        )  # for modules, which are judged by their own names
        if not is_search:
            self._check("." if folder is None else folder, "lists")

    def _check(self, path: Any, does: str) -> None:
        """Refuse a file of the repository that is there and that no digest covers."""
        if path is None or isinstance(path, int):  # an int was opened before
            return
        file = os.fsdecode(path)
        name = self._repository.reached(file)
        if name is None or os.path.realpath(file) in self._covered or not os.path.lexists(file):
            return
        if _is_outside(name):
            how = _OUTSIDE
        elif does == "lists":
            how = "name what it needs in the code, or in a file that it declares"
        elif name.endswith((".py", ".pyc")):
            how = _BY_STATEMENT
        else:
            how = f"add it to `files:` in {self._declares}"
        what = f"{does} {name}, which its digest does not cover"
        raise self._repository.refusal(what, how)

    def _changed(self, *paths: Any) -> None:
        """Refuse to change the repository; numbers are descriptors and modes."""
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                name = self._repository.reached(os.fsdecode(path))
                if name is not None:
                    raise self._repository.refusal(
                        f"writes {name}, and an evaluation leaves the repository as it is",
                        "write to a temporary folder, as the module tempfile makes one",
                    )

    def _started(self, *arguments: Any) -> None:
        if _is_asked_by(_WITHOUT_PROGRAMS):
            raise OSError("no other program is started here")
        program = next((a for a in arguments if isinstance(a, str | bytes | os.PathLike)), None)
        what = "another process" if program is None else f"{os.fsdecode(program)[:80]!r}"
        raise self._repository.refusal(
            f"starts {what}, which its digest does not cover", "do it in Python, in one process"
        )


if __name__ == "__main__":
    main()
