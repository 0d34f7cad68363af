"""`sojourn serve` as an operator sees it: started, stopped, hit, and started again."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sojourn.cli import supervisor
from sojourn.cli.supervisor import Part, StartFailed, Supervisor
from tests.acceptance import processes
from tests.acceptance.processes import Server, answers, free_ports, running, sojourn, until

LISTING = "/api/v3/journeygateway"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("serve") / "data", "--engine-workers", 2) as server:
        yield server


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; some containers never collect what is left of orphans."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def get(server: Server, token: str) -> int:
    return httpx.get(server.url + LISTING, headers={"authorization": f"Api {token}"}, trust_env=False).status_code


def test_the_printed_token_opens_the_api(server: Server) -> None:
    assert answers(server.url)
    assert get(server, server.shown("API token")) == 200
    assert get(server, "something else") == 401


def test_grpc_answers(server: Server) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("role", ["engine", "delivery", "api", "grpc"])
def test_a_killed_process_is_started_again(server: Server, role: str) -> None:
    before = server.children(role)

    before[0].kill()

    until(lambda: not set(server.children(role)) <= set(before), f"a new {role} process")
    until(lambda: answers(server.url), "answers again")


def test_a_killed_database_is_started_again(server: Server) -> None:
    token = server.shown("API token")
    pid_file = next((server.data_dir / "postgres").glob("*/postmaster.pid"))
    pid = int(pid_file.read_text().splitlines()[0])

    psutil.Process(pid).kill()

    until(lambda: pid_file.exists() and int(pid_file.read_text().splitlines()[0]) != pid, "a new database process")
    until(lambda: answers(server.url), "answers again")
    assert get(server, token) == 200


def test_commands_work_beside_a_server(server: Server) -> None:
    made = sojourn("token", "create", "--title", "second", "--data-dir", server.data_dir)
    assert made.returncode == 0, made.stderr
    assert get(server, made.stdout.strip()) == 200

    listed = sojourn("token", "list", "--data-dir", server.data_dir)
    assert "second" in listed.stdout
    assert made.stdout.strip() not in listed.stdout


def test_the_printed_password_signs_in_and_commands_look_after_accounts(server: Server) -> None:
    owner = {"email": server.shown("owner"), "password": server.shown("password")}
    assert owner["email"] == "owner@sojourn.localhost"
    data_dir = ("--data-dir", server.data_dir)

    def account(*words: str, given: str = "") -> str:
        done = sojourn("account", *words, *data_dir, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.post("/api/auth/login", json=owner).json()["data"]["user"]["role"] == "OWNER"
        assert "another browser" not in account("sessions", owner["email"])
        assert account("revoke", owner["email"]).startswith("1 sessions")
        made = account("add", "Grace@example.com", "--role", "viewer", "--name", "Grace")
        grace = {"email": "grace@example.com", "password": made.split("password")[1].split()[0]}
        assert http.post("/api/auth/login", json=grace).status_code == 200
        account("password", grace["email"], "--password-stdin", given="correct horse battery\n")
        assert http.post("/api/auth/login", json=grace).status_code == 401
        account("change", grace["email"], "--role", "admin")
        answer = http.post("/api/auth/login", json=grace | {"password": "correct horse battery"})
        assert answer.json()["data"]["user"]["role"] == "ADMIN"
        account("disable", grace["email"])
        assert "disabled" in account("list")
        assert http.post("/api/auth/login", json=grace | {"password": "correct horse battery"}).status_code == 401


def test_a_second_server_on_the_same_data_is_refused(server: Server) -> None:
    port, grpc_port = free_ports()
    second = sojourn("serve", "--data-dir", server.data_dir, "--port", port, "--grpc-port", grpc_port)
    assert second.returncode == 1
    assert "is in use by process" in second.stderr


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_in_use_is_said_to_be(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = free_ports(1)[0]
        other = "--grpc-port" if option == "--port" else "--port"
        refused = sojourn("serve", "--data-dir", tmp_path / "data", option, port, other, free)
    assert refused.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in refused.stderr
    assert option in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SOJOURN_PORT", "http", "no whole number from 1 to 65535"),
        ("SOJOURN_APPLICATION_CODE", "shop", "XXXXX-XXXXX"),
        ("SOJOURN_SMTP_URL", "mail.example.com", "smtp://"),
        ("SOJOURN_DATABASE_URL", "mysql://db", "postgresql://"),
        ("SOJOURN_API_TOKEN", "secret", "at least 16"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str, complaint: str) -> None:
    refused = sojourn("serve", "--data-dir", tmp_path / "data", **{name: value})
    assert refused.returncode == 1
    assert name in refused.stderr
    assert complaint in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    token = "a token of sixteen characters or more"
    server = Server(tmp_path / "data", SOJOURN_API_TOKEN=token)
    started = psutil.Process(server.process.pid).children(recursive=True)
    postmaster = next((server.data_dir / "postgres").glob("*/postmaster.pid")).read_text().splitlines()[0]
    started.append(psutil.Process(int(postmaster)))
    assert get(server, token) == 200
    assert not any(line.startswith("API token") for line in server.lines)

    assert server.stop(number) == 0

    assert not [each for each in started if is_alive(each)]
    assert not answers(server.url)
    assert "panicked" not in server.errors()
    assert token not in server.errors()


async def test_a_part_that_never_starts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    parts = [Part("good", "engine", 1), Part("bad", "no such role", 0)]
    environment = processes.environment(SOJOURN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(StartFailed, match="does not start"):
        await Supervisor(parts, environment).run(asyncio.Event(), lambda: pytest.fail("it was ready"))


def test_processes_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    started = psutil.Process(server.process.pid).children(recursive=True)
    token = server.shown("API token")

    server.stop(signal.SIGKILL)

    until(lambda: not any(is_alive(each) for each in started), "every process ends")
    with running(tmp_path / "data") as again:
        assert get(again, token) == 200
