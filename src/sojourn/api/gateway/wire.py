"""Journey documents: between the messages of the contract and the model.

A point of the contract carries its uuid, title, place and outputs; the model keeps the graph, its edges and the layout
apart. Constraints on single fields are checked here, all at once; what a graph means is for the compiler to check.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, cast, get_args
from uuid import UUID, uuid4

import msgspec
from google.protobuf.message import Message
from msgspec import Struct

from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import is_index, item, joined, member
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.api.gateway.reading import MAX_PROBLEMS, Choices, fill
from sojourn.api.gateway.writing import to_plain
from sojourn.model.graph import Edge, Graph, Settings, edge_order
from sojourn.model.points import (
    AnyPoint,
    ElementClick,
    MessageBus,
    StartByApi,
    StartBySegment,
    UrlMatch,
)
from sojourn.model.problems import Problem
from sojourn.service.commands import Comment, Journey, JourneyDraft, Place

COMMENTS_MAX = 500
CHANNELS = ("email", "in_app", "line", "push", "sms", "webhook", "whatsapp")
POINTS_MAX = 500
LABEL_MAX = 1000
TITLE_MAX = 255

KINDS: Mapping[int, str] = {field.number: field.name for field in pb.PointData.DESCRIPTOR.oneofs_by_name["data"].fields}
"""Number of a point type to its key in `point_data`; the contract numbers both alike."""

TYPES: Mapping[str, int] = {name: number for number, name in KINDS.items()}
AVAILABLE: tuple[str, ...] = tuple(pb.PointType.Name(cast("pb.PointType", number)) for number in sorted(KINDS))
CHOICES: Choices = {pb.PointType.DESCRIPTOR.full_name: AVAILABLE}
"""For the JSON reader: which point types a document may use."""

POINT_CLASSES: Mapping[str, type[AnyPoint]] = {
    cast("str", cls.__struct_config__.tag): cls for cls in cast("tuple[type[AnyPoint], ...]", get_args(AnyPoint))
}
STATUSES: Mapping[str, pb.Status] = {
    "archived": pb.STATUS_ARCHIVED,
    "draft": pb.STATUS_DRAFT,
    "finished": pb.STATUS_FINISHED,
    "paused": pb.STATUS_PAUSED,
    "running": pb.STATUS_RUNNING,
}
_CAMPAIGN_TYPES: Mapping[type, str] = {
    ElementClick: "TriggerBased",
    MessageBus: "TriggerBased",
    StartByApi: "ApiBased",
    StartBySegment: "AudienceBased",
    UrlMatch: "TriggerBased",
}
_OUTPUT_NAME = re.compile(r"default|output[1-9][0-9]?|extra[1-9][0-9]{0,3}")

DraftRequest = pb.CreateRequest | pb.UpdateRequest


class Decoded(Struct, frozen=True):
    """What a document says, as far as it can be read.

    Attributes:
        draft: None where there are problems.
        problems: With the paths of the request.
    """

    draft: JourneyDraft | None
    problems: tuple[Problem, ...] = ()


# From the wire ----------------------------------------------------------------------------------------------


def decode(request: DraftRequest, new_id: Callable[[], str] = lambda: str(uuid4())) -> Decoded:
    """Read a document. Points and comments without a uuid get one from `new_id`."""
    ids = [_canonical(point.uuid) or point.uuid or new_id() for point in request.points[:POINTS_MAX]]
    found = chain(_outer_problems(request), _settings_problems(request), _points_problems(request, ids))
    problems = tuple(islice(found, MAX_PROBLEMS))
    if problems:
        return Decoded(None, problems)
    return Decoded(_draft(request, ids, new_id))


def canonical_uuid(text: str) -> UUID | None:
    """Return the uuid that a text spells in the usual form, or None."""
    canonical = _canonical(text)
    return UUID(canonical) if canonical else None


def _canonical(text: str) -> str:
    try:
        canonical = str(UUID(text))
    except ValueError:
        return ""
    return canonical if canonical == text.lower() else ""


def _outer_problems(request: DraftRequest) -> Iterator[Problem]:
    if not request.title.strip():
        yield Problem("field.required", "title", "is required")
    elif len(request.title) > TITLE_MAX:
        yield Problem("field.length", "title", f"must have at most {TITLE_MAX} characters, not {len(request.title)}")
    if request.HasField("category_uuid") and not _canonical(request.category_uuid):
        yield Problem("field.form", "category_uuid", "must be a uuid")
    if len(request.points) > POINTS_MAX:
        yield Problem("field.length", "points", f"must have at most {POINTS_MAX} items, not {len(request.points)}")
    if len(request.comments) > COMMENTS_MAX:
        text = f"must have at most {COMMENTS_MAX} items, not {len(request.comments)}"
        yield Problem("field.length", "comments", text)
    for index, comment in enumerate(request.comments[:COMMENTS_MAX]):
        if comment.uuid and not _canonical(comment.uuid):
            yield Problem("field.form", member(item("comments", index), "uuid"), "must be a uuid")


def _settings_problems(request: DraftRequest) -> Iterator[Problem]:
    if not request.HasField("params"):
        yield Problem("field.required", "params", "is required")
        return
    plain = to_plain(request.params)
    yield from misfits(plain, Settings, "params")
    for channel in plain.get("silent_hours", {}):
        if channel not in CHANNELS:
            where = member("params.silent_hours", channel)
            yield Problem("field.unknown", where, f"unknown channel; the channels are {', '.join(CHANNELS)}")


def _points_problems(request: DraftRequest, ids: list[str]) -> Iterator[Problem]:
    for index, (point, point_id) in enumerate(zip(request.points[:POINTS_MAX], ids, strict=True)):
        at = item("points", index)
        if not _canonical(point_id):
            yield Problem("field.form", f"{at}.uuid", "must be a uuid")
        yield from _data_problems(point, at)
        for name, output in point.outputs.items():
            where = member(f"{at}.outputs", name)
            if not _OUTPUT_NAME.fullmatch(name):
                yield Problem("field.unknown", where, "must be named `default`, `output1`, `output2`, …")
            if len(output.info.label) > LABEL_MAX:
                length = len(output.info.label)
                yield Problem("field.length", f"{where}.info.label", f"must have at most 1000 characters, not {length}")
            if output.info.next_point_uuid and not _canonical(output.info.next_point_uuid):
                yield Problem("field.form", f"{where}.info.next_point_uuid", "must be a uuid")


def _data_problems(point: pb.Point, at: str) -> Iterator[Problem]:
    key = point.point_data.WhichOneof("data")
    if point.point_type == pb.POINT_TYPE_UNSPECIFIED:
        yield Problem("field.required", f"{at}.point_type", f"is required; one of {', '.join(AVAILABLE)}")
    elif point.point_type not in KINDS:
        text = f"{pb.PointType.Name(point.point_type)} is not available; available: {', '.join(AVAILABLE)}"
        yield Problem("field.unavailable", f"{at}.point_type", text)
    elif KINDS[point.point_type] != key:
        text = f"must have exactly one key, `{KINDS[point.point_type]}`, as the point type says"
        yield Problem("point.data", f"{at}.point_data", text)
    if key is not None:
        data = to_plain(getattr(point.point_data, key))
        yield from misfits(data, POINT_CLASSES[key], f"{at}.point_data.{key}", frozenset({"id", "title"}))
    if len(point.title) > 1000:
        yield Problem("field.length", f"{at}.title", f"must have at most 1000 characters, not {len(point.title)}")


def _draft(request: DraftRequest, ids: list[str], new_id: Callable[[], str]) -> JourneyDraft:
    numbered = list(zip(ids, request.points, strict=True))
    return JourneyDraft(
        title=request.title,
        description=request.description,
        graph=Graph(
            points=tuple(_point(point, point_id) for point_id, point in numbered),
            edges=tuple(edge for point_id, point in numbered for edge in _edges(point, point_id)),
            settings=msgspec.convert(to_plain(request.params), Settings),
        ),
        layout={
            point_id: Place(point.coordinates.x, point.coordinates.y)
            for point_id, point in numbered
            if point.HasField("coordinates")
        },
        comments=tuple(_comment(comment, new_id) for comment in request.comments),
        category_uuid=canonical_uuid(request.category_uuid),
    )


def _point(point: pb.Point, point_id: str) -> AnyPoint:
    kind = KINDS[point.point_type]
    fields = to_plain(getattr(point.point_data, kind))
    return msgspec.convert({**fields, "kind": kind, "id": point_id, "title": point.title}, POINT_CLASSES[kind])


def _edges(point: pb.Point, point_id: str) -> Iterator[Edge]:
    """Make the edges of a point, in the order of its outputs. An output without a next point is no edge."""
    for name in sorted(point.outputs, key=edge_order):
        info = point.outputs[name].info
        if target := _canonical(info.next_point_uuid):
            yield Edge(from_=point_id, output=name, to=target, label=info.label)


def _comment(comment: pb.Comment, new_id: Callable[[], str]) -> Comment:
    return Comment(
        uuid=_canonical(comment.uuid) or new_id(),
        text=comment.text,
        x=comment.coordinates.x,
        y=comment.coordinates.y,
        author=comment.author,
        created_at=to_plain(comment.created_at) if comment.HasField("created_at") else None,
    )


# To the wire ------------------------------------------------------------------------------------------------


def encode(journey: Journey) -> pb.Journey:
    """Write a journey as the contract has it."""
    message = pb.Journey(info=_info(journey))
    leads: dict[str, list[Edge]] = {}
    for edge in journey.graph.edges:
        leads.setdefault(edge.from_, []).append(edge)
    for point in journey.graph.points:
        _write_point(message.points.add(), point, journey.layout.get(point.id), leads.get(point.id, []))
    for comment in journey.comments:
        _write_comment(message.comments.add(), comment)
    return message


def _info(journey: Journey) -> pb.Info:
    info = pb.Info(
        uuid=str(journey.journey),
        title=journey.title,
        status=STATUSES[journey.status],
        created_at=journey.created_at,
        updated_at=journey.updated_at,
        is_first_activated=journey.first_started_at is not None,
        campaign_type=campaign_type(journey.graph),
        stop_reason=journey.stop_reason,
        last_edited_by=journey.last_edited_by,
        dynamic_entry=any(_is_dynamic(point, journey.graph.settings) for point in journey.graph.points),
        version=journey.version,
        description=journey.description,
    )
    _fill(info.params, _given(journey.graph.settings))
    if journey.category_uuid is not None:
        info.category_uuid = str(journey.category_uuid)
    for point in journey.graph.points:
        info.pointCounts[point_type_name(point)] += 1
    return info


def _is_dynamic(point: AnyPoint, settings: Settings) -> bool:
    """Tell whether whoever starts to match a segment later comes in here, too."""
    if isinstance(point, StartByApi):
        return settings.audience_code is not None and not point.is_deactivated
    return isinstance(point, StartBySegment) and (point.repeat is not None or point.trigger in {"DYNAMIC", "JOINING"})


def campaign_type(graph: Graph) -> str:
    """Say by which kind of entry people come; a journey without entries counts as trigger-based."""
    found = {_CAMPAIGN_TYPES[type(point)] for point in graph.points if type(point) in _CAMPAIGN_TYPES}
    return "Mixed" if len(found) > 1 else next(iter(found), "TriggerBased")


def point_type(kind: str) -> pb.PointType:
    """Return the point type of a kind of the model."""
    return cast("pb.PointType", TYPES[kind])


def point_type_name(point: AnyPoint) -> str:
    """Return the name of a point's type in the contract."""
    return pb.PointType.Name(point_type(cast("str", point.__struct_config__.tag)))


