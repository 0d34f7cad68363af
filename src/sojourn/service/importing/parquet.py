"""Parquet: rows out of a Parquet file, a batch at a time."""
# pyarrow is not typed:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sojourn.service.errors import InvalidDocument


@dataclass(frozen=True, slots=True)
class ParquetBatch:
    """Some rows by column, and what share of the file has been read with them."""

    rows: Sequence[Mapping[str, Any]]
    share: float


def parquet_columns(path: Path) -> list[str]:
    """Return the names of the columns."""
    with _open(path) as file:
        return [str(name) for name in file.schema_arrow.names]


def parquet_batches(path: Path, size: int) -> Iterator[ParquetBatch]:
    """Read a file in batches of `size` rows."""
    with _open(path) as file:
        total = max(1, file.metadata.num_rows)
        done = 0
        for batch in file.iter_batches(batch_size=size):
            names = [str(name) for name in batch.schema.names]
            columns = [[_plain(value) for value in column.to_pylist()] for column in batch.columns]
            rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
            done += len(rows)
            yield ParquetBatch(rows, done / total)


@contextmanager
def _open(path: Path) -> Generator[pq.ParquetFile]:
    if path.suffix.lower() == ".gz":
        raise InvalidDocument("Parquet files are compressed inside; one with gzip around it is not read")
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except pa.ArrowInvalid as error:
        raise InvalidDocument(f"`{path.name}` is not Parquet: {error}") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """Turn what Arrow knows and JSON does not into text and numbers."""
    match value:
        case date():  # a datetime is one, too
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value
