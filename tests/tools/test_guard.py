"""What a Python tool may open and start: what its digest covers, and what is not the repository's."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tetrad.canonical import Json, digest_bytes
from tetrad.errors import ToolFailed
from tetrad.model import PythonRun
from tetrad.modules import OpenedFile
from tetrad.tools.python import run_python


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with data of several kinds, and something beside it."""
    made = tmp_path / "repository"
    for file, text in {
        "rates.json": "[1, 2]\n",
        "data/words.txt": "yes\n",
        "data/rules.py": "X = 1\n",
        "../outside/words.txt": "outside\n",
    }.items():
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        (made / file).write_text(text)
    (tmp_path / "outside/link.txt").symlink_to(made / "data/words.txt")
    (tmp_path / "outside/folder").symlink_to(made / "data")
    (made / "data/out.txt").symlink_to(tmp_path / "outside/words.txt")
    with closing(sqlite3.connect(made / "data/desk.db")) as database:
        database.execute("CREATE TABLE words (word)")
        database.commit()
    return made


def answer(root: Path, body: str, *opens: str) -> Json:
    """What a tool with this body answers, which declares these files."""
    code = "import os, pathlib, sys\ndef answer():\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
    (root / "desk.py").write_text(code)
    run = PythonRun(
        module="desk",
        function="answer",
        path="desk.py",
        source=digest_bytes(code.encode()),
        opens=tuple(
            OpenedFile(name=file, file=file, digest=digest_bytes((root / file).read_bytes()))
            for file in opens
        ),
        timeout_s=60,
    )
    return asyncio.run(run_python("tool 'desk'", run, {}, root=root)).result


READS = {
    "by open": ("return open('rates.json').read()", "rates.json"),
    "by its absolute path": ("return open(os.path.abspath('rates.json')).read()", "rates.json"),
    "beside the code": (
        "return (pathlib.Path(__file__).parent / 'rates.json').read_text()", "rates.json",
    ),
    "by os.open": ("return os.read(os.open('rates.json', os.O_RDONLY), 9).decode()", "rates.json"),
    "by a way round": ("return open('data/../rates.json').read()", "rates.json"),
    "from another folder": (
        "os.chdir('data')\nreturn open('words.txt').read()", "data/words.txt",
    ),
    "by a link elsewhere": ("return open('../outside/link.txt').read()", "data/words.txt"),
    "by a folder that is a link": (
        "return open('../outside/folder/words.txt').read()", "data/words.txt",
    ),
    "by a link out of the repository": ("return open('data/out.txt').read()", "data/out.txt"),
    "by the process's own folder": (
        "return open('/proc/self/cwd/rates.json').read()", "rates.json",
    ),
    "by a descriptor of its folder": (
        ("folder = os.open('data', os.O_RDONLY); name = 'words.txt'\n"
        "return os.read(os.open(name, os.O_RDONLY, dir_fd=folder), 9).decode()"), "data",
    ),
    "and what comes of it is hidden": (
        "try:\n    open('rates.json')\nexcept OSError:\n    pass\nreturn 1", "rates.json",
    ),
    "as a database": (
        "import sqlite3\nreturn len(list(sqlite3.connect('data/desk.db').execute('SELECT 1')))",
        "data/desk.db",
    ),
    "as a database by its address": (
        "import sqlite3\nsqlite3.connect('file:data/desk.db?mode=ro', uri=True)\nreturn 1",
        "data/desk.db",
    ),
    "code as a text": ("return open('data/rules.py').read()", "data/rules.py"),
    "Git's own": ("return open('.git/HEAD').read()", ".git/HEAD"),
}  # fmt: skip


@pytest.mark.parametrize("way", READS)
def test_a_file_that_no_digest_covers_is_not_read(way: str, root: Path) -> None:
    body, name = READS[way]
    (root / ".git").mkdir()
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")

    with pytest.raises(ToolFailed, match=f"reads {name}, which its digest does not cover"):
        answer(root, body)


@pytest.mark.parametrize("way", [way for way in READS if way not in {
    "by a descriptor of its folder", "by a link out of the repository", "Git's own",
}])  # fmt: skip
def test_a_file_that_is_declared_is_read(way: str, root: Path) -> None:
    body, name = READS[way]

    assert answer(root, body, name)


