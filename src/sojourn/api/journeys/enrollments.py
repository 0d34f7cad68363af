"""Enrollments: who is or was in a journey, people sent into it, and taken out.

Source: the journeys contract, "List Enrollments"; the rest is ours.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.journeys.documents import TAG, journey_id
from sojourn.api.journeys.entering import ENTRY_REFUSALS, EntryData, in_words_of_entering
from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.serving import INVALID
from sojourn.model.problems import Problem
from sojourn.model.segments import Reference
from sojourn.seglang import render
from sojourn.service import commands as c
from sojourn.service.commands import EnrollmentStatus

Ids = Annotated[tuple[str, ...], Meta(max_length=10_000)]


class EnrollmentQuery(Paging, frozen=True, kw_only=True):
    """Which enrollments."""

    status: EnrollmentStatus | UnsetType = UNSET


class EndUser(Wire, frozen=True, kw_only=True):
    """The person."""

    id: UUID
    user_id: str | None
    anonymous_id: str | None
    traits: dict[str, Any]


class Enrollment(Wire, frozen=True, kw_only=True):
    """One passage of one person through a journey.

    Attributes:
        outcome: That of the exit, or why the person was taken out; empty where there is nothing to say.
        in_control_group: The person was let in only to be compared with, and got nothing of the journey.
    """

    id: UUID
    journey_id: UUID
    end_user_id: UUID
    anonymous_id: str | None
    status: EnrollmentStatus
    enrolled_at: datetime
    current_node_id: UUID | None
    completed_at: datetime | None
    outcome: str
    in_control_group: bool
    end_user: EndUser


class Enrolling(Wire, frozen=True, kw_only=True):
    """Whom to enroll: exactly one of the three. `data` are values of the attributes that the trigger names."""

    user_ids: Ids = ()
    anonymous_ids: Ids = ()
    audience_id: UUID | None = None
    data: EntryData = msgspec.field(default_factory=dict[str, str])


class EnrollmentRequest(Wire, frozen=True, kw_only=True):
    """The durable promise to enroll."""

    request_id: UUID


async def _listed(call: Call[EnrollmentQuery, Nothing]) -> Page[Enrollment]:
    query = call.query
    command = c.ListEnrollments(
        journey=journey_id(call),
        status=None if query.status is UNSET else query.status,
        limit=query.limit,
        offset=query.offset,
    )
    reply = await call.service.run(call.caller, command)
    return Page(tuple(map(_enrollment, reply.items)), reply.total, query)


def _enrollment(found: c.Enrollment) -> Enrollment:
    person = EndUser(
        id=found.profile,
        user_id=found.user_id,
        anonymous_id=found.anonymous_id,
        traits=dict(found.attributes),
    )
    return Enrollment(
        id=found.enrollment,
        journey_id=found.journey,
        end_user_id=found.profile,
        anonymous_id=found.anonymous_id,
        status=found.status,
        enrolled_at=found.entered_at,
        current_node_id=found.point,
        completed_at=found.departed_at,
        outcome=found.outcome,
        in_control_group=found.is_control,
        end_user=person,
    )


async def _enroll(call: Call[Nothing, Enrolling]) -> EnrollmentRequest:
    body = call.body
    if [bool(body.user_ids), bool(body.anonymous_ids), body.audience_id is not None].count(True) != 1:
        rule = "exactly one of userIds, anonymousIds and audienceId is given"
        raise MalformedRequest(INVALID, problems=(Problem("field.exclusive", "", rule),))
    filter_ = ""
    if body.audience_id is not None:
        audience = await call.service.run(call.caller, c.GetAudience(audience=body.audience_id))
        filter_ = render(Reference(code=audience.code))
    command = c.EnrollByApi(
        journey=str(journey_id(call)),
        users=body.user_ids,
        anonymous_ids=body.anonymous_ids,
        filter=filter_,
        is_paced=False,
        attribute_values=body.data,
    )
    with in_words_of_entering():
        accepted = await call.service.run(call.caller, command)
    return EnrollmentRequest(request_id=accepted.request_uuid)


async def _stop(call: Call[Nothing, Nothing]) -> None:
    command = c.StopEnrollment(journey=journey_id(call), enrollment=call.uuid("enrollmentId"))
    await call.service.run(call.caller, command)


_PERSON = "9e500000-0003-8000-8000-00000000002a"
_ENROLLMENT = {
    "id": "e1710000-0003-8000-8000-000000000011",
    "journeyId": "5d0c7b8a-9e1f-4a2b-8c3d-4e5f6a7b8c9d",
    "endUserId": _PERSON,
    "anonymousId": None,
    "status": "in_progress",
    "enrolledAt": "2026-03-01T10:00:00Z",
    "currentNodeId": "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c82",
    "completedAt": None,
    "outcome": "",
    "inControlGroup": False,
    "endUser": {"id": _PERSON, "userId": "ada", "anonymousId": None, "traits": {"role": "admin"}},
}

ENROLLMENT_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/journeys/{id}/enrollments",
        name="listEnrollments",
        tag=TAG,
        summary="List who is or was in a journey; who came last first.",
        commands=(c.ListEnrollments,),
        query=EnrollmentQuery,
        body=Nothing,
        reply=Enrollment,
        is_list=True,
        handle=_listed,
        examples=(Example(title="Somebody who is inside", data=[_ENROLLMENT]),),
    ),
    Route(
        verb="POST",
        path="/api/journeys/{id}/enrollments",
        name="enrollPeople",
        tag=TAG,
        summary="Send people to the MANUAL trigger of a published journey.",
        description="Durable when answered. Who may not come in, for instance because they are inside, is passed over."
        " The audience of the journey does not matter. `data` has values of the attributes that the trigger names: a"
        " node `START_BY_API` with `attributes`, each `name`, `required` and `default_value`.",
        commands=(c.EnrollByApi, c.GetAudience),
        query=Nothing,
        body=Enrolling,
        reply=EnrollmentRequest,
        status=202,
        handle=_enroll,
        refusals=("journey.not_running", "entry.selector", *ENTRY_REFUSALS),
        examples=(
            Example(
                title="Two users",
                body={"userIds": ["ada", "bob"]},
                data={"requestId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
            ),
        ),
    ),
    Route(
        verb="DELETE",
        path="/api/journeys/{id}/enrollments/{enrollmentId}",
        name="stopEnrollment",
        tag=TAG,
        summary="Take a person out of a journey. Durable when answered.",
        commands=(c.StopEnrollment,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_stop,
        examples=(Example(title="Stopped", data=None),),
    ),
)
