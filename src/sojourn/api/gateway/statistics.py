"""Statistics in the shapes of the contract: delivery per message point, and everything per point."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from sojourn.api.gateway import wire
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.model.graph import Graph
from sojourn.model.points import SendEmail
from sojourn.service.commands import Contest, Converted, GoalNumbers, PointNumbers, Statistics

Rows = pb.StatisticsExternalResponse
Points = pb.StatisticsPointsResponse


def message_rows(numbers: Statistics, graph: Graph) -> Rows:
    """Return one row per message point, in the order of the document."""
    counts = {row.point: row.messages for row in numbers.points}
    rows = [_email_row(point, counts.get(point.id, {})) for point in graph.points if isinstance(point, SendEmail)]
    return Rows(payload=Rows.Payload(title=numbers.title, points=rows))


def _email_row(point: SendEmail, counts: Mapping[str, int]) -> Rows.Row:
    sent, opened = counts.get("sent", 0), counts.get("opened", 0)
    return Rows.Row(
        pointTitle=point.title,
        campaignCode=point.campaign_code,
        presetCode=point.preset_code or "",
        pointStat=Rows.PointStat(
            sent=sent,
            opened=opened,
            conversion=conversion(sent, opened),
            clicked=counts.get("clicked", 0),
            unsubscribed=counts.get("unsubscribed", 0),
            softBounces=counts.get("soft_bounced", 0),
            hardBounces=counts.get("hard_bounced", 0),
            complaints=counts.get("complained", 0),
        ),
    )


def conversion(sent: int, opened: int) -> float:
    """Return the percentage opened; 0 when nothing was sent.

    >>> conversion(22648, 60)
    0.26492405510420347
    """
    return opened / sent * 100 if sent else 0.0


def point_rows(numbers: Statistics) -> Points:
    """Return the numbers of the journey and of all its points."""
    return Points(
        payload=Points.Payload(
            uuid=str(numbers.journey),
            title=numbers.title,
            entered=numbers.entered,
            inside=numbers.inside,
            departed=numbers.departed,
            points=[_point_row(row) for row in numbers.points],
            goals=[_goal_row(goal) for goal in numbers.goals],
        )
    )


def _goal_row(goal: GoalNumbers) -> Points.GoalNumbers:
    return Points.GoalNumbers(
        name=goal.name,
        treated=_converted(goal.treated),
        control=None if goal.control is None else _converted(goal.control),
        uplift=goal.uplift,
        p_value=goal.p_value,
    )


def _converted(numbers: Converted) -> Points.Converted:
    return Points.Converted(
        people=numbers.people, conversions=numbers.conversions, rate=numbers.rate, value=numbers.value
    )


def _point_row(row: PointNumbers) -> Points.PointNumbers:
    return Points.PointNumbers(
        uuid=row.point,
        title=row.title,
        point_type=wire.point_type(row.kind),
        entered=row.entered,
        inside=row.inside,
        left=row.left,
        dropped=row.dropped,
        stopped=row.stopped,
        completed=row.completed,
        goals=row.goals,
        messages=row.messages,
        series=[_interval(*each) for each in row.series],
        goal_exits=row.goal_exits,
        control=row.control,
        contest=None if row.contest is None else _contest(row.contest),
    )


def _contest(contest: Contest) -> Points.Contest:
    message = Points.Contest(
        branches=[
            Points.Branch(output=each.output, people=each.people, conversions=each.conversions, rate=each.rate)
            for each in contest.branches
        ],
        winner=contest.winner,
        is_automatic=contest.is_automatic,
        p_value=contest.p_value,
    )
    if contest.decided_at is not None:
        message.decided_at.FromDatetime(contest.decided_at)
    return message


def _interval(start: datetime, entered: int, left: int) -> Points.Interval:
    interval = Points.Interval(entered=entered, left=left)
    cast("Timestamp", getattr(interval, "from")).FromDatetime(start)
    return interval