def test_the_refusal_says_how_to_declare_the_file(root: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        answer(root, "return open('data/words.txt').read()")

    assert str(caught.value) == (
        "tool 'desk': reads data/words.txt, which its digest does not cover\n"
        "  help: add it to `files:` in the tool's `run:`"
    )


def test_a_declared_file_that_changed_since_it_was_read_is_not_opened(root: Path) -> None:
    code = "def answer():\n    return 1\n"
    (root / "desk.py").write_text(code)
    words = OpenedFile(name="w", file="data/words.txt", digest=digest_bytes(b"others"))
    run = PythonRun(
        module="desk",
        function="answer",
        path="desk.py",
        source=digest_bytes(code.encode()),
        opens=(words,),
    )

    with pytest.raises(ToolFailed, match=r"data/words\.txt changed while it was in use"):
        asyncio.run(run_python("tool 'desk'", run, {}, root=root))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return open('../outside/words.txt').read()", r"reads \.\./outside/words\.txt, which"),
        ("return os.listdir('../outside')", r"lists \.\./outside, which"),
        ("open('../outside/new.txt', 'w')", r"writes \.\./outside/new\.txt, and"),
        (
            "sys.path.insert(0, os.path.abspath('../outside'))\nimport near\nreturn near.X",
            r"reads \.\./outside/near\.py, which its digest does not cover\n  help: move it into",
        ),
    ],
)
def test_what_else_the_checkout_holds_is_not_free_either(root: Path, body: str, told: str) -> None:
    """A monorepo's change can edit it, and no digest covers it."""
    (root / "../outside/near.py").write_text("X = 1\n")
    subprocess.run(["git", "init", "--quiet", str(root.parent)], check=True)

    with pytest.raises(ToolFailed, match=told):
        answer(root, body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("return os.listdir('data')", "data"),
        ("return os.listdir()", "."),
        ("return [entry.name for entry in os.scandir('data')]", "data"),
        ("return [path.name for path in pathlib.Path('data').iterdir()]", "data"),
        ("return len(list(pathlib.Path().glob('*.json')))", "."),
        ("return len(list(os.walk('data')))", "data"),
    ],
)
def test_the_names_in_a_folder_are_not_listed(root: Path, body: str, name: str) -> None:
    with pytest.raises(ToolFailed, match=f"lists {name}, which its digest does not cover"):
        answer(root, body)


def test_a_folder_that_leads_to_the_repository_is_not_opened(root: Path) -> None:
    body = (
        f"above = os.open({str(root.parent)!r}, os.O_RDONLY)\nos.chdir('/')\n"
        "return os.read(os.open('repository/rates.json', os.O_RDONLY, dir_fd=above), 9).decode()"
    )

    with pytest.raises(ToolFailed, match=r"opens the folder .*, from which all of the repository"):
        answer(root, body)


WRITES = {
    "a new file": ("open('new.txt', 'w').write('x')", "new.txt"),
    "more of a file": ("open('data/words.txt', 'a').write('x')", "data/words.txt"),
    "in a file": ("open('data/words.txt', 'r+').write('x')", "data/words.txt"),
    "by os.open": ("os.open('new.txt', os.O_WRONLY | os.O_CREAT)", "new.txt"),
    "by a link elsewhere": ("open('../outside/link.txt', 'w').write('x')", "data/words.txt"),
    "a folder": ("os.mkdir('new')", "new"),
    "no file any more": ("os.remove('data/words.txt')", "data/words.txt"),
    "a file elsewhere": ("os.rename('data/words.txt', '../outside/moved')", "data/words.txt"),
    "a file from elsewhere": ("os.replace('../outside/words.txt', 'rates.json')", "rates.json"),
    "another name elsewhere": ("os.link('data/words.txt', '../outside/hard')", "data/words.txt"),
    "a link": ("os.symlink('/etc/hostname', 'new.txt')", "new.txt"),
    "a time": ("os.utime('rates.json')", "rates.json"),
}


@pytest.mark.parametrize("way", WRITES)
def test_the_repository_is_not_written(way: str, root: Path) -> None:
    body, name = WRITES[way]
    before = sorted(snapshot(root))

    with pytest.raises(ToolFailed, match=f"writes {name}, and an evaluation leaves"):
        answer(root, body, "data/words.txt")

    assert sorted(snapshot(root)) == before


