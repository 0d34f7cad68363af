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
    ChooseWinner,
    Contest,
    GetJourney,
    GetStatistics,
    GoalNumbers,
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
    for goal in numbers.goals:
        out.print(_goal_line(goal), markup=False)
    for each in numbers.points:
        if each.contest is not None:
            out.print(_contest_line(each.title or each.point, each.contest), markup=False)


def _goal_line(goal: GoalNumbers) -> str:
    """Say what became of a goal.

    >>> from sojourn.service.commands import Converted
    >>> treated = Converted(people=900, conversions=90, rate=10.0, value=0)
    >>> control = Converted(people=100, conversions=8, rate=8.0, value=0)
    >>> _goal_line(GoalNumbers(name="sale", treated=treated, control=control, uplift=25.0, p_value=0.5))
    'goal sale: 90 of 900 (10.00%), control group 8 of 100 (8.00%), uplift +25.0%, p = 0.5'
    """
    told = [f"goal {goal.name}: {goal.treated.conversions:,} of {goal.treated.people:,} ({goal.treated.rate:.2f}%)"]
    if goal.treated.value:
        told.append(f"worth {goal.treated.value:,.2f}")
    if goal.control is not None:
        control = goal.control
        told.append(f"control group {control.conversions:,} of {control.people:,} ({control.rate:.2f}%)")
    if goal.uplift is not None:
        told.append(f"uplift {goal.uplift:+.1f}%")
    if goal.p_value is not None:
        told.append(f"p = {goal.p_value:.2g}")
    return ", ".join(told)


def _contest_line(title: str, contest: Contest) -> str:
    """Say how a contest stands."""
    shares = (f"{each.output} {each.conversions:,} of {each.people:,} ({each.rate:.2f}%)" for each in contest.branches)
    outcome = f"{contest.winner} has won" if contest.winner else "no winner yet"
    return f"contest {title}: {', '.join(shares)}; {outcome}"


def winner_command(
    journey: JourneyId,
    point: Annotated[UUID, typer.Argument(help="The random splitter; see `sojourn journey show`.")],
    output: Annotated[str, typer.Argument(help="Such as output2; without it, people draw again.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send everybody who comes to a random splitter later by one output."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> None:
        await office.service.run(office.caller, ChooseWinner(journey=str(journey), point=str(point), output=output))

    at_office(settings, run)
    out.print(f"whoever comes later takes {output}" if output else "people draw again", markup=False)


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
