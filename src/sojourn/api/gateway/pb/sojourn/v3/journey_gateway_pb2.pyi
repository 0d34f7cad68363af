import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    STATUS_DRAFT: _ClassVar[Status]
    STATUS_RUNNING: _ClassVar[Status]
    STATUS_PAUSED: _ClassVar[Status]
    STATUS_FINISHED: _ClassVar[Status]
    STATUS_ARCHIVED: _ClassVar[Status]

class MatchType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MATCH_TYPE_UNSPECIFIED: _ClassVar[MatchType]
    EXACT: _ClassVar[MatchType]
    CONTAINS: _ClassVar[MatchType]
    STARTS_WITH: _ClassVar[MatchType]
    ENDS_WITH: _ClassVar[MatchType]
    REGEX: _ClassVar[MatchType]

class PointType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POINT_TYPE_UNSPECIFIED: _ClassVar[PointType]
    POINT_TYPE_START_BY_SEGMENT: _ClassVar[PointType]
    POINT_TYPE_EVENT: _ClassVar[PointType]
    POINT_TYPE_START_BY_API: _ClassVar[PointType]
    POINT_TYPE_WAIT: _ClassVar[PointType]
    POINT_TYPE_WAIT_FOR_TRIGGER: _ClassVar[PointType]
    POINT_TYPE_BOOLEAN_SPLITTER: _ClassVar[PointType]
    POINT_TYPE_VALUE_SPLITTER: _ClassVar[PointType]
    POINT_TYPE_RANDOM_SPLITTER: _ClassVar[PointType]
    POINT_TYPE_REACHABILITY_CHECK: _ClassVar[PointType]
    POINT_TYPE_TIME_SPLITTER: _ClassVar[PointType]
    POINT_TYPE_UPDATE_PROFILE: _ClassVar[PointType]
    POINT_TYPE_WEBHOOK: _ClassVar[PointType]
    POINT_TYPE_START_JOURNEY: _ClassVar[PointType]
    POINT_TYPE_GOAL: _ClassVar[PointType]
    POINT_TYPE_EXIT: _ClassVar[PointType]
    POINT_TYPE_SEND_PUSH: _ClassVar[PointType]
    POINT_TYPE_SEND_EMAIL: _ClassVar[PointType]
    POINT_TYPE_SEND_SMS: _ClassVar[PointType]
    POINT_TYPE_SEND_WHATSAPP: _ClassVar[PointType]
    POINT_TYPE_SEND_LINE: _ClassVar[PointType]
    POINT_TYPE_SEND_IN_APP: _ClassVar[PointType]
    POINT_TYPE_CONTENT: _ClassVar[PointType]
    POINT_TYPE_URL_MATCH: _ClassVar[PointType]
    POINT_TYPE_ELEMENT_CLICK: _ClassVar[PointType]
    POINT_TYPE_CONDITION: _ClassVar[PointType]
    POINT_TYPE_GOAL_CHECK: _ClassVar[PointType]

class DurationUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURATION_UNIT_UNSPECIFIED: _ClassVar[DurationUnit]
    SECONDS: _ClassVar[DurationUnit]
    MINUTES: _ClassVar[DurationUnit]
    HOURS: _ClassVar[DurationUnit]
    DAYS: _ClassVar[DurationUnit]
    WEEKS: _ClassVar[DurationUnit]