def snapshot(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in root.rglob("*"):
        if path.is_file() and path.name != "desk.py":
            yield str(path), path.read_bytes()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("import subprocess\nsubprocess.run(['cat', 'rates.json'])", "'cat'"),
        ("import subprocess\nsubprocess.run('cat rates.json', shell=True)", "'/bin/sh'"),
        ("os.system('cat rates.json')", "'cat rates.json'"),
        ("os.popen('cat rates.json').read()", "'/bin/sh'"),
        ("os.execv('/bin/cat', ['cat', 'rates.json'])", "'/bin/cat'"),
        ("os.posix_spawn('/bin/cat', ['cat', 'rates.json'], {})", "'/bin/cat'"),
        ("os.spawnlp(os.P_WAIT, 'cat', 'cat', 'rates.json')", "another process"),
        ("os.fork() or os._exit(0)", "another process"),
        ("import pty\npty.spawn(['cat', 'rates.json'])", "another process"),
        (
            (
                "import multiprocessing\n"
                "multiprocessing.get_context('spawn').Process(target=print).start()"
            ),
            "another process",
        ),
        ("try:\n    os.system('true')\nexcept OSError:\n    pass", "'true'"),
    ],
)
def test_no_other_program_is_started(root: Path, body: str, what: str) -> None:
    with pytest.raises(ToolFailed, match=f"starts {what}, which its digest does not cover"):
        answer(root, f"{body}\nreturn 1")


@pytest.mark.parametrize("call", ["system(b'true')", "fopen(b'rates.json', b'r')", "fork()"])
def test_a_c_library_is_not_asked_for_programs_and_files(root: Path, call: str) -> None:
    with pytest.raises(ToolFailed, match=f"calls {call.partition('(')[0]} of a C library"):
        answer(root, f"import ctypes\nreturn ctypes.CDLL(None).{call}")


ALLOWED: dict[str, tuple[str, Any]] = {
    "a file elsewhere": ("return open('../outside/words.txt').read()", "outside\n"),
    "the system's": ("return os.path.exists('/etc') and bool(os.listdir('/etc'))", True),
    "a temporary folder": (
        ("import tempfile\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    path = pathlib.Path(folder, 'data', 'words.txt')\n"
        "    path.parent.mkdir()\n"
        "    path.write_text('mine')\n"
        "    path.rename(path.with_name('rates.json'))\n"
        "    found = [p.name for p in pathlib.Path(folder).rglob('*')]\n"
        "return [sorted(found), os.path.exists(folder)]"),
        [["data", "rates.json"], False],
    ),
    "a temporary file": (
        ("import tempfile\n"
        "with tempfile.TemporaryFile('w+') as file:\n"
        "    file.write('mine')\n"
        "    file.seek(0)\n"
        "    return file.read()"),
        "mine",
    ),
    "a database in memory": (
        ("import sqlite3\n"
        "return list(sqlite3.connect(':memory:').execute('SELECT 1').fetchone())"),
        [1],
    ),
    "a file that is not there": (
        "try:\n    open('missing.json')\nexcept FileNotFoundError:\n    return 'none'", "none",
    ),
    "modules and their versions": (
        ("import importlib.metadata, decimal, sqlite3, email.message, ctypes, multiprocessing\n"
        "return bool(importlib.metadata.version('pytest'))"), True,
    ),
    "what the machine is": (
        ("import platform, ctypes.util, uuid\n"
        "ctypes.util.find_library('c')\n"
        "return bool(platform.platform() and platform.processor() is not None and uuid.uuid1())"),
        True,
    ),
    "threads": (
        ("from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    return list(pool.map(abs, [-1, 2]))"), [1, 2],
    ),
    "where its own code stands": (
        "import inspect\nreturn inspect.getsource(sys.modules['desk'].answer)[:12]", "def answer()",
    ),
    "a traceback": (
        ("import traceback\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    return 'ZeroDivisionError' in traceback.format_exc()"), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ALLOWED)
def test_what_is_not_the_repositorys_is_free(way: str, root: Path) -> None:
    body, result = ALLOWED[way]

    assert answer(root, body) == result
