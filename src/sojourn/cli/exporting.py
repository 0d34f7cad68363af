"""Commands that export people and events into files, and the count that shows how far they are."""

import gzip
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Protocol, cast

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from sojourn import wiring
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, settings_from
from sojourn.cli.screen import err, out, plain_errors
from sojourn.service.errors import InvalidDocument
from sojourn.service.exporting.parquet import ParquetFile
from sojourn.service.exporting.plan import BEGINNING, END, ExportPlan, Subject, TextFormat, format_of
from sojourn.service.exporting.rows import Cells
from sojourn.service.exporting.run import export_batches
from sojourn.service.exporting.texts import encoder_of, header_of
from sojourn.settings import Settings

BATCH_ROWS = 5000

File = Annotated[Path, typer.Argument(help="Its name tells the format: .csv, .jsonl (both also .gz), .parquet.")]
AppCode = Annotated[str | None, typer.Option("--app", help="Only of this application.", show_default=False)]
Attribute = Annotated[list[str] | None, typer.Option(help="An attribute with a column of its own; only those, then.")]
From = Annotated[str, typer.Option("--from", help="ISO 8601; in UTC unless it says otherwise.")]
To = Annotated[str, typer.Option("--to", help="Before this.")]


def people_command(
    file: File,
    app: AppCode = None,
    filter_: Annotated[str, typer.Option("--filter", help="Only people in this segment.")] = "",
    from_: From = "",
    to: To = "",
    attribute: Attribute = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Export people with what names and reaches them, as of one moment. `people import` reads the file."""
    _export("people", file, app, filter_, from_, to, attribute, data_dir=data_dir, database_url=database_url)


def events_command(
    file: File,
    app: AppCode = None,
    filter_: Annotated[str, typer.Option("--filter", help="Only events of people in this segment.")] = "",
    from_: From = "",
    to: To = "",
    attribute: Attribute = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Export events with who did them, as of one moment. `events import --history` reads the file."""
    _export("events", file, app, filter_, from_, to, attribute, data_dir=data_dir, database_url=database_url)


def _export(
    subject: Subject,
    file: Path,
    app: str | None,
    filter_: str,
    from_: str,
    to: str,
    attribute: list[str] | None,
    **where: object,
) -> None:
    with plain_errors():
        settings = settings_from(**where)
        format_of(file)
        plan = ExportPlan(
            subject=subject,
            application_code=app,
            filter=filter_,
            since=_instant(from_, "--from") or BEGINNING,
            until=_instant(to, "--to") or END,
            attributes=tuple(attribute or ()),
        )
    write_file(settings, plan, file)


def write_file(settings: Settings, plan: ExportPlan, file: Path) -> None:
    """Export into a file, and say how much that was."""

    async def run(office: Office) -> int:
        count = 0
        async with wiring.resources(office.url) as resources:
            batches = export_batches(resources, office.app.workspace_id, plan, batch_rows=BATCH_ROWS)
            with _progress(file.name) as show, _writer(plan, file) as writer:
                async with aclosing(batches):
                    async for batch in batches:
                        writer.write(batch)
                        count += len(batch)
                        show(count)
        return count

    out.print(f"exported {at_office(settings, run):,} {plan.subject} to {file}", markup=False)


class Writer(Protocol):
    """Takes rows."""

    def write(self, rows: Sequence[Cells]) -> None:
        """Write rows."""
        ...


class _TextFile:
    def __init__(self, file: BinaryIO, plan: ExportPlan, format_: TextFormat) -> None:
        self._file = file
        self._encode = encoder_of(format_)
        file.write(header_of(format_, plan.columns()))

    def write(self, rows: Sequence[Cells]) -> None:
        self._file.write(self._encode(rows))


@contextmanager
def _writer(plan: ExportPlan, path: Path) -> Generator[Writer]:
    """Open a file for an export; it has its name once it is whole."""
    unfinished = path.with_name(f"{path.name}.part")
    with ExitStack() as stack:
        stack.callback(unfinished.unlink, missing_ok=True)
        format_ = format_of(path)
        with ExitStack() as inner:
            if format_ == "parquet":
                yield inner.enter_context(ParquetFile(unfinished, plan.columns()))
            else:
                raw = inner.enter_context(unfinished.open("wb"))
                is_packed = path.suffix.lower() == ".gz"
                file = inner.enter_context(gzip.GzipFile(fileobj=raw, mode="wb")) if is_packed else raw
                yield _TextFile(cast("BinaryIO", file), plan, format_)
        unfinished.replace(path)


@contextmanager
def _progress(title: str) -> Generator[Callable[[int], None]]:
    with Progress(
        SpinnerColumn(), TextColumn(title), TextColumn("{task.completed:,.0f} rows"), console=err
    ) as progress:
        task = progress.add_task(title, total=None)

        def show(count: int) -> None:
            progress.update(task, completed=count)

        yield show


def _instant(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidDocument(f"{option} {text}: an instant such as 2026-05-01T09:00:00Z is expected") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
