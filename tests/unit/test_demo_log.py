"""The log of the demonstration: it does not grow for ever."""

from pathlib import Path

from sojourn.cli.demo.log_file import cut


def test_a_log_that_has_grown_is_put_aside_while_its_writers_go_on(tmp_path: Path) -> None:
    log = tmp_path / "sojourn.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        cut(log, size_max=100)
        assert not (tmp_path / "sojourn.log.1").exists()
        writer.write(b"b")
        cut(log, size_max=100)
        writer.write(b"c")
    assert log.read_bytes() == b"c"
    assert (tmp_path / "sojourn.log.1").read_bytes() == b"a" * 100 + b"b"