class Weekday(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEEKDAY_UNSPECIFIED: _ClassVar[Weekday]
    MONDAY: _ClassVar[Weekday]
    TUESDAY: _ClassVar[Weekday]
    WEDNESDAY: _ClassVar[Weekday]
    THURSDAY: _ClassVar[Weekday]
    FRIDAY: _ClassVar[Weekday]
    SATURDAY: _ClassVar[Weekday]
    SUNDAY: _ClassVar[Weekday]

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    TAG: _ClassVar[Source]
    EVENT: _ClassVar[Source]
    ENTRY: _ClassVar[Source]
STATUS_UNSPECIFIED: Status
STATUS_DRAFT: Status
STATUS_RUNNING: Status
STATUS_PAUSED: Status
STATUS_FINISHED: Status
STATUS_ARCHIVED: Status
MATCH_TYPE_UNSPECIFIED: MatchType
EXACT: MatchType
CONTAINS: MatchType
STARTS_WITH: MatchType
ENDS_WITH: MatchType
REGEX: MatchType
POINT_TYPE_UNSPECIFIED: PointType
POINT_TYPE_START_BY_SEGMENT: PointType
POINT_TYPE_EVENT: PointType
POINT_TYPE_START_BY_API: PointType
POINT_TYPE_WAIT: PointType
POINT_TYPE_WAIT_FOR_TRIGGER: PointType
POINT_TYPE_BOOLEAN_SPLITTER: PointType
POINT_TYPE_VALUE_SPLITTER: PointType
POINT_TYPE_RANDOM_SPLITTER: PointType
POINT_TYPE_REACHABILITY_CHECK: PointType
POINT_TYPE_TIME_SPLITTER: PointType
POINT_TYPE_UPDATE_PROFILE: PointType
POINT_TYPE_WEBHOOK: PointType
POINT_TYPE_START_JOURNEY: PointType
POINT_TYPE_GOAL: PointType
POINT_TYPE_EXIT: PointType
POINT_TYPE_SEND_PUSH: PointType
POINT_TYPE_SEND_EMAIL: PointType
POINT_TYPE_SEND_SMS: PointType
POINT_TYPE_SEND_WHATSAPP: PointType
POINT_TYPE_SEND_LINE: PointType
POINT_TYPE_SEND_IN_APP: PointType
POINT_TYPE_CONTENT: PointType
POINT_TYPE_URL_MATCH: PointType
POINT_TYPE_ELEMENT_CLICK: PointType
POINT_TYPE_CONDITION: PointType
POINT_TYPE_GOAL_CHECK: PointType
DURATION_UNIT_UNSPECIFIED: DurationUnit
SECONDS: DurationUnit
MINUTES: DurationUnit
HOURS: DurationUnit
DAYS: DurationUnit
WEEKS: DurationUnit
WEEKDAY_UNSPECIFIED: Weekday
MONDAY: Weekday
TUESDAY: Weekday
WEDNESDAY: Weekday
THURSDAY: Weekday
FRIDAY: Weekday
SATURDAY: Weekday
SUNDAY: Weekday
SOURCE_UNSPECIFIED: Source
TAG: Source
EVENT: Source
ENTRY: Source

class CreateRequest(_message.Message):
    __slots__ = ("title", "params", "points", "comments", "description", "category_uuid")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_UUID_FIELD_NUMBER: _ClassVar[int]
    title: str
    params: Params
    points: _containers.RepeatedCompositeFieldContainer[Point]
    comments: _containers.RepeatedCompositeFieldContainer[Comment]
    description: str
    category_uuid: str
    def __init__(self, title: _Optional[str] = ..., params: _Optional[_Union[Params, _Mapping]] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ..., comments: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ..., description: _Optional[str] = ..., category_uuid: _Optional[str] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("uuid", "title", "params", "points", "comments", "description", "category_uuid")
    UUID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    title: str
    params: Params
    points: _containers.RepeatedCompositeFieldContainer[Point]
    comments: _containers.RepeatedCompositeFieldContainer[Comment]
    description: str
    category_uuid: str
    def __init__(self, uuid: _Optional[str] = ..., title: _Optional[str] = ..., params: _Optional[_Union[Params, _Mapping]] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ..., comments: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ..., description: _Optional[str] = ..., category_uuid: _Optional[str] = ...) -> None: ...

class ValidateResponse(_message.Message):
    __slots__ = ("is_valid", "problems", "warnings")
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    is_valid: bool
    problems: _containers.RepeatedCompositeFieldContainer[Violation]
    warnings: _containers.RepeatedCompositeFieldContainer[Violation]
    def __init__(self, is_valid: _Optional[bool] = ..., problems: _Optional[_Iterable[_Union[Violation, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[Violation, _Mapping]]] = ...) -> None: ...

class Violation(_message.Message):
    __slots__ = ("field", "code", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    code: str
    description: str
    def __init__(self, field: _Optional[str] = ..., code: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("uuid",)
    UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    def __init__(self, uuid: _Optional[str] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("page", "page_size", "status", "application_code", "search")
    PAGE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    page: int
    page_size: int
    status: Status
    application_code: str
    search: str
    def __init__(self, page: _Optional[int] = ..., page_size: _Optional[int] = ..., status: _Optional[_Union[Status, str]] = ..., application_code: _Optional[str] = ..., search: _Optional[str] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("items", "page", "page_size", "total_count")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Journey]
    page: int
    page_size: int
    total_count: int
    def __init__(self, items: _Optional[_Iterable[_Union[Journey, _Mapping]]] = ..., page: _Optional[int] = ..., page_size: _Optional[int] = ..., total_count: _Optional[int] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("uuid",)
    UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    def __init__(self, uuid: _Optional[str] = ...) -> None: ...

class LifecycleRequest(_message.Message):
    __slots__ = ("uuid",)
    UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    def __init__(self, uuid: _Optional[str] = ...) -> None: ...

class StartExternalRequest(_message.Message):
    __slots__ = ("id", "payload")
    class Payload(_message.Message):
        __slots__ = ("users", "hwids", "filter", "attribute_values")
        class AttributeValuesEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: str
            def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
        USERS_FIELD_NUMBER: _ClassVar[int]
        HWIDS_FIELD_NUMBER: _ClassVar[int]
        FILTER_FIELD_NUMBER: _ClassVar[int]
        ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
        users: _containers.RepeatedScalarFieldContainer[str]
        hwids: _containers.RepeatedScalarFieldContainer[str]
        filter: str
        attribute_values: _containers.ScalarMap[str, str]
        def __init__(self, users: _Optional[_Iterable[str]] = ..., hwids: _Optional[_Iterable[str]] = ..., filter: _Optional[str] = ..., attribute_values: _Optional[_Mapping[str, str]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    id: str
    payload: StartExternalRequest.Payload
    def __init__(self, id: _Optional[str] = ..., payload: _Optional[_Union[StartExternalRequest.Payload, _Mapping]] = ...) -> None: ...

class StartExternalResponse(_message.Message):
    __slots__ = ("request_uuid",)
    REQUEST_UUID_FIELD_NUMBER: _ClassVar[int]
    request_uuid: str
    def __init__(self, request_uuid: _Optional[str] = ...) -> None: ...

class GetStartExternalRequest(_message.Message):
    __slots__ = ("id", "request_uuid")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_UUID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_uuid: str
    def __init__(self, id: _Optional[str] = ..., request_uuid: _Optional[str] = ...) -> None: ...

class GetStartExternalResponse(_message.Message):
    __slots__ = ("request_uuid", "accepted", "entered", "refused")
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    REQUEST_UUID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ENTERED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    request_uuid: str
    accepted: int
    entered: int
    refused: _containers.ScalarMap[str, int]
    def __init__(self, request_uuid: _Optional[str] = ..., accepted: _Optional[int] = ..., entered: _Optional[int] = ..., refused: _Optional[_Mapping[str, int]] = ...) -> None: ...

class StatisticsExternalRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class StatisticsExternalResponse(_message.Message):
    __slots__ = ("payload",)
    class Payload(_message.Message):
        __slots__ = ("title", "points")
        TITLE_FIELD_NUMBER: _ClassVar[int]
        POINTS_FIELD_NUMBER: _ClassVar[int]
        title: str
        points: _containers.RepeatedCompositeFieldContainer[StatisticsExternalResponse.Row]
        def __init__(self, title: _Optional[str] = ..., points: _Optional[_Iterable[_Union[StatisticsExternalResponse.Row, _Mapping]]] = ...) -> None: ...
    class Row(_message.Message):
        __slots__ = ("pointTitle", "campaignCode", "presetCode", "pointStat")
        POINTTITLE_FIELD_NUMBER: _ClassVar[int]
        CAMPAIGNCODE_FIELD_NUMBER: _ClassVar[int]
        PRESETCODE_FIELD_NUMBER: _ClassVar[int]
        POINTSTAT_FIELD_NUMBER: _ClassVar[int]
        pointTitle: str
        campaignCode: str
        presetCode: str
        pointStat: StatisticsExternalResponse.PointStat
        def __init__(self, pointTitle: _Optional[str] = ..., campaignCode: _Optional[str] = ..., presetCode: _Optional[str] = ..., pointStat: _Optional[_Union[StatisticsExternalResponse.PointStat, _Mapping]] = ...) -> None: ...
    class PointStat(_message.Message):
        __slots__ = ("sent", "opened", "conversion", "clicked", "unsubscribed", "softBounces", "hardBounces", "complaints", "shows", "interactions", "skipped")
        SENT_FIELD_NUMBER: _ClassVar[int]
        OPENED_FIELD_NUMBER: _ClassVar[int]
        CONVERSION_FIELD_NUMBER: _ClassVar[int]
        CLICKED_FIELD_NUMBER: _ClassVar[int]
        UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
        SOFTBOUNCES_FIELD_NUMBER: _ClassVar[int]
        HARDBOUNCES_FIELD_NUMBER: _ClassVar[int]
        COMPLAINTS_FIELD_NUMBER: _ClassVar[int]
        SHOWS_FIELD_NUMBER: _ClassVar[int]
        INTERACTIONS_FIELD_NUMBER: _ClassVar[int]
        SKIPPED_FIELD_NUMBER: _ClassVar[int]
        sent: int
        opened: int
        conversion: float
        clicked: int
        unsubscribed: int
        softBounces: int
        hardBounces: int
        complaints: int
        shows: int
        interactions: int
        skipped: int
        def __init__(self, sent: _Optional[int] = ..., opened: _Optional[int] = ..., conversion: _Optional[float] = ..., clicked: _Optional[int] = ..., unsubscribed: _Optional[int] = ..., softBounces: _Optional[int] = ..., hardBounces: _Optional[int] = ..., complaints: _Optional[int] = ..., shows: _Optional[int] = ..., interactions: _Optional[int] = ..., skipped: _Optional[int] = ...) -> None: ...
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: StatisticsExternalResponse.Payload
    def __init__(self, payload: _Optional[_Union[StatisticsExternalResponse.Payload, _Mapping]] = ...) -> None: ...

class StatisticsPointsRequest(_message.Message):
    __slots__ = ("id", "to", "interval")
    ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    id: str
    to: _timestamp_pb2.Timestamp
    interval: str
    def __init__(self, id: _Optional[str] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., interval: _Optional[str] = ..., **kwargs) -> None: ...

class StatisticsPointsResponse(_message.Message):
    __slots__ = ("payload",)
    class Payload(_message.Message):
        __slots__ = ("uuid", "title", "entered", "inside", "departed", "points", "goals")
        class DepartedEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: int
            def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
        UUID_FIELD_NUMBER: _ClassVar[int]
        TITLE_FIELD_NUMBER: _ClassVar[int]
        ENTERED_FIELD_NUMBER: _ClassVar[int]
        INSIDE_FIELD_NUMBER: _ClassVar[int]
        DEPARTED_FIELD_NUMBER: _ClassVar[int]
        POINTS_FIELD_NUMBER: _ClassVar[int]
        GOALS_FIELD_NUMBER: _ClassVar[int]
        uuid: str
        title: str
        entered: int
        inside: int
        departed: _containers.ScalarMap[str, int]
        points: _containers.RepeatedCompositeFieldContainer[StatisticsPointsResponse.PointNumbers]
        goals: _containers.RepeatedCompositeFieldContainer[StatisticsPointsResponse.GoalNumbers]
        def __init__(self, uuid: _Optional[str] = ..., title: _Optional[str] = ..., entered: _Optional[int] = ..., inside: _Optional[int] = ..., departed: _Optional[_Mapping[str, int]] = ..., points: _Optional[_Iterable[_Union[StatisticsPointsResponse.PointNumbers, _Mapping]]] = ..., goals: _Optional[_Iterable[_Union[StatisticsPointsResponse.GoalNumbers, _Mapping]]] = ...) -> None: ...
    class GoalNumbers(_message.Message):
        __slots__ = ("name", "treated", "control", "uplift", "p_value")
        NAME_FIELD_NUMBER: _ClassVar[int]
        TREATED_FIELD_NUMBER: _ClassVar[int]
        CONTROL_FIELD_NUMBER: _ClassVar[int]
        UPLIFT_FIELD_NUMBER: _ClassVar[int]
        P_VALUE_FIELD_NUMBER: _ClassVar[int]
        name: str
        treated: StatisticsPointsResponse.Converted
        control: StatisticsPointsResponse.Converted
        uplift: float
        p_value: float
        def __init__(self, name: _Optional[str] = ..., treated: _Optional[_Union[StatisticsPointsResponse.Converted, _Mapping]] = ..., control: _Optional[_Union[StatisticsPointsResponse.Converted, _Mapping]] = ..., uplift: _Optional[float] = ..., p_value: _Optional[float] = ...) -> None: ...
    class Converted(_message.Message):
        __slots__ = ("people", "conversions", "rate", "value")
        PEOPLE_FIELD_NUMBER: _ClassVar[int]
        CONVERSIONS_FIELD_NUMBER: _ClassVar[int]
        RATE_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        people: int
        conversions: int
        rate: float
        value: float
        def __init__(self, people: _Optional[int] = ..., conversions: _Optional[int] = ..., rate: _Optional[float] = ..., value: _Optional[float] = ...) -> None: ...
    class PointNumbers(_message.Message):
        __slots__ = ("uuid", "title", "point_type", "entered", "inside", "left", "dropped", "stopped", "completed", "goals", "messages", "series", "goal_exits", "control", "contest")
        class LeftEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: int
            def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
        class DroppedEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: int
            def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
        class MessagesEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: int
            def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
        UUID_FIELD_NUMBER: _ClassVar[int]
        TITLE_FIELD_NUMBER: _ClassVar[int]
        POINT_TYPE_FIELD_NUMBER: _ClassVar[int]
        ENTERED_FIELD_NUMBER: _ClassVar[int]
        INSIDE_FIELD_NUMBER: _ClassVar[int]
        LEFT_FIELD_NUMBER: _ClassVar[int]
        DROPPED_FIELD_NUMBER: _ClassVar[int]
        STOPPED_FIELD_NUMBER: _ClassVar[int]
        COMPLETED_FIELD_NUMBER: _ClassVar[int]
        GOALS_FIELD_NUMBER: _ClassVar[int]
        MESSAGES_FIELD_NUMBER: _ClassVar[int]
        SERIES_FIELD_NUMBER: _ClassVar[int]
        GOAL_EXITS_FIELD_NUMBER: _ClassVar[int]
        CONTROL_FIELD_NUMBER: _ClassVar[int]
        CONTEST_FIELD_NUMBER: _ClassVar[int]
        uuid: str
        title: str
        point_type: PointType
        entered: int
        inside: int
        left: _containers.ScalarMap[str, int]
        dropped: _containers.ScalarMap[str, int]
        stopped: int
        completed: int
        goals: int
        messages: _containers.ScalarMap[str, int]
        series: _containers.RepeatedCompositeFieldContainer[StatisticsPointsResponse.Interval]
        goal_exits: int
        control: int
        contest: StatisticsPointsResponse.Contest
        def __init__(self, uuid: _Optional[str] = ..., title: _Optional[str] = ..., point_type: _Optional[_Union[PointType, str]] = ..., entered: _Optional[int] = ..., inside: _Optional[int] = ..., left: _Optional[_Mapping[str, int]] = ..., dropped: _Optional[_Mapping[str, int]] = ..., stopped: _Optional[int] = ..., completed: _Optional[int] = ..., goals: _Optional[int] = ..., messages: _Optional[_Mapping[str, int]] = ..., series: _Optional[_Iterable[_Union[StatisticsPointsResponse.Interval, _Mapping]]] = ..., goal_exits: _Optional[int] = ..., control: _Optional[int] = ..., contest: _Optional[_Union[StatisticsPointsResponse.Contest, _Mapping]] = ...) -> None: ...
    class Contest(_message.Message):
        __slots__ = ("branches", "winner", "decided_at", "is_automatic", "p_value")
        BRANCHES_FIELD_NUMBER: _ClassVar[int]
        WINNER_FIELD_NUMBER: _ClassVar[int]
        DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
        IS_AUTOMATIC_FIELD_NUMBER: _ClassVar[int]
        P_VALUE_FIELD_NUMBER: _ClassVar[int]
        branches: _containers.RepeatedCompositeFieldContainer[StatisticsPointsResponse.Branch]
        winner: str
        decided_at: _timestamp_pb2.Timestamp
        is_automatic: bool
        p_value: float
        def __init__(self, branches: _Optional[_Iterable[_Union[StatisticsPointsResponse.Branch, _Mapping]]] = ..., winner: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_automatic: _Optional[bool] = ..., p_value: _Optional[float] = ...) -> None: ...
    class Branch(_message.Message):
        __slots__ = ("output", "people", "conversions", "rate")
        OUTPUT_FIELD_NUMBER: _ClassVar[int]
        PEOPLE_FIELD_NUMBER: _ClassVar[int]
        CONVERSIONS_FIELD_NUMBER: _ClassVar[int]
        RATE_FIELD_NUMBER: _ClassVar[int]
        output: str
        people: int
        conversions: int
        rate: float
        def __init__(self, output: _Optional[str] = ..., people: _Optional[int] = ..., conversions: _Optional[int] = ..., rate: _Optional[float] = ...) -> None: ...
    class Interval(_message.Message):
        __slots__ = ("entered", "left")
        FROM_FIELD_NUMBER: _ClassVar[int]
        ENTERED_FIELD_NUMBER: _ClassVar[int]
        LEFT_FIELD_NUMBER: _ClassVar[int]
        entered: int
        left: int
        def __init__(self, entered: _Optional[int] = ..., left: _Optional[int] = ..., **kwargs) -> None: ...
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: StatisticsPointsResponse.Payload
    def __init__(self, payload: _Optional[_Union[StatisticsPointsResponse.Payload, _Mapping]] = ...) -> None: ...

class ChooseWinnerRequest(_message.Message):
    __slots__ = ("id", "point_uuid", "output")
    ID_FIELD_NUMBER: _ClassVar[int]
    POINT_UUID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    id: str
    point_uuid: str
    output: str
    def __init__(self, id: _Optional[str] = ..., point_uuid: _Optional[str] = ..., output: _Optional[str] = ...) -> None: ...

class ChooseWinnerResponse(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    def __init__(self, success: _Optional[bool] = ...) -> None: ...

class DropUsersExternalRequest(_message.Message):
    __slots__ = ("user_ids", "journey_uuids", "all_journeys")
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    JOURNEY_UUIDS_FIELD_NUMBER: _ClassVar[int]
    ALL_JOURNEYS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    journey_uuids: _containers.RepeatedScalarFieldContainer[str]
    all_journeys: bool
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ..., journey_uuids: _Optional[_Iterable[str]] = ..., all_journeys: _Optional[bool] = ...) -> None: ...

class DropUsersExternalResponse(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    def __init__(self, success: _Optional[bool] = ...) -> None: ...

class ListLegacyRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: int
    def __init__(self, page: _Optional[int] = ...) -> None: ...

class ListLegacyResponse(_message.Message):
    __slots__ = ("metadata", "payload")
    class Metadata(_message.Message):
        __slots__ = ("page", "page_count", "total_count")
        PAGE_FIELD_NUMBER: _ClassVar[int]
        PAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
        TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
        page: int
        page_count: int
        total_count: int
        def __init__(self, page: _Optional[int] = ..., page_count: _Optional[int] = ..., total_count: _Optional[int] = ...) -> None: ...
    class Payload(_message.Message):
        __slots__ = ("items",)
        ITEMS_FIELD_NUMBER: _ClassVar[int]
        items: _containers.RepeatedCompositeFieldContainer[ListLegacyResponse.Item]
        def __init__(self, items: _Optional[_Iterable[_Union[ListLegacyResponse.Item, _Mapping]]] = ...) -> None: ...
    class Item(_message.Message):
        __slots__ = ("id", "title", "status", "createdAt")
        ID_FIELD_NUMBER: _ClassVar[int]
        TITLE_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        CREATEDAT_FIELD_NUMBER: _ClassVar[int]
        id: str
        title: str
        status: Status
        createdAt: _timestamp_pb2.Timestamp
        def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., status: _Optional[_Union[Status, str]] = ..., createdAt: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    metadata: ListLegacyResponse.Metadata
    payload: ListLegacyResponse.Payload
    def __init__(self, metadata: _Optional[_Union[ListLegacyResponse.Metadata, _Mapping]] = ..., payload: _Optional[_Union[ListLegacyResponse.Payload, _Mapping]] = ...) -> None: ...

class Journey(_message.Message):
    __slots__ = ("info", "points", "comments")
    INFO_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    info: Info
    points: _containers.RepeatedCompositeFieldContainer[Point]
    comments: _containers.RepeatedCompositeFieldContainer[Comment]
    def __init__(self, info: _Optional[_Union[Info, _Mapping]] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ..., comments: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ...) -> None: ...

class Info(_message.Message):
    __slots__ = ("uuid", "title", "status", "created_at", "updated_at", "is_first_activated", "params", "category_uuid", "pointCounts", "campaign_type", "stop_reason", "last_edited_by", "dynamic_entry", "version", "description")
    class PointCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    UUID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    IS_FIRST_ACTIVATED_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_UUID_FIELD_NUMBER: _ClassVar[int]
    POINTCOUNTS_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_TYPE_FIELD_NUMBER: _ClassVar[int]
    STOP_REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_EDITED_BY_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_ENTRY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    title: str
    status: Status
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    is_first_activated: bool
    params: Params
    category_uuid: str
    pointCounts: _containers.ScalarMap[str, int]
    campaign_type: str
    stop_reason: str
    last_edited_by: str
    dynamic_entry: bool
    version: int
    description: str
    def __init__(self, uuid: _Optional[str] = ..., title: _Optional[str] = ..., status: _Optional[_Union[Status, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_first_activated: _Optional[bool] = ..., params: _Optional[_Union[Params, _Mapping]] = ..., category_uuid: _Optional[str] = ..., pointCounts: _Optional[_Mapping[str, int]] = ..., campaign_type: _Optional[str] = ..., stop_reason: _Optional[str] = ..., last_edited_by: _Optional[str] = ..., dynamic_entry: _Optional[bool] = ..., version: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...

class Params(_message.Message):
    __slots__ = ("application_code", "silent_hours", "capping", "conversion_window", "user_id_track_change_policy", "conversion_goals", "control_group_percent", "transactional", "resume_policy", "removed_points", "conduct", "goal", "audience_code", "admits_anonymous")
    class UserIdTrackChangePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        USER_ID_TRACK_CHANGE_POLICY_UNSPECIFIED: _ClassVar[Params.UserIdTrackChangePolicy]
        USER_ID_TRACK_CHANGE_POLICY_KEEP: _ClassVar[Params.UserIdTrackChangePolicy]
        USER_ID_TRACK_CHANGE_POLICY_DROP: _ClassVar[Params.UserIdTrackChangePolicy]
    USER_ID_TRACK_CHANGE_POLICY_UNSPECIFIED: Params.UserIdTrackChangePolicy
    USER_ID_TRACK_CHANGE_POLICY_KEEP: Params.UserIdTrackChangePolicy
    USER_ID_TRACK_CHANGE_POLICY_DROP: Params.UserIdTrackChangePolicy
    class ResumePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RESUME_POLICY_UNSPECIFIED: _ClassVar[Params.ResumePolicy]
        RESUME_CONTINUE: _ClassVar[Params.ResumePolicy]
        RESUME_SPREAD: _ClassVar[Params.ResumePolicy]
        RESUME_SHIFT: _ClassVar[Params.ResumePolicy]
        RESUME_DROP_OVERDUE: _ClassVar[Params.ResumePolicy]
    RESUME_POLICY_UNSPECIFIED: Params.ResumePolicy
    RESUME_CONTINUE: Params.ResumePolicy
    RESUME_SPREAD: Params.ResumePolicy
    RESUME_SHIFT: Params.ResumePolicy
    RESUME_DROP_OVERDUE: Params.ResumePolicy
    class RemovedPoints(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REMOVED_POINTS_UNSPECIFIED: _ClassVar[Params.RemovedPoints]
        CONTINUE: _ClassVar[Params.RemovedPoints]
        DROP: _ClassVar[Params.RemovedPoints]
    REMOVED_POINTS_UNSPECIFIED: Params.RemovedPoints
    CONTINUE: Params.RemovedPoints
    DROP: Params.RemovedPoints
    class SilentHoursEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: SilentHours
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[SilentHours, _Mapping]] = ...) -> None: ...
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    SILENT_HOURS_FIELD_NUMBER: _ClassVar[int]
    CAPPING_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_WINDOW_FIELD_NUMBER: _ClassVar[int]
    USER_ID_TRACK_CHANGE_POLICY_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_GOALS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_GROUP_PERCENT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONAL_FIELD_NUMBER: _ClassVar[int]
    RESUME_POLICY_FIELD_NUMBER: _ClassVar[int]
    REMOVED_POINTS_FIELD_NUMBER: _ClassVar[int]
    CONDUCT_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_CODE_FIELD_NUMBER: _ClassVar[int]
    ADMITS_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    application_code: str
    silent_hours: _containers.MessageMap[str, SilentHours]
    capping: Capping
    conversion_window: ConversionWindow
    user_id_track_change_policy: Params.UserIdTrackChangePolicy
    conversion_goals: _containers.RepeatedCompositeFieldContainer[ConversionGoal]
    control_group_percent: int
    transactional: bool
    resume_policy: Params.ResumePolicy
    removed_points: Params.RemovedPoints
    conduct: Conduct
    goal: JourneyGoal
    audience_code: str
    admits_anonymous: bool
    def __init__(self, application_code: _Optional[str] = ..., silent_hours: _Optional[_Mapping[str, SilentHours]] = ..., capping: _Optional[_Union[Capping, _Mapping]] = ..., conversion_window: _Optional[_Union[ConversionWindow, _Mapping]] = ..., user_id_track_change_policy: _Optional[_Union[Params.UserIdTrackChangePolicy, str]] = ..., conversion_goals: _Optional[_Iterable[_Union[ConversionGoal, _Mapping]]] = ..., control_group_percent: _Optional[int] = ..., transactional: _Optional[bool] = ..., resume_policy: _Optional[_Union[Params.ResumePolicy, str]] = ..., removed_points: _Optional[_Union[Params.RemovedPoints, str]] = ..., conduct: _Optional[_Union[Conduct, _Mapping]] = ..., goal: _Optional[_Union[JourneyGoal, _Mapping]] = ..., audience_code: _Optional[str] = ..., admits_anonymous: _Optional[bool] = ...) -> None: ...

class Conduct(_message.Message):
    __slots__ = ("on_pause", "reentry", "exit_on_goal", "other")
    class OnPause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ON_PAUSE_UNSPECIFIED: _ClassVar[Conduct.OnPause]
        CONTINUE: _ClassVar[Conduct.OnPause]
        HOLD: _ClassVar[Conduct.OnPause]
    ON_PAUSE_UNSPECIFIED: Conduct.OnPause
    CONTINUE: Conduct.OnPause
    HOLD: Conduct.OnPause
    ON_PAUSE_FIELD_NUMBER: _ClassVar[int]
    REENTRY_FIELD_NUMBER: _ClassVar[int]
    EXIT_ON_GOAL_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    on_pause: Conduct.OnPause
    reentry: Reentry
    exit_on_goal: bool
    other: str
    def __init__(self, on_pause: _Optional[_Union[Conduct.OnPause, str]] = ..., reentry: _Optional[_Union[Reentry, _Mapping]] = ..., exit_on_goal: _Optional[bool] = ..., other: _Optional[str] = ...) -> None: ...

class Reentry(_message.Message):
    __slots__ = ("mode", "cooldown_hours")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[Reentry.Mode]
        ONCE: _ClassVar[Reentry.Mode]
        ALWAYS: _ClassVar[Reentry.Mode]
        COOLDOWN: _ClassVar[Reentry.Mode]
        ENTRIES: _ClassVar[Reentry.Mode]
    MODE_UNSPECIFIED: Reentry.Mode
    ONCE: Reentry.Mode
    ALWAYS: Reentry.Mode
    COOLDOWN: Reentry.Mode
    ENTRIES: Reentry.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_HOURS_FIELD_NUMBER: _ClassVar[int]
    mode: Reentry.Mode
    cooldown_hours: int
    def __init__(self, mode: _Optional[_Union[Reentry.Mode, str]] = ..., cooldown_hours: _Optional[int] = ...) -> None: ...

class JourneyGoal(_message.Message):
    __slots__ = ("event", "page_visit", "attribute_match", "flow_completed", "deadline_days")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_VISIT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_MATCH_FIELD_NUMBER: _ClassVar[int]
    FLOW_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_DAYS_FIELD_NUMBER: _ClassVar[int]
    event: EventGoal
    page_visit: PageVisit
    attribute_match: AttributeMatch
    flow_completed: FlowCompleted
    deadline_days: int
    def __init__(self, event: _Optional[_Union[EventGoal, _Mapping]] = ..., page_visit: _Optional[_Union[PageVisit, _Mapping]] = ..., attribute_match: _Optional[_Union[AttributeMatch, _Mapping]] = ..., flow_completed: _Optional[_Union[FlowCompleted, _Mapping]] = ..., deadline_days: _Optional[int] = ...) -> None: ...

class EventGoal(_message.Message):
    __slots__ = ("event_name", "event_conditions")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    event_conditions: _containers.RepeatedCompositeFieldContainer[PointEventCondition]
    def __init__(self, event_name: _Optional[str] = ..., event_conditions: _Optional[_Iterable[_Union[PointEventCondition, _Mapping]]] = ...) -> None: ...

class PageVisit(_message.Message):
    __slots__ = ("match_type", "pattern")
    MATCH_TYPE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    match_type: MatchType
    pattern: str
    def __init__(self, match_type: _Optional[_Union[MatchType, str]] = ..., pattern: _Optional[str] = ...) -> None: ...

class AttributeMatch(_message.Message):
    __slots__ = ("field", "operator", "value")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    field: str
    operator: str
    value: _struct_pb2.Value
    def __init__(self, field: _Optional[str] = ..., operator: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class FlowCompleted(_message.Message):
    __slots__ = ("flow_id",)
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    flow_id: str
    def __init__(self, flow_id: _Optional[str] = ...) -> None: ...

class SilentHours(_message.Message):
    __slots__ = ("enabled", "to", "timezone", "fallback_timezone", "blocked_days", "policy")
    class Policy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        POLICY_UNSPECIFIED: _ClassVar[SilentHours.Policy]
        WAIT: _ClassVar[SilentHours.Policy]
        SKIP: _ClassVar[SilentHours.Policy]
    POLICY_UNSPECIFIED: SilentHours.Policy
    WAIT: SilentHours.Policy
    SKIP: SilentHours.Policy
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_DAYS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    to: str
    timezone: str
    fallback_timezone: str
    blocked_days: _containers.RepeatedScalarFieldContainer[Weekday]
    policy: SilentHours.Policy
    def __init__(self, enabled: _Optional[bool] = ..., to: _Optional[str] = ..., timezone: _Optional[str] = ..., fallback_timezone: _Optional[str] = ..., blocked_days: _Optional[_Iterable[_Union[Weekday, str]]] = ..., policy: _Optional[_Union[SilentHours.Policy, str]] = ..., **kwargs) -> None: ...

class Capping(_message.Message):
    __slots__ = ("max_entries", "period_seconds")
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    PERIOD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    max_entries: int
    period_seconds: int
    def __init__(self, max_entries: _Optional[int] = ..., period_seconds: _Optional[int] = ...) -> None: ...

class ConversionWindow(_message.Message):
    __slots__ = ("seconds",)
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    def __init__(self, seconds: _Optional[int] = ...) -> None: ...

class ConversionGoal(_message.Message):
    __slots__ = ("name", "event_name", "event_conditions", "ends_journey", "value_attribute")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    ENDS_JOURNEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    event_name: str
    event_conditions: _containers.RepeatedCompositeFieldContainer[PointEventCondition]
    ends_journey: bool
    value_attribute: str
    def __init__(self, name: _Optional[str] = ..., event_name: _Optional[str] = ..., event_conditions: _Optional[_Iterable[_Union[PointEventCondition, _Mapping]]] = ..., ends_journey: _Optional[bool] = ..., value_attribute: _Optional[str] = ...) -> None: ...

class Coordinates(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class Comment(_message.Message):
    __slots__ = ("uuid", "text", "coordinates", "author", "created_at")
    UUID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    text: str
    coordinates: Coordinates
    author: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, uuid: _Optional[str] = ..., text: _Optional[str] = ..., coordinates: _Optional[_Union[Coordinates, _Mapping]] = ..., author: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("uuid", "title", "point_type", "coordinates", "point_data", "outputs")
    class OutputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Output
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Output, _Mapping]] = ...) -> None: ...
    UUID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    POINT_TYPE_FIELD_NUMBER: _ClassVar[int]
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    POINT_DATA_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    title: str
    point_type: PointType
    coordinates: Coordinates
    point_data: PointData
    outputs: _containers.MessageMap[str, Output]
    def __init__(self, uuid: _Optional[str] = ..., title: _Optional[str] = ..., point_type: _Optional[_Union[PointType, str]] = ..., coordinates: _Optional[_Union[Coordinates, _Mapping]] = ..., point_data: _Optional[_Union[PointData, _Mapping]] = ..., outputs: _Optional[_Mapping[str, Output]] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("info",)
    class Info(_message.Message):
        __slots__ = ("next_point_uuid", "label")
        NEXT_POINT_UUID_FIELD_NUMBER: _ClassVar[int]
        LABEL_FIELD_NUMBER: _ClassVar[int]
        next_point_uuid: str
        label: str
        def __init__(self, next_point_uuid: _Optional[str] = ..., label: _Optional[str] = ...) -> None: ...
    INFO_FIELD_NUMBER: _ClassVar[int]
    info: Output.Info
    def __init__(self, info: _Optional[_Union[Output.Info, _Mapping]] = ...) -> None: ...

class PointData(_message.Message):
    __slots__ = ("start_by_segment", "message_bus", "start_by_api", "wait", "wait_for_trigger", "boolean_splitter", "random_splitter", "update_profile", "webhook", "exit", "send_email", "content", "url_match", "element_click", "condition", "goal_check")
    START_BY_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BUS_FIELD_NUMBER: _ClassVar[int]
    START_BY_API_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_SPLITTER_FIELD_NUMBER: _ClassVar[int]
    RANDOM_SPLITTER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    SEND_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    URL_MATCH_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_CLICK_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    GOAL_CHECK_FIELD_NUMBER: _ClassVar[int]
    start_by_segment: StartBySegment
    message_bus: MessageBus
    start_by_api: StartByApi
    wait: Wait
    wait_for_trigger: WaitForTrigger
    boolean_splitter: BooleanSplitter
    random_splitter: RandomSplitter
    update_profile: UpdateProfile
    webhook: Webhook
    exit: Exit
    send_email: SendEmail
    content: Content
    url_match: UrlMatch
    element_click: ElementClick
    condition: Condition
    goal_check: GoalCheck
    def __init__(self, start_by_segment: _Optional[_Union[StartBySegment, _Mapping]] = ..., message_bus: _Optional[_Union[MessageBus, _Mapping]] = ..., start_by_api: _Optional[_Union[StartByApi, _Mapping]] = ..., wait: _Optional[_Union[Wait, _Mapping]] = ..., wait_for_trigger: _Optional[_Union[WaitForTrigger, _Mapping]] = ..., boolean_splitter: _Optional[_Union[BooleanSplitter, _Mapping]] = ..., random_splitter: _Optional[_Union[RandomSplitter, _Mapping]] = ..., update_profile: _Optional[_Union[UpdateProfile, _Mapping]] = ..., webhook: _Optional[_Union[Webhook, _Mapping]] = ..., exit: _Optional[_Union[Exit, _Mapping]] = ..., send_email: _Optional[_Union[SendEmail, _Mapping]] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., url_match: _Optional[_Union[UrlMatch, _Mapping]] = ..., element_click: _Optional[_Union[ElementClick, _Mapping]] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ..., goal_check: _Optional[_Union[GoalCheck, _Mapping]] = ...) -> None: ...

class PointEventCondition(_message.Message):
    __slots__ = ("attribute", "operator", "values")
    class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OPERATOR_UNSPECIFIED: _ClassVar[PointEventCondition.Operator]
        EQ: _ClassVar[PointEventCondition.Operator]
        NOTEQ: _ClassVar[PointEventCondition.Operator]
        IN: _ClassVar[PointEventCondition.Operator]
        NOTIN: _ClassVar[PointEventCondition.Operator]
        GT: _ClassVar[PointEventCondition.Operator]
        GTE: _ClassVar[PointEventCondition.Operator]
        LT: _ClassVar[PointEventCondition.Operator]
        LTE: _ClassVar[PointEventCondition.Operator]
        BETWEEN: _ClassVar[PointEventCondition.Operator]
        CONTAINS: _ClassVar[PointEventCondition.Operator]
        STARTS_WITH: _ClassVar[PointEventCondition.Operator]
        ENDS_WITH: _ClassVar[PointEventCondition.Operator]
        SET: _ClassVar[PointEventCondition.Operator]
        NOTSET: _ClassVar[PointEventCondition.Operator]
    OPERATOR_UNSPECIFIED: PointEventCondition.Operator
    EQ: PointEventCondition.Operator
    NOTEQ: PointEventCondition.Operator
    IN: PointEventCondition.Operator
    NOTIN: PointEventCondition.Operator
    GT: PointEventCondition.Operator
    GTE: PointEventCondition.Operator
    LT: PointEventCondition.Operator
    LTE: PointEventCondition.Operator
    BETWEEN: PointEventCondition.Operator
    CONTAINS: PointEventCondition.Operator
    STARTS_WITH: PointEventCondition.Operator
    ENDS_WITH: PointEventCondition.Operator
    SET: PointEventCondition.Operator
    NOTSET: PointEventCondition.Operator
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    operator: PointEventCondition.Operator
    values: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    def __init__(self, attribute: _Optional[str] = ..., operator: _Optional[_Union[PointEventCondition.Operator, str]] = ..., values: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ...) -> None: ...

class Period(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...

class StartBySegment(_message.Message):
    __slots__ = ("application_code", "filter_code", "filter", "repeat", "start_at", "is_deactivated", "trigger", "allow_reenter")
    class Trigger(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TRIGGER_UNSPECIFIED: _ClassVar[StartBySegment.Trigger]
        MATCHING: _ClassVar[StartBySegment.Trigger]
        DYNAMIC: _ClassVar[StartBySegment.Trigger]
        JOINING: _ClassVar[StartBySegment.Trigger]
        LEAVING: _ClassVar[StartBySegment.Trigger]
    TRIGGER_UNSPECIFIED: StartBySegment.Trigger
    MATCHING: StartBySegment.Trigger
    DYNAMIC: StartBySegment.Trigger
    JOINING: StartBySegment.Trigger
    LEAVING: StartBySegment.Trigger
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    FILTER_CODE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    START_AT_FIELD_NUMBER: _ClassVar[int]
    IS_DEACTIVATED_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REENTER_FIELD_NUMBER: _ClassVar[int]
    application_code: str
    filter_code: str
    filter: str
    repeat: SegmentRepeat
    start_at: _timestamp_pb2.Timestamp
    is_deactivated: bool
    trigger: StartBySegment.Trigger
    allow_reenter: bool
    def __init__(self, application_code: _Optional[str] = ..., filter_code: _Optional[str] = ..., filter: _Optional[str] = ..., repeat: _Optional[_Union[SegmentRepeat, _Mapping]] = ..., start_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_deactivated: _Optional[bool] = ..., trigger: _Optional[_Union[StartBySegment.Trigger, str]] = ..., allow_reenter: _Optional[bool] = ...) -> None: ...

class SegmentRepeat(_message.Message):
    __slots__ = ("dates", "every", "until", "timezone", "fallback_timezone", "passed")
    class Passed(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PASSED_UNSPECIFIED: _ClassVar[SegmentRepeat.Passed]
        SKIP: _ClassVar[SegmentRepeat.Passed]
        SEND_NOW: _ClassVar[SegmentRepeat.Passed]
        NEXT_DAY: _ClassVar[SegmentRepeat.Passed]
    PASSED_UNSPECIFIED: SegmentRepeat.Passed
    SKIP: SegmentRepeat.Passed
    SEND_NOW: SegmentRepeat.Passed
    NEXT_DAY: SegmentRepeat.Passed
    DATES_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    dates: _containers.RepeatedScalarFieldContainer[str]
    every: Every
    until: _timestamp_pb2.Timestamp
    timezone: str
    fallback_timezone: str
    passed: SegmentRepeat.Passed
    def __init__(self, dates: _Optional[_Iterable[str]] = ..., every: _Optional[_Union[Every, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., timezone: _Optional[str] = ..., fallback_timezone: _Optional[str] = ..., passed: _Optional[_Union[SegmentRepeat.Passed, str]] = ...) -> None: ...

class Every(_message.Message):
    __slots__ = ("unit", "interval", "days", "time")
    class Unit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNIT_UNSPECIFIED: _ClassVar[Every.Unit]
        DAY: _ClassVar[Every.Unit]
        WEEK: _ClassVar[Every.Unit]
        MONTH: _ClassVar[Every.Unit]
    UNIT_UNSPECIFIED: Every.Unit
    DAY: Every.Unit
    WEEK: Every.Unit
    MONTH: Every.Unit
    UNIT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    unit: Every.Unit
    interval: int
    days: _containers.RepeatedScalarFieldContainer[str]
    time: str
    def __init__(self, unit: _Optional[_Union[Every.Unit, str]] = ..., interval: _Optional[int] = ..., days: _Optional[_Iterable[str]] = ..., time: _Optional[str] = ...) -> None: ...

class MessageBus(_message.Message):
    __slots__ = ("event_name", "application_code", "event_conditions", "active_period", "multi_entry", "attribute_entry", "allow_reenter")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    EVENT_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MULTI_ENTRY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_ENTRY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_REENTER_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    application_code: str
    event_conditions: _containers.RepeatedCompositeFieldContainer[PointEventCondition]
    active_period: Period
    multi_entry: MultiEntry
    attribute_entry: AttributeEntry
    allow_reenter: bool
    def __init__(self, event_name: _Optional[str] = ..., application_code: _Optional[str] = ..., event_conditions: _Optional[_Iterable[_Union[PointEventCondition, _Mapping]]] = ..., active_period: _Optional[_Union[Period, _Mapping]] = ..., multi_entry: _Optional[_Union[MultiEntry, _Mapping]] = ..., attribute_entry: _Optional[_Union[AttributeEntry, _Mapping]] = ..., allow_reenter: _Optional[bool] = ...) -> None: ...

class MultiEntry(_message.Message):
    __slots__ = ("enabled", "key_attribute")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    KEY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    key_attribute: str
    def __init__(self, enabled: _Optional[bool] = ..., key_attribute: _Optional[str] = ...) -> None: ...

class AttributeEntry(_message.Message):
    __slots__ = ("enabled", "attribute_name")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    attribute_name: str
    def __init__(self, enabled: _Optional[bool] = ..., attribute_name: _Optional[str] = ...) -> None: ...

class StartByApi(_message.Message):
    __slots__ = ("application_code", "attributes", "is_deactivated")
    APPLICATION_CODE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    IS_DEACTIVATED_FIELD_NUMBER: _ClassVar[int]
    application_code: str
    attributes: _containers.RepeatedCompositeFieldContainer[EntryAttribute]
    is_deactivated: bool
    def __init__(self, application_code: _Optional[str] = ..., attributes: _Optional[_Iterable[_Union[EntryAttribute, _Mapping]]] = ..., is_deactivated: _Optional[bool] = ...) -> None: ...

class EntryAttribute(_message.Message):
    __slots__ = ("name", "default_value", "required")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    name: str
    default_value: str
    required: bool
    def __init__(self, name: _Optional[str] = ..., default_value: _Optional[str] = ..., required: _Optional[bool] = ...) -> None: ...

class UrlMatch(_message.Message):
    __slots__ = ("match_type", "pattern")
    MATCH_TYPE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    match_type: MatchType
    pattern: str
    def __init__(self, match_type: _Optional[_Union[MatchType, str]] = ..., pattern: _Optional[str] = ...) -> None: ...

class ElementClick(_message.Message):
    __slots__ = ("selector",)
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    selector: str
    def __init__(self, selector: _Optional[str] = ...) -> None: ...

class Wait(_message.Message):
    __slots__ = ("duration_seconds", "time_of_day", "until", "weekday", "date_attribute", "unit")
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TIME_OF_DAY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    WEEKDAY_FIELD_NUMBER: _ClassVar[int]
    DATE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    duration_seconds: int
    time_of_day: TimeOfDay
    until: Until
    weekday: OnWeekday
    date_attribute: DateAttribute
    unit: DurationUnit
    def __init__(self, duration_seconds: _Optional[int] = ..., time_of_day: _Optional[_Union[TimeOfDay, _Mapping]] = ..., until: _Optional[_Union[Until, _Mapping]] = ..., weekday: _Optional[_Union[OnWeekday, _Mapping]] = ..., date_attribute: _Optional[_Union[DateAttribute, _Mapping]] = ..., unit: _Optional[_Union[DurationUnit, str]] = ...) -> None: ...

class TimeOfDay(_message.Message):
    __slots__ = ("time", "timezone")
    TIME_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    time: str
    timezone: str
    def __init__(self, time: _Optional[str] = ..., timezone: _Optional[str] = ...) -> None: ...

class Until(_message.Message):
    __slots__ = ("at",)
    AT_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OnWeekday(_message.Message):
    __slots__ = ("days", "time", "timezone")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedScalarFieldContainer[Weekday]
    time: str
    timezone: str
    def __init__(self, days: _Optional[_Iterable[_Union[Weekday, str]]] = ..., time: _Optional[str] = ..., timezone: _Optional[str] = ...) -> None: ...

class DateAttribute(_message.Message):
    __slots__ = ("source", "name", "offset_seconds", "time_of_day", "past")
    class Past(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PAST_UNSPECIFIED: _ClassVar[DateAttribute.Past]
        DROP: _ClassVar[DateAttribute.Past]
        CONTINUE: _ClassVar[DateAttribute.Past]
        NEXT_YEAR: _ClassVar[DateAttribute.Past]
    PAST_UNSPECIFIED: DateAttribute.Past
    DROP: DateAttribute.Past
    CONTINUE: DateAttribute.Past
    NEXT_YEAR: DateAttribute.Past
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TIME_OF_DAY_FIELD_NUMBER: _ClassVar[int]
    PAST_FIELD_NUMBER: _ClassVar[int]
    source: Source
    name: str
    offset_seconds: int
    time_of_day: str
    past: DateAttribute.Past
    def __init__(self, source: _Optional[_Union[Source, str]] = ..., name: _Optional[str] = ..., offset_seconds: _Optional[int] = ..., time_of_day: _Optional[str] = ..., past: _Optional[_Union[DateAttribute.Past, str]] = ...) -> None: ...

class WaitForTrigger(_message.Message):
    __slots__ = ("period_seconds", "fixed_period", "branches", "unit")
    PERIOD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    FIXED_PERIOD_FIELD_NUMBER: _ClassVar[int]
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    period_seconds: int
    fixed_period: bool
    branches: _containers.RepeatedCompositeFieldContainer[TriggerBranch]
    unit: DurationUnit
    def __init__(self, period_seconds: _Optional[int] = ..., fixed_period: _Optional[bool] = ..., branches: _Optional[_Iterable[_Union[TriggerBranch, _Mapping]]] = ..., unit: _Optional[_Union[DurationUnit, str]] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("content_id", "content_type", "timeout_seconds", "unit")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Content.Type]
        ANNOUNCEMENT: _ClassVar[Content.Type]
        BANNER: _ClassVar[Content.Type]
        BEACON: _ClassVar[Content.Type]
        FLOW: _ClassVar[Content.Type]
        MODAL: _ClassVar[Content.Type]
        SURVEY: _ClassVar[Content.Type]
        TASK_LIST: _ClassVar[Content.Type]
        TOOLTIP: _ClassVar[Content.Type]
    TYPE_UNSPECIFIED: Content.Type
    ANNOUNCEMENT: Content.Type
    BANNER: Content.Type
    BEACON: Content.Type
    FLOW: Content.Type
    MODAL: Content.Type
    SURVEY: Content.Type
    TASK_LIST: Content.Type
    TOOLTIP: Content.Type
    CONTENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    content_id: str
    content_type: Content.Type
    timeout_seconds: int
    unit: DurationUnit
    def __init__(self, content_id: _Optional[str] = ..., content_type: _Optional[_Union[Content.Type, str]] = ..., timeout_seconds: _Optional[int] = ..., unit: _Optional[_Union[DurationUnit, str]] = ...) -> None: ...

class TriggerBranch(_message.Message):
    __slots__ = ("name", "operator", "events", "look_back_seconds")
    class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OPERATOR_UNSPECIFIED: _ClassVar[TriggerBranch.Operator]
        AND: _ClassVar[TriggerBranch.Operator]
        OR: _ClassVar[TriggerBranch.Operator]
    OPERATOR_UNSPECIFIED: TriggerBranch.Operator
    AND: TriggerBranch.Operator
    OR: TriggerBranch.Operator
    NAME_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LOOK_BACK_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    operator: TriggerBranch.Operator
    events: _containers.RepeatedCompositeFieldContainer[AwaitedEvent]
    look_back_seconds: int
    def __init__(self, name: _Optional[str] = ..., operator: _Optional[_Union[TriggerBranch.Operator, str]] = ..., events: _Optional[_Iterable[_Union[AwaitedEvent, _Mapping]]] = ..., look_back_seconds: _Optional[int] = ...) -> None: ...

class AwaitedEvent(_message.Message):
    __slots__ = ("event_name", "event_conditions", "match_entry_attribute")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    MATCH_ENTRY_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    event_conditions: _containers.RepeatedCompositeFieldContainer[PointEventCondition]
    match_entry_attribute: str
    def __init__(self, event_name: _Optional[str] = ..., event_conditions: _Optional[_Iterable[_Union[PointEventCondition, _Mapping]]] = ..., match_entry_attribute: _Optional[str] = ...) -> None: ...

class BooleanSplitter(_message.Message):
    __slots__ = ("filter_code", "filter")
    FILTER_CODE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter_code: str
    filter: str
    def __init__(self, filter_code: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class RandomSplitter(_message.Message):
    __slots__ = ("branches", "sticky", "winner")
    class Sticky(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STICKY_UNSPECIFIED: _ClassVar[RandomSplitter.Sticky]
        ENROLLMENT: _ClassVar[RandomSplitter.Sticky]
        PROFILE: _ClassVar[RandomSplitter.Sticky]
    STICKY_UNSPECIFIED: RandomSplitter.Sticky
    ENROLLMENT: RandomSplitter.Sticky
    PROFILE: RandomSplitter.Sticky
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    STICKY_FIELD_NUMBER: _ClassVar[int]
    WINNER_FIELD_NUMBER: _ClassVar[int]
    branches: _containers.RepeatedCompositeFieldContainer[RandomBranch]
    sticky: RandomSplitter.Sticky
    winner: Winner
    def __init__(self, branches: _Optional[_Iterable[_Union[RandomBranch, _Mapping]]] = ..., sticky: _Optional[_Union[RandomSplitter.Sticky, str]] = ..., winner: _Optional[_Union[Winner, _Mapping]] = ...) -> None: ...

class RandomBranch(_message.Message):
    __slots__ = ("title", "percent")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    title: str
    percent: float
    def __init__(self, title: _Optional[str] = ..., percent: _Optional[float] = ...) -> None: ...

class Winner(_message.Message):
    __slots__ = ("mode", "goal", "min_sample", "significance")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[Winner.Mode]
        MANUAL: _ClassVar[Winner.Mode]
        AUTOMATIC: _ClassVar[Winner.Mode]
    MODE_UNSPECIFIED: Winner.Mode
    MANUAL: Winner.Mode
    AUTOMATIC: Winner.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    MIN_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    SIGNIFICANCE_FIELD_NUMBER: _ClassVar[int]
    mode: Winner.Mode
    goal: str
    min_sample: int
    significance: float
    def __init__(self, mode: _Optional[_Union[Winner.Mode, str]] = ..., goal: _Optional[str] = ..., min_sample: _Optional[int] = ..., significance: _Optional[float] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("branches",)
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    branches: _containers.RepeatedCompositeFieldContainer[ConditionBranch]
    def __init__(self, branches: _Optional[_Iterable[_Union[ConditionBranch, _Mapping]]] = ...) -> None: ...

class ConditionBranch(_message.Message):
    __slots__ = ("label", "rule_tree")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RULE_TREE_FIELD_NUMBER: _ClassVar[int]
    label: str
    rule_tree: str
    def __init__(self, label: _Optional[str] = ..., rule_tree: _Optional[str] = ...) -> None: ...

class GoalCheck(_message.Message):
    __slots__ = ("goal",)
    GOAL_FIELD_NUMBER: _ClassVar[int]
    goal: JourneyGoal
    def __init__(self, goal: _Optional[_Union[JourneyGoal, _Mapping]] = ...) -> None: ...

class UpdateProfile(_message.Message):
    __slots__ = ("operations",)
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[ProfileOperation]
    def __init__(self, operations: _Optional[_Iterable[_Union[ProfileOperation, _Mapping]]] = ...) -> None: ...

class ProfileOperation(_message.Message):
    __slots__ = ("tag", "operation", "value")
    class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OPERATION_UNSPECIFIED: _ClassVar[ProfileOperation.Operation]
        SET: _ClassVar[ProfileOperation.Operation]
        APPEND: _ClassVar[ProfileOperation.Operation]
        REMOVE: _ClassVar[ProfileOperation.Operation]
        INCREMENT: _ClassVar[ProfileOperation.Operation]
        UNSET: _ClassVar[ProfileOperation.Operation]
    OPERATION_UNSPECIFIED: ProfileOperation.Operation
    SET: ProfileOperation.Operation
    APPEND: ProfileOperation.Operation
    REMOVE: ProfileOperation.Operation
    INCREMENT: ProfileOperation.Operation
    UNSET: ProfileOperation.Operation
    TAG_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    tag: str
    operation: ProfileOperation.Operation
    value: _struct_pb2.Value
    def __init__(self, tag: _Optional[str] = ..., operation: _Optional[_Union[ProfileOperation.Operation, str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., **kwargs) -> None: ...

class ValueFrom(_message.Message):
    __slots__ = ("source", "name")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    source: Source
    name: str
    def __init__(self, source: _Optional[_Union[Source, str]] = ..., name: _Optional[str] = ...) -> None: ...

class Webhook(_message.Message):
    __slots__ = ("url", "method", "headers", "body", "wait_for_response", "save_response", "timeout_seconds")
    class Method(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        METHOD_UNSPECIFIED: _ClassVar[Webhook.Method]
        GET: _ClassVar[Webhook.Method]
        POST: _ClassVar[Webhook.Method]
        PUT: _ClassVar[Webhook.Method]
        PATCH: _ClassVar[Webhook.Method]
        DELETE: _ClassVar[Webhook.Method]
    METHOD_UNSPECIFIED: Webhook.Method
    GET: Webhook.Method
    POST: Webhook.Method
    PUT: Webhook.Method
    PATCH: Webhook.Method
    DELETE: Webhook.Method
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    URL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FOR_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    SAVE_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    url: str
    method: Webhook.Method
    headers: _containers.ScalarMap[str, str]
    body: str
    wait_for_response: bool
    save_response: _containers.RepeatedCompositeFieldContainer[SaveResponse]
    timeout_seconds: int
    def __init__(self, url: _Optional[str] = ..., method: _Optional[_Union[Webhook.Method, str]] = ..., headers: _Optional[_Mapping[str, str]] = ..., body: _Optional[str] = ..., wait_for_response: _Optional[bool] = ..., save_response: _Optional[_Iterable[_Union[SaveResponse, _Mapping]]] = ..., timeout_seconds: _Optional[int] = ...) -> None: ...

class SaveResponse(_message.Message):
    __slots__ = ("path", "name")
    PATH_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    path: str
    name: str
    def __init__(self, path: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class Exit(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: str
    def __init__(self, outcome: _Optional[str] = ...) -> None: ...

class SendEmail(_message.Message):
    __slots__ = ("preset_code", "content", "from_email", "from_name", "reply_to", "bcc", "send_to_unsubscribed", "campaign_code", "capping", "send_rate_per_second", "split_by_reaction", "best_time", "utm")
    PRESET_CODE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FROM_EMAIL_FIELD_NUMBER: _ClassVar[int]
    FROM_NAME_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    BCC_FIELD_NUMBER: _ClassVar[int]
    SEND_TO_UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_CODE_FIELD_NUMBER: _ClassVar[int]
    CAPPING_FIELD_NUMBER: _ClassVar[int]
    SEND_RATE_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    SPLIT_BY_REACTION_FIELD_NUMBER: _ClassVar[int]
    BEST_TIME_FIELD_NUMBER: _ClassVar[int]
    UTM_FIELD_NUMBER: _ClassVar[int]
    preset_code: str
    content: EmailContent
    from_email: str
    from_name: str
    reply_to: str
    bcc: str
    send_to_unsubscribed: bool
    campaign_code: str
    capping: MessageCapping
    send_rate_per_second: int
    split_by_reaction: ReactionSplit
    best_time: bool
    utm: Utm
    def __init__(self, preset_code: _Optional[str] = ..., content: _Optional[_Union[EmailContent, _Mapping]] = ..., from_email: _Optional[str] = ..., from_name: _Optional[str] = ..., reply_to: _Optional[str] = ..., bcc: _Optional[str] = ..., send_to_unsubscribed: _Optional[bool] = ..., campaign_code: _Optional[str] = ..., capping: _Optional[_Union[MessageCapping, _Mapping]] = ..., send_rate_per_second: _Optional[int] = ..., split_by_reaction: _Optional[_Union[ReactionSplit, _Mapping]] = ..., best_time: _Optional[bool] = ..., utm: _Optional[_Union[Utm, _Mapping]] = ...) -> None: ...

class EmailContent(_message.Message):
    __slots__ = ("subject", "html", "text")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    html: str
    text: str
    def __init__(self, subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class MessageCapping(_message.Message):
    __slots__ = ("mode", "max_messages", "period_seconds")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[MessageCapping.Mode]
        FOLLOW_GLOBAL: _ClassVar[MessageCapping.Mode]
        IGNORE_GLOBAL: _ClassVar[MessageCapping.Mode]
        CUSTOM: _ClassVar[MessageCapping.Mode]
    MODE_UNSPECIFIED: MessageCapping.Mode
    FOLLOW_GLOBAL: MessageCapping.Mode
    IGNORE_GLOBAL: MessageCapping.Mode
    CUSTOM: MessageCapping.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    PERIOD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    mode: MessageCapping.Mode
    max_messages: int
    period_seconds: int
    def __init__(self, mode: _Optional[_Union[MessageCapping.Mode, str]] = ..., max_messages: _Optional[int] = ..., period_seconds: _Optional[int] = ...) -> None: ...

class ReactionSplit(_message.Message):
    __slots__ = ("reaction", "wait_seconds")
    class Reaction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REACTION_UNSPECIFIED: _ClassVar[ReactionSplit.Reaction]
        OPENED: _ClassVar[ReactionSplit.Reaction]
        CLICKED: _ClassVar[ReactionSplit.Reaction]
    REACTION_UNSPECIFIED: ReactionSplit.Reaction
    OPENED: ReactionSplit.Reaction
    CLICKED: ReactionSplit.Reaction
    REACTION_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    reaction: ReactionSplit.Reaction
    wait_seconds: int
    def __init__(self, reaction: _Optional[_Union[ReactionSplit.Reaction, str]] = ..., wait_seconds: _Optional[int] = ...) -> None: ...

class Utm(_message.Message):
    __slots__ = ("source", "medium", "campaign", "term", "content")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MEDIUM_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    source: str
    medium: str
    campaign: str
    term: str
    content: str
    def __init__(self, source: _Optional[str] = ..., medium: _Optional[str] = ..., campaign: _Optional[str] = ..., term: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...
