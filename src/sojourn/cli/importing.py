"""Commands that import files, and the bar that shows how far they are."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from sojourn import wiring
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import err, out, plain_errors, show_json
from sojourn.service.errors import InvalidDocument
from sojourn.service.importing.plan import VALUE_TYPES, Plan, ValueType
from sojourn.service.importing.run import Report, import_file
from sojourn.settings import Settings

File = Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet; .gz, too.", exists=True, dir_okay=False)]
AppCode = Annotated[str | None, typer.Option("--app", help="Application code.", show_default="the first app's")]
Attribute = Annotated[
    list[str] | None,
    typer.Option(help="NAME=COLUMN: keep a column as an attribute. Without any, all columns left over are kept."),
]
Delimiter = Annotated[str | None, typer.Option(help="Between the cells of CSV.", show_default="the header's")]
ListSeparator = Annotated[str, typer.Option(help="Between the items of a list in one cell.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="MEANING=COLUMN, such as user_id=customer or email=mail; docs/importing.md lists them."),
]
Rejects = Annotated[
    Path | None, typer.Option(help="Where refused rows are listed.", show_default="FILE.rejects.csv, here")
]
Type = Annotated[list[str] | None, typer.Option("--type", help=f"NAME=TYPE of an attribute: {', '.join(VALUE_TYPES)}.")]


def people_command(
    file: File,
    map_: Map = None,
    attribute: Attribute = None,
    type_: Type = None,
    app: AppCode = None,
    delimiter: Delimiter = None,
    list_separator: ListSeparator = ";",
    rejects: Rejects = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Import people. Running it again goes on where it was, and never doubles. See docs/importing.md."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url, application_code=app)
        columns, attributes, types = pairs(map_, "--map"), pairs(attribute, "--attribute"), _types(type_)

    def plan(application_code: str) -> Plan:
        return Plan(
            subject="people", application_code=application_code, columns=columns, attributes=attributes or None,
            types=types, delimiter=delimiter, list_separator=list_separator,
        )  # fmt: skip

    _import(settings, plan, file, rejects, json=json)


def events_command(
    file: File,
    event: Annotated[str, typer.Option(help="The name of all events, if no column holds it.")] = "",
    history: Annotated[
        bool, typer.Option("--history", help="What happened long ago: no journey reacts to these events.")
    ] = False,
    map_: Map = None,
    attribute: Attribute = None,
    type_: Type = None,
    app: AppCode = None,
    delimiter: Delimiter = None,
    list_separator: ListSeparator = ";",
    rejects: Rejects = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Import events. Running it again goes on where it was, and never doubles. See docs/importing.md."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url, application_code=app)
        columns, attributes, types = pairs(map_, "--map"), pairs(attribute, "--attribute"), _types(type_)

    def plan(application_code: str) -> Plan:
        return Plan(
            subject="events", application_code=application_code, columns=columns, attributes=attributes or None,
            types=types, delimiter=delimiter, list_separator=list_separator, event=event, is_history=history,
        )  # fmt: skip

    _import(settings, plan, file, rejects, json=json)


@contextmanager
def progress_bar(title: str) -> Generator[Callable[[Report], None]]:
    """Show a bar; call what it gives with each report."""
    with Progress(
        SpinnerColumn(), TextColumn(title), BarColumn(), _Rows(), TimeRemainingColumn(), console=err
    ) as progress:
        task = progress.add_task(title, total=1.0, rows=0)

        def show(report: Report) -> None:
            progress.update(task, completed=report.share, rows=report.rows_done)

        yield show


class _Rows(ProgressColumn):
    """How many rows are done, and how many more each second."""

    def render(self, task: Task) -> Text:
        rows = cast("int", task.fields.get("rows", 0))
        seconds = task.elapsed or 0
        return Text(f"{rows:,} rows, {rows / seconds if seconds else 0:,.0f}/s")


def say_outcome(report: Report, rejects: Path) -> None:
    """Print what became of an import."""
    if report.was_done:
        out.print(f"imported before: {report.rows_done:,} rows; nothing to do")
        return
    out.print(f"imported {report.rows_done - report.rows_refused:,} of {report.rows_done:,} rows")
    if report.rows_refused:
        out.print(f"refused {report.rows_refused:,} rows; {rejects} says why", markup=False)


def _import(
    settings: Settings, plan_for: Callable[[str], Plan], file: Path, rejects: Path | None, *, json: bool
) -> None:
    rejects_file = rejects or Path(f"{file.name}.rejects.csv")

    async def run(office: Office) -> Report:
        async with wiring.resources(office.url) as resources:
            plan = plan_for(office.app.application_code)
            with progress_bar(file.name) as show:
                return await import_file(
                    resources, office.app.workspace_id, plan, file, rejects=rejects_file, on_progress=show
                )

    report = at_office(settings, run)
    if json:
        show_json(report)
    else:
        say_outcome(report, rejects_file)


def pairs(given: Iterable[str] | None, option: str) -> dict[str, str]:
    """Read the values of an option that are pairs.

    Raises:
        InvalidDocument: One is no pair.
    """
    found: dict[str, str] = {}
    for each in given or ():
        name, separator, value = each.partition("=")
        if not (name and separator and value):
            raise InvalidDocument(f"{option} {each}: two words joined by `=` are expected")
        found[name] = value
    return found


def _types(given: Iterable[str] | None) -> Mapping[str, ValueType]:
    found = pairs(given, "--type")
    for name, type_ in found.items():
        if type_ not in VALUE_TYPES:
            raise InvalidDocument(f"--type {name}={type_}: a type is one of {', '.join(VALUE_TYPES)}")
    return cast("dict[str, ValueType]", found)  # checked just now
