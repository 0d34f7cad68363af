"""Commands about one person: who they are, what happened to them, why they are in a journey or not."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from rich.markup import escape

from sojourn.api.audience.people import person_document, presence_document, read_kinds, timeline_document
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.model.identities import IdentityKind
from sojourn.service import commands as c

Name = Annotated[str, typer.Argument(help="A user id, or another name; see --by.")]
By = Annotated[IdentityKind, typer.Option(help="What kind of name it is.")]
Moment = Annotated[datetime | None, typer.Option(help="UTC, such as 2026-05-01T12:00:00.", show_default=False)]


def show_command(
    name: Name, by: By = "user_id", data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False
) -> None:
    """Show everything that is known of a person, and when it changed."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> c.PersonView:
        return await office.service.run(office.caller, c.GetPerson(person=c.PersonKey(value=name, by=by)))

    person = at_office(settings, run)
    if json:
        show_json(person_document(person))
        return
    show_table(("identity", "value", "since"), [(n.kind, n.value, minute(n.since)) for n in person.names])
    out.print()
    show_table(
        ("attribute", "value", "changed"),
        [(tag, text(value), minute(person.changed_at.get(tag))) for tag, value in sorted(person.attributes.items())],
    )
    if person.devices:
        out.print()
        show_table(
            ("device", "app", "channel", "platform", "subscribed"),
            [
                (each.hwid, each.application_code, each.channel, each.platform, "yes" if each.is_subscribed else "no")
                for each in person.devices
            ],
        )
    known = (("time zone", person.time_zone), ("language", person.language), ("location", person.location))
    for what, value in known:
        if value:
            out.print(f"{what}: {text(value)}", markup=False)


def timeline_command(
    name: Name,
    by: By = "user_id",
    kinds: Annotated[str, typer.Option(help="Only these, with commas between them.", show_default="all")] = "",
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many entries.")] = 50,
    before: Annotated[str, typer.Option(help="Go on where a page ended, which says how.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Show what happened to a person, newest first, with the values that each decision saw."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        command = c.GetTimeline(
            person=c.PersonKey(value=name, by=by),
            from_=utc(since),
            to=utc(until),
            kinds=read_kinds(kinds),
            limit=limit,
            before=before,
        )

    async def run(office: Office) -> c.Timeline:
        return await office.service.run(office.caller, command)

    timeline = at_office(settings, run)
    if json:
        show_json(timeline_document(timeline))
        return
    for entry in timeline.items:
        show_entry(entry)
    if timeline.next_before is not None:
        out.print(f"more: --before {timeline.next_before}", markup=False)


def why_command(
    name: Name,
    journey: Annotated[UUID, typer.Argument(help="See `sojourn journey list`.")],
    by: By = "user_id",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Say why a person is in a journey, or why not."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
    command = c.ExplainPresence(person=c.PersonKey(value=name, by=by), journey=journey)

    async def run(office: Office) -> c.Presence:
        return await office.service.run(office.caller, command)

    presence = at_office(settings, run)
    if json:
        show_json(presence_document(presence))
        return
    state = "inside" if presence.inside else "not inside"
    out.print(f"{presence.journey.title} ({presence.status}): {state}, came in {presence.entered} times", markup=False)
    for stay in presence.inside:
        out.print(f"  at {called(stay.point)} since {minute(stay.since)}; waits for {stay.waiting_for}", markup=False)
    if presence.left is not None:
        detail = presence.left.detail
        ending = " ".join(filter(None, (detail["outcome"], detail["reason"])))
        out.print(f"  left {minute(presence.left.at)}: {ending}", markup=False)
    for reason in presence.reasons:
        place = f"{called(reason.point)}: " if reason.point is not None else ""
        out.print(f"  {place}{reason.text}", markup=False)
        show_conditions(reason.conditions, indent=4)
    if presence.is_waiting:
        out.print("  something about this person waits for the next tick", markup=False)


def show_entry(entry: c.TimelineEntry) -> None:
    """Print an entry of a timeline."""
    out.print(f"[bold]{minute(entry.at)}[/bold]  {entry.kind:<11} {escape(headline(entry))}")
    for passed in entry.path:
        way = f" → {passed.output}" if passed.output not in {None, "default"} or passed.decision else ""
        out.print(f"    {called(passed.point)}{way}", markup=False)
        if passed.decision is not None:
            show_decision(passed.decision)


def show_decision(decision: c.Decision) -> None:
    """Print what a decision asked, and what it saw."""
    show_conditions(decision.conditions, indent=8)
    for branch in decision.branches:
        mark = "–" if branch.met is None else "✓" if branch.met else "✗"
        out.print(f"{' ' * 8}{mark} {branch.label or branch.output}", markup=False)
        show_conditions(branch.conditions, indent=12)
    for goal in decision.goals:
        said = "✗" if goal.reached_at is None else f"✓ at {minute(goal.reached_at)}"
        out.print(f"{' ' * 8}{goal.name}: {said}", markup=False)


def headline(entry: c.TimelineEntry) -> str:
    """Say an entry in one line."""
    journey = f"{entry.journey.title}" if entry.journey is not None else ""
    place = called(entry.point) if entry.point is not None else ""
    detail = entry.detail
    match entry.kind:
        case "attributes":
            changes: dict[str, dict[str, Any]] = detail["changes"]
            said = ", ".join(f"{tag}: {text(v['from'])} → {text(v['to'])}" for tag, v in sorted(changes.items()))
            return f"{said} (by {journey})" if journey else said
        case "event":
            return f"{detail['name']} {text(detail['data'])}"
        case "enrollment":
            return f"{journey}: came in at {place}"
        case "departure":
            return f"{journey}: {detail['outcome']} at {place} {detail['reason']}".rstrip()
        case "message":
            said = [detail["channel"], detail["status"], detail["detail"] or ""]
            times = [f"{word} {minute(detail[f'{word}_at'])}" for word in ("opened", "clicked") if detail[f"{word}_at"]]
            return f"{journey}: {place} {' '.join(filter(None, [*said, *times]))}"
        case "passage":
            known = "" if detail["values_known"] else " (values are not kept any more)"
            return f"{journey}, version {detail['version']}{known}"


def show_conditions(conditions: tuple[c.Condition, ...], *, indent: int) -> None:
    """Print conditions with the values that they were held against."""
    for each in conditions:
        value = "" if each.value is msgspec.UNSET else f"   (was {text(each.value)})"
        out.print(f"{' ' * indent}{'✓' if each.met else '✗'} {each.text}{value}", markup=False)


def called(point: c.PointRef) -> str:
    """Return what a point is called: its title, or else its kind."""
    return point.title or point.kind


def text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    """Return a value as JSON, nothing as a dash."""
    return "–" if value is None else msgspec.json.encode(value).decode()


def minute(at: datetime | None) -> str:
    """Return an instant to the second; nothing where there is none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def utc(at: datetime | None) -> datetime | None:
    """Return an instant that was given without a zone."""
    return None if at is None else at.replace(tzinfo=UTC)
