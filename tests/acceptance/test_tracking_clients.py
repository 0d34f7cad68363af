"""The published clients of the tracking API, unchanged, against a running server: everything arrives, and once."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from sojourn.store.embedded import EmbeddedServer
from tests.acceptance.processes import PATIENCE_S, Server, running, sojourn, until
from tests.acceptance.published import node_client, python_client

CLIENTS: dict[str, tuple[Callable[[], tuple[list[str], dict[str, str]]], str, list[str]]] = {
    "node": (node_client, "js", []),
    "python": (python_client, "py", ["gzip"]),
}


@contextmanager
def forgetful(url: str) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that hands every request on, but hangs up instead of giving the first answer back."""
    asked: list[bytes] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {
                n: v for n, v in self.headers.items() if n.lower() not in {"host", "content-length", "connection"}
            }
            answer = httpx.post(url + self.path, content=body, headers=headers, trust_env=False, timeout=60)
            with lock:
                asked.append(body)
                is_first = len(asked) == 1
            self.close_connection = True
            if is_first:
                return
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}", asked
        proxy.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("track") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def write_key(server: Server) -> str:
    made = sojourn("token", "create", "--kind", "write", "--data-dir", server.data_dir)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def rows(data_dir: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(EmbeddedServer(data_dir).url) as conn:
        return conn.execute(query, values).fetchall()


def events_of(data_dir: Path, user_id: str) -> dict[str, int]:
    query = (
        "select e.name, count(*) from event as e"
        " join identity as i on i.profile_shard = e.shard and i.profile_id = e.profile_id"
        " where i.kind = 'user_id' and i.value = %s group by e.name"
    )
    return dict(rows(data_dir, query, user_id))


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_client_sends_arrives_once(server: Server, write_key: str, client: str) -> None:
    install, prefix, arguments = CLIENTS[client]
    command, variables = install()
    with forgetful(server.url) as (url, asked):
        talked = subprocess.run(
            [*command, url, write_key, *arguments],
            env=os.environ | variables, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    assert talked.returncode == 0, talked.stderr
    assert len(asked) >= 4  # three batches, and the first of them again

    until(lambda: rows(server.data_dir, "select count(*) from inbox") == [(0,)], "everything applied")
    counts = events_of(server.data_dir, f"{prefix}-ada")
    assert counts == {"Bought": 1, "Counted": 250, "page": 1, "screen": 1}
    assert events_of(server.data_dir, f"{prefix}-bob") == {"Visited": 1}  # as a visitor, whom an alias named
    ((attributes, language),) = rows(
        server.data_dir, "select attributes, language from profile where user_id = %s", f"{prefix}-ada"
    )
    assert attributes == {
        "email": f"{prefix}-ada@example.com",
        "plan": "pro",
        "address": {"city": "London"},
        "group_id": "acme",
        "group": {"employees": 20},
    }
    assert language == "fr"
    assert rows(server.data_dir, "select channel::text from device where hwid = %s", f"{prefix}-ada@example.com") == [
        ("email",)
    ]
