"""The published tracking clients, installed as their lock files say into a directory that git ignores.

Each gets a place of its own: what they need is not what Sojourn needs.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "clients"
CACHE = Path(__file__).parent.parent.parent / ".make" / "clients"
PATIENCE_S = 300


def python_client() -> tuple[list[str], dict[str, str]]:
    """Install the Python client. Return the command that talks with it, and its environment."""

    def install(place: Path) -> None:
        lock = HERE / "python" / "requirements.lock"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
        _run(*pip, "--require-hashes", "--requirement", str(lock), "--target", str(place))

    place = _installed("python", "requirements.lock", install)
    return [sys.executable, str(HERE / "python" / "talk.py")], {"PYTHONPATH": str(place)}


def node_client() -> tuple[list[str], dict[str, str]]:
    """Install the Node client. Return the command that talks with it, and its environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node is not on this machine")

    def install(place: Path) -> None:
        for name in ("package.json", "package-lock.json", "talk.mjs"):
            shutil.copy(HERE / "node" / name, place / name)
        _run(npm, "ci", "--no-audit", "--no-fund", "--silent", "--prefix", str(place))

    place = _installed("node", "package-lock.json", install)
    shutil.copy(HERE / "node" / "talk.mjs", place / "talk.mjs")  # modules are looked for beside the script
    return [node, str(place / "talk.mjs")], {}


def _installed(client: str, lock: str, install: Callable[[Path], None]) -> Path:
    """Install a client, unless what its lock file says is there."""
    version = sha256((HERE / client / lock).read_bytes() + sys.version.encode()).hexdigest()[:16]
    place, ready = CACHE / client, CACHE / f"{client}-{version}.ready"
    if not ready.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        install(place)
        ready.touch()
    return place


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
