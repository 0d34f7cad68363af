"""Methods: the command that each request stands for, and the answer that each reply becomes.

`METHODS` is the table, one row per method of the service. Nothing here knows how a request arrived.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct

from sojourn.api.common.paths import spelled, without_echoes
from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.gateway import statistics, wire
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.api.gateway.problems import malformed, summary
from sojourn.api.gateway.writing import to_plain
from sojourn.model.graph import Graph
from sojourn.model.lifecycle import Command as LifecycleCommand
from sojourn.model.lifecycle import Status
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    Caller,
    ChangeStatus,
    ChooseWinner,
    CreateJourney,
    DeleteJourney,
    DropPeople,
    EnrollByApi,
    GetEntryRequest,
    GetJourney,
    GetStatistics,
    Journey,
    JourneyDraft,
    ListJourneys,
    UpdateJourney,
    ValidateJourney,
)
from sojourn.service.errors import AppNotFound, InvalidDocument, JourneyNotFound, NotFound, PointNotFound
from sojourn.service.service import Service

LEGACY_PAGE_SIZE = 20
PAGE_MAX = 1_000_000
PAGE_SIZE_MAX = 100

M = TypeVar("M", bound=Message)


class Call(Struct, frozen=True):
    """One request of a known caller.

    Attributes:
        problems: What the reader of the request found; a method refuses the request with these and its own.
        idempotency_key: Empty where none was given.
    """

    service: Service
    caller: Caller
    request: Message
    problems: Sequence[Problem] = ()
    idempotency_key: str = ""

    def of(self, message: type[M]) -> M:
        """Return the request, which is of this type."""
        if not isinstance(self.request, message):
            raise AssertionError(f"not a {message.__name__}")  # noqa: TRY004 - a bug, not an input
        return self.request

    def refuse(self, own: Sequence[Problem] = ()) -> None:
        """Raise if there is anything wrong with the request."""
        problems = without_echoes(self.problems, own)
        if problems:
            raise malformed(problems)


Method = Callable[[Call], Awaitable[Message]]


# Journeys ---------------------------------------------------------------------------------------------------


async def create(call: Call) -> pb.Journey:
    """Make a draft."""
    draft = _draft(call, call.of(pb.CreateRequest))
    return await _journey(call, CreateJourney(draft=draft), draft.graph)


async def update(call: Call) -> pb.Journey:
    """Replace a definition."""
    request = call.of(pb.UpdateRequest)
    draft = _draft(call, request)
    return await _journey(call, UpdateJourney(journey=_journey_id(request.uuid), draft=draft), draft.graph)


async def validate(call: Call) -> pb.ValidateResponse:
    """List the problems of a document; those of its shape, or if there are none those of its meaning."""
    decoded = wire.decode(call.of(pb.CreateRequest))
    problems = tuple(without_echoes(call.problems, decoded.problems))
    warnings: Sequence[Problem] = ()
    if not problems and decoded.draft is not None:
        verdict = await call.service.run(call.caller, ValidateJourney(draft=decoded.draft))
        problems = wire.placed(verdict.problems, decoded.draft.graph)
        warnings = wire.placed(verdict.warnings, decoded.draft.graph)
    return pb.ValidateResponse(is_valid=not problems, problems=_violations(problems), warnings=_violations(warnings))


def _violations(problems: Sequence[Problem]) -> list[pb.Violation]:
    return [pb.Violation(field=p.where, code=p.code, description=p.text) for p in problems]


async def get(call: Call) -> pb.Journey:
    """Return a journey."""
    call.refuse()
    return await _journey(call, GetJourney(journey=_journey_id(call.of(pb.GetRequest).uuid)))


async def list_(call: Call) -> pb.ListResponse:
    """Return one page of journeys."""
    request = call.of(pb.ListRequest)
    page = _in_range(request, "page", 1, PAGE_MAX, default=1)
    page_size = _in_range(request, "page_size", 1, PAGE_SIZE_MAX, default=20)
    call.refuse([*page.problems, *page_size.problems])
    status = next((ours for ours, theirs in wire.STATUSES.items() if theirs == request.status), None)
    command = ListJourneys(
        page=page.value,
        page_size=page_size.value,
        status=cast("Status | None", status),
        application_code=request.application_code or None,
        search=request.search,
    )
    found = await call.service.run(call.caller, command)
    return pb.ListResponse(
        items=[wire.encode(journey) for journey in found.items],
        page=found.page,
        page_size=found.page_size,
        total_count=found.total,
    )


async def delete(call: Call) -> Empty:
    """Delete a draft that never ran."""
    call.refuse()
    await call.service.run(call.caller, DeleteJourney(journey=_journey_id(call.of(pb.DeleteRequest).uuid)))
    return Empty()


def lifecycle(command: LifecycleCommand) -> Method:
    """Make the method that gives a journey another status."""

    async def change(call: Call) -> pb.Journey:
        uuid = call.of(pb.LifecycleRequest).uuid
        call.refuse([] if uuid else [Problem("field.required", "uuid", "is required")])
        return await _journey(call, ChangeStatus(journey=_journey_id(uuid), command=command))

    return change


async def list_legacy(call: Call) -> pb.ListLegacyResponse:
    """Return one page of journeys in the older shape."""
    page = _in_range(call.of(pb.ListLegacyRequest), "page", 1, PAGE_MAX, default=1)
    _refuse_in_line(call, page.problems)
    found = await call.service.run(call.caller, ListJourneys(page=page.value, page_size=LEGACY_PAGE_SIZE))
    return pb.ListLegacyResponse(
        metadata=pb.ListLegacyResponse.Metadata(
            page=found.page, page_count=-(-found.total // LEGACY_PAGE_SIZE), total_count=found.total
        ),
        payload=pb.ListLegacyResponse.Payload(items=[_legacy_item(journey) for journey in found.items]),
    )


def _legacy_item(journey: Journey) -> pb.ListLegacyResponse.Item:
    return pb.ListLegacyResponse.Item(
        id=str(journey.journey),
        title=journey.title,
        status=wire.STATUSES[journey.status],
        createdAt=_timestamp(journey.created_at),
    )


# People in and out, numbers ---------------------------------------------------------------------------------


async def start_external(call: Call) -> pb.StartExternalResponse:
    """Send people to the API entry."""
    _refuse_in_line(call)
    request = call.of(pb.StartExternalRequest)
    command = EnrollByApi(
        journey=request.id,
        users=tuple(request.payload.users),
        hwids=tuple(request.payload.hwids),
        filter=request.payload.filter,
        attribute_values=dict(request.payload.attribute_values),
        idempotency_key=call.idempotency_key,
    )
    try:
        accepted = await call.service.run(call.caller, command)
    except InvalidDocument as error:
        raise _in_line(error, "payload") from error
    return pb.StartExternalResponse(request_uuid=str(accepted.request_uuid))


async def get_start_external(call: Call) -> pb.GetStartExternalResponse:
    """Say what became of a request to enroll."""
    _refuse_in_line(call)
    request = call.of(pb.GetStartExternalRequest)
    request_uuid = wire.canonical_uuid(request.request_uuid)
    if request_uuid is None:
        raise NotFound
    outcome = await call.service.run(call.caller, GetEntryRequest(journey=request.id, request_uuid=request_uuid))
    return pb.GetStartExternalResponse(
        request_uuid=str(outcome.request_uuid),
        accepted=outcome.accepted,
        entered=outcome.entered,
        refused=outcome.refused,
    )


async def statistics_external(call: Call) -> pb.StatisticsExternalResponse:
    """Return delivery and conversion per message point."""
    _refuse_in_line(call)
    numbers = await call.service.run(call.caller, GetStatistics(journey=call.of(pb.StatisticsExternalRequest).id))
    journey = await call.service.run(call.caller, GetJourney(journey=numbers.journey))
    return statistics.message_rows(numbers, journey.graph)


async def statistics_points(call: Call) -> pb.StatisticsPointsResponse:
    """Return the numbers of every point."""
    request = call.of(pb.StatisticsPointsRequest)
    is_known = request.interval in {"", "hour", "day"}
    _refuse_in_line(call, [] if is_known else [Problem("field.type", "interval", "must be one of hour, day")])
    given = cast("dict[str, Any]", to_plain(request))
    command = GetStatistics(
        journey=request.id,
        from_=given.get("from"),
        to=given.get("to"),
        interval=given.get("interval", ""),
    )
    return statistics.point_rows(await call.service.run(call.caller, command))


async def choose_winner(call: Call) -> pb.ChooseWinnerResponse:
    """Name the winner of a random splitter, or take it back."""
    _refuse_in_line(call)
    request = call.of(pb.ChooseWinnerRequest)
    point = wire.canonical_uuid(request.point_uuid)
    if point is None:
        raise PointNotFound
    try:
        await call.service.run(call.caller, ChooseWinner(journey=request.id, point=str(point), output=request.output))
    except InvalidDocument as error:
        raise _in_line(error, "") from error
    return pb.ChooseWinnerResponse(success=True)


async def drop_users(call: Call) -> pb.DropUsersExternalResponse:
    """Take people out of journeys."""
    _refuse_in_line(call)
    request = call.of(pb.DropUsersExternalRequest)
    if not request.user_ids:
        raise MalformedRequest("user_ids must be provided")
    if not request.all_journeys and not request.journey_uuids:
        raise MalformedRequest("journey_uuids must be provided if all_journeys is false")
    journeys = () if request.all_journeys else tuple(request.journey_uuids)
    command = DropPeople(user_ids=tuple(request.user_ids), journeys=journeys, all_journeys=request.all_journeys)
    try:
        await call.service.run(call.caller, command)
    except InvalidDocument as error:
        raise _in_line(error, "") from error
    return pb.DropUsersExternalResponse(success=True)


METHODS: Mapping[str, Method] = {
    "Archive": lifecycle("archive"),
    "ChooseWinner": choose_winner,
    "Create": create,
    "Delete": delete,
    "Draft": lifecycle("draft"),
    "DropUsersExternal": drop_users,
    "Finish": lifecycle("finish"),
    "Get": get,
    "GetStartExternal": get_start_external,
    "List": list_,
    "ListLegacy": list_legacy,
    "Pause": lifecycle("pause"),
    "Start": lifecycle("start"),
    "StartExternal": start_external,
    "StatisticsExternal": statistics_external,
    "StatisticsPoints": statistics_points,
    "Update": update,
    "Validate": validate,
}


# Shared -----------------------------------------------------------------------------------------------------


def _draft(call: Call, request: wire.DraftRequest) -> JourneyDraft:
    decoded = wire.decode(request)
    call.refuse(decoded.problems)
    if decoded.draft is None:
        raise AssertionError("a document without problems has a draft")
    return decoded.draft


async def _journey(
    call: Call, command: ChangeStatus | CreateJourney | GetJourney | UpdateJourney, graph: Graph | None = None
) -> pb.Journey:
    """Run a command whose reply is a journey; say what is wrong in the words of the contract."""
    try:
        return wire.encode(await call.service.run(call.caller, command))
    except AppNotFound as error:
        where = "" if graph is None else "params.application_code"
        raise AppNotFound(problems=(Problem(error.code, where, error.text),)) from error
    except InvalidDocument as error:
        if graph is None and isinstance(command, ChangeStatus):
            graph = (await call.service.run(call.caller, GetJourney(journey=command.journey))).graph
        problems = wire.placed(error.problems, graph) if graph else error.problems
        raise InvalidDocument(summary(problems) if problems else error.text, problems=problems) from error


def _journey_id(text: str) -> UUID:
    """Read a journey's id; what is not one cannot belong to a journey."""
    journey = wire.canonical_uuid(text)
    if journey is None:
        raise JourneyNotFound
    return journey


def _refuse_in_line(call: Call, own: Sequence[Problem] = ()) -> None:
    """Raise if there is anything wrong, with all of it in the message: external methods answer with nothing else."""
    problems = without_echoes(call.problems, own)
    if problems:
        raise MalformedRequest("; ".join(spelled(problem) for problem in problems), problems=tuple(problems))


def _in_line(error: InvalidDocument, within: str) -> MalformedRequest:
    """Say what is wrong with a command in the message, in the words of the request."""
    problems = wire.within(error.problems, within)
    lines = (p.text if p.code == "entry.attribute_missing" else spelled(p) for p in problems)
    return MalformedRequest("; ".join(lines) or error.text, problems=problems)


class _Number(Struct, frozen=True):
    value: int
    problems: tuple[Problem, ...] = ()


def _in_range(request: Message, name: str, low: int, high: int, *, default: int) -> _Number:
    if not request.HasField(name):
        return _Number(default)
    value = cast("int", getattr(request, name))
    if low <= value <= high:
        return _Number(value)
    return _Number(default, (Problem("field.range", name, f"must be between {low} and {high}"),))


def _timestamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message
