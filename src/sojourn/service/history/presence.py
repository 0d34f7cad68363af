"""Presence: why somebody is in a journey, or why not.

What keeps somebody out is said for each entry by itself: a person may come in by any of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sojourn.compiler.lower import segment_of
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.identities import Person
from sojourn.model.points import (
    AnyPoint,
    Conditions,
    Content,
    ElementClick,
    MessageBus,
    SendEmail,
    StartByApi,
    StartBySegment,
    UrlMatch,
    WaitForTrigger,
    Webhook,
)
from sojourn.model.segments import All, Attribute
from sojourn.seglang import SeglangError
from sojourn.service.commands import (
    Caller,
    EntryReason,
    ExplainPresence,
    JourneyRef,
    PointRef,
    Presence,
    Staying,
    TimelineEntry,
)
from sojourn.service.drafts import read_graph
from sojourn.service.history.conditions import Verdict, examine
from sojourn.service.history.decisions import Map, map_of
from sojourn.service.history.people import require_person, require_profile
from sojourn.service.journeys import find
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.store import history as store
from sojourn.store.connection import Conn
from sojourn.store.journeys import StoredJourney
from sojourn.store.reports import take_snapshot

EVENTS_SHOWN = 5
"""How many of a person's last events are held against the conditions of an entry."""


async def explain_presence(resources: Resources, caller: Caller, command: ExplainPresence) -> Presence:
    """Say why a person is in a journey, or why not.

    Raises:
        JourneyNotFound: The workspace has no such journey.
        PersonNotFound: Nobody in the workspace goes by the name.
    """
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        await take_snapshot(conn)
        journey = await find(conn, caller, command.journey)
        person = await require_person(conn, caller, command.person, shard_count)
        profile = await require_profile(conn, caller, person)
        case = _Case(
            conn=conn,
            journey=journey,
            graph=read_graph(journey),
            map=await _map(conn, journey),
            scope=await load_scope(conn, caller.workspace_id),
            person=person,
            profile=profile,
            now=resources.clock(),
        )
        return await case.presence()


async def _map(conn: Conn, journey: StoredJourney) -> Map:
    names = await store.point_names(conn, [journey.journey_id])
    return map_of(read_graph(journey), {number: name for (_, number), name in names.items()})


