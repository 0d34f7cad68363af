"""Visitors: what the page of a site asks and tells about who is on it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from sojourn.model.identities import Identity, anonymous_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.model.public_ids import Place, enrollment_uuid, profile_uuid
from sojourn.service import commands as c
from sojourn.service.acceptance import accept
from sojourn.service.drafts import read_graph
from sojourn.service.enrollments import find_named
from sojourn.service.entries import api_entry, entry_attributes, entry_value_problems
from sojourn.service.errors import JourneyNotFound, JourneyNotRunning, NotAllowed
from sojourn.service.journeys import find, point_numbers
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.values import document_problems, id_problems, refuse
from sojourn.service.watched import merged, read_watch
from sojourn.store import visitors as store
from sojourn.store.connection import single_statements
from sojourn.store.entries import insert_first_answer
from sojourn.store.identities import find_identities
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.visitors import ReportedStay, VisitorRow

COMPLETED, DISMISSED = 0, 1
"""The outputs of a content point that reports lead to."""

ENDED_AGO = timedelta(hours=1)
"""For so long a page that did not look is told that a journey ended."""

TRIGGERS_MAX = 2000
"""Triggers of a kind that the pages of a site watch; further ones are passed over."""


async def get_shown(resources: Resources, caller: c.Caller, command: c.GetShown) -> c.Shown:
    """Return what a page shows now. Who is not known yet is shown nothing. Raises as the command says."""
    refuse(visitor_problems(command.visitor))
    identity = identity_of(caller.workspace_id, command.visitor)
    shard_count = await resources.facts.shard_count()
    async with single_statements(resources.pool) as conn:
        owners = await find_identities(conn, [identity], shard_count=shard_count)
        if identity not in owners:
            return c.Shown()
        person = owners[identity]
        rows = await store.visitors_journeys(
            conn,
            shard=person.shard,
            app_id=app_of(caller),
            profile_ids=[person.profile_id],
            ended_after=resources.clock() - ENDED_AGO,
        )
    return shown(rows)


async def get_visitor(resources: Resources, caller: c.Caller, command: c.GetVisitor) -> c.KnownVisitor:
    """Return under which id a visitor is known. Raises as the command says."""
    refuse(visitor_problems(command.visitor))
    identity = identity_of(caller.workspace_id, command.visitor)
    shard_count = await resources.facts.shard_count()
    async with single_statements(resources.pool) as conn:
        owners = await find_identities(conn, [identity], shard_count=shard_count)
    person = owners.get(identity)
    return c.KnownVisitor(profile=None if person is None else profile_uuid(person.shard, person.profile_id))


def shown(rows: Sequence[VisitorRow]) -> c.Shown:
    """Read rows of one person as what a page shows."""
    return c.Shown(
        items=tuple(
            c.ShownItem(
                enrollment=enrollment_uuid(*row.named),
                journey=row.journey,
                point=row.point,
                content=row.content,
                kind=row.kind,
                document=row.document,
                since=row.since,
            )
            for row in rows
            if row.point and row.content and row.kind and row.since and row.document is not None
        ),
        enrollments=tuple(
            c.ShownEnrollment(enrollment=enrollment_uuid(*row.named), journey=row.journey, outcome=row.outcome)
            for row in rows
        ),
    )


async def report_content(resources: Resources, caller: c.Caller, command: c.ReportContent) -> c.Done:
    """Note what became of a content: as an event, and the person goes on. Raises as the command says.

    A report about a former visit of the point, or one that comes again, moves nobody.
    """
    refuse(_report_problems(command))
    app_id, now = app_of(caller), resources.clock()
    shards = range(await resources.facts.shard_count())
    async with resources.pool.connection() as conn, conn.transaction():
        place, about = await find_named(
            conn,
            command.enrollment,
            lambda place: store.find_report(conn, place, app_id=app_id, point=command.point),
            shards=shards,
        )
        await append_inbox(conn, list(_rows(caller, place, command, about, now)), now=now)
    return c.Done()


def _rows(
    caller: c.Caller, place: Place, command: c.ReportContent, about: ReportedStay, now: datetime
) -> Iterator[InboxRow]:
    """Yield the event, and the outcome if the person waits for just this."""
    shard, enrollment_id = place
    data: dict[str, Any] = {
        "journey": about.journey,
        "point": command.point,
        "content": about.content_id or "",
        "content_type": (about.content_type or "").lower(),
    }
    if command.answers:
        data["answers"] = command.answers
    since = command.since or about.since
    yield InboxRow(
        shard=shard,
        kind="event",
        workspace_id=caller.workspace_id,
        app_id=caller.app_id,
        profile_id=about.profile_id,
        name=f"content_{command.result}",
        data=json_text(data),
        source_id=command.source_id or f"content:{command.result}:{command.enrollment}:{command.point}:{since}",
        occurred_at=now,
    )
    if command.result == "shown" or about.since is None or since != about.since:
        return
    output = COMPLETED if command.result == "completed" else DISMISSED
    outcome: dict[str, Any] = {
        "enrollment_id": enrollment_id,
        "journey_id": about.journey_id,
        "point_no": about.point_no,
        "output": output,
        "since": about.since,
        "entry": {},
    }
    yield InboxRow(
        shard=shard,
        kind="outcome",
        workspace_id=caller.workspace_id,
        app_id=caller.app_id,
        profile_id=about.profile_id,
        data=json_text(outcome),
        occurred_at=now,
    )


async def start_journey(resources: Resources, caller: c.Caller, command: c.StartJourney) -> c.Done:
    """Enroll a visitor; whether they may come in is decided by the tick. Raises as the command says."""
    refuse(_start_problems(command))
    app_id = app_of(caller)
    async with resources.pool.connection() as conn:
        journey = await find(conn, caller, command.journey)
        if journey.app_id != app_id:
            raise JourneyNotFound
        if journey.status != "running":
            raise JourneyNotRunning
        entry = api_entry(read_graph(journey))
        values = entry_attributes(entry, command.attribute_values)
        point_no = (await point_numbers(conn, journey.journey_id))[entry.id]
    data: dict[str, Any] = {
        "journey_id": journey.journey_id,
        "point_no": point_no,
        "request_uuid": uuid4(),
        "entry": values,
        "by_page": True,
    }
    notice = Notice(
        workspace_id=caller.workspace_id,
        app_id=app_id,
        identities=identities_of(caller.workspace_id, command.visitor),
        words=(Word(kind="enroll", data=json_text(data)),),
    )
    if command.source_id:
        await _accept_once(resources, notice, json_text([command.journey, command.visitor, command.source_id]))
    else:
        await resources.acceptance.submit(notice)
    return c.Done()


async def _accept_once(resources: Resources, notice: Notice, key: str) -> None:
    """Accept what a page asks for, unless it did so before: what it sends as it goes, the next page sends again."""
    resources.acceptance.backlog.admit()
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    hashed = sha256(key.encode()).digest()
    async with resources.pool.connection() as conn, conn.transaction():
        is_first = await insert_first_answer(
            conn, workspace_id=notice.workspace_id, key=f"page:{hashed.hex()}", request_hash=hashed, body=b"", now=now
        )
        if is_first:
            await accept(conn, (notice,), shard_count=shard_count, now=now)


async def get_site_config(resources: Resources, caller: c.Caller, command: c.GetSiteConfig) -> c.SiteConfig:  # noqa: ARG001
    """Return what the pages of a site need to know. Each page asks as it opens, so only what is new is read."""
    app_id = app_of(caller)
    async with single_statements(resources.pool) as conn:
        site = await store.site_config(conn, app_id=app_id)
        known = resources.watches.of(site.versions)
        if new := [version for version in site.versions if version not in known]:
            points = await store.version_triggers(conn, versions=new)
            read = {version: read_watch(points.get(version, ())) for version in new}
            resources.watches.remember(read)
            known |= read
    watch = merged([known[version] for version in site.versions], TRIGGERS_MAX)
    return c.SiteConfig(
        tenant=site.tenant,
        site=site.site,
        name=site.title,
        settings=site.settings,
        default_locale=site.default_locale,
        urls=watch.urls,
        selectors=watch.selectors,
        events=watch.events,
    )


def app_of(caller: c.Caller) -> int:
    """Return the app of the site whose key asks.

    Raises:
        NotAllowed: Somebody else asks.
    """
    if caller.app_id is None:
        raise NotAllowed
    return caller.app_id


def identity_of(workspace_id: int, visitor: c.Visitor) -> Identity:
    """Return the identity that decides who a visitor is."""
    return identities_of(workspace_id, visitor)[0]


def identities_of(workspace_id: int, visitor: c.Visitor) -> tuple[Identity, ...]:
    """List the identities of a visitor; the user id, if there is one, decides."""
    user = (user_identity(workspace_id, visitor.user_id),) if visitor.user_id else ()
    anonymous = (anonymous_identity(workspace_id, visitor.anonymous_id),) if visitor.anonymous_id else ()
    return user + anonymous


def visitor_problems(visitor: c.Visitor) -> Iterator[Problem]:
    """Check who a visitor is."""
    if not visitor.user_id and not visitor.anonymous_id:
        yield Problem("subject.missing", "userId", "a user id or an anonymous id is required")
    yield from id_problems(visitor.user_id, "userId")
    yield from id_problems(visitor.anonymous_id, "anonymousId")


def _start_problems(command: c.StartJourney) -> Iterator[Problem]:
    yield from visitor_problems(command.visitor)
    yield from entry_value_problems(command.attribute_values)
    yield from id_problems(command.source_id, "id")


def _report_problems(command: c.ReportContent) -> Iterator[Problem]:
    yield from id_problems(command.source_id, "id")
    yield from document_problems(command.answers, "answers")