def _write_point(message: pb.Point, point: AnyPoint, place: Place | None, edges: list[Edge]) -> None:
    fields = _given(point)
    kind, message.uuid, message.title = fields.pop("kind"), fields.pop("id"), fields.pop("title", "")
    message.point_type = point_type(kind)
    data = getattr(message.point_data, kind)
    data.SetInParent()
    _fill(data, fields)
    if place is not None:
        message.coordinates.x, message.coordinates.y = place.x, place.y
    for edge in edges:
        info = message.outputs[edge.output].info
        info.next_point_uuid = edge.to
        if edge.label:
            info.label = edge.label


def _write_comment(message: pb.Comment, comment: Comment) -> None:
    message.uuid, message.text, message.author = comment.uuid, comment.text, comment.author
    message.coordinates.x, message.coordinates.y = comment.x, comment.y
    if comment.created_at is not None:
        message.created_at.FromDatetime(comment.created_at)


def _given(struct: Struct) -> dict[str, Any]:
    """Return the fields of a model struct that hold something."""
    return {name: value for name, value in msgspec.to_builtins(struct).items() if value is not None}


def _fill(message: Message, fields: dict[str, Any]) -> None:
    problems = fill(message, fields)
    if problems:
        raise AssertionError(f"a stored document does not fit the contract: {problems[0]}")


