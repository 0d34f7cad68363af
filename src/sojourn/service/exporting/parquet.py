"""Parquet: cells as a Parquet file, in which every column is text."""
# pyarrow is not typed:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from sojourn.service.exporting.rows import Cells
from sojourn.service.exporting.texts import cell_text


class ParquetFile:
    """A file that is written a batch at a time."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        self._writer = pq.ParquetWriter(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def write(self, rows: Sequence[Cells]) -> None:
        """Write rows; what is no text is JSON in its cell."""
        columns = [
            pa.array([None if (value := row[name]) is None else cell_text(value) for row in rows], pa.string())
            for name in self._schema.names
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
