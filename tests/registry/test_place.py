"""Where the registry is, and what is refused before anything of it is touched."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from pointing import DEPLOYERS, gateway, pointer, sealed
from postgres import database, program, schema
from sqlalchemy import make_url

import tetrad.registry
from tetrad.errors import DatabaseError, TetradError, UsageError
from tetrad.gateway.limiting.purse import Claim
from tetrad.gateway.limiting.spending import Spending
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place, PostgresAddress, open_ledger, registry_place
from tetrad.registry.connection import APPLICATION
from tetrad.registry.upgrade import NEWEST

PASSWORD = "s3cret"  # apart from its URL, so that this file holds nothing like a credential


def test_the_registry_lies_in_the_repository_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TETRAD_REGISTRY", raising=False)
    assert registry_place(tmp_path) == tmp_path / ".tetrad" / "registry.db"

    monkeypatch.setenv("TETRAD_REGISTRY", "/elsewhere/kept.db")
    assert registry_place(tmp_path) == Path("/elsewhere/kept.db")

    for url in ("postgresql://db/tetrad", "postgres://db/tetrad"):
        monkeypatch.setenv("TETRAD_REGISTRY", url)
        assert registry_place(tmp_path) == PostgresAddress(url)

    monkeypatch.setenv("TETRAD_REGISTRY", "mysql://db/tetrad")
    with pytest.raises(UsageError, match=r"TETRAD_REGISTRY: unknown scheme 'mysql'\n  help: .*"):
        registry_place(tmp_path)


def test_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    unreachable = PostgresAddress(f"postgresql://ci:{PASSWORD}@127.0.0.1:1/tetrad")
    with pytest.raises(
        DatabaseError, match=r"postgresql://ci:\*\*\*@127\.0\.0\.1:1/tetrad: "
    ) as told:
        open_ledger(unreachable)

    assert told.value.exit_code == 3
    assert "\n  help: check the server and the address in TETRAD_REGISTRY" in str(told.value)
    assert "s3cret" not in f"{told.value} {unreachable!r}"
    with pytest.raises(UsageError, match="TETRAD_REGISTRY: not an address") as told_too:
        open_ledger(PostgresAddress(f"postgresql://ci:{PASSWORD}@db:port/tetrad"))
    assert "s3cret" not in str(told_too.value)


def test_without_its_extra_a_server_is_refused() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from tetrad.registry import PostgresAddress, open_ledger\n"
        "open_ledger(PostgresAddress('postgresql://db/tetrad'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (
        "a registry on PostgreSQL needs an extra\n  help: pip install 'tetrad[postgres]'"
        in done.stderr
    )


def test_nothing_heavy_is_imported_before_a_ledger_is_opened() -> None:
    code = "import sys, tetrad.registry, tetrad.evals; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"sqlalchemy", "alembic", "psycopg"}.isdisjoint(done.stdout.split())


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()

    with pytest.raises(DatabaseError, match="a database of another program\n  help: "):
        open_ledger(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("not a database at all, and long enough to be told from an empty file" * 50)

    with pytest.raises(
        DatabaseError, match=r"registry\.db: file is not a database\n  help: .*restore a backup"
    ):
        open_ledger(path)


def test_a_link_in_a_checkout_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").touch()
    (tmp_path / ".tetrad").mkdir()
    (tmp_path / ".tetrad" / "registry.db").symlink_to(tmp_path / "elsewhere.db")

    with pytest.raises(TetradError, match="is a symbolic link"):
        open_ledger(tmp_path / ".tetrad" / "registry.db")


def test_a_newer_ledger_asks_for_a_newer_tetrad(place: Place) -> None:
    open_ledger(place).close()
    newer = f"UPDATE ledger_version SET version_num = '{NEWEST + 1}'"
    if isinstance(place, PostgresAddress):
        with psycopg.connect(place.url, autocommit=True) as postgres:
            postgres.execute(newer)
    else:
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            connection.execute(newer)

    told = f"have version {NEWEST + 1}, and this tetrad knows {NEWEST}\n  help: upgrade tetrad"
    with pytest.raises(DatabaseError, match=told):
        open_ledger(place)


def test_tetrads_from_before_the_ledger_refuse_its_file(tmp_path: Path) -> None:
    """They compare SQLite's own version with theirs, which was 3 at most."""
    path = tmp_path / "registry.db"
    open_ledger(path).close()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)


def test_the_newest_version_is_that_of_the_last_migration() -> None:
    config = Config()
    folder = Path(str(tetrad.registry.__file__)).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [str(NEWEST)]


def holds_money(place: Place) -> bool:
    """Whether a gateway can account for money there."""
    claim = Claim(account="all", limit=2, spent={}, need=1, want=1)
    with closing(Spending(place, "production", "a")) as spending:
        return spending.exchange([claim])["all"].held == 1


def test_a_role_that_can_change_no_entry_can_append(postgres: str) -> None:
    with (
        schema(postgres) as url,
        psycopg.connect(url, autocommit=True) as owner,
        open_ledger(PostgresAddress(url)) as made,
    ):
        made.append("run", content=b"by the owner")
        role = owner.execute("SELECT current_schema() || '_role'").fetchall()[0][0]
        owner.execute(
            f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA {role.removesuffix('_role')} TO {role};"
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {role.removesuffix('_role')} TO {role};"
            f"GRANT INSERT ON ledger_entries, ledger_contents TO {role};"
            f"GRANT UPDATE ON ledger_contents TO {role};"
            f"GRANT INSERT, UPDATE, DELETE ON gateways, spending TO {role}"
        )
        appender = make_url(url).update_query_dict(
            {"options": f"{make_url(url).query['options']} -crole={role}"}
        )
        try:
            place = PostgresAddress(appender.render_as_string(hide_password=False))
            with open_ledger(place) as ledger:
                assert ledger.append("run", content=b"by the role").number == 2
                assert ledger.verify() == []
            with PointerStore(place, DEPLOYERS) as store:
                store.append(sealed(pointer()))
                store.report(gateway())
                assert [state.number for state in store.gateways()] == [1]
            assert holds_money(place)
        finally:
            owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_backup_of_the_whole_database_is_restored(postgres: str, tmp_path: Path) -> None:
    dump = tmp_path / "registry.dump"
    with database(postgres) as here, database(postgres) as there:
        with PointerStore(PostgresAddress(here), DEPLOYERS) as store:
            store.append(sealed(pointer()))
        backup = [program("pg_dump", here), "--format=custom", f"--file={dump}", here]
        subprocess.run(backup, check=True)
        restore = [program("pg_restore", there), "--exit-on-error", f"--dbname={there}", str(dump)]
        subprocess.run(restore, check=True)

        place = PostgresAddress(there)
        with open_ledger(place) as ledger:
            assert ledger.verify() == []
        with PointerStore(place, DEPLOYERS) as store:
            store.report(gateway())
            assert [state.number for state in store.gateways()] == [1]
        assert holds_money(place)


def test_a_ledger_that_is_there_is_opened_without_alembic(tmp_path: Path) -> None:
    open_ledger(tmp_path / "registry.db").close()
    code = (
        "import sys; from pathlib import Path; from tetrad.registry import open_ledger\n"
        "open_ledger(Path(sys.argv[1])).close(); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "registry.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "sqlalchemy" in done.stdout.split()
    assert "alembic" not in done.stdout.split()
