"""Lower: from a checked graph to plans, one per place from which people can set out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

import msgspec

from sojourn.compiler.audience import audience
from sojourn.compiler.goals import asked_goals, matched
from sojourn.compiler.network import Network, is_held_by_webhook, network
from sojourn.compiler.plan import (
    Admission,
    Entry,
    FromAudience,
    FromEvents,
    FromRemoved,
    FromRequests,
    FromSegment,
    FromStay,
    Header,
    Inflow,
    Looked,
    Plan,
    Source,
    Step,
    Trail,
    set_name,
)
from sojourn.compiler.segments import SegmentScope
from sojourn.model.browsing import CLICK, PAGE_VIEW
from sojourn.model.graph import Graph, SilentHours
from sojourn.model.points import (
    AnyPoint,
    BooleanSplitter,
    Condition,
    Content,
    DateAttribute,
    ElementClick,
    Exit,
    GoalCheck,
    MessageBus,
    PointId,
    ProfileOperation,
    RandomSplitter,
    SendEmail,
    StartByApi,
    StartBySegment,
    UpdateProfile,
    UrlMatch,
    Wait,
    WaitForTrigger,
    Webhook,
    output_name,
    output_number,
    outputs,
)
from sojourn.model.schedule import DEVICE
from sojourn.model.segments import Expression
from sojourn.ruletree import parse as read_rule_tree
from sojourn.seglang import parse

TRANSACTIONAL, NORMAL = 0, 1


@dataclass(frozen=True, slots=True)
class Chart:
    """A checked graph of one journey version with the numbers of its points, ready to be lowered."""

    journey_id: int
    workspace_id: int
    version_no: int
    graph: Graph
    numbers: Mapping[PointId, int]
    scope: SegmentScope
    net: Network
    points: Mapping[int, AnyPoint] = field(repr=False)
    winners: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def header(self) -> Header:
        """Return what every statement of this version needs to know."""
        return header(self.graph, self.scope, journey_id=self.journey_id, version_no=self.version_no)


def header(graph: Graph, scope: SegmentScope, *, journey_id: int, version_no: int) -> Header:
    """Return what every statement of a version needs to know."""
    priority = TRANSACTIONAL if graph.settings.transactional else NORMAL
    return Header(journey_id, scope.workspace_id, version_no, scope, scope.app_ids, priority)


def chart(
    graph: Graph,
    numbers: Mapping[PointId, int],
    scope: SegmentScope,
    *,
    journey_id: int,
    version_no: int,
    winners: Mapping[int, int] | None = None,
) -> Chart:
    """Put a graph together with what lowering needs to know about it; `winners` are outputs by number of the point."""
    points = {numbers[point.id]: point for point in graph.points}
    return Chart(
        journey_id, scope.workspace_id, version_no, graph, numbers, scope, network(graph), points, winners or {}
    )


def holds(point: AnyPoint, net: Network) -> bool:
    """Tell whether people stay at a point, so that a statement ends there."""
    match point:
        case Wait() | WaitForTrigger() | Content():
            return True
        case Webhook():
            return is_held_by_webhook(point, net)
        case SendEmail():
            return point.split_by_reaction is not None
        case _:
            return False


def lower_entry(plan_of: Chart, point_no: int) -> Plan:
    """Return the plan of people who come in at an entry."""
    return _walk(
        plan_of, _entry_source(plan_of, point_no), set_name(point_no, _kind(plan_of.points[point_no]), verb="left")
    )


def lower_selection(plan_of: Chart, point_no: int, expression: Expression) -> Plan:
    """Return the plan of people whom a request selects with a filter, coming in at an API entry."""
    point = plan_of.points[point_no]
    assert isinstance(point, StartByApi), "only an API entry takes requests"
    source = FromSegment(
        point_no,
        point,
        _admission(plan_of, reenters=True, audience=None),
        expression,
        None,
        by_zone=False,
        fallback_zone="UTC",
        requested=True,
    )
    return _walk(plan_of, source, set_name(point_no, _kind(point), verb="left"))


def lower_audience(plan_of: Chart, point_no: int, looked: Looked) -> Plan:
    """Return the plan of people who come in at a live entry, since they have begun or ceased to match."""
    point = live_entries(plan_of.graph, plan_of.numbers)[point_no]
    admission = _admission(plan_of, reenters=point.allow_reenter, live=True, audience=None)
    watched = audience(point, segment_of(point, plan_of.scope), plan_of.scope)
    source = FromAudience(point_no, point, admission, watched, looked)
    return _walk(plan_of, source, set_name(point_no, _kind(point), verb="left"))


def lower_stay(plan_of: Chart, point_no: int) -> Plan:
    """Return the plan of people whose stay at a point is over."""
    point = plan_of.points[point_no]
    source = FromStay(point_no, _kind(point))
    match point:
        case WaitForTrigger():
            source = FromStay(point_no, _kind(point), by_event=not point.fixed_period)
        case Webhook():
            failed = 1 if (point.id, output_name(1)) in plan_of.net.next else 0
            source = FromStay(point_no, _kind(point), fallback=failed, merged={} if failed else {1: 0}, by_event=True)
        case SendEmail():
            source = FromStay(point_no, _kind(point), by_event=True)
        case Content():
            dismissed, timeout = ((point.id, output_name(number)) in plan_of.net.next for number in (1, 2))
            merged = {} if dismissed else {1: 0}
            source = FromStay(point_no, _kind(point), fallback=2 if timeout else 0, merged=merged, by_event=True)
        case _:
            pass
    return _walk(plan_of, source, set_name(point_no, _kind(point), verb="left"))


def lower_removed(plan_of: Chart, target_no: int) -> Plan:
    """Return the plan of people who stood on removed points and go on at `target_no`."""
    return _walk(plan_of, FromRemoved(), "left_removed_points", target=target_no)


def _kind(point: AnyPoint) -> str:
    return str(point.__struct_config__.tag)


def _admission(
    plan_of: Chart,
    *,
    reenters: bool,
    keyed: bool = False,
    live: bool = False,
    audience: Literal["everybody", "pages"] | None = "everybody",
) -> Admission:
    """Say who may come in. `audience`: who has to be in that of the journey; an operator means whom they name."""
    settings, reentry = plan_of.graph.settings, plan_of.graph.settings.reentry
    percent, code = settings.control_percent, settings.audience_code
    is_bound = code is not None and audience is not None
    if reentry is not None:
        reenters = reentry.mode != "ONCE"
    cools = reentry is not None and reentry.mode == "COOLDOWN"
    return Admission(
        reenters,
        keyed,
        settings.capping,
        # Two journeys that undo each other's changes would otherwise send somebody back and forth within one tick for
        # ever.
        once_an_instant=live and reenters,
        control_percent=percent,
        control_seconds=settings.window_seconds if percent else 0,
        cooldown_seconds=3600 * (reentry.cooldown_hours or 0) if cools and reentry is not None else 0,
        admits_anonymous=settings.admits_anonymous,
        deadline_seconds=86_400 * (settings.goal.deadline_days or 0) if settings.goal is not None else 0,
        audience=plan_of.scope.segments[code] if code is not None and is_bound else None,
        binds_pages_only=is_bound and audience == "pages",
    )


def _entry_source(plan_of: Chart, point_no: int) -> Entry:
    point = plan_of.points[point_no]
    match point:
        case MessageBus():
            keyed = point.multi_entry is not None and point.multi_entry.enabled
            return FromEvents(point_no, point, _admission(plan_of, reenters=point.allow_reenter, keyed=keyed))
        case UrlMatch() | ElementClick():
            return _browsing(plan_of, point_no, point)
        case StartByApi():
            return FromRequests(point_no, point, _admission(plan_of, reenters=True, audience="pages"))
        case StartBySegment():
            repeat = point.repeat
            app_id = plan_of.scope.app_ids[point.application_code] if point.application_code is not None else None
            return FromSegment(
                point_no,
                point,
                _admission(plan_of, reenters=repeat is not None or point.allow_reenter),
                segment_of(point, plan_of.scope),
                app_id,
                by_zone=repeat is not None and repeat.timezone == DEVICE,
                fallback_zone=repeat.fallback_timezone if repeat else "UTC",
                requested=False,
            )
        case _:
            raise AssertionError(f"point {point_no} is no entry")


def _browsing(plan_of: Chart, point_no: int, point: UrlMatch | ElementClick) -> FromEvents:
    """Return the source of an entry for what people do on the pages of the journey's app."""
    name = PAGE_VIEW if isinstance(point, UrlMatch) else CLICK
    event = MessageBus(id=point.id, event_name=name, application_code=plan_of.graph.settings.application_code)
    return FromEvents(
        point_no,
        event,
        _admission(plan_of, reenters=False),
        page=point if isinstance(point, UrlMatch) else None,
        selector=point.selector if isinstance(point, ElementClick) else None,
    )


