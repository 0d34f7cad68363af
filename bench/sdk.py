"""SDK: how large the browser SDK is that the server sends, against what was promised."""

from bench.report import Result, Table, verdict
from sojourn.api.web.sdk import NAMES, load

BAR = 20_000


def measure() -> Result:
    rows: list[list[str]] = []
    raw: dict[str, int] = {}
    for name in NAMES:
        script = load(name)
        raw[name] = len(script.gzipped)
        rows.append([f"`/{name}`", f"{len(script.plain):,}", f"{raw[name]:,}", verdict(raw[name] < BAR)])
    table = Table("Bytes:", ["file", "plain", "gzipped", f"below {BAR:,}"], rows)
    return Result("sdk", {"level": 9}, [table], raw)
