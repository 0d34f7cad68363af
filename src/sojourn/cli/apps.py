"""Commands about apps, and about how long the past is kept."""

from typing import Annotated

import typer

from sojourn import wiring
from sojourn.cli.office import Office, at_database, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.model.problems import Problem
from sojourn.service.apps import set_retentions
from sojourn.service.commands import AppList, AppView, ListApps, SetEventRetention
from sojourn.service.errors import InvalidDocument

FOREVER = "forever"
Days = Annotated[str | None, typer.Option(help="A number of days, or `forever`.", show_default="as it is")]


def list_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """List apps, and how long their events are kept."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> AppList:
        return await office.service.run(office.caller, ListApps())

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    rows = [(each.application_code, each.title, spelled(each.event_retention_days)) for each in found.items]
    show_table(("code", "title", "keeps events for"), rows)


def set_command(
    application_code: Annotated[str, typer.Argument(help="See `sojourn app list`.")],
    event_retention_days: Annotated[str, typer.Option(help="A number of days, or `forever`.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Say how long the events of an app are kept. Older ones are deleted within an hour, for good."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        days = read_days(event_retention_days, "--event-retention-days")
    command = SetEventRetention(application_code=application_code, days=days)

    async def run(office: Office) -> AppView:
        return await office.service.run(office.caller, command)

    changed = at_office(settings, run)
    out.print(f"{changed.application_code} keeps events for {spelled(changed.event_retention_days)}", markup=False)


def retention_command(
    passages: Days = None, changes: Days = None, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Say how long the installation keeps passages and changes of attributes; without options, show it."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        days = [read_days(text or FOREVER, name) for text, name in ((passages, "--passages"), (changes, "--changes"))]
    keep = tuple(name for name, text in (("passages", passages), ("changes", changes)) if text is None)

    async def run(url: str) -> tuple[int | None, int | None]:
        async with wiring.connection(url) as conn:
            return await set_retentions(conn, passages=days[0], changes=days[1], keep=keep)

    kept = at_database(settings, run)
    out.print(f"passages are kept for {spelled(kept[0])}, changes of attributes for {spelled(kept[1])}")


def read_days(text: str, option: str) -> int | None:
    """Read a retention; None: for ever.

    Raises:
        InvalidDocument: It is neither a number nor `forever`.
    """
    if text == FOREVER:
        return None
    if not text.isdecimal():
        problem = Problem("retention.range", option, "a number of days, or `forever`, is expected")
        raise InvalidDocument(f"{option} {text}: {problem.text}", problems=(problem,))
    return int(text)


def spelled(days: int | None) -> str:
    """Say a retention in words."""
    return "ever" if days is None else f"{days:,} days"
