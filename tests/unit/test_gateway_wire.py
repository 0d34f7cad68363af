"""The gateway's documents: read with all their problems, written back as they were, in JSON and in protobuf."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from time import process_time
from typing import Any
from uuid import UUID

import msgspec
import pytest
from google.rpc.error_details_pb2 import BadRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.api.common.bodies import parse
from sojourn.api.common.misfits import misfits
from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.gateway import statistics, wire
from sojourn.api.gateway.grpc_server import DETAILS_MAX, fitting
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.api.gateway.problems import rpc_status
from sojourn.api.gateway.reading import fill
from sojourn.api.gateway.wire import CHOICES
from sojourn.api.gateway.writing import to_json, unreadable
from sojourn.model import graph as model
from sojourn.model import points as p
from sojourn.model import schedule
from sojourn.model.problems import Problem, part
from sojourn.service.commands import Comment, Journey, JourneyDraft, Place, PointNumbers, Statistics
from sojourn.service.errors import InvalidDocument

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
A, B, C = (f"{n}{n}{n}{n}{n}{n}{n}{n}-2222-3333-4444-555555555555" for n in "abc")


def document(**changes: Any) -> dict[str, Any]:
    return {"title": "Welcome", "params": {"application_code": "AAAAA-BBBBB"}, "points": [], "comments": []} | changes


def point(kind: str, data: dict[str, Any] | None = None, uuid: str = A, to: str = "", **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": uuid,
        "point_type": pb.PointType.Name(wire.TYPES[kind]),
        "point_data": {kind: data or {}},
    }
    if to:
        made["outputs"] = {"default": {"info": {"next_point_uuid": to}}}
    return made | changes


def condition(value: Any) -> dict[str, Any]:
    return {"attribute": "a", "operator": "EQ", "values": [value]}


def read(body: Any) -> tuple[pb.CreateRequest, list[Problem]]:
    request = pb.CreateRequest()
    return request, fill(request, body, CHOICES)


def decoded(body: Any) -> wire.Decoded:
    request, problems = read(body)
    assert problems == []
    return wire.decode(request, new_id=lambda: C)


def problems_of(body: Any) -> dict[str, str]:
    request, problems = read(body)
    return {problem.where: problem.text for problem in problems or wire.decode(request).problems}


def journey_of(draft: JourneyDraft) -> Journey:
    return Journey(
        journey=UUID(int=7),
        title=draft.title,
        description=draft.description,
        status="draft",
        version=1,
        graph=draft.graph,
        layout=draft.layout,
        comments=draft.comments,
        category_uuid=draft.category_uuid,
        created_at=NOON,
        updated_at=NOON,
        first_started_at=None,
        stop_reason="",
        last_edited_by="ada",
    )


# Documents that say something in every field -----------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
uuids = st.uuids().map(str)
instants = st.datetimes(timezones=st.just(UTC))
clock_times = st.times().map(lambda t: t.strftime("%H:%M"))
scalars = texts | st.integers(-(2**53), 2**53) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
json_values = scalars | st.lists(scalars, max_size=3)


def model_values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: C901 - one case per type
    """Values of a model type within its constraints."""
    match kind:
        case msgspec.inspect.UnionType():
            if any(isinstance(each, msgspec.inspect.ListType) for each in kind.types):
                return json_values
            if len(kind.types) > 2:
                return scalars
            return st.one_of([model_values(each) for each in kind.types])
        case msgspec.inspect.StructType():
            return structs(kind.cls)
        case msgspec.inspect.VarTupleType():
            size = {"min_size": kind.min_length or 0, "max_size": min(kind.max_length or 3, 3)}
            return st.lists(model_values(kind.item_type), **size).map(tuple)
        case msgspec.inspect.DictType():
            return st.dictionaries(names, model_values(kind.value_type), max_size=3)
        case msgspec.inspect.IntType():
            return st.integers(-(2**31) if kind.ge is None else kind.ge, 2**31 - 1 if kind.le is None else kind.le)
        case msgspec.inspect.FloatType():
            return st.floats(kind.ge, kind.le, allow_nan=False, allow_infinity=False)
        case msgspec.inspect.StrType() if kind.pattern and "output" not in kind.pattern:
            return clock_times if ":" in kind.pattern else uuids
        case msgspec.inspect.StrType():
            return names if kind.min_length else texts
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
        case msgspec.inspect.DateTimeType():
            return instants
        case msgspec.inspect.NoneType():
            return st.none()
        case _:
            raise AssertionError(kind)


@cache
def structs(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = msgspec.inspect.type_info(cls).fields  # type: ignore[attr-defined]
    fixed = settings_fields if cls is model.Settings else {}
    return st.builds(cls, **{f.name: fixed.get(f.name, st.deferred(lambda f=f: model_values(f.type))) for f in fields})


silent_hours = st.dictionaries(
    st.sampled_from(wire.CHANNELS), st.deferred(lambda: structs(model.SilentHours)), max_size=2
)
settings_fields = {"application_code": names, "silent_hours": silent_hours}
points = st.one_of([structs(cls) for cls in wire.POINT_CLASSES.values()])


@st.composite
def drafts(draw: st.DrawFn) -> JourneyDraft:
    drawn = draw(st.lists(points, max_size=6, unique_by=lambda each: each.id))
    ids = [each.id for each in drawn]
    edges = [
        model.Edge(from_=each.id, output=output, to=draw(st.sampled_from(ids)))
        for each in drawn
        for output in sorted(p.outputs(each), key=p.output_number)
        if draw(st.booleans())
    ]
    place = st.builds(Place, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
    comment = st.builds(
        Comment, uuid=uuids, text=texts, x=st.floats(-9, 9), author=texts, created_at=st.none() | instants
    )
    return JourneyDraft(
        title=draw(names.filter(str.strip)),
        description=draw(texts),
        graph=model.Graph(points=tuple(drawn), edges=tuple(edges), settings=draw(structs(model.Settings))),
        layout={each: draw(place) for each in ids if draw(st.booleans())},
        comments=tuple(draw(st.lists(comment, max_size=2))),
        category_uuid=draw(st.none() | st.uuids()),
    )


@settings(max_examples=150, deadline=None)
@given(drafts())
def test_a_document_comes_back_as_it_was(draft: JourneyDraft) -> None:
    written = to_json(wire.encode(journey_of(draft)))
    body = {
        "title": written["info"]["title"],
        "description": written["info"]["description"],
        "params": written["info"]["params"],
        "points": written["points"],
        "comments": written["comments"],
        "category_uuid": written["info"].get("category_uuid"),
    }
    # Through text, as over the network.
    again = decoded(json.loads(msgspec.json.encode(body)))
    assert again.problems == ()
    assert again.draft == draft
    assert again.draft is not None
    assert to_json(wire.encode(journey_of(again.draft))) == written


@settings(max_examples=50, deadline=None)
@given(drafts())
def test_a_document_is_the_same_in_protobuf(draft: JourneyDraft) -> None:
    journey = wire.encode(journey_of(draft))
    request = pb.CreateRequest(
        title=journey.info.title,
        description=journey.info.description,
        params=journey.info.params,
        points=journey.points,
        comments=journey.comments,
    )
    if journey.info.HasField("category_uuid"):
        request.category_uuid = journey.info.category_uuid
    sent = pb.CreateRequest.FromString(request.SerializeToString())
    assert list(unreadable(sent)) == []
    assert wire.decode(sent).draft == draft


def test_every_field_of_the_model_is_in_the_contract_and_no_other() -> None:
    for kind, cls in wire.POINT_CLASSES.items():
        message = pb.PointData.DESCRIPTOR.fields_by_name[kind].message_type
        assert_same_fields(message, cls, extra={"id", "title"})
    assert_same_fields(pb.Params.DESCRIPTOR, model.Settings)


def assert_same_fields(message: Any, cls: type, extra: frozenset[str] | set[str] = frozenset()) -> None:
    fields = {field.encode_name: field for field in msgspec.inspect.type_info(cls).fields}  # type: ignore[attr-defined]
    assert {field.name for field in message.fields} == fields.keys() - extra, message.full_name
    for field in message.fields:
        inner = inner_struct(fields[field.name].type)
        of = field.message_type
        if of is not None and of.GetOptions().map_entry:
            of = of.fields_by_name["value"].message_type
        if inner is not None and of is not None:
            assert_same_fields(of, inner)


def inner_struct(kind: Any) -> type | None:
    match kind:
        case msgspec.inspect.StructType():
            return kind.cls
        case msgspec.inspect.UnionType():
            return next((inner_struct(each) for each in kind.types if inner_struct(each)), None)
        case msgspec.inspect.VarTupleType():
            return inner_struct(kind.item_type)
        case msgspec.inspect.DictType():
            return inner_struct(kind.value_type)
        case _:
            return None


# Reading -----------------------------------------------------------------------------------------------------


def test_camel_case_is_accepted() -> None:
    made = point("wait", uuid=A)
    camel = {
        "uuid": A,
        "pointType": "POINT_TYPE_WAIT",
        "pointData": {"wait": {"durationSeconds": 60}},
        "outputs": {"default": {"info": {"nextPointUuid": B}}},
    }
    assert made["uuid"] == camel["uuid"]
    draft = decoded(document(points=[camel])).draft
    assert draft is not None
    assert draft.graph.points == (p.Wait(id=A, duration_seconds=60),)
    assert draft.graph.edges == (model.Edge(from_=A, output="default", to=B),)


def test_null_counts_as_left_out() -> None:
    draft = decoded(document(points=[point("wait", {"duration_seconds": 60, "until": None})], comments=None)).draft
    assert draft is not None
    assert draft.graph.points == (p.Wait(id=A, duration_seconds=60),)


def test_missing_uuids_are_made() -> None:
    draft = decoded(document(points=[point("exit", uuid="")], comments=[{"text": "hm"}])).draft
    assert draft is not None
    assert draft.graph.points == (p.Exit(id=C),)
    assert draft.comments == (Comment(uuid=C, text="hm"),)


def test_uuids_are_kept_in_lower_case() -> None:
    draft = decoded(document(points=[point("wait", uuid=A.upper(), to=B.upper())])).draft
    assert draft is not None
    assert draft.graph.points[0].id == A
    assert draft.graph.edges[0].to == B


def test_an_instant_keeps_its_moment_whatever_its_offset() -> None:
    draft = decoded(document(points=[point("wait", {"until": {"at": "2026-05-01T09:00:00.25+02:00"}})])).draft
    assert draft is not None
    at = datetime(2026, 5, 1, 7, tzinfo=UTC) + timedelta(milliseconds=250)
    assert draft.graph.points == (p.Wait(id=A, until=p.Until(at=at)),)


def test_an_output_may_lead_nowhere_yet() -> None:
    draft = decoded(document(points=[point("wait", outputs={"default": {"info": {"next_point_uuid": ""}}})])).draft
    assert draft is not None
    assert draft.graph.edges == ()


def test_all_problems_are_found_at_once() -> None:
    body = {
        "foo": 1,
        "params": {"silent_hours": {"fax": {}}, "capping": {"max_entries": 0}, "transactional": "yes"},
        "points": [
            point("wait", {"foo": 2, "duration_seconds": "soon"}, uuid="zz"),
            point("wait", {"duration_seconds": 0, "time_of_day": {"time": "25:00", "timezone": 3}}, uuid=B),
            point("exit", point_type="POINT_TYPE_SEND_PUSH"),
            point("exit", point_data={"exit": {}, "wait": {}}),
            point("start_by_api", {"attributes": [{}, {"name": 1}]}, outputs={"left": {}, "output1": []}),
        ],
    }
    request, problems = read(body)
    found = [
        *problems,
        *(each for each in wire.decode(request).problems if each.where not in {problem.where for problem in problems}),
    ]
    texts = {problem.where: problem.text for problem in found}
    assert texts["foo"] == "unknown field"
    assert texts["title"] == "is required"
    assert texts["params.application_code"] == "is required"
    assert texts["params.transactional"] == "must be true or false"
    assert texts["params.capping.max_entries"] == "must be between 1 and 10000"
    assert texts["params.silent_hours.fax"].startswith("unknown channel; the channels are email, ")
    assert texts["points[0].uuid"] == "must be a uuid"
    assert texts["points[0].point_data.wait.foo"] == "unknown field"
    assert texts["points[0].point_data.wait.duration_seconds"] == "must be a whole number"
    assert texts["points[1].point_data.wait.duration_seconds"] == "must be between 1 and 31622400"
    assert texts["points[1].point_data.wait.time_of_day.time"] == "must be a time of day such as 22:00"
    assert texts["points[1].point_data.wait.time_of_day.timezone"] == "must be a string"
    assert texts["points[2].point_type"].startswith(
        "POINT_TYPE_SEND_PUSH is not available; available: POINT_TYPE_START_BY_SEGMENT, POINT_TYPE_EVENT, "
    )
    assert texts["points[3].point_data.wait"] == "exactly one of the members of points[3].point_data may be given"
    assert texts["points[4].point_data.start_by_api.attributes[0].name"] == "is required"
    assert texts["points[4].point_data.start_by_api.attributes[1].name"] == "must be a string"
    assert texts["points[4].outputs.left"] == "must be named `default`, `output1`, `output2`, …"
    assert texts["points[4].outputs.output1"] == "must be an object"


@pytest.mark.parametrize(
    ("changes", "where", "text"),
    [
        ({"title": 1}, "title", "must be a string"),
        ({"title": " "}, "title", "is required"),
        ({"title": "x" * 256}, "title", "must have at most 255 characters, not 256"),
        ({"title": "a\0b"}, "title", "must not contain the character U+0000"),
        ({"params": None}, "params", "is required"),
        ({"params": []}, "params", "must be an object"),
        ({"points": {}}, "points", "must be a list"),
        ({"points": [1]}, "points[0]", "must be an object"),
        ({"points": [{}]}, "points[0].point_type", f"is required; one of {', '.join(wire.AVAILABLE)}"),
        (
            {"points": [{"point_type": "POINT_TYPE_WAIT"}]},
            "points[0].point_data",
            "must have exactly one key, `wait`, as the point type says",
        ),
        ({"points": [{"point_type": "WAIT"}]}, "points[0].point_type", f"must be one of {', '.join(wire.AVAILABLE)}"),
        ({"points": [{"point_type": 4}]}, "points[0].point_type", f"must be one of {', '.join(wire.AVAILABLE)}"),
        (
            {"points": [point("exit", coordinates={"x": True})]},
            "points[0].coordinates.x",
            "must be a number",
        ),
        (
            {"points": [point("wait", {"until": {"at": "2026-13-01T00:00:00Z"}})]},
            "points[0].point_data.wait.until.at",
            "must be an instant such as 2026-05-01T09:00:00Z",
        ),
        (
            {"points": [point("wait", {"duration_seconds": 2**40})]},
            "points[0].point_data.wait.duration_seconds",
            "must be between -2147483648 and 2147483647",
        ),
        (
            {"points": [point("wait", {"duration_seconds": 1, "durationSeconds": 1})]},
            "points[0].point_data.wait.durationSeconds",
            "given twice, in two spellings",
        ),
        (
            {"points": [point("random_splitter", {"branches": [{"percent": 100}]})]},
            "points[0].point_data.random_splitter.branches",
            "must have at least 2 items",
        ),
        (
            {"points": [point("message_bus", {"event_name": "x", "event_conditions": [condition({})]})]},
            "points[0].point_data.message_bus.event_conditions[0].values[0]",
            "must be a string, a number, true, false or a list of these",
        ),
        (
            {"points": [point("message_bus", {"event_name": "x", "event_conditions": [condition(None)]})]},
            "points[0].point_data.message_bus.event_conditions[0].values[0]",
            "must be a string, a number, true or false",
        ),
        (
            {"points": [point("update_profile", {"operations": [{"tag": "n", "operation": "SET", "value": 2**60}]})]},
            "points[0].point_data.update_profile.operations[0].value",
            "whole numbers beyond 9007199254740992 cannot be kept exactly; a string can",
        ),
        (
            {"points": [point("webhook", {"url": "http://x", "headers": {"a b": 1}})]},
            'points[0].point_data.webhook.headers["a b"]',
            "must be a string",
        ),
        ({"points": [point("exit")] * 501}, "points", "must have at most 500 items, not 501"),
        ({"comments": [{"uuid": "x"}]}, "comments[0].uuid", "must be a uuid"),
        ({"category_uuid": "x"}, "category_uuid", "must be a uuid"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_words(changes: dict[str, Any], where: str, text: str) -> None:
    assert problems_of(document(**changes)).get(where) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "malformed JSON: input data was truncated"),
        (b"[" * 100_000, "malformed JSON: too deeply nested"),
        (b'{"a": NaN}', "malformed JSON: invalid character (byte 6)"),
        (b'{"a": [1e999]}', "malformed JSON: number out of range"),
        (b'{"a": "\xff"}', "malformed JSON: not valid UTF-8"),
        (b'{"a": "\\ud800"}', "malformed JSON: "),
        (b"[]", "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
    ],
)
def test_what_is_no_json_is_refused(body: bytes, text: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(body)
    assert refused.value.text.startswith(text)


def test_an_empty_body_is_an_empty_object() -> None:
    assert parse(b" \n") == {}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
fields = st.sampled_from(
    ["title", "params", "points", "comments", "uuid", "point_type", "point_data", "wait", "until", "at", "outputs",
     "default", "info", "silent_hours", "push", "headers", "webhook", "value", "operations", "update_profile"]
)  # fmt: skip
bodies = st.recursive(
    anything, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(fields, inner, max_size=5), max_leaves=30
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(fields, bodies, max_size=5))
def test_no_json_upsets_the_reader(body: dict[str, Any]) -> None:
    request, problems = read(body)
    found = wire.decode(request)
    assert problems or found.problems or found.draft is not None


def test_deep_values_are_bounded() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    body = document(
        points=[point("update_profile", {"operations": [{"tag": "a", "operation": "SET", "value": value}]})]
    )
    assert "must be a string, a number, true or false" in problems_of(body).values()


def test_a_hostile_body_gets_a_short_answer() -> None:
    _, problems = read({f"x{n}": 1 for n in range(5000)})
    assert len(problems) == 200


CROWDS: dict[str, dict[str, Any]] = {
    "points": {"points": [{}] * 190_000},
    "more points": {"points": [{}] * 1_000_000},
    "comments": {"comments": [{"uuid": "x"}] * 100_000},
    "outputs": {"points": [point("exit", outputs={f"x{n}": {} for n in range(100_000)})]},
    "branches": {"points": [point("random_splitter", {"branches": [{"percent": -1}] * 90_000})]},
    "values": {"points": [point("update_profile", {"operations": [{"value": [1] * 190_000}]})]},
    "headers": {"points": [point("webhook", {"headers": {f"x{n}": "" for n in range(190_000)}})]},
    "days": {"params": {"silent_hours": {"email": {"blocked_days": ["NEVER"] * 190_000}}}},
}


@pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS)
def test_a_crowded_document_is_refused_soon(crowd: dict[str, Any]) -> None:
    began = process_time()
    request, problems = read(document(**crowd))
    found = [*problems, *wire.decode(request).problems]
    assert 1 <= len(found) <= 400
    assert process_time() - began < 5


def test_a_crowded_message_is_refused_soon() -> None:
    request = pb.CreateRequest()
    part = request.points.add().point_data.random_splitter
    for _ in range(200_000):
        part.branches.add()
    began = process_time()
    assert [problem.code for problem in unreadable(request)] == ["document.too_large"]
    assert process_time() - began < 5


# Protobuf ----------------------------------------------------------------------------------------------------


def test_what_only_protobuf_can_say_is_refused() -> None:
    request = pb.CreateRequest(title="a\0", params=pb.Params(application_code="AAAAA-BBBBB"))
    made = request.points.add()
    made.point_type = 99
    made.coordinates.x = float("nan")
    made.point_data.wait.until.at.seconds = 2**60
    made.point_data.MergeFromString(b"\xfa\x3f\x01a")
    request.points.add().point_data.update_profile.operations.add().value.struct_value["a"] = 1
    texts = {problem.where: problem.text for problem in unreadable(request)}
    assert texts["title"] == "must not contain the character U+0000"
    assert texts["points[0].point_type"].startswith("must be one of POINT_TYPE_START_BY_SEGMENT, ")
    assert texts["points[0].coordinates.x"] == "must be a number"
    assert texts["points[0].point_data.wait.until.at"] == "must be an instant between the years 1 and 9999"
    assert texts['points[0].point_data["#1023"]'] == "unknown field"
    where = "points[1].point_data.update_profile.operations[0].value"
    assert texts[where] == "must be a string, a number, true, false or a list of these"


def test_many_violations_fit_into_metadata() -> None:
    problems = tuple(Problem("field.unknown", f"points[{n}].point_data.wait.foo", "unknown field") for n in range(200))
    status = fitting(rpc_status(InvalidDocument("much is wrong", problems=problems)))
    assert 1_000 < status.ByteSize() <= DETAILS_MAX
    detail = BadRequest()
    status.details[0].Unpack(detail)
    shown = len(detail.field_violations)
    assert status.message == f"much is wrong [the details hold {shown} of 200 violations]"


def test_a_long_message_fits_into_metadata() -> None:
    status = fitting(rpc_status(InvalidDocument("ä" * 5_000)))
    assert status.message == f"{'ä' * 500}… [9000 bytes more]"


# Writing -----------------------------------------------------------------------------------------------------


def test_info_tells_what_the_journey_is() -> None:
    draft = JourneyDraft(
        title="Welcome",
        graph=model.Graph(
            points=(
                p.StartBySegment(id=A, filter="x", repeat=schedule.SegmentRepeat(dates=("2026-05-01T09:00",))),
                p.Exit(id=B),
                p.Exit(id=C),
            ),
            settings=model.Settings(application_code="AAAAA-BBBBB"),
        ),
    )
    info = to_json(wire.encode(journey_of(draft)))["info"]
    assert info["uuid"] == "00000000-0000-0000-0000-000000000007"
    assert info["status"] == "STATUS_DRAFT"
    assert info["created_at"] == "2026-05-01T12:00:00Z"
    assert info["pointCounts"] == {"POINT_TYPE_EXIT": 2, "POINT_TYPE_START_BY_SEGMENT": 1}
    assert info["campaign_type"] == "AudienceBased"
    assert info["dynamic_entry"] is True
    assert info["is_first_activated"] is False
    assert info["params"]["application_code"] == "AAAAA-BBBBB"
    assert "category_uuid" not in info


@pytest.mark.parametrize(
    ("trigger", "expected"), [("MATCHING", False), ("DYNAMIC", True), ("JOINING", True), ("LEAVING", False)]
)
def test_info_tells_whether_later_matches_come_in(trigger: p.Trigger, expected: bool) -> None:
    graph = model.Graph(
        points=(p.StartBySegment(id=A, filter="x", trigger=trigger), p.Exit(id=B)),
        settings=model.Settings(application_code="AAAAA-BBBBB"),
    )
    message = to_json(wire.encode(journey_of(JourneyDraft(title="Welcome", graph=graph))))
    assert message["info"]["dynamic_entry"] is expected
    assert message["points"][0]["point_data"]["start_by_segment"]["trigger"] == trigger


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), "TriggerBased"),
        ((p.MessageBus(id=A, event_name="x"),), "TriggerBased"),
        ((p.StartByApi(id=A), p.StartByApi(id=B)), "ApiBased"),
        ((p.StartByApi(id=A), p.StartBySegment(id=B)), "Mixed"),
    ],
)
def test_campaign_type(entries: tuple[p.AnyPoint, ...], expected: str) -> None:
    settings = model.Settings(application_code="AAAAA-BBBBB")
    assert wire.campaign_type(model.Graph(points=entries, settings=settings)) == expected


def numbers(**messages: int) -> Statistics:
    row = PointNumbers(
        point=A, title="Hello", kind="send_email", entered=9, inside=1, left={"default": 8}, dropped={"no address": 1},
        stopped=0, completed=0, goals=0, messages=messages, series=((NOON, 9, 8),),
    )  # fmt: skip
    return Statistics(
        journey=UUID(int=7), title="Welcome", entered=9, inside=1, departed={"completed": 8}, points=(row,)
    )


def test_statistics_of_an_email() -> None:
    email = p.SendEmail(id=A, title="Hello", campaign_code="AAAAA-00000", preset_code="12345-67890")
    graph = model.Graph(points=(p.Exit(id=B), email), settings=model.Settings(application_code="AAAAA-BBBBB"))
    assert to_json(statistics.message_rows(numbers(sent=22648, opened=60, clicked=3), graph)) == {
        "payload": {
            "title": "Welcome",
            "points": [
                {
                    "pointTitle": "Hello",
                    "campaignCode": "AAAAA-00000",
                    "presetCode": "12345-67890",
                    "pointStat": {
                        "sent": 22648,
                        "opened": 60,
                        "conversion": 0.26492405510420347,
                        "clicked": 3,
                        "unsubscribed": 0,
                        "softBounces": 0,
                        "hardBounces": 0,
                        "complaints": 0,
                    },
                }
            ],
        }
    }


def test_nothing_sent_is_no_conversion() -> None:
    assert statistics.conversion(0, 0) == 0


def test_statistics_of_all_points() -> None:
    payload = to_json(statistics.point_rows(numbers(sent=8)))["payload"]
    assert payload["points"] == [
        {
            "uuid": A, "title": "Hello", "point_type": "POINT_TYPE_SEND_EMAIL", "entered": 9, "inside": 1,
            "left": {"default": 8}, "dropped": {"no address": 1}, "stopped": 0, "completed": 0, "goals": 0,
            "messages": {"sent": 8}, "series": [{"from": "2026-05-01T12:00:00Z", "entered": 9, "left": 8}],
            "goal_exits": 0, "control": 0,
        }
    ]  # fmt: skip


def test_the_legacy_list_has_its_metadata_key() -> None:
    written = to_json(pb.ListLegacyResponse(metadata={"page": 1, "page_count": 2, "total_count": 21}))
    assert written == {"_metadata": {"page": 1, "page_count": 2, "total_count": 21}}


# Places ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "where"),
    [
        (Problem("output.unwired", f"points/{B}", ""), "points[1].outputs"),
        (Problem("point.unreachable", f"points/{B}", ""), "points[1]"),
        (Problem("x", f"points/{B}/time_of_day/timezone", ""), "points[1].point_data.wait.time_of_day.timezone"),
        (Problem("x", f"points/{A}/attributes/0", ""), "points[0].point_data.start_by_api.attributes[0]"),
        (Problem("x", "settings/silent_hours/push", ""), "params.silent_hours.push"),
        (Problem("x", f"edges/{A}/default", ""), "points[0].outputs.default"),
        (Problem("x", "graph/points/1/duration_seconds", ""), "points[1].point_data.wait.duration_seconds"),
        (Problem("x", "points", ""), "points"),
        (Problem("x", "comments/3", ""), "comments[3]"),
        (Problem("x", f"points/{B}/headers/²", ""), 'points[1].point_data.wait.headers["²"]'),
        (Problem("x", "graph/points/²/id", ""), 'points["²"].id'),
        (Problem("x", f"points/{B}/headers/{part('a/b')}", ""), 'points[1].point_data.wait.headers["a/b"]'),
        (Problem("x", f"points/{B}/headers/{part('0')}", ""), "points[1].point_data.wait.headers.0"),
        (Problem("x", f"points/{B}/headers/{part('x.y~1')}", ""), 'points[1].point_data.wait.headers["x.y~1"]'),
    ],
)
def test_places_are_said_in_the_words_of_the_contract(problem: Problem, where: str) -> None:
    graph = model.Graph(
        points=(p.StartByApi(id=A), p.Wait(id=B)), settings=model.Settings(application_code="AAAAA-BBBBB")
    )
    assert wire.placed((problem,), graph)[0].where == where


def test_names_that_look_like_numbers_are_no_places_in_a_list() -> None:
    problems = (Problem("x", "attribute_values/²", ""), Problem("x", f"attribute_values/{'9' * 5000}", ""))
    first, second = (problem.where for problem in wire.within(problems, "payload"))
    assert first == 'payload.attribute_values["²"]'
    assert second == f'payload.attribute_values["{"9" * 100}"]'


def test_plain_values_of_the_wrong_type_are_misfits() -> None:
    class Inner(msgspec.Struct):
        flag: bool

    class Outer(msgspec.Struct):
        inner: Inner
        count: int = 0
        share: float = 0
        tags: dict[str, Any] = {}
        names: tuple[str, ...] = ()

    found = misfits({"inner": {"flag": 1}, "count": True, "share": "x", "tags": [], "names": [1], "more": 1}, Outer, "")
    assert {problem.where: problem.text for problem in found} == {
        "more": "unknown field",
        "inner.flag": "must be true or false",
        "count": "must be a whole number",
        "share": "must be a number",
        "tags": "must be an object",
        "names[0]": "must be a string",
    }
