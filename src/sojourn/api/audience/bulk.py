"""Bulk: people and events imported from a body while it comes, and exported as an answer while it is read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Generator, Mapping
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, cast
from uuid import uuid4

from litestar import Response
from litestar.exceptions import ClientException, InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.audience.uploads import Upload, opened
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.refusals import MalformedRequest
from sojourn.model.problems import Problem
from sojourn.service.commands import Caller
from sojourn.service.errors import Overloaded
from sojourn.service.exporting.plan import BEGINNING, END, ExportPlan
from sojourn.service.exporting.plan import Subject as ExportSubject
from sojourn.service.exporting.plan import TextFormat as ExportFormat
from sojourn.service.importing.content import TextFormat
from sojourn.service.importing.files import SourceStream
from sojourn.service.importing.plan import VALUE_TYPES, Plan, Subject, ValueType
from sojourn.service.importing.rejects import RejectList
from sojourn.service.importing.run import Report
from sojourn.service.service import Service

IMPORT_PATH, EXPORT_PATH = "/api/v2/audience/import", "/api/v2/audience/export"

AT_ONCE = 2
"""Imports, and exports, that one process does at once: each keeps a connection busy."""

EXPORT_SECONDS = 3600.0
"""How long one export may take: what is deleted meanwhile cannot be cleared away."""

IDEMPOTENCY_KEY_MAX = 255
IMPORT_MAX = 5_000_000_000
"""Bytes of a body, as it is sent."""

REFUSED_MAX = 1000
"""Refused rows that an answer lists."""

IMPORT_FORMATS: Mapping[str, TextFormat] = {
    "application/json-lines": "jsonl",
    "application/jsonl": "jsonl",
    "application/ndjson": "jsonl",
    "application/x-ndjson": "jsonl",
    "text/csv": "csv",
}
"""By content type."""

EXPORT_TYPES: Mapping[str, str] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


def bulk_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""
    imports, exports = Slots(AT_ONCE), Slots(AT_ONCE)

    async def take_in(request: AnyRequest) -> Response[bytes]:
        caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")
        plan = _import_plan(Parameters(request))
        import_id = _import_id(request.headers.get("idempotency-key", ""), plan)
        format_ = import_format(request.headers.get("content-type", ""))
        upload = Upload(pieces(request), limit=IMPORT_MAX)
        content = opened(upload, request.headers.get("content-encoding", ""))
        source = SourceStream(content, format_, delimiter=plan.delimiter, on_abandon=upload.abandon)
        rejects = RejectList(limit=REFUSED_MAX)
        with imports.taken():
            report = await service.import_stream(caller, plan, source, import_id=import_id, rejects=rejects)
        return json_response(_summary(report, rejects))

    async def give_out(request: AnyRequest) -> Response[Any]:
        caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")
        parameters = Parameters(request)
        format_ = cast("ExportFormat", parameters.one_of("format", ("csv", "jsonl"), default="jsonl"))
        plan = _export_plan(parameters)
        return await exported(service, caller, plan, format_, exports)

    return [
        audience_route("POST", IMPORT_PATH, "import", metrics, take_in, body_max=None),
        audience_route("GET", EXPORT_PATH, "export", metrics, give_out),
    ]


class Slots:
    """How many of something go on at once."""

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def taken(self) -> Generator[None]:
        """Take one of the slots.

        Raises:
            Overloaded: None is free.
        """
        if not self._free:
            raise Overloaded(f"{AT_ONCE} of these are under way; try again later")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


# Import -----------------------------------------------------------------------------------------------------


async def pieces(request: AnyRequest) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises:
        MalformedRequest: It ends before its end.
    """
    try:
        async for piece in request.stream():
            yield piece
    except ClientException as error:
        raise MalformedRequest(error.detail) from error
    except InternalServerException as error:
        raise MalformedRequest("the body ended early") from error


def _import_plan(given: "Parameters") -> Plan:
    subject = cast("Subject", given.one_of("subject", ("people", "events")))
    application = given.required("application")
    columns, attributes, types = given.pairs("map"), given.pairs("attribute"), given.pairs("type")
    given.problems += [
        Problem("type.unknown", "type", f"`{type_}` is no type; the types are {', '.join(VALUE_TYPES)}")
        for type_ in types.values()
        if type_ not in VALUE_TYPES
    ]
    delimiter = given.single("delimiter")
    if len(delimiter) > 1:
        given.problems.append(Problem("field.length", "delimiter", "must be one character"))
    event = given.single("event")
    is_history = given.flag("history")
    if subject == "people" and (event or is_history):
        given.problems.append(Problem("field.conflict", "event" if event else "history", "is for events"))
    separator = given.single("list_separator") or ";"
    given.refuse()
    return Plan(
        subject=subject,
        application_code=application,
        columns=columns,
        attributes=attributes or None,
        types=cast("Mapping[str, ValueType]", types),  # checked above
        event=event,
        is_history=is_history,
        delimiter=delimiter or None,
        list_separator=separator,
    )


