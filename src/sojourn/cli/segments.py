"""Commands about segments: kept, counted, shown by a sample, explained and exported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sojourn.api.audience.segments import Draft, creation, segment_document
from sojourn.cli import exporting
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.cli.sources import HELP, read_source
from sojourn.model.segments import Reference
from sojourn.seglang import render
from sojourn.service.commands import (
    CountSegment,
    DeleteSegment,
    Explained,
    ExplainSegment,
    GetSegment,
    ListSegments,
    People,
    PreviewSegment,
    Segment,
    SegmentList,
    UpdateSegment,
)
from sojourn.service.exporting.plan import ExportPlan, format_of

Code = Annotated[str, typer.Argument(help="See `sojourn segments list`.")]
AskedCode = Annotated[str, typer.Argument(help="See `sojourn segments list`; left out where `--source` is given.")]
AskedSource = Annotated[str, typer.Option("--source", help=HELP)]
Attribute = Annotated[list[str] | None, typer.Option(help="An attribute to show; once or more.")]


def list_command(
    app: Annotated[str | None, typer.Option("--app", help="Only those of this application, and of none.")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """List segments, by title."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> SegmentList:
        return await office.service.run(office.caller, ListSegments(application_code=app))

    found = at_office(settings, run).items
    if json:
        show_json([segment_document(each) for each in found])
        return
    rows = [
        (each.code, "list" if each.is_list else "filter", each.title, each.application_code or "", _short(each.source))
        for each in found
    ]
    show_table(("code", "kind", "title", "application", "means"), rows)


def show_command(code: Code, data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """Show a segment; of a fixed list, how many are on it."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> Segment:
        return await office.service.run(office.caller, GetSegment(code=code))

    _show(at_office(settings, run), json=json)


def create_command(
    title: Annotated[str, typer.Argument(help="What it is called.")],
    source: Annotated[str | None, typer.Argument(help=HELP, show_default=False)] = None,
    is_list: Annotated[bool, typer.Option("--list", help="A fixed list; it has no filter.")] = False,
    code: Annotated[str, typer.Option(help="What filters name it by.", show_default="made")] = "",
    app: Annotated[str | None, typer.Option("--app", help="The application it belongs to.")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Keep a segment, or make a fixed list."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        text = None if source is None else read_source(source)
        kind = "list" if is_list else "filter"
        command = creation(Draft(title=title, kind=kind, source=text, code=code, application_code=app))

    async def run(office: Office) -> Segment:
        return await office.service.run(office.caller, command)

    _show(at_office(settings, run), json=json)


def update_command(
    code: Code,
    source: Annotated[str | None, typer.Argument(help=HELP, show_default="as it is")] = None,
    title: Annotated[str | None, typer.Option(help="What it is called.", show_default="as it is")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Give a segment another meaning or title. Running journeys go by it from their next tick on."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        text = None if source is None else read_source(source)

    async def run(office: Office) -> Segment:
        called = title
        if called is None:
            called = (await office.service.run(office.caller, GetSegment(code=code))).title
        return await office.service.run(office.caller, UpdateSegment(code=code, title=called, source=text))

    _show(at_office(settings, run), json=json)


def delete_command(code: Code, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Delete a segment that no other segment and no journey uses."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> None:
        await office.service.run(office.caller, DeleteSegment(code=code))

    at_office(settings, run)
    out.print(f"segment {code} is deleted", markup=False)


def count_command(
    code: AskedCode = "",
    source: AskedSource = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Count the people in a segment."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        command = CountSegment(code=code, source=read_source(source) if source else "")

    async def run(office: Office) -> People:
        return await office.service.run(office.caller, command)

    count = at_office(settings, run).count
    if json:
        show_json({"count": count})
    else:
        out.print(f"{count:,} people")


def preview_command(
    code: AskedCode = "",
    source: AskedSource = "",
    sample: Annotated[int, typer.Option(help="How many people to show, up to 100.")] = 10,
    attribute: Attribute = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Count the people in a segment, and show some."""
    wanted = tuple(attribute or ())
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        text = read_source(source) if source else ""
        command = PreviewSegment(code=code, source=text, sample=sample, attributes=wanted)

    async def run(office: Office) -> People:
        return await office.service.run(office.caller, command)

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    if found.sample:
        rows = [
            (str(each.profile), each.user_id or "", *(_cell(each.attributes.get(name)) for name in wanted))
            for each in found.sample
        ]
        show_table(("profile", "user id", *wanted), rows)
    out.print(f"{found.count:,} people")


def explain_command(
    user_id: Annotated[str, typer.Argument(help="The user id, unless `--hwid` names the person.")] = "",
    code: Annotated[str, typer.Option("--segment", help="The code of a segment.")] = "",
    source: AskedSource = "",
    hwid: Annotated[str, typer.Option(help="A device of theirs, an email address or a phone number.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Say why a person is in a segment or not, condition by condition."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        text = read_source(source) if source else ""
        command = ExplainSegment(code=code, source=text, user_id=user_id, hwid=hwid)

    async def run(office: Office) -> Explained:
        return await office.service.run(office.caller, command)

    told = at_office(settings, run)
    if json:
        show_json(told)
        return
    for line in explained_lines(told):
        out.print(line, markup=False)


def export_command(
    code: Code,
    file: exporting.File,
    attribute: exporting.Attribute = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Export the people in a segment. `people import` and `segments import` read the file."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        format_of(file)
        filter_ = render(Reference(code=code))
        plan = ExportPlan(subject="people", filter=filter_, attributes=tuple(attribute or ()))
    exporting.write_file(settings, plan, Path(file))


WORDS = {"all": "all of", "any": "any of", "not": "not"}


def explained_lines(told: Explained, indent: int = 0) -> Iterator[str]:
    """Yield the lines of an explanation: a mark, what was asked, and what the person has."""
    has = "" if told.kind != "condition" or told.value is None else f": has {_cell(told.value)}"
    yield f"{' ' * indent}{'✓' if told.is_met else '✗'} {told.text or WORDS[told.kind]}{has}"
    for part in told.parts:
        yield from explained_lines(part, indent + 2)


def _show(segment: Segment, *, json: bool) -> None:
    if json:
        show_json(segment_document(segment))
        return
    rows = [
        ("code", segment.code),
        ("kind", "list" if segment.is_list else "filter"),
        ("title", segment.title),
        ("application", segment.application_code or "any"),
        ("means", segment.source),
        ("made", f"{segment.created_at:%Y-%m-%d %H:%M}"),
    ]
    if segment.members is not None:
        rows.append(("members", f"{segment.members:,}"))
    for name, value in rows:
        out.print(f"{name:<12} {value}", markup=False)


def _short(source: str) -> str:
    line = " ".join(source.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


def _cell(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()