def live_entries(graph: Graph, numbers: Mapping[PointId, int]) -> dict[int, StartBySegment]:
    """Return the entries of a graph that watch a segment, by number.

    Besides the live segment entries that is the first API entry of a journey that has an audience.
    """
    found = {numbers[p.id]: p for p in graph.points if isinstance(p, StartBySegment) and p.is_live}
    code = graph.settings.audience_code
    asked = [p for p in graph.points if isinstance(p, StartByApi) and not p.is_deactivated]
    if code is not None and asked:
        first = min(asked, key=lambda point: numbers[point.id])
        watching = StartBySegment(id=first.id, title=first.title, filter_code=code, trigger="DYNAMIC")
        found[numbers[first.id]] = watching
    return found


def segment_of(point: StartBySegment | BooleanSplitter, scope: SegmentScope) -> Expression:
    """Return the segment that a point names or spells out. The graph has been checked."""
    if point.filter is not None:
        return parse(point.filter)
    assert point.filter_code is not None, "a checked point has a filter or a code"
    return scope.segments[point.filter_code]


def _walk(plan_of: Chart, source: Source, start_name: str, *, target: int | None = None) -> Plan:
    """Walk from a source to the next points that hold people."""
    first = _first_flows(plan_of, source, start_name, target)
    order = _in_order(plan_of, [point_no for _, point_no in first])
    inflows: dict[int, list[Inflow]] = {point_no: [] for point_no in order}
    for inflow, point_no in first:
        inflows[point_no].append(inflow)
    steps: list[Step] = []
    for point_no in order:
        step = _step(plan_of, point_no, tuple(inflows[point_no]))
        steps.append(step)
        if not step.holds:
            for inflow, follower in _onward(plan_of, step):
                inflows[follower].append(inflow)
    return Plan(
        plan_of.header,
        source,
        start_name,
        routes=any(inflow.output is not None for inflow, _ in first),
        steps=tuple(steps),
        trails=_trails(source, start_name, steps),
        carries_attributes=any(isinstance(step.point, UpdateProfile) for step in steps),
        reads_context=any(_reads_context(step) for step in steps),
    )


