"""What must never be in a log."""

import io
import json
import logging

import pytest
import structlog

from sojourn.logs import configure_logs


@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_traceback_shows_no_local_variables(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root, before = logging.getLogger(), (logging.getLogger().handlers[:], logging.getLogger().level)
    configuration = structlog.get_config()
    try:
        configure_logs(format_, "info")  # type: ignore[arg-type]
        fail("token-of-somebody")
    finally:
        root.handlers[:], root.level = before
        structlog.configure(**configuration)
    said = stream.getvalue()
    assert "ValueError" in said
    assert "token-of-somebody" not in said
    if format_ == "json":
        assert json.loads(said)["exception"][0]["exc_type"] == "ValueError"


def fail(plaintext: str) -> None:
    try:
        int(f"{plaintext[:0]}x")
    except ValueError:
        structlog.get_logger("test").exception("failed")
