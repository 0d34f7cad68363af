"""Fixtures that give tests a real PostgreSQL: one server per version and session, one cloned database per test.

A module whose tests must pass on every bundled PostgreSQL says `pytestmark = pytest.mark.both_postgres`; the others run
on the newest, or on SOJOURN_TEST_POSTGRES_VERSION. Session fixtures follow the version of the test that asks.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from sojourn.store.connection import Conn, connect
from sojourn.store.embedded import NEWEST, EmbeddedServer
from sojourn.store.migrations import initialise, migrate
from sojourn.store.programs import FOLDERS

FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
SHARD_COUNT = 8
TEMPLATE = f"sojourn_template_{os.getpid()}"
# A test server may lose its data in a power cut; durability has tests with a server of their own.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "256MB", "synchronous_commit": "off"}

CHOSEN_VERSION = int(os.environ.get("SOJOURN_TEST_POSTGRES_VERSION", NEWEST))
CITUS_DSN = os.environ.get("SOJOURN_TEST_CITUS_DSN")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_postgres: run on every bundled PostgreSQL version")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with one line that a script can read."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats:
        counts = {name: len(reporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
        reporter.write_line(
            f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_chosen_by_hand = CITUS_DSN is not None or "SOJOURN_TEST_POSTGRES_VERSION" in os.environ
    if metafunc.definition.get_closest_marker("both_postgres") and "postgres_version" in metafunc.fixturenames:
        versions = [CHOSEN_VERSION] if is_chosen_by_hand else sorted(FOLDERS, reverse=True)
        metafunc.parametrize("postgres_version", versions, indirect=True, ids="pg{}".format, scope="session")


@dataclass
class Postgres:
    """One server of the session."""

    admin_url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    shared_url: str | None = None

    def url_for(self, database: str) -> str:
        return urlsplit(self.admin_url)._replace(path=f"/{database}").geturl()

    def create_database(self, template: str) -> str:
        name = f"sojourn_test_{os.getpid()}_{next(self.numbers)}"
        self.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        self.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            conn.execute(statement)


class Servers:
    """The servers of the session, started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._embedded: list[EmbeddedServer] = []
        self._servers: dict[int, Postgres] = {}

    async def get(self, version: int) -> Postgres:
        if version not in self._servers:
            self._servers[version] = server = Postgres(CITUS_DSN or self._start(version))
            server.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
            await make_template(server.url_for(TEMPLATE))
        return self._servers[version]

    def _start(self, version: int) -> str:
        server = EmbeddedServer(self._folder / str(version), version=version, settings=FAST)
        server.start()
        self._embedded.append(server)
        return server.database_url_for("postgres")

    def stop(self) -> None:
        if CITUS_DSN:
            for server in self._servers.values():
                server.drop_database(TEMPLATE)
        for server in self._embedded:
            server.stop()


async def make_template(url: str) -> None:
    async with await connect(url, application_name="template") as conn:
        await migrate(conn, now=FOUNDED)
        await initialise(conn, shard_count=SHARD_COUNT, now=FOUNDED)


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[Servers]:
    """The servers of the session, by version."""
    folder = Path(tempfile.mkdtemp(prefix="sojourn-test-"))
    servers = Servers(folder)
    yield servers
    servers.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_version(request: pytest.FixtureRequest) -> int:
    """The major version that the test runs on."""
    return getattr(request, "param", CHOSEN_VERSION)


@pytest.fixture(scope="session")
async def postgres(postgres_servers: Servers, postgres_version: int) -> Postgres:
    """The running server of the test's version."""
    return await postgres_servers.get(postgres_version)


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """Where an administrator connects; the account may create databases."""
    return postgres.admin_url


@pytest.fixture(scope="session")
def shared_database_url(postgres: Postgres) -> str:
    """A database with the schema, for tests that roll back what they do."""
    if postgres.shared_url is None:
        postgres.shared_url = postgres.url_for(postgres.create_database(TEMPLATE))
    return postgres.shared_url


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh database with the schema, the workspace `default` and eight shards."""
    name = postgres.create_database(TEMPLATE)
    yield postgres.url_for(name)
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def module_database_url(postgres: Postgres) -> Iterator[str]:
    """A database as `database_url` gives one, for all tests of a module."""
    name = postgres.create_database(TEMPLATE)
    yield postgres.url_for(name)
    postgres.drop_database(name)


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh database with nothing in it."""
    name = postgres.create_database("template0")
    yield postgres.url_for(name)
    postgres.drop_database(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Conn]:
    """A connection, not autocommitting, to a fresh database."""
    async with await connect(database_url, application_name="test") as conn:
        yield conn
