"""The embedded server: first starts, crashes, leftovers, upgrades, accounts. Every test has a server of its own."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from sojourn.model.problems import SojournError
from sojourn.store.embedded import (
    DataDirectoryInUse,
    DataDirectoryMisnamed,
    DataDirectoryTooNew,
    EmbeddedServer,
    try_lock,
)
from sojourn.store.programs import FOLDERS, WHEEL, ProgramFailed, account_for, find_programs

SMALL = {"fsync": "off", "shared_buffers": "32MB"}
PATIENCE_S = 60
Owner = subprocess.Popen[str]

OWNER = """
import sys
from pathlib import Path
from sojourn.store.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "32MB"})
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""

is_root = os.geteuid() == 0
nobody = pwd.getpwnam("nobody")
AS_NOBODY: dict[str, Any] = {
    "cwd": "/",
    "env": {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"},
    "extra_groups": [],
    "group": nobody.pw_gid,
    "user": nobody.pw_uid,
}


def python_for_nobody() -> str | None:
    """A Python that an ordinary user can run: ours may lie below a home directory of root."""
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            command = [python, "-c", "import psycopg, sojourn"]
            if subprocess.run(command, check=False, capture_output=True, **AS_NOBODY).returncode == 0:
                return python
    return None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short directory that only we can enter, as ./data below /root would be."""
    path = Path(tempfile.mkdtemp(prefix="sj-"))
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def owner_process(data_dir: Path, python: str = sys.executable, **options: Any) -> Iterator[tuple[Owner, str]]:
    """Another process that owns a server; and the server's URL."""
    command = [python, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process, next((line.strip() for line in process.stdout if line.startswith("postgresql:")), "")
        finally:
            process.kill()


def leave(process: Owner) -> None:
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0


def query(url: str, text: str) -> object:
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(text.encode())
        return None if cursor.description is None else cursor.fetchone()[0]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("version", sorted(FOLDERS))
def test_data_outlives_the_server(folder: Path, version: int) -> None:
    with EmbeddedServer(folder / "data", version=version, settings=SMALL) as server:
        query(server.url, "create table kept as select 42 as answer")
        assert query(server.url, "show server_version_num").startswith(str(version))
        assert query(server.url, "show server_encoding") == "UTF8"
        assert query(server.url, "select lower('ÄÖ Ж')") == "äö ж"
        assert query(server.url, "select not pg_is_in_recovery()")
    with pytest.raises(psycopg.OperationalError):
        query(server.url, "select 1")
    with EmbeddedServer(folder / "data", version=version, settings=SMALL) as server:
        assert query(server.url, "select answer from kept") == 42
        assert server.start() == server.url


def test_only_the_socket_and_only_our_account(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "show listen_addresses") == ""
        for name in ("postgres", "postgres/18", "postgres/log", "postgres/run"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700


def test_secrets_of_our_environment_stay_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOJOURN_API_TOKEN", "very secret")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "select 1") == 1
        with contextlib.suppress(psutil.AccessDenied):
            assert "SOJOURN_API_TOKEN" not in psutil.Process(server.postmaster_pid).environ()


def test_settings_are_tuned_and_can_be_replaced(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL | {"application_name": r"it's \ odd"}) as server:
        shown = {name: query(server.url, f"show {name}") for name in ("jit", "max_wal_size", "shared_buffers")}
        assert shown == {"jit": "off", "max_wal_size": "8GB", "shared_buffers": "32MB"}
        source = "select setting from pg_settings where name = 'log_directory'"
        assert query(server.url, source) == str(server.log_dir)
    with EmbeddedServer(folder, settings=SMALL | {"work_mem": "7MB"}) as server:
        assert query(server.url, "show work_mem") == "7MB"


def test_a_setting_that_postgres_refuses_says_so(folder: Path) -> None:
    server = EmbeddedServer(folder, settings=SMALL | {"work_mem": "plenty"})
    with pytest.raises(ProgramFailed, match='invalid value for parameter "work_mem": "plenty"'):
        server.start()
    with EmbeddedServer(folder, settings=SMALL) as other:
        assert query(other.url, "select 1") == 1


def test_a_second_server_of_the_same_process_is_refused(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL) as server:
        second = EmbeddedServer(folder, settings=SMALL)
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {os.getpid()}") as caught:
            second.start()
        assert caught.value.pid == os.getpid()
        second.stop()
        assert query(second.url, "select 1") == query(server.url, "select 1")


def test_a_second_server_of_another_process_is_refused(folder: Path) -> None:
    with owner_process(folder) as (process, url):
        with pytest.raises(DataDirectoryInUse) as caught:
            EmbeddedServer(folder, settings=SMALL).start()
        assert caught.value.pid == process.pid
        assert query(url, "select 1") == 1
        leave(process)
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "select 1") == 1


def test_postgres_killed_under_us_is_started_again(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL) as server:
        query(server.url, "create table kept as select generate_series(1, 1000)")
        os.kill(server.postmaster_pid, signal.SIGKILL)
        server.start()
        assert query(server.url, "select count(*) from kept") == 1000


def test_an_orphan_that_is_busy_computing_does_not_block_the_next_start(folder: Path) -> None:
    def compute(url: str) -> None:
        with contextlib.suppress(psycopg.OperationalError):
            query(url, "select count(*) from generate_series(1, 10000000000) where random() < 0")

    with EmbeddedServer(folder, settings=SMALL) as server:
        busy = threading.Thread(target=compute, args=(server.url,))
        busy.start()
        active = "select count(*) > 0 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
        until(lambda: bool(query(server.url, active)))
        os.kill(server.postmaster_pid, signal.SIGKILL)
        server.start()
        busy.join(PATIENCE_S)
        assert not busy.is_alive()
        assert query(server.url, "select count(*) from pg_stat_activity where state = 'active'") == 1


def test_a_server_whose_owner_was_killed_is_taken_over(folder: Path) -> None:
    with owner_process(folder) as (process, url):
        query(url, "create table kept as select 42 as answer")
        left_behind = EmbeddedServer(folder).postmaster_pid
        process.kill()
        process.wait(PATIENCE_S)
        assert query(url, "select 1") == 1
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert server.postmaster_pid != left_behind
        assert query(server.url, "select answer from kept") == 42


def test_owner_and_postgres_killed_together(folder: Path) -> None:
    with owner_process(folder) as (process, url):
        query(url, "create table kept as select 42 as answer")
        os.kill(EmbeddedServer(folder).postmaster_pid, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE_S)
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "select answer from kept") == 42


def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL) as server:
        query(server.url, "create table kept as select 42 as answer")
        pid_file = folder / "postgres/18/postmaster.pid"
        content = pid_file.read_text()
        os.kill(server.postmaster_pid, signal.SIGKILL)
    _, *rest = content.split("\n")
    pid_file.write_text("\n".join([str(os.getppid()), *rest]))
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "select answer from kept") == 42


