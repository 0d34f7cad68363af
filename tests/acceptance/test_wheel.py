"""The wheel: installed alone, with what the lock file names and nothing for development, it is a working Sojourn."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOJOURN_"))}
QUIET_PIP = ("--disable-pip-version-check", "--quiet")

pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", *QUIET_PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("sojourn-*.whl"))


@pytest.fixture(scope="module")
def sojourn(wheel: Path) -> Path:
    """The command `sojourn` of a fresh environment."""
    venv = wheel.parent / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=wheel.parent)
    pip = (venv / "bin/python", "-m", "pip", *QUIET_PIP, "install")
    run(*pip, "--require-hashes", "--requirement", ROOT / "requirements.lock", cwd=wheel.parent)
    run(*pip, "--no-deps", wheel, cwd=wheel.parent)
    return venv / "bin/sojourn"


def test_the_wheel_holds_every_data_file(wheel: Path) -> None:
    package = ROOT / "src/sojourn"
    wanted = {
        f"sojourn/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
        schema = archive.read("sojourn/store/sql/schema.sql")
        assert archive.read("sojourn/store/sql/migrations/0001_pre_initial.sql") == schema


def test_nothing_for_development_is_needed(sojourn: Path, tmp_path: Path) -> None:
    assert "serve" in run(sojourn, "--help", cwd=tmp_path)
    python = sojourn.parent / "python"
    complaint = "import importlib.util as i; assert not any(map(i.find_spec, ['pytest', 'hypothesis', 'ruff']))"
    run(python, "-c", complaint, cwd=tmp_path)


def test_migrating_an_empty_database(sojourn: Path, empty_database_url: str, tmp_path: Path) -> None:
    for _ in range(2):
        run(sojourn, "migrate", "--database-url", empty_database_url, cwd=tmp_path)
        run(sojourn, "init", "--database-url", empty_database_url, cwd=tmp_path)
    with psycopg.connect(empty_database_url) as conn:
        assert conn.execute("select min(name) from schema_migration").fetchone() == ("0001_pre_initial",)
        assert conn.execute("select count(*) from shard").fetchone() == (8,)
