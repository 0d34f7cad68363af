"""An embedded server one of whose processes died: it recovers by itself, and may be asked things meanwhile."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from sojourn.store import embedded
from sojourn.store.embedded import EmbeddedServer

PATIENCE_SECONDS = 60


@pytest.fixture
def recovering(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server with much to recover and to sync, in the midst of it."""
    monkeypatch.setattr(embedded, "STOP_PATIENCE_S", PATIENCE_SECONDS)
    folder = Path(tempfile.mkdtemp(prefix="sojourn-chaos-"))
    with EmbeddedServer(folder, settings={"shared_buffers": "256MB"}) as server:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("create table person as select n as person_id from generate_series(1, 1000000) as n")
            conn.execute("update person set person_id = -person_id")
        kill_a_process(server)
        until_recovering(server)
        yield server
    shutil.rmtree(folder)


def kill_a_process(server: EmbeddedServer) -> None:
    next(child for child in children(server) if "walwriter" in title(child)).kill()


def until_recovering(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any("startup" in title(child) for child in children(server)):
        assert time.monotonic() < deadline, "the server never began to recover"


def children(server: EmbeddedServer) -> list[psutil.Process]:
    assert server.postmaster_pid is not None
    return psutil.Process(server.postmaster_pid).children()


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_stopping_a_recovering_server_does_not_take_minutes(recovering: EmbeddedServer) -> None:
    began = time.monotonic()
    recovering.stop()
    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    with psycopg.connect(recovering.start()) as conn:
        assert conn.execute("select count(*) from person where person_id < 0").fetchone() == (1_000_000,)


def test_starting_a_recovering_server_does_not_end_it_first(recovering: EmbeddedServer) -> None:
    postmaster_pid = recovering.postmaster_pid
    with psycopg.connect(recovering.start()) as conn:
        assert conn.execute("select count(*) from person where person_id < 0").fetchone() == (1_000_000,)
    assert recovering.postmaster_pid == postmaster_pid