# Places -----------------------------------------------------------------------------------------------------


def placed(problems: tuple[Problem, ...], graph: Graph) -> tuple[Problem, ...]:
    """Say where problems of a graph are in the words of the request that it came from.

    Of points that share an id the last is named: it is the one that was added.
    """
    numbers = {point.id: index for index, point in enumerate(graph.points)}
    return tuple(Problem(problem.code, _wire_path(problem, numbers, graph), problem.text) for problem in problems)


def within(problems: tuple[Problem, ...], path: str) -> tuple[Problem, ...]:
    """Say where problems of a command are, if its fields are those of the request below `path`."""
    return tuple(Problem(problem.code, joined(path, problem.where.split("/")), problem.text) for problem in problems)


def _wire_path(problem: Problem, numbers: Mapping[str, int], graph: Graph) -> str:
    match problem.where.removeprefix("graph/").split("/"):
        case ["points", number, *rest] if is_index(number) and int(number) < len(graph.points):
            return _point_path(item("points", int(number)), graph.points[int(number)], rest, "")
        case ["points", point_id, *rest] if point_id in numbers:
            index = numbers[point_id]
            return _point_path(item("points", index), graph.points[index], rest, problem.code)
        case ["edges", point_id, output, *_] if point_id in numbers:
            return member(f"{item('points', numbers[point_id])}.outputs", output)
        case ["settings", *rest]:
            return joined("params", rest)
        case parts:
            return joined("", parts)


def _point_path(at: str, point: AnyPoint, rest: list[str], code: str) -> str:
    """Say where in a point a problem is: in a field, in the choice among its fields, in its outputs, or all over."""
    if rest or code.endswith(".one_of"):
        return joined(f"{at}.point_data.{point.__struct_config__.tag}", rest)
    return f"{at}.outputs" if code.startswith("output.") else at
