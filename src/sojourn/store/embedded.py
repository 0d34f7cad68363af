"""The embedded server: a PostgreSQL of our own in a data directory.

Below `<data_dir>/postgres`, which only the account that runs the server can enter:

    owner.lock      held by the process that owns the server, whose pid it names
    processes.lock  held by every process of the server; it inherits the lock, so a free lock proves that none is left
    18/             the data, in a directory named after the version that wrote it
    16/             the data before an upgrade, until the new version has started once
    18.new/         an unfinished initdb or upgrade; the next start throws it away and begins again
    log/  run/      log files, a week of them; the socket
    programs/       a copy of the PostgreSQL programs, if the account cannot reach the installed ones

Every state that an interruption can leave is told from these names, and each step ends with a rename.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
import structlog
from psycopg import pq, sql

from sojourn.model.problems import SojournError
from sojourn.store.programs import (
    FOLDERS,
    Account,
    ProgramFailed,
    Programs,
    account_for,
    find_programs,
    give,
    open_way,
)
from sojourn.store.tuning import conf_text, memory_available, tuned

NEWEST = max(FOLDERS)
ROLE = "sojourn"
DATABASE = "sojourn"
PORT = 5432  # only part of the socket's name
SOCKET_PATH_LIMIT = 100  # the kernel's is 107 on Linux and 103 on macOS
SHORT_DIR = Path("/tmp")  # noqa: S108 - not from TMPDIR: who connects may have another; what we make in it is closed
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
UNQUOTABLE = re.compile(r"[\"$`\\\n]")  # PostgreSQL's programs put paths between double quotes for a shell
START_PATIENCE_S = 3600  # recovery after a crash replays up to max_wal_size
STOP_PATIENCE_S = 300
KILL_PATIENCE_S = 30
LOOK_S = 0.02

_log = structlog.get_logger()


class DataDirectoryInUse(SojournError):
    """Another process runs a server on this data directory.

    Attributes:
        pid: That process, or 0 if it cannot be told.
    """

    code = "embedded.in_use"

    def __init__(self, data_dir: Path, pid: int) -> None:
        self.pid = pid
        super().__init__(f"`{data_dir}` is in use by process {pid or 'unknown'}: one process owns a data directory")


class DataDirectoryMisnamed(SojournError):
    """PostgreSQL cannot work under this path."""

    code = "embedded.misnamed"


class DataDirectoryTooNew(SojournError):
    """The data was written by a newer PostgreSQL."""

    code = "embedded.too_new"


class EmbeddedServer:
    """A PostgreSQL server on a data directory, owned by this process and reachable through a unix socket only.

    Whoever may use the directory's account, or root, connects without a password; other processes may connect too,
    under the same `url`, which needs no start to be known. Data of an older version is upgraded; if the new version
    then never starts, removing its directory brings back the old one.

    Args:
        data_dir: Made if absent. The server keeps to the directory `postgres` in it.
        version: The PostgreSQL version to run.
        settings: PostgreSQL settings that replace the tuned ones.

    Raises:
        DataDirectoryMisnamed: The path holds a character that PostgreSQL's programs cannot bear.
    """

    def __init__(self, data_dir: Path, *, version: int = NEWEST, settings: Mapping[str, str] | None = None) -> None:
        self._data_dir = data_dir.resolve()
        if UNQUOTABLE.search(str(self._data_dir)):
            raise DataDirectoryMisnamed(
                f'`{data_dir}`: the path of a data directory holds none of " $ ` \\ and line breaks'
            )
        self._home = self._data_dir / "postgres"
        self._version = version
        self._settings = dict(settings or {})
        self._owner_lock: int | None = None
        digest = hashlib.sha256(str(self._home).encode()).hexdigest()[:16]
        self._cluster_name = f"sojourn-{digest}"
        run = self._home / "run"
        is_usable = len(str(run)) + len(f"/.s.PGSQL.{PORT}") <= SOCKET_PATH_LIMIT and PLAIN_PATH.fullmatch(str(run))
        self._socket_dir = run if is_usable else SHORT_DIR / self._cluster_name

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where to connect to our database."""
        return self.database_url_for(DATABASE)

    @property
    def log_dir(self) -> Path:
        """Where PostgreSQL logs."""
        return self._home / "log"

    @property
    def postmaster_pid(self) -> int | None:
        """The server's main process, as far as its pid file tells."""
        try:
            return int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def database_url_for(self, name: str) -> str:
        """Return where to connect to the database `name`, whether or not it exists."""
        return f"postgresql://{ROLE}@/{quote(name, safe='')}?host={quote(str(self._socket_dir), safe='')}&port={PORT}"

    def start(self) -> str:
        """Start the server unless it answers already, and return `url`. One that is just recovering is waited for.

        Makes or upgrades the data if need be, ends what an owner that died left running, recovers from a crash.

        Raises:
            DataDirectoryInUse: Another process, or another object of this one, owns the directory.
            DataDirectoryTooNew: The data is of a newer version than the one to run.
            DirectoryUnreachable: We are root and the account that runs the server cannot get there.
            ProgramFailed: PostgreSQL said no; the text holds its words.
        """
        if self._owner_lock is not None and self._answers():
            return self.url
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = self._prepare_home()
        try:
            self._own(account)
            self._launch(account)
        except BaseException:
            self._disown()
            raise
        return self.url

    def stop(self) -> None:
        """Stop the server, after which another process may own the directory. Does nothing if it is not ours."""
        if self._owner_lock is None:
            return
        try:
            os.close(self._end_processes())
            if self._socket_dir.parent == SHORT_DIR:
                shutil.rmtree(self._socket_dir, ignore_errors=True)
            _log.info("embedded.stopped", data_dir=str(self._data_dir))
        finally:
            self._disown()

    @property
    def _cluster(self) -> Path:
        return self._home / str(self._version)

    def _prepare_home(self) -> Account:
        account = account_for(self._home)
        if account.is_other and self._home.stat().st_uid != account.uid:
            give(self._home, account)
        self._home.chmod(0o700)
        open_way(self._data_dir, account)
        return account

    def _own(self, account: Account) -> None:
        if self._owner_lock is not None:
            return
        path = self._home / "owner.lock"
        self._owner_lock = try_lock(path)
        if self._owner_lock is None:
            owner = path.read_text().strip()
            raise DataDirectoryInUse(self._data_dir, int(owner) if owner.isdigit() else 0)
        os.fchown(self._owner_lock, account.uid, account.gid)
        os.truncate(self._owner_lock, 0)
        os.write(self._owner_lock, f"{os.getpid()}\n".encode())

    def _disown(self) -> None:
        if self._owner_lock is not None:
            os.close(self._owner_lock)
            self._owner_lock = None

    def _launch(self, account: Account) -> None:
        lock = self._end_processes()
        try:
            os.fchown(lock, account.uid, account.gid)
            self._make_directories(account)
            programs = find_programs(self._version, account, self._home)
            old = self._prepare_cluster(programs, lock)
            self._start_postgres(programs, self._cluster, lock)
        finally:
            os.close(lock)
        self._ensure_database()
        if old is not None:
            shutil.rmtree(old)
        _log.info("embedded.started", data_dir=str(self._data_dir), version=self._version)

    def _make_directories(self, account: Account) -> None:
        open_way(self._socket_dir.parent, account)
        for directory in (self.log_dir, self._socket_dir):
            directory.mkdir(mode=0o700, exist_ok=True)
            found = directory.lstat()
            if found.st_uid == os.geteuid():
                os.chown(directory, account.uid, account.gid, follow_symlinks=False)
            elif found.st_uid != account.uid:
                raise SojournError(f"`{directory}` belongs to another user; the database needs it for itself")
            directory.chmod(0o700)

    def _prepare_cluster(self, programs: Programs, lock: int) -> Path | None:
        """Make sure that there is data of our version. Return the old data that an upgrade left, if any."""
        versions = sorted(int(path.name) for path in self._home.iterdir() if path.name.isdigit())
        if versions and versions[-1] > self._version:
            raise DataDirectoryTooNew(
                f"`{self._data_dir}` holds data of PostgreSQL {versions[-1]}, which {self._version} cannot read"
            )
        if self._version not in versions:
            unfinished = self._home / f"{self._version}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            self._init(programs, unfinished, lock)
            if versions:
                self._upgrade(versions[-1], programs, unfinished, lock)
            unfinished.rename(self._cluster)
            sync_directory(self._home)
        earlier = [version for version in versions if version < self._version]
        return self._home / str(earlier[-1]) if earlier else None

    def _init(self, programs: Programs, cluster: Path, lock: int) -> None:
        locale = (
            ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
            if self._version >= 17  # the first with a provider that does not depend on the machine
            else ("--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C")
        )
        programs.run(
            "initdb", "--pgdata", cluster, "--username", ROLE, "--encoding=UTF8", *locale,
            "--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions",
            *(("--no-sync",) if self._settings.get("fsync") == "off" else ()),
            cwd=self._home, keep=(lock,),
        )  # fmt: skip
        with (cluster / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'sojourn.conf'  # written at each start\n")

    def _upgrade(self, old_version: int, programs: Programs, new: Path, lock: int) -> None:
        """Copy the data of an older version into a new cluster. The old one stays as it is."""
        _log.info("embedded.upgrading", data_dir=str(self._data_dir), old=old_version, new=self._version)
        old = self._home / str(old_version)
        old_programs = find_programs(old_version, programs.account, self._home)
        # pg_upgrade wants a clean shutdown behind it.
        self._start_postgres(old_programs, old, lock)
        old_programs.run("pg_ctl", "stop", "-D", old, "-m", "fast", "-w", "-t", str(STOP_PATIENCE_S), cwd=self._home)
        self._configure(programs, new)
        work = self._home / "upgrade"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        give(work, programs.account)
        programs.run(
            "pg_upgrade", "--old-bindir", old_programs.bin, "--new-bindir", programs.bin, "--old-datadir", old,
            "--new-datadir", new, "--username", ROLE, "--socketdir", self._socket_dir,
            cwd=work, keep=(lock,),
        )  # fmt: skip
        shutil.rmtree(work)

    def _configure(self, programs: Programs, cluster: Path) -> None:
        has_lz4 = "--with-lz4" in programs.run("pg_config", "--configure", cwd=self._home)
        settings = tuned(memory_available(), has_lz4=has_lz4) | self._settings
        conf = cluster / "sojourn.conf"
        conf.write_text(conf_text(settings | self._fixed_settings()))
        os.chown(conf, programs.account.uid, programs.account.gid)

    def _fixed_settings(self) -> dict[str, str]:
        return {
            "cluster_name": self._cluster_name,  # in the title of every process, by which we find them
            "listen_addresses": "",
            "log_directory": str(self.log_dir),
            "log_filename": "postgresql-%a.log",
            "log_line_prefix": "%m [%p] %a ",
            "log_rotation_age": "1d",
            "log_rotation_size": "0",
            "log_truncate_on_rotation": "on",
            "logging_collector": "on",
            "port": str(PORT),
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
        }

    def _start_postgres(self, programs: Programs, cluster: Path, lock: int) -> None:
        """Start a cluster. The caller holds the lock of its processes, so a pid file is stale whatever it names."""
        self._configure(programs, cluster)
        for stale in (cluster / "postmaster.pid", *self._socket_dir.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        try:
            programs.run(
                "pg_ctl", "start", "-D", cluster, "-w", "-t", str(START_PATIENCE_S),
                cwd=self._home, keep=(lock,), log=self.log_dir / "start.log",
            )  # fmt: skip
        except ProgramFailed as failure:
            raise ProgramFailed(f"{failure.text}\n{self._last_words()}") from failure

    def _last_words(self) -> str:
        logs = sorted(self.log_dir.glob("postgresql-*.log"), key=lambda log: log.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-2000:] if logs else ""

    def _answers(self) -> bool:
        """Tell whether the server answers, once it has recovered if one of its processes died."""
        deadline = time.monotonic() + START_PATIENCE_S
        while self._is_between_states() and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        try:
            psycopg.connect(self.database_url_for("postgres"), connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def _is_between_states(self) -> bool:
        """Tell whether a server is there but starting, recovering or stopping."""
        return pq.PGconn.ping(self.database_url_for("postgres").encode()) == pq.Ping.REJECT

    def _ensure_database(self) -> None:
        with psycopg.connect(self.database_url_for("postgres"), autocommit=True) as conn:
            found = conn.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
            if found is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def _end_processes(self) -> int:
        """End every process of the server, whoever started it. Return the lock that proves it."""
        path = self._home / "processes.lock"
        lock = try_lock(path)
        for is_last, patience_s in ((False, STOP_PATIENCE_S), (True, KILL_PATIENCE_S)):
            if lock is None:
                # Asked to end in order while it recovers, PostgreSQL waits for ever for its own checkpointer. There is
                # nothing to put in order anyway: the next start recovers.
                in_order = not self._is_between_states()
                end(self._server_processes(), kill=is_last, in_order=in_order)
                lock = await_lock(path, patience_s)
        if lock is None:
            raise DataDirectoryInUse(self._data_dir, 0)
        return lock

    def _server_processes(self) -> list[psutil.Process]:
        # By command line: a container's root may not see the working directory of another account's process.
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                is_program = process.name() in {"initdb", "pg_ctl", "pg_upgrade", "postgres"}
                if is_program and (f"{self._home}/" in line or self._cluster_name in line):
                    found.append(process)
        return found


def end(processes: list[psutil.Process], *, kill: bool, in_order: bool) -> None:
    """Ask processes of one server to end: a main one in order if wished, its children through it, orphans at once."""
    pids = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if kill:
                process.kill()
            elif process.ppid() not in pids:
                is_orphan = process.cmdline()[0].startswith("postgres: ")
                process.send_signal(signal.SIGINT if in_order and not is_orphan else signal.SIGQUIT)


def try_lock(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if somebody else holds the lock.

    `flock` rather than `fcntl`: the lock belongs to the open file, so it also keeps out a second object of the same
    process, and a child that inherits the descriptor holds it too.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def await_lock(path: Path, patience_s: float) -> int | None:
    """Wait for a lock. Polls: nothing signals the end of processes that are not our children."""
    deadline = time.monotonic() + patience_s
    while (lock := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    return lock


def sync_directory(directory: Path) -> None:
    """Make a rename inside a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