@dataclass(frozen=True, slots=True)
class _Case:
    """One person and one journey, as they are now."""

    conn: Conn
    journey: StoredJourney
    graph: Graph
    map: Map
    scope: SegmentScope
    person: Person
    profile: store.Profile
    now: datetime

    async def presence(self) -> Presence:
        journey_id = self.journey.journey_id
        stays = await store.stays_in(self.conn, person=self.person, journey_id=journey_id)
        entered, lately, last_at = await store.enrollments_in(
            self.conn, person=self.person, journey_id=journey_id, since=self._cap_begins()
        )
        reasons = [reason async for reason in self._reasons(stays, entered, lately)]
        return Presence(
            journey=JourneyRef(journey=self.journey.journey_uuid, title=self.journey.title),
            status=self.journey.status,
            entered=entered,
            entered_at=last_at,
            inside=tuple(self._staying(stay) for stay in stays),
            reasons=tuple(reasons),
            left=await self._left(),
            is_waiting=await store.waiting_for(self.conn, person=self.person) > 0,
        )

    def _staying(self, stay: store.OwnStay) -> Staying:
        return Staying(
            enrollment=stay.enrollment_id,
            point=self.map.ref(stay.point_no),
            since=stay.since,
            until=stay.wake_at,
            waiting_for=waiting_for(self.map.points.get(stay.point_no), stay),
            entry_key=stay.entry_key,
        )

    async def _left(self) -> TimelineEntry | None:
        found = await store.last_departure_from(self.conn, person=self.person, journey_id=self.journey.journey_id)
        if found is None:
            return None
        at, point_no, outcome, reason = found
        return TimelineEntry(
            at=at, kind="departure", point=self.map.ref(point_no), detail={"outcome": outcome, "reason": reason}
        )

    async def _reasons(self, stays: list[store.OwnStay], entered: int, lately: int) -> AsyncIterator[EntryReason]:
        if self.journey.status != "running":
            held = "; who is inside is held" if stays and not self.journey.advances else ""
            yield _reason(None, "journey.not_running", f"the journey is {self.journey.status} and lets nobody in{held}")
        if stays:
            yield _reason(None, "entry.already_inside", "the person is inside")
        if self._is_capped(lately):
            cap = self.graph.settings.capping
            assert cap is not None, "who is capped has a cap"
            period = f" in {cap.period_seconds} seconds" if cap.period_seconds is not None else ""
            yield _reason(
                None, "entry.capped", f"the person came in {lately} times; {cap.max_entries}{period} are allowed"
            )
        for number, point in sorted(self.map.points.items()):
            async for reason in self._entry(number, point, entered):
                yield reason

    def _cap_begins(self) -> datetime:
        cap = self.graph.settings.capping
        if cap is None or cap.period_seconds is None:
            return datetime.min.replace(tzinfo=self.now.tzinfo)
        return self.now - timedelta(seconds=cap.period_seconds)

    def _is_capped(self, lately: int) -> bool:
        cap = self.graph.settings.capping
        return cap is not None and lately >= cap.max_entries

    # Entries ----------------------------------------------------------------------------------------------------

    async def _entry(  # noqa: C901 - one case per kind
        self, number: int, point: AnyPoint, entered: int
    ) -> AsyncIterator[EntryReason]:
        ref = self.map.ref(number)
        match point:
            case StartBySegment():
                if point.is_deactivated:
                    yield _reason(ref, "entry.deactivated", "the entry is deactivated")
                if entered and point.repeat is None:
                    yield _reason(ref, "entry.entered_before", "the entry lets people in once")
                yield await self._segment(ref, number, point)
            case MessageBus():
                if entered and not point.allow_reenter:
                    once = "once for each key" if _is_keyed(point) else "once"
                    yield _reason(ref, "entry.entered_before", f"the entry lets people in {once}")
                async for reason in self._event(ref, point):
                    yield reason
            case UrlMatch():
                text = f"people come in here when they view a page whose address matches `{point.pattern}`"
                yield _reason(ref, "entry.browsing", text)
            case ElementClick():
                yield _reason(ref, "entry.browsing", f"people come in here when they click `{point.selector}`")
            case StartByApi():
                if point.is_deactivated:
                    yield _reason(ref, "entry.deactivated", "the entry is deactivated")
                yield _reason(ref, "entry.request", "people come in here when a request names or selects them")
            case _:
                pass

    async def _segment(self, ref: PointRef, number: int, point: StartBySegment) -> EntryReason:
        try:
            verdict = await self._examine(All(of=(segment_of(point, self.scope),)))
        except (SeglangError, KeyError):
            return _reason(ref, "entry.segment_unknown", "the segment of the entry does not exist any more")
        if verdict.met is None:
            return _reason(ref, "entry.segment_unknown", "the segment of the entry cannot be evaluated any more")
        app = point.application_code
        if app is not None and app not in self.profile.apps:
            return _reason(ref, "entry.not_in_app", f"the person is no user of the app {app}", verdict)
        if not verdict.met:
            return _reason(ref, "entry.not_in_segment", "the person is not in the segment", verdict)
        at = await store.next_run(
            self.conn, shard=self.person.shard, journey_id=self.journey.journey_id, point_no=number
        )
        when = f"; the entry runs next at {at.isoformat()}" if at is not None else ""
        return _reason(ref, "entry.in_segment", f"the person is in the segment{when}", verdict)

    async def _event(self, ref: PointRef, point: MessageBus) -> AsyncIterator[EntryReason]:
        period = point.active_period
        if period is not None and period.from_ is not None and self.now < period.from_:
            yield _reason(ref, "entry.not_active", f"the entry takes events from {period.from_.isoformat()} on")
        if period is not None and period.to is not None and self.now >= period.to:
            yield _reason(ref, "entry.not_active", f"the entry took events until {period.to.isoformat()}")
        if point.attribute_entry is not None and point.attribute_entry.enabled:
            text = f"people come in here when an event `{point.event_name}` names them"
            yield _reason(ref, "entry.named_by_event", text)
            return
        events = await store.latest_events(self.conn, person=self.person, name=point.event_name, count=EVENTS_SHOWN)
        if not events:
            text = f"no event `{point.event_name}` of the person is known"
            yield _reason(ref, "entry.no_event", text)
        for event in events:
            verdict = await self._examine(All(of=_of_event(point.event_conditions)), event.data)
            said = f"`{point.event_name}` at {event.received_at.isoformat()}"
            if point.application_code is not None and event.app_id != self.scope.app_ids.get(point.application_code):
                yield _reason(
                    ref, "entry.other_app", f"{said} is of another app than {point.application_code}", verdict
                )
            elif self.journey.started_at is not None and event.received_at < self.journey.started_at:
                yield _reason(ref, "entry.before_start", f"{said} came before the journey was started", verdict)
            elif verdict.met:
                yield _reason(ref, "entry.event_fits", f"{said} meets the conditions", verdict)
            else:
                yield _reason(ref, "entry.event_misfits", f"{said} does not meet the conditions", verdict)

    async def _examine(self, expression: All, attributes: dict[str, object] | None = None) -> Verdict:
        given = self.profile.attributes if attributes is None else attributes
        return await examine(self.conn, expression, self.scope, person=self.person, attributes=given, now=self.now)


def waiting_for(point: AnyPoint | None, stay: store.OwnStay) -> str:  # noqa: PLR0911 - one case per kind
    """Say in words what somebody waits for at a point."""
    until = stay.wake_at.isoformat()
    if point is None:
        return "the point was removed; the next tick takes the person elsewhere"
    if stay.reached is not None:
        return f"what was waited for has come; the person goes on at {until}"
    match point:
        case WaitForTrigger():
            names = sorted({event.event_name for branch in point.branches for event in branch.events})
            return f"an event: {', '.join(names)}; at the latest until {until}"
        case Content():
            until = "" if point.timeout_seconds is None else f"; at the latest until {until}"
            return f"the content {point.content_id} to be completed or dismissed{until}"
        case Webhook():
            return f"the answer of {point.url.split('?')[0]}; at the latest until {until}"
        case SendEmail(split_by_reaction=split) if split is not None:
            return f"the message to be {split.reaction.lower()}; at the latest until {until}"
        case MessageBus():
            return "another enrollment of the person, which goes first"
        case _:
            return f"the time: {until}"


def _is_keyed(point: MessageBus) -> bool:
    return point.multi_entry is not None and point.multi_entry.enabled


def _of_event(conditions: Conditions) -> tuple[Attribute, ...]:
    return tuple(Attribute(path=(each.attribute,), operator=each.operator, values=each.values) for each in conditions)


def _reason(point: PointRef | None, code: str, text: str, verdict: Verdict | None = None) -> EntryReason:
    return EntryReason(point=point, code=code, text=text, conditions=verdict.conditions if verdict else ())