def test_an_interrupted_first_start_begins_again(folder: Path) -> None:
    unfinished = folder / "postgres/18.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "select 1") == 1
    assert not unfinished.exists()


def made_by_16(folder: Path) -> None:
    with EmbeddedServer(folder, version=16, settings=SMALL) as server:
        query(server.url, "create table kept as select generate_series(1, 1000) as n, '{\"a\": 1}'::jsonb as data")
        query(server.url, "create unique index kept_n_key on kept (n)")


def check_upgraded(folder: Path) -> None:
    with EmbeddedServer(folder, settings=SMALL) as server:
        assert query(server.url, "show server_version_num").startswith("18")
        assert query(server.url, "select sum(n) from kept where data ->> 'a' = '1'") == 500500
        assert query(server.url, "select count(*) from pg_indexes where indexname = 'kept_n_key'") == 1
    assert sorted(each.name for each in (folder / "postgres").iterdir() if each.name[0].isdigit()) == ["18"]


def test_data_of_16_is_upgraded(folder: Path) -> None:
    made_by_16(folder)
    check_upgraded(folder)


def test_data_of_16_that_crashed_is_upgraded(folder: Path) -> None:
    server = EmbeddedServer(folder, version=16, settings=SMALL)
    server.start()
    query(server.url, "create table kept as select generate_series(1, 1000) as n, '{\"a\": 1}'::jsonb as data")
    query(server.url, "create unique index kept_n_key on kept (n)")
    os.kill(server.postmaster_pid, signal.SIGKILL)
    server.stop()
    check_upgraded(folder)


def test_a_refused_upgrade_leaves_the_old_data_usable(folder: Path) -> None:
    made_by_16(folder)
    removed_in_17 = SMALL | {"old_snapshot_threshold": "-1"}
    with pytest.raises(ProgramFailed):
        EmbeddedServer(folder, settings=removed_in_17).start()
    with EmbeddedServer(folder, version=16, settings=removed_in_17) as server:
        assert query(server.url, "select count(*) from kept") == 1000
    check_upgraded(folder)