def _import_id(key: str, plan: Plan) -> str:
    """Name an import: with a key, the same again; without one, a new one."""
    if len(key) > IDEMPOTENCY_KEY_MAX:
        raise MalformedRequest(f"Idempotency-Key must have at most {IDEMPOTENCY_KEY_MAX} characters")
    return plan.fingerprint(blake2b(key.encode(errors="replace")).digest()) if key else uuid4().hex


def import_format(content_type: str) -> TextFormat:
    """Return the format of a content type.

    Raises:
        MalformedRequest: It is of none.
    """
    found = IMPORT_FORMATS.get(content_type.partition(";")[0].strip().lower())
    if found is None:
        raise MalformedRequest(f"a body is of one of the types {', '.join(IMPORT_FORMATS)}")
    return found


def _summary(report: Report, rejects: RejectList) -> dict[str, object]:
    return {
        "import_id": report.import_id,
        "rows": report.rows_done,
        "rows_refused": report.rows_refused,
        "was_done": report.was_done,
        "refused": [{"line": line, "reasons": reasons} for line, reasons in rejects.rows],
    }


# Export -----------------------------------------------------------------------------------------------------


def _export_plan(given: "Parameters") -> ExportPlan:
    subject = cast("ExportSubject", given.one_of("subject", ("people", "events", "enrollments")))
    since, until = given.instant("from", BEGINNING), given.instant("to", END)
    application, filter_, attributes = given.single("application"), given.single("filter"), given.several("attribute")
    given.refuse()
    return ExportPlan(
        subject=subject,
        application_code=application or None,
        filter=filter_,
        since=since,
        until=until,
        attributes=tuple(attributes),
    )


async def exported(
    service: Service, caller: Caller, plan: ExportPlan, format_: ExportFormat, slots: Slots
) -> Response[Any]:
    """Answer with an export, whose rows go out while they are read. Raises as `service.exporting.run` and `Slots`."""
    pieces = _exported(service.export_text(caller, plan, format_), slots)
    first = await anext(pieces, b"")  # what is wrong is known by now
    return Stream(
        _after(first, pieces),
        media_type=EXPORT_TYPES[format_],
        headers={"content-disposition": f'attachment; filename="{plan.subject}.{format_}"'},
    )


async def _exported(pieces: AsyncGenerator[bytes], slots: Slots) -> AsyncGenerator[bytes]:
    """Yield the pieces of an export within its time. Whoever has the first may not be who asks for the others."""
    ends_at = asyncio.get_running_loop().time() + EXPORT_SECONDS
    with slots.taken():
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
                if asyncio.get_running_loop().time() > ends_at:
                    raise TimeoutError(f"the export took more than {EXPORT_SECONDS:.0f} seconds")


async def _after(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


# Parameters -------------------------------------------------------------------------------------------------


class Parameters:
    """The query of a request. What is wrong with it is collected, what nobody asked for, too."""

    def __init__(self, request: AnyRequest) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            self._given.setdefault(name, []).append(str(value))
        self.problems: list[Problem] = []

    def several(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self._given.pop(name, [])

    def single(self, name: str) -> str:
        """Return the value of a parameter; empty where there is none."""
        values = self.several(name)
        if len(values) > 1:
            self.problems.append(Problem("field.repeated", name, "must be given once"))
        return values[0] if values else ""

    def required(self, name: str) -> str:
        """Return the value of a parameter that has to be there."""
        value = self.single(name)
        if not value:
            self.problems.append(Problem("field.required", name, "is required"))
        return value

    def one_of(self, name: str, choices: Collection[str], *, default: str = "") -> str:
        """Return one of some values."""
        value = self.single(name) or default
        if value not in choices:
            self.problems.append(Problem("field.type", name, f"must be one of {', '.join(choices)}"))
        return value

    def flag(self, name: str) -> bool:
        """Return whether a parameter is `true`."""
        return self.one_of(name, ("true", "false"), default="false") == "true"

    def instant(self, name: str, default: datetime) -> datetime:
        """Return an instant; without an offset it is in UTC."""
        value = self.single(name)
        if not value:
            return default
        try:
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        except ValueError:
            self.problems.append(Problem("field.type", name, "must be an instant, such as 2026-05-01T09:00:00Z"))
            return default

    def pairs(self, name: str) -> dict[str, str]:
        """Return the pairs that the values of a parameter are, each joined by `=`."""
        pairs: dict[str, str] = {}
        for each in self.several(name):
            key, _, value = each.partition("=")
            if key and value:
                pairs[key] = value
            else:
                self.problems.append(Problem("field.form", name, "must be two words joined by `=`"))
        return pairs

    def refuse(self) -> None:
        """Raise if anything is wrong, or was given and not asked for.

        Raises:
            MalformedRequest: With all problems.
        """
        self.problems += [Problem("field.unknown", name[:100], "unknown parameter") for name in self._given]
        if self.problems:
            raise malformed(self.problems)