def _trails(source: Source, start_name: str, steps: Iterable[Step]) -> dict[str, Trail | None]:
    """Say which path led to each set, where it is the same for everybody in it."""
    found: dict[str, Trail | None] = {start_name: None if isinstance(source, FromRemoved) else (source.point_no,)}
    for step in steps:
        led = {found[inflow.set_name] for inflow in step.inflows}
        only = next(iter(led)) if len(led) == 1 else None
        found[step.name] = None if only is None else (*only, step.point_no)
    return found


def _first_flows(plan_of: Chart, source: Source, start_name: str, target: int | None) -> list[tuple[Inflow, int]]:
    """List where the source's people go first, by output."""
    if target is not None:
        return [(Inflow(start_name), target)]
    assert not isinstance(source, FromRemoved), "removed points name their target"
    point = plan_of.points[source.point_no]
    wired = [
        (output_number(o), plan_of.net.next[point.id, o]) for o in outputs(point) if (point.id, o) in plan_of.net.next
    ]
    if len(wired) == 1:
        return [(Inflow(start_name), plan_of.numbers[wired[0][1]])]
    return [(Inflow(start_name, number), plan_of.numbers[follower]) for number, follower in sorted(wired)]


def _onward(plan_of: Chart, step: Step) -> Iterator[tuple[Inflow, int]]:
    parts_people = isinstance(step.point, PARTING)
    for output in sorted(outputs(step.point), key=output_number):
        follower = plan_of.net.next.get((step.point.id, output))
        if follower is not None:
            yield Inflow(step.name, output_number(output) if parts_people else None), plan_of.numbers[follower]