@pytest.mark.parametrize("sign", ["18.new/PG_VERSION", "18.new/pg_upgrade_output.d", "18"])
def test_an_upgrade_killed_midway_is_done_again(folder: Path, sign: str) -> None:
    made_by_16(folder)
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        until((folder / "postgres" / sign).exists)
        process.kill()
    check_upgraded(folder)


def test_data_of_a_newer_version_is_refused(folder: Path) -> None:
    EmbeddedServer(folder, settings=SMALL).__enter__().stop()
    with pytest.raises(DataDirectoryTooNew, match="holds data of PostgreSQL 18, which 16 cannot read"):
        EmbeddedServer(folder, version=16, settings=SMALL).start()


def test_a_long_or_odd_path_gets_a_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("long" * 20) / ("longer, it's ~ & so" * 3)
    with EmbeddedServer(deep, settings=SMALL) as server:
        assert query(server.url, "select 1") == 1
        socket_dir = Path(query(server.url, "show unix_socket_directories"))
        assert socket_dir.parent == Path("/tmp")
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    assert not socket_dir.exists()


def test_a_path_that_a_shell_would_change_is_refused(folder: Path) -> None:
    with pytest.raises(DataDirectoryMisnamed):
        EmbeddedServer(folder / "$HOME")


def test_a_socket_directory_of_somebody_else_is_refused(folder: Path) -> None:
    if not is_root:
        pytest.skip("needs root to make a directory of somebody else")
    server = EmbeddedServer(folder / ("long" * 30), settings=SMALL)
    taken = Path(psycopg.conninfo.conninfo_to_dict(server.url)["host"])
    taken.mkdir()
    os.chown(taken, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        with pytest.raises(SojournError, match="belongs to another user"):
            server.start()
    finally:
        taken.rmdir()


@pytest.mark.skipif(not is_root, reason="needs root to become somebody else")
class TestAsRoot:
    def test_postgres_runs_without_privileges(self, folder: Path) -> None:
        with EmbeddedServer(folder, settings=SMALL) as server:
            assert psutil.Process(server.postmaster_pid).uids().real == (folder / "postgres").stat().st_uid != 0

    def test_a_closed_parent_is_opened_to_the_account_alone(self, folder: Path) -> None:
        inner = folder / "closed/data"
        inner.parent.mkdir(mode=0o700)
        with EmbeddedServer(inner, settings=SMALL) as server:
            assert query(server.url, "select 1") == 1
        assert inner.parent.stat().st_mode & stat.S_IRWXO == 0
        entered = subprocess.run(["test", "-x", inner.parent], check=False, **AS_NOBODY)
        assert entered.returncode != 0

    def test_programs_that_the_account_cannot_reach_are_copied(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        account = account_for(folder)
        site = find_programs(18, account, folder).bin.parents[2]
        closed = folder / "site"
        for name in (f"{WHEEL}/pginstall18", f"{WHEEL}.libs"):
            shutil.copytree(site / name, closed / name, ignore=shutil.ignore_patterns("include"))
        (closed / WHEEL / "__init__.py").touch()
        closed.chmod(0o700)
        monkeypatch.syspath_prepend(str(closed))
        with EmbeddedServer(folder / "data", settings=SMALL) as server:
            assert query(server.url, "select 1") == 1
            assert psutil.Process(server.postmaster_pid).exe().startswith(str(folder / "data/postgres/programs"))

    def test_an_ordinary_user_needs_no_root(self, folder: Path) -> None:
        python = python_for_nobody()
        if python is None:
            pytest.skip("an ordinary user can reach no Python of this machine")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        data_dir = folder / "data"
        with owner_process(data_dir, python, **AS_NOBODY) as (process, url):
            assert query(url, "select 1") == 1
            assert psutil.Process(EmbeddedServer(data_dir).postmaster_pid).uids().real == nobody.pw_uid
            leave(process)
        # Root comes later and leaves the directory to its owner.
        with EmbeddedServer(data_dir, settings=SMALL) as server:
            assert psutil.Process(server.postmaster_pid).uids().real == nobody.pw_uid
        with owner_process(data_dir, python, **AS_NOBODY) as (process, url):
            assert query(url, "select 1") == 1
            leave(process)


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    os.close(first)
    again = try_lock(tmp_path / "lock")
    assert again is not None
    os.close(again)
