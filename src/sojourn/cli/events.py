"""Commands about the events that apps know."""

from typing import Annotated, Literal

import typer

from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.service.commands import EventDefinitionList, ListEventDefinitions
from sojourn.service.event_definitions import accept_undefined_events


def list_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """List the events that were defined, with their attributes."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> EventDefinitionList:
        return await office.service.run(office.caller, ListEventDefinitions())

    found = at_office(settings, run)
    if json:
        show_json(found.items)
        return
    show_table(
        ("name", "app", "attributes", "description"),
        [
            (each.name, each.application_code, ", ".join(f"{of.name}: {of.type}" for of in each.attributes),
             each.description)
            for each in found.items
        ],
    )  # fmt: skip


def accept_command(
    which: Annotated[Literal["all", "defined"], typer.Argument(help="Every event, or only those that were defined.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Say which events are taken. Servers that run learn of it within five seconds."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> None:
        await accept_undefined_events(office.service.resources, office.caller.workspace_id, accept=which == "all")

    at_office(settings, run)
    out.print("events need no definition" if which == "all" else "only defined events are taken")
