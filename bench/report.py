"""Report: results as tables to read, as JSON to compare, and as the blocks of docs/benchmarks.md."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; cells are text already."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(slots=True)
class Result:
    """What one sub-bench found."""

    name: str
    options: Mapping[str, Any]
    tables: list[Table] = field(default_factory=list[Table])
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    def markdown(self, machine: Mapping[str, str]) -> str:
        options = ", ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in self.options.items()
        )
        about = "; ".join(f"{name}: {value}" for name, value in machine.items())
        return "\n\n".join(
            [f"Measured with {options}.", *(table.markdown() for table in self.tables), f"Machine: {about}."]
        )


def write(results: Sequence[Result], machine: Mapping[str, str]) -> Path:
    """Write the results as JSON and return the file."""
    RESULTS.mkdir(exist_ok=True)
    at = datetime.now(UTC)
    document = {
        "at": at.isoformat(timespec="seconds"),
        "machine": dict(machine),
        "benches": [
            {"name": r.name, "options": dict(r.options), "raw": r.raw, "tables": [_plain(t) for t in r.tables]}
            for r in results
        ],
    }
    path = RESULTS / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=2, default=str) + "\n")
    return path


def write_page(results: Sequence[Result], machine: Mapping[str, str]) -> None:
    """Put the results into their places on the page; what was not measured this time stays."""
    text = PAGE.read_text()
    for result in results:
        begin, end = f"<!-- {result.name} -->", f"<!-- /{result.name} -->"
        place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        assert place.search(text), f"the page has no place for `{result.name}`"
        block = f"{begin}\n\n{result.markdown(machine)}\n\n{end}"
        text = place.sub(lambda _: block, text)  # noqa: B023 - called at once
    PAGE.write_text(text)


def rate(count: float, seconds: float) -> float:
    return count / seconds if seconds else 0.0


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Say the median, and the range where there is one."""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


def _plain(table: Table) -> dict[str, Any]:
    return {"title": table.title, "head": list(table.head), "rows": [list(row) for row in table.rows]}