PARTING = (BooleanSplitter, RandomSplitter, Condition, GoalCheck)
"""Points that people leave by one output or another in passing."""


def _in_order(plan_of: Chart, starts: list[int]) -> list[int]:
    """List the points between the starts and the next points that hold people, each after all that lead to it.

    Without recursion, since a graph may be a chain of hundreds of points. Ties are broken by number.
    """
    following: dict[int, list[int]] = {}
    frontier = list(starts)
    while frontier:
        point_no = frontier.pop()
        if point_no not in following:
            point = plan_of.points[point_no]
            onward = [] if holds(point, plan_of.net) else [plan_of.numbers[f.id] for f in plan_of.net.followers(point)]
            following[point_no] = sorted(set(onward))
            frontier.extend(following[point_no])
    waiting_for = dict.fromkeys(following, 0)
    for onward in following.values():
        for point_no in onward:
            waiting_for[point_no] += 1
    order: list[int] = []
    ready = sorted((n for n, count in waiting_for.items() if count == 0), reverse=True)
    while ready:
        point_no = ready.pop()
        order.append(point_no)
        for follower in following[point_no]:
            waiting_for[follower] -= 1
            if waiting_for[follower] == 0:
                ready.append(follower)
        ready.sort(reverse=True)
    assert len(order) == len(following), "a checked graph has no cycle without a point that holds"
    return order


def _step(plan_of: Chart, point_no: int, inflows: tuple[Inflow, ...]) -> Step:
    point = plan_of.points[point_no]
    expression = segment_of(point, plan_of.scope) if isinstance(point, BooleanSplitter) else None
    expressions: tuple[Expression, ...] = ()
    goals: tuple[str, ...] = ()
    match point:
        case Condition():
            expressions = tuple(rule_tree(branch.rule_tree) for branch in point.branches)
        case GoalCheck():
            goals = asked_goals(point, plan_of.graph)
            expression = matched(point.goal or plan_of.graph.settings.goal)
        case _:
            pass
    return Step(
        set_name(point_no, _kind(point)),
        point_no,
        point,
        inflows,
        holds(point, plan_of.net),
        expression,
        _winner(plan_of, point_no, point),
        expressions,
        goals,
        _silence(plan_of, point),
    )


def _silence(plan_of: Chart, point: AnyPoint) -> SilentHours | None:
    match point:
        case SendEmail():
            return plan_of.graph.settings.silence("email")
        case Webhook():
            return plan_of.graph.settings.silence("webhook")
        case _:
            return None


def rule_tree(text: str) -> Expression:
    """Return the segment of a rule tree without problems, given as JSON text."""
    return read_rule_tree(msgspec.json.decode(text))


def _winner(plan_of: Chart, point_no: int, point: AnyPoint) -> int | None:
    """Return the output that won at a splitter, unless an edit took the branch or the contest away."""
    output = plan_of.winners.get(point_no)
    if output is None or not isinstance(point, RandomSplitter) or point.winner is None:
        return None
    return output if output <= len(point.branches) else None


def _reads_context(step: Step) -> bool:
    """Tell whether a point reads what people came with."""
    match step.point:
        case Wait():
            date = step.point.date_attribute
            return isinstance(date, DateAttribute) and date.source != "TAG"
        case UpdateProfile():
            return any(_takes_from_context(operation) for operation in step.point.operations)
        case (
            StartBySegment()
            | MessageBus()
            | StartByApi()
            | UrlMatch()
            | ElementClick()
            | WaitForTrigger()
            | Content()
            | BooleanSplitter()
            | RandomSplitter()
            | Condition()
            | GoalCheck()
            | Webhook()
            | SendEmail()
            | Exit()
        ):
            return False
        case _:
            assert_never(step.point)


def _takes_from_context(operation: ProfileOperation) -> bool:
    return operation.from_ is not None and operation.from_.source != "TAG"
