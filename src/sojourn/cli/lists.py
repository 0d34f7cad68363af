"""Commands about fixed lists: people put on them and taken off, by names or by a file."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.api.audience.lists import accepted_document, member_document, report_document
from sojourn.cli.importing import Delimiter, File, Map, Rejects, pairs, progress_bar
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.model.problems import Problem
from sojourn.service.commands import ChangeMembers, ListMembers, MemberPage, MembersAccepted
from sojourn.service.errors import InvalidDocument
from sojourn.service.importing import rejects as rejecting
from sojourn.service.importing.files import SourceFile
from sojourn.service.importing.members import MembersPlan, MembersReport, Mode, import_members
from sojourn.service.importing.plan import format_of
from sojourn.service.importing.run import Report

List = Annotated[str, typer.Argument(metavar="LIST", help="The code of a fixed list; see `sojourn segments list`.")]
UserIds = Annotated[list[str] | None, typer.Argument(help="User ids.", show_default=False)]
Hwids = Annotated[list[str] | None, typer.Option("--hwid", help="A device.")]
Emails = Annotated[list[str] | None, typer.Option("--email", help="An email address.")]
Phones = Annotated[list[str] | None, typer.Option("--phone", help="A phone number.")]
AnonymousIds = Annotated[list[str] | None, typer.Option("--anonymous-id", help="The id of an anonymous visitor.")]
Profiles = Annotated[list[int] | None, typer.Option("--profile", help="The number of a profile.")]


def members_command(
    code: List,
    limit: Annotated[int, typer.Option(help="At most so many, up to 200.")] = 50,
    after: Annotated[str, typer.Option(help="Where the page before ended.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Show who is on a fixed list, page by page."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> MemberPage:
        return await office.service.run(office.caller, ListMembers(code=code, after=after, limit=limit))

    page = at_office(settings, run)
    shown = [member_document(each) for each in page.items]
    if json:
        show_json({"items": shown, "next_after": page.next_after})
        return
    columns = ("profile", "user_id", "email", "hwid", "anonymous_id")
    rows = [(*(_cell(each[name]) for name in columns), f"{each['added_at']:%Y-%m-%d %H:%M}") for each in shown]
    show_table((*columns, "added"), rows)
    if page.next_after is not None:
        out.print(f"more with --after {page.next_after}", markup=False)


def add_command(
    code: List,
    user_ids: UserIds = None,
    hwid: Hwids = None,
    email: Emails = None,
    phone: Phones = None,
    anonymous_id: AnonymousIds = None,
    profile: Profiles = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Put people on a fixed list."""
    command = ChangeMembers(
        code=code, user_ids=tuple(user_ids or ()), hwids=tuple(hwid or ()), emails=tuple(email or ()),
        phones=tuple(phone or ()), anonymous_ids=tuple(anonymous_id or ()), profiles=tuple(profile or ()),
    )  # fmt: skip
    _change(command, data_dir, database_url, json=json)


def remove_command(
    code: List,
    user_ids: UserIds = None,
    hwid: Hwids = None,
    email: Emails = None,
    phone: Phones = None,
    anonymous_id: AnonymousIds = None,
    profile: Profiles = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Take people off a fixed list."""
    command = ChangeMembers(
        code=code, gone=True, user_ids=tuple(user_ids or ()), hwids=tuple(hwid or ()), emails=tuple(email or ()),
        phones=tuple(phone or ()), anonymous_ids=tuple(anonymous_id or ()), profiles=tuple(profile or ()),
    )  # fmt: skip
    _change(command, data_dir, database_url, json=json)


def import_command(
    code: List,
    file: File,
    is_removal: Annotated[bool, typer.Option("--remove", help="Take the people of the file off the list.")] = False,
    is_replacement: Annotated[
        bool, typer.Option("--replace", help="Let the people of the file be on the list, and nobody else.")
    ] = False,
    map_: Map = None,
    delimiter: Delimiter = None,
    rejects: Rejects = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Put the people of a file on a fixed list. Doing it again does no harm. See docs/segments.md."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        mode = _mode(is_removal=is_removal, is_replacement=is_replacement)
        plan = MembersPlan(code=code, mode=mode, columns=pairs(map_, "--map"), delimiter=delimiter)
        source = SourceFile(file, format_of(file), delimiter=delimiter)
    list_of_rejects = rejects or Path(f"{file.name}.rejects.csv")

    async def run(office: Office) -> MembersReport:
        with progress_bar(file.name) as show, rejecting.Rejects(list_of_rejects) as refused:
            return await import_members(
                office.service.resources,
                office.app.workspace_id,
                plan,
                source,
                rejects=refused,
                on_progress=lambda report: show(_progress(report)),
            )

    report = at_office(settings, run)
    if json:
        show_json(report_document(report))
        return
    out.print(f"{report.rows_accepted:,} of {report.rows:,} rows name somebody", markup=False)
    if mode == "replace":
        out.print(f"{report.removed:,} others leave the list", markup=False)
    if report.rows_refused:
        said = f"refused {report.rows_refused:,} rows, {report.rows_unknown:,} since nobody goes by their names"
        out.print(f"{said}; {list_of_rejects} says why", markup=False)


def _mode(*, is_removal: bool, is_replacement: bool) -> Mode:
    if is_removal and is_replacement:
        problem = Problem("field.conflict", "--replace", "--remove and --replace exclude each other")
        raise InvalidDocument(problem.text, problems=(problem,))
    return "remove" if is_removal else "replace" if is_replacement else "add"


def _progress(report: MembersReport) -> Report:
    return Report(import_id="", rows_done=report.rows, rows_refused=report.rows_refused, share=report.share)


def _change(command: ChangeMembers, data_dir: Path | None, database_url: str | None, *, json: bool) -> None:
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> MembersAccepted:
        return await office.service.run(office.caller, command)

    reply = at_office(settings, run)
    if json:
        show_json(accepted_document(reply))
        return
    what = "taken off" if command.gone else "put on"
    out.print(f"{reply.accepted:,} are {what} the list by the next tick", markup=False)
    unknown = [*(key.value for key in reply.unknown), *map(str, reply.unknown_profiles)]
    if unknown:
        out.print(f"nobody goes by {', '.join(unknown)}", markup=False)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case list():
            return ", ".join(map(str, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - texts
        case _:
            return str(value)
