"""The process that a `python:` tool runs in; started as a script, it knows only the standard library.

It reads one job as JSON from standard input and writes one reply to what was standard output. The
tool's own prints go to standard error, so they cannot be mistaken for the reply.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import types
from contextlib import suppress
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, ModuleSpec
from typing import Any

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
    modules = _Modules(job)
    try:
        function = _function(job, modules)
    except Exception as exc:  # noqa: BLE001 -- the module's own fault, whatever it is
        why = modules.refused or f"{type(exc).__name__}: {exc}"
        return {"kind": "broken", "value": f"cannot be loaded: {why}"}
    reply = _called(function, job)
    if modules.refused:  # whatever the code made of it, it is not the code that was judged
        return {"kind": "broken", "value": modules.refused}
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


def _function(job: dict[str, Any], modules: _Modules) -> Any:
    """The tool's function, from the very text whose digest was checked."""
    modules.install()
    module = types.ModuleType(job["module"])
    module.__file__ = os.path.join(job["root"], job["file"])
    sys.modules[job["module"]] = module
    exec(compile(job["source"], job["file"], "exec"), module.__dict__)  # noqa: S102 -- the tool
    return getattr(module, job["function"])


class _Modules:
    """Imports the repository's modules whose texts came with the job, and refuses all others.

    The digest of the code covers those alone, so any other could change what it does unseen. A name
    of the standard library is never theirs.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self.refused = ""
        self._root = os.path.realpath(job["root"])
        self._folders = [self._path(folder) for folder in job["folders"]]
        self._late_folders = [self._path(folder) for folder in job["late_folders"]]
        self._sources: dict[str, str] = job["modules"]
        self._main = job["file"]
        installed = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        self._installed = tuple(
            place + os.sep
            for path in [*installed, os.path.dirname(os.__file__)]
            for place in (path, os.path.realpath(path))
        )

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        sys.meta_path.append(_Last(self))
        sys.addaudithook(self._watch)

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
            if self._name(base) is None:
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
        if self._name(file) not in self._sources:
            if last:
                raise self._refusal(file)
            return None
        spec = ModuleSpec(name, self, origin=file)  # type: ignore[arg-type]
        spec.has_location = True
        spec.submodule_search_locations = inside
        return spec

    def _portioned(self, name: str, portions: list[str], *, last: bool) -> ModuleSpec | None:
        """A package without an __init__.py; before what is installed only for modules of ours."""
        known = [self._path(file) for file in self._sources]
        is_ours = any(file.startswith(part + os.sep) for file in known for part in portions)
        if not portions or not (last or is_ours):
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = portions
        return spec

    def create_module(self, _: ModuleSpec) -> None:
        """The usual kind of module."""

    def exec_module(self, module: types.ModuleType) -> None:
        file = str(self._name(str(module.__file__)))
        exec(compile(self._sources[file], file, "exec"), module.__dict__)  # noqa: S102 -- the tool

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse to run a file of the repository that was found on another way, or to read one."""
        file = ""
        if event == "exec":
            file = getattr(arguments[0], "co_filename", "")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            file = os.fsdecode(arguments[0])
        if file.endswith(".py"):
            name = self._name(file)
            if name is not None and name != self._main and name not in self._sources:
                raise self._refusal(file, "imports" if event == "exec" else "reads")

    def _path(self, file: str) -> str:
        return os.path.join(self._root, file).rstrip(os.sep)

    def _name(self, file: str) -> str | None:
        """The path from the root of a file of the repository; None of what lies elsewhere."""
        top = self._root + os.sep
        if not file.startswith(top):
            file = os.path.join(os.path.realpath(os.path.dirname(file)), os.path.basename(file))
        if not file.startswith(top) or file.startswith(self._installed):
            return None
        return file[len(top) :]

    def _refusal(self, file: str, does: str = "imports") -> ImportError:
        name = self._name(file)
        self.refused = self.refused or (
            f"{does} {name}, which its digest does not cover"
            "\n  help: import it by a statement (import a.b) that names it as it is found from the"
            " repository's root or from beside the code"
        )
        return ImportError(self.refused)


class _Last:
    """Finds what nothing else has found."""

    def __init__(self, modules: _Modules) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:
        return self._modules.find_last(name) if path is None else None


if __name__ == "__main__":
    main()
