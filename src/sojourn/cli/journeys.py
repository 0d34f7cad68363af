"""Commands about journeys."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

import typer
from rich.syntax import Syntax

from sojourn import wiring
from sojourn.cli.explain import Stage, analysed, explain
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.model.lifecycle import Command, Status
from sojourn.service.commands import (
    ChangeStatus,
    GetJourney,
    GetStatistics,
    Journey,
    JourneyList,
    ListJourneys,
    Statistics,
)

JourneyId = Annotated[UUID, typer.Argument(help="See `sojourn journey list`.")]


def list_command(
    page: Annotated[int, typer.Option(min=1)] = 1,
    page_size: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    search: Annotated[str, typer.Option(help="Part of the title.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """List journeys, newest first."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
    command = ListJourneys(page=page, page_size=page_size, status=status, search=search)

    async def run(office: Office) -> JourneyList:
        return await office.service.run(office.caller, command)

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    items = found.items
    rows = [
        (each.journey, each.status, str(each.version), f"{each.created_at:%Y-%m-%d %H:%M}", each.title)
        for each in items
    ]
    show_table(("id", "status", "version", "made", "title"), rows)
    if found.total > len(found.items):
        out.print(f"{len(found.items)} of {found.total}")


def show_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Print a journey as JSON."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> Journey:
        return await office.service.run(office.caller, GetJourney(journey=journey))

    show_json(at_office(settings, run))


def stats_command(
    journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False
) -> None:
    """Print what happened in a journey, point by point."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> Statistics:
        return await office.service.run(office.caller, GetStatistics(journey=str(journey)))

    numbers = at_office(settings, run)
    if json:
        show_json(numbers)
        return
    show_table(
        ("point", "kind", "entered", "inside", "left by", "dropped", "messages"),
        [
            (
                each.title or each.point,
                each.kind,
                each.entered,
                each.inside,
                _spelled(each.left),
                _spelled(each.dropped),
                _spelled(each.messages),
            )
            for each in numbers.points
        ],
        title=numbers.title,
    )
    departed = ", ".join(f"{n:,} {outcome}" for outcome, n in numbers.departed.items()) or "nobody departed"
    out.print(f"{numbers.entered:,} entered = {numbers.inside:,} inside + {departed}")


def start_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Start a draft or a paused journey."""
    _change("start", journey, data_dir=data_dir, database_url=database_url)


def pause_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Hold everybody where they are."""
    _change("pause", journey, data_dir=data_dir, database_url=database_url)


def finish_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """End a journey; everybody inside departs."""
    _change("finish", journey, data_dir=data_dir, database_url=database_url)


def draft_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Take a paused or archived journey back to a draft."""
    _change("draft", journey, data_dir=data_dir, database_url=database_url)


def archive_command(journey: JourneyId, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Put a journey away."""
    _change("archive", journey, data_dir=data_dir, database_url=database_url)


def explain_command(
    journey: JourneyId,
    stage: Annotated[
        Literal["graph", "plan", "sql"] | None, typer.Option(help="Only this one.", show_default="all")
    ] = None,
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run each statement on one shard, take it back, and show the plans.")
    ] = False,
    shard: Annotated[int, typer.Option(help="For --analyze.", min=0)] = 0,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what becomes of a journey: its graph, the plans, the SQL."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
    stages: tuple[Stage, ...] = (stage,) if stage else ("graph", "plan", "sql")

    async def run(office: Office) -> list[tuple[str, str]]:
        async with wiring.connection(office.url) as conn:
            texts = await explain(conn, office.app.workspace_id, journey, stages)
            if analyze:
                texts += await analysed(conn, office.app.workspace_id, journey, shard=shard, now=wiring.clock())
            return texts

    for language, text in at_office(settings, run):
        if out.is_terminal:
            out.print(Syntax(text, language, word_wrap=True, background_color="default"))
        else:
            out.print(text, markup=False)


def _change(command: Command, journey: UUID, **arguments: object) -> None:
    with plain_errors():
        settings = settings_from(**arguments)

    async def run(office: Office) -> Journey:
        return await office.service.run(office.caller, ChangeStatus(journey=journey, command=command))

    changed = at_office(settings, run)
    out.print(f"{changed.title}: {changed.status}", markup=False)


def _spelled(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())
